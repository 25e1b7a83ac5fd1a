/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/generate.h - names that are made: generated ones of no family, and typing errors.
 *
 * What:      programs that generate names do it in few ways: letters at random, syllables, words
 *            put together. Names made in these ways, with lengths, alphabets, words and suffixes
 *            of their own, keep the model from learning only the families that it is shown.
 *            None of the families' alphabets, lists or lengths is used.
 *            Typing errors of popular names are ordinary names.
 */
#pragma once

#include "corpus.h"

struct words {
	const char **at;
	size_t n;
	const char **common; /* of these, those that are found in ordinary names */
	size_t n_common;
};

/* Reads a dictionary: one word a line; lower-case ones of 3 to 12 letters are kept. */
void words_read(struct words *w, const char *path);

struct generator {
	const struct words *words;
	const struct entries *ordinary; /* suffixes and letter statistics; training part */
	struct dice dice;
};

/* One generated name into `ret`, valid until the next call. */
void generate_name(struct generator *g, struct entry *ret);
/* One typing error of a name; false if it came out as it was. */
bool generate_typo(struct dice *d, const struct entry *base, struct entry *ret);
/* n typing errors of the first names (the popular ones) of the sets, each in its base's part. */
void generate_typos(struct corpus *c, size_t n, uint64_t seed);
