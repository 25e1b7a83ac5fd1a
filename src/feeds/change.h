/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/change.h - two versions of a text, side by side: what stays, goes and comes.
 *
 * What:      in units that are whole lines: one line each, or (by_owner) the lines that follow each
 *            other and begin with the same word. Both texts are read once, from front to back. Where
 *            they differ the next units of both are compared until some are the same again; what is
 *            found need not be the least that differs, but it is a difference of the two.
 * Not here:  what a line means -> feeds/update.h
 * Threads:   one thread.
 * Memory:    CHANGE_WINDOW for each text, and 1 MiB.
 * Cost:      reading both, some 0.5 ns a byte; 0.5 us where they differ by little.
 * Limits:    max_lines that go or come, a unit of half a window: beyond that it gives up.
 * Tests:     tests/unit/feeds/change_test.c
 */
#pragma once

#include "feeds/reader.h"

enum {
	CHANGE_WINDOW = 1 << 20
};

/* A piece of whole lines; the last line of a text may lack its LF. Borrowed during the call. */
struct change_piece {
	const char *text;
	size_t n;
	uint64_t n_lines;
	uint64_t old_line, new_line; /* of the first; in the other text: where it would be */
};

struct change_plan {
	struct reader *old, *now; /* nothing was read yet */
	bool by_owner;
	uint64_t max_lines;
	/* Not 0: it ends with that. */
	int (*stays)(void *arg, const struct change_piece *p); /* many units */
	int (*goes)(void *arg, const struct change_piece *p);  /* one */
	int (*comes)(void *arg, const struct change_piece *p);
	void *arg;
};

/*
 * change_run - compare.
 *
 * In the order of the new text; what goes before what comes in its place. Returns 0; -EFBIG: too
 * much differs; -ENOTSUP: a unit is too long; -ENOMEM; an error of a reader; what a call returned.
 */
MUST_USE int change_run(const struct change_plan *plan);

/* The length of the first unit of a text; 0: it does not end there. is_end: the text does. */
size_t change_unit(const char *text, size_t n, bool is_end, bool by_owner);
