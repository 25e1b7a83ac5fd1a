/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return x ^ x >> 32;
}

static void what_was_put_is_there(void **state)
{
	(void)state;
	struct told *t;
	assert_int_equal(told_new(10000, &t), 0);
	unsigned lost = 0;
	for (uint64_t i = 0; i < 5000; i++) {
		assert_false(told_has(t, mix(i)));
		told_put(t, mix(i));
		assert_true(told_has(t, mix(i)));
	}
	for (uint64_t i = 0; i < 5000; i++)
		lost += !told_has(t, mix(i));
	assert_in_range(lost, 0, 250);
	told_free(t);
}

/* A flood forgets what was there; nothing new is taken for known. */
static void a_flood_only_forgets(void **state)
{
	(void)state;
	struct told *t;
	assert_int_equal(told_new(1000, &t), 0);
	size_t bytes = told_bytes(t);
	for (uint64_t i = 0; i < 200000; i++)
		told_put(t, mix(i));
	unsigned known = 0;
	for (uint64_t i = 1000000; i < 1010000; i++)
		known += told_has(t, mix(i));
	assert_int_equal(known, 0);
	assert_int_equal(told_bytes(t), bytes);
	told_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_there),
		cmocka_unit_test(a_flood_only_forgets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
