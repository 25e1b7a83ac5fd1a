/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/reply.h"

#include <libknot/libknot.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ASK        "\x12\x34\1\x10\0\1\0\0\0\0\0\0"
#define ASK_EDNS   "\x12\x34\1\x10\0\1\0\0\0\0\0\1"
#define WWW_A      "\3wWw\7example\0\0\1\0\1"
#define OPT        "\0\0\x29\4\xd0\0\0\x80\0\0\0"
#define W(literal) ((const uint8_t *)(literal))

static const char plain[] = ASK WWW_A;
static const char edns[] = ASK_EDNS WWW_A OPT;

static struct question parse(const char *msg, size_t n)
{
	struct question q;
	assert_int_equal(message_parse_question(W(msg), n, &q), 0);
	return q;
}

/* libknot reads what we write. */
static knot_pkt_t *read_by_libknot(const uint8_t *bytes, size_t n)
{
	knot_pkt_t *p = knot_pkt_new((void *)(uintptr_t)bytes, (uint16_t)n, NULL);
	assert_non_null(p);
	assert_int_equal(knot_pkt_parse(p, 0), KNOT_EOK);
	return p;
}

static void test_answer(void **state)
{
	(void)state;
	uint8_t buf[1232];
	struct reply r;
	struct question q = parse(plain, sizeof plain - 1);
	reply_start(&r, buf, 512, &q, W(plain), 0);
	reply_add(&r, SECTION_ANSWER, NULL, DNS_CNAME, 300, W("\1w\7example"), 11);
	reply_add(&r, SECTION_ANSWER, W("\1w\7eXample"), DNS_A, 60, W("\xc0\0\2\1"), 4);
	reply_add(&r, SECTION_AUTHORITY, W("\7example"), DNS_NS, 5, W("\2ns\5other"), 10);
	reply_add(&r, SECTION_ADDITIONAL, W("\2ns\5other"), DNS_A, 5, W("\xc0\0\2\2"), 4);
	size_t n = reply_finish(&r, &q, RCODE_NOERROR, false, NULL, 0);
	assert_int_equal(load16(buf), 0x1234);
	assert_int_equal(load16(buf + 2), FLAG_QR | FLAG_RD | FLAG_RA | FLAG_CD);
	assert_memory_equal(buf + 12, "\3wWw\7example", 13); /* the case as asked */
	knot_pkt_t *p = read_by_libknot(buf, n);
	assert_null(p->opt_rr);
	const knot_pktsection_t *answer = knot_pkt_section(p, KNOT_ANSWER);
	assert_int_equal(answer->count, 2);
	const knot_rrset_t *a = knot_pkt_rr(answer, 1);
	assert_int_equal(a->type, KNOT_RRTYPE_A);
	assert_int_equal(a->ttl, 60);
	assert_true(name_equal(a->owner, W("\1w\7example")));
	assert_true(name_equal(knot_pkt_rr(answer, 0)->owner, W("\3www\7example")));
	assert_int_equal(knot_pkt_section(p, KNOT_AUTHORITY)->count, 1);
	assert_int_equal(knot_pkt_section(p, KNOT_ADDITIONAL)->count, 1);
	/* header, question, 2+10+11, 2+2+10+4, 2+10+10, 10+10+4: owners are compressed */
	assert_int_equal(n, 12 + 17 + 23 + 18 + 22 + 24);
	knot_pkt_free(p);
}

static void test_edns_and_errors(void **state)
{
	(void)state;
	uint8_t buf[1232];
	struct reply r;
	struct question q = parse(edns, sizeof edns - 1);
	struct ede edes[] = { { 15, "malware: example" }, { 22, "" } };
	reply_start(&r, buf, sizeof buf, &q, W(edns), 0);
	size_t n = reply_finish(&r, &q, RCODE_BADVERS, true, edes, 2);
	knot_pkt_t *p = read_by_libknot(buf, n);
	assert_non_null(p->opt_rr);
	assert_int_equal(knot_pkt_ext_rcode(p), RCODE_BADVERS);
	assert_int_equal(knot_edns_get_payload(p->opt_rr), REPLY_UDP_SIZE);
	assert_int_equal(knot_edns_get_version(p->opt_rr), 0);
	assert_true(knot_edns_do(p->opt_rr));
	assert_true(knot_wire_get_ad(p->wire));
	uint8_t *option = knot_edns_get_option(p->opt_rr, KNOT_EDNS_OPTION_EDE, NULL);
	assert_non_null(option);
	assert_int_equal(load16(option + 4), 15);
	assert_memory_equal(option + 6, "malware: example", 16);
	option = knot_edns_get_option(p->opt_rr, KNOT_EDNS_OPTION_EDE, option);
	assert_non_null(option);
	assert_int_equal(load16(option + 4), 22);
	knot_pkt_free(p);
}

/* What does not fit leaves an answer without records that says so, with OPT and errors. */
static void test_truncated(void **state)
{
	(void)state;
	uint8_t buf[4096];
	struct question q = parse(edns, sizeof edns - 1);
	struct ede ede = { 15, "malware" };
	uint8_t rdata[100] = { 99 };
	for (size_t limit = 512; limit < 700; limit++) {
		struct reply r;
		memset(buf, 0xee, sizeof buf);
		reply_start(&r, buf, limit, &q, W(edns), 11);
		for (unsigned i = 0; i < 6; i++)
			reply_add(&r, SECTION_ANSWER, NULL, DNS_TXT, 5, rdata, sizeof rdata);
		size_t n = reply_finish(&r, &q, RCODE_NOERROR, false, &ede, 1);
		assert_true(n <= limit);
		assert_int_equal(buf[limit], 0xee);
		bool is_cut = (load16(buf + 2) & FLAG_TC) != 0;
		assert_int_equal(load16(buf + 6), is_cut ? 0 : 6);
		assert_int_equal(is_cut, 12 + 17 + 6 * 112 + 11 > limit);
		knot_pkt_t *p = read_by_libknot(buf, n);
		assert_non_null(p->opt_rr);
		knot_pkt_free(p);
	}
}

/* Extended errors give way to records: first their text goes, then they do. */
static void test_little_room_for_errors(void **state)
{
	(void)state;
	struct question q = parse(edns, sizeof edns - 1);
	struct ede ede = { 17, "a text of twenty byt" };
	for (size_t limit = 40; limit < 80; limit++) {
		uint8_t *buf = malloc(limit);
		struct reply r;
		assert_non_null(buf);
		reply_start(&r, buf, limit, &q, W(edns), 11);
		size_t n = reply_finish(&r, &q, RCODE_NOERROR, false, &ede, 1);
		size_t expected = 12 + 17 + 11;
		if (limit >= expected + 6 + 20)
			expected += 6 + 20;
		else if (limit >= expected + 6)
			expected += 6;
		assert_int_equal(n, expected);
		knot_pkt_t *p = read_by_libknot(buf, n);
		knot_pkt_free(p);
		free(buf);
	}
}

static void test_long_text_is_cut(void **state)
{
	(void)state;
	char text[1000];
	uint8_t buf[4096];
	struct reply r;
	struct question q = parse(edns, sizeof edns - 1);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	struct ede edes[] = { { 15, text }, { 16, text }, { 17, text }, { 18, text } };
	reply_start(&r, buf, sizeof buf, &q, W(edns), 0);
	size_t n = reply_finish(&r, &q, RCODE_NOERROR, false, edes, 4);
	assert_int_equal(n, 12 + 17 + 11 + EDE_MAX * (6 + EDE_TEXT_MAX));
}

/* A question that could not be read: a header alone comes back. */
static void test_no_question(void **state)
{
	(void)state;
	static const char bytes[] = "\x12\x34\x79\x10\0\0\0\0\0\0\0\0";
	uint8_t buf[512];
	struct question q;
	struct reply r;
	assert_int_equal(message_parse_question(W(bytes), 12, &q), RCODE_NOTIMP);
	memset(buf, 1, sizeof buf); /* what lay in the buffer before is no question */
	reply_start(&r, buf, sizeof buf, &q, W(bytes), 0);
	size_t n = reply_finish(&r, &q, RCODE_NOTIMP, false, NULL, 0);
	assert_int_equal(n, 12);
	assert_memory_equal(buf, "\x12\x34\xf9\x94\0\0\0\0\0\0\0\0", 12); /* opcode, RD, CD kept */
}

static void test_record_without_question(void **state)
{
	(void)state;
	uint8_t buf[512];
	struct question q = { .has_question = false };
	struct reply r;
	memset(buf, 1, sizeof buf); /* looks like a name without an end */
	reply_start(&r, buf, sizeof buf, &q, NULL, 0);
	reply_add(&r, SECTION_ANSWER, W("\1x"), DNS_A, 5, W("\xc0\0\2\1"), 4);
	size_t n = reply_finish(&r, &q, RCODE_NOERROR, false, NULL, 0);
	assert_int_equal(n, 12 + 3 + 10 + 4);
	assert_memory_equal(buf + 12, "\1x", 3);
}

static void test_query(void **state)
{
	(void)state;
	uint8_t buf[512];
	size_t n =
		reply_write_query(buf, 0xabcd, W("\3www\7example"), DNS_AAAA, false, false, true);
	knot_pkt_t *p = read_by_libknot(buf, n);
	assert_int_equal(knot_wire_get_id(buf), 0xabcd);
	assert_int_equal(load16(buf + 2), 0);
	assert_int_equal(knot_pkt_qtype(p), KNOT_RRTYPE_AAAA);
	assert_non_null(p->opt_rr);
	assert_true(knot_edns_do(p->opt_rr));
	assert_int_equal(knot_edns_get_payload(p->opt_rr), REPLY_UDP_SIZE);
	knot_pkt_free(p);
	n = reply_write_query(buf, 1, W(""), DNS_NS, true, true, false);
	assert_int_equal(n, 17);
	assert_memory_equal(buf, "\0\1\1\x10\0\1\0\0\0\0\0\0\0\0\2\0\1", 17);
	struct question q; /* our own parser takes it too */
	assert_int_equal(message_parse_question(buf, n, &q), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_edns_and_errors),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_little_room_for_errors),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_no_question),
		cmocka_unit_test(test_record_without_question),
		cmocka_unit_test(test_query),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
