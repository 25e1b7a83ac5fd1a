/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/dga_features.h"

#include <stdio.h>

#include "tiny_model.h"

static int8_t trigrams[DGA_TRIGRAMS];
static uint16_t words[64];
static uint16_t heads[DGA_HEADS];
static uint8_t threes[DGA_THREES / 8 + 1];
static const struct dga_lexicon lexicon = { trigrams, words, 63, heads, threes };

static void put_word(const char *word, unsigned level)
{
	size_t n = strlen(word);
	struct dga_word_hash h = dga_word_hash(word, n);
	unsigned i = h.place & 63;
	while (words[i] != 0)
		i = (i + 1) & 63;
	words[i] = (uint16_t)(level << 13 | h.tag);
	if (n == DGA_WORD_MIN)
		threes[h.three / 8] |= (uint8_t)(1 << h.three % 8);
	else
		heads[h.head] |= (uint16_t)(1 << n);
}

static void features(const char *label, const char *suffix, struct dga_features *ret)
{
	dga_features(&lexicon, label, strlen(label), suffix, strlen(suffix), ret);
}

static void shape_is_what_it_says(void **state)
{
	(void)state;
	struct {
		const char *label;
		enum dga_shape which;
		float expected;
	} rows[] = {
		{ "example", DGA_SHAPE_LENGTH, 7 },
		{ "example", DGA_SHAPE_VOWELS, 3.0F / 7 },
		{ "ab12cd", DGA_SHAPE_DIGITS, 2.0F / 6 },
		{ "ab12cd", DGA_SHAPE_RUN_DIGITS, 2 },
		{ "ab12cd", DGA_SHAPE_CHANGES, 2 },
		{ "a-b-c", DGA_SHAPE_HYPHENS, 2 },
		{ "strengths", DGA_SHAPE_RUN_CONSONANTS, 5 },
		{ "queueing", DGA_SHAPE_RUN_VOWELS, 5 },
		{ "aaaa", DGA_SHAPE_DISTINCT, 0.25F },
		{ "aaaa", DGA_SHAPE_REPEATS, 3 },
		{ "aaaa", DGA_SHAPE_ENTROPY, 0 },
		{ "abab", DGA_SHAPE_ENTROPY, 1 },
		{ "deadbeef01", DGA_SHAPE_HEX, 1 },
		{ "deadbeef", DGA_SHAPE_HEX, 0 },
		{ "deadbeeg01", DGA_SHAPE_HEX, 0 },
		{ "xn--bcher-kva", DGA_SHAPE_IDN, 1 },
		{ "xn--", DGA_SHAPE_IDN, 0 },
		{ "qqxe", DGA_SHAPE_RARE_LETTERS, 0.75F },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dga_features f;
		features(rows[i].label, "com", &f);
		if (f.shape[rows[i].which] < rows[i].expected - 1e-5F ||
		    f.shape[rows[i].which] > rows[i].expected + 1e-5F)
			fail_msg("%s, number %d: %f", rows[i].label, (int)rows[i].which,
			         (double)f.shape[rows[i].which]);
	}
}

static void words_are_read_by_the_cheapest_reading(void **state)
{
	(void)state;
	struct dga_features f;
	put_word("green", 7);
	put_word("house", 3);
	put_word("greenhouse", 1);
	put_word("zeppelin", 1);
	put_word("zoo", 2);
	put_word("zzz", 2);
	assert_int_equal(dga_word_level(&lexicon, "house", 5), 3);
	assert_int_equal(dga_word_level(&lexicon, "hous", 4), 0);
	assert_int_equal(dga_word_level(&lexicon, "ho", 2), 0);
	features("greenhousezeppelinx", "com", &f);
	/* One word is cheaper than two. */
	assert_true(f.shape[DGA_SHAPE_WORDS] == 2);
	assert_true(f.shape[DGA_SHAPE_WORD_RARE] == 2);
	assert_true(f.shape[DGA_SHAPE_WORD_LONGEST] == 10);
	assert_true(f.shape[DGA_SHAPE_UNCOVERED] == 1);
	assert_true(f.shape[DGA_SHAPE_WORD_LEVEL] == 1 && f.shape[DGA_SHAPE_WORD_LEAST] == 1);
	features("green-house", "com", &f);
	assert_true(f.shape[DGA_SHAPE_WORDS] == 2);
	assert_true(f.shape[DGA_SHAPE_COVERED_3] > 0.45F && f.shape[DGA_SHAPE_COVERED_3] < 0.46F);
	assert_true(f.shape[DGA_SHAPE_UNCOVERED] == 0);
	assert_true(f.shape[DGA_SHAPE_WORD_LEVEL] == 5 && f.shape[DGA_SHAPE_WORD_LEAST] == 3);
	features("9x", "com", &f);
	assert_true(f.shape[DGA_SHAPE_WORDS] == 0 && f.shape[DGA_SHAPE_WORD_LEVEL] == 0);
}

static void words_are_found_wherever_they_stand(void **state)
{
	(void)state;
	struct {
		const char *label;
		struct dga_word words[4]; /* the last first */
	} rows[] = {
		{ "", { { 0 } } },
		{ "zo", { { 0 } } },
		{ "zoo", { { 0, 3, 2 } } },
		{ "zoozoo", { { 3, 3, 2 }, { 0, 3, 2 } } },
		{ "zoo9zoo", { { 4, 3, 2 }, { 0, 3, 2 } } },
		{ "9green", { { 1, 5, 7 } } },
		{ "greenhouse", { { 0, 10, 1 } } },
		{ "greenxhouse", { { 6, 5, 3 }, { 0, 5, 7 } } },
		{ "gre3nhouse", { { 5, 5, 3 } } },
		{ "zzzz", { { 1, 3, 2 } } }, /* which, does not matter */
		{ "GREEN", { { 0 } } },      /* callers give lower case */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dga_word found[DGA_LABEL_MAX / DGA_WORD_MIN];
		unsigned n = dga_words(&lexicon, rows[i].label, strlen(rows[i].label), found),
			 k = 0;
		for (; k < 4 && rows[i].words[k].n > 0; k++)
			if (k >= n || memcmp(&found[k], &rows[i].words[k], sizeof found[k]) != 0)
				fail_msg("%s: word %u", rows[i].label, k);
		assert_int_equal(n, k);
	}
	char longest[DGA_LABEL_MAX + 20];
	struct dga_word found[DGA_LABEL_MAX / DGA_WORD_MIN];
	memset(longest, 'z', sizeof longest);
	assert_int_equal(dga_words(&lexicon, longest, sizeof longest, found), DGA_LABEL_MAX / 3);
}

static void rows_of_tokens_are_rows(void **state)
{
	(void)state;
	static const uint32_t sizes[] = { 1, 2, 64, 1U << 18 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		assert_int_equal(dga_row(0, sizes[i]), 0);
		assert_int_equal(dga_row(UINT32_MAX, sizes[i]), sizes[i] - 1);
	}
	/* Words and letters do not share any. */
	struct dga_features f;
	features("zoogreen", "com", &f);
	for (unsigned i = 0; i < f.ends[3]; i++)
		assert_int_equal(dga_row(f.ids[i], 2), i >= f.ends[1]);
	assert_int_equal(f.ends[2] - f.ends[1], 4);
}

static void tokens_are_kept_apart_and_in_bounds(void **state)
{
	(void)state;
	struct dga_features f, g;
	char longest[300];
	memset(longest, 'a', sizeof longest);
	longest[299] = '\0';
	features(longest, longest, &f);
	assert_true(f.ends[0] < f.ends[1] && f.ends[2] < f.ends[3]);
	assert_true(f.ends[3] <= DGA_IDS_MAX);
	assert_true(f.shape[DGA_SHAPE_LENGTH] == DGA_LABEL_MAX);
	features("", "", &f);
	assert_true(f.ends[3] <= DGA_IDS_MAX);
	/* The suffix is seen outside of the letters only, and case does not matter. */
	features("example", "com", &f);
	features("EXAMPLE", "net", &g);
	assert_int_equal(f.ends[3], g.ends[3]);
	assert_memory_equal(f.ids, g.ids, f.ends[2] * sizeof *f.ids);
	assert_memory_not_equal(f.ids + f.ends[2], g.ids + f.ends[2],
	                        (f.ends[3] - f.ends[2]) * sizeof *f.ids);
	for (unsigned c = 0; c < 256; c++)
		assert_true(dga_symbol((uint8_t)c) < DGA_SYMBOLS - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shape_is_what_it_says),
		cmocka_unit_test(words_are_read_by_the_cheapest_reading),
		cmocka_unit_test(words_are_found_wherever_they_stand),
		cmocka_unit_test(rows_of_tokens_are_rows),
		cmocka_unit_test(tokens_are_kept_apart_and_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
