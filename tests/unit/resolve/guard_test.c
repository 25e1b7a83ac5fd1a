/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is judged before a packet leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

/* ---- the guard ---- */

static void test_server_name_is_blocked(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	rules.blocked_server = "ns1.example.test";
	struct asker a = ask_as("www.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(a.trigger, POLICY_TRIGGER_SERVER_NAME);
	assert_int_equal(w.servers[EXAMPLE].n_udp, 0);
	/* Another group's rules, and who is allowed, are not concerned. */
	a = ask("www.example.test", DNS_A);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	struct resolve_counts counts = { 0 };
	resolver_count(w.resolver, &counts);
	assert_int_equal(counts.guard_refused, 1);
}

/* A reload took the group away while its question was on the way. */
static void test_group_is_gone(void **state)
{
	(void)state;
	rules.gone_group = 4;
	struct asker a = ask_as("www.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(a.trigger, POLICY_TRIGGER_DEFAULT);
	assert_int_equal(asked(), 0);
	rules.gone_group = 0;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
}

static void test_server_address_is_blocked(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	rules.blocked_addr = "127.53.1.1";
	struct asker a = ask_as("www.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(a.trigger, POLICY_TRIGGER_SERVER_ADDRESS);
	assert_int_equal(w.servers[EXAMPLE].n_udp, 0);
}

static void test_glueless_address_is_blocked(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	rules.blocked_addr = "127.53.1.2";
	struct asker a = ask_as("www.glueless.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(w.servers[TWO1].n_udp, 0);
}

static void test_parent_cut_is_judged(void **state)
{
	(void)state;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	rules.has_server_rules = true;
	rules.blocked_server = "ns.test"; /* of the zone above */
	unsigned before = asked();
	struct asker a = ask_as("b.a.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(asked(), before);
}

static void test_allow_of_a_server_ends_the_walk(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	rules.allowed_server = "ns.test";
	rules.blocked_addr = "127.53.1.1";
	struct asker a = ask_as("www.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
}

/* Asked just now, or known: the alias behind it is not judged. */
static void test_allow_of_a_server_holds_for_aliases(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	rules.allowed_server = "ns1.example.test";
	rules.blocked_alias = "other";
	for (int i = 0; i < 2; i++) {
		struct asker a = ask_as("out.example.test", DNS_A, 3);
		assert_int_equal(a.status, RESOLVE_ANSWERED);
	}
}

static void test_clean_cuts_are_remembered(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	ask_as("www.example.test", DNS_A, 3);
	turn_some();
	unsigned n = rules.n_judged;
	ask_as("ns1.example.test", DNS_A, 3);
	assert_int_equal(rules.n_judged, n);
	rules.generation = 2;
	ask_as("b.a.example.test", DNS_A, 3);
	assert_true(rules.n_judged > n);
}

static void test_alias_is_blocked_before_it_is_asked(void **state)
{
	(void)state;
	rules.blocked_alias = "other";
	struct asker a = ask_as("out.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(a.trigger, POLICY_TRIGGER_ALIAS);
	assert_int_equal(w.servers[OTHER].n_udp, 0);
	assert_null(strstr(w.servers[ROOT].names, "other"));
	/* Once known, the alias is blocked without any packet. */
	unsigned before = asked();
	a = ask_as("out.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(asked(), before);
	rules.allowed_alias = "www.other";
	rules.generation++;
	a = ask_as("out.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
}

static void test_allowed_questions_pass(void **state)
{
	(void)state;
	static struct asker a;
	rules.has_server_rules = true;
	rules.blocked_server = "test";
	start(&a, "www.example.test", DNS_A, 3);
	turn_until(&a);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	start_allowed(&a, "www.example.test", DNS_A, 3);
	turn_until(&a);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
}

static void test_look_up_is_blocked(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	rules.blocked_server = "ns.other"; /* serves the zone of the server's name */
	struct asker a = ask_as("www.glueless.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_BLOCKED);
	assert_int_equal(a.trigger, POLICY_TRIGGER_SERVER_NAME);
	assert_int_equal(w.servers[OTHER].n_udp, 0);
}

static void test_what_is_logged_is_said_each_time(void **state)
{
	(void)state;
	rules.has_server_rules = true;
	rules.logged_server = "ns.test";
	struct asker a = ask_as("www.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	struct name zone;
	struct verdict v;
	assert_int_equal(name_from_text("example.test", 12, &zone), 0);
	const struct cut *cut = cache_find_cut(w.cache, name_hash(zone.wire), zone.wire);
	assert_non_null(cut);
	for (int i = 0; i < 2; i++) {
		assert_true(resolve_judge_cut(policy_current(), 3, cut, &v));
		assert_int_equal(v.action, POLICY_NONE);
		assert_int_equal(v.n_logged, 1);
		assert_int_equal(v.logged[0], 7);
	}
	/* And a winner carries what was logged before it. */
	rules.blocked_addr = "127.53.1.1";
	rules.generation++;
	assert_false(resolve_judge_cut(policy_current(), 3, cut, &v));
	assert_int_equal(v.action, POLICY_REFUSED);
	assert_int_equal(v.n_logged, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_server_name_is_blocked),
		ROW(test_group_is_gone),
		ROW(test_server_address_is_blocked),
		ROW(test_glueless_address_is_blocked),
		ROW(test_parent_cut_is_judged),
		ROW(test_allow_of_a_server_ends_the_walk),
		ROW(test_allow_of_a_server_holds_for_aliases),
		ROW(test_clean_cuts_are_remembered),
		ROW(test_alias_is_blocked_before_it_is_asked),
		ROW(test_allowed_questions_pass),
		ROW(test_look_up_is_blocked),
		ROW(test_what_is_logged_is_said_each_time),
	};
	return run_rows(tests, ARRAY_LEN(tests));
}
