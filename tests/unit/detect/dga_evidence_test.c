/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/dga_evidence.h"

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct dga_table *table_of(size_t n)
{
	struct dga_table *t;
	assert_int_equal(dga_table_new(n, &t), 0);
	return t;
}

static struct dga_standing add(struct dga_table *t, uint64_t client, uint32_t domain,
                               float evidence, uint32_t now_s)
{
	struct dga_standing s;
	struct dga_name n = { .client = client,
		              .domain = domain,
		              .evidence = { evidence, evidence / 2 },
		              .is_failed = domain == 1,
		              .now_s = now_s };
	dga_table_add(t, &n, &s);
	return s;
}

static bool is_near(float a, float b)
{
	return fabsf(a - b) < 0.02F;
}

static void evidence_adds_up_and_never_falls_below_nothing(void **state)
{
	(void)state;
	struct {
		float evidence, sum;
		unsigned n_names;
	} rows[] = {
		{ 2, 2, 1 },    { 3, 5, 2 },  { -1, 4, 3 }, { 100, 10, 4 }, /* cut to 6 */
		{ -100, 4, 5 }, { -5, 0, 0 }, { 1, 1, 1 },
	};
	struct dga_table *t = table_of(10);
	for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dga_standing s = add(t, 7, i + 1, rows[i].evidence, 1000);
		assert_true(is_near(s.sum, rows[i].sum));
		assert_int_equal(s.n_names, rows[i].n_names);
		assert_true(s.is_counted);
	}
	dga_table_free(t);
}

static void a_domain_counts_once(void **state)
{
	(void)state;
	struct dga_table *t = table_of(10);
	add(t, 7, 1, 3, 0);
	struct dga_standing s = add(t, 7, 1, 3, 0);
	assert_false(s.is_counted);
	assert_true(is_near(s.sum, 3) && s.n_names == 1 && s.n_failed == 1);
	s = add(t, 8, 1, 3, 0); /* of another client */
	assert_true(s.is_counted);
	for (uint32_t i = 2; i < DGA_RECENT + 2; i++)
		add(t, 7, i, 0.1F, 0);
	s = add(t, 7, 1, 3, 0); /* forgotten by then */
	assert_true(s.is_counted);
	s = add(t, 9, 0, 3, 0); /* a hash of 0 is a hash */
	assert_true(s.is_counted);
	dga_table_free(t);
}

static void suspicion_fades(void **state)
{
	(void)state;
	struct dga_table *t = table_of(10);
	struct dga_standing s;
	add(t, 7, 1, 6, 1000);
	assert_true(dga_table_find(t, 7, 1000 + DGA_HALF_LIFE_S, &s));
	assert_true(is_near(s.sum, 3));
	assert_true(dga_table_find(t, 7, 500, &s)); /* a clock behind */
	assert_true(is_near(s.sum, 6));
	s = add(t, 7, 2, 1, 1000 + 2 * DGA_HALF_LIFE_S);
	assert_true(is_near(s.sum, 2.5F));
	dga_table_forget(t, 7);
	assert_true(dga_table_find(t, 7, 1000, &s));
	assert_true(s.sum == 0 && s.n_names == 0);
	assert_false(dga_table_find(t, 8, 1000, &s));
	dga_table_free(t);
}

static void families_are_voted_for(void **state)
{
	(void)state;
	struct dga_table *t = table_of(10);
	float share[3] = { 0.1F, 0.9F, 0 };
	struct dga_standing s;
	struct dga_name n = { .client = 7, .evidence = { 2, 2 }, .share = share, .n_share = 3 };
	for (n.domain = 1; n.domain < 10; n.domain++)
		dga_table_add(t, &n, &s);
	float of_all;
	assert_int_equal(dga_table_family(t, 7, &of_all), 1);
	assert_true(of_all > 0.85F && of_all < 0.95F);
	n.evidence[0] = n.evidence[1] = -1; /* names that speak against it have no vote */
	share[0] = 1;
	for (; n.domain < 20; n.domain++)
		dga_table_add(t, &n, &s);
	assert_int_equal(dga_table_family(t, 7, &of_all), 1);
	add(t, 8, 1, 2, 0);
	assert_int_equal(dga_table_family(t, 8, &of_all), UINT_MAX);
	assert_int_equal(dga_table_family(t, 9, &of_all), UINT_MAX);
	assert_true(of_all <= 0);
	dga_table_free(t);
}

static void looks_are_compared(void **state)
{
	(void)state;
	struct {
		const char *suffix; /* of the one that is compared */
		size_t length;
		unsigned suffix_quarter, length_quarter;
	} rows[] = {
		{ "com", 8, 2, 2 }, /* as long, or one more or less: 7, 9 */
		{ "com", 20, 2, 1 }, { "net", 6, 1, 1 }, { "net", 12, 1, 0 },
		{ "org", 7, 1, 1 },  { "de", 99, 0, 1 }, /* longer than there are */
	};
	const uint32_t at[] = { dga_look(7, "com", 3), dga_look(9, "com", 3),
		                dga_look(63, "net", 3), dga_look(20, "org", 3) };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t look = dga_look(rows[i].length, rows[i].suffix, strlen(rows[i].suffix));
		assert_int_equal(dga_kin_of(look, at, 4),
		                 rows[i].suffix_quarter * DGA_KIN + rows[i].length_quarter);
	}
	for (unsigned n = DGA_LOOKS_MIN; n <= DGA_LOOKS; n++) {
		uint32_t same[DGA_LOOKS];
		for (unsigned i = 0; i < n; i++)
			same[i] = dga_look(7, "com", 3);
		assert_int_equal(dga_kin_of(dga_look(7, "com", 3), same, n), DGA_KIN * DGA_KIN - 1);
		assert_int_equal(dga_kin_of(dga_look(9, "net", 3), same, n), 0);
	}
}

static void failures_that_are_alike_are_evidence(void **state)
{
	(void)state;
	float kin[DGA_KIN * DGA_KIN] = { [DGA_KIN * DGA_KIN - 1] = 1 };
	struct dga_table *t = table_of(10);
	struct dga_standing s;
	struct dga_name n = { .client = 7,
		              .evidence = { 0.5F, 0.5F },
		              .is_failed = true,
		              .look = dga_look(6, "com", 3),
		              .kin = kin,
		              .now_s = 10000 };
	for (n.domain = 1; n.domain <= 3; n.domain++, n.now_s += 600)
		dga_table_add(t, &n, &s);
	float before = s.sum;
	dga_table_add(t, &n, &s); /* the fourth is like the three before */
	assert_true(s.sum > before + 1.3F);
	before = s.sum;
	n.domain++;
	n.look = dga_look(12, "net", 3);
	dga_table_add(t, &n, &s);
	assert_true(s.sum < before + 0.6F);
	/* What was long ago is not compared with. */
	n.look = dga_look(6, "com", 3);
	n.now_s += DGA_LOOKS_S;
	before = s.sum;
	n.domain++;
	dga_table_add(t, &n, &s);
	assert_true(s.sum < before + 0.6F);
	/* Nor what exists. */
	for (unsigned i = 0; i < 20; i++) {
		before = s.sum;
		n.is_failed = false;
		n.domain++;
		dga_table_add(t, &n, &s);
		assert_true(s.sum < before + 0.6F);
	}
	dga_table_free(t);
}

static void who_is_suspected_is_not_pushed_out(void **state)
{
	(void)state;
	struct dga_table *t = table_of(16);
	struct dga_standing s;
	size_t bytes = dga_table_bytes(t);
	add(t, 7, 1, 6, 0);
	add(t, 7, 2, 6, 0);
	for (uint64_t client = 100; client < 20000; client++)
		add(t, client, 1, 1, (uint32_t)(client / 1000));
	assert_true(dga_table_find(t, 7, 20, &s));
	assert_true(s.sum > 11);
	assert_true(dga_table_find(t, 19999, 20, &s));
	assert_int_equal(dga_table_bytes(t), bytes);
	dga_table_free(t);
}

static void the_table_is_as_small_as_is_said(void **state)
{
	(void)state;
	struct dga_table *t = table_of(10000);
	assert_true(dga_table_bytes(t) < 6 << 20);
	dga_table_free(t);
}

static void the_higher_sum_speaks(void **state)
{
	(void)state;
	struct dga_table *t = table_of(10);
	struct dga_standing s;
	struct dga_name n = { .client = 7, .domain = 1, .evidence = { -3, 2 } };
	dga_table_add(t, &n, &s);
	assert_true(is_near(s.sum, 2) && s.n_names == 1);
	n = (struct dga_name){ .client = 7, .domain = 2, .evidence = { 4, -1 } };
	dga_table_add(t, &n, &s);
	assert_true(is_near(s.sum, 4) && s.n_names == 2);
	n = (struct dga_name){ .client = 7, .domain = 3, .evidence = { -5, 1 } };
	dga_table_add(t, &n, &s);
	assert_true(is_near(s.sum, 2) && s.n_names == 3);
	n = (struct dga_name){ .client = 7, .domain = 4, .evidence = { -5, -5 } };
	dga_table_add(t, &n, &s);
	assert_true(s.sum == 0 && s.n_names == 0);
	dga_table_free(t);
}

static void thick_failures_are_evidence_once(void **state)
{
	(void)state;
	struct {
		const char *why;
		uint32_t step_s, n;
		float sum; /* of names that say nothing themselves */
	} rows[] = {
		{ "three are not thick", 1, 3, 0 },
		{ "the fourth to the seventh", 1, 7, 4 * DGA_THICK_BONUS },
		{ "no more behind that", 1, 200, 4 * DGA_THICK_BONUS },
		{ "slowly: never", 600, 50, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dga_table *t = table_of(10);
		struct dga_standing s = { 0 };
		for (uint32_t k = 0; k < rows[i].n; k++) {
			struct dga_name n = { .client = 7,
				              .domain = k + 1,
				              .is_failed = true,
				              .now_s = 1000 + k * rows[i].step_s };
			dga_table_add(t, &n, &s);
		}
		/* It fades a little on the way. */
		if (s.sum > rows[i].sum + 0.02F || s.sum < rows[i].sum * 0.97F - 0.02F)
			fail_msg("%s: %f", rows[i].why, (double)s.sum);
		dga_table_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_adds_up_and_never_falls_below_nothing),
		cmocka_unit_test(a_domain_counts_once),
		cmocka_unit_test(the_higher_sum_speaks),
		cmocka_unit_test(thick_failures_are_evidence_once),
		cmocka_unit_test(suspicion_fades),
		cmocka_unit_test(families_are_voted_for),
		cmocka_unit_test(looks_are_compared),
		cmocka_unit_test(failures_that_are_alike_are_evidence),
		cmocka_unit_test(who_is_suspected_is_not_pushed_out),
		cmocka_unit_test(the_table_is_as_small_as_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
