/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS rebinding: a name of the attacker's that answers with an address of the client's own network
 * makes the browser there talk to it. The records are looked at where they lie in the answer:
 * nothing is copied for the many that are harmless.
 */
#include <string.h>

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

static bool check(const struct local *l, const uint8_t *bytes, size_t step, struct addr *ret)
{
	struct addr a = step == 4 ? addr_from_bytes4(bytes) : addr_from_bytes16(bytes);
	if (!local_is_private(l, &a))
		return false;
	*ret = a;
	return true;
}

/* ipv4hint (4) and ipv6hint (6), RFC 9460 7.3. */
static bool check_hints(const struct local *l, const uint8_t *rdata, size_t n, struct addr *ret)
{
	size_t name = n < 3 ? 0 : name_check(rdata + 2, n - 2);
	for (size_t at = 2 + name; name != 0 && at + 4 <= n;) {
		unsigned key = load16(rdata + at);
		size_t len = load16(rdata + at + 2);
		at += 4;
		if (n - at < len)
			return false;
		size_t step = key == 4 ? 4 : key == 6 ? 16 : 0;
		for (size_t i = 0; step != 0 && i + step <= len; i += step) {
			if (check(l, rdata + at + i, step, ret))
				return true;
		}
		at += len;
	}
	return false;
}

static bool check_rr(const struct local *l, uint16_t type, const uint8_t *rdata, size_t n,
                     struct addr *ret)
{
	switch (type) {
	case DNS_A:
		return n == 4 && check(l, rdata, 4, ret);
	case DNS_AAAA:
		return n == 16 && check(l, rdata, 16, ret);
	case DNS_SVCB:
	case DNS_HTTPS:
		return check_hints(l, rdata, n, ret);
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
