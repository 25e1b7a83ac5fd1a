/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key key = { 1, 2 };

/* A call about a question, nothing found out. */
struct made {
	struct known known;
	struct detect_call call;
	struct name question;
	struct addr client;
	struct zones *zones;
};

static void make(struct made *m, const char *question)
{
	assert_int_equal(name_from_text(question, strlen(question), &m->question), 0);
	m->client = addr_v4(0x0a000001);
	assert_int_equal(zones_new(&m->zones), 0);
	memset(&m->known, 0xa5, sizeof m->known); /* as the stack may be */
	known_begin(&m->known, &key, m->zones, &m->client, m->question.wire);
	m->call = (struct detect_call){ .known = &m->known };
}

/* What one name is, where nothing else was asked for before. */
static struct zone_facts alone(const char *text)
{
	struct made m;
	make(&m, text);
	struct zone_facts f = detector_zone(&m.call, m.question.wire);
	zones_free(m.zones);
	return f;
}

static void names_have_one_hash_wherever_they_stand(void **state)
{
	(void)state;
	struct made m;
	struct name zone;
	make(&m, "www.some-unknown-domain.org");
	assert_int_equal(name_from_text("some-unknown-domain.org", 23, &zone), 0);
	const uint8_t *below = name_skip(m.question.wire, 1);
	uint64_t h = detector_hash(&m.call, zone.wire, zone.len);
	assert_true(detector_hash_name(&m.call, below) == h);
	assert_true(detector_hash_name(&m.call, zone.wire) == h);
	assert_true(detector_hash_name(&m.call, m.question.wire) ==
	            detector_hash(&m.call, m.question.wire, m.question.len));
	assert_true(detector_hash_name(&m.call, m.question.wire) != h);
	zones_free(m.zones);
}

static void more_names_than_places_are_as_right(void **state)
{
	(void)state;
	enum {
		NAMES = 3 * KNOWN_NAMES
	};
	struct made m;
	static struct name names[NAMES];
	make(&m, "www.some-unknown-domain.org");
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < NAMES; i++) {
			char text[64];
			snprintf(text, sizeof text, "host%u.%s", i,
			         i % 2 == 0 ? "wikipedia.org" : "some-unknown-domain.org");
			assert_int_equal(name_from_text(text, strlen(text), &names[i]), 0);
			assert_true(detector_hash_name(&m.call, names[i].wire) ==
			            detector_hash(&m.call, names[i].wire, names[i].len));
			assert_int_equal(detector_zone(&m.call, names[i].wire).kind,
			                 i % 2 == 0 ? ZONE_POPULAR : ZONE_ANYBODY);
		}
	}
	zones_free(m.zones);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Numbers in turn, wherever their bits are, are spread over all tables. */
static void pairs_are_spread(void **state)
{
	(void)state;
	enum {
		PAIRS = 1 << 16,
		SETS = 1 << 8
	};
	uint64_t *all = malloc(2 * PAIRS * sizeof *all);
	struct made m;
	make(&m, "example.org");
	static const struct siphash_key a_key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	m.known.key = &a_key;
	assert_non_null(all);
	uint64_t a = detector_hash(&m.call, "client", 6);
	for (unsigned shift = 0; shift <= 48; shift += 8) {
		unsigned n = 0, sets[SETS] = { 0 }, tags[SETS] = { 0 };
		for (uint64_t i = 0; i < PAIRS; i++) {
			uint64_t h = detector_hash_pair(&m.call, a, i << shift);
			sets[(h >> 20) % SETS]++;
			tags[h >> 56]++;
			all[n++] = h;
			all[n++] = detector_hash_pair(&m.call, i << shift, a);
		}
		for (unsigned i = 0; i < SETS; i++) {
			/* 256 each, give or take 16: seven times that is never seen */
			assert_in_range(sets[i], 256 - 112, 256 + 112);
			assert_in_range(tags[i], 256 - 112, 256 + 112);
		}
		qsort(all, n, sizeof *all, by_value);
		for (unsigned i = 1; i < n; i++)
			assert_true(all[i] != all[i - 1]);
		assert_true(all[0] != 0);
	}
	free(all);
	zones_free(m.zones);
}

static void pairs_have_an_order(void **state)
{
	(void)state;
	struct made m;
	make(&m, "example.org");
	uint64_t a = detector_hash(&m.call, "a", 1), b = detector_hash(&m.call, "b", 1);
	uint64_t ab = detector_hash_pair(&m.call, a, b);
	assert_true(ab == detector_hash_pair(&m.call, a, b));
	assert_true(ab != detector_hash_pair(&m.call, b, a));
	struct siphash_key other = *m.call.known->key;
	other.k1 ^= 2;
	m.call.known->key = &other;
	assert_true(ab != detector_hash_pair(&m.call, a, b));
	zones_free(m.zones);
}

static void clients_are_told_apart(void **state)
{
	(void)state;
	struct made m;
	struct addr other = addr_v4(0x0a000002), same = addr_v4(0x0a000001);
	make(&m, "example.org");
	uint64_t h = detector_hash_network(&m.call, &m.client);
	assert_true(detector_hash_network(&m.call, &m.client) == h);
	assert_true(detector_hash_network(&m.call, &same) == h);
	assert_true(detector_hash_network(&m.call, &other) != h);
	zones_free(m.zones);
}

/* What is known of the question spares a look at its zone; it says what the look would. */
static void zones_follow_from_the_question(void **state)
{
	(void)state;
	static const struct {
		const char *question, *zone;
	} rows[] = {
		{ "www.some-unknown-domain.org", "some-unknown-domain.org" },
		{ "www.some-unknown-domain.co.uk", "some-unknown-domain.co.uk" },
		{ "deep.below.wikipedia.org", "wikipedia.org" },
		{ "deep.below.wikipedia.org", "below.wikipedia.org" },
		{ "2.0.0.127.zen.spamhaus.org", "spamhaus.org" },
		{ "www.spamhaus.org", "spamhaus.org" },
		{ "2.0.0.127.zen.spamhaus.org", "zen.spamhaus.org" },
		{ "www.some-unknown-domain.org", "org" },
		{ "1.2.0.192.in-addr.arpa", "0.192.in-addr.arpa" },
		{ "me.duckdns.org", "duckdns.org" },
		{ "www.other-domain.org", "some-unknown-domain.org" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct made m;
		struct name zone;
		make(&m, rows[i].question);
		assert_int_equal(name_from_text(rows[i].zone, strlen(rows[i].zone), &zone), 0);
		(void)detector_facts(&m.call);
		struct zone_facts got = detector_zone(&m.call, zone.wire),
				  wanted = alone(rows[i].zone);
		if (got.kind != wanted.kind || got.registered_labels != wanted.registered_labels ||
		    got.may_have_vendors != wanted.may_have_vendors)
			fail_msg("%s after %s", rows[i].zone, rows[i].question);
		zones_free(m.zones);
	}
}

static void vendors_are_found_below_their_domain(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *name;
		bool is;
	} rows[] = {
		{ "spamhaus.org", "2.0.0.127.zen.spamhaus.org", true },
		{ "spamhaus.org", "www.spamhaus.org", false },
		{ "org", "2.0.0.127.zen.spamhaus.org", true },
		{ "some-unknown-domain.org", "zen.some-unknown-domain.org", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct made m;
		struct name zone;
		make(&m, rows[i].name);
		assert_int_equal(name_from_text(rows[i].zone, strlen(rows[i].zone), &zone), 0);
		if (detector_is_vendors(&m.call, zone.wire, m.question.wire) != rows[i].is)
			fail_msg("%s below %s", rows[i].name, rows[i].zone);
		zones_free(m.zones);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_one_hash_wherever_they_stand),
		cmocka_unit_test(more_names_than_places_are_as_right),
		cmocka_unit_test(pairs_have_an_order),
		cmocka_unit_test(pairs_are_spread),
		cmocka_unit_test(clients_are_told_apart),
		cmocka_unit_test(zones_follow_from_the_question),
		cmocka_unit_test(vendors_are_found_below_their_domain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
