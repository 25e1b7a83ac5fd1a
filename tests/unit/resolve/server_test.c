/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/server.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct endpoint here = { .addr = { .is_v4 = true }, .port = 53 };
static const uint64_t second = NS_PER_S;

static int set_up(void **state)
{
	(void)state;
	server_table_init();
	server_table_reset();
	return 0;
}

static void test_unknown(void **state)
{
	(void)state;
	assert_null(server_find(&here));
	assert_int_equal(server_timeout_ms(NULL, 0, 50, 1500), SERVER_UNKNOWN_MS);
	assert_int_equal(server_timeout_ms(NULL, 1, 50, 1500), 2 * SERVER_UNKNOWN_MS);
	assert_int_equal(server_timeout_ms(NULL, 5, 50, 1500), 1500);
	assert_false(server_is_resting(NULL, 5));
	assert_int_equal(server_edns(NULL, 5), SERVER_EDNS_UNKNOWN);
	assert_in_range(server_score_us(NULL, 5), 1, 30000);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct server *s = server_take(&here, 100);
	assert_ptr_equal(server_find(&here), s);
	assert_ptr_equal(server_take(&here, 101), s);
	server_answered(s, 20 * NS_PER_MS, 100);
	assert_int_equal(server_score_us(s, 100), 20000);
	assert_int_equal(server_timeout_ms(s, 0, 10, 1500), 61); /* srtt + 4 * srtt / 2 */
	for (int i = 0; i < 60; i++)
		server_answered(s, 20 * NS_PER_MS, 100);
	assert_in_range(server_score_us(s, 100), 19900, 20100);
	assert_in_range(server_timeout_ms(s, 0, 10, 1500), 20, 23);
	assert_int_equal(server_timeout_ms(s, 0, 50, 1500), 50);
	for (int i = 0; i < 60; i++)
		server_answered(s, 100 * NS_PER_MS, 100);
	assert_in_range(server_score_us(s, 100), 99000, 101000);
	/* What was measured long ago is not believed. */
	assert_in_range(server_score_us(s, 101 + SERVER_SEEN_MAX_S), 1, 30000);
}

static void test_silence(void **state)
{
	(void)state;
	struct server *s = server_take(&here, 100);
	uint64_t now_ns = 100 * second;
	server_timed_out(s, now_ns);
	server_timed_out(s, now_ns + NS_PER_MS); /* others that waited meanwhile */
	assert_int_equal(s->timeouts, 1);
	assert_int_equal(server_timeout_ms(s, 0, 50, 1500), 2 * SERVER_UNKNOWN_MS);
	server_timed_out(s, now_ns += second);
	assert_false(server_is_resting(s, now_ns));
	server_timed_out(s, now_ns += second);
	assert_true(server_is_resting(s, now_ns));
	assert_true(server_score_us(s, 102) > 1000000);
	/* One try a second, then ever less often, but never less than one in 16 s. */
	assert_false(server_is_resting(s, now_ns + second));
	server_probe(s, now_ns += second);
	assert_true(server_is_resting(s, now_ns));
	for (int i = 0; i < 20; i++)
		server_timed_out(s, now_ns += 60 * second);
	assert_true(server_is_resting(s, now_ns + (SERVER_BACKOFF_MAX_S - 1) * second));
	assert_false(server_is_resting(s, now_ns + SERVER_BACKOFF_MAX_S * second));
	server_answered(s, NS_PER_MS, 2000);
	assert_false(server_is_resting(s, now_ns));
}

static void test_unreachable(void **state)
{
	(void)state;
	struct server *s = server_take(&here, 100);
	server_unreachable(s, 100 * second);
	assert_true(server_is_resting(s, 100 * second));
	assert_false(server_is_resting(s, 102 * second));
}

static void test_edns(void **state)
{
	(void)state;
	struct server *s = server_take(&here, 100);
	server_edns_fails(s, 100, false);
	assert_int_equal(server_edns(s, 100), SERVER_EDNS_SUSPECT);
	server_edns_fails(s, 100, false);
	assert_int_equal(server_edns(s, 100), SERVER_EDNS_NONE);
	assert_int_equal(server_edns(s, 100 + SERVER_EDNS_NONE_S), SERVER_EDNS_UNKNOWN);
	server_edns_works(s);
	server_edns_fails(s, 100, false); /* a lost packet */
	assert_int_equal(server_edns(s, 100), SERVER_EDNS_OK);
	server_edns_fails(s, 100, true);
	assert_int_equal(server_edns(s, 100), SERVER_EDNS_NONE);
}

static void test_tcp(void **state)
{
	(void)state;
	struct server *s = server_take(&here, 100);
	assert_false(server_wants_tcp(s, 100));
	server_needs_tcp(s, 100);
	assert_true(server_wants_tcp(s, 100));
	assert_false(server_wants_tcp(s, 100 + SERVER_TCP_S));
	server_needs_tcp(s, 100);
	server_tcp_fails(s);
	assert_false(server_wants_tcp(s, 100));
}

static void test_lame(void **state)
{
	(void)state;
	struct endpoint other = here;
	other.port = 54;
	server_mark_lame(server_tag(&here), 7, 100, 60);
	assert_true(server_is_lame(server_tag(&here), 7, 100));
	assert_true(server_is_lame(server_tag(&here), 7, 159));
	assert_false(server_is_lame(server_tag(&here), 7, 160));
	assert_false(server_is_lame(server_tag(&here), 8, 100));
	assert_false(server_is_lame(server_tag(&other), 7, 100));
}

static void test_many(void **state)
{
	(void)state;
	/* More servers than places: the table stays usable, the newest are there. */
	struct endpoint e = { .port = 53 };
	for (uint32_t i = 0; i < 100000; i++) {
		e.addr = addr_v4(i);
		server_answered(server_take(&e, i), NS_PER_MS, i);
	}
	assert_non_null(server_find(&e));
	unsigned n = 0;
	for (uint32_t i = 0; i < 100000; i++) {
		e.addr = addr_v4(i);
		n += server_find(&e) != NULL ? 1 : 0;
	}
	assert_in_range(n, 4096, 8192);
}

/* For ThreadSanitizer: workers share the table without locks. */
static void *use_table(void *arg)
{
	struct endpoint e = { .port = 53 };
	uint32_t seed = *(const uint32_t *)arg;
	for (uint32_t i = 0; i < 20000; i++) {
		e.addr = addr_v4((i * 7 + seed) % 5000);
		struct server *s = server_take(&e, i);
		server_answered(s, NS_PER_MS, i);
		server_timed_out(s, i * NS_PER_S);
		server_edns_fails(s, i, false);
		server_mark_lame(server_tag(&e), 1, i, 10);
		(void)server_is_lame(server_tag(&e), 2, i);
		(void)server_is_resting(server_find(&e), i);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[3];
	uint32_t seeds[3] = { 1, 2, 3 };
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_table, &seeds[i]), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_unknown, set_up),
		cmocka_unit_test_setup(test_round_trip, set_up),
		cmocka_unit_test_setup(test_silence, set_up),
		cmocka_unit_test_setup(test_unreachable, set_up),
		cmocka_unit_test_setup(test_edns, set_up),
		cmocka_unit_test_setup(test_tcp, set_up),
		cmocka_unit_test_setup(test_lame, set_up),
		cmocka_unit_test_setup(test_many, set_up),
		cmocka_unit_test_setup(test_threads, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
