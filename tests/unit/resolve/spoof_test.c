/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Forged responses, against the real resolver: what it believes, what it drops, what it asks
 * again over TCP. Each forger here knows port and id, the most an off-path attacker can guess;
 * what he does not know is in the row. The forged address is 6.6.6.6.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/failure.h"
#include "resolve/server.h"
#include "world.h"

enum {
	N_NAMES = 20
};

static struct resolve_counts counted(void)
{
	struct resolve_counts c = { 0 };
	resolver_count(w.resolver, &c);
	return c;
}

static const char *const right[] = {
	[0] = "192.0.2.1 192.0.2.2",
	[1] = "192.0.2.3",
	[2] = "192.0.2.4",
};

/* Three names of the zone, each asked for afresh: the servers' habits are learnt by then. */
static void expect_right(void)
{
	failure_reset();
	expect_addrs("www.example.test", right[0]);
	expect_addrs("b.a.example.test", right[1]);
	expect_addrs("o.n.m.l.k.j.i.h.g.f.e.d.c.b.a.example.test", right[2]);
	cache_flush(w.cache, (const uint8_t *)"\7example\4test", true);
}

static void test_case_is_mixed(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = 0;
	expect_right();
	const struct resolve_counts c = counted();
	assert_int_equal(c.wrong_case + c.doubt_case, 0);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 0);
}

/* The first response in another case, of a server not known yet: TCP tells the truth. */
static void test_wrong_case_of_unknown(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_WRONG_CASE;
	expect_right();
	const struct resolve_counts c = counted();
	assert_true(c.doubt_case >= 1);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, c.doubt_case);
	/* TCP showed that it keeps case: the next forgeries were dropped, the truth awaited. */
	assert_int_equal(c.doubt_case, 1);
	assert_true(c.wrong_case >= 1);
}

static void test_wrong_case_of_known(void **state)
{
	(void)state;
	expect_right();
	w.servers[EXAMPLE].habits = FAKE_WRONG_CASE;
	expect_right();
	const struct resolve_counts c = counted();
	assert_true(c.wrong_case >= 3);
	assert_int_equal(c.doubt_case, 0);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 0);
}

static void test_server_loses_case(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_LOWERS_CASE;
	expect_right();
	expect_right();
	/* Found out once, over TCP; then asked in plain case over UDP. */
	assert_int_equal(counted().doubt_case, 1);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 1);
}

static void test_server_loses_case_without_tcp(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_LOWERS_CASE | FAKE_NO_TCP;
	expect_right();
	expect_right();
	assert_int_equal(counted().doubt_case, 1);
}

/* It kept case before: what comes is taken for forged, until TCP says that it has changed. */
static void test_server_loses_the_habit(void **state)
{
	(void)state;
	expect_right();
	w.servers[EXAMPLE].habits = FAKE_LOWERS_CASE;
	expect_right();
	const struct resolve_counts c = counted();
	assert_int_equal(c.wrong_case, 1);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 1);
}

static void test_cookies_are_learnt(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_COOKIES;
	expect_right();
	assert_true(w.servers[EXAMPLE].n_cookies > 0);
	assert_int_equal(w.servers[EXAMPLE].n_cookies + 1, w.servers[EXAMPLE].n_udp);
}

static void test_wrong_cookie(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_COOKIES | FAKE_WRONG_COOKIE;
	expect_right();
	const struct resolve_counts c = counted();
	assert_true(c.wrong_cookie >= 3);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 0);
}

static void test_missing_cookie(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_COOKIES;
	expect_right();
	unsigned n_udp = w.servers[EXAMPLE].n_udp;
	w.servers[EXAMPLE].habits = FAKE_COOKIES | FAKE_WITHOUT_COOKIE;
	expect_right();
	const struct resolve_counts c = counted();
	assert_true(c.doubt_cookie >= 3);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, c.doubt_cookie);
	assert_int_equal(w.servers[EXAMPLE].n_udp - n_udp, c.doubt_cookie);
}

/* A server that gave them up: TCP shows it, once. */
static void test_cookies_given_up(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_COOKIES;
	expect_right();
	w.servers[EXAMPLE].habits = 0;
	expect_right();
	assert_int_equal(counted().doubt_cookie, 1);
	w.servers[EXAMPLE].habits = FAKE_COOKIES;
	expect_right();
	w.servers[EXAMPLE].habits = FAKE_NO_TCP;
	expect_right();
	assert_int_equal(counted().doubt_cookie, 2);
}

static void test_bad_cookie(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_COOKIES | FAKE_WANTS_COOKIE;
	expect_right();
	expect_right();
	assert_int_equal(counted().bad_cookies, 1);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, 0);
}

/* A forged "I do not know EDNS" must not take EDNS, and the cookie with it, away. */
static void test_bare_error(void **state)
{
	(void)state;
	expect_right();
	unsigned n_udp = w.servers[EXAMPLE].n_udp + w.servers[EXAMPLE].n_tcp;
	unsigned n_edns = w.servers[EXAMPLE].n_with_edns;
	w.servers[EXAMPLE].habits = FAKE_BARE_ERROR;
	expect_right();
	assert_true(counted().doubt_bare >= 3);
	assert_int_equal(w.servers[EXAMPLE].n_with_edns - n_edns,
	                 w.servers[EXAMPLE].n_udp + w.servers[EXAMPLE].n_tcp - n_udp);
}

static void test_flood(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_FLOODS;
	expect_right();
	const struct resolve_counts c = counted();
	assert_true(c.doubt_flood >= 3);
	assert_true(c.packets_dropped >= 30);
	assert_int_equal(w.servers[EXAMPLE].n_tcp, c.doubt_flood);
}

/*
 * Names below a zone that is not known yet all need the same question to the zone above: it is
 * sent once, so that a forger has one id to guess and not twenty ("birthday").
 */
static void test_no_birthday(void **state)
{
	(void)state;
	static struct asker askers[N_NAMES];
	for (unsigned i = 0; i < N_NAMES; i++) {
		char name[64];
		snprintf(name, sizeof name, "n%u.example.test", i);
		start(&askers[i], name, DNS_A, POLICY_NO_GROUP);
	}
	for (unsigned i = 0; i < N_NAMES; i++) {
		turn_until(&askers[i]);
		assert_int_equal(askers[i].status, RESOLVE_ANSWERED);
		assert_int_equal(askers[i].rcode, RCODE_NXDOMAIN);
	}
	assert_int_equal(w.servers[TEST].n_udp, 1);
	assert_int_equal(w.servers[EXAMPLE].n_udp, N_NAMES);
	assert_true(counted().packets_shared > 0);
}

/* The one who sent the packet leaves: the others still get its response. */
static void test_leader_leaves(void **state)
{
	(void)state;
	static struct asker askers[3];
	w.servers[TEST].habits = FAKE_DEAD;
	for (unsigned i = 0; i < ARRAY_LEN(askers); i++) {
		char name[64];
		snprintf(name, sizeof name, "n%u.example.test", i);
		start(&askers[i], name, DNS_A, POLICY_NO_GROUP);
	}
	turn_some();
	unsigned n = w.servers[TEST].n_udp;
	assert_true(n >= 1);
	w.servers[TEST].habits = 0;
	for (unsigned i = 0; i < ARRAY_LEN(askers); i++)
		turn_until(&askers[i]);
	assert_int_equal(askers[2].rcode, RCODE_NXDOMAIN);
	/* After the timeout, one packet again and not three. */
	assert_true(w.servers[TEST].n_udp <= n + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_case_is_mixed),
		ROW(test_wrong_case_of_unknown),
		ROW(test_wrong_case_of_known),
		ROW(test_server_loses_case),
		ROW(test_server_loses_case_without_tcp),
		ROW(test_server_loses_the_habit),
		ROW(test_cookies_are_learnt),
		ROW(test_wrong_cookie),
		ROW(test_missing_cookie),
		ROW(test_cookies_given_up),
		ROW(test_bad_cookie),
		ROW(test_bare_error),
		ROW(test_flood),
		ROW(test_no_birthday),
		ROW(test_leader_leaves),
	};
	return run_rows(tests, ARRAY_LEN(tests));
}
