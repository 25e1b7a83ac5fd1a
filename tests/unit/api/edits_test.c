/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

static struct sample sample;

static enum policy_action action_for(const char *name, const char *group)
{
	struct name n;
	struct name_hashes hashes;
	struct verdict v;
	assert_int_equal(name_from_text(name, strlen(name), &n), 0);
	name_hash_all(n.wire, &hashes);
	const struct policy *p = policy_current();
	policy_judge_name(p, policy_group_named(p, group), POLICY_TRIGGER_QUESTION, n.wire, &hashes,
	                  &v);
	return v.action;
}

static json_t *done(const char *request)
{
	json_t *reply = sample_run(&sample, request);
	if (!json_is_true(json_object_get(reply, "ok")))
		fail_msg("%s", sample_text(reply, "error.text"));
	return reply;
}

static void undo(const char *name)
{
	char request[256];
	snprintf(request, sizeof request, "{\"command\":\"undo\",\"name\":\"%s\"}", name);
	json_decref(done(request));
}

static void blocks_and_allows_at_once(void **state)
{
	(void)state;
	assert_int_equal(action_for("www.new.org", "office"), POLICY_NONE);
	json_t *reply =
		done("{\"command\":\"block\",\"name\":\"New.ORG.\",\"reason\":\"why not\"}");
	assert_int_equal(action_for("www.new.org", "office"), POLICY_NXDOMAIN);
	assert_string_equal(sample_text(reply, "edit.name"), "new.org");
	assert_string_equal(sample_text(reply, "edit.scope"), "tree");
	assert_string_equal(sample_text(reply, "edit.who"), "tester (1)");
	assert_string_equal(sample_text(reply, "edit.reason"), "why not");
	assert_true(json_is_null(sample_at(reply, "edit.group")));
	assert_int_equal(json_integer_value(sample_at(reply, "edit.expires_s")), 0);
	json_decref(reply);
	reply = done("{\"command\":\"allow\",\"name\":\"good.new.org\",\"exact\":true}");
	assert_int_equal(action_for("good.new.org", "office"), POLICY_ALLOW);
	assert_int_equal(action_for("www.good.new.org", "office"), POLICY_NXDOMAIN);
	json_decref(reply);
	undo("good.new.org");
	undo("new.org");
	assert_int_equal(action_for("www.new.org", "office"), POLICY_NONE);
	sample_refused(&sample, "{\"command\":\"undo\",\"name\":\"new.org\"}", "not-found");
}

static void holds_for_one_group(void **state)
{
	(void)state;
	json_t *reply = done("{\"command\":\"block\",\"name\":\"*.one.org\",\"group\":\"guests\","
	                     "\"action\":\"drop\",\"for_s\":7200}");
	assert_string_equal(sample_text(reply, "edit.scope"), "below");
	assert_int_equal(json_integer_value(sample_at(reply, "edit.expires_s")) -
	                         json_integer_value(sample_at(reply, "edit.made_s")),
	                 7200);
	/* What is below is told, for the name itself stays as it was. */
	assert_string_equal(sample_text(reply, "effects.0.after.action"), "drop");
	assert_string_equal(sample_text(reply, "effects.0.before.by"), "nothing");
	assert_int_equal(action_for("a.one.org", "guests"), POLICY_DROP);
	assert_int_equal(action_for("one.org", "guests"), POLICY_NONE);
	assert_int_equal(action_for("a.one.org", "office"), POLICY_NONE);
	json_decref(reply);
	/* Said where it is, when it is looked for in the wrong place. */
	reply = sample_run(&sample, "{\"command\":\"undo\",\"name\":\"one.org\"}");
	assert_non_null(strstr(sample_text(reply, "error.text"), "group guests"));
	json_decref(reply);
	json_decref(done("{\"command\":\"undo\",\"name\":\"*.one.org\",\"group\":\"guests\"}"));
	assert_int_equal(action_for("a.one.org", "guests"), POLICY_NONE);
}

/* One effect a kind of group, with what was before and what the operator should know. */
static void tells_what_changes(void **state)
{
	(void)state;
	json_t *reply = done("{\"command\":\"block\",\"name\":\"evil.example\"}");
	json_t *effects = sample_at(reply, "effects");
	/* office and kiosk were allowed by partners, guests were blocked by malware. */
	assert_int_equal(json_array_size(effects), 2);
	assert_string_equal(sample_text(effects, "0.groups.0"), "office");
	assert_string_equal(sample_text(effects, "0.groups.1"), "kiosk");
	assert_string_equal(sample_text(effects, "0.before.action"), "allow");
	assert_string_equal(sample_text(effects, "0.before.list"), "partners");
	assert_string_equal(sample_text(effects, "0.after.action"), "nxdomain");
	assert_string_equal(sample_text(effects, "0.after.by"), "edit");
	assert_non_null(strstr(sample_text(effects, "0.notes.0"), "overrides rule evil.example"));
	assert_string_equal(sample_text(effects, "1.groups.0"), "guests");
	assert_non_null(strstr(sample_text(effects, "1.notes.0"), "nothing changes"));
	json_decref(reply);
	/* A second one for the same name replaces it. */
	reply = done("{\"command\":\"allow\",\"name\":\"evil.example\"}");
	assert_non_null(strstr(sample_text(reply, "effects.0.notes.0"), "earlier edit"));
	json_decref(reply);
	undo("evil.example");
	/* An exact one goes before one for the tree. */
	json_decref(done("{\"command\":\"allow\",\"name\":\"a.org\",\"exact\":true}"));
	reply = done("{\"command\":\"block\",\"name\":\"a.org\"}");
	assert_non_null(strstr(sample_text(reply, "effects.0.notes.0"), "does not decide"));
	json_decref(reply);
	undo("a.org");
	/* A group whose default is deny. */
	reply = done("{\"command\":\"allow\",\"name\":\"b.org\",\"group\":\"kiosk\"}");
	assert_string_equal(sample_text(reply, "effects.0.before.by"), "default");
	assert_non_null(strstr(sample_text(reply, "effects.0.notes.0"), "default: deny"));
	json_decref(reply);
	json_decref(done("{\"command\":\"undo\",\"name\":\"b.org\",\"group\":\"kiosk\"}"));
}

static void explain_shows_the_edit(void **state)
{
	(void)state;
	json_decref(done("{\"command\":\"block\",\"name\":\"c.org\",\"reason\":\"test\"}"));
	json_decref(done("{\"command\":\"allow\",\"name\":\"c.org\",\"group\":\"guests\"}"));
	json_t *reply =
		done("{\"command\":\"explain\",\"name\":\"c.org\",\"client\":\"10.9.0.1\"}");
	json_t *m = sample_at(reply, "explain.stages.0.matches");
	assert_string_equal(sample_text(m, "0.action"), "allow");
	assert_string_equal(sample_text(m, "0.why"),
	                    "an edit for the group goes before one for all groups");
	assert_string_equal(sample_text(m, "1.edit.reason"), "test");
	json_decref(reply);
	reply = done("{\"command\":\"explain\",\"name\":\"c.org\",\"client\":\"10.0.0.1\"}");
	assert_string_equal(sample_text(reply, "explain.verdict.by"), "edit");
	assert_int_equal(json_integer_value(sample_at(reply, "explain.verdict.ede.code")), 15);
	json_decref(reply);
	undo("c.org");
	json_decref(done("{\"command\":\"undo\",\"name\":\"c.org\",\"group\":\"guests\"}"));
}

static void lists_a_page_at_a_time(void **state)
{
	(void)state;
	enum {
		N = 1500
	};
	char request[128];
	for (int i = 0; i < N; i++) {
		snprintf(request, sizeof request, "{\"command\":\"block\",\"name\":\"n%d.org\"}",
		         i);
		json_decref(done(request));
	}
	json_t *reply = done("{\"command\":\"edits\"}");
	assert_int_equal(json_integer_value(sample_at(reply, "total")), N);
	assert_int_equal(json_array_size(sample_at(reply, "edits")), 1000);
	json_decref(reply);
	reply = done("{\"command\":\"edits\",\"from\":1000}");
	assert_int_equal(json_array_size(sample_at(reply, "edits")), N - 1000);
	json_decref(reply);
	for (int i = 0; i < N; i++) {
		snprintf(request, sizeof request, "n%d.org", i);
		undo(request);
	}
	sample_refused(&sample, "{\"command\":\"edits\",\"from\":-1}", "bad-request");
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	static const struct {
		const char *request, *code;
	} rows[] = {
		{ "{\"command\":\"block\"}", "bad-request" },
		{ "{\"command\":\"block\",\"name\":7}", "bad-request" },
		{ "{\"command\":\"block\",\"name\":\"\"}", "bad-name" },
		{ "{\"command\":\"block\",\"name\":\".\"}", "bad-name" },
		{ "{\"command\":\"block\",\"name\":\"*.\"}", "bad-name" },
		{ "{\"command\":\"block\",\"name\":\"*\"}", "bad-name" },
		{ "{\"command\":\"block\",\"name\":\"a.*.b\"}", "bad-name" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"group\":\"nobody\"}", "no-group" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"action\":\"allow\"}", "bad-action" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"action\":\"address\"}", "bad-action" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"action\":\"x\"}", "bad-action" },
		{ "{\"command\":\"allow\",\"name\":\"a\",\"action\":\"drop\"}", "bad-request" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"for_s\":0}", "bad-time" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"for_s\":-5}", "bad-time" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"for_s\":99999999999}", "bad-time" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"reason\":\"two\\nlines\"}",
		  "bad-reason" },
		{ "{\"command\":\"block\",\"name\":\"a\",\"wat\":true}", "bad-request" },
		{ "{\"command\":\"undo\",\"name\":\"a\"}", "not-found" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].request);
		sample_refused(&sample, rows[i].request, rows[i].code);
	}
	json_t *reply = done("{\"command\":\"edits\"}");
	assert_int_equal(json_integer_value(sample_at(reply, "total")), 0);
	json_decref(reply);
}

static int set_up(void **state)
{
	(void)state;
	sample_init(&sample);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sample_done(&sample);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_and_allows_at_once),
		cmocka_unit_test(holds_for_one_group),
		cmocka_unit_test(tells_what_changes),
		cmocka_unit_test(explain_shows_the_edit),
		cmocka_unit_test(lists_a_page_at_a_time),
		cmocka_unit_test(refuses_what_makes_no_sense),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
