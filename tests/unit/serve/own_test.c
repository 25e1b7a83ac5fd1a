/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is answered without asking anybody, DNS64 and rebinding protection, in the steps. */
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
	{ "both.example", "A 192.0.2.1", NULL, NULL },
	{ "both.example", "AAAA 2001:db8::1", NULL, NULL },
	{ "mapped.example", "A 192.0.2.1", NULL, NULL },
	{ "mapped.example", "AAAA ::ffff:192.0.2.9", NULL, NULL },
	{ "private.example", "A 192.168.1.1", NULL, NULL },
	{ "loop6.example", "AAAA ::1", NULL, NULL },
	{ "hint.example", "HINT 10.0.0.1", NULL, NULL },
	{ "mid.example", "CNAME www.example", NULL, NULL },
	{ "evil.example", "A 192.0.2.66", NULL, NULL },
	{ "made.example", "AAAA 64:ff9b::c000:242", NULL, NULL },
	{ "gone.example", "NXDOMAIN", NULL, NULL },
	{ "broken.example", "SERVFAIL", NULL, NULL },
	{ "2.0.0.127.zen.spamhaus.org", "A 127.0.0.2", NULL, NULL },
	{ "33.2.0.192.in-addr.arpa", "CNAME www.example", NULL, NULL },
};

#define BLOCK(name)                                               \
	{                                                         \
		"block", name, POLICY_NXDOMAIN, POLICY_MATCH_NAME \
	}
#define ALLOW(name)                                            \
	{                                                      \
		"allow", name, POLICY_ALLOW, POLICY_MATCH_NAME \
	}
#define ANSWER(text)                                            \
	{                                                       \
		"ips", text, POLICY_NODATA, POLICY_MATCH_ANSWER \
	}

static const char yaml[] =
	"local:\n"
	"  private-reverse: false\n"
	"  zones:\n"
	"    - {zone: lan, records: [\"www A 192.0.2.5\", \"alias CNAME www\", \"out CNAME mid.example.\", "
	"\"a CNAME b\", \"b CNAME a\", \"private A 192.168.1.1\", \"gone CNAME gone.example.\", "
	"\"big TXT 1\"]}\n"
	"    - {zone: refused.lan, type: refuse}\n"
	"    - {zone: dropped.lan, type: drop}\n"
	"rebinding: {allow: [good.example]}\n";

static void ignore(void *arg, const char *line)
{
	(void)arg;
	fail_msg("%s", line);
}

static struct bench *bench_with(const struct rule *rules, size_t n, bool default_deny)
{
	const struct local_listener listener = { .say = ignore };
	struct config_problems problems = { 0 };
	struct config *c = NULL;
	struct local *l;
	struct bench *b = bench_new(facts, ARRAY_LEN(facts), rules, n, default_deny);
	assert_int_equal(config_load_text("t", yaml, sizeof yaml - 1, &c, &problems), 0);
	config_problems_done(&problems);
	assert_int_equal(local_new(c, &listener, &l), 0);
	config_free(c);
	local_publish(l);
	return b;
}

struct row {
	const char *why;
	struct rule rules[3];
	const char *name;
	uint16_t type;
	const char *expect;
};

static void ask_rows(const struct row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];
		size_t n = 0;
		while (n < 3 && r->rules[n].list != NULL)
			n++;
		struct bench *b = bench_with(r->rules, n, false);
		for (int turn = 0; turn < 3; turn++) {
			const char *got = bench_ask(b, r->name, r->type);
			if (strcmp(got, r->expect) != 0)
				fail_msg("%s (%s): got \"%s\", expected \"%s\"", r->why,
				         turn == 0 ? "cold" : "warm", got, r->expect);
		}
		bench_free(b);
	}
}

/* clang-format off */
static const struct row local_rows[] = {
	{ "data", { { 0 } }, "www.lan", DNS_A, "NOERROR www.lan A 192.0.2.5" },
	{ "no data", { { 0 } }, "www.lan", DNS_AAAA, "NOERROR" },
	{ "no name", { { 0 } }, "x.lan", DNS_A, "NXDOMAIN" },
	{ "refused", { { 0 } }, "x.refused.lan", DNS_A, "REFUSED" },
	{ "dropped", { { 0 } }, "x.dropped.lan", DNS_A, "DROP" },
	{ "special name", { { 0 } }, "a.localhost", DNS_A, "NOERROR a.localhost A 127.0.0.1" },
	{ "alias to a local name", { { 0 } }, "alias.lan", DNS_A,
	  "NOERROR alias.lan CNAME www.lan www.lan A 192.0.2.5" },
	{ "alias, another type", { { 0 } }, "alias.lan", DNS_AAAA, "NOERROR alias.lan CNAME www.lan" },
	{ "alias out into the world", { { 0 } }, "out.lan", DNS_A,
	  "NOERROR out.lan CNAME mid.example mid.example CNAME www.example www.example A 192.0.2.1" },
	{ "alias to what does not exist", { { 0 } }, "gone.lan", DNS_A,
	  "NXDOMAIN gone.lan CNAME gone.example" },
	{ "circle", { { 0 } }, "a.lan", DNS_A, "SERVFAIL EDE 24" },
	{ "private, but the operator's", { { 0 } }, "private.lan", DNS_A,
	  "NOERROR private.lan A 192.168.1.1" },
	{ "a rule on the name wins", { BLOCK("www.lan") }, "www.lan", DNS_A, "NXDOMAIN EDE 15" },
	{ "a rule on a special name wins", { BLOCK("localhost") }, "localhost", DNS_A,
	  "NXDOMAIN EDE 15" },
	{ "a rule on where it leads", { BLOCK("www.lan") }, "alias.lan", DNS_A, "NXDOMAIN EDE 15" },
	{ "a rule on where it leads outside", { BLOCK("mid.example") }, "out.lan", DNS_A,
	  "NXDOMAIN EDE 15" },
	{ "a rule further on", { BLOCK("www.example") }, "out.lan", DNS_A, "NXDOMAIN EDE 15" },
	{ "an address at the end", { ANSWER("192.0.2.1") }, "out.lan", DNS_A, "NOERROR EDE 15" },
	{ "what is allowed carries its aliases", { BLOCK("mid.example"), ALLOW("out.lan") }, "out.lan",
	  DNS_A,
	  "NOERROR out.lan CNAME mid.example mid.example CNAME www.example www.example A 192.0.2.1" },
};

static const struct row dns64_rows[] = {
	{ "made", { { 0 } }, "www.example", DNS_AAAA, "NOERROR www.example AAAA 64:ff9b::c000:201" },
	{ "A stays", { { 0 } }, "www.example", DNS_A, "NOERROR www.example A 192.0.2.1" },
	{ "not made where there is one", { { 0 } }, "both.example", DNS_AAAA,
	  "NOERROR both.example AAAA 2001:db8::1" },
	{ "excluded ones do not count", { { 0 } }, "mapped.example", DNS_AAAA,
	  "NOERROR mapped.example AAAA 64:ff9b::c000:201" },
	{ "behind an alias", { { 0 } }, "mid.example", DNS_AAAA,
	  "NOERROR mid.example CNAME www.example www.example AAAA 64:ff9b::c000:201" },
	{ "NXDOMAIN passes", { { 0 } }, "gone.example", DNS_AAAA, "NXDOMAIN" },
	{ "neither", { { 0 } }, "loop6.example", DNS_TXT, "NOERROR" },
	{ "servers fail", { { 0 } }, "broken.example", DNS_AAAA, "SERVFAIL EDE 22" },
	{ "private ones are not made", { { 0 } }, "private.example", DNS_AAAA, "NOERROR" },
	{ "local data", { { 0 } }, "www.lan", DNS_AAAA, "NOERROR www.lan AAAA 64:ff9b::c000:205" },
	{ "local alias", { { 0 } }, "out.lan", DNS_AAAA,
	  "NOERROR out.lan CNAME mid.example mid.example CNAME www.example "
	  "www.example AAAA 64:ff9b::c000:201" },
	{ "RFC 8880", { { 0 } }, "ipv4only.arpa", DNS_AAAA,
	  "NOERROR ipv4only.arpa AAAA 64:ff9b::c000:aa ipv4only.arpa AAAA 64:ff9b::c000:ab" },
	{ "reverse", { { 0 } },
	  "1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa", DNS_PTR,
	  "NOERROR 1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa CNAME "
	  "33.2.0.192.in-addr.arpa 33.2.0.192.in-addr.arpa CNAME www.example" },
	{ "a listed IPv4 address stays blocked", { ANSWER("192.0.2.66") }, "evil.example", DNS_AAAA,
	  "NOERROR EDE 15" },
	{ "a list of made addresses too", { ANSWER("64:ff9b::/96") }, "www.example", DNS_AAAA,
	  "NOERROR EDE 15" },
	{ "made by somebody else", { ANSWER("192.0.2.66") }, "made.example", DNS_AAAA,
	  "NOERROR EDE 15" },
	{ "a listed name", { BLOCK("www.example") }, "www.example", DNS_AAAA, "NXDOMAIN EDE 15" },
	{ "a listed name behind an alias", { BLOCK("www.example") }, "mid.example", DNS_AAAA,
	  "NXDOMAIN EDE 15" },
	{ "allowed", { ALLOW("evil.example"), ANSWER("192.0.2.66") }, "evil.example", DNS_AAAA,
	  "NOERROR evil.example AAAA 64:ff9b::c000:242" },
};

static const struct row rebinding_rows[] = {
	{ "private", { { 0 } }, "private.example", DNS_A, "NOERROR EDE 15" },
	{ "loopback", { { 0 } }, "loop6.example", DNS_AAAA, "NOERROR EDE 15" },
	{ "in a hint", { { 0 } }, "hint.example", DNS_HTTPS, "NOERROR EDE 15" },
	{ "public", { { 0 } }, "www.example", DNS_A, "NOERROR www.example A 192.0.2.1" },
	{ "the operator's own data", { { 0 } }, "private.lan", DNS_A,
	  "NOERROR private.lan A 192.168.1.1" },
	{ "a listing", { { 0 } }, "2.0.0.127.zen.spamhaus.org", DNS_A,
	  "NOERROR 2.0.0.127.zen.spamhaus.org A 127.0.0.2" },
	{ "allowed by a rule", { ALLOW("private.example") }, "private.example", DNS_A,
	  "NOERROR private.example A 192.168.1.1" },
};
/* clang-format on */

static void local_data(void **state)
{
	(void)state;
	ask_rows(local_rows, ARRAY_LEN(local_rows));
}

static void dns64(void **state)
{
	(void)state;
	bench_uses_dns64 = true;
	ask_rows(dns64_rows, ARRAY_LEN(dns64_rows));
	bench_uses_dns64 = false;
}

/* An A answer that a client has seen is no reason to skip the look at what is made of it. */
static void dns64_after_the_a_answer_was_found_clean(void **state)
{
	(void)state;
	static const struct rule rules[] = { ANSWER("64:ff9b::/96") };
	bench_uses_dns64 = true;
	struct bench *b = bench_with(rules, 1, false);
	for (int i = 0; i < 2; i++) {
		assert_string_equal(bench_ask(b, "www.example", DNS_A),
		                    "NOERROR www.example A 192.0.2.1");
		assert_string_equal(bench_ask(b, "www.example", DNS_AAAA), "NOERROR EDE 15");
	}
	bench_free(b);
	bench_uses_dns64 = false;
}

/* RFC 6147 5.5: "the CD bit is set ... MUST NOT perform translation". */
static void dns64_leaves_validators_alone(void **state)
{
	(void)state;
	uint8_t msg[512];
	struct name n;
	bench_uses_dns64 = true;
	struct bench *b = bench_with(NULL, 0, false);
	assert_int_equal(name_from_text("www.example", 11, &n), 0);
	size_t len = reply_write_query(msg, 7, n.wire, DNS_AAAA, true, true, true);
	assert_string_equal(bench_send(b, msg, len), "NOERROR");
	bench_free(b);
	bench_uses_dns64 = false;
}

static void rebinding(void **state)
{
	(void)state;
	bench_checks_rebinding = true;
	ask_rows(rebinding_rows, ARRAY_LEN(rebinding_rows));
	bench_checks_rebinding = false;
	struct bench *b = bench_with(NULL, 0, false);
	assert_string_equal(bench_ask(b, "private.example", DNS_A),
	                    "NOERROR private.example A 192.168.1.1");
	bench_free(b);
}

/* Nothing leaves, so there is nothing to deny; what would leave is denied as ever. */
static void default_deny_does_not_hold_for_local_data(void **state)
{
	(void)state;
	struct bench *b = bench_with(NULL, 0, true);
	assert_string_equal(bench_ask(b, "www.lan", DNS_A), "NOERROR www.lan A 192.0.2.5");
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NXDOMAIN EDE 18");
	bench_free(b);
}

static uint16_t flags_of(const struct bench *b)
{
	size_t n;
	return load16(bench_message(b, &n) + 2);
}

/* Ours is authoritative; what others said is not, nor is a chain that leads to them. */
static void authoritative_bit(void **state)
{
	(void)state;
	struct bench *b = bench_with(NULL, 0, false);
	static const struct {
		const char *name;
		bool is_aa;
	} rows[] = { { "www.lan", true },  { "x.lan", true },        { "alias.lan", true },
		     { "out.lan", false }, { "www.example", false }, { "x.refused.lan", false } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bench_ask(b, rows[i].name, DNS_A);
		assert_int_equal((flags_of(b) & FLAG_AA) != 0, rows[i].is_aa);
		assert_int_equal(flags_of(b) & FLAG_AD, 0);
	}
	bench_free(b);
}

static void nothing_is_asked_and_nothing_allocated(void **state)
{
	(void)state;
	struct bench *b = bench_with(NULL, 0, false);
	bench_ask(b, "www.lan", DNS_A);
	bench_n_allocations = 0;
	bench_counts_allocations = true;
	for (int i = 0; i < 100; i++) {
		bench_ask(b, "www.lan", DNS_A);
		bench_ask(b, "alias.lan", DNS_A);
		bench_ask(b, "x.test", DNS_A);
	}
	bench_counts_allocations = false;
	assert_int_equal(bench_n_allocations, 0);
	assert_int_equal(bench_n_resolved(b), 0);
	bench_free(b);
}

static void published_data_replaces_what_is_cached(void **state)
{
	(void)state;
	struct bench *b = bench_with(NULL, 0, false);
	local_publish(NULL);
	assert_string_equal(bench_ask(b, "www.lan", DNS_A), "NOERROR");
	assert_string_equal(bench_ask(b, "www.lan", DNS_A), "NOERROR");
	bench_free(b);
	b = bench_with(NULL, 0, false);
	assert_string_equal(bench_ask(b, "www.lan", DNS_A), "NOERROR www.lan A 192.0.2.5");
	bench_free(b);
}

/* ---- EDNS options and class CHAOS ---- */

/* A question with one EDNS option. */
static size_t with_option(uint8_t *msg, const char *name, uint16_t type, uint16_t class,
                          uint16_t option, const void *data, size_t n)
{
	struct name wire;
	assert_int_equal(name_from_text(name, strlen(name), &wire), 0);
	size_t len = reply_write_query(msg, 7, wire.wire, type, true, false, true);
	store16(msg + DNS_HEADER_BYTES + wire.len + 2, class);
	store16(msg + len - 2, (uint16_t)(4 + n));
	store16(msg + len, option);
	store16(msg + len + 2, (uint16_t)n);
	memcpy(msg + len + 4, data, n);
	return len + 4 + n;
}

/* The data of an EDNS option of the last answer; NULL: it has none. */
static const uint8_t *option_of(const struct bench *b, uint16_t code, size_t *ret_n)
{
	static uint8_t scratch[DNS_MAX_MESSAGE];
	static uint8_t rdata[DNS_MAX_MESSAGE];
	struct message m;
	struct rr rr;
	size_t n;
	const uint8_t *msg = bench_message(b, &n);
	assert_int_equal(message_open(msg, n, scratch, sizeof scratch, &m), 0);
	while (message_next(&m, &rr) == 1) {
		if (rr.type != DNS_OPT)
			continue;
		memcpy(rdata, rr.rdata, rr.rdata_len);
		for (size_t at = 0; at + 4 <= rr.rdata_len; at += 4U + load16(rdata + at + 2)) {
			*ret_n = load16(rdata + at + 2);
			if (load16(rdata + at) == code)
				return rdata + at + 4;
		}
	}
	return NULL;
}

static void name_server_identifier(void **state)
{
	(void)state;
	uint8_t msg[512];
	size_t n;
	struct bench *b = bench_with(NULL, 0, false);
	bench_send(b, msg, with_option(msg, "www.example", DNS_A, DNS_CLASS_IN, 3, "", 0));
	assert_null(option_of(b, 3, &n));
	snprintf(bench_options(b)->nsid, sizeof bench_options(b)->nsid, "host7");
	bench_send(b, msg, with_option(msg, "www.example", DNS_A, DNS_CLASS_IN, 3, "", 0));
	const uint8_t *got = option_of(b, 3, &n);
	assert_non_null(got);
	assert_int_equal(n, 5);
	assert_memory_equal(got, "host7", 5);
	bench_ask(b, "www.example", DNS_A); /* who does not ask is not told */
	assert_null(option_of(b, 3, &n));
	bench_free(b);
}

/* RFC 7871: a client's subnet changes nothing and is not given back. */
static void client_subnet_is_ignored(void **state)
{
	(void)state;
	static const uint8_t subnet[] = { 0, 1, 24, 0, 198, 51, 100 };
	uint8_t msg[512];
	size_t n;
	struct bench *b = bench_with(NULL, 0, false);
	assert_string_equal(bench_send(b, msg,
	                               with_option(msg, "www.example", DNS_A, DNS_CLASS_IN, 8,
	                                           subnet, sizeof subnet)),
	                    "NOERROR www.example A 192.0.2.1");
	assert_null(option_of(b, 8, &n));
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NOERROR www.example A 192.0.2.1");
	assert_int_equal(bench_n_resolved(b), 1); /* one answer for all subnets */
	bench_free(b);
}

static void class_chaos(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint16_t type;
		const char *before, *after;
	} rows[] = {
		{ "version.bind", DNS_TXT, "REFUSED", "NOERROR version.bind TXT ?" },
		{ "version.server", DNS_TXT, "REFUSED", "NOERROR version.server TXT ?" },
		{ "hostname.bind", DNS_TXT, "REFUSED", "REFUSED" },
		{ "id.server", DNS_TXT, "REFUSED", "REFUSED" },
		{ "version.bind", DNS_A, "REFUSED", "REFUSED" },
		{ "www.example", DNS_TXT, "REFUSED", "REFUSED" },
		{ "localhost", DNS_A, "REFUSED", "REFUSED" },
	};
	uint8_t msg[512];
	struct bench *b = bench_with(NULL, 0, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = with_option(msg, rows[i].name, rows[i].type, DNS_CLASS_CH, 3, "", 0);
		bench_options(b)->version[0] = 0;
		assert_string_equal(bench_send(b, msg, n), rows[i].before);
		snprintf(bench_options(b)->version, sizeof bench_options(b)->version, "1.2");
		assert_string_equal(bench_send(b, msg, n), rows[i].after);
	}
	assert_int_equal(bench_n_resolved(b), 0);
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
	local_publish(NULL);
	policy_edits_close();
	rcu_drain();
	rcu_thread_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_data),
		cmocka_unit_test(dns64),
		cmocka_unit_test(dns64_after_the_a_answer_was_found_clean),
		cmocka_unit_test(dns64_leaves_validators_alone),
		cmocka_unit_test(rebinding),
		cmocka_unit_test(default_deny_does_not_hold_for_local_data),
		cmocka_unit_test(authoritative_bit),
		cmocka_unit_test(nothing_is_asked_and_nothing_allocated),
		cmocka_unit_test(published_data_replaces_what_is_cached),
		cmocka_unit_test(name_server_identifier),
		cmocka_unit_test(client_subnet_is_ignored),
		cmocka_unit_test(class_chaos),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
