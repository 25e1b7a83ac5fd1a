/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void test_clocks(void **state)
{
	(void)state;
	uint64_t last = clock_mono_ns();
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = clock_mono_ns();
		assert_true(now >= last);
		last = now;
	}
	uint64_t coarse = clock_coarse_ns(); /* the same clock, some ms behind at most */
	assert_true(coarse <= clock_mono_ns());
	assert_true(clock_mono_ns() - coarse < 1000 * NS_PER_MS);
	uint64_t wall_s = clock_wall_ns() / NS_PER_S;
	assert_in_range(wall_s, (uint64_t)time(NULL) - 2, (uint64_t)time(NULL) + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_clocks) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
