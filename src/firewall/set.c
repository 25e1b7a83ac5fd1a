/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a set is: asked by the housekeeping thread, on a socket of its own. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <time.h>

#include "firewall/table.h"

enum {
	REPLY_BYTES = 16384,
	REPLIES_MAX = 16,
};

static int take_attribute(const struct nlattr *a, void *arg)
{
	struct set_seen *seen = arg;
	unsigned n = mnl_attr_get_payload_len(a);
	switch (mnl_attr_get_type(a)) {
	case NFTA_SET_KEY_LEN:
		if (n == 4)
			seen->key_bytes = ntohl(mnl_attr_get_u32(a));
		break;
	case NFTA_SET_FLAGS:
		if (n == 4)
			seen->has_timeout = (ntohl(mnl_attr_get_u32(a)) & NFT_SET_TIMEOUT) != 0;
		break;
	case NFTA_SET_HANDLE:
		if (n == 8)
			seen->handle = be64toh(mnl_attr_get_u64(a));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* 1: more is to come; 0; -errno. */
static int take_reply(const struct nlmsghdr *h, uint32_t seq, struct set_seen *ret)
{
	if (h->nlmsg_seq != seq)
		return 1;
	if (h->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
		return mnl_nlmsg_get_payload_len(h) >= sizeof *e ? e->error : -EBADMSG;
	}
	if ((h->nlmsg_type & 0xff) == NFT_MSG_NEWSET)
		(void)mnl_attr_parse(h, sizeof(struct nfgenmsg), take_attribute, ret);
	return 1;
}

int set_look(struct firewall *f, const char *name, struct set_seen *ret)
{
	static uint32_t last_seq;
	uint8_t bytes[REPLY_BYTES];
	struct nlmsghdr *h = mnl_nlmsg_put_header(bytes);
	uint32_t seq = ++last_seq;
	*ret = (struct set_seen){ .key_bytes = 0 };
	h->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSET;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = seq;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->nfgen_family = f->family;
	g->version = NFNETLINK_V0;
	mnl_attr_put_strz(h, NFTA_SET_TABLE, f->table);
	mnl_attr_put_strz(h, NFTA_SET_NAME, name);
	if (mnl_socket_sendto(f->socket, h, h->nlmsg_len) < 0)
		return -errno;
	for (unsigned i = 0; i < REPLIES_MAX; i++) {
		ssize_t got = mnl_socket_recvfrom(f->socket, bytes, sizeof bytes);
		if (got < 0)
			return -errno;
		int n = (int)got, rc = 1;
		for (h = (struct nlmsghdr *)bytes; rc == 1 && mnl_nlmsg_ok(h, n);
		     h = mnl_nlmsg_next(h, &n))
			rc = take_reply(h, seq, ret);
		if (rc <= 0)
			return rc;
	}
	return -EBADMSG;
}
