/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/text.h - lines of text that grow in memory, and the words of small text files.
 *
 * What:      a buffer that lines are put at the end of, and numbers read off the front of a line whose
 *            words are separated by blanks.
 * Not here:  whole files -> base/disk.h; lines of lists -> feeds/scan.h
 * Threads:   pure; a buffer belongs to one thread.
 * Memory:    a buffer: twice its text at most. The owner bounds it.
 * Cost:      amortized constant a byte.
 * Limits:    numbers of 64 bits, written with at most 23 digits.
 * Tests:     tests/unit/base/text_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

/* Zero it before use; `p` may be NULL while n is 0. */
struct text {
	char *p;
	size_t n, room;
	uint64_t n_lines;
};

/* The line and its end. 0; -ENOMEM: it is as it was. */
MUST_USE int text_add_line(struct text *t, const char *line, size_t n);
/* Empty, and the memory stays for what comes next. */
void text_clear(struct text *t);
void text_done(struct text *t);

/*
 * text_read_number - the next word, if it is a number.
 *
 * @at:   behind the word afterwards; blanks before it are passed over
 * @base: 10; or 16, of which the digits are lower case, without a mark
 *
 * False: there is none, it is another word, or it is too large; *ret is untouched then.
 */
bool text_read_number(const char **at, const char *end, int base, uint64_t *ret);
