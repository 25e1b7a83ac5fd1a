/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/beats.h - how regularly a client comes back to a domain; inside detect/.
 *
 * What:      a place for a pair of client and domain: when it came last, how often, mean and variance of the
 *            time between, how many came with a name that was new, how many were in vain. What follows
 *            within BEATS_BURST_S is the same beat. An interval that is four times as long or as short as the mean is
 *            a gap (a machine that slept); too many of them, and it begins anew.
 * Not here:  what that means -> beacon.c.
 * Threads:   any, several at once: relaxed atomics, a word at a time. A race costs a beat.
 * Memory:    48 bytes a place, eight places for a client; one block.
 * Cost:      some 0.3 us: eight places are looked at.
 * Limits:    of eight places that a pair may have, one that has come back less than BEATS_KEPT times or
 *            has stopped goes to another, the one that came least and last longest ago; if there is
 *            none the other is not watched. So domains that are asked for once drive out nothing
 *            that beats. Memory of the last BEATS_WINDOW beats or so.
 * Standards: B. P. Welford, Note on a method for calculating corrected sums of squares, 1962
 * Tests:     tests/unit/detect/beats_test.c
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	BEATS_BURST_S = 4,
	BEATS_KEPT = 4,
	BEATS_WINDOW = 64,
	BEATS_NAMES = 4, /* names that are no longer new */
};

struct beats {
	_Atomic uint64_t key;    /* 0: nobody's */
	_Atomic uint64_t count;  /* from the top: last_s (32 bits), intervals (16), gaps (16) */
	_Atomic uint64_t spread; /* mean and sum of squares over the window, two floats */
	_Atomic uint64_t names;  /* 16 bits of the hash of each */
	_Atomic uint64_t
		kinds; /* from the top: new names (16), in vain (16), the time to live (32) */
	_Atomic uint64_t told_s; /* the caller's; 0 with a new key */
};

struct beats_table;

MUST_USE int beats_new(size_t clients, struct beats_table **ret); /* 0, -ENOMEM */
void beats_free(struct beats_table *t);
size_t beats_bytes(const struct beats_table *t);

struct beat {
	uint64_t key;
	uint32_t now_s; /* of a monotonic clock, not 0 */
	uint32_t ttl_s; /* how long the answer holds */
	uint16_t name_tag;
	bool is_odd;  /* the name says something: counts as new where it was not asked for lately */
	bool is_vain; /* there is no such name, or no answer */
};

/* What is known of a pair. */
struct beats_facts {
	unsigned intervals; /* at most BEATS_WINDOW, of equal weight until then */
	unsigned fresh;     /* beats with a new name, at most intervals */
	unsigned vain;
	uint32_t ttl_s; /* the longest of late */
	double mean_s;
	double variation; /* standard deviation to mean */
};

/* One more; NULL: no place, or part of the last beat. */
struct beats *beats_add(struct beats_table *t, const struct beat *b);
/* It will be asked for soon. */
void beats_prefetch(const struct beats_table *t, uint64_t key);
const struct beats *beats_find(const struct beats_table *t, uint64_t key);
void beats_tell(const struct beats *b, struct beats_facts *ret);
