/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/problem.h - collecting what is wrong with a configuration.
 *
 * What:      problems with their place, texts from the file made safe to print, and the nearest
 *            known word for one that is not known.
 * Threads:   the owner's.
 * Memory:    heap; a problem that finds no memory is counted but not kept.
 * Cost:      O(n) for n problems; the nearest word O(words * bytes^2).
 * Limits:    100 problems kept, 400 bytes each.
 * Tests:     tests/unit/config/load_test.c, tests/unit/config/problem_test.c
 */
#pragma once

#include <stddef.h>

#include "config/config.h"

enum {
	PROBLEMS_MAX = 100,
	PROBLEM_TEXT_MAX = 400,
	PROBLEM_QUOTE_MAX = 4 * 60 + 8, /* of problem_quote() */
};

void problem_add(struct config_problems *p, enum config_severity severity,
                 struct config_place place, const char *format, ...) PRINTF_LIKE(4, 5);

#define problem_error(p, place, ...)   problem_add(p, CONFIG_ERROR, place, __VA_ARGS__)
#define problem_warning(p, place, ...) problem_add(p, CONFIG_WARNING, place, __VA_ARGS__)

/* Put them in the order of the file. */
void problems_sort(struct config_problems *p);

/*
 * 'text' in single quotes, what is not printable ASCII as \xNN, cut after 60 bytes with "...".
 * ret_text holds PROBLEM_QUOTE_MAX bytes; it is returned.
 */
const char *problem_quote(const char *text, size_t n, char *ret_text);

/* How many single letters must change, come, go or swap to make b of a; at most `most` + 1. */
unsigned problem_distance(const char *a, const char *b, unsigned most);

/* Looking for the nearest of several words: start with { .word = what was written }. */
struct problem_nearest {
	const char *word;
	char found[64]; /* "": nothing is near */
	unsigned distance;
};
void problem_nearest_try(struct problem_nearest *n, const char *candidate);
