/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signed_zone.h"
#include "validate/signature.h"

static struct validator *v;
static struct records r;       /* DNSKEY and RRSIG */
static struct records anchors; /* DS */
static struct zone_key ksk, zsk, other;

static int begin(void **state)
{
	(void)state;
	zone_key_make(&ksk, "example.", 13, 257, 0);
	zone_key_make(&zsk, "example.", 15, 256, 0);
	zone_key_make(&other, "example.", 13, 257, 0);
	return validator_new(&v);
}

static int end(void **state)
{
	(void)state;
	zone_key_done(&ksk);
	zone_key_done(&zsk);
	zone_key_done(&other);
	validator_free(v);
	return 0;
}

static void start(void)
{
	records_reset(&r);
	records_reset(&anchors);
}

static struct trust *judge_at(uint32_t wall_s, struct work *work)
{
	struct trust *t;
	struct name zone = name_of("example");
	assert_int_equal(trust_from_keys(v, zone.wire, r.rrs, r.n, anchors.rrs, anchors.n, wall_s,
	                                 1000, work, &t),
	                 0);
	assert_true(name_equal(t->name, zone.wire));
	assert_int_equal(t->head.item.stored_s, 1000);
	assert_ptr_equal(t->head.zone, t->name);
	return t;
}

static void expect(enum trust_state state, uint8_t ede_code)
{
	struct work work = work_new();
	struct trust *t = judge_at(T_NOW, &work);
	if (t->state != state || t->ede_code != ede_code)
		fail_msg("state %d, EDE %u, %s", t->state, t->ede_code, t->why ? t->why : "");
	assert_int_equal(t->why != NULL, state == TRUST_BOGUS);
	trust_free(t);
}

static void ds_vouches_for_keys(void **state)
{
	(void)state;
	for (uint8_t digest = 1; digest <= 4; digest++) {
		if (digest == 3)
			continue;
		start();
		records_dnskey(&r, &zsk, 3600);
		records_dnskey(&r, &ksk, 3600);
		records_sign(&r, 0, &ksk, &as_usual);
		records_ds(&anchors, &ksk, digest, 3600);
		struct work work = work_new();
		struct trust *t = judge_at(T_NOW, &work);
		assert_int_equal(t->state, TRUST_SECURE);
		assert_int_equal(t->n_keys, 2);
		assert_int_equal(t->head.item.ttl_s, 3600);
		trust_free(t);
	}
	/* The zone's other key may sign records, but not vouch for the keys. */
	start();
	records_dnskey(&r, &zsk, 3600);
	records_dnskey(&r, &ksk, 3600);
	records_sign(&r, 0, &zsk, &as_usual);
	records_ds(&anchors, &ksk, 2, 3600);
	expect(TRUST_BOGUS, EDE_RRSIGS_MISSING);
	/* A trust anchor may be the key itself. */
	records_sign(&r, 0, &ksk, &as_usual);
	records_reset(&anchors);
	records_dnskey(&anchors, &ksk, 0);
	expect(TRUST_SECURE, 0);
	records_reset(&anchors);
	records_dnskey(&anchors, &other, 0);
	expect(TRUST_BOGUS, EDE_DNSKEY_MISSING);
}

static void any_path_is_enough(void **state)
{
	(void)state;
	/* RFC 6840 5.11: DS of two algorithms, one of which leads somewhere. */
	start();
	records_dnskey(&r, &ksk, 3600);
	records_sign(&r, 0, &ksk, &as_usual);
	records_ds(&anchors, &zsk, 2, 3600);
	records_ds(&anchors, &ksk, 2, 3600);
	expect(TRUST_SECURE, 0);
	/* And one of an algorithm, or digest, that is not known. */
	records_text(&anchors, "example. 3600 DS 1 12 2 00000000000000000000000000000000"
	                       "00000000000000000000000000000000\n"
	                       "example. 3600 DS 1 13 3 00000000000000000000000000000000"
	                       "00000000000000000000000000000000\n");
	expect(TRUST_SECURE, 0);
}

static void what_is_wrong_is_told(void **state)
{
	(void)state;
	struct signing expired = { .labels = -1, .expires_s = T_NOW - 1 };
	struct signing early = { .labels = -1, .begins_s = T_NOW + 1 };
	struct signing broken = { .labels = -1, .is_broken = true };
	start();
	records_ds(&anchors, &ksk, 2, 3600);
	expect(TRUST_BOGUS, EDE_DNSKEY_MISSING); /* none at all */
	records_dnskey(&r, &other, 3600);
	records_sign(&r, 0, &other, &as_usual);
	expect(TRUST_BOGUS, EDE_DNSKEY_MISSING); /* none that the DS names */
	records_reset(&r);
	records_dnskey(&r, &ksk, 3600);
	expect(TRUST_BOGUS, EDE_RRSIGS_MISSING);
	records_sign(&r, 0, &ksk, &broken);
	expect(TRUST_BOGUS, EDE_BOGUS);
	records_sign(&r, 0, &ksk, &early);
	expect(TRUST_BOGUS, EDE_NOT_YET_VALID);
	records_sign(&r, 0, &ksk, &expired);
	expect(TRUST_BOGUS, EDE_EXPIRED);
	records_sign(&r, 0, &ksk, &as_usual);
	expect(TRUST_SECURE, 0);
	/* A DS with the right tag and a wrong digest. */
	((uint8_t *)anchors.rrs[0].rdata)[10] ^= 1;
	expect(TRUST_BOGUS, EDE_DNSKEY_MISSING);
	/* One that is cut off. */
	((uint8_t *)anchors.rrs[0].rdata)[10] ^= 1;
	anchors.rrs[0].rdata_len--;
	expect(TRUST_BOGUS, EDE_DNSKEY_MISSING);
}

static void nothing_known_is_insecure(void **state)
{
	(void)state;
	start();
	records_dnskey(&r, &ksk, 3600);
	records_sign(&r, 0, &ksk, &as_usual);
	expect(TRUST_INSECURE, 0); /* no anchor: nobody's business */
	for (uint8_t algorithm = 0; algorithm < 20; algorithm++) {
		static const uint8_t unknown[] = { 0, 1, 2, 3, 4, 6, 9, 11, 12, 17, 18, 19 };
		if (memchr(unknown, algorithm, sizeof unknown) == NULL)
			continue;
		uint8_t ds[36] = { 0, 1, algorithm, 2 };
		records_reset(&anchors);
		records_add(&anchors, ksk.zone.wire, DNS_DS, 77, ds, sizeof ds);
		struct work work = work_new();
		struct trust *t = judge_at(T_NOW, &work);
		assert_int_equal(t->state, TRUST_INSECURE);
		assert_int_equal(t->ede_code, EDE_UNSUPPORTED_ALGORITHM);
		assert_int_equal(t->head.item.ttl_s, 77);
		trust_free(t);
	}
	static const uint8_t unknown[36] = { 0, 1, 13, 3 };
	records_reset(&anchors);
	records_add(&anchors, ksk.zone.wire, DNS_DS, 3600, unknown, sizeof unknown);
	expect(TRUST_INSECURE, EDE_UNSUPPORTED_DIGEST);
}

/* RFC 4509 3: where there is SHA-2, SHA-1 does not count. */
static void sha1_gives_way(void **state)
{
	(void)state;
	start();
	records_dnskey(&r, &ksk, 3600);
	records_sign(&r, 0, &ksk, &as_usual);
	records_ds(&anchors, &ksk, 1, 3600);
	expect(TRUST_SECURE, 0);
	records_ds(&anchors, &other, 2, 3600);
	expect(TRUST_BOGUS, EDE_DNSKEY_MISSING);
	/* But not before a SHA-2 of an algorithm that is not known. */
	((uint8_t *)anchors.rrs[1].rdata)[2] = 12;
	expect(TRUST_SECURE, 0);
}

static void flags_count(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		uint16_t flags;
		enum trust_state state;
		uint8_t ede_code;
	} rows[] = {
		{ "as usual", 257, TRUST_SECURE, 0 },
		{ "without SEP", 256, TRUST_SECURE, 0 },
		{ "flags that nobody knows (RFC 4034 2.1.1)", 256 | 2, TRUST_SECURE, 0 },
		{ "no zone key", 1, TRUST_BOGUS, EDE_NO_ZONE_KEY },
		{ "revoked (RFC 5011 2.1)", 257 | DNSKEY_REVOKE, TRUST_BOGUS, EDE_BOGUS },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone_key k;
		zone_key_make(&k, "example.", 13, rows[i].flags, 0);
		start();
		records_dnskey(&r, &k, 3600);
		records_sign(&r, 0, &k, &as_usual);
		records_ds(&anchors, &k, 2, 3600);
		expect(rows[i].state, rows[i].ede_code);
		zone_key_done(&k);
	}
	/* Another protocol than 3 (RFC 4034 2.1.2). */
	struct zone_key k = ksk;
	k.rdata[2] = 4;
	start();
	records_dnskey(&r, &k, 3600);
	records_sign(&r, 0, &ksk, &as_usual);
	records_dnskey(&anchors, &k, 0);
	expect(TRUST_BOGUS, EDE_DNSKEY_MISSING);
}

/* Keys that are none fail, mostly without a verification. */
static void malformed_keys_fail(void **state)
{
	(void)state;
	static const struct {
		uint8_t algorithm;
		uint8_t bytes[8];
		uint16_t n;
	} rows[] = {
		{ 8, { 0 }, 0 },         { 8, { 1, 0 }, 130 },     { 8, { 1, 1 }, 130 },
		{ 8, { 0, 2, 0 }, 600 }, { 8, { 1, 3 }, 40 },      { 8, { 1, 3 }, 600 },
		{ 13, { 1 }, 63 },       { 13, { 1 }, 64 },        { 14, { 1 }, 96 },
		{ 14, { 1 }, 5 },        { 15, { 1 }, 31 },        { 16, { 1 }, 58 },
		{ 13, { 0 }, 0 },        { 5, { 0, 0, 0, 1 }, 4 }, { 10, { 255 }, 20 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[1024];
		struct zone_key k;
		memset(bytes, 0xff, sizeof bytes);
		memcpy(bytes, rows[i].bytes, rows[i].n < 8 ? rows[i].n : 8);
		zone_key_forge(&k, "example.", rows[i].algorithm, 257, bytes, rows[i].n);
		start();
		records_dnskey(&r, &k, 3600);
		const struct signing how = { .labels = -1,
			                     .algorithm = rows[i].algorithm,
			                     .tag = k.tag };
		records_sign(&r, 0, &ksk, &how);
		/* A digest over whatever it is. */
		if (rows[i].n > 0)
			records_dnskey(&anchors, &k, 3600);
		uint8_t ds[36] = { (uint8_t)(k.tag >> 8), (uint8_t)k.tag, rows[i].algorithm, 2 };
		records_add(&anchors, k.zone.wire, DNS_DS, 3600, ds, sizeof ds);
		struct work work = work_new();
		struct trust *t = judge_at(T_NOW, &work);
		if (t->state != TRUST_BOGUS)
			fail_msg("row %zu: state %d", i, t->state);
		/* A point that is on no curve is found out by trying. */
		bool is_tried = rows[i].n == 64 || rows[i].n == 96;
		assert_true(work.signatures_left >= WORK_SIGNATURES - is_tried);
		trust_free(t);
	}
}

static void ttl_is_bounded(void **state)
{
	(void)state;
	static const struct {
		uint32_t dnskey_s, ds_s, wall_s, expected_s;
	} rows[] = {
		{ 3600, 86400, T_NOW, 3600 }, { 3600, 60, T_NOW, 60 },
		{ 3600, 0, T_NOW, 3600 },     { 200000, 200000, T_NOW, CACHE_TTL_MAX_S },
		{ 3600, 3600, T_END - 5, 5 }, { 0, 3600, T_NOW, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct work work = work_new();
		const struct signing how = { .labels = -1 };
		start();
		records_dnskey(&r, &ksk, rows[i].dnskey_s);
		records_sign(&r, 0, &ksk, &how);
		records_ds(&anchors, &ksk, 2, rows[i].ds_s);
		struct trust *t = judge_at(rows[i].wall_s, &work);
		assert_int_equal(t->state, TRUST_SECURE);
		assert_int_equal(t->head.item.ttl_s, rows[i].expected_s);
		trust_free(t);
	}
}

static void a_made_trust_says_what_it_was_told(void **state)
{
	(void)state;
	struct trust *t;
	struct name zone = name_of("Sub.example");
	assert_int_equal(trust_new(zone.wire, TRUST_BOGUS, EDE_EXPIRED, "so", 5, 1000000, &t), 0);
	assert_int_equal(t->state, TRUST_BOGUS);
	assert_int_equal(t->ede_code, EDE_EXPIRED);
	assert_string_equal(t->why, "so");
	assert_int_equal(t->n_keys, 0);
	assert_int_equal(t->head.item.stored_s, 5);
	assert_int_equal(t->head.item.ttl_s, CACHE_TTL_MAX_S);
	assert_true(t->head.item.bytes >= sizeof *t);
	t->head.item.release(t);
	trust_free(NULL);
}

/* As many keys as fit into a message are looked at, and few are kept. */
static void keys_are_bounded(void **state)
{
	(void)state;
	start();
	records_dnskey(&r, &ksk, 3600);
	for (unsigned i = 0; i < 800; i++) {
		struct zone_key k;
		uint8_t bytes[64] = { (uint8_t)(i >> 8), (uint8_t)i };
		zone_key_forge(&k, "example.", 13, 257, bytes, sizeof bytes);
		records_dnskey(&r, &k, 3600);
	}
	records_sign(&r, 0, &ksk, &as_usual);
	records_ds(&anchors, &ksk, 2, 3600);
	struct work work = work_new();
	struct trust *t = judge_at(T_NOW, &work);
	assert_int_equal(t->state, TRUST_SECURE);
	assert_true(t->n_keys <= 64);
	trust_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ds_vouches_for_keys),
		cmocka_unit_test(any_path_is_enough),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(nothing_known_is_insecure),
		cmocka_unit_test(sha1_gives_way),
		cmocka_unit_test(flags_count),
		cmocka_unit_test(malformed_keys_fail),
		cmocka_unit_test(ttl_is_bounded),
		cmocka_unit_test(a_made_trust_says_what_it_was_told),
		cmocka_unit_test(keys_are_bounded),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
