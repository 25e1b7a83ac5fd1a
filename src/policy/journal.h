/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/journal.h - the file that edits survive in.
 *
 * What:      one line an edit (edit_line.h), each on the disk before the edit is in force. A
 *            last line without line feed was cut by a crash: its edit was never in force and is
 *            dropped. A file that is mostly dead is written anew beside and renamed.
 * Threads:   housekeeping.
 * Memory:    16 KiB on the stack while reading.
 * Cost:      waits for the disk at each line.
 * Limits:    longer lines than EDIT_LINE_MAX are skipped and counted.
 * Tests:     tests/unit/policy/edits_test.c
 */
#pragma once

#include <limits.h>

#include "policy/edit_line.h"

struct journal {
	char path[PATH_MAX]; /* "": none, nothing is written */
	int fd;              /* -1: not opened for writing yet */
	uint64_t good_bytes; /* up to and with the last line feed */
	uint64_t n_lines;
};

typedef void journal_take(enum edit_op op, const struct policy_edit *e, void *arg);

/*
 * Read the file, giving each line to `take`. A missing file is an empty one. *ret_n_bad: lines
 * that could not be understood. 0 or -errno.
 */
MUST_USE int journal_load(struct journal *j, const char *path, journal_take *take, void *arg,
                          uint64_t *ret_n_bad);
void journal_close(struct journal *j);

/* Add a line and bring it to the disk. On failure the file is as before. */
MUST_USE int journal_append(struct journal *j, const char *line, size_t n);

typedef void journal_visit(const struct policy_edit *e, void *arg);

/* Replace the file by one that holds what `each` visits. */
MUST_USE int journal_rewrite(struct journal *j, void (*each)(journal_visit *visit, void *arg));
