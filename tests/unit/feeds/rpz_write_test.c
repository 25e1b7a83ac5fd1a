/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_write.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char text[4096];
static size_t n_text;

static int append(void *arg, const struct rpz_record *r)
{
	static char line[RPZ_RECORD_TEXT_MAX];
	size_t n = rpz_record_text(r, line);
	(void)arg;
	assert_int_equal(n, strlen(line));
	assert_true(n_text + n < sizeof text);
	memcpy(text + n_text, line, n + 1);
	n_text += n;
	return 0;
}

static struct name name_of(const char *s)
{
	struct name n;
	assert_int_equal(name_from_text(s, strlen(s), &n), 0);
	return n;
}

static int write_name(const char *name, struct policy_rule rule)
{
	struct name n = name_of(name), apex = name_of("rpz.test");
	struct feeds_rule r = { .name = &n, .rule = rule };
	n_text = 0;
	text[0] = 0;
	return rpz_rule_write(&r, apex.wire, 60, append, NULL);
}

static int write_prefix(const char *prefix, struct policy_rule rule)
{
	struct name apex = name_of("rpz.test");
	struct addr_prefix p;
	struct feeds_rule r = { .prefix = &p, .rule = rule };
	assert_int_equal(addr_prefix_from_text(prefix, strlen(prefix), &p), 0);
	n_text = 0;
	text[0] = 0;
	return rpz_rule_write(&r, apex.wire, 60, append, NULL);
}

static void test_actions(void **state)
{
	static const struct {
		enum policy_action action;
		const char *target;
	} rows[] = {
		{ POLICY_NXDOMAIN, "." },
		{ POLICY_NODATA, "*." },
		{ POLICY_ALLOW, "rpz-passthru." },
		{ POLICY_DROP, "rpz-drop." },
		{ POLICY_TRUNCATE, "rpz-tcp-only." },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char expected[128];
		struct policy_rule rule = { .action = rows[i].action };
		snprintf(expected, sizeof expected, "a.example.rpz.test. 60 IN CNAME %s\n",
		         rows[i].target);
		assert_int_equal(write_name("a.example", rule), 0);
		assert_string_equal(text, expected);
	}
	assert_int_equal(write_name("a", (struct policy_rule){ .action = POLICY_LOG }), -ENOTSUP);
	assert_int_equal(write_name("a", (struct policy_rule){ .action = POLICY_REFUSED }),
	                 -ENOTSUP);
	assert_string_equal(text, "");
}

static void test_scopes(void **state)
{
	struct policy_rule rule = { .action = POLICY_NXDOMAIN, .scope = POLICY_SCOPE_TREE };
	(void)state;
	assert_int_equal(write_name("a.example", rule), 0);
	assert_string_equal(text, "a.example.rpz.test. 60 IN CNAME .\n"
	                          "*.a.example.rpz.test. 60 IN CNAME .\n");
	rule.scope = POLICY_SCOPE_BELOW;
	rule.own_match = POLICY_MATCH_NAMESERVER + 1;
	assert_int_equal(write_name("a.example", rule), 0);
	assert_string_equal(text, "*.a.example.rpz-nsdname.rpz.test. 60 IN CNAME .\n");
	rule.scope = POLICY_SCOPE_TREE;
	rule.own_match = 0;
	assert_int_equal(write_name(".", rule), 0);
	assert_string_equal(text, "*.rpz.test. 60 IN CNAME .\n");
	rule.own_match = POLICY_MATCH_ANSWER + 1;
	assert_int_equal(write_name("a.example", rule), -EINVAL);
}

static void test_prefixes(void **state)
{
	struct policy_data ttl = { .has_ttl = true, .ttl_s = 5 };
	struct policy_rule rule = { .action = POLICY_DROP, .data = &ttl };
	(void)state;
	assert_int_equal(write_prefix("192.0.2.0/24", rule), 0);
	assert_string_equal(text, "24.0.2.0.192.rpz-ip.rpz.test. 5 IN CNAME rpz-drop.\n");
	rule.own_match = POLICY_MATCH_CLIENT + 1;
	assert_int_equal(write_prefix("2001:db8::1:0:0:1", rule), 0);
	assert_string_equal(
		text, "128.1.0.0.1.zz.db8.2001.rpz-client-ip.rpz.test. 5 IN CNAME rpz-drop.\n");
	rule.own_match = POLICY_MATCH_NAMESERVER + 1;
	assert_int_equal(write_prefix("2001:db8::/32", rule), 0);
	assert_string_equal(text, "32.zz.db8.2001.rpz-nsip.rpz.test. 5 IN CNAME rpz-drop.\n");
	assert_int_equal(write_prefix("0.0.0.0/0", rule), -EINVAL);
}

static void test_data(void **state)
{
	struct name garden = name_of("garden.example");
	struct addr addrs[] = { addr_v4(0xc0000201), { { 0x20, 1, 0xd, 0xb8, [15] = 1 }, false } };
	const uint8_t items[] = { 0, 16, 0, 0, 0, 9, 0, 3, 2, 'h', 'i' };
	struct policy_data data = { .target = garden.wire };
	struct policy_rule rule = { .action = POLICY_REDIRECT, .data = &data };
	(void)state;
	assert_int_equal(write_name("a", rule), 0);
	assert_string_equal(text, "a.rpz.test. 60 IN CNAME garden.example.\n");
	data.is_target_suffix = true;
	assert_int_equal(write_name("a", rule), 0);
	assert_string_equal(text, "a.rpz.test. 60 IN CNAME *.garden.example.\n");
	data = (struct policy_data){ .addrs = addrs, .n_addrs = 2 };
	rule.action = POLICY_ADDRESS;
	assert_int_equal(write_name("a", rule), 0);
	assert_string_equal(text,
	                    "a.rpz.test. 60 IN A 192.0.2.1\na.rpz.test. 60 IN AAAA 2001:db8::1\n");
	data = (struct policy_data){ .records = items, .records_bytes = sizeof items };
	rule.action = POLICY_RECORDS;
	assert_int_equal(write_name("a", rule), 0);
	assert_string_equal(text, "a.rpz.test. 9 IN TYPE16 \\# 3 026869\n");
	data.records_bytes--;
	assert_int_equal(write_name("a", rule), -EINVAL);
	rule.data = NULL;
	assert_int_equal(write_name("a", rule), -EINVAL);
}

static void test_too_long(void **state)
{
	char name[256];
	struct policy_rule rule = { .action = POLICY_NXDOMAIN };
	(void)state;
	memset(name, 'a', sizeof name);
	for (size_t i = 50; i < 250; i += 50)
		name[i] = '.';
	name[244] = 0; /* 245 bytes of wire form; the apex takes 9 more */
	assert_int_equal(write_name(name, rule), 0);
	name[244] = 'a';
	name[245] = 'a';
	name[246] = 0;
	assert_int_equal(write_name(name, rule), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),  cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_data),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
