/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/brands.h - protected labels, and what looks like them; inside detect/.
 *
 * What:      a hash table of labels that are imitated (paypal), of what they fold to (glyphs.h), of
 *            the labels with one letter less, of the domains that are theirs, of labels that only
 *            happen to be alike, and of the words that imitators add.
 * Not here:  what the answers mean for a name -> detect/resemble.h; where the list of brands comes
 *            from -> tools/train/README.md
 * Threads:   pure, once made.
 * Memory:    heap, until brands_free(); fixed: 1.5 MiB for the list that is built in.
 * Cost:      5 ns a question; near: one question a letter. Making the built-in ones: some ms.
 * Limits:    BRANDS_MAX labels. Strings are known by 48 bits of a hash; what comes from names of
 *            others is never put into the table.
 * Tests:     tests/unit/detect/brands_test.c
 */
#pragma once

#include <stddef.h>

#include "base/must.h"
#include "config/config.h"

enum {
	BRANDS_MAX = 16384,
	BRANDS_TEXT_MAX = 256, /* of what is asked for */
	BRAND_NEAR_MIN = 8,    /* letters of a label of which one may be wrong */
};

struct brand {
	const char *label;
	uint8_t n;
	uint8_t n_domain;
	bool is_word;       /* a word of a language, too: apple */
	bool is_own;        /* of detect.lookalike.domains */
	const char *domain; /* its first one, not ended by NUL */
};

enum brand_word {
	BRAND_WORD_NONE,
	BRAND_WORD_WEAK,   /* shop, news: others use them, too */
	BRAND_WORD_SUFFIX, /* com */
	BRAND_WORD_STRONG, /* login */
};

struct brands;

/* The list that is built in. 0, -ENOMEM. */
MUST_USE int brands_new(struct brands **ret);
/* The operator's own domains. 0, -ENOMEM. */
MUST_USE int brands_new_own(const struct config_names *domains, struct brands **ret);
void brands_free(struct brands *b);
size_t brands_bytes(const struct brands *b);
unsigned brands_count(const struct brands *b);
const struct brand *brands_at(const struct brands *b, unsigned i);

/* The words of docs/detection.md; the same for all lists. */
enum brand_word brands_word(const char *text, size_t n);

/*
 * A text whose parts are asked for, hashed once. text: borrowed, n <= BRANDS_TEXT_MAX bytes; cut off
 * there.
 */
struct brands_text {
	const char *text;
	unsigned n;
	uint64_t sums[BRANDS_TEXT_MAX + 1];
};
void brands_text(struct brands_text *ret, const char *text, size_t n);

/* Is this part of the text a label? NULL: none. */
const struct brand *brands_find(const struct brands *b, const struct brands_text *t, unsigned from,
                                unsigned n);
/* Is it, being folded, what a label folds to? */
const struct brand *brands_folded(const struct brands *b, const struct brands_text *folded,
                                  unsigned from, unsigned n);
/*
 * Has it one letter more, less, another one, or two exchanged? Labels of BRAND_NEAR_MIN letters and
 * more only.
 */
const struct brand *brands_near(const struct brands *b, const struct brands_text *t, unsigned from,
                                unsigned n);
/* Is it a domain of a brand, as text without a final dot? */
bool brands_have_domain(const struct brands *b, const struct brands_text *t, unsigned from,
                        unsigned n);
/* Does it look like a label, and is a word or somebody else's name? */
bool brands_except(const struct brands *b, const struct brands_text *t, unsigned from, unsigned n);

/* Is one edit between them (Damerau: a letter more, less or other, or two exchanged)? */
bool brands_is_one_edit(const char *a, size_t n_a, const char *b, size_t n_b);
