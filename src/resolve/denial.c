/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Denials made of what is in the store: the proofs of RFC 4035 5.4 and RFC 5155 8, by ourselves. */
#include "resolve/denial.h"

#include <string.h>

#include "resolve/denial_store.h"

enum {
	NSEC3_MAX_HASHES = 12
};

/* What has been found so far for one question. */
struct proof {
	const struct denial_record *records[3];
	unsigned n;
	bool is_nxdomain;
};

static void use(struct proof *p, const struct denial_record *r)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->records[i] == r)
			return;
	}
	p->records[p->n++] = r;
}

/* May the record speak for what is at its own name (RFC 6840 4.1, 4.4)? */
static bool denies_type(const struct denial_record *r, uint16_t type)
{
	const struct answer_rr *rr = &r->rrs[0];
	if (denial_has_type(rr, type) || denial_has_type(rr, DNS_CNAME) || type == DNS_ANY)
		return false;
	bool is_apex = denial_has_type(rr, DNS_SOA);
	if (type == DNS_DS)
		return !is_apex;
	return is_apex || !denial_has_type(rr, DNS_NS);
}

/* Below a delegation or a DNAME another zone speaks. */
static bool is_border(const struct denial_record *r)
{
	const struct answer_rr *rr = &r->rrs[0];
	return denial_has_type(rr, DNS_DNAME) ||
	       (denial_has_type(rr, DNS_NS) && !denial_has_type(rr, DNS_SOA));
}

static bool make_wildcard(const uint8_t *encloser, struct name *ret)
{
	size_t n = name_len(encloser);
	if (n + 2 > NAME_MAX_BYTES)
		return false;
	ret->wire[0] = 1;
	ret->wire[1] = '*';
	memcpy(ret->wire + 2, encloser, n);
	ret->len = (uint8_t)(n + 2);
	return true;
}

/* The wildcard that would have answered: denied, or without the type. */
static bool deny_wildcard(struct proof *p, const struct denial_record *r, enum denial_place place,
                          uint16_t type)
{
	if (r == NULL || place == DENIAL_ELSEWHERE)
		return false;
	if (place == DENIAL_MATCHES && !denies_type(r, type))
		return false;
	p->is_nxdomain = place == DENIAL_COVERS;
	use(p, r);
	return true;
}

static bool prove_by_nsec(struct denials *d, struct denial_zone *z, const struct denial_question *q,
                          struct proof *p)
{
	const uint8_t *zone = z->name.wire;
	const struct denial_record *r = denials_find_before(d, &z->nsec, q->name, false, q->now_s);
	if (r == NULL)
		return false;
	const struct answer_rr *nsec = &r->rrs[0];
	enum denial_place place = nsec_place(nsec, zone, q->name);
	if (place == DENIAL_MATCHES && denies_type(r, q->type)) {
		use(p, r);
		return true;
	}
	if (place != DENIAL_COVERS || (name_is_within(q->name, nsec->owner) && is_border(r)))
		return false;
	use(p, r);
	const uint8_t *next = nsec->rdata;
	if (name_is_within(next, q->name)) /* an empty non-terminal: it has no type at all */
		return true;
	unsigned labels = name_labels(q->name);
	unsigned common = name_common_labels(q->name, nsec->owner);
	unsigned with_next = name_common_labels(q->name, next);
	if (with_next > common)
		common = with_next;
	struct name wildcard;
	if (common >= labels || !make_wildcard(name_skip(q->name, labels - common), &wildcard))
		return false;
	const struct denial_record *w =
		denials_find_before(d, &z->nsec, wildcard.wire, false, q->now_s);
	enum denial_place at =
		w != NULL ? nsec_place(&w->rrs[0], zone, wildcard.wire) : DENIAL_ELSEWHERE;
	return deny_wildcard(p, w, at, q->type);
}

static const struct denial_record *find_hash(struct denials *d, struct denial_zone *z,
                                             const uint8_t hash[NSEC3_HASH_BYTES], uint32_t now_s,
                                             enum denial_place *ret_place)
{
	const struct denial_record *r = denials_find_before(d, &z->nsec3, hash, true, now_s);
	*ret_place = r != NULL ? nsec3_place(&r->rrs[0], hash) : DENIAL_ELSEWHERE;
	return r;
}

static bool prove_by_nsec3(struct denials *d, struct denial_zone *z,
                           const struct denial_question *q, struct proof *p)
{
	struct work work = work_new();
	uint8_t hash[NSEC3_HASH_BYTES];
	enum denial_place place;
	const struct denial_record *closer =
		NULL; /* covers the name one label below the encloser */
	unsigned above = name_labels(q->name) - name_labels(z->name.wire);
	if (z->nsec3.n == 0 || above + 2 > NSEC3_MAX_HASHES)
		return false;
	for (unsigned i = 0; i <= above; i++) {
		const uint8_t *name = name_skip(q->name, i);
		if (nsec3_hash(name, z->salt, z->salt_len, z->iterations, &work, hash) != 0)
			return false;
		const struct denial_record *r = find_hash(d, z, hash, q->now_s, &place);
		if (place == DENIAL_COVERS)
			closer = r;
		if (place == DENIAL_ELSEWHERE)
			closer = NULL;
		if (place != DENIAL_MATCHES)
			continue;
		if (i == 0) {
			use(p, r);
			return denies_type(r, q->type);
		}
		struct name wildcard;
		if (closer == NULL || is_border(r) || !make_wildcard(name, &wildcard) ||
		    nsec3_hash(wildcard.wire, z->salt, z->salt_len, z->iterations, &work, hash) !=
		            0)
			return false;
		use(p, r);
		use(p, closer);
		const struct denial_record *w = find_hash(d, z, hash, q->now_s, &place);
		return deny_wildcard(p, w, place, q->type);
	}
	return false;
}

static void give(struct response *w, const struct denial_record *r, uint32_t now_s)
{
	uint32_t left_s = r->until_s - now_s;
	for (unsigned i = 0; i < r->n_rrs; i++) {
		struct answer_rr *rr = &w->kept[w->n_kept++];
		*rr = r->rrs[i];
		rr->ttl_s = left_s;
	}
	if (left_s < w->ttl_s)
		w->ttl_s = left_s;
}

static struct denial_zone *closest_zone(struct denials *d, const struct denial_question *q)
{
	unsigned last = q->hashes->n - name_labels(q->above);
	const uint8_t *name = q->name;
	/* RFC 4035 3.1.4.1: what is above a cut says whether there is a DS. */
	unsigned first = q->type == DNS_DS ? 1 : 0;
	for (unsigned i = 0; i <= last; i++) {
		if (i >= first) {
			struct denial_zone *z = denials_find_zone(d, name, q->hashes->h[i]);
			if (z != NULL)
				return z;
		}
		name += *name != 0 ? *name + 1 : 0;
	}
	return NULL;
}

bool denials_answer(struct denials *d, const struct denial_question *q, struct response *w)
{
	if (d->newest == NULL || !name_is_within(q->name, q->above))
		return false;
	struct denial_zone *z = closest_zone(d, q);
	if (z == NULL || z->soa == NULL || z->soa->until_s <= q->now_s)
		return false;
	struct proof nsec = { .n = 0 };
	struct proof nsec3 = { .n = 0 };
	const struct proof *p = &nsec;
	if (!prove_by_nsec(d, z, q, &nsec)) {
		p = &nsec3;
		if (!prove_by_nsec3(d, z, q, &nsec3))
			return false;
	}
	denials_set_newest(d, z);
	w->kind = p->is_nxdomain ? RESPONSE_NXDOMAIN : RESPONSE_NODATA;
	w->rcode = p->is_nxdomain ? RCODE_NXDOMAIN : RCODE_NOERROR;
	w->why = NULL;
	w->target = q->name;
	w->n_aliases = w->n_kept = w->n_servers = 0;
	w->ttl_s = CACHE_TTL_NEGATIVE_MAX_S;
	give(w, z->soa, q->now_s);
	for (unsigned i = 0; i < p->n; i++)
		give(w, p->records[i], q->now_s);
	return true;
}
