/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/dga_features.h - what the model of generated domains sees of a name.
 *
 * What:      a registered domain, split into the label before the public suffix and the suffix,
 *            becomes four bags of hashed tokens and a short vector of shape:
 *
 *                letters   the runs of two to four characters of ^label$
 *                pattern   the runs of four and six of its classes (vowel, consonant, digit, other)
 *                words     the words that it is read as; the first and the last once more, as such
 *                outside   the suffix, the length, and both together
 *                shape     lengths, shares, runs, how common its letters are in ordinary names
 *                          (trigrams), how much of it is words, and how common these are
 *
 *            The trainer and the scorer call the same function, so they cannot differ.
 * Not here:  the weights -> detect/dga_model.h; the public suffix: the caller's.
 * Threads:   pure.
 * Memory:    never allocates; struct dga_features is about 3 KiB, on the caller's stack.
 * Cost:      half a microsecond for a label of 12 characters.
 * Limits:    labels of 63 bytes, suffixes of 253; what is longer is cut.
 * Tests:     tests/unit/detect/dga_features_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	DGA_LABEL_MAX = 63,
	DGA_SYMBOLS = 41, /* a-z 0-9 - _ other ^ $ */
	DGA_TRIGRAMS = DGA_SYMBOLS * DGA_SYMBOLS * DGA_SYMBOLS,
	DGA_SHAPE = 30, /* numbers in the shape */
	DGA_BAGS = 4,
	DGA_IDS_MAX = 380, /* 65 symbols: 3 x 65 runs of letters, 2 x 65 of classes, 40 others */
	DGA_WORD_MIN = 3,  /* letters of the words that are looked for */
	DGA_WORD_MAX = 14,
	DGA_WORD_PROBES = 8, /* places of the table of words that are looked at */
	DGA_WORD_LEVELS =
		7, /* how common in names: 1 next to never, each further one some three times as much */
	DGA_HEADS =
		1
		<< 15, /* of the hash of a word's first four letters: how long such words are, in bits */
	DGA_THREES = 26 * 26 * 26, /* bits: words of three letters */
};

enum dga_shape {
	DGA_SHAPE_LENGTH,
	DGA_SHAPE_VOWELS, /* shares of the label */
	DGA_SHAPE_DIGITS,
	DGA_SHAPE_HYPHENS,        /* number */
	DGA_SHAPE_RUN_CONSONANTS, /* the longest run */
	DGA_SHAPE_RUN_VOWELS,
	DGA_SHAPE_RUN_DIGITS,
	DGA_SHAPE_DISTINCT, /* share of distinct characters */
	DGA_SHAPE_ENTROPY,
	DGA_SHAPE_HEX,     /* only hexadecimal digits, with at least one of 0-9 */
	DGA_SHAPE_CHANGES, /* from letter to digit or back */
	DGA_SHAPE_REPEATS, /* pairs of equal neighbours */
	DGA_SHAPE_IDN,
	DGA_SHAPE_LM_MEAN, /* of the trigrams' logarithms */
	DGA_SHAPE_LM_MIN,
	DGA_SHAPE_LM_MIN4, /* the worst window of four */
	DGA_SHAPE_LM_SD,
	DGA_SHAPE_LM_RARE,   /* share of trigrams that are next to unknown */
	DGA_SHAPE_COVERED_1, /* share of the label that is words of level 1; 2 to 4; higher */
	DGA_SHAPE_COVERED_2,
	DGA_SHAPE_COVERED_3,
	DGA_SHAPE_UNCOVERED, /* characters */
	DGA_SHAPE_WORDS,     /* number */
	DGA_SHAPE_WORD_LONGEST,
	DGA_SHAPE_WORD_RARE,    /* number of level 1 */
	DGA_SHAPE_RARE_LETTERS, /* share of j k q v w x z */
	DGA_SHAPE_SUFFIX_LABELS,
	DGA_SHAPE_SUFFIX_LENGTH,
	DGA_SHAPE_WORD_LEVEL, /* mean of the words' levels, 0 if there is none */
	DGA_SHAPE_WORD_LEAST, /* the lowest */
};

/* The tables that the shape looks into: made by training, part of the model. */
struct dga_lexicon {
	const int8_t *trigrams; /* DGA_TRIGRAMS: 8 log2 p(c | two before), 0 to -127 */
	const uint16_t *words;  /* 0: free; else level << 13 | 13 bits of the hash */
	uint32_t words_mask;    /* places - 1 */
	const uint16_t *heads;  /* DGA_HEADS */
	const uint8_t *threes;  /* DGA_THREES / 8 + 1 */
};

struct dga_features {
	uint32_t ids[DGA_IDS_MAX]; /* tokens: dga_row() */
	unsigned ends[DGA_BAGS];   /* bag b is ids[ends[b - 1]] to ids[ends[b] - 1] */
	float shape[DGA_SHAPE];
};

/* The symbol of a byte [0, DGA_SYMBOLS). */
unsigned dga_symbol(uint8_t c);

/* Place and tag of a word in a table of words, and where its beginning is noted; for who builds them. */
struct dga_word_hash {
	uint32_t place; /* to be masked */
	uint16_t tag;   /* 13 bits */
	uint16_t head;  /* of heads, if it has four letters or more: bit n for n letters */
	uint16_t three; /* bit of threes, if it has three */
};
/* @word: DGA_WORD_MIN to DGA_WORD_MAX letters a to z */
struct dga_word_hash dga_word_hash(const char *word, size_t n);

/* The level of a word [1, DGA_WORD_LEVELS], 0 if it is not known. */
unsigned dga_word_level(const struct dga_lexicon *lex, const char *word, size_t n);

/* One word of a label. */
struct dga_word {
	uint8_t at, n, level;
};
/*
 * dga_words - reads a label as words.
 *
 * @ret: DGA_LABEL_MAX / DGA_WORD_MIN of them; the last word comes first
 *
 * Returns how many.
 */
unsigned dga_words(const struct dga_lexicon *lex, const char *label, size_t n_label,
                   struct dga_word *ret);

/* The row of a token, of n_rows. */
static inline uint32_t dga_row(uint32_t id, uint32_t n_rows)
{
	return (uint32_t)((uint64_t)id * n_rows >> 32);
}

/*
 * dga_features - of a registered domain.
 *
 * @label, @suffix: text in lower case, without dots at the ends       [borrowed]
 */
void dga_features(const struct dga_lexicon *lex, const char *label, size_t n_label,
                  const char *suffix, size_t n_suffix, struct dga_features *ret);
