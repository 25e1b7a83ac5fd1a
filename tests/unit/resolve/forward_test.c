/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forwarding of everything, of zones, and at each hop of an alias chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

/* ---- forwarding ---- */

static struct resolve_forward forwards[3];
static struct endpoint forward_to[2];

static void set_forward(unsigned i, const char *zone, unsigned n_to)
{
	must(name_from_text(zone, strlen(zone), &forwards[i].zone) == 0);
	forwards[i].to = forward_to;
	forwards[i].n_to = n_to;
	w.config.forwards = forwards;
	w.config.n_forwards = i + 1;
	must(addr_from_text("127.53.9.9", 10, &forward_to[0].addr) == 0);
	must(addr_from_text("127.53.1.2", 10, &forward_to[1].addr) == 0);
	forward_to[0].port = forward_to[1].port = fake_net_port(w.net);
	remake();
	forward_to[0].port = forward_to[1].port = fake_net_port(w.net);
	remake();
}

static void test_forwards_everything(void **state)
{
	(void)state;
	set_forward(0, ".", 1);
	struct asker a = ask("out2.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.9");
	assert_int_equal(a.n_packets, 1); /* chains are taken whole */
	assert_int_equal(a.n_cuts, 3);
	assert_int_equal(asked(), w.servers[FORWARDER].n_udp);
	a = ask("nothing.example.test", DNS_A);
	assert_int_equal(a.rcode, RCODE_NXDOMAIN);
	a = ask("www.example.test", DNS_TXT);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_int_equal(a.rcode, RCODE_NOERROR);
	assert_int_equal(a.n_an, 0);
	/* What denies a name does not deny those below it: private zones live there. */
	unsigned before = asked();
	ask("x.nothing.example.test", DNS_A);
	assert_int_equal(asked(), before + 1);
}

static void test_forwards_a_zone(void **state)
{
	(void)state;
	set_forward(0, "example.test", 1);
	/* The alias leads out of the zone: the forwarder's word is not taken for it. */
	struct asker a = ask("out.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.9");
	assert_int_equal(w.servers[FORWARDER].n_udp, 1);
	assert_int_equal(w.servers[OTHER].n_udp, 1);
	assert_int_equal(w.servers[EXAMPLE].n_udp, 0);
	expect_addrs("www.two.test", "192.0.2.22");
	assert_int_equal(w.servers[FORWARDER].n_udp, 1);
}

static void test_forward_rule_holds_at_each_hop(void **state)
{
	(void)state;
	set_forward(0, "other", 1);
	struct asker a = ask("out2.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.9");
	assert_int_equal(w.servers[FORWARDER].n_udp, 1);
	assert_int_equal(w.servers[OTHER].n_udp, 0);
	assert_string_equal(a.zone, "other");
}

static void test_forward_exception(void **state)
{
	(void)state;
	set_forward(0, ".", 1);
	set_forward(1, "example.test", 0);
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	assert_int_equal(w.servers[FORWARDER].n_udp, 0);
	expect_addrs("www.other", "192.0.2.9");
	assert_int_equal(w.servers[FORWARDER].n_udp, 1);
}

static void test_forwarder_fails_over(void **state)
{
	(void)state;
	set_forward(0, ".", 2);
	w.servers[FORWARDER].habits = FAKE_DEAD;
	w.servers[TWO1].habits = FAKE_RECURSES;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	w.servers[FORWARDER].habits = FAKE_SERVFAIL;
	expect_addrs("www.other", "192.0.2.9");
	expect_addrs("b.a.example.test", "192.0.2.3");
	w.servers[TWO1].habits = FAKE_SERVFAIL;
	expect_failure("w2.two.test", 22, " for .: SERVFAIL");
}

static void start_from(struct asker *a, const char *name, const char *client)
{
	static struct addr from;
	must(addr_from_text(client, strlen(client), &from) == 0);
	loop_turn(w.loop, 0);
	memset(a, 0, sizeof *a);
	must(name_from_text(name, strlen(name), &a->name) == 0);
	name_hash_all(a->name.wire, &a->hashes);
	asker_start(a, DNS_A, &from);
}

/* The question that waits for the forwarder comes back from it: refused; from others: joined. */
static void test_forwarding_loop(void **state)
{
	(void)state;
	static struct asker first, back, other, later;
	set_forward(0, ".", 1);
	w.servers[FORWARDER].habits = FAKE_DEAD;
	start_from(&first, "www.example.test", "192.0.2.77");
	start_from(&back, "www.example.test", "127.53.9.9");
	assert_int_equal(back.n_done, 1);
	assert_int_equal(back.status, RESOLVE_FAILED);
	assert_int_equal(back.ede_code, 22);
	assert_non_null(strstr(back.ede_text, "forwarding loop"));
	start_from(&other, "www.example.test", "127.0.0.1");
	start_from(&later, "w2.two.test", "127.53.9.9"); /* another question of the forwarder's */
	assert_int_equal(other.n_done + later.n_done, 0);
	w.servers[FORWARDER].habits = FAKE_RECURSES;
	turn_until(&first);
	turn_until(&other);
	turn_until(&later);
	assert_string_equal(other.addrs, "192.0.2.1 192.0.2.2");
	/* Nothing waits any more: the forwarder's own clients are answered. */
	start_from(&back, "www.example.test", "127.53.9.9");
	turn_until(&back);
	assert_int_equal(back.status, RESOLVE_ANSWERED);
	struct resolve_counts counts = { 0 };
	resolver_count(w.resolver, &counts);
	assert_int_equal(counts.rings_closed, 1);
}

static void test_forwarders_are_not_judged(void **state)
{
	(void)state;
	set_forward(0, ".", 1);
	rules.has_server_rules = true;
	rules.blocked_addr = "127.53.9.9";
	struct asker a = ask_as("www.example.test", DNS_A, 3);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
}

static void test_forward_first(void **state)
{
	(void)state;
	static const unsigned habits[] = { FAKE_DEAD, FAKE_SERVFAIL, FAKE_REFUSES };
	forwards[0].is_first = true;
	set_forward(0, "example.test", 1);
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	assert_int_equal(w.servers[FORWARDER].n_udp, 1);
	assert_int_equal(w.servers[EXAMPLE].n_udp, 0);
	for (size_t i = 0; i < ARRAY_LEN(habits); i++) {
		tear_down(state);
		set_up(state);
		set_forward(0, "example.test", 1);
		w.servers[FORWARDER].habits = FAKE_RECURSES | habits[i];
		/* The alias's end is not of the zone, and the whole chain comes out. */
		expect_addrs("out2.example.test", "192.0.2.9");
		assert_true(w.servers[FORWARDER].n_udp > 0);
		assert_true(w.servers[EXAMPLE].n_udp > 0);
		expect_addrs("b.a.example.test", "192.0.2.3");
		/* And when the zone's servers fail too, that is the end. */
		w.servers[EXAMPLE].habits = FAKE_SERVFAIL;
		expect_failure("x.example.test", 22, "SERVFAIL");
	}
	forwards[0].is_first = false;
}

static void test_forward_only(void **state)
{
	(void)state;
	set_forward(0, "example.test", 1);
	w.servers[FORWARDER].habits = FAKE_RECURSES | FAKE_SERVFAIL;
	expect_failure("www.example.test", 22, "SERVFAIL");
	assert_int_equal(w.servers[EXAMPLE].n_udp, 0);
}

static void test_tcp_upstream(void **state)
{
	(void)state;
	w.config.tcp_upstream = true;
	remake();
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	expect_addrs("b.a.example.test", "192.0.2.3");
	expect_addrs("www.two.test", "192.0.2.22");
	unsigned n_udp = 0;
	for (unsigned i = 0; i < N_SERVERS; i++)
		n_udp += w.servers[i].n_udp;
	assert_int_equal(n_udp, 0);
	assert_true(w.servers[EXAMPLE].n_tcp >= 2);
	struct resolve_counts c = { 0 };
	resolver_count(w.resolver, &c);
	assert_true(c.tcp_reused > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_forwards_everything),
		ROW(test_forwards_a_zone),
		ROW(test_forward_rule_holds_at_each_hop),
		ROW(test_forward_exception),
		ROW(test_forwarder_fails_over),
		ROW(test_forwarding_loop),
		ROW(test_forwarders_are_not_judged),
		ROW(test_forward_first),
		ROW(test_forward_only),
		ROW(test_tcp_upstream),
	};
	return run_rows(tests, ARRAY_LEN(tests));
}
