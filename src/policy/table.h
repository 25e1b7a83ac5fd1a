/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/table.h - the table while it is built: whole hashes, so that it can grow.
 *
 * What:      open addressing as in the image, but 12 bytes a slot with all 64 bits of the hash.
 *            Homes rise with the hash, so that walking the table gives the entries nearly
 *            sorted: growing and writing the image are sequential.
 * Threads:   the builder's.
 * Memory:    anonymous mappings, given back to the kernel at once when freed: 16 bytes for each
 *            name expected.
 * Cost:      one cache miss a name.
 * Limits:    3 G names.
 * Tests:     tests/unit/policy/table_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct table_slot {
	uint32_t hash_low, hash_high;
	uint32_t set; /* 0: empty */
};

struct table {
	struct table_slot *slots;
	uint32_t n_homes; /* TABLE_PAD more follow behind the last home */
	uint32_t n_used, n_limit;
};

MUST_USE int table_init(struct table *t, uint64_t expected);
void table_done(struct table *t);

/*
 * The slot of a hash, made if there is none: a new one has set 0 and becomes used only when the
 * caller gives it a set and calls table_took(). Valid until the next call. NULL: no memory.
 */
struct table_slot *table_at(struct table *t, uint64_t hash);
void table_took(struct table *t);

/*
 * Visit all used slots in the order of their hashes. Sorts runs in place. Stops at the first
 * visit that does not return 0 and returns that.
 */
MUST_USE int table_each(struct table *t, int (*visit)(uint64_t hash, uint32_t set, void *arg),
                        void *arg);
