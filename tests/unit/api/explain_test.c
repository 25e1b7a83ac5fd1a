/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

static struct sample sample;

static json_t *explain(const char *name, const char *client)
{
	char request[512];
	snprintf(request, sizeof request,
	         "{\"command\":\"explain\",\"name\":\"%s\",\"client\":\"%s\"}", name, client);
	json_t *reply = sample_run(&sample, request);
	if (!json_is_true(json_object_get(reply, "ok")))
		fail_msg("%s", sample_text(reply, "error.text"));
	return reply;
}

/* The end of the walk: rows of what a client asks and what it gets, by whom. */
static void gives_the_verdict_that_serving_gives(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name, *client, *action, *by, *list, *rule, *trigger;
		int ede;
	} rows[] = {
		{ "no rule", "plain.org", "10.0.0.1", "", "nothing", "", "", "", 0 },
		{ "a list", "www.below.example", "10.0.0.1", "nxdomain", "list", "malware",
		  "*.below.example", "question", 15 },
		{ "below is not the name", "below.example", "10.0.0.1", "", "nothing", "", "", "",
		  0 },
		{ "allow goes before block", "evil.example", "10.0.0.1", "allow", "list",
		  "partners", "evil.example", "question", 0 },
		{ "a group without the allow list", "evil.example", "10.9.0.1", "nxdomain", "list",
		  "malware", "evil.example", "question", 15 },
		{ "default deny", "plain.org", "10.8.0.1", "refused", "default", "",
		  "default: deny", "default", 18 },
		{ "allowed in default deny", "good.evil.example", "10.8.0.1", "allow", "list",
		  "partners", "good.evil.example", "question", 0 },
		{ "in no group", "evil.example", "192.0.2.1", "", "nothing", "", "", "", 18 },
		{ "a cached answer, clean", "clean.start.example", "10.0.0.1", "", "nothing", "",
		  "", "", 0 },
		{ "an alias target", "alias.start.example", "10.0.0.1", "nxdomain", "list",
		  "malware", "listed.alias.example", "alias", 15 },
		{ "an address", "address.start.example", "10.0.0.1", "nodata", "list", "addresses",
		  "192.0.2.0/24", "answer", 15 },
		{ "a name server, before the address", "server.start.example", "10.0.0.1",
		  "refused", "list", "servers", "ns.bad.test", "server-name", 17 },
		{ "an allow ends the walk", "good.evil.example", "10.0.0.1", "allow", "list",
		  "partners", "good.evil.example", "question", 0 },
		{ "policy zones, early: the name decides", "address.start.example", "10.7.0.1",
		  "nxdomain", "list", "second", "www.alias.example", "alias", 15 },
		{ "policy zones, strict: the first zone's rule on the answer",
		  "address.start.example", "10.6.0.1", "nodata", "list", "first", "192.0.2.0/24",
		  "answer", 15 },
		{ "policy zones: the client's address", "plain.org", "10.7.0.9", "drop", "list",
		  "second", "10.7.0.9/32", "client", 15 },
		{ "a zone's servers without an answer", "new.bad.test", "10.0.0.1", "refused",
		  "list", "servers", "ns.bad.test", "server-name", 17 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *reply = explain(rows[i].name, rows[i].client);
		json_t *v = sample_at(reply, "explain.verdict");
		print_message("%s\n", rows[i].why);
		assert_string_equal(sample_text(v, "action"), rows[i].action);
		assert_string_equal(sample_text(v, "by"), rows[i].by);
		assert_string_equal(sample_text(v, "list"), rows[i].list);
		assert_string_equal(sample_text(v, "rule"), rows[i].rule);
		assert_string_equal(sample_text(v, "trigger"), rows[i].trigger);
		assert_int_equal(json_integer_value(sample_at(v, "ede.code")), rows[i].ede);
		json_decref(reply);
	}
}

/* A group in early is told what strict would say, when that is known and something else. */
static void says_what_strict_would_say(void **state)
{
	(void)state;
	static const struct {
		const char *name, *client, *action, *rule;
	} rows[] = {
		{ "address.start.example", "10.7.0.1", "nodata", "192.0.2.0/24" },
		{ "address.start.example", "10.6.0.1", "", "" }, /* it is strict */
		{ "address.start.example", "10.0.0.1", "", "" }, /* has no policy zones */
		{ "clean.start.example", "10.7.0.1", "", "" },   /* says the same */
		{ "plain.org", "10.7.0.9", "", "" },             /* its answer is not at hand */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *reply = explain(rows[i].name, rows[i].client);
		json_t *strict = sample_at(reply, "explain.strict");
		assert_int_equal(strict != NULL, rows[i].action[0] != 0);
		if (strict != NULL) {
			assert_string_equal(sample_text(strict, "action"), rows[i].action);
			assert_string_equal(sample_text(strict, "rule"), rows[i].rule);
			assert_non_null(strstr(sample_text(strict, "sentence"), "list first"));
		}
		json_decref(reply);
	}
}

/* Line numbers come from the files; the winner and the reasons from the order of precedence. */
static void says_line_and_reason(void **state)
{
	(void)state;
	json_t *reply = explain("www.good.evil.example", "10.0.0.1");
	json_t *m = sample_at(reply, "explain.stages.0.matches");
	static const struct {
		const char *list;
		int line;
		bool in_group, winner;
		const char *why;
	} rows[] = {
		{ "partners", 1, true, true, "it is the deepest rule" },
		{ "partners", 2, true, false, "a deeper rule goes first" },
		{ "malware", 2, true, false, "a deeper rule goes first" },
		{ "other", 1, false, false, "the group does not use this list" },
		{ "watch", 1, true, false, "log is recorded, and never wins" },
	};
	assert_int_equal(json_array_size(m), ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *o = json_array_get(m, i);
		assert_string_equal(sample_text(o, "list"), rows[i].list);
		assert_int_equal(json_integer_value(sample_at(o, "line")), rows[i].line);
		assert_int_equal(json_is_true(sample_at(o, "in_group")), rows[i].in_group);
		assert_int_equal(json_is_true(sample_at(o, "winner")), rows[i].winner);
		assert_string_equal(sample_text(o, "why"), rows[i].why);
	}
	json_decref(reply);
	reply = explain("evil.example", "10.0.0.1");
	assert_string_equal(sample_text(reply, "explain.stages.0.matches.0.why"),
	                    "allow goes before block at the same depth");
	json_decref(reply);
}

static void says_the_group_by_its_prefix(void **state)
{
	(void)state;
	json_t *reply = explain("plain.org", "10.9.1.2");
	assert_string_equal(sample_text(reply, "explain.group.name"), "guests");
	assert_string_equal(sample_text(reply, "explain.group.prefix"), "10.9.0.0/16");
	json_decref(reply);
	reply = explain("plain.org", "192.0.2.1");
	assert_true(json_is_null(sample_at(reply, "explain.group")));
	json_decref(reply);
}

/* Question, root, zone, alias, zone of the alias, addresses: each once, in the order of judging. */
static void walks_in_the_order_of_serving(void **state)
{
	(void)state;
	static const char *const stages[][2] = {
		{ "question", "server.start.example" },
		{ "servers", "." },
		{ "servers", "start.example" },
		{ "alias", "www.bad.test" },
		{ "servers", "bad.test" },
		{ "answer", "192.0.2.80" },
	};
	json_t *reply = explain("server.start.example", "10.0.0.1");
	json_t *got = sample_at(reply, "explain.stages");
	assert_int_equal(json_array_size(got), ARRAY_LEN(stages));
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		json_t *o = json_array_get(got, i);
		assert_string_equal(sample_text(o, "stage"), stages[i][0]);
		const char *what = i == 5             ? sample_text(o, "addresses.0")
		                   : i == 0 || i == 3 ? sample_text(o, "name")
		                                      : sample_text(o, "zone");
		assert_string_equal(what, stages[i][1]);
		assert_int_equal(json_is_true(sample_at(o, "looked_at")), i < 5);
		assert_int_equal(json_is_true(sample_at(o, "decides")), i == 4);
	}
	/* What is not looked at is still told. */
	assert_string_equal(sample_text(got, "5.matches.0.list"), "addresses");
	assert_string_equal(sample_text(reply, "explain.cache.state"), "fresh");
	json_decref(reply);
}

static void knows_when_it_does_not_know(void **state)
{
	(void)state;
	json_t *reply = explain("unknown.start.example", "10.0.0.1");
	assert_string_equal(sample_text(reply, "explain.cache.state"), "none");
	assert_string_equal(sample_text(reply, "explain.cache.closest_zone"), "start.example");
	assert_true(json_is_false(sample_at(reply, "explain.verdict.complete")));
	json_decref(reply);
	struct cache *kept = sample.context.cache;
	sample.context.cache = NULL;
	reply = explain("unknown.start.example", "10.0.0.1");
	assert_string_equal(sample_text(reply, "explain.cache.state"), "unknown");
	assert_true(json_is_true(sample_at(reply, "explain.offline")));
	assert_true(json_is_false(sample_at(reply, "explain.verdict.complete")));
	json_decref(reply);
	sample.context.cache = kept;
}

static void refuses_what_makes_no_sense(void **state)
{
	(void)state;
	sample_refused(&sample, "{\"command\":\"explain\"}", "bad-request");
	sample_refused(&sample, "{\"command\":\"explain\",\"name\":\"a..b\"}", "bad-name");
	sample_refused(&sample, "{\"command\":\"explain\",\"name\":\"\"}", "bad-name");
	sample_refused(&sample, "{\"command\":\"explain\",\"name\":\"a\",\"type\":\"X Y\"}",
	               "bad-type");
	sample_refused(&sample, "{\"command\":\"explain\",\"name\":\"a\",\"client\":\"me\"}",
	               "bad-client");
	sample_refused(&sample, "{\"command\":\"explain\",\"name\":\"a\",\"group\":\"none\"}",
	               "no-group");
	sample_refused(&sample, "{\"command\":\"explain\",\"name\":\"a\",\"extra\":1}",
	               "bad-request");
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
		cmocka_unit_test(gives_the_verdict_that_serving_gives),
		cmocka_unit_test(says_what_strict_would_say),
		cmocka_unit_test(says_line_and_reason),
		cmocka_unit_test(says_the_group_by_its_prefix),
		cmocka_unit_test(walks_in_the_order_of_serving),
		cmocka_unit_test(knows_when_it_does_not_know),
		cmocka_unit_test(refuses_what_makes_no_sense),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
