/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/sort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "policy/spool.h"

static const char *folder(void)
{
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* n rules of random hashes, each third one a second of the hash before it. */
static void fill(struct sort *s, uint32_t n)
{
	uint64_t hash = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (i % 3 != 2)
			hash = random_u64();
		struct sort_rule r = { .hash = hash, .member = { .data = i } };
		assert_int_equal(sort_add(s, &r), 0);
	}
}

/* All come back, in order, equal hashes in the order of their coming. */
static void look(struct sort *s, uint32_t n)
{
	uint64_t last = 0;
	uint32_t last_data = 0;
	uint64_t sum = 0;
	uint32_t found = 0;
	for (unsigned bucket = 0; bucket < sort_n_buckets(s); bucket++) {
		const struct sort_rule *rules;
		size_t some;
		assert_int_equal(sort_bucket(s, bucket, &rules, &some), 0);
		for (size_t i = 0; i < some; i++, found++) {
			assert_true(found == 0 || rules[i].hash >= last);
			if (found > 0 && rules[i].hash == last)
				assert_true(rules[i].member.data > last_data);
			last = rules[i].hash;
			last_data = rules[i].member.data;
			sum += last_data;
		}
	}
	assert_int_equal(found, n);
	assert_int_equal(sum, (uint64_t)n * (n - 1) / 2);
}

static void everything_comes_back_in_order(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		uint32_t n;
		uint64_t expected;
		bool with_file;
	} rows[] = {
		{ "one", 1, 1, false },
		{ "fewer than a block", 500, 500, false },
		{ "in memory", 300000, 300000, false },
		{ "through the file", 300000, 300000, true },
		{ "more than was said", 400000, 1, true },
		{ "nobody knew how many", 200000, 0, true },
		{ "far fewer than was said", 3000, 100000000, true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sort s;
		assert_int_equal(sort_init(&s, rows[i].expected), 0);
		if (rows[i].with_file)
			assert_int_equal(sort_spill(&s, folder()), 0);
		fill(&s, rows[i].n);
		if (rows[i].with_file && rows[i].n >= 200000)
			assert_true(s.n_filed > 0);
		look(&s, rows[i].n);
		look(&s, rows[i].n); /* again: an overlay that becomes too large */
		sort_done(&s);
	}
}

static void nothing_and_the_ends(void **state)
{
	(void)state;
	struct sort s;
	const struct sort_rule *rules;
	size_t n;
	assert_int_equal(sort_init(&s, 1000000), 0);
	assert_int_equal(sort_bucket(&s, 0, &rules, &n), 0);
	assert_int_equal(n, 0);
	struct sort_rule first = { .hash = 0 };
	struct sort_rule last = { .hash = UINT64_MAX };
	assert_int_equal(sort_add(&s, &first), 0);
	assert_int_equal(sort_add(&s, &last), 0);
	assert_int_equal(sort_bucket(&s, 0, &rules, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(sort_bucket(&s, sort_n_buckets(&s) - 1, &rules, &n), 0);
	assert_int_equal(n, 1);
	assert_true(rules[0].hash == UINT64_MAX);
	sort_done(&s);
	assert_int_not_equal(sort_init(&s, 1), -1);
	assert_true(sort_spill(&s, "/nonexistent/folder") < 0);
	sort_done(&s);
}

/* A file that cannot be written (its disk is full, say) costs memory only. */
static void a_file_that_fails(void **state)
{
	(void)state;
	struct sort s;
	assert_int_equal(sort_init(&s, 300000), 0);
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	s.fd = ends[1]; /* pwrite to a pipe: ESPIPE */
	fill(&s, 300000);
	assert_int_equal(s.n_filed, 0);
	look(&s, 300000);
	sort_done(&s);
}

struct walk {
	uint64_t n, sum;
};

static int visit(uint64_t hash, uint32_t set, void *arg)
{
	struct walk *w = arg;
	assert_true(hash == w->n * 0x100000001ULL);
	w->n++;
	w->sum += set;
	return w->sum == UINT64_MAX ? -1 : 0;
}

static int stop_at_once(uint64_t hash, uint32_t set, void *arg)
{
	(void)hash;
	(void)set;
	(void)arg;
	return -7;
}

static void a_spool_is_read_from_the_front(void **state)
{
	(void)state;
	static const uint32_t counts[] = { 0, 1, SPOOL_KEPT, SPOOL_KEPT + 1, 5 * SPOOL_KEPT + 77 };
	for (size_t row = 0; row < 2 * ARRAY_LEN(counts); row++) {
		struct spool s;
		uint32_t n = counts[row / 2];
		spool_init(&s, row % 2 == 0 ? NULL : folder());
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(spool_put(&s, i * 0x100000001ULL, i), 0);
		assert_int_equal(s.n, n);
		for (int twice = 0; twice < 2; twice++) {
			struct walk w = { 0 };
			assert_int_equal(spool_each(&s, visit, &w), 0);
			assert_int_equal(w.n, n);
			assert_int_equal(w.sum, n == 0 ? 0 : (uint64_t)n * (n - 1) / 2);
		}
		assert_int_equal(spool_each(&s, stop_at_once, NULL), n == 0 ? 0 : -7);
		spool_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back_in_order),
		cmocka_unit_test(nothing_and_the_ends),
		cmocka_unit_test(a_file_that_fails),
		cmocka_unit_test(a_spool_is_read_from_the_front),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
