/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/json_text.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/random.h"
#include "dns/name.h"

/* What jansson reads out of our string; it refuses what is not valid JSON. */
static char *read_back(const char *text, size_t n)
{
	char *quoted = malloc(n + 3);
	assert_non_null(quoted);
	quoted[0] = '"';
	memcpy(quoted + 1, text, n);
	quoted[n + 1] = '"';
	quoted[n + 2] = 0;
	json_error_t error;
	json_t *value = json_loads(quoted, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (value == NULL)
		print_error("%s: %s\n", quoted, error.text);
	assert_non_null(value);
	size_t len = json_string_length(value);
	char *copy = malloc(len + 1);
	assert_non_null(copy);
	memcpy(copy, json_string_value(value), len);
	copy[len] = 0;
	json_decref(value);
	free(quoted);
	return copy;
}

static void test_strings(void **state)
{
	(void)state;
	static const struct {
		const char *why, *in, *out; /* out: as JSON text */
	} rows[] = {
		{ "plain", "malware: evil.example", "malware: evil.example" },
		{ "quote", "a\"b", "a\\\"b" },
		{ "backslash", "a\\b\\000", "a\\\\b\\\\000" },
		{ "controls", "\n\t\x1b[2J", "\\u000a\\u0009\\u001b[2J" },
		{ "DEL", "\x7f", "\\u007f" },
		{ "C1: CSI", "\xc2\x9b", "\\u009b" },
		{ "two bytes", "\xc3\xa9", "\xc3\xa9" },
		{ "three bytes", "\xe2\x82\xac", "\xe2\x82\xac" },
		{ "four bytes", "\xf0\x9f\x92\xa9", "\xf0\x9f\x92\xa9" },
		{ "cut off", "a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd" },
		{ "lone continuation", "\x80z", "\xef\xbf\xbdz" },
		{ "overlong slash", "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "overlong three", "\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "surrogate", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "beyond Unicode", "\xf4\x90\x80\x80",
		  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[256];
		char *end = json_text_string(text, rows[i].in, strlen(rows[i].in));
		*end = 0;
		print_message("%s\n", rows[i].why);
		assert_string_equal(text, rows[i].out);
		free(read_back(text, (size_t)(end - text)));
	}
}

/* Every pair and some thousands of longer strings of random bytes are valid JSON. */
static void test_any_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		char in[24];
		char text[sizeof in * JSON_TEXT_FACTOR];
		size_t n = random_below(sizeof in);
		random_bytes(in, n);
		if (random_below(2) == 0 && n > 2)
			in[0] = (char)(0xc0 | in[0]); /* more multi-byte beginnings */
		char *end = json_text_string(text, in, n);
		assert_true((size_t)(end - text) <= JSON_TEXT_FACTOR * n);
		free(read_back(text, (size_t)(end - text)));
	}
}

static void check_name(const uint8_t *wire)
{
	char expected[NAME_TEXT_MAX];
	char text[JSON_NAME_MAX];
	name_to_text(wire, expected);
	char *end = json_text_name(text, wire);
	assert_true((size_t)(end - text) <= JSON_NAME_MAX);
	char *got = read_back(text, (size_t)(end - text));
	assert_string_equal(got, expected);
	free(got);
}

static void test_names(void **state)
{
	(void)state;
	check_name((const uint8_t *)"");
	check_name((const uint8_t *)"\3www\7example\3com");
	check_name((const uint8_t *)"\4a.b\\\2\"\n\1*");
	for (unsigned c = 0; c < 256; c++) {
		uint8_t wire[] = { 2, 'x', (uint8_t)c, 1, (uint8_t)c, 0 };
		check_name(wire);
	}
	uint8_t longest[255] = { 0 };
	for (unsigned i = 0; i < 254; i++)
		longest[i] = i % 64 == 0 ? (i < 192 ? 63 : 61) : 0xff;
	check_name(longest);
}

static void test_numbers(void **state)
{
	(void)state;
	static const uint64_t numbers[] = { 0, 9, 10, 99, 100, 65535, 4294967295U, UINT64_MAX };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char text[21];
		char expected[21];
		*json_text_number(text, numbers[i]) = 0;
		snprintf(expected, sizeof expected, "%llu", (unsigned long long)numbers[i]);
		assert_string_equal(text, expected);
	}
}

static void test_times(void **state)
{
	(void)state;
	static const uint64_t seconds[] = { 0,          951782399,  951782400,
		                            1793487717, 4102444799, 253402300799 };
	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		char text[JSON_SECOND_BYTES + 1] = { 0 };
		char expected[64];
		struct tm t;
		time_t at = (time_t)seconds[i];
		json_text_second(seconds[i], text);
		assert_non_null(gmtime_r(&at, &t));
		strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &t);
		assert_string_equal(text, expected);
	}
	char text[JSON_SECOND_BYTES + 1] = { 0 };
	json_text_second(253402300800, text); /* the year 10000 has no RFC 3339 form */
	assert_string_equal(text, "1970-01-01T00:00:00");
	json_text_second(UINT64_MAX, text);
	assert_int_equal(strlen(text), JSON_SECOND_BYTES);
	char fraction[9] = { 0 };
	json_text_fraction(fraction, 7008999);
	assert_string_equal(fraction, ".007008Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings), cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_names),   cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_times),
	};
	json_text_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
