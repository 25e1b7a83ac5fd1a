/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/denial_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum {
	ZONE_MAX_RECORDS = 4096,
	ZONE_FIRST_ROOM = 8,
	RECORD_MAX_RRS = 17, /* the record and its signatures, one an algorithm */
	NSEC3_MAX_ITERATIONS = 20,
};

/* ---- zones ---- */

static struct denial_zone **bucket_of(struct denials *d, uint64_t hash)
{
	return &d->buckets[(hash >> 32) % DENIAL_BUCKETS];
}

struct denial_zone *denials_find_zone(struct denials *d, const uint8_t *name, uint64_t hash)
{
	for (struct denial_zone *z = *bucket_of(d, hash); z != NULL; z = z->next) {
		if (z->hash == hash && name_equal(z->name.wire, name))
			return z;
	}
	return NULL;
}

static void take_from_order(struct denials *d, struct denial_zone *z)
{
	*(z->newer != NULL ? &z->newer->older : &d->newest) = z->older;
	*(z->older != NULL ? &z->older->newer : &d->oldest) = z->newer;
}

static void put_newest(struct denials *d, struct denial_zone *z)
{
	z->newer = NULL;
	z->older = d->newest;
	*(d->newest != NULL ? &d->newest->newer : &d->oldest) = z;
	d->newest = z;
}

static void clear_list(struct denials *d, struct denial_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->at[i]);
	d->n_records -= l->n;
	free(l->at);
	*l = (struct denial_list){ .at = NULL };
}

static void drop_zone(struct denials *d, struct denial_zone *z)
{
	struct denial_zone **at = bucket_of(d, z->hash);
	while (*at != z)
		at = &(*at)->next;
	*at = z->next;
	take_from_order(d, z);
	clear_list(d, &z->nsec);
	clear_list(d, &z->nsec3);
	if (z->soa != NULL)
		d->n_records--;
	free(z->soa);
	free(z);
}

void denials_set_newest(struct denials *d, struct denial_zone *z)
{
	take_from_order(d, z);
	put_newest(d, z);
}

static struct denial_zone *take_zone(struct denials *d, const uint8_t *name)
{
	struct name lower;
	name_set(&lower, name);
	uint64_t hash = name_hash(lower.wire);
	struct denial_zone *z = denials_find_zone(d, lower.wire, hash);
	if (z != NULL) {
		denials_set_newest(d, z);
		return z;
	}
	z = calloc(1, sizeof *z);
	if (z == NULL)
		return NULL;
	z->hash = hash;
	z->name = lower;
	z->next = *bucket_of(d, hash);
	*bucket_of(d, hash) = z;
	put_newest(d, z);
	return z;
}

/* ---- records ---- */

static bool is_signature_of(const struct answer_rr *rr, const struct answer_rr *of)
{
	return rr->type == DNS_RRSIG && rr->in_authority && rr->rdata_len >= 2 &&
	       load16(rr->rdata) == of->type && name_equal(rr->owner, of->owner);
}

/* Signed by the zone, and not made from a wildcard: that would prove nothing about others. */
static bool is_signed_by(const struct answer_rr *rrsig, const struct answer_rr *of,
                         const uint8_t *zone)
{
	struct rrsig_fields f;
	bool is_wildcard = of->owner[0] == 1 && of->owner[1] == '*';
	return rrsig_read(rrsig, &f) == 0 && name_equal(f.signer, zone) &&
	       f.labels + (is_wildcard ? 1U : 0U) == name_labels(of->owner);
}

/* The record with its signatures; NULL without a good one, or without memory. */
static struct denial_record *record_new(const uint8_t *zone, const struct answer_rr *rrs,
                                        unsigned n_rrs, unsigned main, uint32_t until_s)
{
	const struct answer_rr *own[RECORD_MAX_RRS] = { &rrs[main] };
	unsigned n = 1;
	bool is_signed = false;
	size_t bytes = answer_rr_bytes(&rrs[main]);
	for (unsigned i = 0; i < n_rrs && n < RECORD_MAX_RRS; i++) {
		if (!is_signature_of(&rrs[i], &rrs[main]))
			continue;
		is_signed = is_signed || is_signed_by(&rrs[i], &rrs[main], zone);
		own[n++] = &rrs[i];
		bytes += answer_rr_bytes(&rrs[i]);
	}
	if (!is_signed)
		return NULL;
	struct denial_record *r = malloc(sizeof *r + n * sizeof r->rrs[0] + bytes);
	if (r == NULL)
		return NULL;
	*r = (struct denial_record){ .until_s = until_s, .n_rrs = (uint8_t)n };
	uint8_t *p = (uint8_t *)&r->rrs[n];
	for (unsigned i = 0; i < n; i++)
		p = answer_rr_copy(&r->rrs[i], own[i], p);
	return r;
}

/* ---- lists in order ---- */

static int compare(const struct denial_record *r, const uint8_t *key, bool is_hash)
{
	return is_hash ? memcmp(r->hash, key, NSEC3_HASH_BYTES)
	               : name_compare(r->rrs[0].owner, key);
}

/* How many records stand at or before the key. */
static unsigned rank_of(const struct denial_list *l, const uint8_t *key, bool is_hash)
{
	unsigned low = 0;
	unsigned high = l->n;
	while (low < high) {
		unsigned mid = low + (high - low) / 2;
		if (compare(l->at[mid], key, is_hash) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void remove_at(struct denials *d, struct denial_list *l, unsigned i)
{
	must(l->at != NULL && i < l->n);
	free(l->at[i]);
	l->n--;
	memmove(&l->at[i], &l->at[i + 1], (l->n - i) * sizeof(struct denial_record *));
	d->n_records--;
}

static bool has_room(struct denial_list *l)
{
	if (l->n < l->room)
		return true;
	unsigned room = l->room == 0 ? ZONE_FIRST_ROOM : 2 * l->room;
	struct denial_record **at = realloc(l->at, room * sizeof(struct denial_record *));
	if (at == NULL)
		return false;
	l->at = at;
	l->room = room;
	return true;
}

/* Takes the record. */
static void insert(struct denials *d, struct denial_list *l, struct denial_record *r, bool is_hash)
{
	const uint8_t *key = is_hash ? r->hash : r->rrs[0].owner;
	unsigned rank = rank_of(l, key, is_hash);
	if (rank > 0 && l->at != NULL && compare(l->at[rank - 1], key, is_hash) == 0) {
		free(l->at[rank - 1]);
		l->at[rank - 1] = r;
		return;
	}
	if (l->n >= ZONE_MAX_RECORDS) {
		unsigned victim = random_below(l->n);
		remove_at(d, l, victim);
		rank -= victim < rank ? 1 : 0;
	}
	if (!has_room(l)) {
		free(r);
		return;
	}
	must(l->at != NULL && rank <= l->n);
	memmove(&l->at[rank + 1], &l->at[rank], (l->n - rank) * sizeof(struct denial_record *));
	l->at[rank] = r;
	l->n++;
	d->n_records++;
}

const struct denial_record *denials_find_before(struct denials *d, struct denial_list *l,
                                                const uint8_t *key, bool is_hash, uint32_t now_s)
{
	if (l->n == 0)
		return NULL;
	unsigned rank = rank_of(l, key, is_hash);
	unsigned at = rank > 0 ? rank - 1 : l->n - 1;
	if (l->at[at]->until_s <= now_s) {
		remove_at(d, l, at);
		return NULL;
	}
	return l->at[at];
}

/* ---- learning ---- */

static void learn_nsec3(struct denials *d, struct denial_zone *z, struct denial_record *r)
{
	struct nsec3_parameters p;
	if (nsec3_read(&r->rrs[0], &p) != 0 || p.is_opt_out || p.algorithm != 1 ||
	    p.hash_len != NSEC3_HASH_BYTES || p.iterations > NSEC3_MAX_ITERATIONS ||
	    !nsec3_owner_hash(r->rrs[0].owner, r->hash)) {
		free(r);
		return;
	}
	bool is_other = p.iterations != z->iterations || p.salt_len != z->salt_len ||
	                memcmp(p.salt, z->salt, p.salt_len) != 0;
	if (is_other) { /* the zone has been salted anew */
		clear_list(d, &z->nsec3);
		z->iterations = p.iterations;
		z->salt_len = p.salt_len;
		memcpy(z->salt, p.salt, p.salt_len);
	}
	insert(d, &z->nsec3, r, true);
}

static void learn_soa(struct denials *d, struct denial_zone *z, struct denial_record *r)
{
	if (!name_equal(r->rrs[0].owner, z->name.wire)) {
		free(r);
		return;
	}
	d->n_records += z->soa == NULL ? 1 : 0;
	free(z->soa);
	z->soa = r;
}

static bool is_denial(const struct answer_rr *rr)
{
	return rr->in_authority && (rr->type == DNS_NSEC || rr->type == DNS_NSEC3);
}

void denials_learn(struct denials *d, const uint8_t *zone, const struct answer_rr *rrs,
                   unsigned n_rrs, uint32_t ttl_s, uint32_t now_s)
{
	bool has_denial = false;
	for (unsigned i = 0; i < n_rrs; i++)
		has_denial = has_denial || is_denial(&rrs[i]);
	struct denial_zone *z = has_denial && ttl_s > 0 ? take_zone(d, zone) : NULL;
	if (z == NULL)
		return;
	for (unsigned i = 0; i < n_rrs; i++) {
		const struct answer_rr *rr = &rrs[i];
		bool is_soa = rr->in_authority && rr->type == DNS_SOA;
		if ((!is_soa && !is_denial(rr)) || !name_is_within(rr->owner, zone))
			continue;
		uint32_t life_s = rr->ttl_s < ttl_s ? rr->ttl_s : ttl_s;
		struct denial_record *r = record_new(zone, rrs, n_rrs, i, now_s + life_s);
		if (r == NULL)
			continue;
		if (is_soa)
			learn_soa(d, z, r);
		else if (rr->type == DNS_NSEC)
			insert(d, &z->nsec, r, false);
		else
			learn_nsec3(d, z, r);
	}
	while (d->n_records > d->max_records && d->oldest != NULL)
		drop_zone(d, d->oldest);
}

/* ---- life ---- */

int denials_new(unsigned max_records, struct denials **ret)
{
	struct denials *d = calloc(1, sizeof *d);
	if (d == NULL)
		return -ENOMEM;
	d->max_records = max_records;
	*ret = d;
	return 0;
}

void denials_free(struct denials *d)
{
	if (d == NULL)
		return;
	while (d->newest != NULL)
		drop_zone(d, d->newest);
	free(d);
}

void denials_flush(struct denials *d, const uint8_t *lower)
{
	for (struct denial_zone *z = d->newest, *older; z != NULL; z = older) {
		older = z->older;
		if (name_is_within(z->name.wire, lower) || name_is_within(lower, z->name.wire))
			drop_zone(d, z);
	}
}

unsigned denials_count(const struct denials *d)
{
	return d->n_records;
}
