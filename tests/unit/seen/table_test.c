/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seen/table.h"

#include <pthread.h>

#include "seen_rig.h"

enum {
	MIB = 1 << 20,
	PLACES = MIB / 16
};

static void what_is_told_of_a_domain(void **state)
{
	(void)state;
	struct seen *s = table_of(MIB, NULL, 0);
	assert_false(found(s, "a.example").is_known);
	assert_int_equal(seen_age_s(s, wire("a.example"), NOW_S), 0);
	note(s, NULL, "a.example", 1, NOW_S + 5);
	struct seen_domain d = found(s, "a.example");
	assert_true(d.is_known);
	assert_false(d.has_answered);
	assert_false(d.is_established);
	assert_false(d.is_learned);
	assert_int_equal(d.first_s, NOW_S); /* to the step */
	assert_int_equal(d.n_clients, 1);
	seen_confirm(s, NULL, wire("a.example"));
	assert_true(found(s, "a.example").has_answered);
	assert_false(found(s, "b.example").is_known);
	note(s, NULL, "a.example", 1, NOW_S + SEEN_DAY_S);
	d = found(s, "a.example");
	assert_int_equal(d.first_s, NOW_S);
	assert_int_equal(d.last_s, NOW_S + SEEN_DAY_S);
	assert_true(d.is_established); /* two days */
	assert_true(d.has_answered);
	assert_int_equal(seen_age_s(s, wire("a.example"), NOW_S + 7200), 7200);
	/* A clock that was set back. */
	assert_int_equal(seen_age_s(s, wire("a.example"), NOW_S - 7200), 0);
	note(s, NULL, "b.example", 1, NOW_S + 7200);
	assert_int_equal(seen_age_s(s, wire("b.example"), NOW_S + 3600), 0);
	struct seen_counts counts;
	seen_count(s, &counts);
	assert_int_equal(counts.domains, 2);
	assert_int_equal(counts.room, PLACES);
	seen_free(s);
}

static void clients_are_told_apart(void **state)
{
	(void)state;
	struct seen *s = table_of(MIB, NULL, 0);
	for (unsigned i = 0; i < 12; i++)
		note(s, NULL, "a.example", i, NOW_S);
	unsigned n = found(s, "a.example").n_clients;
	assert_in_range(n, 6, 24); /* an estimate: 5 in 100,000 keys lie outside */
	assert_true(found(s, "a.example").is_established);
	for (unsigned i = 0; i < 5000; i++)
		note(s, NULL, "a.example", i, NOW_S);
	assert_int_equal(found(s, "a.example").n_clients, SEEN_CLIENTS_MAX);
	/* Hosts of one IPv6 network are one. */
	struct addr a = { .bytes = { 0x20, 1, 0xd, 0xb8, 1, 2, 3, 4 } };
	for (unsigned i = 0; i < 50; i++) {
		a.bytes[15] = (uint8_t)i;
		seen_note(s, NULL, wire("b.example"), &a, NOW_S);
	}
	assert_int_equal(found(s, "b.example").n_clients, 1);
	assert_false(found(s, "b.example").is_established);
	seen_free(s);
}

static void while_it_learns_nothing_is_new(void **state)
{
	(void)state;
	struct seen *s = table_of(MIB, NULL, 7 * SEEN_DAY_S);
	uint64_t until = NOW_S + 7 * SEEN_DAY_S;
	assert_int_equal(seen_age_s(s, wire("a.example"), NOW_S), SEEN_NOT_NEW);
	note(s, NULL, "a.example", 1, until - SEEN_STEP_S);
	assert_true(found(s, "a.example").is_learned);
	/* What was first seen in that time stays known; what comes after it is new. */
	assert_int_equal(seen_age_s(s, wire("a.example"), until + 60), SEEN_NOT_NEW);
	assert_int_equal(seen_age_s(s, wire("b.example"), until + 60), 0);
	note(s, NULL, "b.example", 1, until + 60);
	assert_int_equal(seen_age_s(s, wire("b.example"), until + 3600), 3600);
	assert_int_equal(seen_age_s(s, wire("b.example"), until - 1), SEEN_NOT_NEW);
	seen_free(s);
}

/* How full it can be before one has to go. */
static void it_holds_what_it_says(void **state)
{
	(void)state;
	struct seen *s = table_of(4 * MIB, NULL, 0);
	struct addr a = addr_v4(1);
	struct seen_counts c;
	unsigned n = 0;
	for (; n < 4 * PLACES; n++) {
		seen_note(s, NULL, numbered("d", n), &a, NOW_S);
		seen_count(s, &c);
		if (c.evicted + c.refused > 0)
			break;
	}
	print_message("%u of %u before one had to go\n", n, 4U * PLACES);
	assert_true(n > 4U * PLACES * 65 / 100);
	for (unsigned i = 0, lost = 0; i < n; i++) {
		struct seen_domain d;
		seen_find(s, numbered("d", i), &d);
		lost += !d.is_known;
		assert_true(lost <= 1);
	}
	seen_free(s);
}

/* What is of use stays, whatever one client asks for in a day. */
static void a_flood_drives_out_itself(void **state)
{
	(void)state;
	struct seen *s = table_of(MIB, NULL, 0);
	struct seen_counts counts;
	enum {
		GOOD = PLACES / 4,
		FLOOD = 3 * PLACES
	};
	for (unsigned i = 0; i < GOOD; i++) {
		for (uint32_t client = 1; client <= 3; client++) {
			struct addr a = addr_v4(client);
			seen_note(s, NULL, numbered("good", i), &a, NOW_S);
		}
		seen_confirm(s, NULL, numbered("good", i));
	}
	unsigned known = 0, left = 0, flood_left = 0;
	struct seen_domain d;
	for (unsigned i = 0; i < GOOD; i++) {
		seen_find(s, numbered("good", i), &d);
		known += d.is_known && d.is_established;
	}
	struct addr evil = addr_v4(99);
	for (unsigned i = 0; i < FLOOD; i++) {
		seen_note(s, NULL, numbered("evil", i), &evil, NOW_S + 30 * SEEN_DAY_S);
		if (i % 2 == 0) /* names that are there, too */
			seen_confirm(s, NULL, numbered("evil", i));
	}
	for (unsigned i = 0; i < GOOD; i++) {
		seen_find(s, numbered("good", i), &d);
		left += d.is_known;
	}
	for (unsigned i = 0; i < FLOOD; i++) {
		seen_find(s, numbered("evil", i), &d);
		flood_left += d.is_known;
	}
	print_message("%u of %u good ones established, %u left; %u of %u of the flood\n", known,
	              (unsigned)GOOD, left, flood_left, (unsigned)FLOOD);
	/* Three clients have one mark in about 1000 keys, and then are one: not of use. */
	assert_true(known > GOOD * 95 / 100);
	assert_true(left >= known);
	assert_true(flood_left > PLACES / 2);
	seen_count(s, &counts);
	assert_int_equal(counts.domains, PLACES);
	seen_free(s);
}

/* All of use, all of today: what does not fit is not taken for new for ever. */
static void what_cannot_be_remembered_is_not_new(void **state)
{
	(void)state;
	struct seen *s = table_of(MIB, NULL, 0);
	struct seen_counts counts;
	for (unsigned i = 0; i < 2 * PLACES; i++) {
		for (uint32_t client = 1; client <= 8; client++) {
			struct addr a = addr_v4(client);
			seen_note(s, NULL, numbered("d", i), &a, NOW_S);
		}
		seen_confirm(s, NULL, numbered("d", i));
	}
	seen_count(s, &counts);
	assert_true(counts.refused > 0);
	assert_int_equal(counts.domains, PLACES);
	assert_int_equal(seen_age_s(s, wire("new.example"), NOW_S), SEEN_NOT_NEW);
	/* Two days later they may go. */
	assert_int_equal(seen_age_s(s, wire("new.example"), NOW_S + 2 * SEEN_DAY_S), 0);
	seen_free(s);
}

static void times_at_the_edges(void **state)
{
	(void)state;
	static const struct {
		uint64_t now_s, first_s;
	} rows[] = {
		{ 0, SEEN_EPOCH_S },
		{ SEEN_EPOCH_S - 1, SEEN_EPOCH_S },
		{ SEEN_EPOCH_S + 599, SEEN_EPOCH_S },
		{ SEEN_EPOCH_S + 600, SEEN_EPOCH_S + 600 },
		{ UINT64_MAX, SEEN_EPOCH_S + SEEN_STEP_MASK * SEEN_STEP_S },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct seen *s = table_of(MIB, NULL, 0);
		s->learns_until_s = 0;
		note(s, NULL, "a.example", 1, rows[i].now_s);
		assert_int_equal(found(s, "a.example").first_s, rows[i].first_s);
		assert_int_equal(seen_age_s(s, wire("a.example"), 0), 0);
		assert_in_range(seen_age_s(s, wire("a.example"), UINT64_MAX), 1, SEEN_NOT_NEW - 1);
		seen_free(s);
	}
}

static void changes_are_lost_and_counted(void **state)
{
	(void)state;
	struct seen *s = table_of(MIB, NULL, 0);
	struct seen_changes *c;
	struct seen_entry e;
	unsigned n = 0;
	assert_int_equal(seen_changes_new(&c), 0);
	note(s, c, "a.example", 1, NOW_S);
	note(s, c, "a.example", 1, NOW_S); /* nothing new */
	seen_confirm(s, c, wire("a.example"));
	seen_confirm(s, c, wire("a.example"));
	seen_confirm(s, c, wire("unknown.example"));
	while (seen_changes_take(c, &e))
		n++;
	assert_int_equal(n, 2);
	assert_true((e.rest & SEEN_ANSWERED) != 0);
	struct addr a = addr_v4(1);
	for (unsigned i = 0; i < SEEN_CHANGES_MAX + 7; i++)
		seen_note(s, c, numbered("d", i), &a, NOW_S);
	assert_int_equal(atomic_load(&c->lost), 7);
	seen_changes_free(c);
	seen_free(s);
}

struct crowd {
	struct seen *s;
	uint32_t client;
};

static void *note_many(void *arg)
{
	struct crowd *c = arg;
	struct addr a = addr_v4(c->client);
	char text[40];
	struct name n;
	struct seen_domain d;
	for (unsigned i = 0; i < 100000; i++) {
		int len = snprintf(text, sizeof text, "t%u.example", i % 5000);
		if (name_from_text(text, (size_t)len, &n) != 0)
			return arg;
		seen_note(c->s, NULL, n.wire, &a, NOW_S);
		seen_confirm(c->s, NULL, n.wire);
		seen_find(c->s, n.wire, &d);
		if (!d.is_known || d.first_s != NOW_S)
			return arg;
	}
	return NULL;
}

static void workers_write_at_once(void **state)
{
	(void)state;
	struct crowd crowds[4];
	pthread_t threads[4];
	struct seen *s = table_of(MIB, NULL, 0);
	for (unsigned i = 0; i < 4; i++) {
		crowds[i] = (struct crowd){ s, i };
		assert_int_equal(pthread_create(&threads[i], NULL, note_many, &crowds[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	struct seen_counts c;
	seen_count(s, &c);
	/* Two that come at the same instant may each make an entry. */
	assert_in_range(c.domains, 5000, 5100);
	seen_free(s);
}

/* The size that docs/lists.md names for ten million. */
static void ten_million_domains(void **state)
{
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	enum {
		N = 1000000 /* the same, as full */
	};
#else
	enum {
		N = 10000000
	};
#endif
	struct seen *s = table_of(192ULL * MIB / (10000000 / N), NULL, 0);
	struct addr a = addr_v4(1);
	uint8_t name[] = "\x08........\x07"
			 "example";
	struct seen_counts c;
	struct seen_domain d;
	unsigned lost = 0;
	for (unsigned i = 0; i < N; i++) {
		memcpy(name + 1, &i, 4);
		seen_note(s, NULL, name, &a, NOW_S);
	}
	seen_count(s, &c);
	for (unsigned i = 0; i < N; i += 97) {
		memcpy(name + 1, &i, 4);
		seen_find(s, name, &d);
		lost += !d.is_known;
	}
	print_message("%u of %u lost, %llu evicted\n", lost, N / 97, (unsigned long long)c.evicted);
	assert_true(c.evicted + c.refused < N / 1000);
	assert_true(lost < N / 97 / 500);
	unsigned wrong = 0;
	for (unsigned i = N; i < N + 300000; i++) {
		memcpy(name + 1, &i, 4);
		seen_find(s, name, &d);
		wrong += d.is_known;
	}
	print_message("%u of 300000 others taken for known\n", wrong);
	assert_true(wrong < 15); /* 0.7 expected of ten million */
	seen_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_of_a_domain),
		cmocka_unit_test(clients_are_told_apart),
		cmocka_unit_test(while_it_learns_nothing_is_new),
		cmocka_unit_test(it_holds_what_it_says),
		cmocka_unit_test(a_flood_drives_out_itself),
		cmocka_unit_test(what_cannot_be_remembered_is_not_new),
		cmocka_unit_test(times_at_the_edges),
		cmocka_unit_test(changes_are_lost_and_counted),
		cmocka_unit_test(workers_write_at_once),
		cmocka_unit_test(ten_million_domains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
