/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/failure.h - questions that could not be resolved a moment ago.
 *
 * What:      a table of (name, type) that failed: not asked again for 1 s, and each time it
 *            fails again for twice as long, up to 5 minutes.
 * Threads:   any thread; relaxed atomics. One table for the process.
 * Memory:    fixed: 8192 entries of 16 bytes; a new failure takes an old one's place.
 * Cost:      one cache line.
 * Standards: RFC 9520 3.2 (1 s at least, 5 minutes at most, exponential backoff)
 * Tests:     tests/unit/resolve/failure_test.c
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	FAILURE_MIN_S = 1,
	FAILURE_MAX_S = 300
};

/* `hash` is name_hash() of the name; now_ns is monotonic. Failing again soon after the time is over doubles it. */
void failure_note(uint64_t hash, uint16_t type, uint64_t now_ns, uint16_t ede_code);

/* Is it to be left alone? Then ret_left_s and ret_code say for how long, and why. */
bool failure_find(uint64_t hash, uint16_t type, uint64_t now_ns, uint32_t *ret_left_s,
                  uint16_t *ret_code);

void failure_reset(void); /* all is forgotten */
