/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses of name servers that did not come with the delegation: waited for, or for the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "fake_resolver.h"

static const struct fact facts[] = {
	{ "www.cold.test", "A 192.0.2.1", "cold.test", "-ns.there.test" },
	{ "www.slow.test", "A 192.0.2.2", "slow.test", "-ns.slow.test" },
	{ "www.gone.test", "A 192.0.2.3", "gone.test", "-ns.gone.test" },
	{ "ns.there.test", "A 203.0.113.7", NULL, NULL },
	{ "ns.there.test", "AAAA 2001:db8::7", NULL, NULL },
	{ "ns.slow.test", "LATE", NULL, NULL },
	{ "ns.gone.test", "SERVFAIL", NULL, NULL },
};

static const struct rule rules[] = {
	{ "zone", "203.0.113.7/32", POLICY_NODATA, POLICY_MATCH_NAMESERVER, NULL },
	{ "zone", "2001:db8:9::/48", POLICY_NXDOMAIN, POLICY_MATCH_NAMESERVER, NULL },
};

#define NODATA "NOERROR +SOA EDE 15"

static struct bench *bench(bool is_strict, bool no_ns_wait)
{
	bench_is_strict = is_strict;
	bench_zone.no_ns_wait = no_ns_wait;
	return bench_new(facts, ARRAY_LEN(facts), rules, ARRAY_LEN(rules), false);
}

static void end(struct bench *b)
{
	bench_free(b);
	bench_is_strict = bench_zone.no_ns_wait = false;
}

/* Both families are asked for before the answer, once. */
static void what_is_found_decides(void **state)
{
	(void)state;
	for (int strict = 0; strict < 2; strict++) {
		struct bench *b = bench(strict == 1, false);
		assert_string_equal(bench_ask(b, "www.cold.test", DNS_A), NODATA);
		assert_int_equal(bench_n_resolved(b), 3);
		assert_string_equal(bench_ask(b, "www.cold.test", DNS_A), NODATA);
		assert_int_equal(bench_n_resolved(b), 3);
		end(b);
	}
}

static void what_fails_does_not_match(void **state)
{
	(void)state;
	struct bench *b = bench(true, false);
	assert_string_equal(bench_ask(b, "www.gone.test", DNS_A),
	                    "NOERROR www.gone.test A 192.0.2.3");
	assert_int_equal(bench_n_resolved(b), 3);
	assert_int_equal(bench_serve(b)->counters.ns_unknown, 1);
	end(b);
}

/* At the same time, and no longer than the limit for all of them. */
static void what_is_late_does_not_match(void **state)
{
	(void)state;
	struct bench *b = bench(true, false);
	assert_string_equal(bench_ask(b, "www.slow.test", DNS_A), "PARKED");
	assert_int_equal(bench_n_resolved(b), 3);
	bench_pass_time(b, NS_WAIT_MS / 1000 - 1);
	assert_string_equal(bench_told(b), "PARKED");
	bench_pass_time(b, 2);
	assert_string_equal(bench_told(b), "NOERROR www.slow.test A 192.0.2.2");
	assert_int_equal(bench_n_resolved(b), 4); /* what was found is asked for anew, not they */
	end(b);
}

static void who_goes_away_takes_the_look_ups_along(void **state)
{
	(void)state;
	struct bench *b = bench(true, false);
	assert_string_equal(bench_ask(b, "www.slow.test", DNS_A), "PARKED");
	struct query *q = bench_serve(b)->all;
	assert_non_null(q->servers_wait);
	serve_abandon(q);
	assert_null(q->servers_wait);
	query_free(q);
	bench_pass_time(b, 5);
	end(b);
}

/* ns-wait: false. What is not at hand is fetched in the background, not with every question. */
static void nobody_waits(void **state)
{
	(void)state;
	for (int strict = 0; strict < 2; strict++) {
		struct bench *b = bench(strict == 1, true);
		for (int i = 0; i < 3; i++) {
			assert_string_equal(bench_ask(b, "www.cold.test", DNS_A),
			                    "NOERROR www.cold.test A 192.0.2.1");
			assert_int_equal(bench_n_resolved(b), 3);
		}
		bench_pass_time(b, 11);
		(void)bench_ask(b, "www.cold.test", DNS_A);
		assert_int_equal(bench_n_resolved(b), 5);
		/* When it is there it counts, for what is cached too. */
		(void)bench_ask(b, "ns.there.test", DNS_A);
		assert_string_equal(bench_ask(b, "www.cold.test", DNS_A), NODATA);
		end(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_found_decides),
		cmocka_unit_test(what_fails_does_not_match),
		cmocka_unit_test(what_is_late_does_not_match),
		cmocka_unit_test(who_goes_away_takes_the_look_ups_along),
		cmocka_unit_test(nobody_waits),
	};
	struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
