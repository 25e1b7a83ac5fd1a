/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of zones: from the closest zone whose trust is in the cache, down to the one
 * that is wanted, by the DS records that came with referrals or were asked for. What is learnt
 * goes into the cache; what is not known yet is wanted, and secure.c asks for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "resolve/task.h"

enum {
	SCRATCH_BYTES = 16384, /* an answer with DS or DNSKEY records; longer ones are not read */
	SCRATCH_RRS = 64,
	MAX_DS = 32,
	FAILED_TTL_S = 5,     /* a zone whose records cannot be had */
	BROKEN_TTL_S = 60,    /* a zone whose keys do not fit its DS records (RFC 4035 4.7) */
	TRUST_TTL_MIN_S = 10, /* what was learnt for a question lives as long as it at least */
};

/* Records out of a cached answer. */
struct kept_rrs {
	unsigned n;
	struct answer_rr rrs[SCRATCH_RRS];
	uint8_t bytes[SCRATCH_BYTES];
	uint8_t names[4 * SCRATCH_BYTES + 1024];
};

struct zone_scratch {
	struct kept_rrs ds, keys;
};

/* Neither has a name or a place in the cache. */
static const struct trust insecure = { .state = TRUST_INSECURE };

int zone_scratch_new(struct zone_scratch **ret)
{
	struct zone_scratch *s = malloc(sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	*ret = s;
	return 0;
}

/* ---- what the cache knows ---- */

static const struct trust *find(const struct trust_path *p, const uint8_t *zone, uint64_t hash)
{
	const struct zone_item *i = cache_find_zone(p->t->r->cache, hash, zone);
	return i != NULL && item_is_fresh(&i->item, p->now_s) ? CONTAINER_OF(i, struct trust, head)
	                                                      : NULL;
}

static const struct answer *find_answer(const struct trust_path *p, const uint8_t *name,
                                        uint64_t hash, uint16_t type)
{
	const struct answer *a = cache_find_answer(p->t->r->cache, hash, name, type);
	return a != NULL && item_is_fresh(&a->item, p->now_s) && a->security != SECURITY_BOGUS
	               ? a
	               : NULL;
}

static bool read_rrs(const struct trust_path *p, const struct answer *a, struct kept_rrs *ret)
{
	struct message m;
	struct rr rr;
	int n = response_write_cached(a, p->now_s, ret->bytes, sizeof ret->bytes);
	ret->n = 0;
	if (n < 0 || message_open(ret->bytes, (size_t)n, ret->names, sizeof ret->names, &m) != 0)
		return false;
	while (ret->n < SCRATCH_RRS && message_next(&m, &rr) == 1)
		ret->rrs[ret->n++] =
			(struct answer_rr){ .owner = rr.owner,
			                    .rdata = rr.rdata,
			                    .type = rr.type,
			                    .rdata_len = rr.rdata_len,
			                    .ttl_s = rr.ttl_s,
			                    .in_authority = rr.section == SECTION_AUTHORITY };
	return true;
}

/* The cut at exactly this name, if iteration met one. */
static const struct cut *find_cut(const struct trust_path *p, const uint8_t *zone, uint64_t hash)
{
	for (const struct cut *c = p->t->cut; c != NULL && !c->is_forward; c = c->parent) {
		if (name_equal(c->zone, zone))
			return c;
	}
	const struct cut *c = cache_find_cut(p->t->r->cache, hash, zone);
	return c != NULL && !c->is_forward && item_is_fresh(&c->item, p->now_s) ? c : NULL;
}

/* Did iteration step from above `labels` labels of the name to below them at once? */
static bool was_passed(const struct trust_path *p, const uint8_t *name, unsigned labels)
{
	const struct cut *c = p->t->cut;
	return c != NULL && !c->is_forward && name_labels(c->zone) > labels &&
	       name_is_within(name, c->zone);
}

bool zone_trust_is_signed(const struct task *t)
{
	const struct cut *c = t->cut;
	if (anchors_current() == NULL || t->is_priming || t->is_lookup)
		return false;
	if (t->forward != NULL)
		return !t->forward->is_unvalidated;
	const struct zone_item *i = cache_find_zone(t->r->cache, name_hash(c->zone), c->zone);
	if (i != NULL && item_is_fresh(&i->item, loop_now_s(t->r->loop)))
		return CONTAINER_OF(i, struct trust, head)->state == TRUST_SECURE;
	for (unsigned k = 0; k < c->n_ds_rrs; k++) {
		if (c->ds_rrs[k].type == DNS_DS)
			return true;
	}
	return name_is_root(c->zone);
}

/* ---- what is not known ---- */

/* Not kept: it may be the question's own fault, or only this response's. */
static const struct trust *broken(struct trust_path *p, uint8_t ede_code, const char *why)
{
	p->broken = (struct trust){ .state = TRUST_BOGUS, .ede_code = ede_code, .why = why };
	return &p->broken;
}

static const struct trust *put(struct trust_path *p, struct trust *t, uint64_t hash,
                               uint32_t ttl_max_s)
{
	struct cache_item *i = &t->head.item;
	if (i->ttl_s > ttl_max_s)
		i->ttl_s = ttl_max_s;
	if (i->ttl_s < TRUST_TTL_MIN_S && ttl_max_s != 0)
		i->ttl_s = TRUST_TTL_MIN_S;
	cache_put_zone(p->t->r->cache, &t->head, hash);
	return t;
}

static const struct trust *put_state(struct trust_path *p, const uint8_t *zone, uint64_t hash,
                                     enum trust_state state, uint32_t ttl_s)
{
	struct trust *t;
	if (trust_new(zone, state, 0, NULL, p->now_s, ttl_s, &t) != 0)
		return broken(p, EDE_OTHER, "out of memory");
	return put(p, t, hash, ttl_s);
}

static const char *failed_text(uint16_t type)
{
	return type == DNS_DNSKEY ? "the zone's DNSKEY records cannot be had"
	                          : "the zone's DS records cannot be had";
}

static void fail_zone(struct resolver *r, const uint8_t *zone, uint8_t code, const char *why)
{
	struct trust *t;
	if (trust_new(zone, TRUST_BOGUS, code, why, loop_now_s(r->loop), FAILED_TTL_S, &t) == 0)
		cache_put_zone(r->cache, &t->head, name_hash(zone));
}

void zone_trust_fail(struct resolver *r, const uint8_t *zone, uint16_t type)
{
	fail_zone(r, zone, type == DNS_DNSKEY ? EDE_DNSKEY_MISSING : EDE_BOGUS, failed_text(type));
}

/* It was answered, and what is known is still not enough. */
static const struct trust *asked_in_vain(struct trust_path *p, const uint8_t *zone, uint16_t type)
{
	struct resolver *r = p->t->r;
	uint8_t code = type == DNS_DS ? EDE_BOGUS : EDE_DNSKEY_MISSING;
	const struct answer *a = cache_find_answer(r->cache, name_hash(zone), zone, type);
	if (a != NULL && a->security == SECURITY_BOGUS && a->ede_code != 0)
		code = a->ede_code;
	fail_zone(r, zone, code, failed_text(type));
	p->is_broken = p->is_brief = true;
	return broken(p, code, failed_text(type));
}

/* Nothing is known without asking for it. NULL: want says what. */
static const struct trust *ask(struct trust_path *p, const uint8_t *zone, uint16_t type)
{
	const struct task *t = p->t;
	if (p->want_type != 0)
		return NULL;
	/* Only the child would sign its own DS records. */
	if (type == DNS_DS && t->type == DNS_DS && name_equal(t->hop.wire, zone))
		return broken(p, EDE_BOGUS, "not signed by the zone above");
	if (t->keys.is_answered && t->keys.type == type && name_equal(t->key_zone.wire, zone))
		return asked_in_vain(p, zone, type);
	p->want_type = type;
	name_set(&p->want, zone);
	return NULL;
}

/* ---- keys ---- */

/* Judge a DNSKEY RRset by these DS records. What comes out bad is not kept but as `bad_ttl_s`. */
static const struct trust *take_keys(struct trust_path *p, const uint8_t *zone,
                                     const struct answer_rr *rrs, unsigned n_rrs,
                                     const struct answer_rr *ds, unsigned n_ds, uint32_t ttl_s,
                                     uint32_t bad_ttl_s)
{
	struct trust *t;
	uint64_t hash = name_hash(zone);
	struct work *work = &p->t->budget->work;
	bool had_work = work->signatures_left >= WORK_SIGNATURES / 2;
	if (trust_from_keys(p->t->r->validator, zone, rrs, n_rrs, ds, n_ds, (uint32_t)p->wall_s,
	                    p->now_s, work, &t) != 0)
		return broken(p, EDE_OTHER, "out of memory");
	if (t->state != TRUST_BOGUS)
		return put(p, t, hash, ttl_s);
	/* When others have used the work up, it says nothing of this zone. */
	if (work->is_exhausted && !had_work)
		bad_ttl_s = 0;
	t->head.item.ttl_s = bad_ttl_s;
	return put(p, t, hash, bad_ttl_s);
}

/* Is the response being judged the one that has the zone's keys, or should have them? */
static bool is_in_hand(const struct trust_path *p, const uint8_t *zone)
{
	return p->t->type == DNS_DNSKEY && name_equal(p->t->hop.wire, zone);
}

/* Of a zone that these DS records vouch for. */
static const struct trust *keys_of(struct trust_path *p, const uint8_t *zone, uint64_t hash,
                                   const struct answer_rr *ds, unsigned n_ds, uint32_t ttl_s)
{
	if (is_in_hand(p, zone)) {
		/* Other servers may have better keys, so it is not told before they were asked. */
		uint32_t bad_ttl_s = p->t->is_settling ? BROKEN_TTL_S : 0;
		return take_keys(p, zone, p->w->kept, p->w->n_kept, ds, n_ds, ttl_s, bad_ttl_s);
	}
	const struct answer *a = find_answer(p, zone, hash, DNS_DNSKEY);
	struct kept_rrs *kept = &p->t->r->zone_scratch->keys;
	kept->n = 0;
	if (a != NULL)
		read_rrs(p, a, kept);
	/* Without keys too: DS records of unknown algorithms need none (RFC 4035 5.2). */
	const struct trust *t = take_keys(p, zone, kept->rrs, kept->n, ds, n_ds, ttl_s, 0);
	if (t->state != TRUST_BOGUS)
		return t;
	return ask(p, zone, DNS_DNSKEY);
}

/* ---- one zone down ---- */

/* What the parent says of a name, as it is known; UNKNOWN: ask. */
static enum delegation find_delegation(struct trust_path *p, const struct trust *parent,
                                       const uint8_t *zone, uint64_t hash, uint32_t *ret_ttl_s,
                                       struct answer_rr ret_ds[MAX_DS], unsigned *ret_n)
{
	struct resolver *r = p->t->r;
	struct work *work = &p->t->budget->work;
	uint32_t wall_s = (uint32_t)p->wall_s;
	const struct cut *cut = find_cut(p, zone, hash);
	enum delegation d = DELEGATION_UNKNOWN;
	if (cut != NULL && cut->n_ds_rrs > 0) {
		uint32_t age_s = item_age_s(&cut->item, p->now_s);
		d = validate_delegation(r->validator, zone, parent, cut->ds_rrs, cut->n_ds_rrs,
		                        wall_s, work, ret_ttl_s, ret_ds, ret_n);
		if ((d == DELEGATION_SIGNED || d == DELEGATION_UNSIGNED) && *ret_ttl_s > age_s) {
			*ret_ttl_s -= age_s;
			return d;
		}
	}
	const struct answer *a = find_answer(p, zone, hash, DNS_DS);
	if (a == NULL)
		a = find_answer(p, zone, hash, 0);
	struct kept_rrs *kept = &r->zone_scratch->ds;
	if (a == NULL || !read_rrs(p, a, kept))
		return DELEGATION_UNKNOWN;
	return validate_delegation(r->validator, zone, parent, kept->rrs, kept->n, wall_s, work,
	                           ret_ttl_s, ret_ds, ret_n);
}

static const struct trust *step_into(struct trust_path *p, const struct trust *parent,
                                     const uint8_t *zone, uint64_t hash)
{
	struct answer_rr ds[MAX_DS];
	unsigned n_ds = 0;
	uint32_t ttl_s = 0;
	switch (find_delegation(p, parent, zone, hash, &ttl_s, ds, &n_ds)) {
	case DELEGATION_SIGNED:
		return keys_of(p, zone, hash, ds, n_ds, ttl_s);
	case DELEGATION_UNSIGNED:
		return put_state(p, zone, hash, TRUST_INSECURE, ttl_s);
	case DELEGATION_NONE:
		return put_state(p, zone, hash, TRUST_NO_CUT, ttl_s);
	case DELEGATION_UNKNOWN:
		break;
	}
	if (p->t->budget->work.is_exhausted)
		return broken(p, EDE_BOGUS, "too much work to validate");
	return ask(p, zone, DNS_DS);
}

/*
 * From a secure zone of *at labels down towards the name: the next zone on the way, or the same
 * if there is none. NULL: something must be asked first.
 */
static const struct trust *step(struct trust_path *p, const struct trust *parent,
                                const uint8_t *name, const struct name_hashes *hashes, unsigned *at)
{
	for (unsigned k = *at + 1; k <= hashes->n; k++) {
		const uint8_t *zone = name_skip(name, hashes->n - k);
		uint64_t hash = hashes->h[hashes->n - k];
		const struct trust *t = find(p, zone, hash);
		/* Where the parent's servers referred past a name, no zone begins. */
		if (t == NULL && find_cut(p, zone, hash) == NULL && was_passed(p, name, k))
			continue;
		if (t == NULL)
			t = step_into(p, parent, zone, hash);
		if (t != NULL && t->state == TRUST_NO_CUT)
			continue;
		*at = k;
		return t;
	}
	*at = hashes->n;
	return parent;
}

/* The closest zone at or above the name that something is known of, below the anchor. */
static const struct trust *closest(struct trust_path *p, const uint8_t *name,
                                   const struct name_hashes *hashes, const uint8_t *anchor,
                                   unsigned *ret_labels)
{
	unsigned top = name_labels(anchor);
	for (unsigned k = hashes->n;; k--) {
		const struct trust *t =
			find(p, name_skip(name, hashes->n - k), hashes->h[hashes->n - k]);
		*ret_labels = k;
		if (t != NULL && t->state != TRUST_NO_CUT)
			return t;
		if (k == top)
			break;
	}
	const struct answer_rr *rrs;
	unsigned n;
	anchors_of(p->anchors, anchor, &rrs, &n);
	return keys_of(p, anchor, hashes->h[hashes->n - top], rrs, n, UINT32_MAX);
}

/* The zone that holds the name, as far as it matters; *ret_labels: of its name. */
static const struct trust *trust_at(struct trust_path *p, const uint8_t *name, unsigned *ret_labels)
{
	struct name_hashes hashes;
	const uint8_t *anchor = anchors_closest(p->anchors, name);
	if (anchor == NULL || anchors_is_negative(p->anchors, name, p->wall_s))
		return &insecure;
	name_hash_all(name, &hashes);
	const struct trust *t = closest(p, name, &hashes, anchor, ret_labels);
	while (t != NULL && t->state == TRUST_SECURE && *ret_labels < hashes.n) {
		const struct trust *above = t;
		unsigned labels = *ret_labels;
		t = step(p, above, name, &hashes, &labels);
		if (t == above)
			break;
		*ret_labels = labels;
	}
	/* What is in hand is this response's fault, all else the zone's. */
	if (t != NULL && t->state == TRUST_BOGUS && t != &p->broken && t->head.item.ttl_s != 0) {
		p->is_broken = true;
		p->is_brief = t->head.item.ttl_s <= FAILED_TTL_S;
	}
	return t;
}

static const struct trust *of_zone(struct trust_source *s, const uint8_t *zone)
{
	struct trust_path *p = CONTAINER_OF(s, struct trust_path, source);
	uint8_t lower[NAME_MAX_BYTES];
	unsigned labels = 0;
	name_copy_lower(lower, zone);
	const struct trust *t = trust_at(p, lower, &labels);
	if (t != NULL && t->state == TRUST_SECURE && labels != name_labels(lower))
		return broken(p, EDE_BOGUS, "signed by a name that is no zone");
	return t;
}

static const struct trust *around(struct trust_source *s, const uint8_t *name, uint16_t type)
{
	struct trust_path *p = CONTAINER_OF(s, struct trust_path, source);
	uint8_t lower[NAME_MAX_BYTES];
	unsigned labels = 0;
	name_copy_lower(lower, name);
	return trust_at(p, type == DNS_DS && !name_is_root(lower) ? name_skip(lower, 1) : lower,
	                &labels);
}

void trust_path_init(struct trust_path *p, struct task *t, const struct response *w,
                     const struct anchors *anchors)
{
	p->source = (struct trust_source){ .of_zone = of_zone, .around = around };
	p->t = t;
	p->w = w;
	p->anchors = anchors;
	p->wall_s = clock_wall_ns() / NS_PER_S;
	p->now_s = loop_now_s(t->r->loop);
	p->is_broken = p->is_brief = false;
	p->want_type = 0;
}
