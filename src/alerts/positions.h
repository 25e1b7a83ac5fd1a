/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alerts/positions.h - how far each destination has come, in a file that a full disk cannot stop.
 *
 * What:      two slots of fixed size, written in turn and in place: the file never grows, so there
 *            is room for it when there is room for nothing else, and a write that is cut short
 *            leaves the other slot. Each holds a checksum and JSON:
 *
 *                CHECKSUM {"generation":7,"next":120,"destinations":[{"name":"siem","next":118,...}]}
 *
 * Threads:   the caller holds a lock.
 * Memory:    a few KiB.
 * Cost:      a write() of 8 KiB.
 * Limits:    ALERTS_MAX destinations.
 * Tests:     tests/unit/alerts/positions_test.c, tests/fuzz/positions_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "alerts/alerts.h"

enum {
	POSITIONS_SLOT = 8192,
	POSITIONS_BYTES = 2 * POSITIONS_SLOT,
};

struct position {
	char name[ALERTS_NAME_MAX + 1];
	uint64_t next; /* the number of the next alert it gets */
	uint64_t sent, lost, refused;
};

struct positions {
	uint64_t generation;
	uint64_t next;      /* numbers below this have been given */
	uint64_t put, lost; /* alerts_counts */
	struct position at[ALERTS_MAX];
	unsigned n;
};

/* The newer of the slots that hold. n: of the file. false: none does, *ret is empty. */
bool positions_parse(const char *bytes, size_t n, struct positions *ret);
/* One slot as text. 0 or -ENOMEM. */
MUST_USE int positions_slot(const struct positions *p, char ret[POSITIONS_SLOT]);

/* Open or make the file. A descriptor or -errno; *ret is what it says, or empty. */
MUST_USE int positions_open(const char *path, struct positions *ret);
/* Write; p->generation goes up. 0 or -errno. */
MUST_USE int positions_save(int fd, struct positions *p);
