/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *text;
	int result;
	uint64_t value;
};

/* clang-format off */
static const struct row numbers[] = {
	{ "0", 0, 0 }, { "53", 0, 53 }, { "007", 0, 7 },
	{ "18446744073709551614", 0, UINT64_MAX - 1 },
	{ "18446744073709551616", -ERANGE, 0 }, { "99999999999999999999999999", -ERANGE, 0 },
	{ "", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 }, { "1.5", -EINVAL, 0 },
	{ "0x10", -EINVAL, 0 }, { "1 ", -EINVAL, 0 }, { "many", -EINVAL, 0 },
};

static const struct row sizes[] = {
	{ "0", 0, 0 }, { "123", 0, 123 }, { "123B", 0, 123 },
	{ "1KiB", 0, 1024 }, { "256MiB", 0, 256ULL << 20 }, { "256 MiB", 0, 256ULL << 20 },
	{ "3GiB", 0, 3ULL << 30 }, { "2TiB", 0, 2ULL << 40 },
	{ "1kB", 0, 1000 }, { "1MB", 0, 1000000 }, { "1GB", 0, 1000000000 },
	{ "1TB", 0, 1000000000000 },
	{ "8388607TiB", 0, 8388607ULL << 40 },
	{ "8388608TiB", -ERANGE, 0 }, { "9223372036854775808", -ERANGE, 0 },
	{ "99999999999999999999TiB", -ERANGE, 0 },
	{ "", -EINVAL, 0 }, { "MiB", -EINVAL, 0 }, { "-1MiB", -EINVAL, 0 }, { "1.5GiB", -EINVAL, 0 },
	{ "256mib", -EINVAL, 0 }, { "256M", -EINVAL, 0 }, { "1KB", -EINVAL, 0 },
	{ "1MiB2", -EINVAL, 0 }, { "1 ", 0, 1 },
};

static const struct row times[] = {
	{ "0", 0, 0 }, { "0s", 0, 0 }, { "500ms", 0, 500 }, { "10s", 0, 10000 },
	{ "5m", 0, 300000 }, { "2h", 0, 7200000 }, { "1d", 0, 86400000 }, { "1w", 0, 604800000 },
	{ "1h30m", 0, 5400000 }, { "1m500ms", 0, 60500 }, { "1d2h3m4s5ms", 0, 93784005 },
	{ "36600d", 0, 36600 * 86400000ULL },
	{ "36601d", -ERANGE, 0 }, { "99999999999999999999w", -ERANGE, 0 },
	{ "18446744073709551615ms", -ERANGE, 0 },
	{ "", -EINVAL, 0 }, { "10", -EINVAL, 0 }, { "s", -EINVAL, 0 }, { "-1s", -EINVAL, 0 },
	{ "1.5h", -EINVAL, 0 }, { "10 s", -EINVAL, 0 }, { "30m1h", -EINVAL, 0 },
	{ "1s1s", -EINVAL, 0 }, { "10sec", -EINVAL, 0 }, { "1M", -EINVAL, 0 }, { "1h30", -EINVAL, 0 },
	{ "1y", -EINVAL, 0 },
};
/* clang-format on */

static void check_rows(const struct row *rows, size_t n,
                       int (*parse)(const char *text, size_t n, uint64_t *ret))
{
	for (size_t i = 0; i < n; i++) {
		uint64_t x = 4711;
		int e = parse(rows[i].text, strlen(rows[i].text), &x);
		uint64_t expected = rows[i].result == 0 ? rows[i].value : 4711; /* untouched */
		if (e != rows[i].result || x != expected)
			fail_msg("'%s': %d, %llu", rows[i].text, e, (unsigned long long)x);
	}
}

static void test_from_text(void **state)
{
	(void)state;
	check_rows(numbers, ARRAY_LEN(numbers), units_number_from_text);
	check_rows(sizes, ARRAY_LEN(sizes), units_size_from_text);
	check_rows(times, ARRAY_LEN(times), units_time_from_text);
}

static void check_size(uint64_t bytes, const char *expected)
{
	char text[UNITS_TEXT_MAX];
	uint64_t back = 1;
	size_t n = units_size_to_text(bytes, text);
	assert_int_equal(n, strlen(text));
	if (expected != NULL)
		assert_string_equal(text, expected);
	assert_int_equal(units_size_from_text(text, strlen(text), &back), 0);
	assert_int_equal(back, bytes);
}

static void check_time(uint64_t ms, const char *expected)
{
	char text[UNITS_TEXT_MAX];
	uint64_t back = 1;
	size_t n = units_time_to_text(ms, text);
	assert_int_equal(n, strlen(text));
	if (expected != NULL)
		assert_string_equal(text, expected);
	assert_int_equal(units_time_from_text(text, strlen(text), &back), 0);
	assert_int_equal(back, ms);
}

static void test_to_text_and_back(void **state)
{
	(void)state;
	check_size(0, "0");
	check_size(1, "1");
	check_size(1024, "1KiB");
	check_size(256ULL << 20, "256MiB");
	check_size(1000000, "1MB");
	check_size((1ULL << 40) + 1, NULL);
	check_size(INT64_MAX, NULL);
	check_time(0, "0");
	check_time(1, "1ms");
	check_time(1500, "1500ms");
	check_time(10000, "10s");
	check_time(90000, "90s");
	check_time(86400000, "1d");
	check_time(604800000, "1w");
	for (uint64_t x = 1; x < 1ULL << 41; x = x * 3 + 1) {
		check_size(x, NULL);
		check_time(x, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_text),
		cmocka_unit_test(test_to_text_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
