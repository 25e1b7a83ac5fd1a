/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot.h"

static const uint8_t v4[4] = { 192, 0, 2, 33 };

static struct addr addr_of(const char *text)
{
	struct addr a;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	return a;
}

/* The table of RFC 6052 2.4. */
static void examples_of_the_standard(void **state)
{
	(void)state;
	static const struct {
		const char *prefix, *address;
	} rows[] = {
		{ "2001:db8::/32", "2001:db8:c000:221::" },
		{ "2001:db8:100::/40", "2001:db8:1c0:2:21::" },
		{ "2001:db8:122::/48", "2001:db8:122:c000:2:2100::" },
		{ "2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::" },
		{ "2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::" },
		{ "2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33" },
		{ "64:ff9b::/96", "64:ff9b::192.0.2.33" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char yaml[128];
		uint8_t made[16], back[4];
		snprintf(yaml, sizeof yaml, "dns64: {prefix: [\"%s\"]}\n", rows[i].prefix);
		struct local *l = snapshot_of(yaml);
		struct addr expected = addr_of(rows[i].address);
		assert_true(local_dns64_embed(l, v4, made));
		assert_memory_equal(made, expected.bytes, 16);
		assert_true(local_dns64_extract(l, made, back));
		assert_memory_equal(back, v4, 4);
		local_free(l);
	}
}

static void prefixes_that_are_none(void **state)
{
	(void)state;
	static const char *const bad[] = { "2001:db8::/33", "2001:db8::/128", "192.0.2.0/24",
		                           "2001:db8:0:0:100::/96",
		                           "64:ff9b::/96\", \"2001:db8::/32" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char yaml[128];
		struct config *c = NULL;
		struct config_problems problems = { 0 };
		snprintf(yaml, sizeof yaml, "dns64: {prefix: [\"%s\"]}\n", bad[i]);
		assert_int_equal(config_load_text("t", yaml, strlen(yaml), &c, &problems), -22);
		assert_int_equal(problems.n_errors, 1);
		config_problems_done(&problems);
	}
}

static void exclusions(void **state)
{
	(void)state;
	uint8_t made[16];
	static const uint8_t private4[4] = { 10, 0, 0, 1 };
	struct addr a = addr_of("2001:db8::1"), mapped = addr_of("::ffff:1.2.3.4");
	struct local *l = snapshot_of("{}");
	assert_true(local_dns64_counts(l, a.bytes));
	assert_false(local_dns64_counts(l, mapped.bytes));
	assert_false(local_dns64_embed(l, private4, made)); /* RFC 6052 3.1 */
	local_free(l);
	l = snapshot_of("dns64: {prefix: [\"2001:db8:64::/96\"], exclude: [\"2001:db8::/64\"], "
	                "exclude-ipv4: [\"192.0.2.32/28\"]}\n");
	assert_false(local_dns64_counts(l, a.bytes));
	assert_true(local_dns64_counts(l, mapped.bytes));
	assert_true(local_dns64_embed(l, private4, made));
	assert_false(local_dns64_embed(l, v4, made));
	local_free(l);
}

static void local_names(void **state)
{
	(void)state;
	struct local *l = snapshot_of(
		"local: {zones: [{zone: lan, records: [\"a A 192.0.2.1\", \"b AAAA 2001:db8::1\", \"b A 192.0.2.1\"]}]}\n");
	assert_string_equal(snapshot_ask(l, "a.lan", DNS_AAAA, true), "SYNTHESIS");
	assert_string_equal(snapshot_ask(l, "a.lan", DNS_AAAA, false), "NODATA lan");
	assert_string_equal(snapshot_ask(l, "b.lan", DNS_AAAA, true), "DATA 2001:db8::1");
	assert_string_equal(snapshot_ask(l, "ipv4only.arpa", DNS_AAAA, true), "SYNTHESIS");
	assert_string_equal(snapshot_ask(l, "x.ipv4only.arpa", DNS_AAAA, true),
	                    "NXDOMAIN ipv4only.arpa");
	local_free(l);
}

#define PTR_OF_192_0_2_33 "1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa"

static void reverse_names(void **state)
{
	(void)state;
	struct local *l = snapshot_of("{}");
	assert_string_equal(snapshot_ask(l, PTR_OF_192_0_2_33, DNS_PTR, true),
	                    "ALIAS 33.2.0.192.in-addr.arpa");
	assert_string_equal(snapshot_ask(l, PTR_OF_192_0_2_33, DNS_PTR, false), "UNKNOWN");
	assert_string_equal(snapshot_ask(l, PTR_OF_192_0_2_33, DNS_TXT, true), "UNKNOWN");
	assert_string_equal(snapshot_ask(l, &PTR_OF_192_0_2_33[2], DNS_PTR, true), "UNKNOWN");
	local_free(l);
	/* Within a block whose reverse zone is built in. */
	l = snapshot_of("dns64: {prefix: [\"fd00:64::/96\"]}\n");
	assert_string_equal(
		snapshot_ask(
			l,
			"1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.6.0.0.0.0.d.f.ip6.arpa",
			DNS_PTR, true),
		"ALIAS 33.2.0.192.in-addr.arpa");
	local_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_of_the_standard),
		cmocka_unit_test(prefixes_that_are_none),
		cmocka_unit_test(exclusions),
		cmocka_unit_test(local_names),
		cmocka_unit_test(reverse_names),
	};
	return cmocka_run_group_tests(tests, snapshot_start, snapshot_stop);
}
