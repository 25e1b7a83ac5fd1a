/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/dga_model.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/disk.h"

enum {
	DGA_BLOCK = 16,
	ROW_ZERO = 128,
	BLOCK_FLOATS = DGA_BLOCK * (DGA_INPUT + 2), /* where it starts, what it tells, weights */
};
static_assert(DGA_HIDDEN_MAX % DGA_BLOCK == 0, "whole blocks");

static const uint8_t magic[8] = "WEIRDGA\n";

struct dga_model {
	uint8_t *bytes;
	const struct dga_file_header *header;
	struct dga_lexicon lexicon;
	const uint8_t *rows; /* as in the file, ROW_ZERO higher */
	float *layer;        /* the hidden one, in blocks of BLOCK_FLOATS */
	struct dga_numbers numbers;
	const char *families; /* n_families x DGA_FAMILY_NAME */
};

/* ---- the layout ---- */

size_t dga_model_n_numbers(const struct dga_file_header *h)
{
	size_t hidden = h->n_hidden, families = h->n_families;
	return DGA_DIM + 2 * DGA_SHAPE + hidden * DGA_INPUT + hidden + hidden + DGA_INPUT + 1 +
	       families * hidden + families + 2 * DGA_LEVELS + 2 + DGA_KINDS * DGA_BINS +
	       DGA_KIN * DGA_KIN;
}

static size_t trigram_bytes(void)
{
	return (DGA_TRIGRAMS + 63) / 64 * 64;
}

static size_t threes_bytes(void)
{
	return (DGA_THREES / 8 + 64) / 64 * 64;
}

size_t dga_model_n_bytes(const struct dga_file_header *h)
{
	return sizeof *h + trigram_bytes() + (size_t)h->n_rows * DGA_DIM + (size_t)h->n_words * 2 +
	       DGA_HEADS * sizeof(uint16_t) + threes_bytes() +
	       (size_t)h->n_numbers * sizeof(float) + (size_t)h->n_families * DGA_FAMILY_NAME;
}

void dga_model_place(const struct dga_file_header *h, const float *first, struct dga_numbers *ret)
{
	const size_t hidden = h->n_hidden;
	ret->scale = first;
	ret->mean = ret->scale + DGA_DIM;
	ret->inverse = ret->mean + DGA_SHAPE;
	ret->hidden = ret->inverse + DGA_SHAPE;
	ret->hidden_0 = ret->hidden + hidden * DGA_INPUT;
	ret->out = ret->hidden_0 + hidden;
	ret->direct = ret->out + hidden;
	ret->out_0 = ret->direct + DGA_INPUT;
	ret->family = ret->out_0 + 1;
	ret->family_0 = ret->family + h->n_families * hidden;
	ret->levels = ret->family_0 + h->n_families;
	ret->sums = ret->levels + DGA_LEVELS;
	ret->bins = ret->sums + DGA_LEVELS;
	ret->evidence = ret->bins + 2;
	ret->kin = ret->evidence + DGA_KINDS * DGA_BINS;
}

uint64_t dga_model_checksum(const uint8_t *bytes, size_t n)
{
	struct dga_file_header h;
	memcpy(&h, bytes, sizeof h);
	h.checksum = 0;
	uint64_t parts[2] = { XXH3_64bits(&h, sizeof h),
		              XXH3_64bits(bytes + sizeof h, n - sizeof h) };
	return XXH3_64bits(parts, sizeof parts);
}

/* ---- reading ---- */

static bool is_power_of_two(uint32_t n, uint32_t min, uint32_t max)
{
	return n >= min && n <= max && (n & (n - 1)) == 0;
}

static const char *header_fault(const struct dga_file_header *h, size_t n)
{
	if (memcmp(h->magic, magic, sizeof magic) != 0)
		return "not a model of generated domains";
	if (h->byte_order != DGA_FILE_BYTE_ORDER)
		return "made on a machine of the other byte order";
	if (h->version != DGA_FILE_VERSION)
		return "of another version of the format";
	if (h->file_bytes != n)
		return "cut off, or something follows it";
	if (!is_power_of_two(h->n_rows, 1, 1U << 18) || !is_power_of_two(h->n_words, 1, 1U << 20))
		return "damaged: the sizes of its tables";
	if (h->n_hidden < 1 || h->n_hidden > DGA_HIDDEN_MAX || h->n_families > DGA_FAMILIES_MAX)
		return "damaged: the size of its layers";
	if (h->n_numbers != dga_model_n_numbers(h) || dga_model_n_bytes(h) != n)
		return "damaged: its parts are not as large as it is";
	return NULL;
}

static const char *contents_fault(const struct dga_model *m, const float *first)
{
	for (uint32_t i = 0; i < m->header->n_numbers; i++)
		if (!isfinite(first[i]) || fabsf(first[i]) > 1e6F)
			return "damaged: a number in it is none";
	if (m->numbers.bins[1] < 1e-3F)
		return "damaged: the width of its bins";
	for (uint32_t i = 0; i < m->header->n_families; i++) {
		const char *name = m->families + (size_t)i * DGA_FAMILY_NAME;
		size_t n = strnlen(name, DGA_FAMILY_NAME);
		if (n == 0 || n == DGA_FAMILY_NAME)
			return "damaged: the name of a family";
		for (size_t k = 0; k < n; k++)
			if (name[k] <= ' ' || name[k] > '~' || name[k] == '"' || name[k] == '\\')
				return "damaged: the name of a family";
	}
	return NULL;
}

static const char *place_parts(struct dga_model *m)
{
	const struct dga_file_header *h = m->header;
	const uint8_t *at = m->bytes + sizeof *h;
	m->lexicon.trigrams = (const int8_t *)at;
	at += trigram_bytes();
	m->rows = at;
	at += (size_t)h->n_rows * DGA_DIM;
	m->lexicon.words = (const uint16_t *)at;
	m->lexicon.words_mask = h->n_words - 1;
	at += (size_t)h->n_words * 2;
	m->lexicon.heads = (const uint16_t *)at;
	at += DGA_HEADS * sizeof(uint16_t);
	m->lexicon.threes = at;
	at += threes_bytes();
	/* Words may be two bytes: the floats are then not at a multiple of four. */
	if ((size_t)(at - m->bytes) % sizeof(float) != 0)
		return "damaged: the size of its table of words";
	const float *first = (const float *)(const void *)at;
	dga_model_place(h, first, &m->numbers);
	m->families = (const char *)(first + h->n_numbers);
	return contents_fault(m, first);
}

/* Rows without a sign, and the hidden layer the other way around: both are quicker to add up. */
static int turn_parts(struct dga_model *m)
{
	size_t n_hidden = m->header->n_hidden, first_row = (size_t)(m->rows - m->bytes);
	size_t n_blocks = (n_hidden + DGA_BLOCK - 1) / DGA_BLOCK;
	m->layer = calloc(n_blocks * BLOCK_FLOATS, sizeof *m->layer);
	if (m->layer == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)m->header->n_rows * DGA_DIM; i++)
		m->bytes[first_row + i] ^= ROW_ZERO;
	for (size_t i = 0; i < n_hidden; i++) {
		float *at = m->layer + i / DGA_BLOCK * BLOCK_FLOATS + i % DGA_BLOCK;
		at[0] = m->numbers.hidden_0[i];
		at[DGA_BLOCK] = m->numbers.out[i];
		for (size_t k = 0; k < DGA_INPUT; k++)
			at[(k + 2) * DGA_BLOCK] = m->numbers.hidden[i * DGA_INPUT + k];
	}
	return 0;
}

int dga_model_take(void *bytes, size_t n, struct dga_model **ret, char *ret_why)
{
	struct dga_model *m = calloc(1, sizeof *m);
	const char *fault = "cut off";
	int e = -EBADMSG;
	if (m == NULL) {
		free(bytes);
		return -ENOMEM;
	}
	m->bytes = bytes;
	m->header = bytes;
	if (n >= sizeof *m->header)
		fault = header_fault(m->header, n);
	if (fault == NULL && m->header->checksum != dga_model_checksum(m->bytes, n))
		fault = "damaged: its checksum does not fit";
	if (fault == NULL)
		fault = place_parts(m);
	if (fault == NULL)
		e = turn_parts(m);
	if (e == 0) {
		*ret = m;
		return 0;
	}
	snprintf(ret_why, DGA_WHY_MAX, "%s", fault != NULL ? fault : strerror(-e));
	dga_model_free(m);
	return e;
}

int dga_model_open(const char *path, struct dga_model **ret, char *ret_why)
{
	char *text;
	size_t n;
	ret_why[0] = '\0';
	int e = disk_read(path, DGA_FILE_MAX, &text, &n);
	if (e == 0)
		return dga_model_take(text, n, ret, ret_why);
	snprintf(ret_why, DGA_WHY_MAX, "%s", strerror(-e));
	return e;
}

void dga_model_free(struct dga_model *m)
{
	if (m == NULL)
		return;
	free(m->bytes);
	free(m->layer);
	free(m);
}

const struct dga_file_header *dga_model_header(const struct dga_model *m)
{
	return m->header;
}

const struct dga_lexicon *dga_model_lexicon(const struct dga_model *m)
{
	return &m->lexicon;
}

const struct dga_numbers *dga_model_numbers(const struct dga_model *m)
{
	return &m->numbers;
}

const char *dga_family_name(const struct dga_model *m, unsigned family)
{
	return family < m->header->n_families ? m->families + (size_t)family * DGA_FAMILY_NAME : "";
}

/* ---- scoring ---- */

/* Vectors by hand: the compiler makes none of these loops at the usual optimization. */
typedef float four __attribute__((vector_size(16)));
typedef int32_t four_bits __attribute__((vector_size(16)));
typedef uint8_t row_bytes __attribute__((vector_size(DGA_DIM)));
typedef uint16_t row_words __attribute__((vector_size(2 * DGA_DIM)));

enum {
	ROWS_A_SUM = 256 /* of 8 bits, in 16 */
};
static_assert(ROWS_A_SUM * UINT8_MAX <= UINT16_MAX, "no sum overflows");

static void sum_rows(const struct dga_model *m, const uint32_t *ids, unsigned n, float *ret)
{
	int32_t sum[DGA_DIM] = { 0 };
	for (unsigned start = 0; start < n; start += ROWS_A_SUM) {
		row_words part = { 0 };
		unsigned end = n - start < ROWS_A_SUM ? n : start + ROWS_A_SUM;
		for (unsigned i = start; i < end; i++) {
			row_bytes row;
			memcpy(&row, m->rows + (size_t)dga_row(ids[i], m->header->n_rows) * DGA_DIM,
			       sizeof row);
			part += __builtin_convertvector(row, row_words);
		}
		for (unsigned d = 0; d < DGA_DIM; d++)
			sum[d] += part[d] - (int32_t)(end - start) * ROW_ZERO;
	}
	float by = n > 0 ? 1 / sqrtf((float)n) : 0;
	for (unsigned d = 0; d < DGA_DIM; d++)
		ret[d] = (float)sum[d] * m->numbers.scale[d] * by;
}

static void make_input(const struct dga_model *m, const struct dga_features *f, float *x)
{
	unsigned start = 0;
	for (unsigned b = 0; b < DGA_BAGS; b++) {
		sum_rows(m, f->ids + start, f->ends[b] - start, x + (size_t)b * DGA_DIM);
		start = f->ends[b];
	}
	for (unsigned i = 0; i < DGA_SHAPE; i++)
		x[DGA_BAGS * DGA_DIM + i] =
			(f->shape[i] - m->numbers.mean[i]) * m->numbers.inverse[i];
}

static float sum_of_four(four v)
{
	return v[0] + v[1] + v[2] + v[3];
}

static float dot(const float *a, const float *b, unsigned n)
{
	four sum = { 0 };
	unsigned i = 0;
	for (; i + 4 <= n; i += 4) {
		four x, y;
		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		sum += x * y;
	}
	float rest = 0;
	for (; i < n; i++)
		rest += a[i] * b[i];
	return sum_of_four(sum) + rest;
}

static inline four four_at(const float *p)
{
	four v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* Negative numbers become 0. */
static inline four bend(four v)
{
	return (four)((v > 0) & (four_bits)v);
}

/*
 * A block of the hidden layer, and what it adds to the log-odds. Two inputs at a time, so that no sum
 * waits for the one before; each sum by name, so that the compiler keeps it in a register.
 */
static float pass_block(const float *w, const float *x, float *ret)
{
	const float *start = w, *out = w + DGA_BLOCK;
	four a0 = four_at(start), a1 = four_at(start + 4);
	four a2 = four_at(start + 8), a3 = four_at(start + 12);
	four b0 = { 0 }, b1 = { 0 }, b2 = { 0 }, b3 = { 0 };
	static_assert(DGA_INPUT % 2 == 0 && DGA_BLOCK == 16, "two inputs, four times four");
	w += (size_t)2 * DGA_BLOCK;
	for (unsigned i = 0; i < DGA_INPUT; i += 2, w += (size_t)2 * DGA_BLOCK) {
		four x0 = { x[i], x[i], x[i], x[i] };
		four x1 = { x[i + 1], x[i + 1], x[i + 1], x[i + 1] };
		a0 += x0 * four_at(w);
		a1 += x0 * four_at(w + 4);
		a2 += x0 * four_at(w + 8);
		a3 += x0 * four_at(w + 12);
		b0 += x1 * four_at(w + 16);
		b1 += x1 * four_at(w + 20);
		b2 += x1 * four_at(w + 24);
		b3 += x1 * four_at(w + 28);
	}
	four h[DGA_BLOCK / 4] = { bend(a0 + b0), bend(a1 + b1), bend(a2 + b2), bend(a3 + b3) };
	memcpy(ret, h, sizeof h);
	return sum_of_four(h[0] * four_at(out) + h[1] * four_at(out + 4) + h[2] * four_at(out + 8) +
	                   h[3] * four_at(out + 12));
}

static float evidence_of(const struct dga_numbers *k, enum dga_kind kind, float log_odds)
{
	const float *table = k->evidence + (size_t)kind * DGA_BINS;
	float at = (log_odds - k->bins[0]) / k->bins[1];
	if (!(at > 0))
		return table[0];
	if (at >= DGA_BINS - 1)
		return table[DGA_BINS - 1];
	unsigned i = (unsigned)at;
	float part = at - (float)i;
	return table[i] * (1 - part) + table[i + 1] * part;
}

void dga_score(const struct dga_model *m, const char *label, size_t n_label, const char *suffix,
               size_t n_suffix, struct dga_score *ret)
{
	struct dga_features f;
	float x[DGA_INPUT];
	const struct dga_numbers *k = &m->numbers;
	dga_features(&m->lexicon, label, n_label, suffix, n_suffix, &f);
	make_input(m, &f, x);
	float sum = k->out_0[0] + dot(k->direct, x, DGA_INPUT);
	for (unsigned i = 0; i < m->header->n_hidden; i += DGA_BLOCK)
		sum += pass_block(m->layer + i / DGA_BLOCK * BLOCK_FLOATS, x, ret->hidden + i);
	ret->log_odds = sum;
	for (unsigned i = 0; i < DGA_KINDS; i++)
		ret->evidence[i] = evidence_of(k, (enum dga_kind)i, sum);
}

unsigned dga_family(const struct dga_model *m, const struct dga_score *score, float *share)
{
	const unsigned n = m->header->n_families, n_hidden = m->header->n_hidden;
	const struct dga_numbers *k = &m->numbers;
	float max = -INFINITY, sum = 0;
	unsigned best = DGA_NO_FAMILY;
	for (unsigned i = 0; i < n; i++) {
		share[i] = k->family_0[i] +
		           dot(k->family + (size_t)i * n_hidden, score->hidden, n_hidden);
		if (share[i] > max) {
			max = share[i];
			best = i;
		}
	}
	for (unsigned i = 0; i < n; i++)
		sum += share[i] = expf(share[i] - max);
	for (unsigned i = 0; i < n; i++)
		share[i] /= sum;
	return best;
}

int dga_level(const struct dga_model *m, float log_odds)
{
	int level = -1;
	for (int i = 0; i < DGA_LEVELS; i++)
		if (log_odds >= m->numbers.levels[i])
			level = i;
	return level;
}
