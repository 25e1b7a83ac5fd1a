/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/spool.h - the entries of the table to be, between finding their sets and writing.
 *
 * What:      (hash, set) in the order of the hashes, put once, read several times from the front.
 *            More than SPOOL_KEPT of them go through a file without a name.
 * Threads:   the builder's.
 * Memory:    12 bytes an entry, at most SPOOL_KEPT of them with a folder.
 * Cost:      12 bytes written and read an entry.
 * Tests:     tests/unit/policy/sort_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	SPOOL_KEPT = 1 << 16
};

struct spool_entry {
	uint32_t hash_low, hash_high;
	uint32_t set;
};

struct spool {
	struct spool_entry *items; /* the last ones, or all */
	size_t n_items, cap;
	uint64_t n, n_filed;
	int fd; /* -1: all stay in memory */
};

/* folder: NULL, or where the file may be (without one: memory). */
void spool_init(struct spool *s, const char *folder);
void spool_done(struct spool *s);
/* 0, -ENOMEM. A file that cannot be written costs memory only. */
MUST_USE int spool_put(struct spool *s, uint64_t hash, uint32_t set);
/* Visit all; stops at the first visit that does not return 0 and returns that, or -errno. */
MUST_USE int spool_each(const struct spool *s, int (*visit)(uint64_t hash, uint32_t set, void *arg),
                        void *arg);
