/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/type_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
	FEW = 6 /* types that are tried: in sets of up to 4 of them, and one in none */
};

static struct type_set of_bits(unsigned bits, bool is_not)
{
	struct type_set s = { .is_not = is_not };
	for (unsigned i = 0; i < FEW; i++) {
		if ((bits & 1U << i) != 0)
			s.types[s.n++] = (uint16_t)(i + 1);
	}
	return s;
}

/* Every set without every other, type by type. */
static void what_is_left(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 2U << FEW; a++) {
		for (unsigned b = 0; b < 2U << FEW; b++) {
			const struct type_set of = of_bits(a >> 1, (a & 1) != 0);
			const struct type_set without = of_bits(b >> 1, (b & 1) != 0);
			struct type_set left = of;
			assert_true(type_set_remove(&left, &without));
			bool is_empty = true;
			for (uint16_t type = 1; type <= FEW + 1; type++) {
				bool has = type_set_has(&of, type) && !type_set_has(&without, type);
				assert_int_equal(type_set_has(&left, type), has);
				is_empty &= !has;
			}
			assert_int_equal(type_set_is_empty(&left), is_empty);
		}
	}
}

static void too_many_are_told(void **state)
{
	(void)state;
	struct type_set a = { .is_not = true };
	struct type_set b = { .n = 5, .types = { 1, 2, 3, 4, 5 } };
	const struct type_set c = { .n = 4, .types = { 5, 6, 7, 8 } };
	assert_true(type_set_is_all(&a));
	assert_true(type_set_remove(&a, &b));
	assert_true(type_set_remove(&a, &c)); /* 5 is in both: 8 */
	assert_int_equal(a.n, POLICY_PATTERN_TYPES);
	b = (struct type_set){ .n = 1, .types = { 9 } };
	assert_false(type_set_remove(&a, &b));
	assert_true(type_set_has(&a, 9));
	assert_false(type_set_has(&a, 8));
	b.types[0] = 8;
	assert_true(type_set_remove(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(too_many_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
