/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rcu.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

static _Atomic unsigned n_freed;

static void release(void *object)
{
	free(object);
	atomic_fetch_add(&n_freed, 1);
}

static void wait_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };
	nanosleep(&t, NULL);
}

static void test_all_is_freed(void **state)
{
	(void)state;
	atomic_store(&n_freed, 0);
	for (unsigned i = 0; i < 1000; i++) /* full batches and a rest */
		rcu_retire(malloc(16), release);
	rcu_quiet();
	rcu_sleep();
	rcu_drain();
	rcu_wake();
	assert_int_equal(atomic_load(&n_freed), 1000);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void count(void *object)
{
	(void)object;
	atomic_fetch_add(&n_freed, 1);
}

/* All that malloc has, in a list. */
static void **take_all_memory(void)
{
	void **all = NULL, **piece;
	for (size_t n = 1 << 20; n >= sizeof(void *); n /= 2) {
		while ((piece = malloc(n)) != NULL) {
			*piece = all;
			all = piece;
		}
	}
	return all;
}

/* Then a reserve holds what waits, again and again; and when it is full, nothing ends. */
static void test_without_memory(void **state)
{
	(void)state;
	struct rlimit before, none;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	for (unsigned round = 0; round < 3; round++) {
		unsigned n = round == 1 ? 5000 : 900;
		atomic_store(&n_freed, 0);
		assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
		void **all = take_all_memory();
		for (unsigned i = 0; i < n; i++)
			rcu_retire(&n_freed, count);
		rcu_flush();
		assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
		for (void **next; all != NULL; all = next) {
			next = *all;
			free(all);
		}
		rcu_quiet();
		rcu_sleep();
		rcu_drain();
		rcu_wake();
		unsigned got = atomic_load(&n_freed);
		assert_true(round == 1 ? got >= 900 && got <= n : got == n);
	}
}
#else
static void test_without_memory(void **state)
{
	(void)state;
	skip(); /* a sanitizer's malloc has other limits */
}
#endif

/* A reader that has not passed a quiet point holds back what was retired; asleep it does not. */
static _Atomic int reader_step;

static void wait_for(int step)
{
	while (atomic_load(&reader_step) < step)
		sched_yield();
}

static void *slow_reader(void *arg)
{
	(void)arg;
	rcu_thread_start();
	atomic_store(&reader_step, 1);
	wait_for(2); /* holds a pointer all the while */
	rcu_quiet();
	rcu_sleep();
	atomic_store(&reader_step, 3);
	wait_for(4);
	rcu_wake();
	rcu_thread_stop();
	return NULL;
}

static void test_waits_for_readers(void **state)
{
	(void)state;
	pthread_t reader;
	atomic_store(&n_freed, 0);
	assert_int_equal(pthread_create(&reader, NULL, slow_reader, NULL), 0);
	wait_for(1);
	rcu_retire(malloc(16), release);
	rcu_flush();
	rcu_sleep(); /* as the loop does: we hold nothing back */
	wait_ms(50);
	assert_int_equal(atomic_load(&n_freed), 0);
	atomic_store(&reader_step, 2);
	wait_for(3);
	for (unsigned i = 0; i < 1000 && atomic_load(&n_freed) == 0; i++)
		wait_ms(1);
	assert_int_equal(atomic_load(&n_freed), 1);
	rcu_wake();
	rcu_retire(malloc(16), release); /* the reader sleeps: nothing to wait for */
	rcu_sleep();
	rcu_drain();
	assert_int_equal(atomic_load(&n_freed), 2);
	atomic_store(&reader_step, 4);
	pthread_join(reader, NULL);
	rcu_wake();
}

/* The use it is made for: one thread swaps an object, others read it; ASan and TSan watch. */
struct pair {
	uint64_t a, b; /* always equal */
};

static _Atomic(struct pair *) shared;
static _Atomic bool is_over;
static _Atomic unsigned n_torn;

static void *read_pairs(void *arg)
{
	(void)arg;
	rcu_thread_start();
	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		for (unsigned i = 0; i < 50; i++) {
			const struct pair *p = atomic_load_explicit(&shared, memory_order_acquire);
			if (p->a != p->b)
				atomic_fetch_add(&n_torn, 1);
		}
		rcu_quiet();
	}
	rcu_thread_stop();
	return NULL;
}

static struct pair *new_pair(uint64_t x)
{
	struct pair *p = malloc(sizeof *p);
	assert_non_null(p);
	p->a = p->b = x;
	return p;
}

static void release_pair(void *object)
{
	struct pair *p = object;
	p->a = 1; /* a reader that still has it would see this */
	p->b = 2;
	free(p);
}

static void test_swap(void **state)
{
	(void)state;
	pthread_t readers[2];
	atomic_store(&shared, new_pair(0));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_pairs, NULL), 0);
	for (uint64_t x = 1; x < 5000; x++) {
		struct pair *old = atomic_exchange(&shared, new_pair(x));
		rcu_retire(old, release_pair);
		rcu_quiet();
	}
	atomic_store(&is_over, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(atomic_load(&n_torn), 0);
	rcu_retire(atomic_load(&shared), release_pair);
	rcu_sleep();
	rcu_drain();
	rcu_wake();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_freed),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_waits_for_readers),
		cmocka_unit_test(test_swap),
	};
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_thread_stop();
	return failed;
}
