/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/watch.h"

#include "base/clock.h"
#include "sample.h"

static struct config_list lists[] = {
	{ .name = "urlhaus", .category = "c2", .confidence = "high" },
	{ .name = "ads", .category = "none", .confidence = "medium" },
	{ .name = "mal", .category = "malware", .confidence = "low" },
	{ .name = "phish", .category = "phishing", .confidence = "medium" },
};
static const struct config config = { .lists = { lists, ARRAY_LEN(lists) } };

#define TEXT(t)                  \
	{                        \
		t, sizeof(t) - 1 \
	}

static const struct row {
	const char *why;
	uint8_t action, trigger;
	struct event_text list, logged;
	bool is_edit;
	int class; /* -1: none */
	int confidence;
} rows[] = {
	{ "a list of c2",
	  POLICY_NXDOMAIN,
	  POLICY_TRIGGER_QUESTION,
	  TEXT("urlhaus"),
	  { 0 },
	  false,
	  EVIDENCE_C2,
	  EVIDENCE_HIGH },
	{ "an address on one",
	  POLICY_NXDOMAIN,
	  POLICY_TRIGGER_ANSWER,
	  TEXT("mal"),
	  { 0 },
	  false,
	  EVIDENCE_MALWARE,
	  EVIDENCE_LOW },
	{ "advertising",
	  POLICY_NXDOMAIN,
	  POLICY_TRIGGER_QUESTION,
	  TEXT("ads"),
	  { 0 },
	  false,
	  -1,
	  0 },
	{ "a list that is unknown",
	  POLICY_NXDOMAIN,
	  POLICY_TRIGGER_QUESTION,
	  TEXT("url"),
	  { 0 },
	  false,
	  -1,
	  0 },
	{ "one that only logs",
	  POLICY_NONE,
	  POLICY_TRIGGER_NONE,
	  { 0 },
	  TEXT("phish"),
	  false,
	  EVIDENCE_PHISHING,
	  EVIDENCE_MEDIUM },
	{ "advertising, and one that logs", POLICY_NXDOMAIN, POLICY_TRIGGER_QUESTION, TEXT("ads"),
	  TEXT("urlhaus"), false, EVIDENCE_C2, EVIDENCE_HIGH },
	{ "an exception",
	  POLICY_ALLOW,
	  POLICY_TRIGGER_QUESTION,
	  TEXT("urlhaus"),
	  { 0 },
	  false,
	  -1,
	  0 },
	{ "default: deny",
	  POLICY_NXDOMAIN,
	  POLICY_TRIGGER_DEFAULT,
	  { 0 },
	  { 0 },
	  false,
	  EVIDENCE_DENIED,
	  EVIDENCE_MEDIUM },
	{ "rebinding",
	  POLICY_NODATA,
	  POLICY_TRIGGER_REBINDING,
	  { 0 },
	  { 0 },
	  false,
	  EVIDENCE_REBINDING,
	  EVIDENCE_MEDIUM },
	{ "blocked by hand", POLICY_NXDOMAIN, POLICY_TRIGGER_QUESTION, { 0 }, { 0 }, true, -1, 0 },
	{ "answered", POLICY_NONE, POLICY_TRIGGER_NONE, { 0 }, { 0 }, false, -1, 0 },
};

static void questions_are_evidence_or_not(void **state)
{
	struct watch w;
	struct addr a = address("10.0.0.1");
	(void)state;
	assert_int_equal(watch_init(&w, &config), 0);
	assert_int_equal(w.n, 3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct watch_room room;
		struct evidence e;
		const struct event_seen seen = { .wall_ns = NOON * NS_PER_S,
			                         .client = &a,
			                         .name = (const uint8_t *)"\3WwW\7Example",
			                         .action = r->action,
			                         .trigger = r->trigger,
			                         .is_edit = r->is_edit,
			                         .group = TEXT("office"),
			                         .list = r->list,
			                         .logged_list = r->logged };
		bool is = watch_evidence(&w, &seen, &room, &e);
		if (is != (r->class >= 0))
			fail_msg("%s", r->why);
		if (!is)
			continue;
		if ((int)e.class != r->class || (int)e.confidence != r->confidence)
			fail_msg("%s: class %d, confidence %d", r->why, e.class, e.confidence);
		assert_string_equal(e.name, "www.example");
		assert_string_equal(e.group, "office");
		assert_int_equal(e.wall_s, NOON);
	}
	watch_done(&w);
}

static const struct finding_row {
	const char *why;
	uint8_t confidence, action;
	bool is_muted;
	int class;
	uint8_t detector;
} finding_rows[] = {
	{ "not sure", DETECT_LOW, DETECT_ALERT, false, EVIDENCE_SIGN, DETECTOR_leak },
	{ "quite sure", DETECT_MEDIUM, DETECT_THROTTLE, false, EVIDENCE_FINDING, DETECTOR_leak },
	{ "sure", DETECT_HIGH, DETECT_BLOCK, false, EVIDENCE_CERTAIN, DETECTOR_leak },
	{ "muted", DETECT_HIGH, DETECT_ALLOW, true, -1, DETECTOR_leak },
	{ "counted only", DETECT_HIGH, DETECT_ALLOW, false, -1, DETECTOR_leak },
	{ "a lure", DETECT_HIGH, DETECT_ALERT, false, EVIDENCE_LURE, DETECTOR_lookalike },
};

static void findings_are_evidence(void **state)
{
	struct addr a = address("10.0.0.1");
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(finding_rows); i++) {
		const struct finding_row *r = &finding_rows[i];
		struct watch_room room;
		struct evidence e;
		const struct detect_finding f = { .detector = r->detector,
			                          .confidence = r->confidence,
			                          .action = r->action,
			                          .is_muted = r->is_muted,
			                          .text = "912 bytes in names" };
		const struct event_seen seen = { .wall_ns = NOON * NS_PER_S,
			                         .client = &a,
			                         .name = (const uint8_t *)"\4abcd\1t\7Example",
			                         .findings = &f,
			                         .n_findings = 1 };
		if (watch_finding(&seen, 0, &room, &e) != (r->class >= 0))
			fail_msg("%s", r->why);
		if (r->class < 0)
			continue;
		assert_int_equal(e.class, r->class);
		assert_string_equal(e.source, config_detector((enum detector_id)r->detector)->name);
		assert_string_equal(e.text, "912 bytes in names");
		assert_string_equal(e.name, "abcd.t.example");
		assert_string_equal(e.key, r->action == DETECT_THROTTLE ? "leak" : "t.example");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_evidence_or_not),
		cmocka_unit_test(findings_are_evidence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
