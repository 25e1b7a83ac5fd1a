/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RFC 6052 2.2: where the IPv4 address lies behind a prefix. Bits 64 to 71 stay zero.
 *
 *     /32  pppp vvvv 0 ....      /56  pppp pppv 0 vvv ...
 *     /40  pppp pvvv 0 v ...     /64  pppp pppp 0 vvvv ..
 *     /48  pppp ppvv 0 vv ..     /96  pppp pppp pppp vvvv
 */
#include <string.h>

#include "local/block.h"
#include "local/table.h"

static const uint8_t well_known[12] = { 0, 0x64, 0xff, 0x9b };

static bool is_covered(const struct addr_prefix *prefixes, unsigned n, const struct addr *a)
{
	for (unsigned i = 0; i < n; i++) {
		if (addr_prefix_covers(&prefixes[i], a))
			return true;
	}
	return false;
}

bool local_dns64_embed(const struct local *l, const uint8_t v4[4], uint8_t ret_v6[16])
{
	const struct local_dns64 *d = &l->dns64;
	struct addr a = addr_from_bytes4(v4);
	if (d->length == 0 || is_covered(d->exclude_v4, d->n_exclude_v4, &a))
		return false;
	/* RFC 6052 3.1: "The Well-Known Prefix MUST NOT be used to represent non-global IPv4
	   addresses": translators drop such packets. */
	if (d->is_well_known && (addr_is_private(&a) || v4[0] == 0))
		return false;
	unsigned at = d->length / 8U;
	memcpy(ret_v6, d->prefix, 16);
	for (int i = 0; i < 4; i++) {
		if (at == 8)
			at++;
		ret_v6[at++] = v4[i];
	}
	return true;
}

static void take_out(const uint8_t v6[16], unsigned length, uint8_t ret_v4[4])
{
	unsigned at = length / 8U;
	for (int i = 0; i < 4; i++) {
		if (at == 8)
			at++;
		ret_v4[i] = v6[at++];
	}
}

bool local_dns64_extract(const struct local *l, const uint8_t v6[16], uint8_t ret_v4[4])
{
	const struct local_dns64 *d = &l->dns64;
	unsigned length = 0;
	if (d->length != 0 && memcmp(v6, d->prefix, d->length / 8U) == 0)
		length = d->length;
	else if (memcmp(v6, well_known, sizeof well_known) == 0)
		length = 96;
	if (length == 0 || (length < 96 && v6[8] != 0))
		return false;
	take_out(v6, length, ret_v4);
	return true;
}

bool local_dns64_counts(const struct local *l, const uint8_t v6[16])
{
	const struct local_dns64 *d = &l->dns64;
	struct addr a = addr_from_bytes16(v6);
	/* "::ffff:0:0/96" is read as every IPv4 address: both are the same sixteen bytes. */
	return !is_covered(d->exclude, d->n_exclude, &a);
}

bool local_dns64_has_aaaa(const struct local *l, const struct answer *a)
{
	struct block_rr rr = { 0 };
	while (block_next(a, &rr)) {
		if (rr.type == DNS_AAAA && rr.rdata_len == 16 && local_dns64_counts(l, rr.rdata))
			return true;
	}
	return false;
}
