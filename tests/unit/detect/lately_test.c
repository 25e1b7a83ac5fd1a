/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/lately.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"

static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

static void times_are_remembered(void **state)
{
	(void)state;
	struct lately *l;
	uint32_t ago_s;
	assert_int_equal(lately_new(1000, &l), 0);
	assert_false(lately_find(l, mix(1), 5 * NS_PER_S, &ago_s));
	lately_put(l, mix(1), 5 * NS_PER_S);
	assert_true(lately_find(l, mix(1), 5 * NS_PER_S, &ago_s));
	assert_int_equal(ago_s, 0);
	assert_true(lately_find(l, mix(1), 3605 * NS_PER_S, &ago_s));
	assert_int_equal(ago_s, 3600);
	lately_put(l, mix(1), 3600 * NS_PER_S);
	assert_true(lately_find(l, mix(1), 3605 * NS_PER_S, &ago_s));
	assert_int_equal(ago_s, 0);
	assert_false(lately_find(l, mix(2), 3605 * NS_PER_S, &ago_s));
	lately_free(l);
}

/* Of a full line the oldest goes; memory does not grow. */
static void the_oldest_goes(void **state)
{
	(void)state;
	struct lately *l;
	uint32_t ago_s;
	assert_int_equal(lately_new(4096, &l), 0);
	size_t bytes = lately_bytes(l);
	for (uint64_t i = 0; i < 100000; i++)
		lately_put(l, mix(i), i * NS_PER_S);
	unsigned recent = 0, old = 0;
	for (uint64_t i = 0; i < 1000; i++) {
		recent += lately_find(l, mix(99000 + i), 100000 * NS_PER_S, &ago_s);
		old += lately_find(l, mix(i), 100000 * NS_PER_S, &ago_s);
	}
	assert_in_range(recent, 900, 1000);
	assert_int_equal(old, 0);
	assert_int_equal(lately_bytes(l), bytes);
	lately_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_remembered),
		cmocka_unit_test(the_oldest_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
