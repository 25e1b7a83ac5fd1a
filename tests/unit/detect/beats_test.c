/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/beats.h"

#include "rig.h"

enum {
	CLIENTS = 100,
};

static struct beats *add(struct beats_table *t, uint64_t key, uint32_t at_s, uint16_t tag)
{
	struct beat b = { .key = key, .now_s = at_s, .ttl_s = 60, .name_tag = tag, .is_odd = true };
	return beats_add(t, &b);
}

static void mean_and_variation_are_those_of_the_intervals(void **state)
{
	(void)state;
	static const uint32_t at_s[] = { 100, 190, 310, 400, 520 }; /* 90, 120, 90, 120 */
	struct beats_table *t;
	struct beats_facts f;
	assert_int_equal(beats_new(CLIENTS, &t), 0);
	for (size_t i = 0; i < ARRAY_LEN(at_s); i++)
		assert_non_null(add(t, 7, at_s[i], (uint16_t)(i * 2 + 1)));
	assert_null(add(t, 7, 522, 1)); /* still the same beat */
	const struct beats *b = beats_find(t, 7);
	assert_non_null(b);
	beats_tell(b, &f);
	assert_int_equal(f.intervals, 4);
	assert_int_equal(f.fresh, 4);
	assert_int_equal(f.vain, 0);
	assert_int_equal(f.ttl_s, 60);
	assert_float_equal(f.mean_s, 105, 0.01);
	assert_float_equal(f.variation, 17.32 / 105, 0.001);
	assert_null(beats_find(t, 8));
	beats_free(t);
}

static void names_that_come_again_are_not_new(void **state)
{
	(void)state;
	struct beats_table *t;
	struct beats_facts f;
	assert_int_equal(beats_new(CLIENTS, &t), 0);
	for (uint32_t i = 0; i < 100; i++)
		add(t, 7, 1000 + 60 * i, (uint16_t)(1 + 2 * (i % 3)));
	beats_tell(beats_find(t, 7), &f);
	assert_int_equal(f.intervals, BEATS_WINDOW);
	assert_true(f.fresh < 4);
	assert_float_equal(f.mean_s, 60, 0.1);
	assert_true(f.variation < 0.01);
	beats_free(t);
}

/* A night in between is no interval; but what changes its pace begins anew. */
static void gaps_are_forgiven_a_few_times(void **state)
{
	(void)state;
	struct beats_table *t;
	struct beats_facts f;
	uint32_t at_s = 1000;
	assert_int_equal(beats_new(CLIENTS, &t), 0);
	for (unsigned i = 0; i < 20; i++, at_s += i % 10 == 5 ? 40000 : 300)
		add(t, 7, at_s, 1);
	beats_tell(beats_find(t, 7), &f);
	assert_true(f.intervals >= 16);
	assert_float_equal(f.mean_s, 300, 1);
	for (unsigned i = 0; i < 40; i++, at_s += 5000)
		add(t, 7, at_s, 1);
	beats_tell(beats_find(t, 7), &f);
	assert_float_equal(f.mean_s, 5000, 1);
	assert_true(f.variation < 0.01);
	beats_free(t);
}

/* Domains that are asked for once do not drive out what beats. */
static void a_flood_drives_out_nothing_that_beats(void **state)
{
	(void)state;
	struct beats_table *t;
	struct beats_facts f;
	assert_int_equal(beats_new(CLIENTS, &t), 0);
	size_t bytes = beats_bytes(t);
	for (uint32_t i = 0; i < 200; i++) {
		add(t, 7, 1000 + 60 * i, 1);
		for (uint64_t k = 0; k < 500 && i > 0; k++) /* once it has come twice */
			add(t, (i * 500 + k + 10) * 0x9e3779b97f4a7c15ULL, 1000 + 60 * i, 1);
	}
	const struct beats *b = beats_find(t, 7);
	assert_non_null(b);
	beats_tell(b, &f);
	assert_int_equal(f.intervals, BEATS_WINDOW);
	assert_int_equal(beats_bytes(t), bytes);
	beats_free(t);
}

static void ten_thousand_clients_take_little(void **state)
{
	(void)state;
	struct beats_table *t;
	assert_int_equal(beats_new(10000, &t), 0);
	assert_true(beats_bytes(t) < 4U << 20);
	beats_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mean_and_variation_are_those_of_the_intervals),
		cmocka_unit_test(names_that_come_again_are_not_new),
		cmocka_unit_test(gaps_are_forgiven_a_few_times),
		cmocka_unit_test(a_flood_drives_out_nothing_that_beats),
		cmocka_unit_test(ten_thousand_clients_take_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
