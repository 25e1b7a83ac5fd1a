/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One transaction: BATCH_BEGIN, for each set a NEWSETELEM (and before it a DELSETELEM), BATCH_END.
 * The kernel works it off inside sendmsg(), and answers only what went wrong.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "firewall/table.h"

enum {
	REPLY_BYTES = 8192
};

static struct nlmsghdr *put_header(uint8_t *to, uint16_t type, uint16_t flags, uint8_t family,
                                   uint16_t resource, uint32_t seq)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(to);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = seq;
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof *g);
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(resource);
	return h;
}

static void put_element(struct nlmsghdr *h, const struct firewall_element *e, bool with_timeout)
{
	struct nlattr *element = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
	mnl_attr_put(h, NFTA_DATA_VALUE, e->key_bytes, e->key);
	mnl_attr_nest_end(h, key);
	if (with_timeout) {
		/* Both: the end of an element that is there moves only with the second. */
		mnl_attr_put_u64(h, NFTA_SET_ELEM_TIMEOUT, htobe64(e->timeout_ms));
		mnl_attr_put_u64(h, NFTA_SET_ELEM_EXPIRATION, htobe64(e->timeout_ms));
	}
	mnl_attr_nest_end(h, element);
}

/* All elements of one family; false: there are none. */
static bool put_elements(const struct firewall *f, struct nlmsghdr *h, unsigned family,
                         const struct firewall_element *e, unsigned n, bool with_timeout)
{
	unsigned count = 0;
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, f->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, f->sets[family].name);
	struct nlattr *list = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (unsigned i = 0; i < n; i++) {
		if (e[i].family != family)
			continue;
		put_element(h, &e[i], with_timeout);
		count++;
	}
	mnl_attr_nest_end(h, list);
	return count > 0;
}

static uint16_t type_of(unsigned message)
{
	return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
}

static size_t write_batch(const struct firewall *f, uint8_t *buffer,
                          const struct firewall_element *e, unsigned n, enum batch_mode mode)
{
	uint32_t seq = 1;
	struct nlmsghdr *h =
		put_header(buffer, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, seq++);
	size_t at = NLMSG_ALIGN(h->nlmsg_len);
	for (unsigned family = 0; family < FAMILIES; family++) {
		if (mode == BATCH_REPLACE) {
			h = put_header(buffer + at, type_of(NFT_MSG_DELSETELEM), 0, f->family, 0,
			               seq++);
			if (put_elements(f, h, family, e, n, false))
				at += NLMSG_ALIGN(h->nlmsg_len);
		}
		uint16_t flags = NLM_F_CREATE | (mode == BATCH_CREATE ? NLM_F_EXCL : 0);
		h = put_header(buffer + at, type_of(NFT_MSG_NEWSETELEM), flags, f->family, 0,
		               seq++);
		if (put_elements(f, h, family, e, n, true))
			at += NLMSG_ALIGN(h->nlmsg_len);
	}
	h = put_header(buffer + at, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, seq);
	return at + NLMSG_ALIGN(h->nlmsg_len);
}

/* The first error that the kernel told; all is read, so that the next batch reads its own. */
static int read_errors(struct mnl_socket *socket)
{
	uint8_t reply[REPLY_BYTES];
	int first = 0;
	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(socket), reply, sizeof reply, MSG_DONTWAIT);
		if (got <= 0)
			return first == 0 && got < 0 && errno == ENOBUFS ? -ENOBUFS : first;
		int n = (int)got;
		for (struct nlmsghdr *h = (struct nlmsghdr *)reply; mnl_nlmsg_ok(h, n);
		     h = mnl_nlmsg_next(h, &n)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
			if (h->nlmsg_type == NLMSG_ERROR && first == 0 &&
			    mnl_nlmsg_get_payload_len(h) >= sizeof *e)
				first = e->error;
		}
	}
}

int batch_send(const struct firewall *f, struct mnl_socket *socket, uint8_t *buffer,
               const struct firewall_element *e, unsigned n, enum batch_mode mode)
{
	must(n <= FIREWALL_BATCH);
	size_t bytes = write_batch(f, buffer, e, n, mode);
	if (mnl_socket_sendto(socket, buffer, bytes) < 0)
		return -errno;
	return read_errors(socket);
}
