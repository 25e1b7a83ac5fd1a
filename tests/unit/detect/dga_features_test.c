/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/dga_features.h"

#include <stdio.h>

#include "tiny_model.h"

static int8_t trigrams[DGA_TRIGRAMS];
static uint16_t words[64];
static const struct dga_lexicon lexicon = { trigrams, words, 63 };

static void put_word(const char *word, unsigned class)
{
	struct dga_word_hash h = dga_word_hash(word, strlen(word));
	unsigned i = h.place & 63;
	while (words[i] != 0)
		i = (i + 1) & 63;
	words[i] = (uint16_t)(class << 14 | h.tag);
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
	put_word("green", 3);
	put_word("house", 2);
	put_word("greenhouse", 1);
	put_word("zeppelin", 1);
	assert_int_equal(dga_word_class(&lexicon, "house", 5), 2);
	assert_int_equal(dga_word_class(&lexicon, "hous", 4), 0);
	features("greenhousezeppelinx", "com", &f);
	/* One word is cheaper than two. */
	assert_true(f.shape[DGA_SHAPE_WORDS] == 2);
	assert_true(f.shape[DGA_SHAPE_WORD_RARE] == 2);
	assert_true(f.shape[DGA_SHAPE_WORD_LONGEST] == 10);
	assert_true(f.shape[DGA_SHAPE_UNCOVERED] == 1);
	features("green-house", "com", &f);
	assert_true(f.shape[DGA_SHAPE_WORDS] == 2);
	assert_true(f.shape[DGA_SHAPE_COVERED_3] > 0.45F && f.shape[DGA_SHAPE_COVERED_3] < 0.46F);
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
		cmocka_unit_test(tokens_are_kept_apart_and_in_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
