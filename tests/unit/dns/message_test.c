/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- questions ---- */

#define HEAD(flags, qd, an, ns, ar) "\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
#define ASK                         HEAD("\1\0", "\1", "\0", "\0", "\0")
#define ASK_EDNS                    HEAD("\1\0", "\1", "\0", "\0", "\1")
#define WWW                         "\3wWw\7example\0"
#define WWW_A                       WWW "\0\1\0\1"
#define B(s)                        (s), sizeof(s) - 1

static const struct {
	const char *why, *bytes;
	size_t n;
	int expected;
	bool has_question;
} questions[] = {
	/* clang-format off */
	{ "plain", B(ASK WWW_A), 0, true },
	{ "root NS", B(ASK "\0" "\0\2\0\1"), 0, true },
	{ "no RD", B(HEAD("\0\0", "\1", "\0", "\0", "\0") WWW_A), 0, true },
	{ "unknown flag Z (RFC 8906 8.1.4: ignored)", B(HEAD("\1\x40", "\1", "\0", "\0", "\0") WWW_A), 0, true },
	{ "AA, TC, RA and an rcode in a question are ignored", B(HEAD("\7\x8f", "\1", "\0", "\0", "\0") WWW_A), 0, true },
	{ "unknown type (RFC 8906 8.1.2)", B(ASK WWW "\4\0\0\1"), 0, true },
	{ "type ANY", B(ASK WWW "\0\xff\0\1"), 0, true },
	{ "EDNS", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\0\0\0\0\0"), 0, true },
	{ "EDNS, unknown flags (RFC 8906 8.2.4)", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\0\0\x40\0\0"), 0, true },
	{ "EDNS, unknown option (RFC 8906 8.2.3)", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\0\0\0\0\4\xff\xf0\0\0"), 0, true },
	{ "EDNS version 1 (RFC 8906 8.2.2)", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\1\0\0\0\0"), RCODE_BADVERS, true },
	{ "EDNS version 1 and unknown option", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\1\0\0\0\4\xff\xf0\0\0"), RCODE_BADVERS, true },
	{ "another record beside OPT", B(HEAD("\1\0", "\1", "\0", "\0", "\2") WWW_A "\0\0\x29\4\xd0\0\0\0\0\0\0" "\1x\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4"), 0, true },
	{ "nothing", B(""), -ENODATA, false },
	{ "eleven bytes", B("\x12\x34\1\0\0\1\0\0\0\0\0"), -ENODATA, false },
	{ "an answer (QR)", B(HEAD("\x81\0", "\1", "\0", "\0", "\0") WWW_A), -ENODATA, false },
	{ "opcode 15 (RFC 8906 8.1.1)", B(HEAD("\x78\0", "\0", "\0", "\0", "\0")), RCODE_NOTIMP, false },
	{ "NOTIFY", B(HEAD("\x20\0", "\1", "\0", "\0", "\0") WWW_A), RCODE_NOTIMP, false },
	{ "a header alone", B(ASK), RCODE_FORMERR, false },
	{ "no question", B(HEAD("\1\0", "\0", "\0", "\0", "\0")), RCODE_FORMERR, false },
	{ "two questions (RFC 9619)", B(HEAD("\1\0", "\2", "\0", "\0", "\0") WWW_A WWW_A), RCODE_FORMERR, false },
	{ "name cut off", B(ASK "\3ww"), RCODE_FORMERR, false },
	{ "no type", B(ASK WWW), RCODE_FORMERR, false },
	{ "half a class", B(ASK WWW "\0\1\0"), RCODE_FORMERR, false },
	{ "a pointer in the question", B(ASK "\3www\xc0\x0c\0\1\0\1"), RCODE_FORMERR, false },
	{ "a label of type 01", B(ASK "\x41" "a\0\0\1\0\1"), RCODE_FORMERR, false },
	{ "bytes behind the end", B(ASK WWW_A "x"), RCODE_FORMERR, true },
	{ "ANCOUNT 1", B(HEAD("\1\0", "\1", "\1", "\0", "\0") WWW_A), RCODE_FORMERR, true },
	{ "ARCOUNT without a record", B(ASK_EDNS WWW_A), RCODE_FORMERR, true },
	{ "two OPT (RFC 6891 6.1.1)", B(HEAD("\1\0", "\1", "\0", "\0", "\2") WWW_A "\0\0\x29\4\xd0\0\0\0\0\0\0" "\0\0\x29\4\xd0\0\0\0\0\0\0"), RCODE_FORMERR, true },
	{ "OPT not at the root", B(ASK_EDNS WWW_A "\1x\0\0\x29\4\xd0\0\0\0\0\0\0"), RCODE_FORMERR, true },
	{ "OPT cut off", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\0\0\0\0"), RCODE_FORMERR, true },
	{ "OPT longer than the message", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\0\0\0\0\5\0\3"), RCODE_FORMERR, true },
	{ "option longer than OPT", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\0\0\0\0\4\0\3\0\1"), RCODE_FORMERR, true },
	{ "half an option head", B(ASK_EDNS WWW_A "\0\0\x29\4\xd0\0\0\0\0\0\3\0\3\0"), RCODE_FORMERR, true },
	{ "AXFR", B(ASK WWW "\0\xfc\0\1"), RCODE_REFUSED, true },
	{ "IXFR with its SOA", B(HEAD("\1\0", "\1", "\0", "\1", "\0") WWW "\0\xfb\0\1" "\0\0\6\0\1"), RCODE_REFUSED, true },
	{ "class CH", B(ASK WWW "\0\x10\0\3"), RCODE_REFUSED, true },
	{ "class ANY", B(ASK WWW "\0\1\0\xff"), RCODE_REFUSED, true },
	{ "type 0", B(ASK WWW "\0\0\0\1"), RCODE_FORMERR, true },
	{ "type OPT", B(ASK WWW "\0\x29\0\1"), RCODE_FORMERR, true },
	{ "type MAILA", B(ASK WWW "\0\xfe\0\1"), RCODE_NOTIMP, true },
	/* clang-format on */
};

static void test_questions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		struct question q;
		memset(&q, 0xaa, sizeof q);
		uint8_t *exact = malloc(questions[i].n + 1);
		assert_non_null(exact);
		memcpy(exact, questions[i].bytes, questions[i].n);
		exact = realloc(exact, questions[i].n > 0 ? questions[i].n : 1);
		print_message("%s\n", questions[i].why);
		assert_int_equal(message_parse_question(exact, questions[i].n, &q),
		                 questions[i].expected);
		assert_int_equal(q.has_question, questions[i].has_question);
		if (q.has_question)
			assert_memory_equal(
				exact + 12 + q.wire_bytes - 4,
				((uint8_t[]){ (uint8_t)(q.type >> 8), (uint8_t)q.type,
			                      (uint8_t)(q.class >> 8), (uint8_t)q.class }),
				4);
		free(exact);
	}
}

static void test_what_a_question_says(void **state)
{
	(void)state;
	static const char bytes[] =
		HEAD("\1\x10", "\1", "\0", "\0", "\1") WWW "\0\x1c\0\1"
							   "\0\0\x29\x10\0\0\0\x80\0\0\0";
	struct question q;
	assert_int_equal(message_parse_question((const uint8_t *)bytes, sizeof bytes - 1, &q), 0);
	assert_int_equal(q.id, 0x1234);
	assert_int_equal(q.flags, FLAG_RD | FLAG_CD);
	assert_int_equal(q.type, DNS_AAAA);
	assert_int_equal(q.class, DNS_CLASS_IN);
	assert_int_equal(q.wire_bytes, 17);
	assert_int_equal(q.udp_size, 4096);
	assert_true(q.has_edns);
	assert_true(q.is_do);
	assert_int_equal(q.name.len, 13);
	assert_memory_equal(q.name.wire, "\3www\7example", 13);
	/* RFC 6891 6.2.3: less than 512 counts as 512. Without EDNS it is 512. */
	static const char small[] = ASK_EDNS WWW_A "\0\0\x29\0\x10\0\0\0\0\0\0";
	assert_int_equal(message_parse_question((const uint8_t *)small, sizeof small - 1, &q), 0);
	assert_int_equal(q.udp_size, 512);
	assert_int_equal(message_parse_question((const uint8_t *)(ASK WWW_A), 29, &q), 0);
	assert_int_equal(q.udp_size, 512);
	assert_false(q.has_edns);
}

static void test_longest_question(void **state)
{
	(void)state;
	uint8_t bytes[300] = ASK;
	struct question q;
	for (unsigned i = 0; i < 254; i++)
		bytes[12 + i] = i % 2 == 0 ? 1 : 'X';
	bytes[12 + 254] = 0;
	bytes[12 + 254 + 2] = 1;
	bytes[12 + 254 + 4] = 1;
	assert_int_equal(message_parse_question(bytes, 12 + 255 + 4, &q), 0);
	assert_int_equal(q.name.len, 255);
	assert_int_equal(q.name.wire[1], 'x');
	/* one label more */
	bytes[12 + 254] = 1;
	bytes[12 + 255] = 'x';
	memcpy(bytes + 12 + 256, "\0\0\1\0\1", 5);
	assert_int_equal(message_parse_question(bytes, 12 + 257 + 4, &q), RCODE_FORMERR);
	assert_false(q.has_question);
}

/* ---- names ---- */

static void test_names_in_messages(void **state)
{
	(void)state;
	static const struct {
		const char *why, *bytes;
		size_t n, at;
		const char *expected; /* NULL: -EBADMSG */
		size_t len, next;
	} rows[] = {
		{ "plain", B("\1A\1b\0z"), 0, "\1a\1b", 5, 5 },
		{ "pointer", B("\1b\0\1a\xc0\0z"), 3, "\1a\1b", 5, 7 },
		{ "only a pointer", B("\1b\0\xc0\0"), 3, "\1b", 3, 5 },
		{ "pointer to a pointer", B("\1c\0\1b\xc0\0\1a\xc0\3"), 7, "\1a\1b\1c", 7, 11 },
		{ "to itself", B("\xc0\0"), 0, NULL, 0, 0 },
		{ "forward", B("\xc0\2\1a\0"), 0, NULL, 0, 0 },
		{ "into its own labels", B("\1a\1b\xc0\0"), 0, NULL, 0, 0 },
		{ "into the middle of its own labels", B("\1a\1b\xc0\2"), 0, NULL, 0, 0 },
		{ "two that point at each other", B("\xc0\2\xc0\0"), 2, NULL, 0, 0 },
		{ "half a pointer", B("\1a\xc0"), 0, NULL, 0, 0 },
		{ "cut label", B("\5abc"), 0, NULL, 0, 0 },
		{ "no end", B("\1a"), 0, NULL, 0, 0 },
		{ "label type 01",
		  B("\x40"
		    "aaaa\0"),
		  0, NULL, 0, 0 },
		{ "label type 10",
		  B("\x80"
		    "aaaa\0"),
		  0, NULL, 0, 0 },
		{ "outside", B("\0"), 1, NULL, 0, 0 },
		{ "far outside", B("\0"), 100, NULL, 0, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t name[NAME_MAX_BYTES];
		size_t len = 99;
		size_t next = 99;
		uint8_t *exact = malloc(rows[i].n);
		assert_non_null(exact);
		memcpy(exact, rows[i].bytes, rows[i].n);
		print_message("%s\n", rows[i].why);
		int e = name_from_message(exact, rows[i].n, rows[i].at, name, &len, &next);
		free(exact);
		if (rows[i].expected == NULL) {
			assert_int_equal(e, -EBADMSG);
			assert_int_equal(len, 99);
			assert_int_equal(next, 99);
			continue;
		}
		assert_int_equal(e, 0);
		assert_int_equal(len, rows[i].len);
		assert_int_equal(next, rows[i].next);
		assert_memory_equal(name, rows[i].expected, len);
	}
}

/* Pointers that add a label each time end at 255 bytes, whatever is there to be read. */
static void test_name_does_not_grow(void **state)
{
	(void)state;
	uint8_t msg[2048];
	uint8_t name[NAME_MAX_BYTES];
	size_t len;
	size_t next;
	size_t at = 0;
	size_t before = 0;
	msg[at++] = 0;
	for (unsigned i = 0; i < 300; i++) { /* "\1a" and a pointer to the one before */
		size_t start = at;
		msg[at++] = 1;
		msg[at++] = 'a';
		msg[at++] = (uint8_t)(0xc0 | before >> 8);
		msg[at++] = (uint8_t)before;
		before = start;
		int e = name_from_message(msg, at, start, name, &len, &next);
		assert_int_equal(e, i < 127 ? 0 : -EBADMSG);
		if (e == 0)
			assert_int_equal(len, 2 * (i + 1) + 1);
	}
}

/* ---- walking ---- */

#define REPLY(qd, an, ns, ar) HEAD("\x81\x80", qd, an, ns, ar)

static void test_walk(void **state)
{
	(void)state;
	static const char bytes[] = REPLY("\1", "\3", "\1", "\3") WWW_A
		"\xc0\x0c\0\5\0\1\0\0\1\x2c\0\4\1W\xc0\x10"   /* CNAME W.example */
		"\1w\xc0\x10\0\1\0\1\x80\0\0\1\0\4\xc0\0\2\1" /* A, TTL with the top bit */
		"\xc0\x10\0\4\0\1\0\0\0\5\0\4\1m\xc0\x10"     /* MF: obsolete, yet compressible */
		"\xc0\x10\0\6\0\1\0\0\0\5\0\x1a\xc0\x0c\1h\xc0\x10"
		"1234"
		"5678"
		"abcd"
		"efgh"
		"ijkl"                                                    /* SOA */
		"\xc0\x10\0\x21\0\1\0\0\0\5\0\x0a\0\1\0\2\0\3\1s\xc0\x10" /* SRV */
		"\xc0\x10\xff\0\0\1\0\0\0\5\0\3\xc0\x0c\xc0"              /* unknown: opaque */
		"\0\0\x29\x10\0\x80\0\x80\0\0\0"; /* OPT: its TTL is no time */
	static const struct {
		int section;
		uint16_t type;
		uint32_t ttl_s;
		const char *owner;
		size_t owner_len;
		const char *rdata;
		size_t rdata_len;
	} rows[] = {
		{ SECTION_ANSWER, DNS_CNAME, 300, B("\3www\7example\0"), B("\1W\7example\0") },
		{ SECTION_ANSWER, DNS_A, 0, B("\1w\7example\0"), B("\xc0\0\2\1") },
		{ SECTION_ANSWER, 4, 5, B("\7example\0"), B("\1m\7example\0") },
		{ SECTION_AUTHORITY, DNS_SOA, 5, B("\7example\0"),
		  B("\3wWw\7example\0\1h\7example\0"
		    "12345678abcdefghijkl") },
		{ SECTION_ADDITIONAL, DNS_SRV, 5, B("\7example\0"),
		  B("\0\1\0\2\0\3\1s\7example\0") },
		{ SECTION_ADDITIONAL, 65280, 5, B("\7example\0"), B("\xc0\x0c\xc0") },
		{ SECTION_ADDITIONAL, DNS_OPT, 0x80008000, B("\0"), B("") },
	};
	uint8_t scratch[4 * sizeof bytes + 1024];
	struct message m;
	struct rr rr;
	assert_int_equal(
		message_open((const uint8_t *)bytes, sizeof bytes - 1, scratch, sizeof scratch, &m),
		0);
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.type, DNS_A);
	assert_int_equal(m.class, DNS_CLASS_IN);
	assert_memory_equal(m.question, "\3wWw\7example", 13);
	assert_memory_equal(m.question_lower, "\3www\7example", 13);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(message_next(&m, &rr), 1);
		assert_int_equal(rr.section, rows[i].section);
		assert_int_equal(rr.type, rows[i].type);
		assert_int_equal(rr.ttl_s, rows[i].ttl_s);
		assert_int_equal(rr.rdata_len, rows[i].rdata_len);
		assert_memory_equal(rr.owner, rows[i].owner, rows[i].owner_len);
		assert_memory_equal(rr.rdata, rows[i].rdata, rows[i].rdata_len);
	}
	assert_int_equal(message_next(&m, &rr), 0);
	assert_int_equal(message_next(&m, &rr), 0);
}

/* Cut anywhere, no read goes past the end; and less scratch than needed is said, not overrun. */
static void test_walk_cut(void **state)
{
	(void)state;
	static const char bytes[] = REPLY("\1", "\2", "\0", "\0") WWW_A
		"\xc0\x0c\0\x0f\0\1\0\0\0\5\0\6\0\x0a\1m\xc0\x10"
		"\1w\xc0\x10\0\x1c\0\1\0\0\0\5\0\x10"
		"0123456789abcdef";
	for (size_t n = 0; n < sizeof bytes; n++) {
		for (size_t room = 0; room <= 1024; room += 64) {
			uint8_t *exact = malloc(n + 1);
			uint8_t *scratch = malloc(room + 1);
			struct message m;
			struct rr rr;
			assert_non_null(exact);
			assert_non_null(scratch);
			memcpy(exact, bytes, n);
			exact = realloc(exact, n > 0 ? n : 1);
			int e = message_open(exact, n, scratch, room, &m);
			unsigned records = 0;
			while (e == 0 && (e = message_next(&m, &rr)) == 1) {
				records++;
				e = 0;
			}
			if (n == sizeof bytes - 1 && room == 1024)
				assert_true(e == 0 && records == 2);
			if (n < sizeof bytes - 1)
				assert_true(e == -EBADMSG || e == -ENOBUFS);
			free(scratch);
			free(exact);
		}
	}
}

static void test_bad_records(void **state)
{
	(void)state;
	static const struct {
		const char *why, *bytes;
		size_t n;
	} rows[] = {
		{ "A of 3 bytes", B("\0\0\1\0\1\0\0\0\0\0\3\1\2\3") },
		{ "A of 5 bytes", B("\0\0\1\0\1\0\0\0\0\0\5\1\2\3\4\5") },
		{ "AAAA of 4 bytes", B("\0\0\x1c\0\1\0\0\0\0\0\4\1\2\3\4") },
		{ "NS with a byte behind its name", B("\0\0\2\0\1\0\0\0\0\0\4\1a\0x") },
		{ "NS whose name leaves the record", B("\0\0\2\0\1\0\0\0\0\0\1\1a\0") },
		{ "MX without a name", B("\0\0\x0f\0\1\0\0\0\0\0\2\0\x0a") },
		{ "SOA cut short", B("\0\0\6\0\1\0\0\0\0\0\6\0\0"
		                     "1234") },
		{ "NAPTR whose strings leave the record",
		  B("\0\0\x23\0\1\0\0\0\0\0\6\0\1\0\1\x20x") },
		{ "longer than the message", B("\0\0\x10\0\1\0\0\0\0\0\x10\1a") },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[128] = REPLY("\0", "\1", "\0", "\0");
		uint8_t scratch[2048];
		struct message m;
		struct rr rr;
		memcpy(bytes + 12, rows[i].bytes, rows[i].n);
		print_message("%s\n", rows[i].why);
		assert_int_equal(message_open(bytes, 12 + rows[i].n, scratch, sizeof scratch, &m),
		                 0);
		assert_null(m.question);
		assert_int_equal(message_next(&m, &rr), -EBADMSG);
	}
}

static void test_bad_openings(void **state)
{
	(void)state;
	uint8_t scratch[2048];
	struct message m;
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ B("") },
		{ B("\x12\x34\x81\x80\0\0\0\0\0\0\0") },
		{ B(REPLY("\2", "\0", "\0", "\0") WWW_A WWW_A) },
		{ B(REPLY("\1", "\0", "\0", "\0")) },
		{ B(REPLY("\1", "\0", "\0", "\0") "\xc0\0\0\1\0\1") },
		{ B(REPLY("\1", "\0", "\0", "\0") WWW "\0\1\0") },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(message_open((const uint8_t *)rows[i].bytes, rows[i].n, scratch,
		                              sizeof scratch, &m),
		                 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_what_a_question_says),
		cmocka_unit_test(test_longest_question),
		cmocka_unit_test(test_names_in_messages),
		cmocka_unit_test(test_name_does_not_grow),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_cut),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_bad_openings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
