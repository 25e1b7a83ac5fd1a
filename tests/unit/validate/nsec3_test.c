/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "signed_zone.h"
#include "validate/denial.h"

static struct records r;
static struct work work;

static const struct nsec3_how plain = { .zone = "example." };
static const struct nsec3_how salted = { .zone = "example.", .iterations = 12, .salt = "aabbccdd" };
static const struct nsec3_how opt_out = { .zone = "example.", .flags = 1 };

static struct proofs proofs_now(void)
{
	static struct name zone;
	zone = name_of("example");
	struct proofs p = { .zone = zone.wire, .work = &work };
	for (unsigned i = 0; i < r.n; i++)
		p.rrs[p.n++] = &r.rrs[i];
	return p;
}

static void hashes_are_those_of_the_rfc(void **state)
{
	(void)state;
	/* RFC 5155 appendix A: salt aabbccdd, 12 iterations. */
	static const uint8_t salt[4] = { 0xaa, 0xbb, 0xcc, 0xdd };
	static const struct {
		const char *name, *hash;
	} rows[] = {
		{ "example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom" },
		{ "a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl" },
		{ "ns1.example", "2t7b4g4vsa5smi47k61mv5bv1a22bojr" },
		{ "*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en" },
		{ "xx.example", "t644ebqk9bibcna874givr6joj62mlhv" },
	};
	work = work_new();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t hash[20];
		char line[128];
		struct name name = name_of(rows[i].name);
		assert_int_equal(nsec3_hash(name.wire, salt, 4, 12, &work, hash), 0);
		snprintf(line, sizeof line, "%s.example. 300 NSEC3 1 0 12 aabbccdd %s A\n",
		         rows[i].hash, rows[i].hash);
		records_reset(&r);
		records_text(&r, line);
		assert_int_equal(nsec3_place(&r.rrs[0], hash), DENIAL_MATCHES);
	}
	assert_int_equal(work.hashes_left, WORK_HASHES - ARRAY_LEN(rows));
}

static void hashing_is_counted(void **state)
{
	(void)state;
	static const uint8_t salt[255] = { 1 };
	struct name name = name_of("example");
	uint8_t hash[20];
	work = (struct work){ .hashes_left = 4 };
	assert_int_equal(nsec3_hash(name.wire, NULL, 0, 0, &work, hash), 0);
	assert_int_equal(work.hashes_left, 3);
	assert_int_equal(nsec3_hash(name.wire, salt, 255, 50, &work, hash), 0);
	assert_int_equal(work.hashes_left, 0);
	assert_false(work.is_exhausted);
	assert_int_equal(nsec3_hash(name.wire, NULL, 0, 0, &work, hash), -E2BIG);
	assert_true(work.is_exhausted);
	work = work_new();
	assert_int_equal(nsec3_hash(name.wire, NULL, 0, NSEC3_ITERATIONS_MAX + 1, &work, hash),
	                 -ENOTSUP);
	assert_int_equal(work.hashes_left, WORK_HASHES);
}

static void places_are_found(void **state)
{
	(void)state;
	static const struct {
		const char *why, *owner, *next;
		uint8_t hash;
		enum denial_place expected;
	} rows[] = {
		{ "between", "04", "0g", 0x02, DENIAL_COVERS },
		{ "at", "08", "0g", 0x02, DENIAL_MATCHES },
		{ "before", "08", "0g", 0x01, DENIAL_ELSEWHERE },
		{ "at the next", "04", "08", 0x02, DENIAL_ELSEWHERE },
		{ "behind", "04", "08", 0x03, DENIAL_ELSEWHERE },
		{ "behind the last", "0g", "04", 0x80, DENIAL_COVERS },
		{ "before the first", "0g", "04", 0x00, DENIAL_COVERS },
		{ "not in the last's span", "0g", "04", 0x02, DENIAL_ELSEWHERE },
		{ "the only one", "0g", "0g", 0x77, DENIAL_COVERS },
		{ "the only one, at it", "0g", "0g", 0x04, DENIAL_MATCHES },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[256];
		uint8_t hash[20] = { rows[i].hash };
		/* Two digits are ten bits: 04 is byte 0x01, 08 0x02, 0g 0x04. */
		snprintf(line, sizeof line,
		         "%s000000000000000000000000000000.example. 300 NSEC3 1 0 0 - "
		         "%s000000000000000000000000000000 A\n",
		         rows[i].owner, rows[i].next);
		records_reset(&r);
		records_text(&r, line);
		if (nsec3_place(&r.rrs[0], hash) != rows[i].expected)
			fail_msg("%s", rows[i].why);
	}
}

/* A record at each name in `at`, one around each in `around`; names are separated by blanks. */
static struct proofs proofs_of(const struct nsec3_how *how, const char *at, const char *around)
{
	char text[256];
	work = work_new();
	records_reset(&r);
	const char *lists[] = { at, around };
	for (int l = 0; l < 2; l++) {
		snprintf(text, sizeof text, "%s", lists[l]);
		for (char *save, *p = strtok_r(text, " ", &save); p != NULL;
		     p = strtok_r(NULL, " ", &save)) {
			char *types = strchr(p, '=');
			if (types != NULL)
				*types++ = 0;
			for (char *t = types; t != NULL && *t != 0; t++)
				*t = *t == ',' ? ' ' : *t;
			records_nsec3(&r, how, p, l == 0 ? NSEC3_AT : NSEC3_AROUND,
			              types != NULL ? types : "A RRSIG");
		}
	}
	return proofs_now();
}

static void names_and_types_are_denied(void **state)
{
	(void)state;
	static const struct row {
		const char *why;
		const struct nsec3_how *how;
		const char *at, *around, *name;
		uint16_t type;
		enum proof expected;
	} rows[] = {
		{ "no such name", &plain, "example", "no.example *.example", "no.example", DNS_A,
		  PROOF_NXDOMAIN },
		{ "salted", &salted, "example", "no.example *.example", "no.example", DNS_A,
		  PROOF_NXDOMAIN },
		{ "deeper", &plain, "b.example", "no.b.example *.b.example", "x.y.no.b.example",
		  DNS_A, PROOF_NXDOMAIN },
		{ "the wildcard may exist", &plain, "example", "no.example", "no.example", DNS_A,
		  PROOF_NONE },
		{ "the name may exist", &plain, "example", "*.example", "no.example", DNS_A,
		  PROOF_NONE },
		{ "no closest encloser", &plain, "", "no.example *.example example", "no.example",
		  DNS_A, PROOF_NONE },
		{ "not the next closer name", &plain, "example", "x.no.example *.example",
		  "x.no.example", DNS_A, PROOF_NONE },
		{ "there is no such type", &plain, "www.example=A,RRSIG", "", "www.example",
		  DNS_AAAA, PROOF_NODATA },
		{ "there is", &plain, "www.example=A,RRSIG", "", "www.example", DNS_A, PROOF_NONE },
		{ "there is an alias", &plain, "www.example=CNAME,RRSIG", "", "www.example", DNS_A,
		  PROOF_NONE },
		{ "empty non-terminal", &plain, "ent.example=", "", "ent.example", DNS_A,
		  PROOF_NODATA },
		{ "wildcard without the type", &plain, "example *.example=TXT,RRSIG", "no.example",
		  "no.example", DNS_A, PROOF_NODATA },
		{ "wildcard with it", &plain, "example *.example=TXT,RRSIG", "no.example",
		  "no.example", DNS_TXT, PROOF_NONE },
		{ "wildcard with it, opt-out", &opt_out, "example *.example=TXT,RRSIG",
		  "no.example", "no.example", DNS_TXT, PROOF_NONE },
		{ "opt-out: no AD", &opt_out, "example", "no.example *.example", "no.example",
		  DNS_A, PROOF_OPT_OUT },
		{ "opt-out: DS", &opt_out, "example", "no.example", "no.example", DNS_DS,
		  PROOF_OPT_OUT },
		{ "opt-out: ENT above unsigned delegations", &opt_out, "example", "ent.example",
		  "ent.example", DNS_A, PROOF_OPT_OUT },
		{ "DS without opt-out needs more", &plain, "example", "no.example", "no.example",
		  DNS_DS, PROOF_NONE },
		{ "DS of a delegation", &plain, "sub.example=NS", "", "sub.example", DNS_DS,
		  PROOF_NODATA },
		{ "the parent of a cut speaks of DS only", &plain, "sub.example=NS", "",
		  "sub.example", DNS_A, PROOF_NONE },
		{ "the child does not", &plain, "example=NS,SOA,RRSIG,DNSKEY", "", "example",
		  DNS_DS, PROOF_NONE },
		{ "below a cut", &plain, "sub.example=NS", "x.sub.example *.sub.example",
		  "x.sub.example", DNS_A, PROOF_NONE },
		{ "below a DNAME", &plain, "d.example=DNAME,RRSIG", "x.d.example *.d.example",
		  "x.d.example", DNS_A, PROOF_NONE },
		{ "another zone's name", &plain, "example", "no.example *.example", "no.other",
		  DNS_A, PROOF_NONE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proofs p = proofs_of(rows[i].how, rows[i].at, rows[i].around);
		struct name name = name_of(rows[i].name);
		enum proof proof = nsec3_denies(&p, name.wire, rows[i].type);
		if (proof != rows[i].expected)
			fail_msg("%s: %d", rows[i].why, proof);
	}
}

static void odd_parameters(void **state)
{
	(void)state;
	static const struct nsec3_how many = { .zone = "example.", .iterations = 51 };
	static const struct nsec3_how most = { .zone = "example.", .iterations = 50 };
	static const struct nsec3_how algorithm = { .zone = "example.", .algorithm = 2 };
	static const struct nsec3_how flags = { .zone = "example.", .flags = 2 };
	static const struct nsec3_how zone = { .zone = "other." };
	static const struct nsec3_how deep = { .zone = "sub.example." };
	static const struct {
		const char *why;
		const struct nsec3_how *how;
		enum proof expected;
	} rows[] = {
		{ "iterations (RFC 9276)", &many, PROOF_ITERATIONS },
		{ "just not too many", &most, PROOF_NXDOMAIN },
		{ "unknown hash algorithm (RFC 5155 8.1)", &algorithm, PROOF_NONE },
		{ "unknown flag (8.2)", &flags, PROOF_NONE },
		{ "below another zone", &zone, PROOF_NONE },
		{ "not right below the zone", &deep, PROOF_NONE },
	};
	struct name name = name_of("no.example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proofs p = proofs_of(rows[i].how, "example", "no.example *.example");
		enum proof proof = nsec3_denies(&p, name.wire, DNS_A);
		if (proof != rows[i].expected)
			fail_msg("%s: %d", rows[i].why, proof);
	}
	/* Records of two parameter sets prove nothing together (RFC 5155 8.2). */
	proofs_of(&plain, "example", "no.example");
	records_nsec3(&r, &salted, "*.example", NSEC3_AROUND, "A");
	struct proofs p = proofs_now();
	assert_int_equal(nsec3_denies(&p, name.wire, DNS_A), PROOF_NONE);
	/* But other ones do no harm. */
	records_nsec3(&r, &plain, "*.example", NSEC3_AROUND, "A");
	p = proofs_now();
	assert_int_equal(nsec3_denies(&p, name.wire, DNS_A), PROOF_NXDOMAIN);
}

/* CVE-2023-50868: a name of many labels under a zone with many iterations. */
static void work_is_bounded(void **state)
{
	(void)state;
	static const struct nsec3_how heavy = { .zone = "example.", .iterations = 50 };
	struct name name =
		name_of("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	                "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	                "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.example");
	struct proofs p = proofs_of(&heavy, "example", "a.example *.example");
	assert_int_equal(nsec3_denies(&p, name.wire, DNS_A), PROOF_EXHAUSTED);
	assert_true(work.is_exhausted);
	/* Without iterations even such a name can be denied. */
	p = proofs_of(&plain, "example", "a.example *.example");
	assert_int_equal(nsec3_denies(&p, name.wire, DNS_A), PROOF_NXDOMAIN);
}

static void wildcards_are_allowed(void **state)
{
	(void)state;
	static const struct nsec3_how many = { .zone = "example.", .iterations = 51 };
	struct name name = name_of("x.y.example");
	struct proofs p = proofs_of(&plain, "", "y.example");
	assert_int_equal(nsec3_allows_wildcard(&p, name.wire, 1), PROOF_WILDCARD);
	assert_int_equal(nsec3_allows_wildcard(&p, name.wire, 2), PROOF_NONE);
	p = proofs_of(&plain, "y.example", "x.y.example");
	assert_int_equal(nsec3_allows_wildcard(&p, name.wire, 1), PROOF_NONE);
	assert_int_equal(nsec3_allows_wildcard(&p, name.wire, 2), PROOF_WILDCARD);
	p = proofs_of(&opt_out, "", "y.example");
	assert_int_equal(nsec3_allows_wildcard(&p, name.wire, 1), PROOF_OPT_OUT);
	p = proofs_of(&many, "", "y.example");
	assert_int_equal(nsec3_allows_wildcard(&p, name.wire, 1), PROOF_ITERATIONS);
	p = proofs_of(&plain, "", "");
	assert_int_equal(nsec3_allows_wildcard(&p, name.wire, 1), PROOF_NONE);
}

static void delegations_are_read(void **state)
{
	(void)state;
	static const struct nsec3_how many = { .zone = "example.", .iterations = 51 };
	static const struct {
		const char *why;
		const struct nsec3_how *how;
		const char *at, *around;
		enum delegation expected;
	} rows[] = {
		{ "no DS", &plain, "sub.example=NS", "", DELEGATION_UNSIGNED },
		{ "no cut", &plain, "sub.example=A,RRSIG", "", DELEGATION_NONE },
		{ "empty non-terminal", &plain, "sub.example=", "", DELEGATION_NONE },
		{ "DS", &plain, "sub.example=NS,DS,RRSIG", "", DELEGATION_UNKNOWN },
		{ "the child's", &plain, "sub.example=NS,SOA,RRSIG", "", DELEGATION_UNKNOWN },
		{ "opt-out", &opt_out, "example", "sub.example", DELEGATION_UNSIGNED },
		{ "no such name", &plain, "example", "sub.example", DELEGATION_NONE },
		{ "no encloser", &opt_out, "", "sub.example", DELEGATION_UNKNOWN },
		{ "nothing covers it", &opt_out, "example", "", DELEGATION_UNKNOWN },
		{ "iterations", &many, "example", "", DELEGATION_UNSIGNED },
		{ "nothing", &plain, "", "", DELEGATION_UNKNOWN },
	};
	struct name name = name_of("sub.example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proofs p = proofs_of(rows[i].how, rows[i].at, rows[i].around);
		enum delegation d = nsec3_delegation(&p, name.wire);
		if (d != rows[i].expected)
			fail_msg("%s: %d", rows[i].why, d);
	}
}

static void only_sound_records_are_read(void **state)
{
	(void)state;
	struct nsec3_parameters p = { .iterations = 7 };
	uint8_t hash[20] = { 0 };
	records_reset(&r);
	records_nsec3(&r, &salted, "www.example", NSEC3_AT, "A CAA");
	uint16_t n = r.rrs[0].rdata_len;
	for (uint16_t cut = 0; cut < n; cut++) {
		r.rrs[0].rdata_len = cut;
		size_t map_at = 5 + 4 + 1 + 20;
		bool is_sound = cut == map_at || cut == map_at + 3; /* no types, the first window */
		assert_int_equal(nsec3_read(&r.rrs[0], &p), is_sound ? 0 : -EBADMSG);
		if (!is_sound)
			assert_int_equal(nsec3_place(&r.rrs[0], hash), DENIAL_ELSEWHERE);
	}
	r.rrs[0].rdata_len = n;
	assert_int_equal(nsec3_read(&r.rrs[0], &p), 0);
	assert_int_equal(p.iterations, 12);
	assert_int_equal(p.salt_len, 4);
	assert_int_equal(p.hash_len, 20);
	assert_true(denial_has_type(&r.rrs[0], DNS_A));
	assert_true(denial_has_type(&r.rrs[0], 257));
	assert_false(denial_has_type(&r.rrs[0], DNS_AAAA));
	/* A name that is no hash. */
	uint8_t *owner = (uint8_t *)r.rrs[0].owner;
	owner[1] = 'z';
	assert_int_equal(nsec3_place(&r.rrs[0], hash), DENIAL_ELSEWHERE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_the_rfc),
		cmocka_unit_test(hashing_is_counted),
		cmocka_unit_test(places_are_found),
		cmocka_unit_test(names_and_types_are_denied),
		cmocka_unit_test(odd_parameters),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(wildcards_are_allowed),
		cmocka_unit_test(delegations_are_read),
		cmocka_unit_test(only_sound_records_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
