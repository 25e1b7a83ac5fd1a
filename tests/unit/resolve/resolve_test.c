/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The resolver as a whole, against name servers on loopback in this process (fake_net.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resolve/failure.h"
#include "world.h"

/* ---- iteration ---- */

static void test_iterates(void **state)
{
	(void)state;
	struct asker a = ask("www.example.test", DNS_A);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_string_equal(a.addrs, "192.0.2.1 192.0.2.2");
	assert_int_equal(a.n_cuts, 1);
	assert_int_equal(a.n_packets, 3);
	assert_int_equal(a.ttl_s, 300);
	assert_string_equal(a.zone, "example.test");
	/* RFC 9156: the servers above see no more of the name than they need. */
	assert_non_null(strstr(w.servers[ROOT].names, "test A\n"));
	assert_null(strstr(w.servers[ROOT].names, "example.test"));
	assert_non_null(strstr(w.servers[TEST].names, "example.test A\n"));
	assert_null(strstr(w.servers[TEST].names, "www"));
	/* RFC 8109: the root was asked for its servers, once. */
	turn_some();
	assert_non_null(strstr(w.servers[ROOT].names, ". NS\n"));
	const struct cut *root = cache_find_cut(w.cache, name_hash_root(), (const uint8_t *)"");
	assert_non_null(root);
	assert_true(root->is_primed);
	assert_int_equal(resolver_upstream_state(w.resolver), 1);
}

static void test_begins_at_the_closest_cut(void **state)
{
	(void)state;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	turn_some();
	unsigned before = asked();
	struct asker a = ask("ns1.example.test", DNS_A);
	assert_string_equal(a.addrs, "127.53.1.1");
	assert_int_equal(a.n_packets, 1);
	assert_int_equal(asked(), before + 1);
}

static void test_deep_names_cost_few_packets(void **state)
{
	(void)state;
	expect_addrs("o.n.m.l.k.j.i.h.g.f.e.d.c.b.a.example.test", "192.0.2.4");
	assert_in_range(asked(), 5, 16);
}

static void test_denials(void **state)
{
	(void)state;
	struct asker a = ask("nothing.example.test", DNS_A);
	assert_int_equal(a.rcode, RCODE_NXDOMAIN);
	assert_int_equal(a.ttl_s, 60); /* the SOA's last field (RFC 2308 5) */
	assert_int_equal(a.n_ns, 1);
	unsigned before = asked();
	a = ask("nothing.example.test", DNS_TXT);
	assert_int_equal(a.rcode, RCODE_NXDOMAIN);
	a = ask("x.y.nothing.example.test", DNS_AAAA); /* RFC 8020 */
	assert_int_equal(a.rcode, RCODE_NXDOMAIN);
	assert_int_equal(a.n_cuts, 1);
	assert_int_equal(asked(), before);
	a = ask("www.example.test", DNS_TXT);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_int_equal(a.rcode, RCODE_NOERROR);
	assert_int_equal(a.n_an, 0);
	assert_int_equal(a.n_ns, 1);
}

static void test_denial_without_soa_is_not_kept(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_NO_SOA;
	struct asker a = ask("nothing.example.test", DNS_A);
	assert_int_equal(a.rcode, RCODE_NXDOMAIN);
	assert_int_equal(a.ttl_s, 0);
}

static void test_empty_names(void **state)
{
	(void)state;
	w.servers[EXAMPLE].habits = FAKE_NO_EMPTY_NAMES;
	/* a.example.test is denied wrongly; the whole name decides (RFC 9156, relaxed). */
	expect_addrs("b.a.example.test", "192.0.2.3");
}

static void test_ttl_zero_is_answered(void **state)
{
	(void)state;
	expect_addrs("www.poor.test", "192.0.2.5");
	unsigned before = asked();
	expect_addrs("www.poor.test", "192.0.2.5");
	assert_true(asked() > before);
}

static void test_ds_is_asked_of_the_parent(void **state)
{
	(void)state;
	expect_addrs("www.example.test", "192.0.2.1 192.0.2.2");
	struct asker a = ask("example.test", DNS_DS);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_int_equal(a.n_an, 1);
	assert_string_equal(a.zone, "test");
	assert_non_null(strstr(w.servers[TEST].names, "example.test DS\n"));
	assert_null(strstr(w.servers[EXAMPLE].names, "DS"));
}

static void test_ipv6_server(void **state)
{
	(void)state;
	expect_addrs("www.six.test", "192.0.2.6");
}

static void test_no_ipv6(void **state)
{
	(void)state;
	w.config.use_ipv6 = false;
	remake();
	expect_failure("www.six.test", 22, "six.test: ");
	assert_int_equal(w.servers[SIX].n_udp, 0);
}

/* ---- aliases ---- */

static void test_alias_in_one_response(void **state)
{
	(void)state;
	struct asker a = ask("alias.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.1 192.0.2.2");
	assert_int_equal(a.n_cuts, 2);
	assert_int_equal(a.n_an, 3);
}

static void test_alias_to_another_zone(void **state)
{
	(void)state;
	struct asker a = ask("out2.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.9");
	assert_int_equal(a.n_cuts, 3);
	assert_int_equal(a.n_an, 3);
	assert_int_equal(a.ttl_s, 200);
	assert_string_equal(a.zone, "other");
	/* What was met on the way is known by itself. */
	unsigned before = asked();
	a = ask("out.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.9");
	assert_int_equal(a.n_cuts, 2);
	assert_int_equal(asked(), before);
	a = ask("out.example.test", DNS_TXT);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_int_equal(a.n_packets, 1); /* of www.other only */
}

static void test_dname(void **state)
{
	(void)state;
	struct asker a = ask("www.old.example.test", DNS_A);
	assert_string_equal(a.addrs, "192.0.2.9");
	assert_int_equal(a.n_an, 3); /* DNAME, CNAME, A */
	assert_int_equal(a.n_cuts, 2);
}

static void test_alias_to_nothing(void **state)
{
	(void)state;
	struct asker a = ask("gone.example.test", DNS_A);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_int_equal(a.rcode, RCODE_NXDOMAIN);
	assert_int_equal(a.n_an, 1);
	assert_int_equal(a.n_ns, 1);
	/* The alias itself exists: nothing below it is denied by its end. */
	a = ask("gone.example.test", DNS_CNAME);
	assert_int_equal(a.rcode, RCODE_NOERROR);
	assert_int_equal(a.n_an, 1);
}

static void test_alias_circles_end(void **state)
{
	(void)state;
	expect_failure("loop1.example.test", 24, "circle");
	struct asker a = expect_failure("ring.example.test", 24, "circle");
	assert_in_range(a.n_packets, 1, 10);
}

/* ---- tasks ---- */

static void test_same_question_is_asked_once(void **state)
{
	(void)state;
	static struct asker a[3];
	start(&a[0], "www.example.test", DNS_A, POLICY_NO_GROUP);
	start(&a[1], "www.example.test", DNS_A, POLICY_NO_GROUP);
	start(&a[2], "www.example.test", DNS_A, POLICY_NO_GROUP);
	resolve_cancel(w.resolver, &a[1].request);
	turn_until(&a[0]);
	assert_int_equal(a[2].n_done, 1);
	assert_int_equal(a[1].n_done, 0);
	assert_int_equal(w.servers[EXAMPLE].n_udp, 1);
}

static void test_cancelled_task_goes_on(void **state)
{
	(void)state;
	static struct asker a;
	start(&a, "www.example.test", DNS_A, POLICY_NO_GROUP);
	resolve_cancel(w.resolver, &a.request);
	turn_some();
	assert_int_equal(a.n_done, 0);
	assert_non_null(cache_find_answer(w.cache, a.hashes.h[0], a.name.wire, DNS_A));
}

static void test_refresh(void **state)
{
	(void)state;
	struct asker a = ask("www.example.test", DNS_A);
	unsigned n = w.servers[EXAMPLE].n_udp;
	resolve_refresh(w.resolver,
	                &(struct resolve_request){ .name = a.name.wire, .type = DNS_A });
	resolve_refresh(w.resolver,
	                &(struct resolve_request){ .name = a.name.wire, .type = DNS_A });
	turn_some();
	assert_int_equal(w.servers[EXAMPLE].n_udp, n + 1);
	struct resolve_counts counts = { 0 };
	resolver_count(w.resolver, &counts);
	assert_int_equal(counts.tasks_now, 0);
}

static void test_limit_of_tasks(void **state)
{
	(void)state;
	static struct asker a[160];
	w.servers[ROOT].habits = FAKE_DEAD;
	unsigned n_failed = 0;
	for (unsigned i = 0; i < ARRAY_LEN(a); i++) {
		char name[32];
		snprintf(name, sizeof name, "n%u.test", i);
		start(&a[i], name, DNS_A, POLICY_NO_GROUP);
		n_failed += a[i].n_done;
	}
	assert_in_range(n_failed, 32, 34); /* priming is a task too */
	assert_int_equal(a[159].status, RESOLVE_FAILED);
	assert_int_equal(a[159].ede_code, 23);
	for (unsigned i = 0; i < ARRAY_LEN(a); i++)
		turn_until(&a[i]);
	assert_int_equal(resolver_upstream_state(w.resolver), 0);
}

static void test_time_limit(void **state)
{
	(void)state;
	w.config.time_limit_ms = 40;
	w.config.udp_timeout_min_ms = w.config.udp_timeout_max_ms = 400;
	remake();
	w.servers[EXAMPLE].habits = FAKE_DEAD;
	uint64_t start_ns = clock_mono_ns();
	expect_failure("www.example.test", 22, "timeout");
	assert_in_range((clock_mono_ns() - start_ns) / NS_PER_MS, 35, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_iterates),
		ROW(test_begins_at_the_closest_cut),
		ROW(test_deep_names_cost_few_packets),
		ROW(test_denials),
		ROW(test_denial_without_soa_is_not_kept),
		ROW(test_empty_names),
		ROW(test_ttl_zero_is_answered),
		ROW(test_ds_is_asked_of_the_parent),
		ROW(test_ipv6_server),
		ROW(test_no_ipv6),
		ROW(test_alias_in_one_response),
		ROW(test_alias_to_another_zone),
		ROW(test_dname),
		ROW(test_alias_to_nothing),
		ROW(test_alias_circles_end),
		ROW(test_same_question_is_asked_once),
		ROW(test_cancelled_task_goes_on),
		ROW(test_refresh),
		ROW(test_limit_of_tasks),
		ROW(test_time_limit),
	};
	return run_rows(tests, ARRAY_LEN(tests));
}
