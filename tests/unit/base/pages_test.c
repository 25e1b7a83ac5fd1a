/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

static void it_is_zeroed_and_aligned(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 64, 100, 4096, 1 << 20, 2 << 20, 3 << 20, 4194305U };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		/* What was used before and released is not left in it. */
		for (unsigned round = 0; round < 2; round++) {
			uint8_t *at = pages_zeroed(sizes[i]);
			assert_non_null(at);
			assert_int_equal((uintptr_t)at % (sizes[i] >= 2 << 20 ? 2 << 20 : 64), 0);
			for (size_t k = 0; k < sizes[i]; k++) {
				if (at[k] != 0)
					fail_msg("byte %zu of %zu", k, sizes[i]);
			}
			memset(at, 0xff, sizes[i]);
			free(at);
		}
	}
}

static void too_much_is_refused(void **state)
{
	(void)state;
	assert_null(pages_zeroed(SIZE_MAX));
	assert_null(pages_zeroed(SIZE_MAX - (4 << 20)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_zeroed_and_aligned),
		cmocka_unit_test(too_much_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
