/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/glyphs.h"

#include <errno.h>
#include <idn2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void read(const char *label, struct glyphs *ret)
{
	glyphs_read((const uint8_t *)label, strlen(label), ret);
}

static void it_decodes_as_libidn2_does(void **state)
{
	(void)state;
	static const char *const labels[] = {
		"xn--bcher-kva", "xn--maana-pta",      "xn--80ak6aa92e",
		"xn--e1afmkfd",  "xn--fiqs8s",         "xn--mgberp4a5d4ar",
		"xn--j6w193g",   "xn--hxajbheg2az3al", "xn--ihqwcrb4cv8a8dqg056pqjye",
		"xn--pypal-4ve", "xn--zckzah",         "xn--strae-oqa",
	};
	for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
		uint32_t points[GLYPHS_LABEL_MAX], *expected;
		size_t n;
		assert_int_equal(idn2_to_unicode_8z4z(labels[i], &expected, 0), IDN2_OK);
		assert_int_equal(glyphs_decode((const uint8_t *)labels[i] + 4,
		                               strlen(labels[i]) - 4, points, &n),
		                 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(points[k], expected[k]);
		assert_int_equal(expected[n], 0);
		idn2_free(expected);
	}
}

static void what_is_no_punycode(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",         /* nothing */
		"a-b_c",    /* no digit */
		"99999999", /* overflows */
		"a-999999999999",
		"a-z", /* cut off */
		"0000000000000000000000000000000000000000000000000000000000000000",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint32_t points[GLYPHS_LABEL_MAX];
		size_t n;
		assert_int_equal(glyphs_decode((const uint8_t *)bad[i], strlen(bad[i]), points, &n),
		                 -EINVAL);
	}
	struct glyphs g;
	read("xn--99999999", &g);
	assert_false(g.is_international);
	assert_int_equal(g.n, 12);
	assert_memory_equal(g.text, "xn--99999999", 12);
}

static void what_letters_look_like(void **state)
{
	(void)state;
	static const struct {
		const char *label, *text;
		bool has_letters, has_marks, is_unlike, is_mixed;
	} rows[] = {
		{ "paypal", "paypal", false, false, false, false },
		{ "xn--pypal-4ve", "paypal", true, false, false, true },  /* Cyrillic a */
		{ "xn--80ak6aa92e", "appie", true, false, false, false }, /* all Cyrillic */
		{ "xn--yhoo-5na", "yahoo", false, true, false, false },   /* an accent */
		{ "xn--bcher-kva", "bucher", false, true, false, false }, /* u with dots */
		{ "xn--fiqs8s", "", false, false, true, false },          /* Chinese */
		{ "xn--j6w193g", "", false, false, true, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct glyphs g;
		read(rows[i].label, &g);
		assert_int_equal(g.n, strlen(rows[i].text));
		assert_memory_equal(g.text, rows[i].text, g.n);
		assert_int_equal(g.has_letters, rows[i].has_letters);
		assert_int_equal(g.has_marks, rows[i].has_marks);
		assert_int_equal(g.is_unlike, rows[i].is_unlike);
		assert_int_equal(g.is_mixed, rows[i].is_mixed);
	}
}

static void scripts_that_go_together(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is_mixed;
	} rows[] = {
		{ "日本のabc", false },  /* Han, Hiragana, Latin */
		{ "カタカナ語", false }, /* Katakana, Han */
		{ "한국abc", false },    /* Hangul, Latin */
		{ "россия24", false },   /* Cyrillic, digits */
		{ "россияx", true },     /* Cyrillic, Latin */
		{ "αβγд", true },        /* Greek, Cyrillic */
		{ "日本α", true },       /* Han, Greek */
		{ "été", false },        /* Latin */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *label;
		struct glyphs g;
		assert_int_equal(idn2_to_ascii_8z(rows[i].text, &label, IDN2_NONTRANSITIONAL),
		                 IDN2_OK);
		read(label, &g);
		assert_true(g.is_international);
		assert_int_equal(g.is_mixed, rows[i].is_mixed);
		idn2_free(label);
	}
}

static void long_labels_fit(void **state)
{
	(void)state;
	struct glyphs g;
	uint8_t label[GLYPHS_LABEL_MAX];
	memset(label, 'a', sizeof label);
	glyphs_read(label, sizeof label, &g);
	assert_int_equal(g.n, sizeof label);
	/* As many as a label can have of a letter that looks like two (ae). */
	memcpy(label, "xn--6ca", 7);
	memset(label + 7, 'a', sizeof label - 7);
	glyphs_read(label, sizeof label, &g);
	assert_true(g.n == sizeof label || g.n == 2 * (sizeof label - 6));
}

static void what_looks_alike(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool is_alike;
	} rows[] = {
		{ "paypal", "paypa1", true },     { "paypal", "paypai", true },
		{ "amazon", "arnazon", true },    { "google", "g00gle", true },
		{ "twitter", "tvvitter", true },  { "dropbox", "clropbox", true },
		{ "facebook", "f4c3b00k", true }, { "steam", "5team", true },
		{ "paypal", "paypol", false },    { "amazon", "amzaon", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char a[GLYPHS_TEXT_MAX], b[GLYPHS_TEXT_MAX];
		size_t n_a = glyphs_fold(rows[i].a, strlen(rows[i].a), a);
		size_t n_b = glyphs_fold(rows[i].b, strlen(rows[i].b), b);
		assert_int_equal(n_a == n_b && memcmp(a, b, n_a) == 0, rows[i].is_alike);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_decodes_as_libidn2_does),
		cmocka_unit_test(what_is_no_punycode),
		cmocka_unit_test(what_letters_look_like),
		cmocka_unit_test(scripts_that_go_together),
		cmocka_unit_test(long_labels_fit),
		cmocka_unit_test(what_looks_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
