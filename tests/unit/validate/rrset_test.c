/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/rrset.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "signed_zone.h"

static struct records r;
static struct rrsets sets;
static struct canonical canonical;

static void records_become_sets(void **state)
{
	(void)state;
	records_reset(&r);
	records_text(
		&r,
		"a.example. 300 A 192.0.2.1\n"
		"b.example. 300 A 192.0.2.1\n"
		"a.example. 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA\n"
		"a.example. 300 A 192.0.2.2\n"
		"a.example. 300 AAAA 2001:db8::1\n"
		"c.example. 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 example. AAAA\n");
	r.in_authority = true;
	records_text(&r, "a.example. 300 A 192.0.2.3\n");
	assert_int_equal(rrsets_group(&sets, r.rrs, r.n), 0);
	assert_int_equal(sets.n, 5);
	struct rrset *set = rrsets_find(&sets, name_of("a.example").wire, DNS_A, false);
	assert_non_null(set);
	assert_int_equal(set->n, 2);
	assert_int_equal(set->n_sigs, 1);
	assert_int_equal(set->first, 0);
	assert_int_equal(sets.next[0], 3);
	assert_int_equal(set->first_sig, 2);
	set = rrsets_find(&sets, name_of("a.example").wire, DNS_A, true);
	assert_non_null(set);
	assert_int_equal(set->n, 1);
	/* A signature of what is not there. */
	assert_null(rrsets_find(&sets, name_of("c.example").wire, DNS_A, false));
}

static void too_many_are_refused(void **state)
{
	(void)state;
	records_reset(&r);
	for (unsigned i = 0; i <= RRSETS_MAX; i++) {
		char line[64];
		snprintf(line, sizeof line, "n%u.example. 300 A 192.0.2.1\n", i);
		records_text(&r, line);
	}
	assert_int_equal(rrsets_group(&sets, r.rrs, RRSETS_MAX), 0);
	assert_int_equal(rrsets_group(&sets, r.rrs, RRSETS_MAX + 1), -E2BIG);
	assert_int_equal(rrsets_group(&sets, r.rrs, RRSETS_RRS_MAX + 1), -E2BIG);
}

/* The record data in canonical order, as hexadecimal. */
static void canonical_text(const char *lines, char *ret, size_t room)
{
	size_t at = 0;
	records_reset(&r);
	records_text(&r, lines);
	assert_int_equal(rrsets_group(&sets, r.rrs, r.n), 0);
	assert_int_equal(sets.n, 1);
	assert_int_equal(rrset_canonical(&sets, &sets.sets[0], &canonical), 0);
	ret[0] = 0;
	for (unsigned i = 0; i < canonical.n; i++) {
		uint16_t len;
		const uint8_t *p = canonical.rdata + canonical.at[i];
		memcpy(&len, p, 2);
		at += (size_t)snprintf(ret + at, room - at, "%s", i > 0 ? " " : "");
		for (unsigned k = 0; k < len; k++)
			at += (size_t)snprintf(ret + at, room - at, "%02x", p[2 + k]);
	}
}

static void order_is_canonical(void **state)
{
	(void)state;
	static const struct {
		const char *why, *lines, *expected;
	} rows[] = {
		{ "RFC 4034 6.3: as bytes",
		  "a. 1 A 192.0.2.200\na. 1 A 10.0.0.1\na. 1 A 192.0.2.9\n",
		  "0a000001 c0000209 c00002c8" },
		{ "what ends first comes first", "a. 1 TXT \"ab\" \"\"\na. 1 TXT \"ab\"\n",
		  "026162 02616200" },
		{ "repeated ones count once",
		  "a. 1 A 192.0.2.1\na. 1 A 192.0.2.1\na. 1 A 192.0.2.1\n", "c0000201" },
		{ "MX: the name is lowered", "a. 1 MX 10 MAIL.\n", "000a046d61696c00" },
		{ "the same but for case counts once", "a. 1 MX 10 MAIL.\na. 1 MX 10 mail.\n",
		  "000a046d61696c00" },
		{ "SOA: two names, and no number", "a. 1 SOA NS. Host. 65 66 67 68 69\n",
		  "026e730004686f7374000000004100000042000000430000004400000045" },
		{ "SRV", "a. 1 SRV 65 66 67 T.\n", "004100420043017400" },
		{ "NAPTR: the name behind three strings",
		  "a. 1 NAPTR 65 66 \"S\" \"SIP\" \"\" R.\n", "0041004201530353495000017200" },
		{ "RFC 6840 5.1: not in NSEC", "a. 1 NSEC B. A\n", "014200000140" },
		{ "nor in unknown types", "a. 1 TYPE65280 \\# 3 014100\n", "014100" },
		{ "nor in SVCB", "a. 1 SVCB 1 B.\n", "0001014200" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];
		canonical_text(rows[i].lines, text, sizeof text);
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s: %s", rows[i].why, text);
	}
}

/* Record data that is no name where one should be: left alone, read no further than it goes. */
static void malformed_names_are_left_alone(void **state)
{
	(void)state;
	static const uint16_t types[] = { 2, 6, 14, 15, 17, 24, 26, 33, 35, 36, 38, 39 };
	static const uint8_t bytes[] = { 0x3f, 'A', 0xc0, 0x0c, 200, 'B', 1, 'C' };
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		for (size_t n = 0; n <= sizeof bytes; n++) {
			struct name owner = name_of("a");
			records_reset(&r);
			records_add(&r, owner.wire, types[t], 1, bytes, n);
			assert_int_equal(rrsets_group(&sets, r.rrs, r.n), 0);
			assert_int_equal(rrset_canonical(&sets, &sets.sets[0], &canonical), 0);
			assert_int_equal(canonical.rdata_bytes, n + 2);
		}
	}
}

static void a_large_set_is_sorted(void **state)
{
	(void)state;
	struct name owner = name_of("a");
	records_reset(&r);
	for (unsigned i = 0; i < 4096; i++) {
		uint8_t addr[4];
		store32(addr, i * 2654435761U);
		records_add(&r, owner.wire, DNS_A, 1, addr, 4);
	}
	assert_int_equal(rrsets_group(&sets, r.rrs, r.n), 0);
	assert_int_equal(rrset_canonical(&sets, &sets.sets[0], &canonical), 0);
	assert_int_equal(canonical.n, 4096);
	for (unsigned i = 1; i < canonical.n; i++)
		assert_true(memcmp(canonical.rdata + canonical.at[i - 1] + 2,
		                   canonical.rdata + canonical.at[i] + 2, 4) < 0);
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	static uint8_t big[60000];
	struct name owner = name_of("a");
	records_reset(&r);
	records_add(&r, owner.wire, DNS_TXT, 1, big, sizeof big);
	big[0] = 1;
	records_add(&r, owner.wire, DNS_TXT, 1, big, sizeof big);
	assert_int_equal(rrsets_group(&sets, r.rrs, r.n), 0);
	assert_int_equal(rrset_canonical(&sets, &sets.sets[0], &canonical), -E2BIG);
	/* Many small records under a long name, as compression allows. */
	char text[256];
	memset(text, 'x', 255);
	for (unsigned i = 60; i < 240; i += 61)
		text[i] = '.';
	text[240] = 0;
	owner = name_of(text);
	records_reset(&r);
	for (unsigned i = 0; i < 4000; i++) {
		uint8_t addr[4];
		store32(addr, i);
		records_add(&r, owner.wire, DNS_A, 1, addr, 4);
	}
	static const uint8_t rrsig[40] = { 0, 1, 13, 4 };
	records_add(&r, owner.wire, DNS_RRSIG, 1, rrsig, sizeof rrsig);
	struct rrsig_fields fields;
	assert_int_equal(rrsig_read(&r.rrs[4000], &fields), 0);
	assert_int_equal(rrsets_group(&sets, r.rrs, r.n), 0);
	assert_int_equal(rrset_canonical(&sets, &sets.sets[0], &canonical), 0);
	assert_int_equal(rrset_signed_data(&sets.sets[0], &r.rrs[4000], &fields, &canonical),
	                 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_become_sets),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(order_is_canonical),
		cmocka_unit_test(malformed_names_are_left_alone),
		cmocka_unit_test(a_large_set_is_sorted),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
