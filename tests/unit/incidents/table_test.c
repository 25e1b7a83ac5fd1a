/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

/* Has this client a score of about so much? */
static void assert_score(const struct client *c, double score, uint32_t now_s)
{
	double is = (double)table_score(table, c, now_s);
	if (is < score - 0.5 || is > score + 0.5)
		fail_msg("score %.2f, not %.2f", is, score);
}

static void a_sure_c2_name_is_suspicious_then_infected(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	struct client *c = seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "c2.example", NOON);
	assert_score(c, 60, NOON);
	assert_int_equal(c->state, CLIENT_SUSPICIOUS);
	assert_int_equal(c->pending, PENDING_OPENED);
	table_told(table, c, c->pending, NOON);
	/* asked again and again within the hour: that is how machines ask */
	for (unsigned i = 1; i < 1000; i++)
		seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "c2.example", NOON + i);
	assert_score(c, 60, NOON + 1000);
	assert_int_equal(c->pending, 0);
	/* another name, the same minute */
	seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "other.example", NOON + 1000);
	assert_score(c, 119.5, NOON + 1000);
	assert_int_equal(c->state, CLIENT_INFECTED);
	assert_int_equal(c->pending, PENDING_WORSE);
	assert_int_equal(table->n_open, 1);
	assert_int_equal(c->reasons[0].count, 1001);
}

static void one_name_is_no_more_than_twice_its_weight_in_a_day(void **state)
{
	struct addr a = address("10.0.0.1");
	struct client *c = NULL;
	(void)state;
	for (unsigned i = 0; i < 23; i++)
		c = seen(&a, EVIDENCE_MALWARE, EVIDENCE_MEDIUM, "bad.example", NOON + i * HOUR);
	assert_true(table_score(table, c, NOON + 22 * HOUR) <= 50);
}

static void scores_halve(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	struct client *c = seen(&a, EVIDENCE_MALWARE, EVIDENCE_HIGH, "bad.example", NOON);
	assert_score(c, 40, NOON);
	assert_score(c, 20, NOON + DAY);
	assert_score(c, 10, NOON + 2 * DAY);
	assert_score(c, 40, NOON - DAY); /* a clock that was set back */
	seen(&a, EVIDENCE_MALWARE, EVIDENCE_HIGH, "b.example", NOON + DAY);
	assert_score(c, 60, NOON + DAY);
}

static void some_classes_alone_are_no_infection(void **state)
{
	static const struct {
		enum evidence_class class;
		enum client_state most;
	} rows[] = {
		{ EVIDENCE_PHISHING, CLIENT_CLEAR },    { EVIDENCE_SIGN, CLIENT_CLEAR },
		{ EVIDENCE_REBINDING, CLIENT_CLEAR },   { EVIDENCE_DENIED, CLIENT_SUSPICIOUS },
		{ EVIDENCE_MINING, CLIENT_SUSPICIOUS }, { EVIDENCE_FINDING, CLIENT_SUSPICIOUS },
		{ EVIDENCE_MALWARE, CLIENT_INFECTED },  { EVIDENCE_CERTAIN, CLIENT_INFECTED }
	};
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		char name[32];
		struct addr a = addr_v4(0x0a000001 + i);
		struct client *c = NULL;
		for (unsigned k = 0; k < 1000; k++) {
			snprintf(name, sizeof name, "n%u.example", k);
			c = seen(&a, rows[i].class, EVIDENCE_HIGH, name, NOON);
		}
		assert_int_equal(c->state, rows[i].most);
	}
}

static void an_incident_is_told_once_and_in_steps(void **state)
{
	struct addr a = address("10.0.0.1");
	char name[32];
	unsigned n_opened = 0, n_worse = 0;
	(void)state;
	/* five new names a minute for a day */
	for (unsigned i = 0; i < 5 * 1440; i++) {
		uint32_t now_s = NOON + i * 12;
		snprintf(name, sizeof name, "n%u.example", i);
		struct client *c = seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, name, now_s);
		n_opened += (c->pending & PENDING_OPENED) != 0;
		n_worse += (c->pending & PENDING_WORSE) != 0;
		if (c->pending != 0)
			table_told(table, c, c->pending, now_s);
	}
	assert_int_equal(n_opened, 1);
	assert_in_range(n_worse, 2, TABLE_UPDATES_MAX);
}

static void quiet_closes_it(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	struct client *c = seen(&a, EVIDENCE_CERTAIN, EVIDENCE_HIGH, "t.example", NOON);
	table_told(table, c, c->pending, NOON);
	table_tick(table, NOON + DAY - 1);
	assert_int_equal(c->pending, 0);
	table_tick(table, NOON + DAY);
	assert_int_equal(c->pending, PENDING_CLOSED);
	assert_int_equal(table->n_pending, 1);
	table_told(table, c, c->pending, NOON + DAY);
	assert_int_equal(c->incident, 0);
	assert_int_equal(c->state, CLIENT_CLEAR);
	assert_int_equal(table->n_open + table->n_pending, 0);
	/* new evidence is a new incident */
	seen(&a, EVIDENCE_CERTAIN, EVIDENCE_HIGH, "t.example", NOON + 2 * DAY);
	assert_int_equal(c->incident, 2);
	/* and what nobody asks for in a week is forgotten */
	table_told(table, c, c->pending, NOON + 2 * DAY);
	table_tick(table, NOON + 4 * DAY);
	table_told(table, c, c->pending, NOON + 4 * DAY);
	table_tick(table, NOON + 10 * DAY);
	assert_int_equal(table->n_used, 0);
	assert_null(table_find(table, &a));
}

static void a_hand_closes_it(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	struct client *c = seen(&a, EVIDENCE_CERTAIN, EVIDENCE_HIGH, "t.example", NOON);
	table_told(table, c, c->pending, NOON);
	table_clear(table, c, NOON + 60, "alice (1000)", "reinstalled");
	assert_int_equal(c->state, CLIENT_CLEAR);
	assert_int_equal(c->pending, PENDING_CLOSED);
	table_told(table, c, c->pending, NOON + 60);
	assert_int_equal(c->incident, 0);
	assert_score(c, 0, NOON + 60);
	const struct step *last = client_step(c, c->n_steps - 1U);
	assert_int_equal(last->what, STEP_CLEARED);
	assert_string_equal(last->source, "alice (1000)");
	assert_string_equal(last->name, "reinstalled");
	/* it counts from nothing, the same name too */
	seen(&a, EVIDENCE_CERTAIN, EVIDENCE_HIGH, "t.example", NOON + 61);
	assert_int_equal(c->incident, 2);
	assert_score(c, 60, NOON + 61);
}

static void a_timeline_keeps_the_last_steps(void **state)
{
	struct addr a = address("10.0.0.1");
	char name[32];
	struct client *c = NULL;
	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "n%u.example", i);
		c = seen(&a, i % 2 == 0 ? EVIDENCE_DENIED : EVIDENCE_PHISHING, EVIDENCE_LOW, name,
		         NOON + i);
	}
	assert_int_equal(c->n_steps, TABLE_STEPS);
	for (unsigned i = 1; i < TABLE_STEPS; i++)
		assert_true(client_step(c, i)->first_s >= client_step(c, i - 1)->first_s);
	assert_string_equal(client_step(c, TABLE_STEPS - 1)->name, "n99.example");
}

static void evidence_of_one_source_is_one_step(void **state)
{
	struct addr a = address("10.0.0.1");
	char name[32];
	struct client *c = NULL;
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "n%u.example", i);
		c = seen(&a, EVIDENCE_DENIED, EVIDENCE_LOW, name, NOON + i);
	}
	assert_int_equal(c->n_steps, 1);
	assert_int_equal(client_step(c, 0)->count, 20);
}

/* Many addresses of one /64 are one machine that changes them, or a few: counted together. */
static void addresses_of_a_prefix_are_counted_together(void **state)
{
	struct client *c = NULL;
	char text[64];
	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "2001:db8:1:2::%x", i + 1);
		struct addr a = address(text);
		c = seen(&a, EVIDENCE_MALWARE, EVIDENCE_LOW, text, NOON + i);
	}
	assert_int_equal(table->n_used, TABLE_PREFIX_MAX + 1);
	assert_int_equal(c->bits, 64);
	assert_int_equal(c->state, CLIENT_INFECTED);
	client_to_text(c, text);
	assert_string_equal(text, "2001:db8:1:2::/64");
	/* the first have entries of their own, still */
	struct addr first = address("2001:db8:1:2::1");
	assert_int_equal(table_find(table, &first)->bits, 128);
	struct addr other = address("2001:db8:1:3::1");
	assert_null(table_find(table, &other));
}

/* A flood of clients with little evidence takes nothing away from one with more. */
static void a_flood_does_not_hide_a_client(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	struct client *c = seen(&a, EVIDENCE_MALWARE, EVIDENCE_HIGH, "bad.example", NOON);
	assert_int_equal(c->incident, 0);
	for (unsigned i = 0; i < 3 * INCIDENTS_CLIENTS_MAX; i++) {
		struct addr other = addr_v4(0x0b000000 + i);
		assert_non_null(
			seen(&other, EVIDENCE_DENIED, EVIDENCE_LOW, "x.example", NOON + i / 1000));
	}
	assert_ptr_equal(table_find(table, &a), c);
	assert_score(c, 40, NOON);
	assert_true(table->n_used <= INCIDENTS_CLIENTS_MAX);
	assert_true(table->n_evicted >= 2 * INCIDENTS_CLIENTS_MAX);
	assert_int_equal(table->n_untracked, 0);
	assert_true(table->evicted_score < 25);
}

/* Open incidents never go; what has no room then is counted. */
static void open_incidents_stay(void **state)
{
	(void)state;
	for (unsigned i = 0; i < INCIDENTS_CLIENTS_MAX + 100; i++) {
		struct addr a = addr_v4(0x0a000000 + i);
		struct client *c = seen(&a, EVIDENCE_CERTAIN, EVIDENCE_HIGH, "t.example", NOON);
		assert_true((c == NULL) == (i >= INCIDENTS_CLIENTS_MAX));
	}
	assert_int_equal(table->n_open, INCIDENTS_CLIENTS_MAX);
	assert_int_equal(table->n_pending, INCIDENTS_CLIENTS_MAX);
	assert_int_equal(table->n_untracked, 100);
	assert_int_equal(table->n_evicted, 0);
	for (unsigned i = 0; i < INCIDENTS_CLIENTS_MAX; i += 999) {
		struct addr a = addr_v4(0x0a000000 + i);
		assert_int_equal(table_find(table, &a)->incident, i + 1);
	}
}

static void more_sources_than_fit_keep_the_strongest(void **state)
{
	struct addr a = address("10.0.0.1");
	char source[32];
	struct client *c = NULL;
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		snprintf(source, sizeof source, "list%u", i);
		const struct evidence e = { .wall_s = NOON,
			                    .client = a,
			                    .class = i == 20 ? EVIDENCE_C2 : EVIDENCE_PHISHING,
			                    .confidence = EVIDENCE_HIGH,
			                    .group = "",
			                    .source = source,
			                    .name = "x",
			                    .key = "x",
			                    .text = "" };
		c = table_add(table, &e);
	}
	bool has_c2 = false;
	for (unsigned i = 0; i < c->n_reasons; i++)
		has_c2 |= strcmp(c->reasons[i].source, "list20") == 0;
	assert_true(has_c2);
	assert_int_equal(c->n_reasons, TABLE_REASONS);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, table_set_up, table_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_sure_c2_name_is_suspicious_then_infected),
		TEST(one_name_is_no_more_than_twice_its_weight_in_a_day),
		TEST(scores_halve),
		TEST(some_classes_alone_are_no_infection),
		TEST(an_incident_is_told_once_and_in_steps),
		TEST(quiet_closes_it),
		TEST(a_hand_closes_it),
		TEST(a_timeline_keeps_the_last_steps),
		TEST(evidence_of_one_source_is_one_step),
		TEST(addresses_of_a_prefix_are_counted_together),
		TEST(a_flood_does_not_hide_a_client),
		TEST(open_incidents_stay),
		TEST(more_sources_than_fit_keep_the_strongest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
