/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/query.h"

#include <string.h>

enum {
	SOA_BYTES = 22, /* two root names, five numbers */
};

/* A SOA record of which only the serial counts. */
static size_t put_soa(uint8_t *p, uint32_t serial)
{
	memset(p, 0, 12 + SOA_BYTES);
	store16(p, 0xc000 | DNS_HEADER_BYTES); /* the question's name */
	store16(p + 2, DNS_SOA);
	store16(p + 4, DNS_CLASS_IN);
	store16(p + 10, SOA_BYTES);
	store32(p + 14, serial);
	return 12 + SOA_BYTES;
}

size_t query_write(uint8_t *msg, uint16_t id, uint16_t flags, const struct name *zone,
                   uint16_t type, uint32_t serial)
{
	bool is_notify = (flags & QUERY_OPCODE_MASK) == QUERY_OPCODE_NOTIFY;
	size_t n = DNS_HEADER_BYTES;
	memset(msg, 0, DNS_HEADER_BYTES);
	store16(msg, id);
	store16(msg + 2, flags);
	store16(msg + 4, 1);
	memcpy(msg + n, zone->wire, zone->len);
	n += zone->len;
	store16(msg + n, type);
	store16(msg + n + 2, DNS_CLASS_IN);
	n += 4;
	if (type == DNS_IXFR || is_notify) {
		store16(msg + (is_notify ? 6 : 8), 1);
		n += put_soa(msg + n, serial);
	}
	return n;
}
