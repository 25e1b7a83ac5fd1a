/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seen/file.h - the table on the disk: a snapshot, and a log of what has changed since.
 *
 * What:      STATE/seen is written beside the old one and renamed; STATE/seen.log grows by
 *            every change. When the log is long, it becomes seen.log.old, a new one is begun and
 *            the snapshot written, some MiB a second, after which the old log goes. After a
 *            crash at any moment snapshot, old log and log together have everything but what the
 *            kernel had not been given: at most a second.
 *
 *                snapshot  "WEIRSEEN" version key since | first rest, ... | XXH3 of all before
 *                log       "WEIRSLOG" which key | first rest check, ...
 *
 *            All numbers are little-endian. A log ends at the first record whose check is wrong.
 * Threads:   one.
 * Memory:    some KiB; files are read and written in pieces.
 * Limits:    FILE_PIECE bytes of a snapshot a second; the log is at most 1 MiB and
 *            three quarters of the snapshot, plus what a second brings.
 * Tests:     tests/unit/seen/file_test.c, tests/fuzz/seen_fuzz.c
 */
#pragma once

#include "seen/table.h"

enum {
	SEEN_PATH_MAX = 4096,
	SEEN_FILE_PIECE = 8 << 20,
};

/* Read what there is; ret_why as seen_new(). 0 or -ENOMEM. */
MUST_USE int seen_file_load(struct seen *s, const struct seen_plan *plan,
                            char ret_why[SEEN_WHY_MAX]);
void seen_file_free(struct seen_file *f);
/* The next tick begins a snapshot. */
void seen_file_set_due(struct seen_file *f);
