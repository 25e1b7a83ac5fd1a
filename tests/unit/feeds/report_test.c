/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void escaping(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t room;
		const char *expected;
	} rows[] = {
		{ "", 10, "" },
		{ "plain text", 10, "plain text" },
		{ "plain texts", 10, "plain t..." },
		{ "\x1b[31mred", 20, "\\x1b[31mred" },
		{ "a\nb\\\x7f\xc3", 30, "a\\x0ab\\x5c\\x7f\\xc3" },
		{ "ab\n\n\n", 10, "ab\\x0a..." }, /* an escape is never cut */
	};
	char got[64];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = report_escape(rows[i].text, strlen(rows[i].text), got, rows[i].room);
		assert_string_equal(got, rows[i].expected);
		assert_int_equal(n, strlen(got));
		assert_true(n <= rows[i].room);
	}
}

static void examples(void **state)
{
	(void)state;
	static struct feeds_report r;
	report_init(&r, "a");
	for (unsigned i = 1; i <= 100; i++)
		report_skip(&r, FEEDS_SKIP_STAR, i, "x", 1);
	for (unsigned i = 1; i <= 100; i++)
		report_skip(&r, FEEDS_SKIP_EXCEPTED, i, "x", 1); /* quiet */
	assert_int_equal(r.n_examples, FEEDS_EXAMPLES / 2);
	for (unsigned i = 1; i <= 100; i++)
		report_skip(&r, FEEDS_SKIP_URL, i, "y", 1);
	assert_int_equal(r.n_examples, FEEDS_EXAMPLES);
	assert_int_equal(r.skipped, 300);
	assert_int_equal(r.skips[FEEDS_SKIP_STAR], 100);
	assert_string_equal(r.examples[FEEDS_EXAMPLES - 1].excerpt, "y");
	report_reset_counts(&r);
	assert_int_equal(r.skipped, 0);
	assert_int_equal(r.n_examples, 0);
}

static void printing(void **state)
{
	(void)state;
	static struct feeds_report r;
	char *text = NULL;
	size_t n = 0;
	report_init(&r, "evil");
	report_skip(&r, FEEDS_SKIP_STAR, 7, "a*\x1b", 3);
	report_say(&r, "file '%s' is bad", "\x1b]0;x\x07");
	r.lines = 9;
	r.names = 3;
	r.suspicious = 2;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	feeds_report_print(&r, f);
	fclose(f);
	assert_non_null(strstr(text, "list evil: 3 names, 0 prefixes from 9 lines"));
	assert_non_null(strstr(text, "skipped 1: a star"));
	assert_non_null(strstr(text, "line 7: a star"));
	assert_non_null(strstr(text, "a*\\x1b"));
	assert_non_null(strstr(text, "file '\\x1b]0;x\\x07' is bad"));
	assert_non_null(strstr(text, "2 prefixes are in private"));
	assert_null(strchr(text, '\x1b'));
	free(text);
	for (unsigned i = 1; i < FEEDS_N_SKIPS; i++)
		assert_true(feeds_skip_text(i)[0] != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaping),
		cmocka_unit_test(examples),
		cmocka_unit_test(printing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
