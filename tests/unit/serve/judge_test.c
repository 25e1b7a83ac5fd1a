/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts, from the question to the bytes; each case asked with a cold and with a warm cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "fake_resolver.h"

static const struct fact facts[] = {
	{ "www.example", "A 192.0.2.1", NULL, NULL },
	{ "www.example", "AAAA 2001:db8::1", NULL, NULL },
	{ "alias.example", "CNAME evil.test", NULL, NULL },
	{ "evil.test", "A 192.0.2.66", "test", "ns.test" },
	{ "far.example", "CNAME mid.example", NULL, NULL },
	{ "mid.example", "CNAME www.example", NULL, NULL },
	{ "garden.example", "A 198.51.100.80", NULL, NULL },
	{ "hint.example", "HINT 192.0.2.66", NULL, NULL },
	{ "gone.example", "NXDOMAIN", NULL, NULL },
	{ "owned.example", "A 192.0.2.9", "owned.example", "ns.evil-dns.net" },
};

/* One list named by its action (and match), so that a row can say which rules compete. */
struct row {
	const char *why;
	struct rule rules[4];
	const char *name;
	uint16_t type;
	const char *expect;
};

#define BLOCK(rule_)                                               \
	{                                                          \
		"block", rule_, POLICY_NXDOMAIN, POLICY_MATCH_NAME \
	}
#define ALLOW(rule_)                                            \
	{                                                       \
		"allow", rule_, POLICY_ALLOW, POLICY_MATCH_NAME \
	}
#define DOES(rule_, action_)                              \
	{                                                 \
		"does", rule_, action_, POLICY_MATCH_NAME \
	}
#define ANSWER(rule_)                                               \
	{                                                           \
		"answer", rule_, POLICY_NODATA, POLICY_MATCH_ANSWER \
	}
#define SERVER(rule_)                                                    \
	{                                                                \
		"server", rule_, POLICY_REFUSED, POLICY_MATCH_NAMESERVER \
	}

/* clang-format off */
static const struct row rows[] = {
	{ "nothing listed", { { NULL, NULL, 0, 0 } }, "www.example", DNS_A,
	  "NOERROR www.example A 192.0.2.1" },
	{ "listed", { BLOCK("www.example") }, "www.example", DNS_A, "NXDOMAIN EDE 15" },
	{ "listed above", { BLOCK("example") }, "www.example", DNS_A, "NXDOMAIN EDE 15" },
	{ "only below", { BLOCK("*.www.example") }, "www.example", DNS_A,
	  "NOERROR www.example A 192.0.2.1" },
	{ "nodata", { DOES("www.example", POLICY_NODATA) }, "www.example", DNS_A, "NOERROR EDE 15" },
	{ "refused", { DOES("www.example", POLICY_REFUSED) }, "www.example", DNS_A, "REFUSED EDE 15" },
	{ "drop", { DOES("www.example", POLICY_DROP) }, "www.example", DNS_A, "DROP" },
	{ "truncate", { DOES("www.example", POLICY_TRUNCATE) }, "www.example", DNS_A,
	  "NOERROR TC EDE 15" },
	{ "address", { DOES("www.example", POLICY_ADDRESS) }, "www.example", DNS_A,
	  "NOERROR www.example A 198.51.100.7 EDE 15" },
	{ "address of another family is no data", { DOES("www.example", POLICY_ADDRESS) },
	  "www.example", DNS_AAAA, "NOERROR EDE 15" },
	{ "redirect is resolved to its end", { DOES("www.example", POLICY_REDIRECT) },
	  "www.example", DNS_A,
	  "NOERROR www.example CNAME garden.example garden.example A 198.51.100.80 EDE 15" },
	{ "log lets pass", { DOES("www.example", POLICY_LOG) }, "www.example", DNS_A,
	  "NOERROR www.example A 192.0.2.1" },
	{ "allow at the same depth", { BLOCK("www.example"), ALLOW("www.example") }, "www.example",
	  DNS_A, "NOERROR www.example A 192.0.2.1" },
	{ "deeper block beats allow", { BLOCK("www.example"), ALLOW("example") }, "www.example",
	  DNS_A, "NXDOMAIN EDE 15" },
	{ "deeper allow beats block", { BLOCK("example"), ALLOW("www.example") }, "www.example",
	  DNS_A, "NOERROR www.example A 192.0.2.1" },
	{ "alias to a listed name", { BLOCK("evil.test") }, "alias.example", DNS_A,
	  "NXDOMAIN EDE 15" },
	{ "allowed name carries its chain", { BLOCK("evil.test"), ALLOW("alias.example") },
	  "alias.example", DNS_A,
	  "NOERROR alias.example CNAME evil.test evil.test A 192.0.2.66" },
	{ "second hop listed", { BLOCK("www.example") }, "far.example", DNS_A, "NXDOMAIN EDE 15" },
	{ "allow at a hop ends the walk", { BLOCK("www.example"), ALLOW("mid.example") },
	  "far.example", DNS_A,
	  "NOERROR far.example CNAME mid.example mid.example CNAME www.example www.example A 192.0.2.1" },
	{ "redirect of an alias", { DOES("evil.test", POLICY_REDIRECT) }, "alias.example", DNS_A,
	  "NOERROR alias.example CNAME garden.example garden.example A 198.51.100.80 EDE 15" },
	{ "asked for the alias itself: its target is not judged", { BLOCK("evil.test") },
	  "alias.example", DNS_CNAME, "NOERROR alias.example CNAME evil.test" },
	{ "address in the answer", { ANSWER("192.0.2.66") }, "evil.test", DNS_A, "NOERROR EDE 15" },
	{ "prefix in the answer, behind an alias", { ANSWER("192.0.2.64/26") }, "alias.example", DNS_A,
	  "NOERROR EDE 15" },
	{ "IPv6 in the answer", { ANSWER("2001:db8::/32") }, "www.example", DNS_AAAA,
	  "NOERROR EDE 15" },
	{ "address hint", { ANSWER("192.0.2.66") }, "hint.example", DNS_HTTPS, "NOERROR EDE 15" },
	{ "allowed name, listed address", { ANSWER("192.0.2.66"), ALLOW("evil.test") }, "evil.test",
	  DNS_A, "NOERROR evil.test A 192.0.2.66" },
	{ "name server's name", { SERVER("evil-dns.net") }, "owned.example", DNS_A,
	  "REFUSED EDE 15" },
	{ "name server's address", { SERVER("203.0.113.0/24") }, "owned.example", DNS_A,
	  "REFUSED EDE 15" },
	{ "alias target stands before addresses", { BLOCK("evil.test"), ANSWER("192.0.2.66") },
	  "alias.example", DNS_A, "NXDOMAIN EDE 15" },
	{ "servers stand before the alias target", { SERVER("ns.example"), BLOCK("evil.test") },
	  "alias.example", DNS_A, "REFUSED EDE 15" },
	{ "the target's servers stand behind it", { SERVER("ns.test"), BLOCK("evil.test") },
	  "alias.example", DNS_A, "NXDOMAIN EDE 15" },
	{ "name list does not match servers", { BLOCK("ns.example") }, "www.example", DNS_A,
	  "NOERROR www.example A 192.0.2.1" },
	{ "server list does not match names", { SERVER("www.example") }, "www.example", DNS_A,
	  "NOERROR www.example A 192.0.2.1" },
	{ "NXDOMAIN is passed on", { { NULL, NULL, 0, 0 } }, "gone.example", DNS_A, "NXDOMAIN" },
};
/* clang-format on */

static size_t n_rules(const struct row *r)
{
	size_t n = 0;
	while (n < 4 && r->rules[n].list != NULL)
		n++;
	return n;
}

static void verdicts_cold_and_warm(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct bench *b = bench_new(facts, ARRAY_LEN(facts), r->rules, n_rules(r), false);
		for (int turn = 0; turn < 3; turn++) {
			const char *got = bench_ask(b, r->name, r->type);
			if (strcmp(got, r->expect) != 0)
				fail_msg("%s (%s): got \"%s\", expected \"%s\"", r->why,
				         turn == 0 ? "cold" : "warm", got, r->expect);
		}
		bench_free(b);
	}
}

/* The cache holds the truth: rules come and go, and show on the next question. */
static void policy_changes_show_at_once(void **state)
{
	(void)state;
	static const struct rule block[] = { BLOCK("evil.test") };
	static const struct rule answer[] = { ANSWER("192.0.2.66") };
	struct bench *b = bench_new(facts, ARRAY_LEN(facts), NULL, 0, false);
	const char *truth = "NOERROR alias.example CNAME evil.test evil.test A 192.0.2.66";
	assert_string_equal(bench_ask(b, "alias.example", DNS_A), truth);
	assert_string_equal(bench_ask(b, "alias.example", DNS_A), truth);
	bench_set_rules(b, block, 1);
	assert_string_equal(bench_ask(b, "alias.example", DNS_A), "NXDOMAIN EDE 15");
	bench_set_rules(b, answer, 1);
	assert_string_equal(bench_ask(b, "alias.example", DNS_A), "NOERROR EDE 15");
	bench_set_rules(b, NULL, 0);
	assert_string_equal(bench_ask(b, "alias.example", DNS_A), truth);
	assert_int_equal(bench_n_resolved(b), 1);
	bench_free(b);
}

static void default_deny_resolves_only_what_is_allowed(void **state)
{
	(void)state;
	static const struct rule allow[] = { ALLOW("alias.example") };
	struct bench *b = bench_new(facts, ARRAY_LEN(facts), allow, 1, true);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NXDOMAIN EDE 18");
	assert_int_equal(bench_n_resolved(b), 0); /* nothing left for the servers to see */
	assert_string_equal(bench_ask(b, "alias.example", DNS_A),
	                    "NOERROR alias.example CNAME evil.test evil.test A 192.0.2.66");
	bench_free(b);
}

/* A block by name is decided before anything is asked. */
static void nothing_is_asked_for_a_listed_name(void **state)
{
	(void)state;
	static const struct rule block[] = { BLOCK("www.example") };
	struct bench *b = bench_new(facts, ARRAY_LEN(facts), block, 1, false);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NXDOMAIN EDE 15");
	assert_int_equal(bench_n_resolved(b), 0);
	bench_free(b);
}

static void truncate_is_over_over_tcp(void **state)
{
	(void)state;
	static const struct rule truncate[] = { DOES("www.example", POLICY_TRUNCATE) };
	struct bench *b = bench_new(facts, ARRAY_LEN(facts), truncate, 1, false);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NOERROR TC EDE 15");
	assert_string_equal(bench_ask_over_tcp(b, "www.example", DNS_A),
	                    "NOERROR www.example A 192.0.2.1");
	bench_free(b);
}

static int start(void **state)
{
	(void)state;
	struct siphash_key key = { .k0 = 1, .k1 = 2 };
	name_set_hash_key(&key);
	rcu_thread_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	policy_edits_close();
	rcu_drain();
	rcu_thread_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_cold_and_warm),
		cmocka_unit_test(policy_changes_show_at_once),
		cmocka_unit_test(default_deny_resolves_only_what_is_allowed),
		cmocka_unit_test(nothing_is_asked_for_a_listed_name),
		cmocka_unit_test(truncate_is_over_over_tcp),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
