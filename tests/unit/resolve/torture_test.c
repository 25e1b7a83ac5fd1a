/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floods of names below one zone ("water torture"), beside questions that are to be answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/failure.h"
#include "resolve/server.h"
#include "world.h"

enum {
	N_NAMES = 10000,
	GOOD_ONE_IN = 500,
	MAX_TASKS = 1000,
	MAX_ZONE = 256,
	TRIES = 3,
};

static struct asker *askers;

static int set_up_limits(void **state)
{
	int e = set_up(state);
	w.config.max_tasks = MAX_TASKS;
	w.config.max_zone_tasks = MAX_ZONE;
	w.config.max_server_asks = MAX_TASKS;
	remake();
	askers = calloc(N_NAMES, sizeof *askers);
	return e != 0 || askers == NULL ? -1 : 0;
}

static int tear_down_limits(void **state)
{
	free(askers);
	return tear_down(state);
}

static struct resolve_counts counted(void)
{
	struct resolve_counts c = { 0 };
	resolver_count(w.resolver, &c);
	return c;
}

static void flood(void)
{
	for (unsigned i = 0; i < N_NAMES; i++) {
		char name[64];
		snprintf(name, sizeof name, "r%u.example.test", i * 7919);
		start(&askers[i], name, DNS_A, POLICY_NO_GROUP);
		if (i % GOOD_ONE_IN == 0)
			expect_addrs("www.two.test", "192.0.2.22");
	}
	for (unsigned i = 0; i < N_NAMES; i++) {
		if (askers[i].n_done == 0)
			turn_until(&askers[i]);
	}
}

static void test_dead_zone(void **state)
{
	(void)state;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2"); /* the cut is known */
	w.servers[EXAMPLE].habits = FAKE_DEAD;
	unsigned before = w.servers[EXAMPLE].n_udp + w.servers[EXAMPLE].n_tcp;
	flood();
	const struct resolve_counts c = counted();
	unsigned n_named = 0;
	unsigned n_at_once = 0;
	for (unsigned i = 0; i < N_NAMES; i++) {
		assert_int_equal(askers[i].status, RESOLVE_FAILED);
		assert_int_equal(askers[i].ede_code, 22);
		bool is_named = strstr(askers[i].ede_text, "zone-questions") != NULL;
		bool is_rested = strstr(askers[i].ede_text, "did not answer lately") != NULL;
		n_named += is_named ? 1 : 0;
		n_at_once += is_named || is_rested ? 1 : 0;
	}
	assert_int_equal(n_named, c.zone_limited);
	/* How many meet the one limit and how many the other depends on the machine's speed. */
	assert_true(n_named > 0);
	assert_true(n_at_once > N_NAMES / 2);
	assert_int_equal(c.at_limit, 0); /* there was always room for others */
	unsigned n = w.servers[EXAMPLE].n_udp + w.servers[EXAMPLE].n_tcp - before;
	assert_true(n <= N_NAMES / 4);
	/* They come back, and so does their zone. */
	w.servers[EXAMPLE].habits = 0;
	failure_reset();
	server_table_reset();
	expect_addrs("b.a.example.test", "192.0.2.3");
	assert_int_equal(counted().tasks_now, 0);
}

/* Servers that do answer, "no such name": none of the flood is refused unless it must wait. */
static void test_living_zone(void **state)
{
	(void)state;
	flood();
	const struct resolve_counts c = counted();
	assert_int_equal(c.at_limit, 0);
	assert_int_equal(c.tasks_now, 0);
	for (unsigned i = 0; i < N_NAMES; i++)
		assert_true(askers[i].status == RESOLVE_ANSWERED ||
		            strstr(askers[i].ede_text, "zone-questions") != NULL);
	assert_true(w.servers[EXAMPLE].n_udp <= N_NAMES + c.timeouts + TRIES);
}

int main(void)
{
#define LIMITED(test) cmocka_unit_test_setup_teardown(test, set_up_limits, tear_down_limits)
	const struct CMUnitTest tests[] = {
		LIMITED(test_dead_zone),
		LIMITED(test_living_zone),
	};
	return run_rows(tests, ARRAY_LEN(tests));
}
