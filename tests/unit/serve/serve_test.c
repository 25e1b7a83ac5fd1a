/* SPDX-License-Identifier: GPL-3.0-or-later */
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
	{ "slow.example", "LATE", NULL, NULL },
	{ "broken.example", "SERVFAIL", NULL, NULL },
};
static const struct rule block[] = { { "block", "evil.test", POLICY_NXDOMAIN, POLICY_MATCH_NAME } };

static struct bench *new_bench(void)
{
	return bench_new(facts, ARRAY_LEN(facts), block, 1, false);
}

static void failures_say_why(void **state)
{
	(void)state;
	struct bench *b = new_bench();
	assert_string_equal(bench_ask(b, "broken.example", DNS_A), "SERVFAIL EDE 22");
	bench_free(b);
}

/* RFC 8767: expired data rather than none. */
static void stale_answers_when_servers_fail(void **state)
{
	(void)state;
	struct bench *b = new_bench();
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "NOERROR www.example A 192.0.2.1");
	bench_pass_time(b, 400);
	bench_break_internet(b, true);
	assert_string_equal(bench_ask(b, "www.example", DNS_A),
	                    "NOERROR www.example A 192.0.2.1 EDE 3");
	bench_pass_time(b, 4000); /* over stale_max_s */
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "SERVFAIL EDE 22");
	bench_free(b);
}

/* The flags of the answer to www.example A with these flags and an OPT record. */
static unsigned flags_for(struct bench *b, unsigned flags, bool is_do)
{
	uint8_t bytes[512];
	size_t n;
	size_t used = reply_write_query(bytes, 7, (const uint8_t *)"\3www\7example", DNS_A, true,
	                                false, true);
	store16(bytes + 2, (uint16_t)(FLAG_RD | flags));
	bytes[used - 4] = is_do ? 0x80 : 0;
	bench_send(b, bytes, used);
	return load16(bench_message(b, &n) + 2) & (FLAG_AD | FLAG_CD | 0xf);
}

/* RFC 4035 3.2.3, RFC 6840 5.7 and 5.8 */
static void authentic_data_is_told_to_who_asks(void **state)
{
	(void)state;
	bench_security = SECURITY_SECURE;
	struct bench *b = new_bench();
	for (int i = 0; i < 2; i++) { /* when it comes, and from the cache */
		assert_int_equal(flags_for(b, 0, false), 0);
		assert_int_equal(flags_for(b, FLAG_AD, false), FLAG_AD);
		assert_int_equal(flags_for(b, 0, true), FLAG_AD);
		assert_int_equal(flags_for(b, FLAG_CD | FLAG_AD, true), FLAG_CD);
	}
	bench_pass_time(b, 400);
	bench_break_internet(b, true);
	assert_int_equal(flags_for(b, FLAG_AD, true), 0); /* stale */
	bench_free(b);
	bench_security = SECURITY_INSECURE;
	b = new_bench();
	assert_int_equal(flags_for(b, FLAG_AD, true), 0);
	bench_free(b);
	bench_security = SECURITY_UNCHECKED;
}

static void bad_data_is_for_who_checks_it(void **state)
{
	(void)state;
	bench_security = SECURITY_BOGUS;
	struct bench *b = new_bench();
	for (int i = 0; i < 2; i++) {
		assert_string_equal(bench_ask(b, "www.example", DNS_A), "SERVFAIL EDE 7");
		assert_int_equal(flags_for(b, FLAG_AD, true), RCODE_SERVFAIL);
		assert_int_equal(flags_for(b, FLAG_CD, true), FLAG_CD);
	}
	/* It is no answer for the time when servers fail. */
	bench_pass_time(b, 400);
	bench_break_internet(b, true);
	assert_string_equal(bench_ask(b, "www.example", DNS_A), "SERVFAIL EDE 22");
	bench_free(b);
	bench_security = SECURITY_UNCHECKED;
}

static void question_waits_for_the_resolver(void **state)
{
	(void)state;
	struct bench *b = new_bench();
	assert_string_equal(bench_ask(b, "slow.example", DNS_A), "PARKED");
	assert_int_equal(bench_serve(b)->n_parked, 1);
	bench_free(b);
}

/* Shortly before its end an answer that is asked for is fetched anew, once. */
static void popular_answers_are_refreshed(void **state)
{
	(void)state;
	struct bench *b = new_bench();
	bench_ask(b, "www.example", DNS_A);
	bench_ask(b, "www.example", DNS_A);
	assert_int_equal(bench_n_resolved(b), 1);
	bench_pass_time(b, 280);
	bench_ask(b, "www.example", DNS_A);
	bench_ask(b, "www.example", DNS_A);
	assert_int_equal(bench_n_resolved(b), 2);
	bench_free(b);
}

/* clang-format off */
static const struct {
	const char *why;
	uint8_t bytes[64];
	size_t n;
	const char *expect;
} messages[] = {
	{ "shorter than a header", { 0, 1, 1, 0 }, 4, "DROP" },
	{ "an answer", { 0, 1, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1 }, 19, "DROP" },
	{ "header only", { 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 12, "FORMERR" },
	{ "two questions", { 0, 1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1,
			     1, 'b', 0, 0, 1, 0, 1 }, 26, "FORMERR" },
	{ "opcode 5", { 0, 1, 0x29, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1 }, 19, "NOTIMP" },
	{ "class CH", { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 16, 0, 3 }, 19, "REFUSED" },
	{ "AXFR", { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 252, 0, 1 }, 19, "REFUSED" },
	{ "compressed question", { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1 }, 18,
	  "FORMERR" },
	{ "bytes behind the end", { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1, 9 }, 20,
	  "FORMERR" },
	{ "no RD", { 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1 }, 19, "REFUSED" },
};
/* clang-format on */

static void odd_messages_get_the_right_answer(void **state)
{
	(void)state;
	struct bench *b = new_bench();
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		const char *got = bench_send(b, messages[i].bytes, messages[i].n);
		if (strcmp(got, messages[i].expect) != 0)
			fail_msg("%s: got %s, expected %s", messages[i].why, got,
			         messages[i].expect);
	}
	bench_free(b);
}

/* 0x20 and the like: what was asked comes back byte for byte. */
static void question_comes_back_in_its_case(void **state)
{
	(void)state;
	static const uint8_t asked[] = { 0,   9,   1,   0,   0,   1,   0, 0,   0,   0,
		                         0,   0,   3,   'w', 'W', 'w', 7, 'e', 'X', 'a',
		                         'm', 'P', 'l', 'E', 0,   0,   1, 0,   1 };
	struct bench *b = new_bench();
	size_t n;
	for (int turn = 0; turn < 2; turn++) {
		assert_string_equal(bench_send(b, asked, sizeof asked),
		                    "NOERROR www.example A 192.0.2.1");
		const uint8_t *msg = bench_message(b, &n);
		assert_memory_equal(msg + 12, asked + 12, sizeof asked - 12);
		assert_int_equal(load16(msg), 9);
	}
	bench_free(b);
}

/* Neither a cached nor a blocked answer may allocate. */
static void hits_do_not_allocate(void **state)
{
	(void)state;
	struct bench *b = new_bench();
	bench_ask(b, "www.example", DNS_A);
	bench_ask(b, "x.evil.test", DNS_A);
	bench_n_allocations = 0;
	bench_counts_allocations = true;
	for (int i = 0; i < 100; i++) {
		bench_ask(b, "www.example", DNS_A);
		bench_ask(b, "x.evil.test", DNS_A);
	}
	bench_counts_allocations = false;
	assert_int_equal(bench_n_allocations, 0);
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
		cmocka_unit_test(failures_say_why),
		cmocka_unit_test(stale_answers_when_servers_fail),
		cmocka_unit_test(authentic_data_is_told_to_who_asks),
		cmocka_unit_test(bad_data_is_for_who_checks_it),
		cmocka_unit_test(question_waits_for_the_resolver),
		cmocka_unit_test(popular_answers_are_refreshed),
		cmocka_unit_test(odd_messages_get_the_right_answer),
		cmocka_unit_test(question_comes_back_in_its_case),
		cmocka_unit_test(hits_do_not_allocate),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
