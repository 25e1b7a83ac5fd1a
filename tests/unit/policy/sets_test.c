/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/sets.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct image_member member(uint16_t list, uint8_t scope)
{
	return (struct image_member){ .list = list, .scope = scope };
}

static uint32_t add(struct sets *s, uint32_t from, struct image_member m)
{
	uint32_t set = 12345;
	assert_int_equal(sets_add(s, from, &m, &set), 0);
	return set;
}

static void equal_sets_are_one_whatever_the_order(void **state)
{
	(void)state;
	struct sets s;
	assert_int_equal(sets_init(&s), 0);
	uint32_t a = add(&s, 0, member(1, 0));
	uint32_t b = add(&s, 0, member(2, 0));
	assert_int_not_equal(a, b);
	assert_int_not_equal(a, 0);
	uint32_t ab = add(&s, a, member(2, 0));
	assert_int_equal(add(&s, b, member(1, 0)), ab);
	assert_int_equal(s.sets[ab].n, 2);
	assert_int_equal(s.members[s.sets[ab].first].list, 1);
	assert_int_equal(s.members[s.sets[ab].first + 1].list, 2);
	assert_int_equal(s.n_sets, 4); /* the empty one, a, b, ab */
	sets_done(&s);
}

static void a_rule_that_is_there_changes_nothing(void **state)
{
	(void)state;
	struct sets s;
	assert_int_equal(sets_init(&s), 0);
	uint32_t a = add(&s, 0, member(1, 0));
	assert_int_equal(add(&s, a, member(1, 0)), a);
	assert_int_equal(add(&s, a, member(1, 0)), a);
	assert_int_not_equal(add(&s, a, member(1, POLICY_SCOPE_TREE)), a);
	assert_int_not_equal(add(&s, a, member(1, IMAGE_IMPORTANT)), a);
	sets_done(&s);
}

static void thousands_of_sets_are_told_apart(void **state)
{
	(void)state;
	enum {
		N = 3000
	};
	struct sets s;
	uint32_t first[N];
	assert_int_equal(sets_init(&s), 0);
	for (unsigned i = 0; i < N; i++)
		first[i] = add(&s, add(&s, 0, member((uint16_t)i, 0)), member(4000, 2));
	assert_int_equal(s.n_sets, 1 + 2 * N);
	for (unsigned i = 0; i < N; i++) {
		const struct image_set *set = &s.sets[first[i]];
		assert_int_equal(set->n, 2);
		assert_int_equal(s.members[set->first].list, i);
		assert_int_equal(add(&s, add(&s, 0, member((uint16_t)i, 0)), member(4000, 2)),
		                 first[i]);
	}
	sets_done(&s);
}

static void a_list_cannot_pile_up_rules_on_one_name(void **state)
{
	(void)state;
	struct sets s;
	uint32_t set = 0;
	assert_int_equal(sets_init(&s), 0);
	for (uint32_t i = 0; i < SETS_MAX_RULES; i++)
		set = add(&s, set, (struct image_member){ .list = 7, .data = i + 1 });
	struct image_member one_more = { .list = 7, .data = 1000 };
	uint32_t untouched = 99;
	assert_int_equal(sets_add(&s, set, &one_more, &untouched), -E2BIG);
	assert_int_equal(untouched, 99);
	one_more.list = 8; /* other lists still can */
	assert_int_equal(sets_add(&s, set, &one_more, &untouched), 0);
	sets_done(&s);
}

static void data_is_kept_once(void **state)
{
	(void)state;
	struct sets s;
	uint32_t a, b, c, d;
	uint8_t wire[] = "\1x\4test";
	struct addr addrs[2] = { addr_v4(0xc0000201), addr_v4(0xc0000202) };
	struct policy_data one = { .addrs = addrs, .n_addrs = 1 };
	struct policy_data two = { .addrs = addrs, .n_addrs = 2 };
	struct policy_data target = { .target = wire };
	assert_int_equal(sets_init(&s), 0);
	assert_int_equal(sets_data(&s, &one, &a), 0);
	assert_int_equal(sets_data(&s, &two, &b), 0);
	assert_int_equal(sets_data(&s, &target, &c), 0);
	assert_int_not_equal(a, b);
	assert_int_not_equal(b, c);
	assert_int_not_equal(a, IMAGE_NO_DATA);
	uint64_t bytes = s.blob_bytes;
	assert_int_equal(sets_data(&s, &two, &d), 0);
	assert_int_equal(d, b);
	assert_int_equal(s.blob_bytes, bytes);
	assert_memory_equal(s.blob + s.data[b].at, addrs, 2 * sizeof *addrs);
	assert_memory_equal(s.blob + s.data[c].at, wire, sizeof wire);
	sets_done(&s);
}

static void too_much_data_is_refused(void **state)
{
	(void)state;
	struct sets s;
	enum {
		N = 65536 / sizeof(struct addr) + 1
	};
	struct addr *addrs = calloc(N, sizeof *addrs);
	struct policy_data data = { .addrs = addrs, .n_addrs = N };
	uint32_t id;
	assert_non_null(addrs);
	assert_int_equal(sets_init(&s), 0);
	assert_int_equal(sets_data(&s, &data, &id), -E2BIG);
	sets_done(&s);
	free(addrs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_sets_are_one_whatever_the_order),
		cmocka_unit_test(a_rule_that_is_there_changes_nothing),
		cmocka_unit_test(thousands_of_sets_are_told_apart),
		cmocka_unit_test(a_list_cannot_pile_up_rules_on_one_name),
		cmocka_unit_test(data_is_kept_once),
		cmocka_unit_test(too_much_data_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
