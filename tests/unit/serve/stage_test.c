/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Policy zones from the question to the bytes, by the statements of the RPZ draft; each case is
 * asked with a cold and with a warm cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "fake_resolver.h"

static const struct fact facts[] = {
	{ "www.example", "A 192.0.2.1", NULL, NULL },
	{ "www.example", "AAAA 2001:db8::1", NULL, NULL },
	{ "alias.example", "CNAME evil.test", NULL, NULL },
	{ "evil.test", "A 192.0.2.66", "evil.test", "ns.evil.test" },
	{ "garden.example", "A 198.51.100.80", NULL, NULL },
	{ "hint.example", "HINT 192.0.2.66", NULL, NULL },
	{ "gone.example", "NXDOMAIN", NULL, NULL },
	{ "broken.example", "SERVFAIL", NULL, NULL },
	{ "owned.example", "A 192.0.2.9", "owned.example", "ns.evil-dns.net" },
	{ "www.example.garden.test", "A 198.51.100.81", NULL, NULL },
	{ "evil.test.garden.test", "A 198.51.100.82", NULL, NULL },
};

enum mode {
	EARLY = 1,
	STRICT = 2,
	BOTH = 3,
};

struct row {
	const char *why;
	enum mode modes;
	struct rule rules[4];
	const char *name;
	uint16_t type;
	const char *expect;
};

#define QNAME(zone_, rule_, action_)                           \
	{                                                      \
		zone_, rule_, action_, POLICY_MATCH_NAME, NULL \
	}
#define ADDR(zone_, rule_, action_)                              \
	{                                                        \
		zone_, rule_, action_, POLICY_MATCH_ANSWER, NULL \
	}
#define NSRULE(zone_, rule_, action_)                                \
	{                                                            \
		zone_, rule_, action_, POLICY_MATCH_NAMESERVER, NULL \
	}
#define CLIENT(zone_, rule_, action_)                            \
	{                                                        \
		zone_, rule_, action_, POLICY_MATCH_CLIENT, NULL \
	}
#define NODATA  "NOERROR +SOA EDE 15"
#define NOSUCH  "NXDOMAIN +SOA EDE 15"
#define REFUSED "REFUSED +SOA EDE 15"
#define TRUTH   "NOERROR www.example A 192.0.2.1"

/* clang-format off */
static const struct row rows[] = {
	{ "A1 NXDOMAIN", BOTH, { QNAME("zone", "=www.example", POLICY_NXDOMAIN) },
	  "www.example", DNS_A, NOSUCH },
	{ "A2 NODATA", BOTH, { QNAME("zone", "=www.example", POLICY_NODATA) },
	  "www.example", DNS_AAAA, NODATA },
	{ "A4 drop", BOTH, { QNAME("zone", "=www.example", POLICY_DROP) },
	  "www.example", DNS_A, "DROP" },
	{ "A5 tcp-only", BOTH, { QNAME("zone", "=www.example", POLICY_TRUNCATE) },
	  "www.example", DNS_A, "NOERROR TC EDE 15" },
	{ "T3 the target of an alias", BOTH, { QNAME("zone", "=evil.test", POLICY_NODATA) },
	  "alias.example", DNS_A, NODATA },
	{ "T4 the client's address", BOTH, { CLIENT("zone", "10.0.0.0/24", POLICY_NODATA) },
	  "www.example", DNS_A, NODATA },
	{ "T4 another client", BOTH, { CLIENT("zone", "10.0.1.0/24", POLICY_NODATA) },
	  "www.example", DNS_A, TRUTH },
	{ "T5 an address in the answer", BOTH, { ADDR("zone", "192.0.2.0/24", POLICY_NODATA) },
	  "www.example", DNS_A, NODATA },
	{ "T6 a hint counts in early", EARLY, { ADDR("zone", "192.0.2.0/24", POLICY_NODATA) },
	  "hint.example", DNS_HTTPS, NODATA },
	{ "T6 not in strict", STRICT, { ADDR("zone", "192.0.2.0/24", POLICY_NODATA) },
	  "hint.example", DNS_HTTPS, "NOERROR hint.example HTTPS ?" },
	{ "T7 a name server's name", BOTH, { NSRULE("zone", "=ns.evil-dns.net", POLICY_NODATA) },
	  "owned.example", DNS_A, NODATA },
	{ "T8 a name server's address", BOTH, { NSRULE("zone", "203.0.113.0/24", POLICY_NODATA) },
	  "owned.example", DNS_A, NODATA },
	{ "T13 who asks for the alias is not led on", BOTH,
	  { QNAME("zone", "=evil.test", POLICY_NODATA), ADDR("zone", "192.0.2.66", POLICY_DROP) },
	  "alias.example", DNS_CNAME, "NOERROR alias.example CNAME evil.test" },
	{ "A3 passthru ends policy: later zones, hops and triggers", BOTH,
	  { QNAME("zone.1", "=alias.example", POLICY_ALLOW),
	    QNAME("zone.2", "=evil.test", POLICY_DROP),
	    ADDR("zone.2", "192.0.2.66", POLICY_NODATA) },
	  "alias.example", DNS_A, "NOERROR alias.example CNAME evil.test evil.test A 192.0.2.66" },
	{ "A3 passthru by a server ends it too", BOTH,
	  { NSRULE("zone.1", "=ns.evil-dns.net", POLICY_ALLOW),
	    ADDR("zone.2", "192.0.2.9", POLICY_NODATA) },
	  "owned.example", DNS_A, "NOERROR owned.example A 192.0.2.9" },
	{ "A9 an alias of local data is led on", BOTH,
	  { QNAME("zone", "=www.example", POLICY_REDIRECT) }, "www.example", DNS_A,
	  "NOERROR www.example CNAME garden.example garden.example A 198.51.100.80 +SOA EDE 15" },
	{ "A10 policy does not apply to what it makes", BOTH,
	  { QNAME("zone", "=www.example", POLICY_REDIRECT),
	    QNAME("zone", "=garden.example", POLICY_DROP),
	    ADDR("zone", "198.51.100.80", POLICY_DROP) }, "www.example", DNS_A,
	  "NOERROR www.example CNAME garden.example garden.example A 198.51.100.80 +SOA EDE 15" },

	{ "P2 an earlier stage before a later one of an earlier zone", BOTH,
	  { QNAME("zone.1", "=evil.test", POLICY_DROP),
	    QNAME("zone.2", "=alias.example", POLICY_NODATA) },
	  "alias.example", DNS_A, NODATA },
	{ "P2 the first stage's servers before the target", BOTH,
	  { QNAME("zone.1", "=evil.test", POLICY_DROP),
	    NSRULE("zone.2", "=ns.example", POLICY_NODATA) },
	  "alias.example", DNS_A, "DROP" /* min-ns-dots: "example" has none */ },
	{ "P4 strict: zone 1 IP before zone 2 QNAME", STRICT,
	  { ADDR("zone.1", "192.0.2.1", POLICY_NODATA),
	    QNAME("zone.2", "=www.example", POLICY_NXDOMAIN) }, "www.example", DNS_A, NODATA },
	{ "P4 early: the name decides at once", EARLY,
	  { ADDR("zone.1", "192.0.2.1", POLICY_NODATA),
	    QNAME("zone.2", "=www.example", POLICY_NXDOMAIN) }, "www.example", DNS_A, NOSUCH },
	{ "P4 strict: zone 1 IP before zone 2 CLIENT-IP", STRICT,
	  { ADDR("zone.1", "192.0.2.1", POLICY_NODATA),
	    CLIENT("zone.2", "10.0.0.1", POLICY_NXDOMAIN) }, "www.example", DNS_A, NODATA },
	{ "P4 strict: zone 1 NSIP before zone 2 QNAME", STRICT,
	  { NSRULE("zone.1", "203.0.113.5", POLICY_NODATA),
	    QNAME("zone.2", "=owned.example", POLICY_NXDOMAIN) }, "owned.example", DNS_A, NODATA },
	{ "P4 strict: zone 1 IP before zone 2 NSDNAME", STRICT,
	  { ADDR("zone.1", "192.0.2.9", POLICY_NODATA),
	    NSRULE("zone.2", "=ns.evil-dns.net", POLICY_NXDOMAIN) },
	  "owned.example", DNS_A, NODATA },
	{ "P4 strict: a rule that waited and was not overruled", STRICT,
	  { ADDR("zone.1", "192.0.2.77", POLICY_NODATA),
	    QNAME("zone.2", "=www.example", POLICY_NXDOMAIN) }, "www.example", DNS_A, NOSUCH },
	{ "P4 a name rule of the zone with rules on addresses waits for nothing", BOTH,
	  { ADDR("zone", "192.0.2.1", POLICY_NODATA),
	    QNAME("zone", "=www.example", POLICY_NXDOMAIN) }, "www.example", DNS_A, NOSUCH },
	{ "P6 CLIENT-IP before QNAME", BOTH,
	  { QNAME("zone", "=www.example", POLICY_NODATA),
	    CLIENT("zone", "10.0.0.0/8", POLICY_NXDOMAIN) }, "www.example", DNS_A, NOSUCH },
	{ "P6 strict: IP before NSDNAME", STRICT,
	  { NSRULE("zone", "=ns.evil-dns.net", POLICY_NODATA),
	    ADDR("zone", "192.0.2.9", POLICY_NXDOMAIN) }, "owned.example", DNS_A, NOSUCH },
	{ "P6 NSDNAME before NSIP", BOTH,
	  { NSRULE("zone", "203.0.113.5", POLICY_NODATA),
	    NSRULE("zone", "=ns.evil-dns.net", POLICY_NXDOMAIN) }, "owned.example", DNS_A, NOSUCH },
	{ "T11 the servers of a zone with too few dots do not count", BOTH,
	  { NSRULE("zone", "=ns.example", POLICY_NODATA) }, "www.example", DNS_A, TRUTH },
	{ "W4 strict: a failure is returned as it is", STRICT,
	  { ADDR("zone.1", "192.0.2.77", POLICY_NODATA),
	    QNAME("zone.2", "=broken.example", POLICY_NXDOMAIN) },
	  "broken.example", DNS_A, "SERVFAIL EDE 22" },
	{ "W4 early: the rule holds", EARLY,
	  { ADDR("zone.1", "192.0.2.77", POLICY_NODATA),
	    QNAME("zone.2", "=broken.example", POLICY_NXDOMAIN) },
	  "broken.example", DNS_A, NOSUCH },
	{ "T12 a name that does not exist has servers", BOTH,
	  { QNAME("zone", "*.example", POLICY_NODATA) }, "gone.example", DNS_DS, NODATA },
	{ "plain lists before a zone", BOTH,
	  { { "block", "example", POLICY_REFUSED, POLICY_MATCH_NAME, NULL },
	    QNAME("zone", "=www.example", POLICY_NXDOMAIN) }, "www.example", DNS_A,
	  "REFUSED EDE 15" },
	{ "an allow list before a zone", BOTH,
	  { { "allow", "www.example", POLICY_ALLOW, POLICY_MATCH_NAME, NULL },
	    ADDR("zone", "192.0.2.1", POLICY_NXDOMAIN) }, "www.example", DNS_A, TRUTH },
};
/* clang-format on */

static size_t n_rules(const struct row *r)
{
	size_t n = 0;
	while (n < 4 && r->rules[n].list != NULL)
		n++;
	return n;
}

static void statements_cold_and_warm(void **state)
{
	(void)state;
	bench_zone.min_ns_dots = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		const struct row *r = &rows[i / 2];
		bench_is_strict = i % 2 == 1;
		if ((r->modes & (bench_is_strict ? STRICT : EARLY)) == 0)
			continue;
		/* "owned.example" and "evil.test" have a dot, "example" has none. */
		struct bench *b = bench_new(facts, ARRAY_LEN(facts), r->rules, n_rules(r), false);
		for (int turn = 0; turn < 3; turn++) {
			const char *got = bench_ask(b, r->name, r->type);
			if (strcmp(got, r->expect) != 0)
				fail_msg("%s (%s, %s): got \"%s\", expected \"%s\"", r->why,
				         bench_is_strict ? "strict" : "early",
				         turn == 0 ? "cold" : "warm", got, r->expect);
		}
		bench_free(b);
	}
	bench_is_strict = false;
}

/* W2: nothing is asked where no zone before has rules on what comes. */
static void w2_nothing_is_asked(void **state)
{
	(void)state;
	static const struct rule first[] = { QNAME("zone.1", "=www.example", POLICY_NODATA),
		                             ADDR("zone.2", "192.0.2.1", POLICY_DROP) };
	static const struct rule behind[] = { ADDR("zone.1", "192.0.2.77", POLICY_DROP),
		                              QNAME("zone.2", "=www.example", POLICY_NODATA) };
	for (int strict = 0; strict < 2; strict++) {
		bench_is_strict = strict == 1;
		struct bench *b = bench_new(facts, ARRAY_LEN(facts), first, 2, false);
		assert_string_equal(bench_ask(b, "www.example", DNS_A), NODATA);
		assert_int_equal(bench_n_resolved(b), 0);
		bench_set_rules(b, behind, 2);
		assert_string_equal(bench_ask(b, "www.example", DNS_A), NODATA);
		assert_int_equal(bench_n_resolved(b), strict);
		bench_free(b);
	}
	bench_is_strict = false;
}

/* W10, W11: break-dnssec: false spares signed answers, for who asks for DNSSEC. */
static void w10_signed_answers_are_spared(void **state)
{
	(void)state;
	static const struct rule rule[] = { QNAME("zone", "=www.example", POLICY_NODATA) };
	for (int i = 0; i < 16; i++) {
		bool keeps = (i & 1) != 0;
		bool is_signed = (i & 2) != 0;
		bench_leaves_do_out = (i & 4) != 0;
		bench_is_strict = (i & 8) != 0;
		bench_zone.keeps_dnssec = keeps;
		bench_security = is_signed ? SECURITY_SECURE : SECURITY_INSECURE;
		struct bench *b = bench_new(facts, ARRAY_LEN(facts), rule, 1, false);
		bool is_spared = keeps && is_signed && !bench_leaves_do_out;
		for (int turn = 0; turn < 3; turn++)
			assert_string_equal(bench_ask(b, "www.example", DNS_A),
			                    is_spared ? TRUTH : NODATA);
		/* What was clean for one client is not for the other. */
		bench_leaves_do_out = true;
		assert_string_equal(bench_ask(b, "www.example", DNS_A), NODATA);
		bench_free(b);
	}
	bench_security = SECURITY_UNCHECKED;
	bench_leaves_do_out = bench_is_strict = bench_zone.keeps_dnssec = false;
}

/* A6, A8, A9, A12: what local data answers. */
static void a6_local_data(void **state)
{
	(void)state;
	static const uint8_t records[] = { 0, 1,  0, 0, 0, 9, 0, 4, 192, 0,  2, 200, /* A */
		                           0, 16, 0, 0, 0, 9, 0, 2, 1,   'x' };
	static const uint8_t alias[] = { 0,   5,   0,   0, 0,   9,   0,   16,  6,   'g', 'a', 'r',
		                         'd', 'e', 'n', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
	static const struct policy_data local = { .records = records,
		                                  .records_bytes = sizeof records };
	static const struct policy_data to = { .records = alias, .records_bytes = sizeof alias };
	static const struct policy_data suffix = { .target = (const uint8_t *)"\6garden\4test",
		                                   .is_target_suffix = true };
	static const struct rule rules[] = {
		{ "zone", "=www.example", POLICY_RECORDS, POLICY_MATCH_NAME, &local },
		{ "zone", "=alias.example", POLICY_RECORDS, POLICY_MATCH_NAME, &to },
	};
	static const struct rule wild[] = {
		{ "zone", "*.example", POLICY_REDIRECT, POLICY_MATCH_NAME, &suffix },
	};
	char longest[256] = "";
	struct bench *b = bench_new(facts, ARRAY_LEN(facts), rules, 2, false);
	assert_string_equal(bench_ask(b, "www.example", DNS_A),
	                    "NOERROR www.example A 192.0.2.200 +SOA EDE 15");
	assert_string_equal(bench_ask(b, "www.example", DNS_TXT),
	                    "NOERROR www.example TXT ? +SOA EDE 15");
	assert_string_equal(bench_ask(b, "www.example", DNS_AAAA), NODATA);
	assert_string_equal(bench_ask(b, "www.example", DNS_ANY),
	                    "NOERROR www.example A 192.0.2.200 www.example TXT ? +SOA EDE 15");
	assert_string_equal(
		bench_ask(b, "alias.example", DNS_A),
		"NOERROR alias.example CNAME garden.example garden.example A 198.51.100.80 +SOA EDE 15");
	assert_string_equal(bench_ask(b, "alias.example", DNS_CNAME),
	                    "NOERROR alias.example CNAME garden.example +SOA EDE 15");
	bench_set_rules(b, wild, 1);
	assert_string_equal(
		bench_ask(b, "www.example", DNS_A),
		"NOERROR www.example CNAME www.example.garden.test www.example.garden.test A 198.51.100.81 +SOA EDE 15");
	/* At a later stage it is that stage's name, by whatever it was found. */
	const struct rule later[] = {
		{ "zone", "evil.test", POLICY_REDIRECT, POLICY_MATCH_NAME, &suffix },
		{ "zone", "192.0.2.66/32", POLICY_REDIRECT, POLICY_MATCH_ANSWER, &suffix },
		{ "zone", "ns.evil.test", POLICY_REDIRECT, POLICY_MATCH_NAMESERVER, &suffix },
	};
	for (size_t i = 0; i < ARRAY_LEN(later); i++) {
		bench_set_rules(b, &later[i], 1);
		for (int turn = 0; turn < 2; turn++)
			assert_string_equal(
				bench_ask(b, "alias.example", DNS_A),
				"NOERROR alias.example CNAME evil.test.garden.test evil.test.garden.test A 198.51.100.82 +SOA EDE 15");
	}
	bench_set_rules(b, wild, 1);
	static const char label[] = "a12345678901234567890123456789012345678901234567890123456";
	snprintf(longest, sizeof longest, "%s.%s.%s.%s.a2345.example", label, label, label, label);
	assert_string_equal(bench_ask(b, longest, DNS_A), "SERVFAIL +SOA EDE 0");
	bench_free(b);
}

/* A11, A14: without the SOA, without an extended error. */
static void a11_a14_what_stands_beside(void **state)
{
	(void)state;
	static const struct rule rule[] = { QNAME("zone", "=www.example", POLICY_NODATA) };
	bench_zone.no_soa = true;
	bench_zone.ede_code = 0xffff;
	struct bench *b = bench_new(facts, ARRAY_LEN(facts), rule, 1, false);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NOERROR");
	bench_zone.ede_code = 4;
	bench_set_rules(b, rule, 1);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NOERROR EDE 4");
	bench_free(b);
	bench_zone.no_soa = false;
	bench_zone.ede_code = 0;
}

/* A12: the rule's own TTL, up to max-ttl. */
static void a12_ttls_are_capped(void **state)
{
	(void)state;
	static const struct policy_data long_lived = { .has_ttl = true, .ttl_s = 3600 };
	static const struct policy_data short_lived = { .has_ttl = true, .ttl_s = 2 };
	static const struct {
		const struct policy_data *data;
		uint32_t ttl_s;
	} cases[] = { { &long_lived, 5 }, { &short_lived, 2 }, { NULL, 5 } };
	bench_zone.has_max_ttl = true;
	bench_zone.max_ttl_s = 5;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rule rule = { "zone", "=www.example", POLICY_NXDOMAIN,
			                   POLICY_MATCH_NAME, cases[i].data };
		struct bench *b = bench_new(facts, ARRAY_LEN(facts), &rule, 1, false);
		static uint8_t scratch[DNS_MAX_MESSAGE];
		struct message m;
		struct rr rr;
		size_t n;
		unsigned n_soa = 0;
		(void)bench_ask(b, "www.example", DNS_A);
		const uint8_t *bytes = bench_message(b, &n);
		assert_int_equal(message_open(bytes, n, scratch, sizeof scratch, &m), 0);
		while (message_next(&m, &rr) == 1) {
			n_soa += rr.type == DNS_SOA;
			if (rr.section == SECTION_AUTHORITY)
				assert_int_equal(rr.ttl_s, cases[i].ttl_s);
			else if (rr.type == DNS_SOA)
				assert_int_equal(rr.ttl_s, 5);
		}
		assert_int_equal(n_soa, 2);
		bench_free(b);
	}
	bench_zone.has_max_ttl = false;
}

/* W7: a zone's rules come and go with the next question, whatever was remembered before. */
static void w7_the_cache_holds_the_truth(void **state)
{
	(void)state;
	static const struct rule client[] = { CLIENT("zone", "10.0.0.1", POLICY_NODATA) };
	static const struct rule server[] = { NSRULE("zone", "=ns.evil-dns.net", POLICY_NODATA) };
	static const struct rule none[] = { QNAME("zone", "=other.example", POLICY_DROP) };
	const char *truth = "NOERROR owned.example A 192.0.2.9";
	for (int strict = 0; strict < 2; strict++) {
		bench_is_strict = strict == 1;
		struct bench *b = bench_new(facts, ARRAY_LEN(facts), none, 1, false);
		for (int i = 0; i < 3; i++) {
			bench_set_rules(b, none, 1);
			assert_string_equal(bench_ask(b, "owned.example", DNS_A), truth);
			assert_string_equal(bench_ask(b, "owned.example", DNS_A), truth);
			bench_set_rules(b, client, 1);
			assert_string_equal(bench_ask(b, "owned.example", DNS_A), NODATA);
			bench_set_rules(b, server, 1);
			assert_string_equal(bench_ask(b, "owned.example", DNS_A), NODATA);
		}
		bench_free(b);
	}
	bench_is_strict = false;
}

/* What waits while a reload takes lists away is judged by what there is then. */
static void a_reload_while_waiting(void **state)
{
	(void)state;
	static const struct fact slow[] = { { "www.example", "A 192.0.2.1", NULL, NULL },
		                            { "garden.example", "LATE", NULL, NULL } };
	static const struct rule none[] = { QNAME("zone.0", "=other.example", POLICY_DROP) };
	static const struct rule many[] = { QNAME("zone.0", "=other.example", POLICY_DROP),
		                            ADDR("zone.1", "192.0.2.1", POLICY_NODATA),
		                            QNAME("zone.2", "=www.example", POLICY_REDIRECT) };
	struct bench *b = bench_new(slow, ARRAY_LEN(slow), none, 1, false);
	(void)bench_strict_list(b);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), TRUTH);
	bench_set_rules(b, many, 3);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "PARKED");
	bench_set_rules(b, none, 1);
	bench_fail_late(b);
	assert_string_equal(bench_text(b), TRUTH);
	assert_string_equal(bench_strict_list(b), "");
	/* Without a reload it is told, and by its name. */
	bench_set_rules(b, many, 3);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "PARKED");
	bench_fail_late(b);
	bench_fail_late(b); /* it is asked for twice */
	assert_string_equal(bench_text(b), "NOERROR www.example CNAME garden.example +SOA EDE 15");
	assert_string_equal(bench_strict_list(b), "zone.1");
	bench_free(b);
}

/*
 * An answer that is fetched anew before its end is for whoever waits for answers where the group does: else the
 * guard would stop a packet that a zone standing before the server's lets pass.
 */
static void what_is_refreshed_waits_as_the_question_did(void **state)
{
	(void)state;
	static const struct rule rules[] = { ADDR("zone1", "192.0.2.200/32", POLICY_NODATA),
		                             QNAME("plain", "other.example", POLICY_NXDOMAIN) };
	for (int i = 0; i < 3; i++) {
		bench_is_strict = i == 1;
		struct bench *b = bench_new(facts, ARRAY_LEN(facts), &rules[i == 2], 1, false);
		bench_ask(b, "www.example", DNS_A);
		bench_pass_time(b, 280);
		bench_ask(b, "www.example", DNS_A);
		assert_int_equal(bench_n_resolved(b), 2);
		assert_int_equal(bench_is_late_refresh(b), i == 1);
		bench_free(b);
	}
	bench_is_strict = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_cold_and_warm),
		cmocka_unit_test(w2_nothing_is_asked),
		cmocka_unit_test(w10_signed_answers_are_spared),
		cmocka_unit_test(a6_local_data),
		cmocka_unit_test(a11_a14_what_stands_beside),
		cmocka_unit_test(a12_ttls_are_capped),
		cmocka_unit_test(w7_the_cache_holds_the_truth),
		cmocka_unit_test(a_reload_while_waiting),
		cmocka_unit_test(what_is_refreshed_waits_as_the_question_did),
	};
	struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
