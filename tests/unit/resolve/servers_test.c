/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Servers with bad habits, delegations that lead nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/failure.h"
#include "resolve/server.h"
#include "resolve/task.h"
#include "world.h"

/* ---- servers ---- */

static void test_glueless(void **state)
{
	(void)state;
	expect_addrs("www.glueless.test", "192.0.2.7");
	/* The cut knows the address now, for facts and for the next question. */
	struct name zone;
	must(name_from_text("glueless.test", 13, &zone) == 0);
	const struct cut *cut = cache_find_cut(w.cache, name_hash(zone.wire), zone.wire);
	assert_non_null(cut);
	assert_int_equal(cut->n_addrs, 1);
	assert_int_equal(cut->servers[0].n_addrs, 1);
}

static void test_delegations_in_a_circle(void **state)
{
	(void)state;
	struct asker a = expect_failure("www.circle1.test", 22, "circle1.test: ");
	assert_in_range(a.n_packets, 2, 12);
}

static void test_many_names_of_servers(void **state)
{
	(void)state;
	/* None of the 20 names exists: at most 16 are looked up for one question. */
	struct asker a = expect_failure("www.many.test", 22, "too many look-ups");
	assert_true(a.n_packets <= 40);
}

static void test_dead_server_beside_a_good_one(void **state)
{
	(void)state;
	w.servers[TWO1].habits = FAKE_DEAD;
	expect_addrs("www.two.test", "192.0.2.22");
	expect_addrs("w2.two.test", "192.0.2.23");
	expect_addrs("w3.two.test", "192.0.2.24");
}

static void test_dead_zone(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_DEAD;
	struct asker a =
		expect_failure("www.example.test", 22, "127.53.1.1 for example.test: timeout");
	assert_in_range(a.n_packets, 4, 8);
	/* RFC 9520: it is left alone for a while. */
	unsigned before = asked();
	expect_failure("www.example.test", 22, "not asked again yet");
	assert_int_equal(asked(), before);
	struct resolve_counts counts = { 0 };
	resolver_count(w.resolver, &counts);
	assert_true(counts.timeouts >= 2);
	assert_int_equal(counts.tasks_failed, 2);
}

static void test_tcp_only(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_TCP_ONLY;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 1);
	unsigned n_udp = w.servers[EXAMPLE].n_udp;
	expect_addrs("b.a.example.test", "192.0.2.3");
	assert_int_equal(w.servers[EXAMPLE].n_udp, n_udp); /* remembered */
}

static void test_truncated(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_TRUNCATES;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	assert_int_equal(w.servers[EXAMPLE].n_udp, 1);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 1);
}

static void test_drops_edns(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_DROPS_EDNS;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	expect_addrs("ns1.example.test", "127.53.1.1");
	unsigned n = w.servers[EXAMPLE].n_with_edns;
	assert_int_equal(n, 2);
	expect_addrs("b.a.example.test", "192.0.2.3"); /* remembered after the second time */
	assert_int_equal(w.servers[EXAMPLE].n_with_edns, n);
}

static void test_formerr_to_edns(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_FORMERR_EDNS;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	expect_addrs("ns1.example.test", "127.53.1.1");
	assert_int_equal(w.servers[EXAMPLE].n_with_edns, 1);
}

static void test_lame_servers(void **state)
{
	static const unsigned habits[] = { FAKE_REFUSES, FAKE_SERVFAIL, FAKE_REFERS_UP,
		                           FAKE_GARBAGE };
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(habits); i++) {
		server_table_reset();
		failure_reset();
		w.servers[TWO1].habits = habits[i];
		w.servers[TWO2].habits = 0;
		cache_flush(w.cache, (const uint8_t *)"", true);
		expect_addrs("www.two.test", "192.0.2.22");
		expect_addrs("w2.two.test", "192.0.2.23");
		w.servers[TWO2].habits = habits[i];
		bool is_garbage = habits[i] == FAKE_GARBAGE;
		expect_failure("w3.two.test", is_garbage ? 24 : 22, " for two.test: ");
	}
}

/* A resolver in the place of a name server is believed when there is no other. */
static void test_resolvers_as_servers(void **state)
{
	(void)state;
	w.servers[TWO1].habits = FAKE_NOT_AA;
	expect_addrs("www.two.test", "192.0.2.22");
	unsigned n = w.servers[TWO2].n_udp;
	assert_true(n > 0); /* the one with authority was asked */
	w.servers[TWO2].habits = FAKE_NOT_AA;
	expect_addrs("w2.two.test", "192.0.2.23");
	assert_true(w.servers[TWO2].n_udp > n); /* and it was tried before */
}

static void test_lame_is_remembered(void **state)
{
	(void)state;
	w.servers[TWO1].habits = FAKE_REFUSES;
	w.servers[TWO2].habits = FAKE_REFUSES;
	expect_failure("www.two.test", 22, "REFUSED");
	unsigned before = asked();
	expect_failure("w2.two.test", 22, "does not serve the zone");
	assert_int_equal(asked(), before);
}

static void test_forged_responses(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_WRONG_ID;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	w.servers[EXAMPLE].habits = FAKE_WRONG_QUESTION;
	expect_addrs("b.a.example.test", "192.0.2.3");
	struct resolve_counts counts = { 0 };
	resolver_count(w.resolver, &counts);
	assert_true(counts.packets_dropped >= 2);
}

static void test_poison_is_ignored(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_POISONS;
	struct asker a = ask("www.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.1 192.0.2.2");
	assert_int_equal(a.n_an, 2);
	struct name n;
	must(name_from_text("bank.test", 9, &n) == 0);
	assert_null(cache_find_cut(w.cache, name_hash(n.wire), n.wire));
	must(name_from_text("www.bank.test", 13, &n) == 0);
	assert_null(cache_find_answer(w.cache, name_hash(n.wire), n.wire, DNS_A));
	a = ask("www.bank.test", DNS_A);
	assert_int_equal(a.rcode, RCODE_NXDOMAIN); /* as .test says */
}

/* ---- two families ---- */

/* One family is dead: after some silence it is left alone, whatever its servers' own records. */
static void test_dead_family(void **state)
{
	(void)state;
	w.servers[SIX].habits = FAKE_DEAD;
	for (int i = 0; i < 60; i++)
		expect_addrs("www.dual.test", "192.0.2.40");
	/* Six silences in a row, drawn by chance, and a probe; another one where this takes ten seconds. */
	assert_true(w.servers[SIX].n_udp <= 8);
	/* Other servers of that family: nothing is known of them, but that it is silent here. */
	server_table_reset();
	w.resolver->n_silent[1] = 6;
	w.resolver->family_probe_ns[1] = UINT64_MAX;
	unsigned before = w.servers[SIX].n_udp;
	for (int i = 0; i < 60; i++)
		expect_addrs("www.dual.test", "192.0.2.40");
	assert_int_equal(w.servers[SIX].n_udp, before);
	/* Where it is the only way, it is taken all the same. */
	w.servers[SIX].habits = 0;
	expect_addrs("www.six.test", "192.0.2.6");
	assert_int_equal(w.resolver->n_silent[1], 0);
}

/* ---- ghosts ---- */

static const struct cut *find_cut(const char *text)
{
	struct name zone;
	must(name_from_text(text, strlen(text), &zone) == 0);
	const struct cut *cut = cache_find_cut(w.cache, name_hash(zone.wire), zone.wire);
	assert_non_null(cut);
	return cut;
}

/* What the parent gave for 60 s, the child cannot prolong: not by its own NS records, not by
   answers about them, not by being asked again before the end. */
static void test_ghost_domain(void **state)
{
	(void)state;
	struct name www;
	must(name_from_text("www.short.test", 14, &www) == 0);
	expect_addrs("www.short.test", "192.0.2.41");
	assert_int_equal(find_cut("short.test")->item.ttl_s, 60);
	ask("short.test", DNS_NS);
	ask("ns.short.test", DNS_A);
	resolve_refresh(w.resolver, &(struct resolve_request){ .name = www.wire, .type = DNS_A });
	turn_some();
	assert_int_equal(find_cut("short.test")->item.ttl_s, 60);
	/* An address of 600 s, looked up elsewhere, does not either. */
	expect_addrs("www.bare.test", "192.0.2.42");
	assert_true(find_cut("bare.test")->n_addrs > 0);
	assert_true(find_cut("bare.test")->item.ttl_s <= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_glueless),
		ROW(test_delegations_in_a_circle),
		ROW(test_many_names_of_servers),
		ROW(test_dead_server_beside_a_good_one),
		ROW(test_dead_zone),
		ROW(test_tcp_only),
		ROW(test_truncated),
		ROW(test_drops_edns),
		ROW(test_formerr_to_edns),
		ROW(test_lame_servers),
		ROW(test_resolvers_as_servers),
		ROW(test_lame_is_remembered),
		ROW(test_forged_responses),
		ROW(test_poison_is_ignored),
		ROW(test_dead_family),
		ROW(test_ghost_domain),
	};
	return run_rows(tests, ARRAY_LEN(tests));
}
