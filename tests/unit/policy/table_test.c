/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"

struct walk {
	uint64_t last;
	uint32_t n;
	uint64_t sum;
};

static int walk_visit(uint64_t hash, uint32_t set, void *arg)
{
	struct walk *w = arg;
	assert_true(w->n == 0 || hash > w->last);
	w->last = hash;
	w->n++;
	w->sum += hash * set;
	return 0;
}

static void put(struct table *t, uint64_t hash, uint32_t set)
{
	struct table_slot *s = table_at(t, hash);
	assert_non_null(s);
	if (s->set == 0)
		table_took(t);
	s->set = set;
}

static void it_grows_and_keeps_everything(void **state)
{
	(void)state;
	enum {
		N = 100000
	};
	uint64_t *hashes = calloc(N, sizeof *hashes);
	struct table t;
	uint64_t sum = 0;
	assert_non_null(hashes);
	assert_int_equal(table_init(&t, 0), 0); /* far too small: it grows many times */
	for (uint32_t i = 0; i < N; i++) {
		hashes[i] = random_u64();
		put(&t, hashes[i], i + 1);
		sum += hashes[i] * (i + 1);
	}
	assert_int_equal(t.n_used, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(table_at(&t, hashes[i])->set, i + 1);
	struct walk w = { 0 };
	assert_int_equal(table_each(&t, walk_visit, &w), 0);
	assert_int_equal(w.n, N);
	assert_int_equal(w.sum, sum);
	for (uint32_t i = 0; i < N; i++) /* sorting left it searchable */
		assert_int_equal(table_at(&t, hashes[i])->set, i + 1);
	table_done(&t);
	free(hashes);
}

static void hashes_at_the_very_end_do_not_wrap(void **state)
{
	(void)state;
	struct table t;
	assert_int_equal(table_init(&t, 10), 0);
	for (uint32_t i = 0; i < 500; i++)
		put(&t, UINT64_MAX - i, i + 1);
	for (uint32_t i = 0; i < 500; i++)
		assert_int_equal(table_at(&t, UINT64_MAX - i)->set, i + 1);
	struct walk w = { 0 };
	assert_int_equal(table_each(&t, walk_visit, &w), 0);
	assert_int_equal(w.n, 500);
	table_done(&t);
}

static void hashes_that_cannot_be_spread_are_refused(void **state)
{
	(void)state;
	struct table t;
	uint32_t n = 0;
	assert_int_equal(table_init(&t, 10), 0);
	for (; n < 100000; n++) { /* the same upper half: one home for all, however it grows */
		struct table_slot *s = table_at(&t, 0xffffffff00000000ULL + n);
		if (s == NULL)
			break;
		s->set = 1;
		table_took(&t);
	}
	assert_in_range(n, 1000, 2000);
	table_done(&t);
}

static int stop_visit(uint64_t hash, uint32_t set, void *arg)
{
	(void)hash;
	(void)set;
	unsigned *n = arg;
	return ++*n == 3 ? -EIO : 0;
}

static void walking_stops_when_told(void **state)
{
	(void)state;
	struct table t;
	unsigned n = 0;
	assert_int_equal(table_init(&t, 10), 0);
	for (uint32_t i = 0; i < 10; i++)
		put(&t, random_u64(), 1);
	assert_int_equal(table_each(&t, stop_visit, &n), -EIO);
	assert_int_equal(n, 3);
	table_done(&t);
	table_done(&t);
}

static void too_many_are_refused_at_once(void **state)
{
	(void)state;
	struct table t;
	assert_int_equal(table_init(&t, 1ULL << 40), -ENOSPC);
	assert_int_equal(table_init(&t, UINT32_MAX), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_and_keeps_everything),
		cmocka_unit_test(hashes_at_the_very_end_do_not_wrap),
		cmocka_unit_test(hashes_that_cannot_be_spread_are_refused),
		cmocka_unit_test(walking_stops_when_told),
		cmocka_unit_test(too_many_are_refused_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
