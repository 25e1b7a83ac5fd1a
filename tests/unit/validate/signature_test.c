/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/signature.h"

#include <errno.h>
#include <libdnssec/sign.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "signed_zone.h"

static struct validator *v;
static struct records r;
static struct zone_key key; /* of example. */
static struct trust *trust;

static int begin(void **state)
{
	(void)state;
	if (validator_new(&v) != 0)
		return -1;
	zone_key_make(&key, "example.", 13, 257, 0);
	const struct zone_key *keys[] = { &key };
	trust = trust_of(v, keys, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	trust_free(trust);
	zone_key_done(&key);
	validator_free(v);
	return 0;
}

struct seen {
	bool is_good;
	struct verified verified;
	struct blame blame;
	struct work work;
};

/* The RRset of the first record. */
static struct seen verify_at(const struct trust *t, uint32_t wall_s)
{
	struct seen s = { .work = work_new() };
	assert_int_equal(rrsets_group(&v->sets, r.rrs, r.n), 0);
	s.is_good = rrset_verify(v, &v->sets, &v->sets.sets[0], t, KEYS_ALL, wall_s, &s.work,
	                         &s.verified, &s.blame);
	return s;
}

static void every_algorithm_is_checked(void **state)
{
	(void)state;
	static const uint8_t algorithms[] = { 5, 7, 8, 10, 13, 14, 15, 16 };
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		struct zone_key k;
		assert_true(algorithm_is_supported(algorithms[i]));
		zone_key_make(&k, "example.", algorithms[i], 257, 0);
		const struct zone_key *keys[] = { &k };
		struct trust *t = trust_of(v, keys, 1);
		records_reset(&r);
		records_text(&r, "www.example. 300 A 192.0.2.1\nwww.example. 300 A 192.0.2.2\n");
		records_sign(&r, 0, &k, &as_usual);
		struct seen s = verify_at(t, T_NOW);
		assert_true(s.is_good);
		assert_int_equal(s.verified.ttl_s, 300);
		assert_int_equal(s.verified.labels, 2);
		assert_int_equal(s.work.signatures_left, WORK_SIGNATURES - 1);

		/* Any bit of the records or of the signature counts. */
		uint8_t *addr = (uint8_t *)r.rrs[1].rdata;
		addr[3] ^= 1;
		s = verify_at(t, T_NOW);
		assert_false(s.is_good);
		assert_int_equal(s.blame.ede_code, EDE_BOGUS);
		assert_int_equal(s.work.failures_left, WORK_FAILURES - 1);
		addr[3] ^= 1;
		/* (But for the last byte of Ed448's, which is always 0 and nettle does not look at.) */
		uint8_t *late = (uint8_t *)r.rrs[2].rdata + r.rrs[2].rdata_len - 2;
		*late ^= 1;
		assert_false(verify_at(t, T_NOW).is_good);
		*late ^= 1;
		assert_true(verify_at(t, T_NOW).is_good);
		trust_free(t);
		zone_key_done(&k);
	}
}

static void fields_are_checked(void **state)
{
	(void)state;
	static const struct row {
		const char *why;
		const char *owner;
		struct signing how;
		uint32_t wall_s;
		bool is_good;
		uint8_t ede_code;
	} rows[] = {
		{ "as usual", "www.example.", { .labels = -1 }, T_NOW, true, 0 },
		{ "the first second", "www.example.", { .labels = -1 }, T_BEGIN, true, 0 },
		{ "the last second", "www.example.", { .labels = -1 }, T_END, true, 0 },
		{ "before",
		  "www.example.",
		  { .labels = -1 },
		  T_BEGIN - 1,
		  false,
		  EDE_NOT_YET_VALID },
		{ "after", "www.example.", { .labels = -1 }, T_END + 1, false, EDE_EXPIRED },
		{ "ends before it begins",
		  "www.example.",
		  { .labels = -1, .begins_s = T_END, .expires_s = T_BEGIN },
		  T_NOW,
		  false,
		  EDE_BOGUS },
		{ "over the end of 32 bits (RFC 1982)",
		  "www.example.",
		  { .labels = -1, .begins_s = 0xfffff000, .expires_s = 0x1000 },
		  0x10,
		  true,
		  0 },
		{ "before it, over the end",
		  "www.example.",
		  { .labels = -1, .begins_s = 0xfffff000, .expires_s = 0x1000 },
		  0xffffe000,
		  false,
		  EDE_NOT_YET_VALID },
		{ "more labels than the owner",
		  "www.example.",
		  { .labels = 3 },
		  T_NOW,
		  false,
		  EDE_BOGUS },
		{ "a wildcard's", "www.example.", { .labels = 1 }, T_NOW, true, 0 },
		{ "a star itself", "*.example.", { .labels = -1 }, T_NOW, true, 0 },
		{ "a star counts no label",
		  "*.example.",
		  { .labels = 2 },
		  T_NOW,
		  false,
		  EDE_BOGUS },
		{ "another zone's",
		  "www.example.",
		  { .labels = -1, .signer = "www.example." },
		  T_NOW,
		  false,
		  0 },
		{ "another key's tag",
		  "www.example.",
		  { .labels = -1, .tag = 1 },
		  T_NOW,
		  false,
		  EDE_DNSKEY_MISSING },
		{ "another algorithm",
		  "www.example.",
		  { .labels = -1, .algorithm = 8 },
		  T_NOW,
		  false,
		  EDE_DNSKEY_MISSING },
		{ "an unsupported algorithm",
		  "www.example.",
		  { .labels = -1, .algorithm = 12 },
		  T_NOW,
		  false,
		  EDE_RRSIGS_MISSING },
		{ "wrong",
		  "www.example.",
		  { .labels = -1, .is_broken = true },
		  T_NOW,
		  false,
		  EDE_BOGUS },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[128];
		records_reset(&r);
		snprintf(line, sizeof line, "%s 300 A 192.0.2.1\n", rows[i].owner);
		records_text(&r, line);
		records_sign(&r, 0, &key, &rows[i].how);
		struct seen s = verify_at(trust, rows[i].wall_s);
		if (s.is_good != rows[i].is_good || s.blame.ede_code != rows[i].ede_code)
			fail_msg("%s: good %d, EDE %u", rows[i].why, s.is_good, s.blame.ede_code);
	}
}

static void ttl_is_lowered_to_what_is_signed(void **state)
{
	(void)state;
	static const struct {
		uint32_t ttl_s, original_ttl_s, wall_s, expected_s;
	} rows[] = {
		{ 300, 300, T_NOW, 300 },
		{ 3000, 300, T_NOW, 300 },    /* RFC 4035 5.3.3: the original TTL */
		{ 20, 300, T_NOW, 20 },       /* that of the RRSIG itself, as received */
		{ 300, 300, T_END - 10, 10 }, /* what is left until it expires */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct signing how = { .labels = -1, .original_ttl_s = rows[i].original_ttl_s };
		char line[128];
		records_reset(&r);
		snprintf(line, sizeof line, "www.example. %u A 192.0.2.1\n", rows[i].ttl_s);
		records_text(&r, line);
		records_sign(&r, 0, &key, &how);
		struct seen s = verify_at(trust, rows[i].wall_s);
		assert_true(s.is_good);
		assert_int_equal(s.verified.ttl_s, rows[i].expected_s);
	}
}

static void one_good_signature_is_enough(void **state)
{
	(void)state;
	const struct signing expired = { .labels = -1, .expires_s = T_NOW - 1 };
	const struct signing early = { .labels = -1, .begins_s = T_NOW + 1 };
	const struct signing other = { .labels = -1, .tag = 1 };
	const struct signing broken = { .labels = -1, .is_broken = true };
	records_reset(&r);
	records_text(&r, "www.example. 300 A 192.0.2.1\n");
	records_sign(&r, 0, &key, &other);
	records_sign(&r, 0, &key, &early);
	records_sign(&r, 0, &key, &expired);
	records_sign(&r, 0, &key, &broken);
	struct seen s = verify_at(trust, T_NOW);
	assert_false(s.is_good);
	assert_int_equal(s.blame.ede_code, EDE_EXPIRED); /* the most telling of the four */
	records_sign(&r, 0, &key, &as_usual);
	assert_true(verify_at(trust, T_NOW).is_good);
}

static void good_ones_are_remembered(void **state)
{
	(void)state;
	records_reset(&r);
	records_text(&r, "memo.example. 300 A 192.0.2.1\n");
	records_sign(&r, 0, &key, &as_usual);
	uint64_t verified = v->n_verified;
	assert_true(verify_at(trust, T_NOW).is_good);
	assert_int_equal(v->n_verified, verified + 1);
	struct seen s = verify_at(trust, T_NOW);
	assert_true(s.is_good);
	assert_int_equal(v->n_verified, verified + 1);
	assert_int_equal(s.work.signatures_left, WORK_SIGNATURES); /* and free */

	/* Not past its time, nor for other data, nor under another key. */
	assert_false(verify_at(trust, T_END + 1).is_good);
	((uint8_t *)r.rrs[0].rdata)[0] ^= 1;
	assert_false(verify_at(trust, T_NOW).is_good);
	((uint8_t *)r.rrs[0].rdata)[0] ^= 1;
	struct trust_key kept = trust->keys[0];
	trust->keys[0].digest[0] ^= 1;
	assert_true(verify_at(trust, T_NOW).is_good);
	assert_int_equal(v->n_verified, verified + 3);
	trust->keys[0] = kept;
}

/* KeyTrap (CVE-2023-50387): keys of one tag times signatures, none of them good. */
static void work_is_bounded(void **state)
{
	(void)state;
	enum {
		COLLIDING = 20,
		SIGNATURES = 40
	};
	static struct zone_key keys[COLLIDING + 1];
	const struct zone_key *all[COLLIDING + 1];
	zone_key_make(&keys[0], "example.", 8, 257, 0);
	all[0] = &keys[0];
	for (unsigned i = 1; i <= COLLIDING; i++) {
		zone_key_forge_tag(&keys[i], "example.", 8, keys[0].tag, 1024);
		all[i] = &keys[i];
	}
	struct trust *t = trust_of(v, all, COLLIDING + 1);
	assert_int_equal(t->n_keys, KEYS_PER_TAG_MAX);
	records_reset(&r);
	records_text(&r, "www.example. 300 A 192.0.2.1\n");
	for (unsigned i = 0; i < SIGNATURES; i++) {
		const struct signing broken = { .labels = -1,
			                        .is_broken = true,
			                        .original_ttl_s = 300 + i };
		records_sign(&r, 0, &keys[0], &broken);
	}
	uint64_t verified = v->n_verified;
	struct seen s = verify_at(t, T_NOW);
	assert_false(s.is_good);
	assert_true(s.work.is_exhausted);
	assert_int_equal(v->n_verified - verified, WORK_FAILURES);

	/* One that is good is found behind some of them. */
	r.n = 4;
	records_sign(&r, 0, &keys[0], &as_usual);
	assert_true(verify_at(t, T_NOW).is_good);
	trust_free(t);
	zone_key_done(&keys[0]);
}

static void good_signatures_are_bounded_too(void **state)
{
	(void)state;
	struct work work = { .signatures_left = 2, .failures_left = 5 };
	struct verified verified;
	struct blame blame = { 0 };
	records_reset(&r);
	records_signed(&r, &key,
	               "b1.example. 300 A 192.0.2.1\nb2.example. 300 A 192.0.2.1\n"
	               "b3.example. 300 A 192.0.2.1\n");
	assert_int_equal(rrsets_group(&v->sets, r.rrs, r.n), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rrset_verify(v, &v->sets, &v->sets.sets[i], trust, KEYS_ALL, T_NOW,
		                              &work, &verified, &blame),
		                 i < 2);
	assert_true(work.is_exhausted);
}

static void keys_that_are_no_keys(void **state)
{
	(void)state;
	static const struct row {
		const char *why;
		uint8_t algorithm;
		uint8_t bytes[8];
		size_t n, modulus_bytes;
		bool is_sound;
	} rows[] = {
		{ "RSA, 1024 bits", 8, { 1, 3 }, 2, 128, true },
		{ "RSA, 512 bits", 5, { 1, 3 }, 2, 64, true },
		{ "RSA, 504 bits", 8, { 1, 3 }, 2, 63, false },
		{ "RSA, 4096 bits", 8, { 3, 1, 0, 1 }, 4, 512, true },
		{ "RSA, 4104 bits", 8, { 3, 1, 0, 1 }, 4, 513, false },
		{ "RSA, exponent 0", 8, { 1, 0 }, 2, 128, false },
		{ "RSA, exponent 1", 8, { 1, 1 }, 2, 128, false },
		{ "RSA, even exponent", 8, { 1, 4 }, 2, 128, false },
		{ "RSA, exponent of 35 bits", 8, { 5, 4, 0, 0, 0, 1 }, 6, 128, true },
		{ "RSA, exponent of 36 bits", 8, { 5, 8, 0, 0, 0, 1 }, 6, 128, false },
		{ "RSA, long form of the length", 8, { 0, 0, 1, 3 }, 4, 128, true },
		{ "RSA, an exponent as long as the key", 8, { 0, 1, 0 }, 3, 256, false },
		{ "RSA, no modulus", 8, { 1, 3 }, 2, 0, false },
		{ "RSA, empty", 8, { 0 }, 0, 0, false },
		{ "RSA, cut off in the length", 8, { 0, 1 }, 2, 0, false },
		{ "ECDSA P-256, a byte short", 13, { 4 }, 1, 62, false },
		{ "ECDSA P-384, a byte long", 14, { 4 }, 1, 96, false },
		{ "Ed25519, a byte short", 15, { 4 }, 1, 30, false },
		{ "Ed448, empty", 16, { 0 }, 0, 0, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[1024];
		memcpy(bytes, rows[i].bytes, rows[i].n);
		memset(bytes + rows[i].n, 0xff, rows[i].modulus_bytes);
		size_t n = rows[i].n + rows[i].modulus_bytes;
		/* Of its own size, so that a sanitizer sees what is read behind it. */
		uint8_t *exact = malloc(n + 1);
		memcpy(exact, bytes, n);
		if (key_is_sound(rows[i].algorithm, exact, n) != rows[i].is_sound)
			fail_msg("%s", rows[i].why);
		free(exact);
	}
}

/* A signature of any size, or a point that is on no curve, is no reason to stumble. */
static void odd_sizes_fail_cleanly(void **state)
{
	(void)state;
	for (unsigned cut = 1; cut < 64; cut += 9) {
		records_reset(&r);
		records_text(&r, "www.example. 300 A 192.0.2.1\n");
		records_sign(&r, 0, &key, &as_usual);
		r.rrs[1].rdata_len = (uint16_t)(r.rrs[1].rdata_len - cut);
		struct seen s = verify_at(trust, T_NOW);
		assert_false(s.is_good);
		assert_int_equal(s.work.signatures_left, WORK_SIGNATURES); /* costs nothing */
	}
	records_reset(&r);
	records_text(&r, "www.example. 300 A 192.0.2.1\n");
	records_sign(&r, 0, &key, &as_usual);
	for (unsigned n = 0; n <= 27; n++) { /* no room for the signer or a signature */
		r.rrs[1].rdata_len = (uint16_t)n;
		assert_false(verify_at(trust, T_NOW).is_good);
	}
}

static void only_rrsigs_are_read(void **state)
{
	(void)state;
	struct rrsig_fields f = { .tag = 77 };
	records_reset(&r);
	records_text(&r, "www.example. 300 A 192.0.2.1\n");
	records_sign(&r, 0, &key, &as_usual);
	assert_int_equal(rrsig_read(&r.rrs[1], &f), 0);
	assert_int_equal(f.covers, DNS_A);
	assert_int_equal(f.algorithm, 13);
	assert_int_equal(f.labels, 2);
	assert_int_equal(f.original_ttl_s, 300);
	assert_int_equal(f.begins_s, T_BEGIN);
	assert_int_equal(f.expires_s, T_END);
	assert_int_equal(f.tag, key.tag);
	assert_true(name_equal(f.signer, key.zone.wire));
	f.tag = 77;
	r.rrs[1].rdata_len = 18 + 9; /* the signature is missing */
	assert_int_equal(rrsig_read(&r.rrs[1], &f), -EBADMSG);
	assert_int_equal(f.tag, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_is_checked),
		cmocka_unit_test(fields_are_checked),
		cmocka_unit_test(ttl_is_lowered_to_what_is_signed),
		cmocka_unit_test(one_good_signature_is_enough),
		cmocka_unit_test(good_ones_are_remembered),
		cmocka_unit_test(work_is_bounded),
		cmocka_unit_test(good_signatures_are_bounded_too),
		cmocka_unit_test(keys_that_are_no_keys),
		cmocka_unit_test(odd_sizes_fail_cleanly),
		cmocka_unit_test(only_rrsigs_are_read),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
