/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "validate/denial.h"

/* ---- type bit maps ---- */

bool bitmap_is_sound(const uint8_t *at, size_t n)
{
	int last = -1;
	while (n >= 2) {
		size_t bytes = at[1];
		if (at[0] <= last || bytes == 0 || bytes > 32 || n - 2 < bytes)
			return false;
		last = at[0];
		at += 2 + bytes;
		n -= 2 + bytes;
	}
	return n == 0;
}

static bool bitmap_has(const uint8_t *at, size_t n, uint16_t type)
{
	while (n >= 2 && n - 2 >= at[1]) {
		size_t bytes = at[1];
		size_t byte = (type & 0xffU) / 8;
		if (at[0] == type >> 8)
			return byte < bytes && (at[2 + byte] & 0x80 >> (type & 7)) != 0;
		at += 2 + bytes;
		n -= 2 + bytes;
	}
	return false;
}

/* Where the bit map of a record begins; 0: the record is malformed. */
static size_t bitmap_at(const struct answer_rr *rr)
{
	struct nsec3_parameters p;
	if (rr->type == DNS_NSEC)
		return name_check(rr->rdata, rr->rdata_len);
	if (nsec3_read(rr, &p) != 0)
		return 0;
	return 6U + p.salt_len + p.hash_len;
}

bool denial_has_type(const struct answer_rr *nsec, uint16_t type)
{
	size_t at = bitmap_at(nsec);
	return at > 0 && bitmap_has(nsec->rdata + at, nsec->rdata_len - at, type);
}

bool denial_is_cut(const struct answer_rr *rr)
{
	return denial_has_type(rr, DNS_DNAME) ||
	       (denial_has_type(rr, DNS_NS) && !denial_has_type(rr, DNS_SOA));
}

bool denial_lacks_type(const struct answer_rr *nsec, const uint8_t *name, uint16_t type)
{
	if (bitmap_at(nsec) == 0 || denial_has_type(nsec, type) || denial_has_type(nsec, DNS_CNAME))
		return false;
	bool has_soa = denial_has_type(nsec, DNS_SOA);
	/* RFC 6840 4.1: the parent's record at a cut speaks of DS only; RFC 4035 5.2: the
	   child's does not, and the root has no parent. */
	if (type == DNS_DS)
		return !has_soa || name_is_root(name);
	return has_soa || !denial_has_type(nsec, DNS_NS);
}

enum delegation denial_delegation(const struct answer_rr *rr)
{
	if (denial_has_type(rr, DNS_SOA) || denial_has_type(rr, DNS_DS))
		return DELEGATION_UNKNOWN;
	return denial_has_type(rr, DNS_NS) ? DELEGATION_UNSIGNED : DELEGATION_NONE;
}

/* ---- NSEC ---- */

enum denial_place nsec_place(const struct answer_rr *nsec, const uint8_t *zone, const uint8_t *name)
{
	size_t next_len = name_check(nsec->rdata, nsec->rdata_len);
	if (nsec->type != DNS_NSEC || next_len == 0 ||
	    !bitmap_is_sound(nsec->rdata + next_len, nsec->rdata_len - next_len) ||
	    !name_is_within(name, zone) || !name_is_within(nsec->owner, zone) ||
	    !name_is_within(nsec->rdata, zone))
		return DENIAL_ELSEWHERE;
	int from = name_compare(nsec->owner, name);
	if (from == 0)
		return DENIAL_MATCHES;
	if (from > 0)
		return DENIAL_ELSEWHERE;
	/* RFC 6840 4.1: "Ancestor delegation NSEC or NSEC3 RRs MUST NOT be used to assume
	   nonexistence of any RRs below that zone cut"; the same for DNAME. */
	if (name_is_within(name, nsec->owner) && denial_is_cut(nsec))
		return DENIAL_ELSEWHERE;
	bool is_last = name_equal(nsec->rdata, zone);
	return is_last || name_compare(name, nsec->rdata) < 0 ? DENIAL_COVERS : DENIAL_ELSEWHERE;
}

static const struct answer_rr *find(const struct proofs *p, const uint8_t *name,
                                    enum denial_place place)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->rrs[i]->type == DNS_NSEC && nsec_place(p->rrs[i], p->zone, name) == place)
			return p->rrs[i];
	}
	return NULL;
}

/* The labels of the closest name that exists above `name`, which the record covers. */
static unsigned encloser_labels(const struct answer_rr *nsec, const uint8_t *name)
{
	unsigned owner = name_common_labels(name, nsec->owner);
	unsigned next = name_common_labels(name, nsec->rdata);
	return owner > next ? owner : next;
}

enum proof nsec_denies(const struct proofs *p, const uint8_t *name, uint16_t type)
{
	uint8_t star[NAME_MAX_BYTES + 2] = { 1, '*' };
	const struct answer_rr *nsec = find(p, name, DENIAL_MATCHES);
	if (nsec != NULL)
		return denial_lacks_type(nsec, name, type) ? PROOF_NODATA : PROOF_NONE;
	nsec = find(p, name, DENIAL_COVERS);
	if (nsec == NULL)
		return PROOF_NONE;
	unsigned labels = name_labels(name);
	unsigned encloser = encloser_labels(nsec, name);
	if (encloser == labels) /* the next name is below: an empty non-terminal */
		return PROOF_NODATA;
	name_copy_lower(star + 2, name_skip(name, labels - encloser));
	if (find(p, star, DENIAL_COVERS) != NULL)
		return PROOF_NXDOMAIN;
	nsec = find(p, star, DENIAL_MATCHES);
	return nsec != NULL && denial_lacks_type(nsec, star, type) ? PROOF_NODATA : PROOF_NONE;
}

/* RFC 4035 5.3.4: neither the name nor a closer wildcard exists. */
enum proof nsec_allows_wildcard(const struct proofs *p, const uint8_t *name, unsigned labels)
{
	const struct answer_rr *nsec = find(p, name, DENIAL_COVERS);
	return nsec != NULL && encloser_labels(nsec, name) == labels ? PROOF_WILDCARD : PROOF_NONE;
}

enum delegation nsec_delegation(const struct proofs *p, const uint8_t *child)
{
	const struct answer_rr *nsec = find(p, child, DENIAL_MATCHES);
	if (nsec != NULL)
		return denial_delegation(nsec);
	return find(p, child, DENIAL_COVERS) != NULL ? DELEGATION_NONE : DELEGATION_UNKNOWN;
}
