/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS rebinding: a name of the attacker's that answers with an address of the client's own network
 * makes the browser there talk to it. The records are looked at where they lie in the answer:
 * nothing is copied for the many that are harmless.
 */
#include <string.h>

#include "dns/leads.h"
#include "local/block.h"
#include "local/table.h"

bool local_is_private(const struct local *l, const struct addr *a)
{
	static const uint8_t zero[16];
	uint8_t v4[4];
	if (addr_is_private(a))
		return true;
	if (a->is_v4)
		return a->bytes[12] == 0; /* "this host" (RFC 1122 3.2.1.3) */
	if (memcmp(a->bytes, zero, 16) == 0)
		return true;
	/* RFC 4291 2.5.5.1, deprecated, but some stacks still take it apart. */
	if (memcmp(a->bytes, zero, 12) == 0) {
		struct addr inner = addr_from_bytes4(a->bytes + 12);
		return addr_is_private(&inner);
	}
	if (local_dns64_extract(l, a->bytes, v4)) {
		struct addr inner = addr_from_bytes4(v4);
		return addr_is_private(&inner) || v4[0] == 0;
	}
	return false;
}

struct check {
	const struct local *l;
	struct addr *ret;
};

static bool check(void *arg, const struct addr *a)
{
	struct check *c = arg;
	if (!local_is_private(c->l, a))
		return false;
	*c->ret = *a;
	return true;
}

static bool check_rr(const struct local *l, uint16_t type, const uint8_t *rdata, size_t n,
                     struct addr *ret)
{
	struct check c = { l, ret };
	struct addr a;
	switch (type) {
	case DNS_A:
		if (n != 4)
			return false;
		a = addr_from_bytes4(rdata);
		return check(&c, &a);
	case DNS_AAAA:
		if (n != 16)
			return false;
		a = addr_from_bytes16(rdata);
		return check(&c, &a);
	case DNS_SVCB:
	case DNS_HTTPS:
		return svcb_hints(rdata, n, check, &c);
	default:
		return false;
	}
}

/* Is the question's name exempt, for this address? */
static bool is_exempt(const struct local *l, const uint8_t *name, const struct addr *a)
{
	struct name_hashes h;
	bool may_be_listing =
		a->is_v4 && a->bytes[12] == 127 && memcmp(a->bytes + 12, "\x7f\0\0\1", 4) != 0;
	name_hash_all(name, &h);
	for (unsigned i = 0; i < h.n; i++, name += *name + 1) {
		const struct local_node *n = local_table_find(&l->exempt, h.h[i], name);
		if (n != NULL && (n->type == ZONE_NONE || may_be_listing))
			return true;
	}
	return false;
}

bool local_find_private(const struct local *l, const struct answer *a, struct addr *ret)
{
	struct block_rr rr = { 0 };
	struct addr found;
	while (block_next(a, &rr)) {
		if (check_rr(l, rr.type, rr.rdata, rr.rdata_len, &found) &&
		    !is_exempt(l, a->name, &found)) {
			*ret = found;
			return true;
		}
	}
	return false;
}
