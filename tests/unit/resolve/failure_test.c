/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_backoff(void **state)
{
	(void)state;
	uint32_t left_s = 99;
	uint16_t code = 99;
	uint32_t now_s = 1000;
	failure_reset();
	assert_false(failure_find(5, 1, now_s * NS_PER_S, &left_s, &code));
	assert_int_equal(left_s, 99);
	failure_note(5, 1, now_s * NS_PER_S, 22);
	assert_true(failure_find(5, 1, now_s * NS_PER_S, &left_s, &code));
	assert_int_equal(left_s, 1);
	assert_int_equal(code, 22);
	assert_false(failure_find(5, 28, now_s * NS_PER_S, &left_s, &code));
	assert_false(failure_find(6, 1, now_s * NS_PER_S, &left_s, &code));
	/* RFC 9520 3.2: doubled each time, five minutes at most. */
	uint32_t expected_s = 1;
	for (int i = 0; i < 12; i++) {
		now_s += left_s;
		assert_false(failure_find(5, 1, now_s * NS_PER_S, &left_s, &code));
		failure_note(5, 1, now_s * NS_PER_S, 22);
		assert_true(failure_find(5, 1, now_s * NS_PER_S, &left_s, &code));
		expected_s = expected_s * 2 < FAILURE_MAX_S ? expected_s * 2 : FAILURE_MAX_S;
		assert_int_equal(left_s, expected_s);
	}
	assert_int_equal(left_s, FAILURE_MAX_S);
	/* Long after, it is a first failure again. */
	now_s += 5000;
	failure_note(5, 1, now_s * NS_PER_S, 23);
	assert_true(failure_find(5, 1, now_s * NS_PER_S, &left_s, &code));
	assert_int_equal(left_s, 1);
	assert_int_equal(code, 23);
}

static void test_two_workers(void **state)
{
	(void)state;
	uint32_t left_s;
	uint16_t code;
	failure_reset();
	failure_note(5, 1, 1000 * NS_PER_S, 22);
	failure_note(5, 1, 1000 * NS_PER_S, 22); /* the same failure, seen by two */
	assert_true(failure_find(5, 1, 1000 * NS_PER_S, &left_s, &code));
	assert_int_equal(left_s, 1);
}

/* At the end of a second as at its beginning: one second (RFC 9520 3.2: at least). */
static void test_a_second_is_one(void **state)
{
	(void)state;
	uint32_t left_s;
	uint16_t code;
	for (uint64_t ms = 0; ms < 1000; ms += 37) {
		uint64_t now_ns = 1000 * NS_PER_S + ms * NS_PER_MS;
		failure_reset();
		failure_note(5, 1, now_ns, 22);
		assert_true(failure_find(5, 1, now_ns + NS_PER_S - 1, &left_s, &code));
		assert_false(failure_find(5, 1, now_ns + NS_PER_S * 11 / 10, &left_s, &code));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_two_workers),
		cmocka_unit_test(test_a_second_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
