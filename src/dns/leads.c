/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/leads.h"

#include "dns/text.h"

enum {
	KEY_IPV4HINT = 4,
	KEY_IPV6HINT = 6
};

const uint8_t *rr_alias(const struct rr *rr, uint16_t asked)
{
	if (rr->type == DNS_CNAME && asked != DNS_CNAME && asked != DNS_ANY)
		return rr->rdata;
	if ((rr->type == DNS_SVCB || rr->type == DNS_HTTPS) && rr->rdata_len > 3 &&
	    load16(rr->rdata) == 0 && name_check(rr->rdata + 2, rr->rdata_len - 2U) != 0)
		return rr->rdata + 2;
	return NULL;
}

bool svcb_hints(const uint8_t *rdata, size_t n, address_visitor *visit, void *arg)
{
	size_t name = n < 3 ? 0 : name_check(rdata + 2, n - 2);
	size_t at = 2 + name;
	while (name != 0 && at + 4 <= n) {
		unsigned key = load16(rdata + at);
		size_t len = load16(rdata + at + 2);
		at += 4;
		if (n - at < len)
			return false;
		size_t step = key == KEY_IPV4HINT ? 4 : key == KEY_IPV6HINT ? 16 : 0;
		for (size_t i = 0; step != 0 && i + step <= len; i += step) {
			const uint8_t *bytes = rdata + at + i;
			struct addr a =
				step == 4 ? addr_from_bytes4(bytes) : addr_from_bytes16(bytes);
			if (visit(arg, &a))
				return true;
		}
		at += len;
	}
	return false;
}
