/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "validate/denial.h"
#include "validate/signature.h"

enum {
	DELEGATION_MAX_DS = 32
};

struct reading {
	struct validator *v;
	const struct trust *parent;
	uint32_t wall_s;
	struct work *work;
	uint32_t ttl_s;
};

/* Signed by the parent, and not made from a wildcard. */
static bool is_good(struct reading *r, const struct rrset *set)
{
	struct rrsets *s = &r->v->inner;
	struct verified good;
	struct blame blame = { 0 };
	if (set->n_sigs == 0 || !name_is_within(set->owner, r->parent->name) ||
	    !rrset_verify(r->v, s, set, r->parent, KEYS_ALL, r->wall_s, r->work, &good, &blame) ||
	    good.labels != rrset_owner_labels(set->owner))
		return false;
	if (good.ttl_s < r->ttl_s)
		r->ttl_s = good.ttl_s;
	for (uint16_t i = set->first; i != RRSET_NONE; i = s->next[i]) {
		if (s->rrs[i].ttl_s < r->ttl_s)
			r->ttl_s = s->rrs[i].ttl_s;
	}
	return true;
}

static bool read_ds(struct reading *r, const struct rrset *set, struct answer_rr *ret_ds,
                    unsigned *ret_n_ds)
{
	const struct rrsets *s = &r->v->inner;
	unsigned n = 0;
	if (!is_good(r, set))
		return false;
	for (uint16_t i = set->first; i != RRSET_NONE && n < DELEGATION_MAX_DS; i = s->next[i])
		ret_ds[n++] = s->rrs[i];
	*ret_n_ds = n;
	return true;
}

/* The denials among the records that are good. */
static void collect(struct reading *r, struct proofs *p)
{
	struct rrsets *s = &r->v->inner;
	for (unsigned i = 0; i < s->n && p->n < PROOFS_MAX; i++) {
		const struct rrset *set = &s->sets[i];
		if ((set->type == DNS_NSEC || set->type == DNS_NSEC3) && set->n == 1 &&
		    is_good(r, set))
			p->rrs[p->n++] = &s->rrs[set->first];
	}
}

/* DS records are in the answer if they were asked for, else in the authority section. */
static struct rrset *find_ds(struct rrsets *s, const uint8_t *child)
{
	struct rrset *set = rrsets_find(s, child, DNS_DS, false);
	return set != NULL ? set : rrsets_find(s, child, DNS_DS, true);
}

/* NOLINTNEXTLINE(readability-function-size): two lists of records, the time and the cost */
enum delegation validate_delegation(struct validator *v, const uint8_t *child,
                                    const struct trust *parent, const struct answer_rr *rrs,
                                    unsigned n_rrs, uint32_t wall_s, struct work *work,
                                    uint32_t *ret_ttl_s, struct answer_rr ret_ds[32],
                                    unsigned *ret_n_ds)
{
	struct reading r = { v, parent, wall_s, work, CACHE_TTL_MAX_S };
	if (parent->state != TRUST_SECURE || !name_is_within(child, parent->name) ||
	    name_equal(child, parent->name) || rrsets_group(&v->inner, rrs, n_rrs) != 0)
		return DELEGATION_UNKNOWN;
	const struct rrset *ds = find_ds(&v->inner, child);
	if (ds != NULL) {
		if (!read_ds(&r, ds, ret_ds, ret_n_ds))
			return DELEGATION_UNKNOWN;
		*ret_ttl_s = r.ttl_s;
		return DELEGATION_SIGNED;
	}
	struct proofs p = { .zone = parent->name, .work = work };
	collect(&r, &p);
	enum delegation d = nsec_delegation(&p, child);
	if (d == DELEGATION_UNKNOWN)
		d = nsec3_delegation(&p, child);
	if (d != DELEGATION_UNKNOWN)
		*ret_ttl_s = r.ttl_s;
	return d;
}
