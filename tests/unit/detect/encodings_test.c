/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/encodings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

static void runs_are_found_and_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *why, *text;
		enum encoding e;
		const char *expected; /* NULL: does not fit */
	} rows[] = {
		{ "RFC 4648 10", "Zm9vYmFy", ENCODING_BASE64, "foobar" },
		{ "no padding", "Zm9vYmE", ENCODING_BASE64, "fooba" },
		{ "padding ends it", "Zm9vYmE=", ENCODING_BASE64, "fooba" },
		{ "for URLs", "Pz8_Pj4-", ENCODING_BASE64, "\x3f\x3f\x3f\x3e\x3e\x3e" },
		{ "base32", "MZXW6YTBOI", ENCODING_BASE32, "foobar" },
		{ "base32 in lower case", "mzxw6ytboi", ENCODING_BASE32, "foobar" },
		{ "base32 of both cases is none", "mzxw6yTBOI", ENCODING_BASE32, NULL },
		{ "hex", "666f6f626172", ENCODING_HEX, "foobar" },
		{ "hex in upper case", "666F6F626172", ENCODING_HEX, "foobar" },
		{ "odd", "666f6f6261723", ENCODING_HEX, NULL },
		{ "a blank between", "66 6f 6f 62 61 72", ENCODING_HEX, "foobar" },
		{ "as C has it", "66\\x6f\\x6f\\x62\\x61\\x72", ENCODING_HEX, "foobar" },
		{ "a list", "66,0x6f,0x6f,0x62,0x61,0x72", ENCODING_HEX, "foobar" },
		{ "not base64 then", "66 6f 6f 62 61 72", ENCODING_BASE64, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct encoded_run run;
		uint8_t out[64];
		size_t at = 0, n_text = strlen(rows[i].text);
		const char *expected = rows[i].expected;
		if (!encoding_next((const uint8_t *)rows[i].text, n_text, 7, &at, &run))
			fail_msg("%s: no run", rows[i].why);
		if (encoding_fits(rows[i].e, &run) != (expected != NULL))
			fail_msg("%s: fits", rows[i].why);
		if (expected == NULL)
			continue;
		size_t n = encoding_decode(rows[i].e, &run, out, sizeof out);
		if (n != strlen(expected) || memcmp(out, expected, n) != 0)
			fail_msg("%s: %.*s", rows[i].why, (int)n, (const char *)out);
		if (encoding_bytes(rows[i].e, &run) < n)
			fail_msg("%s: %zu bytes", rows[i].why, encoding_bytes(rows[i].e, &run));
	}
}

static void runs_come_one_after_the_other(void **state)
{
	(void)state;
	static const char text[] =
		"key=QUJDREVGR0g=; other: 41 42 43 44 45 46, and words; Zm9vYmFyZm9v";
	struct encoded_run run;
	size_t at = 0;
	assert_true(encoding_next((const uint8_t *)text, strlen(text), 10, &at, &run));
	assert_memory_equal(run.text, "QUJDREVGR0g", run.n);
	assert_true(encoding_next((const uint8_t *)text, strlen(text), 10, &at, &run));
	assert_int_equal(run.apart, 1);
	assert_memory_equal(run.text, "41 42 43 44 45 46", run.n);
	assert_true(encoding_next((const uint8_t *)text, strlen(text), 10, &at, &run));
	assert_memory_equal(run.text, "Zm9vYmFyZm9v", run.n);
	assert_false(encoding_next((const uint8_t *)text, strlen(text), 10, &at, &run));
	assert_int_equal(at, strlen(text));
}

static void what_there_is_no_room_for_is_left_out(void **state)
{
	(void)state;
	struct encoded_run run = { (const uint8_t *)"666f6f626172", 12, 0 };
	uint8_t out[3];
	assert_int_equal(encoding_decode(ENCODING_HEX, &run, out, 3), 3);
	assert_memory_equal(out, "foo", 3);
	assert_int_equal(encoding_decode(ENCODING_BASE64, &run, out, 3), 3);
	assert_int_equal(encoding_decode(ENCODING_BASE32, &run, out, 3), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_found_and_decoded),
		cmocka_unit_test(runs_come_one_after_the_other),
		cmocka_unit_test(what_there_is_no_room_for_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
