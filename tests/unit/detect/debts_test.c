/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/debts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	KEYS = 100000,
};

static uint64_t mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return (x ^ x >> 32) | 1;
}

static void a_debt_is_paid_with_time(void **state)
{
	(void)state;
	struct debts *d;
	assert_int_equal(debts_new(100, &d), 0);
	struct debt *e = debts_take(d, 77, 1000);
	debt_add_us(&e->paid_us, 1000, 500);
	assert_ptr_equal(debts_take(d, 77, 1000), e);
	assert_int_equal(debt_owed_us(&e->paid_us, 1000), 500);
	debt_add_us(&e->paid_us, 1200, 100);
	assert_int_equal(debt_owed_us(&e->paid_us, 1200), 400);
	assert_int_equal(debt_owed_us(&e->paid_us, 1600), 0);
	debt_add_us(&e->paid_us, 5000, 10);
	assert_int_equal(debt_owed_us(&e->paid_us, 5000), 10);
	debt_add_most_us(&e->paid_us, 5000, 1000, 50);
	assert_int_equal(debt_owed_us(&e->paid_us, 5000), 50);
	debt_add_most_us(&e->paid_us, 5000, 1000, 50);
	assert_int_equal(debt_owed_us(&e->paid_us, 5000), 50);
	debts_free(d);
}

/* Far more debtors than places: none ever owes less than it was charged. */
static void no_debt_is_forgotten(void **state)
{
	(void)state;
	struct debts *d;
	static uint64_t charged_us[KEYS];
	assert_int_equal(debts_new(2000, &d), 0);
	uint64_t now_us = 1;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < KEYS; i++) {
			struct debt *e = debts_take(d, mix(i), now_us);
			debt_add_us(&e->paid_us, now_us, 1000000);
			uint64_t owed_us = charged_us[i] > now_us ? charged_us[i] - now_us : 0;
			charged_us[i] = now_us + owed_us + 1000000;
			now_us += 3;
		}
		for (unsigned i = 0; i < KEYS; i++) {
			const struct debt *e = debts_find(d, mix(i), now_us);
			if (charged_us[i] <= now_us)
				continue;
			assert_non_null(e);
			if (debt_owed_us(&e->paid_us, now_us) < charged_us[i] - now_us)
				fail_msg("key %u owes too little", i);
		}
	}
	debts_free(d);
}

/* Whoever owes keeps its place, and what it owes, while others come and go. */
static void a_flood_evicts_nobody(void **state)
{
	(void)state;
	struct debts *d;
	assert_int_equal(debts_new(2000, &d), 0);
	struct debt *e = debts_take(d, mix(4711), 1);
	debt_add_us(&e->paid_us, 1, 1000000000);
	for (unsigned i = 10000; i < KEYS; i++)
		debt_add_us(&debts_take(d, mix(i), i)->paid_us, i, 1);
	assert_ptr_equal(debts_find(d, mix(4711), KEYS), e);
	assert_int_equal(debt_owed_us(&e->paid_us, KEYS), 1000000001 - KEYS);
	debts_free(d);
}

static void memory_is_as_told(void **state)
{
	(void)state;
	struct debts *d;
	assert_int_equal(debts_new(100000, &d), 0);
	assert_true(debts_bytes(d) >= 100000 * sizeof(struct debt));
	assert_true(debts_bytes(d) <= 4 * 100000 * sizeof(struct debt));
	debts_free(d);
}

/* Of places that owe nothing the one that was not used for longest goes. */
static void a_touch_keeps_a_place(void **state)
{
	(void)state;
	struct debts *d;
	assert_int_equal(debts_new(1, &d), 0);
	struct debt *kept = debts_take(d, mix(1), 1000);
	assert_false(debts_is_shared(d, kept));
	kept->extra = 7;
	for (unsigned i = 2; i < 5000; i++) {
		debt_touch(&kept->paid_us, 1000 + i);
		assert_int_equal(debt_owed_us(&kept->paid_us, 1000 + i), 0);
		struct debt *e = debts_take(d, mix(i), 1000 + i);
		debt_touch(&e->paid_us, 1000 + i);
		assert_ptr_equal(debts_take(d, mix(1), 1000 + i), kept);
		assert_int_equal(kept->extra, 7);
	}
	debts_free(d);
}

static void who_has_no_place_is_told_apart(void **state)
{
	(void)state;
	struct debts *d;
	unsigned shared = 0;
	assert_int_equal(debts_new(1, &d), 0);
	for (unsigned i = 0; i < 5000; i++) {
		struct debt *e = debts_take(d, mix(i), 1000);
		debt_add_us(&e->paid_us, 1000, 1000000);
		shared += debts_is_shared(d, e);
	}
	assert_int_equal(shared, 5000 - 16 * DEBTS_WAYS);
	debts_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_touch_keeps_a_place),
		cmocka_unit_test(who_has_no_place_is_told_apart),
		cmocka_unit_test(a_debt_is_paid_with_time),
		cmocka_unit_test(no_debt_is_forgotten),
		cmocka_unit_test(a_flood_evicts_nobody),
		cmocka_unit_test(memory_is_as_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
