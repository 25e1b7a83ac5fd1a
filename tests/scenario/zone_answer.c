/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 1034 4.3.2 with the proofs of RFC 4035 3.1 and RFC 5155 7.2. */
#include <string.h>

#include "zone.h"

enum {
	ALIASES_MAX = 16
};

static void add(struct zone_answer *a, int section, const struct zone_set *set,
                const uint8_t *owner)
{
	if (set == NULL)
		return;
	for (unsigned i = 0; i < a->n; i++) {
		if (a->parts[i].set == set)
			return;
	}
	must(a->n < ZONE_MAX_PARTS);
	a->parts[a->n++] = (struct zone_part){ .section = (uint8_t)section,
		                               .owner = owner != NULL ? owner : set->owner,
		                               .set = set,
		                               .with_sigs = a->is_do };
}

/* ---- proofs ---- */

/* The NSEC at the name, or the one before it. */
static const struct zone_set *nsec_of(const struct zone *z, const uint8_t *name)
{
	const struct zone_set *last = z->denials[z->n_denials - 1];
	for (unsigned i = 0; i < z->n_denials; i++) {
		if (name_compare(z->denials[i]->owner, name) > 0)
			break;
		last = z->denials[i];
	}
	return last;
}

static int digit_of(uint8_t c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void hash_of_owner(const uint8_t *owner, uint8_t ret[20])
{
	unsigned bits = 0, n_bits = 0, n = 0;
	for (unsigned i = 1; i <= owner[0] && n < 20; i++) {
		bits = bits << 5 | (unsigned)digit_of(owner[i]);
		n_bits += 5;
		if (n_bits >= 8) {
			n_bits -= 8;
			ret[n++] = (uint8_t)(bits >> n_bits);
		}
	}
}

/* The NSEC3 of the name, or the one whose span covers it. */
static const struct zone_set *nsec3_of(const struct zone *z, const uint8_t *name,
                                       bool *ret_is_match)
{
	uint8_t hash[20], own[20];
	zone_hash(z, name, hash);
	const struct zone_set *last = z->denials[z->n_denials - 1];
	*ret_is_match = false;
	for (unsigned i = 0; i < z->n_denials; i++) {
		hash_of_owner(z->denials[i]->owner, own);
		int c = memcmp(own, hash, 20);
		if (c > 0)
			break;
		last = z->denials[i];
		*ret_is_match = c == 0;
	}
	return last;
}

static const uint8_t *encloser_of(const struct zone *z, const uint8_t *name,
                                  const uint8_t **ret_next)
{
	*ret_next = name;
	while (!zone_has_name(z, name)) {
		*ret_next = name;
		name = name_skip(name, 1);
	}
	return name;
}

static const uint8_t *wildcard_of(struct script *s, const uint8_t *encloser)
{
	uint8_t *name = script_alloc(s, NAME_MAX_BYTES + 2);
	memcpy(name, "\1*", 2);
	memcpy(name + 2, encloser, name_len(encloser));
	return name;
}

/* RFC 5155 7.2.1: the closest encloser that has an NSEC3, and what covers the name below it. */
static void prove_encloser(const struct zone *z, const uint8_t *name, struct zone_answer *a)
{
	bool is_match = false;
	const uint8_t *next = name;
	const struct zone_set *set = NULL;
	for (;; next = name, name = name_skip(name, 1)) {
		set = nsec3_of(z, name, &is_match);
		if (is_match || name_equal(name, z->name))
			break;
	}
	add(a, SECTION_AUTHORITY, set, NULL);
	add(a, SECTION_AUTHORITY, nsec3_of(z, next, &is_match), NULL);
}

static void prove_no_name(const struct zone *z, const uint8_t *name, struct zone_answer *a)
{
	const uint8_t *next;
	bool is_match;
	if (!a->is_do || z->n_denials == 0)
		return;
	const uint8_t *encloser = encloser_of(z, name, &next);
	const uint8_t *wildcard = wildcard_of(z->script, encloser);
	if (z->from->is_nsec3) {
		prove_encloser(z, name, a);
		add(a, SECTION_AUTHORITY, nsec3_of(z, wildcard, &is_match), NULL);
	} else {
		add(a, SECTION_AUTHORITY, nsec_of(z, name), NULL);
		add(a, SECTION_AUTHORITY, nsec_of(z, wildcard), NULL);
	}
}

static void prove_no_type(const struct zone *z, const uint8_t *name, struct zone_answer *a)
{
	bool is_match;
	if (!a->is_do || z->n_denials == 0)
		return;
	if (!z->from->is_nsec3) {
		add(a, SECTION_AUTHORITY, nsec_of(z, name), NULL);
		return;
	}
	const struct zone_set *set = nsec3_of(z, name, &is_match);
	if (is_match)
		add(a, SECTION_AUTHORITY, set, NULL);
	else /* opt-out (RFC 5155 7.2.4) */
		prove_encloser(z, name, a);
}

/* What a wildcard was expanded for does not exist itself. */
static void prove_expanded(const struct zone *z, const uint8_t *name, const uint8_t *next,
                           struct zone_answer *a)
{
	bool is_match;
	if (!a->is_do || z->n_denials == 0)
		return;
	add(a, SECTION_AUTHORITY,
	    z->from->is_nsec3 ? nsec3_of(z, next, &is_match) : nsec_of(z, name), NULL);
}

/* ---- answers ---- */

static void add_glue(const struct zone *z, const struct zone_set *ns, struct zone_answer *a)
{
	for (unsigned i = 0; i < ns->n; i++) {
		add(a, SECTION_ADDITIONAL, zone_find(z, ns->rrs[i].bytes, DNS_A), NULL);
		add(a, SECTION_ADDITIONAL, zone_find(z, ns->rrs[i].bytes, DNS_AAAA), NULL);
	}
}

static const uint8_t *cut_above(const struct zone *z, const uint8_t *name, uint16_t type)
{
	unsigned n = name_labels(name) - name_labels(z->name);
	for (unsigned i = n; i-- > 0;) {
		const uint8_t *at = name_skip(name, i);
		if (zone_is_cut(z, at) && !(i == 0 && type == DNS_DS))
			return at;
	}
	return NULL;
}

static void refer(const struct zone *z, const uint8_t *cut, struct zone_answer *a)
{
	const struct zone_set *ns = zone_find(z, cut, DNS_NS);
	const struct zone_set *ds = zone_find(z, cut, DNS_DS);
	a->is_aa = a->n > 0; /* behind an alias of our own */
	add(a, SECTION_AUTHORITY, ns, NULL);
	if (ds != NULL && a->is_do)
		add(a, SECTION_AUTHORITY, ds, NULL);
	else
		prove_no_type(z, cut, a);
	add_glue(z, ns, a);
}

static void deny(const struct zone *z, struct zone_answer *a)
{
	add(a, SECTION_AUTHORITY, zone_find(z, z->name, DNS_SOA), NULL);
}

static bool add_types(const struct zone *z, const uint8_t *at, const uint8_t *owner, uint16_t type,
                      struct zone_answer *a)
{
	bool is_any = false;
	for (unsigned i = 0; i < z->n_sets; i++) {
		const struct zone_set *set = z->sets[i];
		if (name_equal(set->owner, at) && (type == DNS_ANY || type == set->type)) {
			add(a, SECTION_ANSWER, set, owner);
			if (type == DNS_NS)
				add_glue(z, set, a);
			is_any = true;
		}
	}
	for (unsigned i = 0; i < z->n_denials && type == DNS_NSEC; i++) {
		if (z->denials[i]->type == DNS_NSEC && name_equal(z->denials[i]->owner, at)) {
			add(a, SECTION_ANSWER, z->denials[i], owner);
			is_any = true;
		}
	}
	return is_any;
}

/* The DNAME above the name, and the CNAME made of it. The new name, or NULL. */
static const uint8_t *follow_dname(const struct zone *z, const uint8_t *name, struct zone_answer *a)
{
	unsigned n = name_labels(name) - name_labels(z->name);
	for (unsigned i = n; i > 0; i--) {
		const uint8_t *at = name_skip(name, i);
		const struct zone_set *set = zone_find(z, at, DNS_DNAME);
		if (set == NULL)
			continue;
		size_t front = (size_t)(at - name), rest = set->rrs[0].n;
		add(a, SECTION_ANSWER, set, NULL);
		if (front + rest > NAME_MAX_BYTES) {
			a->rcode = 6; /* YXDOMAIN */
			return NULL;
		}
		uint8_t *target = script_alloc(z->script, NAME_MAX_BYTES);
		memcpy(target, name, front);
		memcpy(target + front, set->rrs[0].bytes, rest);
		struct zone_set *cname = script_alloc(z->script, sizeof *cname);
		*cname = (struct zone_set){ .owner = name,
			                    .type = DNS_CNAME,
			                    .ttl_s = set->ttl_s,
			                    .n = 1,
			                    .rrs = { { target, (uint16_t)(front + rest) } } };
		add(a, SECTION_ANSWER, cname, NULL);
		return target;
	}
	return NULL;
}

/* One name; the next one of a chain of aliases, or NULL at its end. */
static const uint8_t *answer_one(const struct zone *z, const uint8_t *name, uint16_t type,
                                 struct zone_answer *a)
{
	const uint8_t *next, *at = name;
	const uint8_t *cut = cut_above(z, name, type);
	if (cut != NULL) {
		refer(z, cut, a);
		return NULL;
	}
	const uint8_t *target = follow_dname(z, name, a);
	if (target != NULL || a->rcode != 0)
		return target;
	if (!zone_has_name(z, name)) {
		at = wildcard_of(z->script, encloser_of(z, name, &next));
		if (!zone_has_name(z, at)) {
			a->rcode = RCODE_NXDOMAIN;
			deny(z, a);
			prove_no_name(z, name, a);
			return NULL;
		}
		prove_expanded(z, name, next, a);
	}
	const struct zone_set *cname = zone_find(z, at, DNS_CNAME);
	if (cname != NULL && type != DNS_CNAME && type != DNS_ANY) {
		add(a, SECTION_ANSWER, cname, name);
		return cname->rrs[0].bytes;
	}
	if (!add_types(z, at, name, type, a)) {
		deny(z, a);
		prove_no_type(z, at, a);
		if (at != name && z->from->is_nsec3 && a->is_do && z->n_denials > 0)
			prove_encloser(z, name, a);
	}
	return NULL;
}

void zone_answer(const struct zone *z, const uint8_t *name, uint16_t type, bool is_do,
                 struct zone_answer *ret)
{
	*ret = (struct zone_answer){ .is_aa = true, .is_do = is_do, .script = z->script };
	for (int i = 0; i < ALIASES_MAX && name != NULL && name_is_within(name, z->name); i++) {
		uint8_t *lower = script_alloc(z->script, NAME_MAX_BYTES);
		name_copy_lower(lower, name);
		name = answer_one(z, lower, type, ret);
	}
}
