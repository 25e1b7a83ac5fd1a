/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/dga_model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "tiny_model.h"

static void names_are_scored(void **state)
{
	(void)state;
	struct tiny t;
	struct dga_numbers k;
	struct dga_score s;
	tiny_make(&t, &k);
	struct dga_model *m = tiny_open(&t);
	dga_score(m, "abcdefghijklmno", 15, "com", 3, &s);
	assert_true(fabsf(s.log_odds - 5) < 1e-4F && s.evidence[0] == 3 && s.evidence[1] == 3);
	assert_int_equal(dga_level(m, s.log_odds), DGA_LEVEL_MEDIUM);
	dga_score(m, "abc", 3, "com", 3, &s);
	assert_true(fabsf(s.log_odds + 7) < 1e-4F && s.evidence[0] == -2);
	assert_int_equal(dga_level(m, s.log_odds), -1);
	assert_int_equal(dga_level(m, 100), DGA_LEVEL_HIGH);
	dga_model_free(m);
}

static void evidence_is_between_its_bins(void **state)
{
	(void)state;
	struct tiny t;
	struct dga_numbers k;
	struct dga_score s;
	tiny_make(&t, &k);
	*tiny_number(&t, k.direct + DGA_BAGS * DGA_DIM + DGA_SHAPE_LENGTH) = 0;
	*tiny_number(&t, k.evidence + DGA_BINS) = -4; /* of the other kind */
	float *out = tiny_number(&t, k.out_0);
	struct {
		float log_odds, evidence;
	} rows[] = { { -1e6F, -2 }, { 0, -2 }, { 0.5F, 0.5F }, { 1, 3 }, { 31, 3 }, { 1e6F, 3 } };
	struct dga_model *m = tiny_open(&t);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		*out = rows[i].log_odds;
		dga_score(m, "abc", 3, "com", 3, &s);
		assert_true(fabsf(s.evidence[0] - rows[i].evidence) < 1e-4F);
		if (rows[i].log_odds < -16)
			assert_true(s.evidence[1] == -4);
	}
	dga_model_free(m);
}

static void rows_and_layers_are_used(void **state)
{
	(void)state;
	struct tiny t;
	struct dga_numbers k;
	struct dga_score s;
	float share[DGA_FAMILIES_MAX];
	tiny_make(&t, &k);
	/* Every row is 1 in dimension 3; the first hidden number is that of the first bag. */
	for (unsigned i = 0; i < TINY_ROWS; i++)
		t.rows[i * DGA_DIM + 3] = 10;
	*tiny_number(&t, k.scale + 3) = 0.1F;
	*tiny_number(&t, k.hidden + 3) = 1;
	*tiny_number(&t, k.out) = 1;
	*tiny_number(&t, k.family + TINY_HIDDEN) = 1; /* the second family likes it */
	struct dga_model *m = tiny_open(&t);
	dga_score(m, "abcdefghij", 10, "com", 3, &s);
	struct dga_features f;
	dga_features(dga_model_lexicon(m), "abcdefghij", 10, "com", 3, &f);
	assert_true(fabsf(s.log_odds - sqrtf((float)f.ends[0])) < 1e-3F);
	assert_int_equal(dga_family(m, &s, share), 1);
	assert_true(share[1] > 0.99F && fabsf(share[0] + share[1] - 1) < 1e-5F);
	assert_string_equal(dga_family_name(m, 1), "second");
	assert_string_equal(dga_family_name(m, DGA_NO_FAMILY), "");
	dga_model_free(m);
}

static int open_with(void (*change)(struct tiny *t, struct dga_numbers *k), bool is_sealed,
                     char *why)
{
	struct tiny t;
	struct dga_numbers k;
	struct dga_model *m = NULL;
	tiny_make(&t, &k);
	change(&t, &k);
	if (is_sealed)
		tiny_seal(&t);
	int e = dga_model_take(t.bytes, t.n, &m, why);
	if (e == 0)
		dga_model_free(m);
	return e;
}

static void not_magic(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->header->magic[0] = 'X';
}
static void other_version(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->header->version++;
}
static void other_order(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->header->byte_order = 0x04030201;
}
static void one_bit(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->rows[5] ^= 1;
}
static void odd_rows(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->header->n_rows = 63;
}
static void no_layer(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->header->n_hidden = 0;
}
static void other_parts(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->header->n_rows *= 2;
}
static void not_finite(struct tiny *t, struct dga_numbers *k)
{
	*tiny_number(t, k->out) = NAN;
}
static void no_width(struct tiny *t, struct dga_numbers *k)
{
	*tiny_number(t, k->bins + 1) = 0;
}
static void long_name(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	memset(t->families, 'a', DGA_FAMILY_NAME);
}
static void shorter(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->n--;
}
static void hardly_anything(struct tiny *t, struct dga_numbers *k)
{
	(void)k;
	t->n = 3;
}
static void nothing_changed(struct tiny *t, struct dga_numbers *k)
{
	(void)t;
	(void)k;
}

static void damaged_files_are_refused(void **state)
{
	(void)state;
	struct {
		void (*change)(struct tiny *t, struct dga_numbers *k);
		bool is_sealed;
		const char *why;
	} rows[] = {
		{ not_magic, true, "not a model" },  { other_version, true, "version" },
		{ other_order, true, "byte order" }, { one_bit, false, "checksum" },
		{ odd_rows, true, "tables" },        { no_layer, true, "layers" },
		{ other_parts, true, "parts" },      { not_finite, true, "number" },
		{ no_width, true, "bins" },          { long_name, true, "family" },
		{ shorter, false, "cut off" },       { hardly_anything, false, "cut off" },
	};
	char why[DGA_WHY_MAX];
	assert_int_equal(open_with(nothing_changed, true, why), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		why[0] = '\0';
		assert_int_equal(open_with(rows[i].change, rows[i].is_sealed, why), -EBADMSG);
		if (strstr(why, rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, why);
	}
}

static void files_are_read(void **state)
{
	(void)state;
	char path[] = "/tmp/weir-model-XXXXXX", why[DGA_WHY_MAX];
	struct dga_model *m;
	struct tiny t;
	struct dga_numbers k;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	tiny_make(&t, &k);
	assert_int_equal(write(fd, t.bytes, t.n), t.n);
	close(fd);
	free(t.bytes);
	assert_int_equal(dga_model_open(path, &m, why), 0);
	assert_int_equal(dga_model_header(m)->made, 20261128);
	dga_model_free(m);
	unlink(path);
	assert_int_equal(dga_model_open(path, &m, why), -ENOENT);
	assert_string_equal(why, "No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_scored),
		cmocka_unit_test(evidence_is_between_its_bins),
		cmocka_unit_test(rows_and_layers_are_used),
		cmocka_unit_test(damaged_files_are_refused),
		cmocka_unit_test(files_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
