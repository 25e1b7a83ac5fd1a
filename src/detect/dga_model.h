/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/dga_model.h - the model of generated domains: its file, and scoring one name.
 *
 * What:      a small network. Each bag of tokens (detect/dga_features.h) is the sum of rows of
 *            one table of 8-bit numbers, divided by the square root of their number; the three
 *            sums and the shape are the input of one hidden layer, and what comes out is the
 *            log-odds that a program made the name. A second head, asked only for names that
 *            are evidence, says which family's names look like it.
 *
 *              header | trigrams | rows | words | heads | threes | numbers (float) | names of families
 *
 * Not here:  making the file -> tools/train; evidence of a client -> detect/dga_evidence.h.
 * Threads:   immutable after opening; any thread.
 * Memory:    the file on the heap, about 1 MB; scoring allocates nothing.
 * Cost:      scoring: a microsecond to one and a half (tools/train: dga-train speed).
 * Limits:    files of DGA_FILE_MAX bytes; every number of the header is checked, all floats
 *            are finite, the rest may hold any bits and leads to no wrong access.
 * Tests:     tests/unit/detect/dga_model_test.c, tests/fuzz/dga_model_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "detect/dga_features.h"

enum {
	DGA_FILE_MAX = 8 << 20,
	DGA_FILE_VERSION = 2,
	DGA_FILE_BYTE_ORDER = 0x01020304,
	DGA_DIM = 16, /* numbers in a row */
	DGA_INPUT = DGA_BAGS * DGA_DIM + DGA_SHAPE,
	DGA_HIDDEN_MAX = 128,
	DGA_FAMILIES_MAX = 250,
	DGA_FAMILY_NAME = 24, /* bytes, with the NUL */
	DGA_BINS = 32,        /* of a table from log-odds to evidence */
	DGA_KIN = 5,          /* shares of a client's last failures, in quarters */
	DGA_NO_FAMILY = 255,
};

struct dga_file_header {
	uint8_t magic[8]; /* "WEIRDGA\n" */
	uint32_t version;
	uint32_t byte_order;
	uint64_t file_bytes;
	uint64_t checksum; /* XXH3 of the file with this field 0 */
	uint32_t made;     /* the day: 20261128 */
	uint32_t n_rows;   /* a power of two */
	uint32_t n_words;  /* places, a power of two */
	uint32_t n_hidden;
	uint32_t n_families;
	uint32_t n_numbers; /* floats: follows from the others */
};

/* The floats of the file, in this order. */
struct dga_numbers {
	const float *scale;    /* DGA_DIM: of the rows */
	const float *mean;     /* DGA_SHAPE */
	const float *inverse;  /* DGA_SHAPE: 1 / standard deviation */
	const float *hidden;   /* n_hidden x DGA_INPUT */
	const float *hidden_0; /* n_hidden */
	const float *out;      /* n_hidden */
	const float *direct;   /* DGA_INPUT */
	const float *out_0;    /* 1 */
	const float *family;   /* n_families x n_hidden */
	const float *family_0; /* n_families */
	const float *levels;   /* DGA_LEVELS: log-odds of the three confidences */
	const float *sums;     /* DGA_LEVELS: of a client's evidence, at the three confidences */
	const float *bins;     /* 2: the log-odds where the first bin begins; width of a bin */
	const float
		*evidence; /* DGA_KINDS x DGA_BINS: natural log of the likelihood ratio, clipped */
	const float *kin;  /* DGA_KIN x DGA_KIN: the same of how alike a client's failures are */
};

/* What a name can be evidence for: the log-odds mean less for names that are meant to look ordinary. */
enum dga_kind {
	DGA_KIND_LETTERS, /* that the client has a generator of letters */
	DGA_KIND_WORDS,   /* one of words or syllables */
	DGA_KINDS,
};

/* Confidences of a single name: one ordinary name in 100, 1,000 and 10,000 is above. */
enum dga_level {
	DGA_LEVEL_LOW,
	DGA_LEVEL_MEDIUM,
	DGA_LEVEL_HIGH,
	DGA_LEVELS,
};

struct dga_model;

enum {
	DGA_WHY_MAX = 160
};

/*
 * dga_model_open - read a model.
 *
 * @ret_why: what is wrong with the file, if something is (DGA_WHY_MAX bytes)   [caller's]
 *
 * Returns 0; -EBADMSG for a file that is no model or is damaged, -EFBIG, -ENOMEM, or what the
 * disk says.
 */
MUST_USE int dga_model_open(const char *path, struct dga_model **ret, char *ret_why);
/* The same for bytes in memory; n bytes are taken: freed by dga_model_free, also on error. */
MUST_USE int dga_model_take(void *bytes, size_t n, struct dga_model **ret, char *ret_why);
void dga_model_free(struct dga_model *m);

/* Floats in a file of this shape, and bytes of the whole file. For who writes one. */
size_t dga_model_n_numbers(const struct dga_file_header *h);
size_t dga_model_n_bytes(const struct dga_file_header *h);
/* Where the floats stand, n of them from `first`. */
void dga_model_place(const struct dga_file_header *h, const float *first, struct dga_numbers *ret);
uint64_t dga_model_checksum(const uint8_t *bytes, size_t n);

const struct dga_file_header *dga_model_header(const struct dga_model *m);
const struct dga_lexicon *dga_model_lexicon(const struct dga_model *m);
const struct dga_numbers *dga_model_numbers(const struct dga_model *m);
const char *dga_family_name(const struct dga_model *m, unsigned family); /* "" if there is none */

struct dga_score {
	float log_odds;               /* that the name is generated, at even odds before */
	float evidence[DGA_KINDS];    /* natural log of the likelihood ratio, within +-DGA_CLIP */
	float hidden[DGA_HIDDEN_MAX]; /* for dga_family() */
};

/*
 * dga_score - how a registered domain looks.
 *
 * @label:  what stands before the public suffix, lower case, one label   [borrowed]
 * @suffix: the public suffix, lower case, without dots at the ends       [borrowed]
 */
void dga_score(const struct dga_model *m, const char *label, size_t n_label, const char *suffix,
               size_t n_suffix, struct dga_score *ret);

/*
 * dga_family - whose names look like this one.
 *
 * @share: for each family of the model, its share [0, 1] is put here     [caller's]
 *
 * Returns the likeliest family; DGA_NO_FAMILY if the model has none.
 */
unsigned dga_family(const struct dga_model *m, const struct dga_score *score, float *share);

/* The confidence that log-odds reach: DGA_LEVEL_LOW to DGA_LEVEL_HIGH, -1 if none. */
int dga_level(const struct dga_model *m, float log_odds);
