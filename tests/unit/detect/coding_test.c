/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/coding.h"

#include "rig.h"

static void only_what_an_encoder_makes_is_decoded(void **state)
{
	(void)state;
	static const struct {
		enum coding c;
		const char *text;
		int bytes; /* -1: not of that encoding */
		const char *decoded;
	} rows[] = {
		{ CODING_HEX, "", 0, "" },
		{ CODING_HEX, "00ff7a", 3, "\x00\xff\x7a" },
		{ CODING_HEX, "00f", -1, NULL },
		{ CODING_HEX, "00FF", -1, NULL }, /* names are lower case */
		{ CODING_HEX, "0g", -1, NULL },
		{ CODING_BASE32, "mzxw6ytboi", 6, "foobar" }, /* RFC 4648 10 */
		{ CODING_BASE32, "mzxw6yq", 4, "foob" },
		{ CODING_BASE32, "mzxw6yr", -1, NULL },   /* bits that are left over */
		{ CODING_BASE32, "mzxw6ytbo", -1, NULL }, /* no number of bytes has nine digits */
		{ CODING_BASE32, "mzxw6yt1oi", -1, NULL },
		{ CODING_IODINE, "aaaakaskoq", 6, "\x00\x00\x05\x02\x4a\x74" },
		{ CODING_IODINE, "aaaaka6koq", -1, NULL },
		{ CODING_SLIVER, "baakbwjq2w", 6, "\x08\x01\x10\xf1\xf7\x27" },
		{ CODING_SLIVER, "baakbwjqio", -1, NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t b[CODING_BYTES_MAX];
		const uint8_t *text = (const uint8_t *)rows[i].text;
		int n = coding_decode(rows[i].c, text, strlen(rows[i].text), b);
		if (n != rows[i].bytes)
			fail_msg("%s: %d bytes", rows[i].text, n);
		if (n > 0)
			assert_memory_equal(b, rows[i].decoded, (size_t)n);
	}
}

static void no_more_than_fits_is_decoded(void **state)
{
	(void)state;
	uint8_t text[2 * CODING_BYTES_MAX + 2], b[CODING_BYTES_MAX];
	memset(text, '0', sizeof text);
	assert_int_equal(coding_decode(CODING_HEX, text, sizeof text, b), -1);
	assert_int_equal(coding_decode(CODING_HEX, text, sizeof text - 2, b), CODING_BYTES_MAX);
	assert_true(coding_is_digits(CODING_HEX, text, sizeof text));
	assert_false(coding_is_digits(CODING_BASE32, text, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_an_encoder_makes_is_decoded),
		cmocka_unit_test(no_more_than_fits_is_decoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
