/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/stix_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char text[4096];

static void part(void *arg, enum value_kind kind, struct word value)
{
	static const char *const kinds[] = { "other", "name", "address", "url" };
	size_t n = strlen(text);
	(void)arg;
	snprintf(text + n, sizeof text - n, "%s%s %.*s", n > 0 ? "; " : "", kinds[kind],
	         (int)value.n, value.p);
}

static const struct {
	const char *pattern, *expected;
} rows[] = {
	/* clang-format off */
	{ "[domain-name:value = 'bad.example']", "name bad.example" },
	{ " [ domain-name:value='bad.example' ] ", "name bad.example" },
	{ "[domain-name:value = 'a.b' OR domain-name:value = 'b.c']", "name a.b; name b.c" },
	{ "[ipv4-addr:value = '192.0.2.1'] OR [ipv6-addr:value = '2001:db8::1']", "address 192.0.2.1; address 2001:db8::1" },
	{ "([url:value = 'http://a.b/x']) or ([domain-name:value = 'c.d'])", "url http://a.b/x; name c.d" },
	{ "[(domain-name:value = 'a.b' OR (domain-name:value = 'b.c'))]", "name a.b; name b.c" },
	{ "[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "address 192.0.2.0/24" },
	{ "[domain-name:value IN ('a.b', 'b.c')]", "name a.b; name b.c" },
	{ "[domain-name:value == 'a\\'b\\\\c']", "name a'b\\c" },
	{ "[file:hashes.MD5 = 'abc' OR domain-name:value = 'a.b']", "other abc; name a.b" },
	{ "[file:size = 25536 OR domain-name:value = 'a.b']", "other ; name a.b" },
	{ "[file:hashes.'SHA-256' = 'abc']", "skip" },
	{ "[domain-name:value = 'a.b' AND file:size = 1]", "skip" },
	{ "[domain-name:value = 'a.b'] AND [domain-name:value = 'b.c']", "skip" },
	{ "[domain-name:value = 'a.b'] FOLLOWEDBY [domain-name:value = 'b.c']", "skip" },
	{ "[domain-name:value = 'a.b'] WITHIN 300 SECONDS", "skip" },
	{ "[domain-name:value = 'a.b'] REPEATS 5 TIMES", "skip" },
	{ "[domain-name:value != 'a.b']", "skip" },
	{ "[NOT domain-name:value = 'a.b']", "skip" },
	{ "[domain-name:value NOT = 'a.b']", "skip" },
	{ "[domain-name:value LIKE '%.b']", "skip" },
	{ "[domain-name:value MATCHES '.*']", "skip" },
	{ "[domain-name:value IN ('a.b'", "skip" },
	{ "[domain-name:value IN ()]", "skip" },
	{ "[domain-name:value = 'a.b'", "skip" },
	{ "domain-name:value = 'a.b'", "skip" },
	{ "[domain-name:value = 'a.b']]", "skip" },
	{ "[[domain-name:value = 'a.b']]", "skip" },
	{ "[domain-name:value = 'a.b' OR ]", "skip" },
	{ "[domain-name:value = a.b]", "skip" },
	{ "[domain-name:value = 'a.b", "skip" },
	{ "[domain-name:value = 'a.b\\", "skip" },
	{ "", "skip" },
	/* clang-format on */
};

static void test_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		text[0] = 0;
		enum feeds_skip why =
			stix_pattern_each(rows[i].pattern, strlen(rows[i].pattern), part, NULL);
		if (why != FEEDS_SKIP_NONE) {
			assert_string_equal(text, "");
			snprintf(text, sizeof text, "skip");
		}
		if (strcmp(text, rows[i].expected) != 0)
			print_error("pattern %s\n", rows[i].pattern);
		assert_string_equal(text, rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_patterns) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
