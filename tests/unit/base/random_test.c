/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* No bit is stuck: 4096 draws in which a bit is always the same have a chance of 2^-4095. */
static void test_all_bits_move(void **state)
{
	(void)state;
	uint64_t ones = 0;
	uint64_t zeros = 0;
	uint32_t ones16 = 0;
	uint32_t ones32 = 0;
	for (unsigned i = 0; i < 4096; i++) {
		uint64_t x = random_u64();
		ones |= x;
		zeros |= ~x;
		ones16 |= random_u16();
		ones32 |= random_u32();
	}
	assert_true(ones == UINT64_MAX);
	assert_true(zeros == UINT64_MAX);
	assert_int_equal(ones16, 0xffff);
	assert_true(ones32 == UINT32_MAX);
}

/* Any size, across the borders of the pool; bytes around are left alone. */
static void test_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 7, 4095, 4096, 4097, 10000 };
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		size_t n = sizes[i];
		uint8_t *bytes = calloc(1, n + 2);
		assert_non_null(bytes);
		random_bytes(bytes + 1, n);
		assert_int_equal(bytes[0], 0);
		assert_int_equal(bytes[n + 1], 0);
		unsigned bits = 0;
		for (size_t k = 1; k <= n; k++)
			bits += (unsigned)__builtin_popcount(bytes[k]);
		if (n > 4000)
			assert_in_range(bits, n * 4 - n / 2, n * 4 + n / 2);
		free(bytes);
	}
}

static void test_below(void **state)
{
	(void)state;
	unsigned seen[6] = { 0 };
	for (unsigned i = 0; i < 6000; i++) {
		uint32_t x = random_below(6);
		assert_true(x < 6);
		seen[x]++;
	}
	for (unsigned i = 0; i < 6; i++) /* 1000 each, off by less than ten deviations */
		assert_in_range(seen[i], 700, 1300);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(random_below(1), 0);
		assert_true(random_below(0x80000001U) <= 0x80000000U);
	}
}

static void *draw(void *arg)
{
	random_bytes(arg, 32);
	return NULL;
}

static void test_threads_differ(void **state)
{
	(void)state;
	uint8_t drawn[2][32];
	pthread_t threads[2];
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, draw, drawn[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_memory_not_equal(drawn[0], drawn[1], 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_bits_move),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_threads_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
