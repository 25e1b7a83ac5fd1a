/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/names.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "detect/bits.h"

static double share(uint32_t bits)
{
	return exp2(-(double)bits / BITS_UNIT);
}

/* All there is to choose, added up: a prefix code. */
static void places_are_a_prefix_code(void **state)
{
	(void)state;
	double again = share(names_bits_again(NAMES_LAST)) +
	               NAMES_HOT * share(names_bits_again(NAMES_IS_HOT)) +
	               NAMES_WARM * share(names_bits_again(NAMES_IS_WARM));
	double below = share(names_bits_below(NAMES_LAST)) +
	               NAMES_HOT * share(names_bits_below(NAMES_IS_HOT)) +
	               NAMES_WARM * share(names_bits_below(NAMES_IS_WARM)) +
	               16 * share(names_bits_below(NAMES_NEW));
	if (again + below > 1)
		fail_msg("%f + %f", again, below);
}

static void names_move_by_use(void **state)
{
	(void)state;
	struct names *n = calloc(1, sizeof *n);
	assert_int_equal(names_find(n, 0, 7), NAMES_NEW);
	names_put(n, 7, 0);
	assert_int_equal(names_find(n, 7, 7), NAMES_LAST);
	assert_int_equal(names_find(n, 8, 7), NAMES_IS_HOT);
	for (uint32_t i = 1; i <= NAMES_HOT; i++)
		names_put(n, 1000 + i, i);
	assert_int_equal(names_find(n, 0, 7), NAMES_IS_WARM);
	names_put(n, 7, 3);
	assert_int_equal(names_find(n, 0, 7), NAMES_IS_HOT);
	assert_int_equal(names_find(n, 0, 1003), NAMES_IS_WARM);
	free(n);
}

/* What is driven out is new again; what is there stays few. */
static void a_flood_only_makes_names_new(void **state)
{
	(void)state;
	struct names *n = calloc(1, sizeof *n);
	unsigned n_known = 0;
	for (uint32_t i = 1; i <= 100000; i++)
		names_put(n, i, i * 2654435761U >> 3);
	for (uint32_t i = 1; i <= 100000; i++)
		n_known += names_find(n, 0, i) != NAMES_NEW;
	assert_true(n_known <= NAMES_HOT + NAMES_WARM);
	assert_true(n_known > NAMES_WARM / 2);
	free(n);
}

static void guesses_are_a_prefix_code(void **state)
{
	(void)state;
	assert_true(share(names_bits_right()) + share(names_bits_wrong()) <= 1);
	/* Nor do they make more packets possible than the last name and the commonest type do. */
	assert_true(names_bits_right() >= names_bits_again(NAMES_LAST) + bits_of_type(1));
}

static void what_follows_is_learned(void **state)
{
	(void)state;
	struct names *n = calloc(1, sizeof *n);
	uint32_t tag = 0;
	assert_false(names_guess(n, 80, &tag));
	for (unsigned i = 0; i <= NAMES_SURENESS + 2; i++) {
		names_learn(n, 80, 7, 0);
		assert_true(names_guess(n, 80, &tag));
		assert_int_equal(tag, 7);
	}
	/* Something else makes it less sure, before it takes its place. */
	names_learn(n, 80, 9, 0);
	assert_true(names_guess(n, 80, &tag));
	assert_int_equal(tag, 7);
	for (unsigned i = 0; i < 4; i++)
		names_learn(n, 80, 9, 0);
	assert_true(names_guess(n, 80, &tag));
	assert_int_equal(tag, 9);
	/* Of what else is before, nothing is said. */
	for (uint32_t before = 0; before < 1000; before++) {
		if (before >> 3 != 80 >> 3)
			assert_false(names_guess(n, before, &tag));
	}
	free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_a_prefix_code),
		cmocka_unit_test(names_move_by_use),
		cmocka_unit_test(a_flood_only_makes_names_new),
		cmocka_unit_test(guesses_are_a_prefix_code),
		cmocka_unit_test(what_follows_is_learned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
