/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/wording.h"

#include "base/clock.h"
#include "sample.h"

static void reasons_are_sentences(void **state)
{
	static const struct {
		struct reason r;
		const char *text;
	} rows[] = {
		{ { .class = EVIDENCE_C2,
		    .confidence = EVIDENCE_HIGH,
		    .count = 3,
		    .source = "urlhaus",
		    .name = "c2.example" },
		  "asked 3 times for names that steer malware on list urlhaus (confidence high), such "
		  "as c2.example" },
		{ { .class = EVIDENCE_DENIED, .count = 1, .name = "x.example" },
		  "asked once for names that its group may not resolve, such as x.example" },
		{ { .class = EVIDENCE_CERTAIN,
		    .confidence = EVIDENCE_HIGH,
		    .count = 12,
		    .source = "leak",
		    .name = "a.t.example",
		    .text = "912 bytes in names" },
		  "detector leak (confidence high), 12 times: 912 bytes in names, such as a.t.example" },
	};
	char text[WORDING_MAX];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wording_reason(&rows[i].r, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void alerts_say_who_and_why(void **state)
{
	struct addr a = address("10.0.0.1");
	struct wording room;
	struct alert alert;
	(void)state;
	struct client *c = seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "c2.example", NOON);
	wording_alert(table, c, NOON * NS_PER_S, &room, &alert);
	assert_string_equal(alert.action, "incident-opened");
	assert_int_equal(alert.severity, ALERT_MEDIUM);
	assert_string_equal(
		alert.message,
		"10.0.0.1 (group office) is suspicious (score 60): asked once for names "
		"that steer malware on list bad (confidence high), such as c2.example");
	assert_string_equal(alert.incident, "W-1");
	assert_int_equal(alert.n_reasons, 1);
	assert_string_equal(alert.reasons[0].name, "c2.example");
	table_told(table, c, c->pending, NOON);
	seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "d.example", NOON);
	wording_alert(table, c, NOON * NS_PER_S, &room, &alert);
	assert_string_equal(alert.action, "incident-updated");
	assert_int_equal(alert.severity, ALERT_HIGH);
	assert_non_null(
		strstr(alert.message, "seems to be infected (score 120, more than before)"));
	table_told(table, c, c->pending, NOON);
	table_tick(table, NOON + DAY);
	wording_alert(table, c, (uint64_t)(NOON + DAY) * NS_PER_S, &room, &alert);
	assert_string_equal(alert.action, "incident-closed");
	assert_string_equal(alert.message,
	                    "10.0.0.1 (group office): incident W-1 is closed: there was "
	                    "no evidence for 24 hours");
	assert_string_equal(alert.state, "closed");
	assert_int_equal(alert.severity, ALERT_LOW);
}

static void a_hand_is_named(void **state)
{
	struct addr a = address("10.0.0.1");
	struct wording room;
	struct alert alert;
	(void)state;
	struct client *c = seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "c2.example", NOON);
	table_told(table, c, c->pending, NOON);
	table_clear(table, c, NOON, "alice (1000)", "reinstalled");
	wording_alert(table, c, NOON * NS_PER_S, &room, &alert);
	assert_string_equal(alert.message,
	                    "10.0.0.1 (group office): incident W-1 is closed by alice "
	                    "(1000): reinstalled");
}

static void json_has_the_timeline(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	struct client *c = seen(&a, EVIDENCE_C2, EVIDENCE_HIGH, "c2\xff.example", NOON);
	json_t *o = wording_json(table, c, NOON, true);
	assert_string_equal(json_string_value(json_object_get(o, "state")), "suspicious");
	assert_true(json_number_value(json_object_get(o, "score")) == 60);
	const json_t *steps = json_object_get(o, "timeline");
	assert_int_equal(json_array_size(steps), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(steps, 0), "name")),
	                    "c2?.example");
	assert_string_equal(json_string_value(json_object_get(json_array_get(steps, 1), "what")),
	                    "opened");
	json_decref(o);
	o = wording_json(table, c, NOON, false);
	assert_null(json_object_get(o, "timeline"));
	json_decref(o);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, table_set_up, table_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_are_sentences),
		TEST(alerts_say_who_and_why),
		TEST(a_hand_is_named),
		TEST(json_has_the_timeline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
