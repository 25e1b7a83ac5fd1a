/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
	const char *why, *text;
	int base;
	bool is_number;
	uint64_t value;
	const char *rest;
} rows[] = {
	/* clang-format off */
	{ "one word",                    "7",                    10, true,  7, "" },
	{ "blanks before it",            "   42 x",              10, true,  42, " x" },
	{ "the largest",                 "18446744073709551615", 10, true,  UINT64_MAX, "" },
	{ "one more",                    "18446744073709551616", 10, false, 0, "" },
	{ "zeros before it",             "00000000000000000000012", 10, true, 12, "" },
	{ "more digits than there is room for", "000000000000000000000012", 10, false, 0, "" },
	{ "no digit of ten",             "1f",                   10, false, 0, "" },
	{ "a digit of sixteen",          "1f",                   16, true,  31, "" },
	{ "in upper case",               "1F",                   16, false, 0, "" },
	{ "with a mark",                 "0x1f",                 16, false, 0, "" },
	{ "negative",                    "-1",                   10, false, 0, "" },
	{ "with a sign",                 "+1",                   10, false, 0, "" },
	{ "a tab is no blank",           "1\t2",                 10, false, 0, "" },
	{ "nothing",                     "",                     10, false, 0, "" },
	{ "blanks alone",                "  ",                   10, false, 0, "" },
	/* clang-format on */
};

static void numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		const char *at = r->text, *end = at + strlen(at);
		uint64_t x = 99;
		bool is = text_read_number(&at, end, r->base, &x);
		if (is != r->is_number || x != (is ? r->value : 99) ||
		    (is && strcmp(at, r->rest) != 0))
			fail_msg("%s: '%s'", r->why, r->text);
	}
}

/* What is behind the end is not looked at. */
static void the_end_holds(void **state)
{
	(void)state;
	const char *text = "1234", *at = text;
	uint64_t x;
	assert_true(text_read_number(&at, text + 2, 10, &x));
	assert_int_equal(x, 12);
	assert_ptr_equal(at, text + 2);
}

static void lines(void **state)
{
	(void)state;
	struct text t = { 0 };
	assert_int_equal(text_add_line(&t, NULL, 0), 0);
	assert_int_equal(text_add_line(&t, "ab", 2), 0);
	assert_int_equal(t.n, 4);
	assert_memory_equal(t.p, "\nab\n", 4);
	assert_int_equal(t.n_lines, 2);
	text_clear(&t);
	assert_int_equal(t.n + t.n_lines, 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(text_add_line(&t, "0123456789", 10), 0);
	assert_int_equal(t.n, 110000);
	assert_int_equal(t.n_lines, 10000);
	assert_memory_equal(t.p + t.n - 11, "0123456789\n", 11);
	text_done(&t);
	assert_null(t.p);
	text_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(the_end_holds),
		cmocka_unit_test(lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
