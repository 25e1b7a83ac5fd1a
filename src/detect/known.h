/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/known.h - what one packet or answer is about, found out once for all detectors; inside detect/.
 *
 * What:      the keyed hashes of its client and of the names in it, of what kind their zones are, the facts of
 *            the name asked for, both ends of an answer. Found out when first asked for, and kept until the
 *            call ends. What detectors call of it is in detector.h and source.h.
 * Not here:  what outlives a call -> detect/zones.h
 * Threads:   one call, one thread.
 * Memory:    part of the front's own, on the stack; names are borrowed until the call ends, and do not change.
 * Cost:      a comparison of names for what is known; otherwise a hash, and a look in the memo of zones.
 * Limits:    KNOWN_NAMES names; more drive the first ones out, which are found out again.
 * Tests:     tests/unit/detect/known_test.c
 */
#pragma once

#include "base/siphash.h"
#include "detect/detector.h"
#include "detect/source.h"

enum {
	KNOWN_NAMES = 6, /* question, registered domain, the zones of both ends and their domains */
};

struct known_name {
	const uint8_t *name;
	size_t n; /* bytes */
	uint64_t hash;
	bool has_zone;
	struct zone_facts zone;
};

struct known {
	const struct siphash_key *key;
	struct zones *zones;
	const struct addr *client;
	const uint8_t *question;
	uint64_t client_hash; /* 0: not yet */
	unsigned n_names;     /* that were put there so far */
	bool has_facts, has_ends;
	struct name_facts facts;
	struct source_ends ends;
	struct known_name names[KNOWN_NAMES];
};

/* Nothing is known yet. The rest of *ret is left as it is: most of it is not used. */
static inline void known_begin(struct known *ret, const struct siphash_key *key,
                               struct zones *zones, const struct addr *client,
                               const uint8_t *question)
{
	ret->key = key;
	ret->zones = zones;
	ret->client = client;
	ret->question = question;
	ret->client_hash = 0;
	ret->n_names = 0;
	ret->has_facts = ret->has_ends = false;
}
