/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/known.h"

#include <string.h>

static uint64_t hash(const struct known *k, const void *bytes, size_t n)
{
	uint64_t h = siphash13(k->key, bytes, n);
	return h != 0 ? h : 1;
}

/* ---- names ---- */

static unsigned count_of(const struct known *k)
{
	return k->n_names < KNOWN_NAMES ? k->n_names : KNOWN_NAMES;
}

/* The same name stands in several places: that of the question ends in its registered domain, a zone is it. */
static struct known_name *find(struct known *k, const uint8_t *lower)
{
	for (unsigned i = 0; i < count_of(k); i++) {
		if (k->names[i].name == lower)
			return &k->names[i];
	}
	size_t n = name_len(lower);
	for (unsigned i = 0; i < count_of(k); i++) {
		if (k->names[i].n == n && memcmp(k->names[i].name, lower, n) == 0)
			return &k->names[i];
	}
	struct known_name *to = &k->names[k->n_names++ % KNOWN_NAMES];
	to->name = lower;
	to->n = n;
	to->hash = hash(k, lower, n);
	to->has_zone = false;
	return to;
}

uint64_t detector_hash_name(const struct detect_call *call, const uint8_t *lower)
{
	return find(call->known, lower)->hash;
}

/* What was found out of the question says it of its registered domain, too. */
static bool follows_from_facts(const struct known *k, const struct known_name *at)
{
	const struct name_facts *f = &k->facts;
	return k->has_facts && f->registered != NULL &&
	       (f->kind == ZONE_ANYBODY || f->kind == ZONE_POPULAR) &&
	       name_labels(at->name) == f->n_registered &&
	       memcmp(at->name, f->registered, at->n) == 0;
}

struct zone_facts detector_zone(const struct detect_call *call, const uint8_t *lower)
{
	struct known *k = call->known;
	struct known_name *at = find(k, lower);
	if (at->has_zone)
		return at->zone;
	if (follows_from_facts(k, at))
		at->zone = (struct zone_facts){ .kind = k->facts.kind,
			                        .registered_labels = k->facts.n_registered,
			                        .may_have_vendors = k->facts.may_have_vendors };
	else
		at->zone = zones_look(k->zones, lower, at->hash);
	at->has_zone = true;
	return at->zone;
}

bool detector_is_vendors(const struct detect_call *call, const uint8_t *zone, const uint8_t *lower)
{
	return detector_zone(call, zone).may_have_vendors &&
	       zones_is_vendors(call->known->zones, zone, lower);
}

void detector_foresee_facts(struct detect_call *call)
{
	struct known *k = call->known;
	zones_prefetch(k->zones, find(k, k->question)->hash);
}

const struct name_facts *detector_facts(struct detect_call *call)
{
	struct known *k = call->known;
	if (k->has_facts)
		return &k->facts;
	struct zone_facts z = detector_zone(call, k->question);
	unsigned n = name_labels(k->question);
	bool has_registered = z.registered_labels > 0 && z.registered_labels <= n;
	k->facts = (struct name_facts){
		.registered =
			has_registered ? name_skip(k->question, n - z.registered_labels) : NULL,
		.n_labels = n,
		.n_registered = z.registered_labels,
		.kind = z.kind,
		.may_have_vendors = z.may_have_vendors,
	};
	k->has_facts = true;
	return &k->facts;
}

/* ---- hashes ---- */

uint64_t detector_hash(const struct detect_call *call, const void *bytes, size_t n)
{
	return hash(call->known, bytes, n);
}

static uint64_t multiplied(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;
	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* One of the two is a keyed hash already: what nobody outside knows is multiplied with the other, and stirred. */
uint64_t detector_hash_pair(const struct detect_call *call, uint64_t a, uint64_t b)
{
	const struct siphash_key *key = call->known->key;
	uint64_t h =
		multiplied(multiplied(a ^ key->k0, b ^ key->k1) ^ a, UINT64_C(0x9e3779b97f4a7c15));
	return h != 0 ? h : 1;
}

uint64_t detector_hash_network(const struct detect_call *call, const struct addr *a)
{
	struct known *k = call->known;
	if (a == k->client && k->client_hash != 0)
		return k->client_hash;
	uint64_t h = hash(k, a->bytes, a->is_v4 ? sizeof a->bytes : 8);
	if (a == k->client)
		k->client_hash = h;
	return h;
}
