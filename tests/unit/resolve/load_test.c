/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
	MAX = 640,
	HERE = 7,
	THERE = 8
};

static unsigned enter_all(struct load *l, uint64_t hash)
{
	unsigned n = 0;
	while (load_enter(l, hash))
		n++;
	return n;
}

static void leave(struct load *l, uint64_t hash, unsigned n)
{
	while (n-- > 0)
		load_leave(l, hash);
}

static void test_limit(void **state)
{
	(void)state;
	struct load *l;
	assert_int_equal(load_new(MAX, &l), 0);
	assert_int_equal(enter_all(l, HERE), MAX);
	assert_true(load_is_full(l, HERE));
	assert_false(load_is_full(l, THERE)); /* another place has its own */
	load_leave(l, HERE);
	assert_int_equal(enter_all(l, HERE), 1);
	leave(l, HERE, MAX);
	assert_int_equal(enter_all(l, HERE), MAX);
	load_free(l);
}

static void test_failing(void **state)
{
	(void)state;
	struct load *l;
	assert_int_equal(load_new(MAX, &l), 0);
	unsigned before = MAX;
	for (int i = 0; i < 100; i++) {
		load_note(l, HERE, false);
		assert_true(load_limit(l, HERE) <= before);
		before = load_limit(l, HERE);
	}
	assert_int_equal(load_limit(l, HERE), MAX / LOAD_FLOOR_PART);
	assert_int_equal(load_limit(l, THERE), MAX);
	assert_int_equal(enter_all(l, HERE), MAX / LOAD_FLOOR_PART);
	/* A few answers later it is trusted again. */
	for (int i = 0; i < 50; i++)
		load_note(l, HERE, true);
	assert_int_equal(load_limit(l, HERE), MAX);
	load_free(l);
}

/* What loses every second packet keeps most of its room; nine of ten, a fifth. */
static void test_losing(void **state)
{
	(void)state;
	struct load *l;
	assert_int_equal(load_new(MAX, &l), 0);
	for (int i = 0; i < 1000; i++)
		load_note(l, HERE, i % 2 == 0);
	assert_in_range(load_limit(l, HERE), MAX / 2, MAX * 3 / 4);
	for (int i = 0; i < 1000; i++)
		load_note(l, THERE, i % 10 == 0);
	assert_in_range(load_limit(l, THERE), MAX / 10, MAX / 3);
	load_free(l);
}

static void test_small(void **state)
{
	(void)state;
	static const unsigned maxima[] = { 1, 3, 4, 5, 100, 65535 };
	for (unsigned i = 0; i < ARRAY_LEN(maxima); i++) {
		struct load *l;
		assert_int_equal(load_new(maxima[i], &l), 0);
		for (int k = 0; k < 200; k++)
			load_note(l, HERE, false);
		assert_true(load_limit(l, HERE) >= 1);
		assert_true(load_limit(l, HERE) <= maxima[i]);
		load_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_failing),
		cmocka_unit_test(test_losing),
		cmocka_unit_test(test_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
