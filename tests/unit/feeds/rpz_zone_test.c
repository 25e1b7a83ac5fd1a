/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_zone.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct feeds_report report;
static uint64_t n_rules, digest;

static int count(void *arg, const struct feeds_rule *r)
{
	const struct policy_data *d = r->rule.data;
	(void)arg;
	n_rules++;
	/* The sum does not depend on the order. */
	digest += name_hash(r->name->wire) * (r->rule.action + 1U);
	for (size_t i = 0; i < d->records_bytes; i++)
		digest += d->records[i] * (i + 1);
	return 0;
}

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static void add(struct rpz_zone *z, struct scan *s, unsigned owner, uint16_t type, uint8_t last)
{
	struct name apex = name_of("t"), n;
	char text[32];
	uint8_t a[4] = { 192, 0, 2, last }, root = 0;
	snprintf(text, sizeof text, "n%u.example.t", owner);
	n = name_of(text);
	struct rpz_record r = { .owner = n.wire, .type = type, .ttl_s = 60, .data = a, .n = 4 };
	if (type == RPZ_TYPE_CNAME) {
		r.data = &root;
		r.n = 1;
	}
	s->line++;
	rpz_zone_add(z, s, &r, apex.wire);
}

/* Two A records for each of n owners and an action for each of n others, in one of two orders. */
static void fill(struct rpz_zone *z, struct scan *s, unsigned n, bool is_strewn)
{
	for (unsigned i = 0; i < n; i++) {
		add(z, s, i, RPZ_TYPE_A, 1);
		if (!is_strewn)
			add(z, s, i, RPZ_TYPE_A, 2);
		add(z, s, n + i, RPZ_TYPE_CNAME, 0);
	}
	for (unsigned i = n; is_strewn && i-- > 0;)
		add(z, s, i, RPZ_TYPE_A, 2);
}

static void run(unsigned n, bool is_strewn, size_t *ret_n_twice)
{
	struct rpz_zone *z;
	struct scan s = { .format = FEEDS_RPZ, .report = &report };
	assert_int_equal(rpz_zone_new(n * 40ULL, &z), 0);
	for (unsigned pass = 0; pass < 2; pass++) {
		memset(&report, 0, sizeof report);
		n_rules = digest = 0;
		s.line = 0;
		s.pass = pass == 0 ? SCAN_CHECK : SCAN_EMIT;
		s.rule = pass == 0 ? NULL : count;
		rpz_zone_begin(z, &s, NULL);
		fill(z, &s, n, is_strewn);
		rpz_zone_end(z, &s);
		assert_int_equal(s.error, 0);
		assert_int_equal(report.skipped, 0);
	}
	*ret_n_twice = z->n_twice;
	rpz_zone_free(z);
}

/* However the records are strewn, the same rules come of them. */
static void test_strewn(void **state)
{
	size_t n_twice;
	(void)state;
	run(20000, false, &n_twice);
	assert_int_equal(n_rules, 40000);
	uint64_t expected = digest;
	/* What the filter takes for known without reason costs memory only. */
	assert_true(n_twice < 400);
	run(20000, true, &n_twice);
	assert_int_equal(n_rules, 40000);
	assert_true(digest == expected);
	assert_true(n_twice >= 20000 && n_twice < 20400);
}

static void test_soa(void **state)
{
	static const uint8_t soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0,
		                       0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5 };
	struct rpz_zone *z;
	struct name owner = name_of("rpz.example"), origin = name_of("x"), other = name_of("b.x");
	struct scan s = { .format = FEEDS_RPZ, .report = &report, .pass = SCAN_EMIT };
	struct rpz_record r = {
		.owner = owner.wire, .type = RPZ_TYPE_SOA, .ttl_s = 7, .data = soa, .n = sizeof soa
	};
	(void)state;
	memset(&report, 0, sizeof report);
	assert_int_equal(rpz_zone_new(0, &z), 0);
	rpz_zone_begin(z, &s, NULL);
	rpz_zone_add(z, &s, &r, origin.wire);
	r.ttl_s = 8;
	rpz_zone_add(z, &s, &r, origin.wire);
	assert_true(z->has_soa && z->soa_n == sizeof soa && z->soa_ttl_s == 7);
	assert_true(name_equal(z->apex.wire, owner.wire));
	assert_int_equal(report.skips[FEEDS_SKIP_RPZ_APEX], 2);
	/* Another zone's SOA is nobody's. */
	rpz_zone_begin(z, &s, &origin);
	rpz_zone_add(z, &s, &r, origin.wire);
	assert_false(z->has_soa);
	assert_int_equal(report.skips[FEEDS_SKIP_RPZ_OUTSIDE], 1);
	/* Records before the SOA: the origin is the apex. */
	rpz_zone_begin(z, &s, NULL);
	r.owner = other.wire;
	r.type = RPZ_TYPE_CNAME;
	r.data = (const uint8_t *)"";
	r.n = 1;
	rpz_zone_add(z, &s, &r, origin.wire);
	rpz_zone_end(z, &s);
	assert_true(name_equal(z->apex.wire, origin.wire));
	assert_int_equal(report.names, 1);
	rpz_zone_free(z);
}

/* Records of owners that come again take at most RPZ_STREWN_BYTES. */
static void test_limit(void **state)
{
	static uint8_t big[60000];
	struct rpz_zone *z;
	struct name owners[2] = { name_of("a.t"), name_of("b.t") }, apex = name_of("t");
	struct scan s = { .format = FEEDS_RPZ, .report = &report };
	(void)state;
	assert_int_equal(rpz_zone_new(0, &z), 0);
	for (unsigned pass = 0; pass < 2; pass++) {
		memset(&report, 0, sizeof report);
		s.pass = pass == 0 ? SCAN_CHECK : SCAN_EMIT;
		rpz_zone_begin(z, &s, &apex);
		for (unsigned i = 0; i < 1500; i++) {
			struct rpz_record r = { .owner = owners[i % 2].wire,
				                .type = 16,
				                .data = big,
				                .n = sizeof big };
			s.line++;
			rpz_zone_add(z, &s, &r, apex.wire);
		}
		rpz_zone_end(z, &s);
	}
	assert_int_equal(s.error, 0);
	assert_int_equal(report.names, 2);
	assert_true(report.skips[FEEDS_SKIP_RPZ_STREWN] > 300);
	assert_true(report.skips[FEEDS_SKIP_DUPLICATE] > 1000);
	assert_true(z->strewn_n <= RPZ_STREWN_BYTES);
	rpz_zone_free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strewn),
		cmocka_unit_test(test_soa),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
