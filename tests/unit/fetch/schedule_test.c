/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
	const char *why;
	uint32_t refresh_s, retry_after_s;
	unsigned n_failures;
	uint64_t min_ms, max_ms;
} rows[] = {
	/* clang-format off */
	{ "all well",               3600, 0, 0, 3240000, 3960000 },
	{ "the first failure",      3600, 0, 1, 11250, 18750 },
	{ "the second",             3600, 0, 2, 22500, 37500 },
	{ "never above the interval", 3600, 0, 20, 2700000, 4500000 },
	{ "a short interval",       10, 0, 1, 7500, 12500 },
	{ "many failures",          2592000, 0, 4000000000U, 64800000, 108000000 },
	{ "the server asks for more time", 3600, 600, 1, 600000, 601000 },
	{ "the server asks for less",      3600, 1, 3, 45000, 75000 },
	{ "the server asks for a year",    3600, 31536000, 1, 86400000, 86401000 },
	/* clang-format on */
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		uint64_t least = UINT64_MAX, most = 0;
		for (uint32_t d = 0; d < 100000; d++) {
			uint64_t ms = schedule_next_ms(r->refresh_s, r->n_failures,
			                               r->retry_after_s, d * 42949U);
			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
		}
		if (least < r->min_ms || most > r->max_ms)
			fail_msg("%s: %llu to %llu", r->why, (unsigned long long)least,
			         (unsigned long long)most);
		/* It is spread, too. */
		assert_true(most - least > (r->max_ms - r->min_ms) * 9 / 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
