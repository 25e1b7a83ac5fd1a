/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct name from_text(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

/* ---- triggers ---- */

static const char *const skip_names[] = {
	"NONE",
#define SKIP(constant, kind, text) #constant,
#include "feeds/skips.def"
#undef SKIP
};

/* "name exact x", "nameserver 192.0.2.0/24 odd", "skip RPZ_ADDRESS" */
static const char *trigger_text(const char *owner, const char *apex)
{
	static const char *const matches[] = { "name", "answer", "nameserver", "client" };
	static const char *const scopes[] = { "exact", "tree", "below" };
	static char text[NAME_TEXT_MAX + 64];
	char what[NAME_TEXT_MAX];
	struct rpz_trigger t;
	struct name o = from_text(owner), a = from_text(apex);
	enum feeds_skip why = rpz_trigger_read(o.wire, a.wire, &t);
	if (why != FEEDS_SKIP_NONE) {
		snprintf(text, sizeof text, "skip %s", skip_names[why]);
	} else if (t.is_prefix) {
		addr_prefix_to_text(&t.prefix, what);
		snprintf(text, sizeof text, "%s %s%s", matches[t.match], what,
		         t.is_odd ? " odd" : "");
	} else {
		name_to_text(t.name.wire, what);
		snprintf(text, sizeof text, "%s %s %s", matches[t.match], scopes[t.scope], what);
	}
	return text;
}

static void test_triggers(void **state)
{
	static const struct {
		const char *why, *owner, *apex, *expected;
	} rows[] = {
		/* clang-format off */
		{ "T1: a name is itself", "bad.example.rpz.test", "rpz.test", "name exact bad.example" },
		{ "T1: a star is what is below", "*.bad.example.rpz.test", "rpz.test", "name below bad.example" },
		{ "every name", "*.rpz.test", "rpz.test", "name below ." },
		{ "Z6: case", "BAD.Example.RPZ.Test", "rpz.TEST", "name exact bad.example" },
		{ "Z6: the apex may be the root", "bad.example", ".", "name exact bad.example" },
		{ "Z1: the apex", "rpz.test", "rpz.test", "skip RPZ_APEX" },
		{ "Z3: outside", "bad.example", "rpz.test", "skip RPZ_OUTSIDE" },
		{ "Z3: outside, the same end", "bad.xrpz.test", "rpz.test", "skip RPZ_OUTSIDE" },
		{ "a star elsewhere", "a.*.example.rpz.test", "rpz.test", "skip STAR" },
		{ "two stars", "*.*.example.rpz.test", "rpz.test", "skip STAR" },
		{ "rpz- elsewhere is a name", "rpz-ip.example.rpz.test", "rpz.test", "name exact rpz-ip.example" },
		{ "Z7: unknown trigger", "bad.example.rpz-foo.rpz.test", "rpz.test", "skip RPZ_TRIGGER" },
		{ "Z7: unknown trigger alone", "rpz-.rpz.test", "rpz.test", "skip RPZ_TRIGGER" },
		{ "name server", "ns.bad.example.rpz-nsdname.rpz.test", "rpz.test", "nameserver exact ns.bad.example" },
		{ "name servers below", "*.bad.example.rpz-nsdname.rpz.test", "rpz.test", "nameserver below bad.example" },
		{ "every name server", "*.rpz-nsdname.rpz.test", "rpz.test", "nameserver below ." },
		{ "no name server", "rpz-nsdname.rpz.test", "rpz.test", "skip ROOT" },
		{ "IPv4", "24.0.2.0.192.rpz-ip.t", "t", "answer 192.0.2.0/24" },
		{ "client", "32.1.2.0.192.rpz-client-ip.t", "t", "client 192.0.2.1/32" },
		{ "server", "8.0.0.0.10.RPZ-NSIP.t", "t", "nameserver 10.0.0.0/8" },
		{ "Z9: no prefix", "1.2.0.192.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: prefix 0", "0.0.0.0.0.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: prefix 33", "33.1.2.0.192.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: leading zero", "32.01.2.0.192.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: leading zero of the prefix", "08.0.0.0.10.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: over 255", "32.1.2.0.256.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: not decimal", "32.a.2.0.192.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: too many", "32.1.1.2.0.192.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z9: nothing", "rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "a star", "*.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z10: zz", "48.zz.1.db8.2001.rpz-ip.t", "t", "answer 2001:db8:1::/48" },
		{ "Z10: eight words", "128.1.2.3.4.5.6.7.8.rpz-ip.t", "t", "answer 8:7:6:5:4:3:2:1/128" },
		{ "Z10: zz in the middle", "128.1.zz.db8.2001.rpz-ip.t", "t", "answer 2001:db8::1/128" },
		{ "Z10: zz in front", "128.1.zz.rpz-ip.t", "t", "answer ::1/128" },
		{ "Z10: capitals", "48.ZZ.1.DB8.2001.rpz-ip.t", "t", "answer 2001:db8:1::/48" },
		{ "Z10: the last of equal runs", "128.1.0.0.1.1.zz.1.rpz-ip.t", "t", "answer 1::1:1:0:0:1/128" },
		{ "Z10: the first of equal runs", "128.1.zz.1.1.0.0.1.rpz-ip.t", "t", "answer 1::1:1:0:0:1/128 odd" },
		{ "Z10: the shorter run", "128.1.zz.1.0.0.0.1.rpz-ip.t", "t", "answer 1::1:0:0:1/128 odd" },
		{ "Z10: no zz", "48.0.0.0.0.0.1.db8.2001.rpz-ip.t", "t", "answer 2001:db8:1::/48 odd" },
		{ "Z10: zz for one word", "128.1.zz.3.4.5.6.7.8.rpz-ip.t", "t", "answer 8:7:6:5:4:3:0:1/128 odd" },
		{ "Z10: zz for none", "128.1.2.zz.3.4.5.6.7.8.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z10: two zz", "128.zz.1.zz.2001.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z10: seven words", "128.1.2.3.4.5.6.7.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z10: prefix 129", "129.1.zz.2001.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z10: leading zero", "48.zz.1.0db8.2001.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z10: not hexadecimal", "48.zz.1.dg8.2001.rpz-ip.t", "t", "skip RPZ_ADDRESS" },
		{ "Z10: five labels with zz", "128.1.zz.2.3.rpz-ip.t", "t", "answer 3:2::1/128" },
		{ "IPv4 written as IPv6", "120.0.c000.ffff.zz.rpz-ip.t", "t", "answer 192.0.0.0/24 odd" },
		{ "IPv4 written as IPv6", "128.201.c000.ffff.zz.rpz-ip.t", "t", "answer 192.0.2.1/32 odd" },
		{ "all of IPv4 written as IPv6", "96.0.0.ffff.zz.rpz-ip.t", "t", "skip EVERYTHING" },
		{ "Z11: host bits", "8.2.0.0.10.rpz-client-ip.t", "t", "skip HOST_BITS" },
		{ "Z11: host bits of IPv6", "32.zz.1.db8.2001.rpz-ip.t", "t", "skip HOST_BITS" },
		/* clang-format on */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = trigger_text(rows[i].owner, rows[i].apex);
		if (strcmp(text, rows[i].expected) != 0)
			print_error("row '%s'\n", rows[i].why);
		assert_string_equal(text, rows[i].expected);
	}
}

/* ---- targets ---- */

static const char *target_text(const char *owner, const char *target)
{
	static const char *const actions[] = { "none",    "allow",    "log",    "nxdomain",
		                               "nodata",  "refused",  "drop",   "truncate",
		                               "address", "redirect", "records" };
	static char text[NAME_TEXT_MAX + 64];
	struct name o = from_text(owner), apex = from_text("rpz.test"), t = from_text(target), to;
	struct rpz_trigger trigger;
	struct policy_rule rule;
	struct policy_data data;
	assert_int_equal(rpz_trigger_read(o.wire, apex.wire, &trigger), FEEDS_SKIP_NONE);
	enum feeds_skip why =
		rpz_target_read(&trigger, o.wire, apex.wire, t.wire, 300, &rule, &data, &to);
	if (why != FEEDS_SKIP_NONE) {
		snprintf(text, sizeof text, "skip %s", skip_names[why]);
		return text;
	}
	assert_int_equal(rule.own_match, trigger.match + 1);
	assert_ptr_equal(rule.data, &data);
	assert_true(data.has_ttl && data.ttl_s == 300);
	size_t n = (size_t)snprintf(text, sizeof text, "%s", actions[rule.action]);
	if (rule.action == POLICY_REDIRECT) {
		n += (size_t)snprintf(text + n, sizeof text - n,
		                      data.is_target_suffix ? " *." : " ");
		name_to_text(data.target, text + n);
	}
	return text;
}

static void test_targets(void **state)
{
	static const struct {
		const char *why, *owner, *target, *expected;
	} rows[] = {
		/* clang-format off */
		{ "A1", "a.b.rpz.test", ".", "nxdomain" },
		{ "A2", "a.b.rpz.test", "*", "nodata" },
		{ "A3", "a.b.rpz.test", "rpz-passthru", "allow" },
		{ "A4", "a.b.rpz.test", "RPZ-Drop", "drop" },
		{ "A5", "a.b.rpz.test", "rpz-tcp-only", "truncate" },
		{ "A8: the whole name in front", "a.b.rpz.test", "*.garden.example", "redirect *.garden.example" },
		{ "A9: another name", "a.b.rpz.test", "Garden.example", "redirect garden.example" },
		{ "a star elsewhere is a label", "a.b.rpz.test", "x.*.example", "redirect x.*.example" },
		{ "Z7: unknown action", "a.b.rpz.test", "rpz-nxdomain", "skip RPZ_TARGET" },
		{ "Z7: below an action", "a.b.rpz.test", "x.rpz-passthru", "skip RPZ_TARGET" },
		{ "Z7: the child of a TLD", "a.b.rpz.test", "x.rpz-foo.example", "skip RPZ_TARGET" },
		{ "Z7: deeper it is a name", "a.b.rpz.test", "rpz-foo.b.example", "redirect rpz-foo.b.example" },
		{ "Z7: the dot was forgotten", "a.b.rpz.test", "rpz-passthru.rpz.test", "skip RPZ_TARGET" },
		{ "Z8: the name itself", "a.b.rpz.test", "A.b", "allow" },
		{ "Z8: with the apex", "a.b.rpz.test", "a.b.rpz.test", "allow" },
		{ "Z8: with a star", "*.a.b.rpz.test", "*.a.b", "allow" },
		{ "Z8: an address", "32.1.2.0.192.rpz-ip.rpz.test", "32.1.2.0.192", "allow" },
		{ "Z8: an address with its label", "32.1.2.0.192.rpz-ip.rpz.test", "32.1.2.0.192.rpz-ip", "allow" },
		{ "Z8: a name server", "ns.b.rpz-nsdname.rpz.test", "ns.b", "allow" },
		{ "Z8: another name", "a.b.rpz.test", "b", "redirect b" },
		/* clang-format on */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *text = target_text(rows[i].owner, rows[i].target);
		if (strcmp(text, rows[i].expected) != 0)
			print_error("row '%s'\n", rows[i].why);
		assert_string_equal(text, rows[i].expected);
	}
}

static void test_types(void **state)
{
	static const uint16_t no[] = { 2, 6, 39, 43, 46, 47, 48, 50, 51, 59, 60, 63, 41, 255, 0 };
	static const uint16_t yes[] = { 1, 5, 12, 15, 16, 28, 33, 35, 52, 64, 65, 257, 65280 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(rpz_type_is_data(no[i]));
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(rpz_type_is_data(yes[i]));
}

static void test_items(void **state)
{
	uint8_t bytes[64];
	struct policy_record a = { .type = 16,
		                   .ttl_s = 0x01020304,
		                   .rdata_len = 3,
		                   .rdata = (const uint8_t *)"\2hi" },
			     c;
	struct policy_record b = {
		.type = 1, .ttl_s = 5, .rdata_len = 4, .rdata = (const uint8_t *)"\300\0\2\1"
	};
	(void)state;
	size_t n = rpz_item_put(bytes, &a), at = 0;
	n += rpz_item_put(bytes + n, &b);
	struct policy_data data = { .records = bytes, .records_bytes = n };
	assert_true(policy_record_next(&data, &at, &c));
	assert_int_equal(c.ttl_s, 0x01020304);
	assert_true(policy_record_next(&data, &at, &c));
	assert_int_equal(at, n);
	assert_memory_equal(c.rdata, b.rdata, 4);
	assert_false(policy_record_next(&data, &at, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_triggers),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_items),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
