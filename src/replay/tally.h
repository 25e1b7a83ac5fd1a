/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/tally.h - what is met most often, in bounded memory.
 *
 * What:      a table from texts to counts. As long as fewer than `max` different texts came every
 *            count is exact. When it is full the rare ones are given up (lossy counting, Manku
 *            and Motwani 2002): a count that is told then may be short by at most
 *            tally_error(), and a text that is not told came at most so often.
 * Threads:   one thread.
 * Memory:    max entries of some 60 bytes and their texts.
 * Cost:      a hash and a look-up; giving up costs O(max) once in max/2 new texts.
 * Limits:    texts of TALLY_TEXT_MAX bytes, cut beyond.
 * Tests:     tests/unit/replay/tally_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	TALLY_TEXT_MAX = 1100, /* a name with every byte escaped */
};

struct tally;

struct tally_entry {
	const char *text;
	const char *note; /* the last one given with it; "" */
	uint64_t count;
};

MUST_USE int tally_new(unsigned max, struct tally **ret); /* 0 or -ENOMEM */
void tally_free(struct tally *t);
/* Count once. note: "" or something that belongs to it. Without memory it is not counted. */
void tally_add(struct tally *t, const char *text, const char *note);
/* The most frequent ones, sorted; returns how many were written, at most max. */
unsigned tally_top(struct tally *t, struct tally_entry *ret, unsigned max);
unsigned tally_count(const struct tally *t); /* different texts that are held */
uint64_t tally_error(const struct tally *t); /* 0: everything is exact */
