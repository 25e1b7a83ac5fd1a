/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model made by hand: every row and number is 0 but what a test sets. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detect/dga_model.h"

enum {
	TINY_ROWS = 64,
	TINY_WORDS = 32,
	TINY_HIDDEN = 2,
	TINY_FAMILIES = 2,
};

struct tiny {
	uint8_t *bytes;
	size_t n;
	struct dga_file_header *header;
	int8_t *trigrams, *rows;
	uint16_t *words, *heads;
	uint8_t *threes;
	float *numbers;
	char *families;
};

static inline float *tiny_number(struct tiny *t, const float *which)
{
	return t->numbers + (which - t->numbers);
}

static inline void tiny_seal(struct tiny *t)
{
	t->header->checksum = dga_model_checksum(t->bytes, t->n);
}

/* Its log-odds are the length of the label minus 10; its evidence 3 above 0, -2 below. */
static inline void tiny_make(struct tiny *t, struct dga_numbers *k)
{
	struct dga_file_header h = { .magic = "WEIRDGA\n",
		                     .version = DGA_FILE_VERSION,
		                     .byte_order = DGA_FILE_BYTE_ORDER,
		                     .made = 20261128,
		                     .n_rows = TINY_ROWS,
		                     .n_words = TINY_WORDS,
		                     .n_hidden = TINY_HIDDEN,
		                     .n_families = TINY_FAMILIES };
	h.n_numbers = (uint32_t)dga_model_n_numbers(&h);
	t->n = h.file_bytes = dga_model_n_bytes(&h);
	t->bytes = calloc(1, t->n);
	assert_non_null(t->bytes);
	t->header = (struct dga_file_header *)t->bytes;
	*t->header = h;
	t->trigrams = (int8_t *)(t->bytes + sizeof h);
	t->rows = t->trigrams + (DGA_TRIGRAMS + 63) / 64 * 64;
	t->words = (uint16_t *)(t->rows + TINY_ROWS * DGA_DIM);
	t->heads = t->words + TINY_WORDS;
	t->threes = (uint8_t *)(t->heads + DGA_HEADS);
	t->numbers = (float *)(t->threes + (DGA_THREES / 8 + 64) / 64 * 64);
	t->families = (char *)(t->numbers + h.n_numbers);
	dga_model_place(&h, t->numbers, k);
	for (unsigned i = 0; i < DGA_SHAPE; i++)
		*tiny_number(t, k->inverse + i) = 1;
	*tiny_number(t, k->direct + DGA_BAGS * DGA_DIM + DGA_SHAPE_LENGTH) = 1;
	*tiny_number(t, k->out_0) = -10;
	*tiny_number(t, k->levels + DGA_LEVEL_LOW) = 0;
	*tiny_number(t, k->levels + DGA_LEVEL_MEDIUM) = 5;
	*tiny_number(t, k->levels + DGA_LEVEL_HIGH) = 10;
	*tiny_number(t, k->bins) = -16;
	*tiny_number(t, k->bins + 1) = 1;
	for (unsigned i = 0; i < DGA_KINDS * DGA_BINS; i++)
		*tiny_number(t, k->evidence + i) = i % DGA_BINS > 16 ? 3 : -2;
	memcpy(t->families, "first", 5);
	memcpy(t->families + DGA_FAMILY_NAME, "second", 6);
	tiny_seal(t);
}

static inline struct dga_model *tiny_open(struct tiny *t)
{
	struct dga_model *m;
	char why[DGA_WHY_MAX];
	tiny_seal(t);
	assert_int_equal(dga_model_take(t->bytes, t->n, &m, why), 0);
	return m;
}
