/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_owner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rpz_owner owner;

static void start(const char *text)
{
	struct name n, apex;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	assert_int_equal(name_from_text("t", 1, &apex), 0);
	assert_int_equal(rpz_owner_start(&owner, n.wire, apex.wire), FEEDS_SKIP_NONE);
}

static enum feeds_skip add_cname(uint32_t ttl_s, const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return rpz_owner_add(&owner, RPZ_TYPE_CNAME, ttl_s, n.wire, n.len);
}

static enum feeds_skip add_a(uint32_t ttl_s, uint8_t last)
{
	uint8_t bytes[4] = { 192, 0, 2, last };
	return rpz_owner_add(&owner, RPZ_TYPE_A, ttl_s, bytes, 4);
}

static enum feeds_skip add_txt(uint32_t ttl_s, const char *text)
{
	uint8_t bytes[256];
	bytes[0] = (uint8_t)strlen(text);
	memcpy(bytes + 1, text, strlen(text));
	return rpz_owner_add(&owner, 16, ttl_s, bytes, strlen(text) + 1);
}

static void test_cname_first(void **state)
{
	struct policy_rule rule;
	(void)state;
	start("a.example.t");
	assert_int_equal(add_cname(300, "."), FEEDS_SKIP_NONE);
	assert_int_equal(add_cname(60, "."), FEEDS_SKIP_DUPLICATE); /* Z5 */
	assert_int_equal(add_cname(60, "rpz-passthru"), FEEDS_SKIP_RPZ_CONFLICT);
	assert_int_equal(add_a(60, 1), FEEDS_SKIP_RPZ_CONFLICT); /* Z4 */
	assert_true(rpz_owner_finish(&owner, &rule));
	assert_int_equal(rule.action, POLICY_NXDOMAIN);
	assert_int_equal(rule.scope, POLICY_SCOPE_EXACT);
	assert_int_equal(rule.own_match, POLICY_MATCH_NAME + 1);
	assert_int_equal(rule.data->ttl_s, 60);
}

static void test_data_first(void **state)
{
	static const uint8_t expected[] = {
		/* clang-format off */
		0, 1,  0, 0, 0, 60, 0, 4, 192, 0, 2, 1,
		0, 1,  0, 0, 0, 60, 0, 4, 192, 0, 2, 2,
		0, 16, 0, 0, 1, 44, 0, 2, 1, 'x',
		/* clang-format on */
	};
	struct policy_rule rule;
	(void)state;
	start("*.a.example.t");
	assert_int_equal(add_txt(300, "x"), FEEDS_SKIP_NONE);
	assert_int_equal(add_cname(300, "."), FEEDS_SKIP_RPZ_CONFLICT); /* Z4 */
	assert_int_equal(add_a(90, 2), FEEDS_SKIP_NONE);
	assert_int_equal(add_a(300, 1), FEEDS_SKIP_NONE);
	assert_int_equal(add_a(60, 2), FEEDS_SKIP_DUPLICATE);
	assert_true(rpz_owner_finish(&owner, &rule));
	assert_int_equal(rule.action, POLICY_RECORDS);
	assert_int_equal(rule.scope, POLICY_SCOPE_BELOW);
	assert_int_equal(rule.data->records_bytes, sizeof expected);
	assert_memory_equal(rule.data->records, expected, sizeof expected);
	assert_false(rule.data->has_ttl);
}

static void test_meaningless(void **state)
{
	static const uint8_t soa[22];
	struct policy_rule rule;
	(void)state;
	start("32.1.2.0.192.rpz-ip.t");
	assert_int_equal(rpz_owner_add(&owner, RPZ_TYPE_SOA, 1, soa, 22), FEEDS_SKIP_RPZ_TYPE);
	assert_int_equal(rpz_owner_add(&owner, RPZ_TYPE_NS, 1, soa, 1), FEEDS_SKIP_RPZ_TYPE);
	assert_int_equal(rpz_owner_add(&owner, RPZ_TYPE_CNAME, 1, soa, 2), FEEDS_SKIP_RPZ_TYPE);
	assert_false(rpz_owner_finish(&owner, &rule));
	assert_int_equal(add_cname(0x80000000, "rpz-foo"), FEEDS_SKIP_RPZ_TARGET);
	assert_int_equal(add_cname(0x80000000, "rpz-drop"), FEEDS_SKIP_NONE);
	assert_true(rpz_owner_finish(&owner, &rule));
	assert_int_equal(rule.action, POLICY_DROP);
	assert_int_equal(rule.own_match, POLICY_MATCH_ANSWER + 1);
	assert_int_equal(rule.data->ttl_s, 0);
}

static void test_limits(void **state)
{
	static uint8_t big[RPZ_OWNER_BYTES];
	struct policy_rule rule;
	(void)state;
	start("a.t");
	assert_int_equal(rpz_owner_add(&owner, 16, 1, big, 65535), FEEDS_SKIP_RPZ_DATA);
	for (unsigned i = 0; i < RPZ_OWNER_RECORDS; i++) {
		uint8_t bytes[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
		assert_int_equal(rpz_owner_add(&owner, 1, 1, bytes, 4), FEEDS_SKIP_NONE);
	}
	assert_int_equal(add_a(1, 1), FEEDS_SKIP_RPZ_DATA);
	assert_true(rpz_owner_finish(&owner, &rule));
	assert_int_equal(rule.data->records_bytes, RPZ_OWNER_RECORDS * 12);
	start("b.t");
	assert_false(rpz_owner_finish(&owner, &rule));
}

/* X2: the same set of records is the same rule, in whatever order it came. */
static void test_order(void **state)
{
	struct policy_rule rule;
	uint8_t first[64];
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		static const uint8_t orders[6][3] = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 },
			                              { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } };
		start("a.t");
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(add_a(60, orders[i][k]), FEEDS_SKIP_NONE);
		assert_true(rpz_owner_finish(&owner, &rule));
		if (i == 0)
			memcpy(first, rule.data->records, rule.data->records_bytes);
		assert_memory_equal(rule.data->records, first, rule.data->records_bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cname_first), cmocka_unit_test(test_data_first),
		cmocka_unit_test(test_meaningless), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
