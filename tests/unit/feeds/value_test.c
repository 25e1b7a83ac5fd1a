/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"

static const struct {
	const char *why;
	enum policy_match match;
	enum value_kind kind;
	const char *text, *expected;
} rows[] = {
	/* clang-format off */
	{ "a name", POLICY_MATCH_NAME, VALUE_ANY, " Bad.Example ", "tree bad.example" },
	{ "a name and what is below", POLICY_MATCH_NAME, VALUE_ANY, ".bad.example", "tree bad.example" },
	{ "only below", POLICY_MATCH_NAME, VALUE_ANY, "*.bad.example", "below bad.example" },
	{ "broken on purpose", POLICY_MATCH_NAME, VALUE_ANY, "bad[.]ex(.)ample", "tree bad.ex.ample" },
	{ "a URL: the name only", POLICY_MATCH_NAME, VALUE_ANY, "https://u:p@Bad.example:8080/x?y#z", "exact bad.example" },
	{ "a broken URL", POLICY_MATCH_NAME, VALUE_ANY, "hXXps[:]//bad[.]example/x", "exact bad.example" },
	{ "a URL without path", POLICY_MATCH_NAME, VALUE_ANY, "http://bad.example?x=http://good.example/", "exact bad.example" },
	{ "a URL of an address", POLICY_MATCH_NAME, VALUE_ANY, "http://192.0.2.1:81/x", "answer 192.0.2.1/32" },
	{ "a URL of an IPv6 address", POLICY_MATCH_NAME, VALUE_ANY, "http://[2001:db8::1]:81/x", "answer 2001:db8::1/128" },
	{ "a URL without host", POLICY_MATCH_NAME, VALUE_ANY, "file:///etc/passwd", "skip NO_NAME 1" },
	{ "an address", POLICY_MATCH_NAME, VALUE_ANY, "192.0.2.1", "answer 192.0.2.1/32" },
	{ "a prefix", POLICY_MATCH_ANSWER, VALUE_ANY, "2001:db8::/32", "2001:db8::/32" },
	{ "a prefix for servers", POLICY_MATCH_NAMESERVER, VALUE_ANY, "192.0.2.0/24", "192.0.2.0/24" },
	{ "a socket", POLICY_MATCH_NAME, VALUE_ANY, "192.0.2.1:8080", "answer 192.0.2.1/32" },
	{ "host bits", POLICY_MATCH_NAME, VALUE_ANY, "192.0.2.1/24", "skip HOST_BITS 1" },
	{ "everything", POLICY_MATCH_NAME, VALUE_ANY, "0.0.0.0/0", "skip EVERYTHING 1" },
	{ "a name where addresses are wanted", POLICY_MATCH_ANSWER, VALUE_ANY, "bad.example", "skip NOT_ADDRESS 1" },
	{ "a name, but an address", POLICY_MATCH_NAME, VALUE_NAME, "192.0.2.1", "skip ADDRESS 1" },
	{ "a name, but a URL", POLICY_MATCH_NAME, VALUE_NAME, "http://a.b/", "skip URL 1" },
	{ "an address, but a name", POLICY_MATCH_NAME, VALUE_ADDRESS, "bad.example", "skip NOT_ADDRESS 1" },
	{ "a URL, but a name", POLICY_MATCH_NAME, VALUE_URL, "bad.example", "skip NO_NAME 1" },
	{ "nothing", POLICY_MATCH_NAME, VALUE_ANY, "  ", "skip NO_VALUE 1" },
	{ "a hash", POLICY_MATCH_NAME, VALUE_ANY, "a b", "skip BAD_CHARACTER 1" },
	{ "a path", POLICY_MATCH_NAME, VALUE_ANY, "bad.example/x", "skip PATH 1" },
	/* clang-format on */
};

static void test_values(void **state)
{
	static const struct policy_rule rule;
	static struct render o;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct feeds_report report = { 0 };
		struct scan s = { .format = FEEDS_CSV,
			          .match = rows[i].match,
			          .report = &report,
			          .rule = render_rule,
			          .arg = &o };
		o.n = 0;
		o.text[0] = 0;
		value_add(&s, rows[i].text, strlen(rows[i].text), rows[i].kind, &rule);
		render_skips(&o, &report);
		if (strcmp(o.text, rows[i].expected) != 0)
			print_error("row '%s'\n", rows[i].why);
		assert_string_equal(o.text, rows[i].expected);
		if (rows[i].kind == VALUE_ANY)
			assert_int_equal(value_is_good(&s, rows[i].text, strlen(rows[i].text)),
			                 report.skipped == 0);
	}
}

static void test_long(void **state)
{
	static const struct policy_rule rule;
	static char text[VALUE_MAX + 2];
	struct feeds_report report = { 0 };
	struct scan s = { .format = FEEDS_CSV, .report = &report };
	(void)state;
	memset(text, 'a', sizeof text);
	value_add(&s, text, sizeof text, VALUE_ANY, &rule);
	assert_int_equal(report.skips[FEEDS_SKIP_NAME_LENGTH], 1);
	memcpy(text, "http://a.b/", 11);
	value_add(&s, text, VALUE_MAX, VALUE_ANY, &rule);
	assert_int_equal(report.names, 1);
	s.no_subdomains = true;
	value_add(&s, "a.b", 3, VALUE_ANY, &rule);
	assert_int_equal(report.names, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
