/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/sorter.h - sorting more lines than there should be memory for.
 *
 * What:      lines go in in any order and come out in the order of their bytes, equal ones once.
 *            What does not fit into memory is written to files without a name, sorted, and merged
 *            at the end.
 * Threads:   one thread.
 * Memory:    SORTER_BYTES of lines and 16 bytes each; a buffer for each file.
 * Cost:      10 million lines of 40 bytes: some seconds, 400 MB of disk in the folder.
 * Limits:    SORTER_MAX_RUNS files, which is 16 GiB of lines.
 * Tests:     tests/unit/transfer/sorter_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	SORTER_BYTES = 32 << 20,
	SORTER_MAX_RUNS = 512
};

struct sorter;

/* folder: where files are made. 0 or -ENOMEM. */
MUST_USE int sorter_new(const char *folder, struct sorter **ret);
void sorter_free(struct sorter *s);

/* A line without its end, which has no newline in it. 0; -ENOMEM; -EFBIG; -errno of the disk. */
MUST_USE int sorter_add(struct sorter *s, const char *line, size_t n);

/* How many of the lines were equal to another one: known once they were given. */
uint64_t sorter_n_equal(const struct sorter *s);

/*
 * Give all lines to `take`, in order; once. Returns 0, what `take` returned, or -errno.
 */
MUST_USE int sorter_finish(struct sorter *s, int (*take)(void *arg, const char *line, size_t n),
                           void *arg);
