/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/load.h - how many questions one zone, or one server, may keep waiting.
 *
 * What:      counts by a keyed hash of what waits where. A place that answers may have `max`;
 *            the more of its questions come to nothing, the fewer, down to max / 20: so that a
 *            zone whose servers are dead, or flooded with random names ("water torture"), does
 *            not occupy all tasks.
 * Threads:   worker-local.
 * Memory:    fixed: 16384 places of 4 bytes.
 * Cost:      one cache line; no allocation.
 * Limits:    two zones in 16384 share a place, and its limit; nobody outside chooses which.
 * Tests:     tests/unit/resolve/load_test.c, torture_test.c
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

enum {
	LOAD_FLOOR_PART = 20 /* of max is left to one that never answers, but at least 4 */
};

struct load;

/* max: 1 to 65535. 0 or -ENOMEM. */
MUST_USE int load_new(unsigned max, struct load **ret);
void load_free(struct load *l);

/* One more waits there; false: it may not. */
MUST_USE bool load_enter(struct load *l, uint64_t hash);
void load_leave(struct load *l, uint64_t hash);
/* Something came of one, or not. */
void load_note(struct load *l, uint64_t hash, bool is_good);

bool load_is_full(const struct load *l, uint64_t hash);
/* How many may wait there now. */
unsigned load_limit(const struct load *l, uint64_t hash);
