/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RFC 5011 4.1: every row of its table, with keys that are really signed. */
#include "validate/anchors_track.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "key_pair.h"

enum {
	START_S = 1800000000,
	DAY = 86400,
};

static struct key_ring ring;
static struct tracked_zone zone;
static uint64_t now_s;

/* What was told, as "0:start>pending 1:valid>missing ". */
static char told[1024];

static const char *const names[] = { "start",   "pending", "valid", "missing",
	                             "revoked", "removed", "seen" };

static void tell(void *arg, const struct tracked_zone *z, const struct tracked_key *k,
                 enum anchor_state before)
{
	(void)arg;
	assert_ptr_equal(z, &zone);
	size_t n = strlen(told);
	int tag = anchors_tag(k->type, k->rdata, k->rdata_len), i = 0;
	while (i < RING_KEYS && key_ring_tag(&ring, (unsigned)i) != tag)
		i++;
	snprintf(told + n, sizeof told - n, "%s%d:%s>%s ", k->type == DNS_DS ? "ds" : "", i,
	         names[before], names[k->state]);
}

/* What a zone publishes: which keys, which are revoked, which sign. */
struct scene {
	uint64_t at_s;         /* after START_S */
	const char *published; /* "01r2" : keys 0, 1 (revoked), 2 */
	const char *signed_by; /* the same; what is not published signs nevertheless */
	bool is_vouched;
	const char *tells;
};

static void publish(const char *keys, const char *signers)
{
	key_ring_clear(&ring);
	for (const char *c = keys; *c != 0; c++)
		if (*c != 'r')
			key_ring_publish(&ring, (unsigned)(*c - '0'),
			                 c[1] == 'r' ? KEY_REVOKED : KEY_FLAGS);
	for (const char *c = signers; *c != 0; c++)
		if (*c != 'r')
			key_ring_sign(&ring, (unsigned)(*c - '0'),
			              c[1] == 'r' ? KEY_REVOKED : KEY_FLAGS, 7200,
			              (uint32_t)now_s - DAY, (uint32_t)now_s + 10 * DAY);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of the alphabet: keys come as their random data sorts. */
static void sort_words(const char *text, char *ret)
{
	char copy[1024], *words[64], *rest;
	size_t n = 0;
	snprintf(copy, sizeof copy, "%s", text);
	for (char *w = strtok_r(copy, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	qsort(words, n, sizeof words[0], by_text);
	ret[0] = 0;
	for (size_t i = 0, at = 0; i < n; i++)
		at += (size_t)snprintf(ret + at, sizeof copy + 64 - at, "%s ", words[i]);
}

static void play(const struct scene *scenes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct signed_keys seen;
		const struct scene *s = &scenes[i];
		now_s = START_S + s->at_s;
		publish(s->published, s->signed_by);
		assert_int_equal(signed_keys_read(ring.zone.wire, ring.rrs, ring.n_rrs,
		                                  (uint32_t)now_s, &seen),
		                 0);
		told[0] = 0;
		bool is_vouched = track_take(&zone, &seen, now_s, tell, NULL);
		char is[1100], must_be[1100];
		sort_words(told, is);
		sort_words(s->tells, must_be);
		if (is_vouched != s->is_vouched || strcmp(is, must_be) != 0)
			fail_msg("scene %zu (%s by %s): %d, told '%s', not '%s'", i, s->published,
			         s->signed_by, is_vouched, told, s->tells);
	}
}

/* Key i is configured, as DNSKEY or DS. */
static void configure(unsigned i, bool is_ds)
{
	struct answer_rr ds = key_ring_ds(&ring, i);
	const struct answer_rr *rr = is_ds ? &ds : key_ring_publish(&ring, i, KEY_FLAGS);
	struct tracked_key *k =
		track_add(&zone, rr->type, rr->rdata, rr->rdata_len, ANCHOR_VALID, START_S);
	k->is_configured = true;
}

static int setup(void **state)
{
	(void)state;
	memset(&zone, 0, sizeof zone);
	key_ring_init(&ring, "example.net");
	zone.name = ring.zone;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	track_done(&zone);
	key_ring_done(&ring);
	return 0;
}

#define PLAY(...)                                            \
	do {                                                 \
		static const struct scene s[] = __VA_ARGS__; \
		play(s, ARRAY_LEN(s));                       \
	} while (0)

/* clang-format off */

static void test_new_key_waits(void **state)
{
	(void)state;
	configure(0, false);
	PLAY({
		{ 0, "0", "0", true, "" },
		{ 100, "01", "0", true, "1:start>pending " },
		{ 29 * DAY, "01", "0", true, "" },
		/* 30 days after it was first seen, and not a second before */
		{ 30 * DAY + 99, "01", "0", true, "" },
		{ 30 * DAY + 100, "01", "0", true, "1:pending>valid " },
		/* now it can sign alone, and add another */
		{ 31 * DAY, "12", "1", true, "2:start>pending 0:valid>missing " },
	});
}

static void test_new_key_must_be_vouched_for(void **state)
{
	(void)state;
	configure(0, false);
	PLAY({
		{ 0, "01", "1", false, "" },   /* signed by itself only */
		{ 1, "01", "", false, "" },    /* by nobody */
		{ 2, "12", "12", false, "" },
		{ 3, "01", "01", true, "1:start>pending " },
		/* a pending key vouches for nothing */
		{ 40 * DAY, "12", "1", false, "" },
		{ 41 * DAY, "01", "1", false, "" },
		{ 42 * DAY, "01", "0", true, "1:pending>valid " },
	});
}

/* A stolen zone key could add one for a moment: it must be there all the time. */
static void test_vanished_key_begins_anew(void **state)
{
	(void)state;
	configure(0, false);
	PLAY({
		{ 0, "01", "0", true, "1:start>pending " },
		{ 20 * DAY, "0", "0", true, "1:pending>start " },
		{ 21 * DAY, "01", "0", true, "1:start>pending " },
		{ 40 * DAY, "01", "0", true, "" },
		{ 51 * DAY, "01", "0", true, "1:pending>valid " },
	});
}

static void test_missing_and_back(void **state)
{
	(void)state;
	configure(0, false);
	configure(1, false);
	PLAY({
		{ 0, "0", "0", true, "1:valid>missing " },
		{ 100 * DAY, "0", "0", true, "" },
		/* still trusted */
		{ 101 * DAY, "1", "1", true, "1:missing>valid 0:valid>missing " },
	});
}

static void test_revoked(void **state)
{
	(void)state;
	configure(0, false);
	configure(1, false);
	PLAY({
		{ 0, "01", "0", true, "" },
		/* the bit alone, not signed by the key itself, is no revocation */
		{ 1, "0r1", "1", true, "0:valid>missing " },
		{ 2, "0r1", "0r1", true, "0:missing>revoked " },
		{ 3, "01", "0", false, "" },       /* it vouches for nothing any more */
		{ 4, "01", "01", true, "" },       /* and does not come back */
		{ 30 * DAY, "0r1", "0r1", true, "" },
		{ 31 * DAY, "1", "1", true, "0:revoked>removed " },
		{ 32 * DAY, "01", "01", true, "" },
		{ 33 * DAY, "0", "0", false, "" },
	});
}

/* Nobody else need sign it: "sees the key in a self-signed RRSet". */
static void test_revoked_by_itself(void **state)
{
	(void)state;
	configure(0, false);
	PLAY({
		{ 0, "0r1", "0r", false, "0:valid>revoked " },
		/* no anchor is left: nothing is ever vouched for again */
		{ 1, "01", "01", false, "" },
	});
	assert_false(track_is_trusted(&zone.keys[0]));
}

/* Both forms at once: the revocation wins, and the key vouches for nothing in that RRset. */
static void test_revoked_and_not(void **state)
{
	(void)state;
	configure(0, false);
	PLAY({ { 0, "00r12", "00r", false, "0:valid>revoked " } });
}

static void test_pending_key_revoked(void **state)
{
	(void)state;
	configure(0, false);
	PLAY({
		{ 0, "01", "0", true, "1:start>pending " },
		{ DAY, "01r", "01r", true, "1:pending>start " },
		{ 40 * DAY, "01r", "01r", true, "" }, /* a revoked key is nothing new */
	});
}

static void test_digest(void **state)
{
	(void)state;
	configure(0, true);
	configure(1, true);
	PLAY({
		{ 0, "2", "2", false, "" },
		{ 1, "02", "2", false, "" },
		{ 2, "02", "0", true, "ds0:valid>seen 2:start>pending " },
		{ 3, "02", "0", true, "" },
		/* the other DS record stands for a key that comes later: no waiting */
		{ 4, "012", "0", true, "ds1:valid>seen " },
		{ 5, "12", "1", true, "0:valid>missing " },
	});
}

static void test_digest_of_pending_key(void **state)
{
	(void)state;
	configure(0, false);
	PLAY({ { 0, "01", "0", true, "1:start>pending " } });
	configure(1, true);
	PLAY({ { 1, "01", "1", true, "1:pending>valid ds1:valid>seen " } });
}

static void test_digest_of_revoked_key(void **state)
{
	(void)state;
	configure(0, true);
	PLAY({
		{ 0, "0r1", "0r1", false, "ds0:valid>seen 0:valid>revoked " },
		{ 1, "01", "01", false, "" },
	});
}

/* Zone keys without SEP are not anchors to be (RFC 5011 2.4); a configured one is. */
static void test_without_entry_point(void **state)
{
	(void)state;
	const struct answer_rr *rr = key_ring_publish(&ring, 3, 256);
	track_add(&zone, DNS_DNSKEY, rr->rdata, rr->rdata_len, ANCHOR_VALID, START_S);
	now_s = START_S;
	key_ring_clear(&ring);
	key_ring_publish(&ring, 3, 256);
	key_ring_publish(&ring, 4, 256);
	key_ring_sign(&ring, 3, 256, 60, START_S - 1, START_S + 1);
	struct signed_keys seen;
	assert_int_equal(signed_keys_read(ring.zone.wire, ring.rrs, ring.n_rrs, START_S, &seen), 0);
	assert_true(track_take(&zone, &seen, START_S, tell, NULL));
	assert_int_equal(zone.n, 1);
	assert_int_equal(zone.keys[0].state, ANCHOR_VALID);
}

/* Keys without end: the room is bounded, and the ones that are trusted stay. */
static void test_room(void **state)
{
	(void)state;
	configure(0, false);
	uint8_t data[36] = { 1, 1, 3, 15 };
	for (unsigned i = 0; zone.n < TRACKED_KEYS_MAX; i++) {
		store32(data + 4, i);
		assert_non_null(track_add(&zone, DNS_DNSKEY, data, sizeof data, ANCHOR_REVOKED,
		                          START_S));
		zone.keys[zone.n - 1].until_s = UINT64_MAX;
	}
	assert_null(track_add(&zone, DNS_DNSKEY, data, sizeof data, ANCHOR_PENDING, START_S));
	PLAY({ { 0, "01", "0", true, "" } });
	assert_int_equal(zone.n, TRACKED_KEYS_MAX);
	/* Those that were removed make room, the oldest first. */
	for (unsigned i = 1; i < zone.n; i++) {
		zone.keys[i].state = ANCHOR_REMOVED;
		zone.keys[i].since_s = START_S + (i + 7) % (TRACKED_KEYS_MAX - 1);
	}
	PLAY({ { 1, "01", "0", true, "1:start>pending " } });
	assert_int_equal(zone.n, TRACKED_KEYS_MAX - TRACKED_KEYS_SPARE + 1);
	for (unsigned i = 1; i < zone.n; i++)
		if (zone.keys[i].state == ANCHOR_REMOVED)
			assert_true(zone.keys[i].since_s >= START_S + TRACKED_KEYS_SPARE);
	assert_int_equal(zone.keys[0].state, ANCHOR_VALID);
}

static void test_intervals(void **state)
{
	(void)state;
	static const struct {
		uint32_t ttl_s, signed_for_s, interval_s, retry_s;
	} rows[] = { /* RFC 5011 2.3 */
		{ 172800, 20 * DAY, 86400, 17280 },  /* the root */
		{ 60, 20 * DAY, 3600, 3600 },
		{ 4000000, 60 * DAY, 15 * DAY, 86400 },
		{ 4000000, 4 * DAY, 2 * DAY, 34560 },
		{ 172800, 0, 3600, 3600 },
		{ UINT32_MAX, UINT32_MAX, 15 * DAY, 86400 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(track_interval_s(rows[i].ttl_s, rows[i].signed_for_s), rows[i].interval_s);
		assert_int_equal(track_retry_s(rows[i].ttl_s, rows[i].signed_for_s), rows[i].retry_s);
	}
}

/* clang-format on */

/* A TTL longer than 30 days makes the wait longer (2.4.1). */
static void test_long_ttl(void **state)
{
	(void)state;
	struct signed_keys seen;
	configure(0, false);
	now_s = START_S;
	key_ring_clear(&ring);
	key_ring_publish(&ring, 0, KEY_FLAGS);
	key_ring_publish(&ring, 1, KEY_FLAGS);
	key_ring_sign(&ring, 0, KEY_FLAGS, 50 * DAY, START_S, START_S + DAY);
	assert_int_equal(signed_keys_read(ring.zone.wire, ring.rrs, ring.n_rrs, START_S, &seen), 0);
	assert_true(track_take(&zone, &seen, START_S, tell, NULL));
	assert_int_equal(zone.n, 2);
	assert_int_equal(zone.keys[1].until_s, START_S + 50ULL * DAY);
}

/* ---- signatures ---- */

static unsigned count_signers(uint32_t at_s)
{
	struct signed_keys seen;
	unsigned n = 0;
	if (signed_keys_read(ring.zone.wire, ring.rrs, ring.n_rrs, at_s, &seen) != 0)
		return 99;
	for (unsigned i = 0; i < seen.n; i++)
		n += seen.keys[i].has_signed;
	return n;
}

static void test_signatures(void **state)
{
	(void)state;
	key_ring_publish(&ring, 0, KEY_FLAGS);
	key_ring_publish(&ring, 1, KEY_FLAGS);
	key_ring_sign(&ring, 1, KEY_FLAGS, 3600, 1000, 2000);
	key_ring_sign(&ring, 0, KEY_FLAGS, 3600, 1000, 1500);
	assert_int_equal(count_signers(1000), 2);
	assert_int_equal(count_signers(1500), 2);
	assert_int_equal(count_signers(1501), 1);
	assert_int_equal(count_signers(999), 0);
	assert_int_equal(count_signers(2001), 0);
	struct signed_keys seen;
	assert_int_equal(signed_keys_read(ring.zone.wire, ring.rrs, ring.n_rrs, 1100, &seen), 0);
	assert_int_equal(seen.signed_for_s, 400);
	assert_int_equal(seen.ttl_s, 3600);
	/* A copy of a record changes nothing (RFC 4034 6.3), another record does. */
	key_ring_publish(&ring, 0, KEY_FLAGS);
	assert_int_equal(count_signers(1200), 2);
	key_ring_publish(&ring, 2, KEY_FLAGS);
	assert_int_equal(count_signers(1200), 0);
	key_ring_clear(&ring);
	assert_int_equal(count_signers(1200), 99);
}

/* One bit wrong anywhere in an RRSIG, and it counts no more. */
static void test_damaged_signature(void **state)
{
	(void)state;
	key_ring_publish(&ring, 0, KEY_FLAGS);
	key_ring_sign(&ring, 0, KEY_FLAGS, 3600, 1000, 2000);
	uint8_t *data = (uint8_t *)ring.rrs[1].rdata;
	assert_int_equal(count_signers(1500), 1);
	for (size_t i = 0; i < ring.rrs[1].rdata_len; i++) {
		uint8_t before = data[i];
		data[i] ^= 0x01;
		assert_int_equal(count_signers(1500), 0);
		data[i] = before;
	}
	for (uint16_t n = 0; n < ring.rrs[1].rdata_len; n++) {
		struct answer_rr cut = ring.rrs[1];
		cut.rdata_len = n;
		struct answer_rr both[2] = { ring.rrs[0], cut };
		struct signed_keys seen;
		assert_int_equal(signed_keys_read(ring.zone.wire, both, 2, 1500, &seen), 0);
		assert_false(seen.keys[0].has_signed);
	}
	assert_int_equal(count_signers(1500), 1);
}

/* KeyTrap: many bad signatures cost a bounded number of checks, and the good one is lost. */
static void test_many_signatures(void **state)
{
	(void)state;
	key_ring_publish(&ring, 0, KEY_FLAGS);
	key_ring_sign(&ring, 0, KEY_FLAGS, 3600, 1000, 2000);
	struct answer_rr rrs[SIGNED_CHECKS_MAX + 2];
	uint8_t bad[200];
	memcpy(bad, ring.rrs[1].rdata, ring.rrs[1].rdata_len);
	bad[ring.rrs[1].rdata_len - 1] ^= 1;
	rrs[0] = ring.rrs[0];
	for (unsigned i = 0; i < SIGNED_CHECKS_MAX + 1; i++) {
		rrs[i + 1] = ring.rrs[1];
		rrs[i + 1].rdata = bad;
	}
	struct signed_keys seen;
	rrs[SIGNED_CHECKS_MAX].rdata = ring.rrs[1].rdata; /* the last that is looked at */
	assert_int_equal(signed_keys_read(ring.zone.wire, rrs, ARRAY_LEN(rrs), 1500, &seen), 0);
	assert_true(seen.keys[0].has_signed);
	rrs[SIGNED_CHECKS_MAX].rdata = bad;
	rrs[SIGNED_CHECKS_MAX + 1].rdata = ring.rrs[1].rdata;
	assert_int_equal(signed_keys_read(ring.zone.wire, rrs, ARRAY_LEN(rrs), 1500, &seen), 0);
	assert_false(seen.keys[0].has_signed);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_key_waits),
		TEST(test_new_key_must_be_vouched_for),
		TEST(test_vanished_key_begins_anew),
		TEST(test_missing_and_back),
		TEST(test_revoked),
		TEST(test_revoked_by_itself),
		TEST(test_revoked_and_not),
		TEST(test_pending_key_revoked),
		TEST(test_digest),
		TEST(test_digest_of_pending_key),
		TEST(test_digest_of_revoked_key),
		TEST(test_without_entry_point),
		TEST(test_room),
		TEST(test_intervals),
		TEST(test_long_ttl),
		TEST(test_signatures),
		TEST(test_damaged_signature),
		TEST(test_many_signatures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
