/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

static void nothing_steers_a_terminal(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain text", "plain text" },
		{ "b\xc3\xbc"
		  "cher \xe2\x82\xac \xf0\x9f\x90\x9f",
		  "b\xc3\xbc"
		  "cher \xe2\x82\xac \xf0\x9f\x90\x9f" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f" },
		{ "\xc2\x9b"
		  "31m",
		  "\\xc2\\x9b31m" }, /* CSI as one C1 character */
		{ "a\xe2\x80\xae"
		  "b",
		  "a\\xe2\\x80\\xaeb" },               /* right to left */
		{ "\xff\xc3", "\\xff\\xc3" },          /* not UTF-8 */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" }, /* a line separator */
	};
	char shown[TEXT_SHOWN_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(text_show(rows[i].in, shown, sizeof shown), rows[i].out);
}

static void long_text_is_cut_between_characters(void **state)
{
	(void)state;
	char shown[12];
	assert_string_equal(text_show("12345678", shown, sizeof shown), "12345678");
	assert_string_equal(text_show("1234567\xc3\xbc"
	                              "9",
	                              shown, sizeof shown),
	                    "1234567...");
	assert_string_equal(text_show("1234567\x01", shown, sizeof shown), "1234567...");
}

static void numbers_are_for_people(void **state)
{
	(void)state;
	char t[TEXT_TIME_MAX];
	static const struct {
		uint64_t s;
		const char *text;
	} times[] = {
		{ 0, "0s" },     { 59, "59s" },      { 60, "1m" },
		{ 61, "1m 1s" }, { 7200, "2h" },     { 7260, "2h 1m" },
		{ 86400, "1d" }, { 90000, "1d 1h" }, { 7261, "2h 1m" },
	};
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		assert_string_equal(text_duration(times[i].s, t), times[i].text);
	assert_string_equal(text_count(0, t), "0");
	assert_string_equal(text_count(999, t), "999");
	assert_string_equal(text_count(1000, t), "1 000");
	assert_string_equal(text_count(UINT64_MAX, t), "18 446 744 073 709 551 615");
	assert_string_equal(text_bytes(1023, t), "1023 bytes");
	assert_string_equal(text_bytes(268435456, t), "256.0 MiB");
	assert_string_equal(text_time(0, t), "1970-01-01 00:00:00 UTC");
	assert_string_equal(text_time(1795388405, t), "2026-11-22 23:00:05 UTC");
	assert_true(strlen(text_time(UINT64_MAX / 2, t)) > 0);
}

static void lines_are_wrapped(void **state)
{
	(void)state;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	text_wrap(out, 70, 4, "one two three four");
	text_wrap(out, 0, 0, "");
	fclose(out);
	assert_string_equal(text, "one two\n    three four\n\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_steers_a_terminal),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(numbers_are_for_people),
		cmocka_unit_test(lines_are_wrapped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
