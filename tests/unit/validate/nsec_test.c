/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signed_zone.h"
#include "validate/denial.h"

static struct records r;

/*
 * The zone: example. with ns, a wildcard below w., a delegation at sub, a DNAME at d, an empty
 * non-terminal e (below it a.b.e), a signed delegation at signed.
 */
static const char zone_text[] = "example. 300 NSEC d.example. NS SOA RRSIG NSEC DNSKEY\n"
				"d.example. 300 NSEC a.b.e.example. DNAME RRSIG NSEC\n"
				"a.b.e.example. 300 NSEC ns.example. A RRSIG NSEC\n"
				"ns.example. 300 NSEC signed.example. A RRSIG NSEC\n"
				"signed.example. 300 NSEC sub.example. NS DS RRSIG NSEC\n"
				"sub.example. 300 NSEC w.example. NS RRSIG NSEC\n"
				"w.example. 300 NSEC *.w.example. A RRSIG NSEC\n"
				"*.w.example. 300 NSEC alias.w.example. TXT RRSIG NSEC\n"
				"alias.w.example. 300 NSEC example. CNAME RRSIG NSEC\n";

static struct proofs proofs_in(const char *zone, const char *lines)
{
	static struct name name;
	name = name_of(zone);
	struct proofs p = { .zone = name.wire };
	records_reset(&r);
	records_text(&r, lines);
	for (unsigned i = 0; i < r.n; i++)
		p.rrs[p.n++] = &r.rrs[i];
	return p;
}

static void names_and_types_are_denied(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name;
		uint16_t type;
		enum proof expected;
	} rows[] = {
		{ "covered, and no wildcard", "nothing.example", DNS_A, PROOF_NXDOMAIN },
		{ "below what does not exist", "a.b.c.nothing.example", DNS_A, PROOF_NXDOMAIN },
		{ "behind the last name", "zz.example", DNS_A, PROOF_NXDOMAIN },
		{ "before the first name", "a.example", DNS_A, PROOF_NXDOMAIN },
		{ "there is that type", "ns.example", DNS_A, PROOF_NONE },
		{ "there is not", "ns.example", DNS_AAAA, PROOF_NODATA },
		{ "not at the apex either", "example", DNS_MX, PROOF_NODATA },
		{ "empty non-terminal", "e.example", DNS_A, PROOF_NODATA },
		{ "another", "b.e.example", DNS_A, PROOF_NODATA },
		{ "beside an empty non-terminal", "c.e.example", DNS_A, PROOF_NXDOMAIN },
		{ "wildcard without the type", "x.w.example", DNS_A, PROOF_NODATA },
		{ "two labels deep", "x.y.w.example", DNS_A, PROOF_NODATA },
		{ "wildcard with the type", "x.w.example", DNS_TXT, PROOF_NONE },
		{ "the star itself", "*.w.example", DNS_A, PROOF_NODATA },
		{ "the wildcard's neighbour hides it", "x.alias.w.example", DNS_A, PROOF_NXDOMAIN },
		{ "an alias is there", "alias.w.example", DNS_A, PROOF_NONE },
		{ "DNAME: not the type", "d.example", DNS_A, PROOF_NODATA },
		{ "below a DNAME", "x.d.example", DNS_A, PROOF_NONE },
		{ "the parent of a cut speaks of DS", "sub.example", DNS_DS, PROOF_NODATA },
		{ "and of no other type", "sub.example", DNS_A, PROOF_NONE },
		{ "nor of names below", "x.sub.example", DNS_A, PROOF_NONE },
		{ "not even of their DS", "x.sub.example", DNS_DS, PROOF_NONE },
		{ "there is a DS", "signed.example", DNS_DS, PROOF_NONE },
		{ "the child's apex does not speak of DS", "example", DNS_DS, PROOF_NONE },
		{ "another zone's name", "www.other", DNS_A, PROOF_NONE },
		{ "the zone's parent", ".", DNS_A, PROOF_NONE },
	};
	struct proofs p = proofs_in("example", zone_text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name = name_of(rows[i].name);
		enum proof proof = nsec_denies(&p, name.wire, rows[i].type);
		if (proof != rows[i].expected)
			fail_msg("%s: %s: %d", rows[i].why, rows[i].name, proof);
	}
}

static void half_a_proof_is_none(void **state)
{
	(void)state;
	struct name name = name_of("nothing.example");
	/* The name is covered, the wildcard is not: it may exist. */
	struct proofs p =
		proofs_in("example", "ns.example. 300 NSEC signed.example. A RRSIG NSEC\n"
	                             "a.b.e.example. 300 NSEC ns.example. A RRSIG NSEC\n");
	assert_int_equal(nsec_denies(&p, name_of("nz.example").wire, DNS_A), PROOF_NONE);
	/* The wildcard is covered, the name is not. */
	p = proofs_in("example", "example. 300 NSEC d.example. NS SOA RRSIG NSEC DNSKEY\n");
	assert_int_equal(nsec_denies(&p, name.wire, DNS_A), PROOF_NONE);
	/* One record for the whole zone. */
	p = proofs_in("example", "example. 300 NSEC example. NS SOA RRSIG NSEC DNSKEY\n");
	assert_int_equal(nsec_denies(&p, name.wire, DNS_A), PROOF_NXDOMAIN);
	assert_int_equal(nsec_denies(&p, name_of("example").wire, DNS_A), PROOF_NODATA);
	/* A record that leads out of the zone, or is signed by another. */
	p = proofs_in("example", "example. 300 NSEC other. NS SOA RRSIG NSEC DNSKEY\n");
	assert_int_equal(nsec_denies(&p, name.wire, DNS_A), PROOF_NONE);
	p = proofs_in("nothing.example", "example. 300 NSEC example. NS SOA RRSIG NSEC DNSKEY\n");
	assert_int_equal(nsec_denies(&p, name.wire, DNS_A), PROOF_NONE);
	/* The root has no parent: its own record speaks of its DS. */
	p = proofs_in(".", ". 300 NSEC aaa. NS SOA RRSIG NSEC DNSKEY\n");
	assert_int_equal(nsec_denies(&p, name_of(".").wire, DNS_DS), PROOF_NODATA);
}

static void wildcards_are_allowed(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name;
		unsigned labels; /* of the wildcard without its star */
		enum proof expected;
	} rows[] = {
		{ "nothing closer", "x.w.example", 2, PROOF_WILDCARD },
		{ "two labels", "x.y.w.example", 2, PROOF_WILDCARD },
		{ "the name itself exists", "alias.w.example", 2, PROOF_NONE },
		{ "something closer exists", "x.alias.w.example", 2, PROOF_NONE },
		{ "a wildcard further up", "x.w.example", 1, PROOF_NONE },
		{ "an empty non-terminal is in the way", "e.example", 1, PROOF_NONE },
		{ "below a cut", "x.sub.example", 1, PROOF_NONE },
	};
	struct proofs p = proofs_in("example", zone_text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name = name_of(rows[i].name);
		enum proof proof = nsec_allows_wildcard(&p, name.wire, rows[i].labels);
		if (proof != rows[i].expected)
			fail_msg("%s: %d", rows[i].why, proof);
	}
}

static void delegations_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name;
		enum delegation expected;
	} rows[] = {
		{ "without DS", "sub.example", DELEGATION_UNSIGNED },
		{ "with DS, which is not here", "signed.example", DELEGATION_UNKNOWN },
		{ "no delegation", "ns.example", DELEGATION_NONE },
		{ "no such name", "nothing.example", DELEGATION_NONE },
		{ "empty non-terminal", "e.example", DELEGATION_NONE },
		{ "below a delegation", "x.sub.example", DELEGATION_UNKNOWN },
		{ "the apex", "example", DELEGATION_UNKNOWN },
	};
	struct proofs p = proofs_in("example", zone_text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name = name_of(rows[i].name);
		enum delegation d = nsec_delegation(&p, name.wire);
		if (d != rows[i].expected)
			fail_msg("%s: %d", rows[i].why, d);
	}
}

static void bit_maps_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		uint8_t bytes[48];
		size_t n;
		bool is_sound, has_a, has_caa;
	} rows[] = {
		{ "empty", { 0 }, 0, true, false, false },
		{ "A", { 0, 1, 0x40 }, 3, true, true, false },
		{ "A and CAA", { 0, 1, 0x40, 1, 1, 0x40 }, 6, true, true, true },
		{ "CAA only", { 1, 1, 0x40 }, 3, true, false, true },
		{ "cut off", { 0, 2, 0x40 }, 3, false, false, false },
		{ "half a head", { 0, 1, 0x40, 1 }, 4, false, true, false },
		{ "empty window", { 0, 0, 1, 1, 0x40 }, 5, false, false, true },
		{ "33 bytes", { 0, 33, 0x40 }, 35, false, true, false },
		{ "32 bytes", { 0, 32, 0x40 }, 34, true, true, false },
		{ "windows out of order", { 1, 1, 0x40, 0, 1, 0x40 }, 6, false, true, true },
		{ "a window twice", { 0, 1, 0, 0, 1, 0x40 }, 6, false, false, false },
	};
	struct name owner = name_of("a.example");
	struct name zone = name_of("example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t rdata[64] = { 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
		memcpy(rdata + 9, rows[i].bytes, rows[i].n);
		records_reset(&r);
		records_add(&r, owner.wire, DNS_NSEC, 1, rdata, 9 + rows[i].n);
		if (bitmap_is_sound(rows[i].bytes, rows[i].n) != rows[i].is_sound ||
		    denial_has_type(&r.rrs[0], DNS_A) != rows[i].has_a ||
		    denial_has_type(&r.rrs[0], 257) != rows[i].has_caa)
			fail_msg("%s", rows[i].why);
		/* What is not sound proves nothing. */
		assert_int_equal(nsec_place(&r.rrs[0], zone.wire, owner.wire),
		                 rows[i].is_sound ? DENIAL_MATCHES : DENIAL_ELSEWHERE);
	}
	/* No next name, or none that ends. */
	for (uint16_t n = 0; n < 9; n++) {
		records_reset(&r);
		records_text(&r, "a.example. 300 NSEC example. A\n");
		r.rrs[0].rdata_len = n;
		assert_false(denial_has_type(&r.rrs[0], DNS_A));
		assert_false(denial_lacks_type(&r.rrs[0], owner.wire, DNS_AAAA));
		assert_int_equal(nsec_place(&r.rrs[0], zone.wire, owner.wire), DENIAL_ELSEWHERE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_types_are_denied),
		cmocka_unit_test(half_a_proof_is_none),
		cmocka_unit_test(wildcards_are_allowed),
		cmocka_unit_test(delegations_are_read),
		cmocka_unit_test(bit_maps_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
