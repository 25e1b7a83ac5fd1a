/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/twice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void counted_and_found(void **state)
{
	(void)state;
	struct twice *t;
	assert_int_equal(twice_new(&t), 0);
	assert_int_equal(twice_seal(t)->n, 0);
	for (uint64_t i = 0; i < 1000; i++) /* 7 once more, 14 twice more, ... */
		assert_int_equal(twice_add(t, i * 7919 % 100 + 1), 0);
	const struct policy_twice *all = twice_seal(t);
	assert_int_equal(all->n, 100);
	for (uint32_t i = 0; i < all->n; i++) {
		assert_int_equal(all->items[i].key, i + 1);
		assert_int_equal(all->items[i].n, 11);
		assert_int_equal(twice_find(all, i + 1), 11);
	}
	assert_int_equal(twice_find(all, 101), 1);
	twice_clear(t);
	assert_int_equal(twice_add(t, 5), 0);
	assert_int_equal(twice_seal(t)->n, 1);
	twice_spoil(t);
	assert_int_equal(twice_add(t, 6), 0);
	assert_null(twice_seal(t));
	twice_free(t);
	twice_free(NULL);
}

static void too_many_are_none(void **state)
{
	(void)state;
	struct twice *t;
	assert_int_equal(twice_new(&t), 0);
	for (uint64_t i = 0; i <= TWICE_MAX; i++)
		assert_int_equal(twice_add(t, i), 0);
	assert_null(twice_seal(t));
	twice_free(t);
}

/* All that a rule is makes its key. */
static void keys(void **state)
{
	(void)state;
	struct sort_rule r = { .hash = 1, .member = { .list = 1, .scope = 1, .action = 2 } };
	uint64_t key = twice_key(&r, 7);
	r.member.list = 2; /* not of which list */
	assert_int_equal(twice_key(&r, 7), key);
	assert_int_not_equal(twice_key(&r, 8), key);
	r.member.action = 3;
	assert_int_not_equal(twice_key(&r, 7), key);
	r.member.action = 2;
	r.member.scope = 0x41;
	assert_int_not_equal(twice_key(&r, 7), key);
	r.member.scope = 1;
	r.hash = 2;
	assert_int_not_equal(twice_key(&r, 7), key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counted_and_found),
		cmocka_unit_test(too_many_are_none),
		cmocka_unit_test(keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
