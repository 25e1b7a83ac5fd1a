/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns and separators; lines and values have rows in format_test.c and value_test.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"

static const struct {
	const char *why, *column;
	char separator;
	int error;
	const char *text, *expected;
} rows[] = {
	/* clang-format off */
	{ "by number", "3", 0, 0, "1,x,a.b,y\n2,x,\"b.c\",\"y,z\"\n", "tree a.b; tree b.c" },
	{ "titles above a number", "2", ';', 0, "id;host\n1;a.b\n2;c d\n", "tree a.b; skip BAD_CHARACTER 1" },
	{ "one line of titles only", "1", 0, 0, "x y\nx y\nz\n2001:db8::1\n", "tree z; answer 2001:db8::1/128; skip BAD_CHARACTER 1" },
	{ "an address at first", "1", 0, 0, "2001:db8::1\n", "answer 2001:db8::1/128" },
	{ "by title", "Host", 0, 0, "id,\"HOST\",x\n1,a.b,c.d\n", "tree a.b" },
	{ "titles in a comment", "url", 0, 0, "################\n# made today\n# id,dateadded,url\n#\n\"1\",\"2022\",\"http://a.b/x\"\n", "exact a.b" },
	{ "tabs, empty columns", "3", '\t', 0, "1\t\ta.b\n\t\tb.c\nx\ty\n", "tree a.b; tree b.c; skip NO_COLUMN 1" },
	{ "line ends in quotes", "3", 0, 0, "1,\"x\ny, \"\"z\"\"\n\n# w\",a.b\n2,,b.c,\"q\nr\"\n3,,c.d\n", "tree a.b; tree b.c; tree c.d" },
	{ "the value in lines", "1", 0, 0, "\"a.b\"\n\"c.d\ne.f\"\ng.h\n", "tree a.b; tree g.h; skip BAD_CHARACTER 1" },
	{ "titles in lines", "host", 0, 0, "\"long\ntitle\",host\n1,a.b\n", "tree a.b" },
	{ "a stray quote before", "2", 0, 0, "1,a.b\n\"2,b.c\n3,\"c.d\"\n4,d.e\n", "tree a.b; tree c.d; tree d.e; skip QUOTE 1" },
	{ "a stray quote behind", "1", 0, 0, "a.b,\"x\nb.c,\"y\"\nc.d,z\n", "tree a.b; tree b.c; tree c.d" },
	{ "a quote that nothing ends", "1", 0, 0, "a.b\nb.c,\"x\nc.d\nd.e", "tree a.b; tree b.c; tree c.d; tree d.e" },
	{ "pipes", "2", '|', 0, "1 | a.b | x\n", "tree a.b" },
	{ "a title that is nowhere", "domain", 0, -ENOKEY, "a,b\n1,c.d\n", "" },
	{ "no such number", "9", 0, 0, "a.b,c.d\n", "skip NO_COLUMN 1" },
	{ "a number that is a title", "0", 0, 0, "1,0\nx,a.b\n", "tree a.b" },
	/* clang-format on */
};

static void test_columns(void **state)
{
	static struct render o;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct feeds_report report = { 0 };
		struct feeds_options options = { .column = rows[i].column,
			                         .separator = rows[i].separator };
		struct scan s = { .format = FEEDS_CSV,
			          .options = &options,
			          .report = &report,
			          .rule = render_rule,
			          .arg = &o };
		o.n = 0;
		o.text[0] = 0;
		assert_int_equal(render_document(&s, rows[i].text, strlen(rows[i].text)),
		                 rows[i].error);
		render_skips(&o, &report);
		if (strcmp(o.text, rows[i].expected) != 0)
			print_error("row '%s'\n", rows[i].why);
		assert_string_equal(o.text, rows[i].expected);
	}
}

/* More lines than a record may have, behind a quote: lines again. Numbers of lines stay right. */
static void test_long_records(void **state)
{
	(void)state;
	static struct render o;
	static char text[80 * 1024];
	struct feeds_report report = { 0 };
	struct scan s = { .format = FEEDS_CSV, .report = &report, .rule = render_rule, .arg = &o };
	size_t n = (size_t)snprintf(text, sizeof text, "first.x\n\"open,\n");
	for (unsigned i = 0; i < 70; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "n%u.x,\"a\nb\"\n", i);
	o.n = 0;
	o.text[0] = 0;
	assert_int_equal(render_document(&s, text, n), 0);
	assert_int_equal(report.names, 71);
	assert_int_equal(report.skips[FEEDS_SKIP_QUOTE], 1);
	assert_int_equal(report.skipped, 1);
	assert_int_equal(report.lines, 142);
	assert_int_equal(report.examples[0].line, 2);

	report = (struct feeds_report){ 0 };
	n = (size_t)snprintf(text, sizeof text, "first.x\nopen.x,\"");
	memset(text + n, 'y', sizeof text - n);
	for (size_t i = n + 1000; i < sizeof text; i += 1000)
		text[i] = '\n';
	assert_int_equal(render_document(&s, text, sizeof text), 0);
	assert_true(report.names >= 2);
	assert_int_equal(report.lines, 2 + (sizeof text - n - 1) / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_long_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
