/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot.h"

/* clang-format off */
static const struct {
	const char *address;
	bool is_private;
} addresses[] = {
	{ "10.0.0.1", true }, { "172.16.0.1", true }, { "172.31.255.255", true },
	{ "172.15.0.1", false }, { "172.32.0.1", false }, { "192.168.0.1", true },
	{ "192.169.0.1", false }, { "169.254.169.254", true }, { "127.0.0.1", true },
	{ "127.255.0.1", true }, { "100.64.0.1", true }, { "100.127.1.1", true },
	{ "100.128.0.1", false }, { "0.0.0.0", true }, { "0.1.2.3", true }, { "8.8.8.8", false },
	{ "192.0.2.1", false }, { "::", true }, { "::1", true }, { "fd00::1", true }, { "fc00::1", true },
	{ "fe80::1", true }, { "febf::1", true }, { "fec0::1", false }, { "2001:db8::1", false },
	{ "::ffff:10.0.0.1", true }, { "::ffff:8.8.8.8", false }, { "::10.0.0.1", true },
	{ "64:ff9b::10.0.0.1", true }, { "64:ff9b::8.8.8.8", false }, { "64:ff9b::0.0.0.1", true },
	{ "2001:db8:64:0:a:0:100:0", true }, { "2001:db8:64:0:8:808:800:0", false },
};
/* clang-format on */

static struct local *snapshot(void)
{
	return snapshot_of("dns64: {prefix: [\"2001:db8:64::/64\"]}\n"
	                   "rebinding: {allow: [plex.direct, corp.example]}\n");
}

static void which_addresses(void **state)
{
	(void)state;
	struct local *l = snapshot();
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct addr a;
		const char *text = addresses[i].address;
		assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
		if (local_is_private(l, &a) != addresses[i].is_private)
			fail_msg("%s", text);
	}
	local_free(l);
}

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static struct answer *answer_of(const char *name, uint16_t type, const struct answer_rr *rrs,
                                unsigned n)
{
	struct name wire = name_of(name);
	struct answer *a;
	struct answer_plan plan = { .name = wire.wire,
		                    .hash = name_hash(wire.wire),
		                    .type = type,
		                    .ttl_s = 300,
		                    .rrs = rrs,
		                    .n_rrs = n };
	assert_int_equal(answer_new(&plan, &a), 0);
	return a;
}

static bool finds(const struct local *l, const char *name, const char *address)
{
	struct name owner = name_of(name), alias = name_of("alias.example.org");
	struct addr a, found = { 0 };
	assert_int_equal(addr_from_text(address, strlen(address), &a), 0);
	/* A public address first, behind an alias: the walk has to go through to the end. */
	const struct answer_rr rrs[] = {
		{ .owner = owner.wire,
		  .rdata = alias.wire,
		  .type = DNS_CNAME,
		  .rdata_len = alias.len },
		{ .owner = alias.wire,
		  .rdata = (const uint8_t *)"\x08\x08\x08\x08",
		  .type = DNS_A,
		  .rdata_len = 4 },
		{ .owner = alias.wire,
		  .rdata = a.is_v4 ? a.bytes + 12 : a.bytes,
		  .type = a.is_v4 ? DNS_A : DNS_AAAA,
		  .rdata_len = a.is_v4 ? 4 : 16 },
	};
	struct answer *answer = answer_of(name, DNS_A, rrs, ARRAY_LEN(rrs));
	bool is_found = local_find_private(l, answer, &found);
	if (is_found)
		assert_true(addr_equal(&found, &a));
	answer->item.release(answer);
	return is_found;
}

static void which_answers(void **state)
{
	(void)state;
	struct local *l = snapshot();
	assert_true(finds(l, "evil.example.net", "192.168.1.1"));
	assert_true(finds(l, "evil.example.net", "fd00::1"));
	assert_true(finds(l, "evil.example.net", "127.0.0.1"));
	assert_false(finds(l, "evil.example.net", "192.0.2.1"));
	assert_false(finds(l, "x.plex.direct", "192.168.1.1"));
	assert_false(finds(l, "corp.example", "10.1.2.3"));
	assert_true(finds(l, "notcorp.example", "10.1.2.3"));
	/* DNS blocklists; a name that only looks like a question to one is anybody's. */
	assert_false(finds(l, "2.0.0.127.zen.spamhaus.org", "127.0.0.2"));
	assert_false(finds(l, "bad.example.dbl.spamhaus.org", "127.0.1.2"));
	assert_true(finds(l, "2.0.0.127.zen.spamhaus.org", "127.0.0.1")); /* RFC 5782 2.3 */
	assert_true(finds(l, "2.0.0.127.zen.spamhaus.org", "10.0.0.2"));
	assert_true(finds(l, "2.0.0.127.bl.example.net", "127.0.0.2"));
	local_free(l);
}

static void hints(void **state)
{
	(void)state;
	static const uint8_t v4_hint[] = { 0, 1, 0, 0, 1, 0, 3, 2,  'h', '2', 0,
		                           4, 0, 8, 8, 8, 8, 8, 10, 0,   0,   1 };
	static const uint8_t v6_hint[] = { 0, 1, 0, 0, 6, 0, 16, 0xfe, 0x80, 0, 0, 0,
		                           0, 0, 0, 0, 0, 0, 0,  0,    0,    0, 1 };
	static const uint8_t none[] = { 0, 1, 0, 0, 4, 0, 4, 8, 8, 8, 8 };
	static const uint8_t cut[] = { 0, 1, 0, 0, 4, 0, 8, 10, 0, 0, 1 };
	static const struct {
		const uint8_t *rdata;
		uint16_t n;
		bool is_found;
	} rows[] = { { v4_hint, sizeof v4_hint, true },
		     { v6_hint, sizeof v6_hint, true },
		     { none, sizeof none, false },
		     { cut, sizeof cut, false },
		     { cut, 2, false } };
	struct local *l = snapshot();
	struct name owner = name_of("www.example.net");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr found;
		const struct answer_rr rr = { .owner = owner.wire,
			                      .rdata = rows[i].rdata,
			                      .type = DNS_HTTPS,
			                      .rdata_len = rows[i].n };
		struct answer *a = answer_of("www.example.net", DNS_HTTPS, &rr, 1);
		assert_int_equal(local_find_private(l, a, &found), rows[i].is_found);
		a->item.release(a);
	}
	local_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_addresses),
		cmocka_unit_test(which_answers),
		cmocka_unit_test(hints),
	};
	return cmocka_run_group_tests(tests, snapshot_start, snapshot_stop);
}
