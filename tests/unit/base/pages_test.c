/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

static const size_t sizes[] = {
	0, 1, 64, 100, 4096, 1 << 20, 2 << 20, 3 << 20, 4194305U, 70 << 20
};

static void fill(uint8_t *at, size_t n, uint8_t with)
{
	memset(at, with, n);
}

static bool has_only(const uint8_t *at, size_t n, uint8_t what)
{
	size_t i = 0;
	while (i < n && at[i] == what)
		i++;
	return i == n;
}

static void it_is_zeroed_and_aligned(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		/* What was used before and released is not left in it. */
		for (unsigned round = 0; round < 2; round++) {
			uint8_t *at = pages_zeroed(sizes[i]);
			assert_non_null(at);
			assert_int_equal((uintptr_t)at % 64, 0);
			assert_true(has_only(at, sizes[i], 0));
			fill(at, sizes[i], 0xff);
			pages_release(at);
		}
	}
}

static void tables_beside_each_other_are_apart(void **state)
{
	(void)state;
	uint8_t *at[ARRAY_LEN(sizes)];
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		at[i] = pages_zeroed(sizes[i]);
		assert_non_null(at[i]);
		assert_true(has_only(at[i], sizes[i], 0));
		fill(at[i], sizes[i], (uint8_t)(i + 1));
	}
	/* In another order than they were made. */
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		size_t k = i * 7 % ARRAY_LEN(sizes);
		assert_true(has_only(at[k], sizes[k], (uint8_t)(k + 1)));
		pages_release(at[k]);
	}
	pages_release(NULL);
}

static void many_small_ones_need_several_regions(void **state)
{
	(void)state;
	static uint8_t *at[200];
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		at[i] = pages_zeroed(1 << 20);
		assert_non_null(at[i]);
		fill(at[i], 1 << 20, (uint8_t)i);
	}
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		assert_true(has_only(at[i], 1 << 20, (uint8_t)i));
		pages_release(at[i]);
	}
}

static void too_much_is_refused(void **state)
{
	(void)state;
	assert_null(pages_zeroed(SIZE_MAX));
	assert_null(pages_zeroed(SIZE_MAX - (4 << 20)));
	assert_null(pages_zeroed(SIZE_MAX / 2 - (4 << 20)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_zeroed_and_aligned),
		cmocka_unit_test(tables_beside_each_other_are_apart),
		cmocka_unit_test(many_small_ones_need_several_regions),
		cmocka_unit_test(too_much_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
