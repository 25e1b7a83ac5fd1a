/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "cache/cache.h"

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

/* A message with the question and what answer_write gave, for the walker to read. */
static size_t make_message(const struct answer *a, uint32_t now_s, bool with_dnssec, uint8_t *buf,
                           size_t room)
{
	size_t head = DNS_HEADER_BYTES + name_len(a->name) + 4;
	uint16_t counts[2];
	memset(buf, 0, head);
	buf[5] = 1;
	memcpy(buf + DNS_HEADER_BYTES, a->name, name_len(a->name));
	store16(buf + head - 4, a->type);
	store16(buf + head - 2, DNS_CLASS_IN);
	int n = answer_write(a, now_s, 30, with_dnssec, buf + head, room - head, counts);
	assert_true(n >= 0);
	store16(buf + 6, counts[0]);
	store16(buf + 8, counts[1]);
	return head + (size_t)n;
}

/* Owner, type and TTL of each record, as text. */
static void describe(const uint8_t *msg, size_t n, char *ret, size_t room)
{
	static uint8_t scratch[65536];
	struct message m;
	struct rr rr;
	int e;
	size_t at = 0;
	assert_int_equal(message_open(msg, n, scratch, sizeof scratch, &m), 0);
	ret[0] = 0;
	while ((e = message_next(&m, &rr)) == 1) {
		char text[NAME_TEXT_MAX];
		name_to_text(rr.owner, text);
		at += (size_t)snprintf(ret + at, room - at, "%s%s %u %u", at > 0 ? "|" : "", text,
		                       rr.type, rr.ttl_s);
	}
	assert_int_equal(e, 0);
	assert_int_equal(m.at, n);
}

static struct cut *make_cut(const char *zone, const struct cut *parent)
{
	struct name z = name_of(zone);
	struct name ns = name_of("ns1.example.net");
	struct addr a = addr_v4(0xc0000201);
	struct cut_plan_server server = { .name = ns.wire, .n_addrs = 1, .addrs = &a };
	struct cut_plan plan = { .zone = z.wire,
		                 .hash = name_hash(z.wire),
		                 .now_s = 100,
		                 .ttl_s = 1000,
		                 .parent = parent,
		                 .n_servers = 1,
		                 .servers = &server };
	struct cut *c;
	assert_int_equal(cut_new(&plan, &c), 0);
	return c;
}

static void chain_is_laid_out_and_counted_down(void **state)
{
	(void)state;
	struct name q = name_of("www.example.com");
	struct name hop = name_of("cdn.other.net");
	struct name deep = name_of("a.b.cdn.other.net");
	static const uint8_t addr[4] = { 192, 0, 2, 1 };
	static const uint8_t sig[40] = { 0, 1, 5, 2 };
	const struct answer_rr rrs[] = {
		{ q.wire, hop.wire, DNS_CNAME, hop.len, 300, false },
		{ q.wire, sig, DNS_RRSIG, sizeof sig, 300, false },
		{ hop.wire, deep.wire, DNS_CNAME, deep.len, 200, false },
		{ deep.wire, addr, DNS_A, 4, 100, false },
		{ deep.wire, sig, DNS_RRSIG, sizeof sig, 100, false },
	};
	struct cut *cut = make_cut("example.com", NULL);
	const struct cut *cuts[] = { cut };
	struct answer_plan plan = { .name = q.wire,
		                    .hash = name_hash(q.wire),
		                    .type = DNS_A,
		                    .now_s = 1000,
		                    .ttl_s = 100,
		                    .rrs = rrs,
		                    .n_rrs = 5,
		                    .cuts = cuts,
		                    .n_cuts = 1 };
	struct answer *a;
	uint8_t msg[4096];
	char text[1024];
	assert_int_equal(answer_new(&plan, &a), 0);
	assert_int_equal(cut->refs, 2);

	describe(msg, make_message(a, 1000, false, msg, sizeof msg), text, sizeof text);
	assert_string_equal(text,
	                    "www.example.com 5 300|cdn.other.net 5 200|a.b.cdn.other.net 1 100");

	/* Forty seconds later, with signatures; they come after the plain records. */
	describe(msg, make_message(a, 1040, true, msg, sizeof msg), text, sizeof text);
	assert_string_equal(text, "www.example.com 5 260|cdn.other.net 5 160|"
	                          "a.b.cdn.other.net 1 60|www.example.com 46 260|"
	                          "a.b.cdn.other.net 46 60");

	/* Expired: all TTLs are the stale one. */
	describe(msg, make_message(a, 1200, false, msg, sizeof msg), text, sizeof text);
	assert_string_equal(text, "www.example.com 5 30|cdn.other.net 5 30|a.b.cdn.other.net 1 30");

	uint16_t counts[2];
	assert_int_equal(answer_write(a, 1000, 30, false, msg, a->an_bytes - 1U, counts),
	                 -EMSGSIZE);
	a->item.release(a);
	assert_int_equal(cut->refs, 1);
	cut_put(cut);
}

static void negative_has_soa_and_proofs_for_do_only(void **state)
{
	(void)state;
	struct name q = name_of("nope.example.com");
	struct name zone = name_of("example.com");
	uint8_t soa[64] = { 0 };
	uint8_t nsec[16] = { 0 };
	const struct answer_rr rrs[] = {
		{ zone.wire, soa, DNS_SOA, 22, 9999, true },
		{ zone.wire, nsec, DNS_NSEC, 8, 9999, true },
	};
	struct answer_plan plan = { .name = q.wire,
		                    .hash = name_hash(q.wire),
		                    .type = DNS_A,
		                    .rcode = RCODE_NXDOMAIN,
		                    .now_s = 10,
		                    .ttl_s = 60,
		                    .rrs = rrs,
		                    .n_rrs = 2 };
	struct answer *a;
	uint8_t msg[1024];
	char text[256];
	assert_int_equal(answer_new(&plan, &a), 0);
	describe(msg, make_message(a, 20, false, msg, sizeof msg), text, sizeof text);
	assert_string_equal(text, "example.com 6 50"); /* RFC 2308 5: no longer than the whole */
	describe(msg, make_message(a, 20, true, msg, sizeof msg), text, sizeof text);
	assert_string_equal(text, "example.com 6 50|example.com 47 50");
	a->item.release(a);
}

static void asked_for_signatures_are_plain(void **state)
{
	(void)state;
	struct name q = name_of("example.com");
	uint8_t sig[40] = { 0 };
	const struct answer_rr rrs[] = { { q.wire, sig, DNS_RRSIG, 40, 60, false } };
	struct answer_plan plan = { .name = q.wire,
		                    .hash = name_hash(q.wire),
		                    .type = DNS_RRSIG,
		                    .now_s = 10,
		                    .ttl_s = 60,
		                    .rrs = rrs,
		                    .n_rrs = 1 };
	struct answer *a;
	assert_int_equal(answer_new(&plan, &a), 0);
	assert_int_equal(a->n_an, 1);
	assert_int_equal(a->n_an_sigs, 0);
	a->item.release(a);
}

static void too_large_is_refused(void **state)
{
	(void)state;
	static uint8_t big[40000];
	struct name q = name_of("example.com");
	const struct answer_rr rrs[] = { { q.wire, big, DNS_TXT, 40000, 60, false },
		                         { q.wire, big, DNS_TXT, 40000, 60, false } };
	struct answer_plan plan = {
		.name = q.wire, .type = DNS_TXT, .now_s = 10, .ttl_s = 60, .rrs = rrs, .n_rrs = 2
	};
	struct answer *a = NULL;
	assert_int_equal(answer_new(&plan, &a), -EMSGSIZE);
	assert_null(a);
}

static void cuts_keep_their_parents(void **state)
{
	(void)state;
	struct cut *root = make_cut(".", NULL);
	struct cut *com = make_cut("com", root);
	struct cut *leaf = make_cut("example.com", com);
	char text[NAME_TEXT_MAX];
	assert_int_equal(root->refs, 2);
	cut_put(root);
	cut_put(com);
	name_to_text(leaf->parent->parent->zone, text);
	assert_string_equal(text, ".");
	assert_int_equal(leaf->n_addrs, 1);
	assert_int_equal(leaf->servers[0].n_addrs, 1);
	cut_put(leaf); /* frees all three: the leak checker looks */
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
	rcu_drain();
	rcu_thread_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_is_laid_out_and_counted_down),
		cmocka_unit_test(negative_has_soa_and_proofs_for_do_only),
		cmocka_unit_test(asked_for_signatures_are_plain),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(cuts_keep_their_parents),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
