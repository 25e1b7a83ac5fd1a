/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seen/table.h - the inside of struct seen: entries of two words.
 *
 * What:      a domain's 42 bits of hash say where it may stand: 8 places of one bucket and 8 of
 *            another. The bits are all there is of the name, so that a table of any size can be
 *            filled from the file of another.
 *
 *                first   63 .. 22 fingerprint      21 .. 0 steps of SEEN_STEP_S since 2024
 *                rest    63 .. 48 days since 2024  47 .. 32 flags    31 .. 0 clients, a bit each
 *
 *            A word is read and written whole; the two of an entry are not one: who reads while
 *            an entry is replaced may see the old one's rest for an instant.
 * Threads:   as seen/seen.h.
 * Memory:    the places are one anonymous mapping.
 * Tests:     tests/unit/seen/table_test.c
 */
#pragma once

#include <stdatomic.h>

#include "base/siphash.h"
#include "seen/seen.h"

enum {
	SEEN_BUCKET = 8,
	SEEN_STEP_BITS = 22,
	SEEN_CHANGES_MAX = 4096,
	SEEN_DAY_S = 86400,
};
#define SEEN_EPOCH_S     1704067200ULL /* 2024-01-01 */
#define SEEN_STEP_MASK   ((1ULL << SEEN_STEP_BITS) - 1)
#define SEEN_ANSWERED    (1ULL << 32)
#define SEEN_ESTABLISHED (1ULL << 33)

struct seen_place {
	_Atomic uint64_t first; /* 0: empty */
	_Atomic uint64_t rest;
};

/* A change, or an entry in a file. */
struct seen_entry {
	uint64_t first, rest;
};

/* From one worker to the keeper; full: lost, and the whole table is written instead. */
struct seen_changes {
	_Atomic uint64_t head, tail, lost;
	struct seen_entry at[SEEN_CHANGES_MAX];
};

struct seen {
	struct siphash_key key;
	struct seen_place *places;
	uint64_t n_places, n_buckets;
	uint64_t since_s, learns_until_s;
	_Atomic uint64_t domains, evicted, refused;
	struct seen_file *file; /* NULL: in memory only */
};

MUST_USE int seen_table_new(uint64_t size_bytes, struct seen **ret);
void seen_table_free(struct seen *s);

static inline uint64_t seen_steps(uint64_t now_s)
{
	uint64_t steps = now_s > SEEN_EPOCH_S ? (now_s - SEEN_EPOCH_S) / SEEN_STEP_S : 0;
	return steps < SEEN_STEP_MASK ? steps : SEEN_STEP_MASK;
}

static inline uint64_t seen_day(uint64_t now_s)
{
	uint64_t day = now_s > SEEN_EPOCH_S ? (now_s - SEEN_EPOCH_S) / SEEN_DAY_S : 0;
	return day < UINT16_MAX ? day : UINT16_MAX;
}

/* Where a domain may stand, and its fingerprint in place. */
struct seen_spot {
	uint64_t mark; /* the fingerprint, at its bits of `first`; never 0 */
	struct seen_place *buckets[2];
};
void seen_spot_of(const struct seen *s, const uint8_t *domain, struct seen_spot *ret);
void seen_spot_of_mark(const struct seen *s, uint64_t mark, struct seen_spot *ret);
/* Its entry; NULL: there is none. */
struct seen_place *seen_spot_find(const struct seen_spot *spot);
/* The entry from a file: it goes over what stands there. */
void seen_put(struct seen *s, const struct seen_entry *e);

void seen_changes_put(struct seen_changes *c, uint64_t first, uint64_t rest);
bool seen_changes_take(struct seen_changes *c, struct seen_entry *ret);
