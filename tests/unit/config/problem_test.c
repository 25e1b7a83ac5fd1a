/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_distance(void **state)
{
	/* clang-format off */
	static const struct { const char *a, *b; unsigned d; } rows[] = {
		{ "", "", 0 }, { "a", "", 1 }, { "", "ab", 2 }, { "workers", "workers", 0 },
		{ "wrokers", "workers", 1 }, { "worker", "workers", 1 }, { "workerss", "workers", 1 },
		{ "xorkers", "workers", 1 }, { "kitten", "sitting", 3 }, { "listen", "silent", 4 },
		{ "abcd", "badc", 2 }, { "aaaaaaaaaa", "b", 4 /* over the limit of 3 */ },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned most = rows[i].d == 4 ? (rows[i].a[0] == 'l' ? 5 : 3) : 5;
		assert_int_equal(problem_distance(rows[i].a, rows[i].b, most), rows[i].d);
		assert_int_equal(problem_distance(rows[i].b, rows[i].a, most), rows[i].d);
	}
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "listen", "workers", "udp-size", "user" };
	/* clang-format off */
	static const struct { const char *word, *found; } rows[] = {
		{ "wrokers", "workers" }, { "Workers", "workers" }, { "lisen", "listen" },
		{ "udpsize", "udp-size" }, { "usr", "user" }, { "x", "" }, { "", "" },
		{ "something-else", "" },
	};
	/* clang-format on */
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct problem_nearest n = { .word = rows[i].word };
		for (size_t w = 0; w < ARRAY_LEN(words); w++)
			problem_nearest_try(&n, words[w]);
		assert_string_equal(n.found, rows[i].found);
	}
}

static void test_quote(void **state)
{
	char text[PROBLEM_QUOTE_MAX], long_text[300];
	(void)state;
	assert_string_equal(problem_quote("abc", 3, text), "'abc'");
	assert_string_equal(problem_quote("a\x1b[31m\n\xc3\xa4", 8, text),
	                    "'a\\x1b[31m\\x0a\\xc3'");
	assert_string_equal(problem_quote("", 0, text), "''");
	memset(long_text, '\x01', sizeof long_text);
	problem_quote(long_text, sizeof long_text, text);
	assert_int_equal(strlen(text), 4 * 60 + 5);
	assert_string_equal(text + 4 * 60, "1...'");
}

static void test_order_and_limit(void **state)
{
	struct config_problems p = { .path = strdup("f") };
	char text[PROBLEM_TEXT_MAX + 100];
	(void)state;
	problem_error(&p, ((struct config_place){ 3, 1 }), "third");
	problem_warning(&p, ((struct config_place){ 1, 9 }), "second");
	problem_add(&p, CONFIG_MISSING, (struct config_place){ 1, 2 }, "first %d", 1);
	problems_sort(&p);
	config_problem_text(&p, 0, text, sizeof text);
	assert_string_equal(text, "f:1:2: first 1");
	config_problem_text(&p, 1, text, sizeof text);
	assert_string_equal(text, "f:1:9: warning: second");
	config_problem_text(&p, 2, text, sizeof text);
	assert_string_equal(text, "f:3:1: third");
	for (unsigned i = 0; i < 1000; i++)
		problem_error(&p, ((struct config_place){ i, i }), "more");
	assert_int_equal(p.n, PROBLEMS_MAX);
	assert_int_equal(p.n_dropped, 1003 - PROBLEMS_MAX);
	assert_int_equal(p.n_errors, 1001);
	assert_int_equal(p.n_missing, 1);
	assert_int_equal(p.n_warnings, 1);
	config_problems_done(&p);
	assert_null(p.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_order_and_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
