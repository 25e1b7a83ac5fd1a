/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void put(struct ring *r, uint8_t byte, size_t n)
{
	uint8_t *p = ring_reserve(r, n);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 8, 0);
	memset(p, byte, n);
	ring_commit(r);
}

static void take(struct ring *r, uint8_t byte, size_t n)
{
	size_t got;
	const uint8_t *p = ring_peek(r, &got);
	assert_non_null(p);
	assert_int_equal(got, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], byte);
	ring_pop(r);
}

static void test_size_is_checked(void **state)
{
	(void)state;
	static struct ring r; /* on the stack of some sanitizers it would not be aligned */
	assert_int_equal(ring_init(&r, 5000), -EINVAL);
	assert_int_equal(ring_init(&r, 2048), -EINVAL);
	assert_int_equal(ring_init(&r, 0), -EINVAL);
}

static void test_in_order(void **state)
{
	(void)state;
	static struct ring r;
	size_t n;
	assert_int_equal(ring_init(&r, 4096), 0);
	assert_null(ring_peek(&r, &n));
	for (unsigned round = 0; round < 1000; round++) {
		put(&r, (uint8_t)round, round % 500);
		put(&r, (uint8_t)(round + 1), 7);
		take(&r, (uint8_t)round, round % 500);
		take(&r, (uint8_t)(round + 1), 7);
		assert_null(ring_peek(&r, &n));
		assert_int_equal(ring_used(&r), 0);
	}
	ring_done(&r);
}

static void test_full_and_free_again(void **state)
{
	(void)state;
	static struct ring r;
	unsigned n = 0;
	assert_int_equal(ring_init(&r, 4096), 0);
	while (ring_reserve(&r, 100) != NULL) {
		ring_commit(&r);
		n++;
	}
	assert_int_equal(n, 4096 / 112);
	assert_true(ring_used(&r) <= 4096);
	size_t got;
	assert_non_null(ring_peek(&r, &got));
	ring_pop(&r);
	assert_non_null(ring_peek(&r, &got));
	ring_pop(&r);
	/* At the front: the 64 bytes left at the end are skipped. */
	assert_non_null(ring_reserve(&r, 100));
	ring_commit(&r);
	assert_non_null(ring_reserve(&r, 100));
	ring_commit(&r);
	assert_null(ring_reserve(&r, 100));
	while (ring_peek(&r, &got) != NULL)
		ring_pop(&r);
	assert_int_equal(ring_used(&r), 0);
	ring_done(&r);
}

static void test_uncommitted_is_forgotten(void **state)
{
	(void)state;
	static struct ring r;
	size_t n;
	assert_int_equal(ring_init(&r, 4096), 0);
	assert_non_null(ring_reserve(&r, 64));
	assert_null(ring_peek(&r, &n));
	put(&r, 5, 16);
	take(&r, 5, 16);
	assert_null(ring_reserve(&r, 4096 / 4 + 1)); /* never, so that all others always fit */
	put(&r, 6, 4096 / 4);
	take(&r, 6, 4096 / 4);
	ring_done(&r);
}

/* ---- two threads ---- */

enum {
	N_RECORDS = 200000
};

/* Record i has a length and a content that both follow from i alone. */
static size_t length_of(uint32_t i)
{
	return 4 + (i * 2654435761U >> 16) % 300;
}

static void *produce(void *arg)
{
	struct ring *r = arg;
	for (uint32_t i = 0; i < N_RECORDS;) {
		uint8_t *p = ring_reserve(r, length_of(i));
		if (p == NULL) {
			sched_yield();
			continue;
		}
		memcpy(p, &i, 4);
		memset(p + 4, (uint8_t)i, length_of(i) - 4);
		ring_commit(r);
		i++;
	}
	return NULL;
}

static void test_two_threads(void **state)
{
	(void)state;
	static struct ring r;
	pthread_t producer;
	assert_int_equal(ring_init(&r, 8192), 0);
	assert_int_equal(pthread_create(&producer, NULL, produce, &r), 0);
	uint32_t i = 0;
	unsigned n_wrong = 0;
	while (i < N_RECORDS) {
		size_t n;
		uint32_t number;
		const uint8_t *p = ring_peek(&r, &n);
		if (p == NULL) {
			sched_yield();
			continue;
		}
		memcpy(&number, p, 4);
		n_wrong += number != i || n != length_of(i) || (n > 4 && p[4] != (uint8_t)i) ||
		           (n > 4 && p[n - 1] != (uint8_t)i);
		ring_pop(&r);
		i++;
	}
	pthread_join(producer, NULL);
	assert_int_equal(n_wrong, 0);
	assert_int_equal(ring_used(&r), 0);
	ring_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_is_checked),
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_full_and_free_again),
		cmocka_unit_test(test_uncommitted_is_forgotten),
		cmocka_unit_test(test_two_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
