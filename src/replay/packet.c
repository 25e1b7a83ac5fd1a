/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/packet.h"

#include <pcap/dlt.h>
#include <string.h>

#include "dns/message.h"

enum {
	HEADERS_MAX = 8,

	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,
	ETHER_QINQ = 0x88a8,
	ETHER_QINQ_OLD = 0x9100,

	PROTO_HOP_BY_HOP = 0,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_DESTINATION = 60,

	IPV4_MIN = 20,
	IPV6_BYTES = 40,
	UDP_BYTES = 8,
	TCP_MIN = 20,
};

struct rest {
	const uint8_t *at;
	size_t n;
};

static bool pass(struct rest *r, size_t n)
{
	if (r->n < n)
		return false;
	r->at += n;
	r->n -= n;
	return true;
}

/* The EtherType, behind all VLAN tags; r begins behind it. 0: cut off. */
static unsigned ether_type(struct rest *r, unsigned type)
{
	for (unsigned i = 0; i < HEADERS_MAX; i++) {
		if (type != ETHER_VLAN && type != ETHER_QINQ && type != ETHER_QINQ_OLD)
			return type;
		if (r->n < 4)
			return 0;
		type = load16(r->at + 2);
		pass(r, 4);
	}
	return 0;
}

/* Past the link's header, to IP. */
static enum packet_got pass_link(int link, struct rest *r)
{
	static const struct {
		int link;
		uint8_t type_at, bytes; /* of the header */
	} headers[] = {
		{ DLT_EN10MB, 12, 14 },
		{ DLT_LINUX_SLL, 14, 16 },
		{ DLT_LINUX_SLL2, 0, 20 },
	};
	switch (link) {
	case DLT_RAW:
	case 101: /* LINKTYPE_RAW */
	case DLT_IPV4:
	case DLT_IPV6:
		return PACKET_OK;
	case DLT_NULL:
	case DLT_LOOP:
		return pass(r, 4) ? PACKET_OK : PACKET_DAMAGED;
	default:
		break;
	}
	for (unsigned i = 0; i < ARRAY_LEN(headers); i++) {
		if (headers[i].link != link)
			continue;
		if (r->n < headers[i].bytes)
			return PACKET_DAMAGED;
		unsigned type = load16(r->at + headers[i].type_at);
		pass(r, headers[i].bytes);
		type = ether_type(r, type);
		if (type == 0)
			return PACKET_DAMAGED;
		return type == ETHER_IPV4 || type == ETHER_IPV6 ? PACKET_OK : PACKET_OTHER;
	}
	return PACKET_LINK;
}

static enum packet_got pass_ipv4(struct rest *r, struct packet *ret, unsigned *ret_proto)
{
	if (r->n < IPV4_MIN)
		return PACKET_DAMAGED;
	const uint8_t *h = r->at;
	size_t header = 4U * (h[0] & 15U), total = load16(h + 2);
	if (header < IPV4_MIN || (total != 0 && total < header))
		return PACKET_DAMAGED;
	if (total != 0 && total < r->n) /* Ethernet pads */
		r->n = total;
	if ((load16(h + 6) & 0x3fff) != 0) /* MF, or an offset */
		return PACKET_FRAGMENT;
	ret->from.addr = addr_from_bytes4(h + 12);
	ret->to.addr = addr_from_bytes4(h + 16);
	*ret_proto = h[9];
	return pass(r, header) ? PACKET_OK : PACKET_DAMAGED;
}

static enum packet_got pass_ipv6(struct rest *r, struct packet *ret, unsigned *ret_proto)
{
	if (r->n < IPV6_BYTES)
		return PACKET_DAMAGED;
	const uint8_t *h = r->at;
	size_t payload = load16(h + 4);
	unsigned proto = h[6];
	ret->from.addr = addr_from_bytes16(h + 8);
	ret->to.addr = addr_from_bytes16(h + 24);
	pass(r, IPV6_BYTES);
	if (payload != 0 && payload < r->n)
		r->n = payload;
	for (unsigned i = 0; i < HEADERS_MAX; i++) {
		if (proto == PROTO_FRAGMENT)
			return PACKET_FRAGMENT;
		if (proto != PROTO_HOP_BY_HOP && proto != PROTO_ROUTING &&
		    proto != PROTO_DESTINATION) {
			*ret_proto = proto;
			return PACKET_OK;
		}
		if (r->n < 8)
			return PACKET_DAMAGED;
		proto = r->at[0];
		if (!pass(r, 8U + 8U * r->at[1]))
			return PACKET_DAMAGED;
	}
	return PACKET_OTHER;
}

static enum packet_got read_transport(struct rest *r, unsigned proto, struct packet *ret)
{
	size_t header = UDP_BYTES;
	if (proto != PROTO_UDP && proto != PROTO_TCP)
		return PACKET_OTHER;
	if (r->n < (proto == PROTO_UDP ? (size_t)UDP_BYTES : (size_t)TCP_MIN))
		return PACKET_DAMAGED;
	ret->from.port = load16(r->at);
	ret->to.port = load16(r->at + 2);
	ret->is_tcp = proto == PROTO_TCP;
	if (ret->is_tcp) {
		header = 4U * (r->at[12] >> 4);
		if (header < TCP_MIN)
			return PACKET_DAMAGED;
	} else {
		size_t length = load16(r->at + 4);
		if (length >= UDP_BYTES && length < r->n)
			r->n = length;
	}
	if (!pass(r, header))
		return PACKET_DAMAGED;
	ret->payload = r->at;
	ret->n = r->n;
	return PACKET_OK;
}

enum packet_got packet_read(int link, const uint8_t *bytes, size_t n, struct packet *ret)
{
	struct rest r = { bytes, n };
	struct packet p = { .payload = NULL };
	unsigned proto = 0;
	enum packet_got got = pass_link(link, &r);
	if (got != PACKET_OK)
		return got;
	if (r.n == 0)
		return PACKET_DAMAGED;
	if (r.at[0] >> 4 == 4)
		got = pass_ipv4(&r, &p, &proto);
	else if (r.at[0] >> 4 == 6)
		got = pass_ipv6(&r, &p, &proto);
	else
		got = PACKET_OTHER;
	if (got == PACKET_OK)
		got = read_transport(&r, proto, &p);
	if (got == PACKET_OK)
		*ret = p;
	return got;
}
