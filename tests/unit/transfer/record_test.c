/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct record_text *text;

static int set_up(void **state)
{
	(void)state;
	return record_text_new(&text);
}

static int tear_down(void **state)
{
	(void)state;
	record_text_free(text);
	return 0;
}

/* Rows: the line as somebody may write it, and as it always is (NULL: the same). */
static const struct {
	const char *why, *line, *expected;
} rows[] = {
	{ "alias", "bad.rpz.example.\t300\tCNAME\t.", NULL },
	{ "wildcard", "*.bad.rpz.example.\t300\tCNAME\t*.", NULL },
	{ "target in lower case", "x.rpz.example.\t5\tCNAME\tGarden.Example.",
	  "x.rpz.example.\t5\tCNAME\tgarden.example." },
	{ "address", "x.rpz.example.\t5\tA\t192.0.2.1", NULL },
	{ "address, new", "x.rpz.example.\t5\tAAAA\t2001:db8::1", NULL },
	{ "text", "x.rpz.example.\t5\tTXT\t\"a b\" \"c\\\"d\"", NULL },
	{ "mail", "x.rpz.example.\t5\tMX\t10 mail.example.", NULL },
	{ "type without a name", "x.rpz.example.\t5\tTYPE65280\t\\# 2 ABCD", NULL },
	{ "odd bytes in a name", "a\\032b\\009.rpz.example.\t5\tCNAME\t.", NULL },
	{ "trigger", "32.1.2.0.192.rpz-ip.rpz.example.\t5\tCNAME\trpz-drop.", NULL },
	{ "soa", "rpz.example.\t300\tSOA\tns.example. h.example. 7 3600 600 86400 60", NULL },
};

static void lines_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rr rr;
		const char *line;
		size_t n;
		const char *expected = rows[i].expected != NULL ? rows[i].expected : rows[i].line;
		if (record_from_line(text, rows[i].line, strlen(rows[i].line), &rr) != 0)
			fail_msg("%s: not read", rows[i].why);
		assert_int_equal(record_to_line(text, &rr, &line, &n), 0);
		assert_int_equal(n, strlen(line));
		if (strcmp(line, expected) != 0)
			fail_msg("%s: '%s'", rows[i].why, line);
	}
}

static void bad_lines_are_refused(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"",          "x",      "x.\t5\tA\t1.2.3", "x.\t5\tCNAME",
		"; comment", "$TTL 5", "x.\t5\tNOTYPE\t."
	};
	struct rr rr;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_int_equal(record_from_line(text, lines[i], strlen(lines[i]), &rr), -EBADMSG);
		assert_int_equal(record_from_line(text, "y.\t5\tA\t192.0.2.1", 16, &rr), 0);
		assert_int_equal(rr.type, DNS_A);
	}
}

static void bad_data_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint16_t type;
		const char *data;
		uint16_t n;
	} bad[] = { { DNS_A, "\1\2\3", 3 },   { DNS_CNAME, "\3abc", 4 }, { DNS_CNAME, "", 0 },
		    { DNS_CNAME, "\0\0", 2 }, { DNS_MX, "\0", 1 },       { DNS_SOA, "\0\0\0", 3 } };
	const char *line;
	size_t n;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct rr rr = { .owner = (const uint8_t *)"\1x",
			         .rdata = (const uint8_t *)bad[i].data,
			         .type = bad[i].type,
			         .class = DNS_CLASS_IN,
			         .rdata_len = bad[i].n };
		assert_int_equal(record_to_line(text, &rr, &line, &n), -EBADMSG);
	}
}

static void soa_is_read(void **state)
{
	(void)state;
	static const uint8_t data[] = "\2ns\0\1h\0\0\0\0\7\0\0\0\10\0\0\0\11\0\0\0\12\0\0\0\13";
	struct record_soa soa;
	assert_int_equal(record_soa_read(data, sizeof data - 1, &soa), 0);
	assert_int_equal(soa.serial, 7);
	assert_int_equal(soa.refresh_s, 8);
	assert_int_equal(soa.retry_s, 9);
	assert_int_equal(soa.expire_s, 10);
	assert_int_equal(soa.minimum_s, 11);
	for (size_t n = 0; n < sizeof data - 1; n++)
		assert_int_equal(record_soa_read(data, n, &soa), -EBADMSG);
	assert_int_equal(record_soa_read(data, sizeof data, &soa), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back),
		cmocka_unit_test(bad_lines_are_refused),
		cmocka_unit_test(bad_data_are_refused),
		cmocka_unit_test(soa_is_read),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
