/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir trust over the control interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sample.h"

static struct sample sample;

static void tell(void *arg, const struct anchors_notice *n)
{
	(void)arg;
	(void)n;
}

static void forget(void *arg, const uint8_t *name)
{
	(void)arg;
	(void)name;
}

static void tell_line(void *arg, unsigned line, const char *why)
{
	(void)arg;
	fail_msg("%u: %s", line, why);
}

static int setup(void **state)
{
	(void)state;
	static struct name always;
	sample_init(&sample);
	struct keeper_plan plan = {
		.negatives = &always,
		.n_negatives = 1,
		.wall_s = clock_wall_ns() / NS_PER_S,
		.tell = tell,
		.flush = forget,
	};
	struct answer_rr *rrs;
	must(name_from_text("always.example", 14, &always) == 0);
	must(anchors_read(anchors_built_in, strlen(anchors_built_in), tell_line, NULL, &rrs,
	                  &plan.n_rrs) == 0);
	plan.rrs = rrs;
	must(keeper_new(&plan, &sample.context.keeper) == 0);
	free(rrs);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	keeper_free(sample.context.keeper);
	sample_done(&sample);
	return 0;
}

static void test_list(void **state)
{
	(void)state;
	json_t *r = sample_run(&sample, "{\"command\":\"trust\",\"action\":\"list\"}");
	assert_int_equal(json_array_size(sample_at(r, "trust.anchors")), 2);
	assert_int_equal(json_integer_value(sample_at(r, "trust.anchors.0.tag")), 20326);
	assert_string_equal(sample_text(r, "trust.anchors.0.zone"), ".");
	assert_string_equal(sample_text(r, "trust.anchors.0.state"), "valid");
	assert_string_equal(sample_text(r, "trust.negative.0.name"), "always.example");
	assert_true(json_is_true(sample_at(r, "trust.negative.0.configured")));
	assert_null(sample_at(r, "trust.negative.0.expires_s"));
	json_decref(r);
}

static void test_add_and_remove(void **state)
{
	(void)state;
	uint64_t now_s = clock_wall_ns() / NS_PER_S;
	json_t *r = sample_run(&sample, "{\"command\":\"trust\",\"action\":\"add\","
	                                "\"name\":\"Broken.example.\",\"reason\":\"theirs\"}");
	assert_string_equal(sample_text(r, "trust.done"), "added");
	assert_string_equal(sample_text(r, "trust.name"), "broken.example");
	assert_in_range(json_integer_value(sample_at(r, "trust.expires_s")), now_s + 3600,
	                now_s + 3660); /* an hour if nothing is said */
	json_decref(r);
	assert_true(anchors_is_negative(anchors_current(), (const uint8_t *)"\6broken\7example",
	                                now_s));
	r = sample_run(&sample, "{\"command\":\"trust\",\"action\":\"list\"}");
	assert_string_equal(sample_text(r, "trust.negative.1.reason"), "theirs");
	json_decref(r);
	r = sample_run(&sample, "{\"command\":\"trust\",\"action\":\"remove\","
	                        "\"name\":\"broken.example\"}");
	assert_string_equal(sample_text(r, "trust.done"), "removed");
	json_decref(r);
	assert_false(anchors_is_negative(anchors_current(), (const uint8_t *)"\6broken\7example",
	                                 now_s));
	r = sample_run(&sample, "{\"command\":\"trust\",\"action\":\"refresh\"}");
	assert_string_equal(sample_text(r, "trust.done"), "asked");
	json_decref(r);
}

#define ADD "{\"command\":\"trust\",\"action\":\"add\","

/* clang-format off */
static const struct {
	const char *request, *code;
} refused[] = {
	{ "{\"command\":\"trust\"}", "bad-request" },
	{ "{\"command\":\"trust\",\"action\":\"eat\"}", "bad-action" },
	{ "{\"command\":\"trust\",\"action\":\"list\",\"name\":\"a\"}", "bad-request" },
	{ ADD "\"nmae\":\"a\"}", "bad-request" },
	{ ADD "\"reason\":\"x\"}", "bad-request" },
	{ ADD "\"name\":\"a..b\"}", "bad-name" },
	{ ADD "\"name\":\"*.a\"}", "bad-name" },
	{ ADD "\"name\":\"a\",\"for_s\":0}", "bad-time" },
	{ ADD "\"name\":\"a\",\"for_s\":604801}", "bad-time" },
	{ ADD "\"name\":\"a\",\"reason\":\"a\\nb\"}", "bad-reason" },
	{ ADD "\"name\":\"always.example\"}", "exists" },
	{ "{\"command\":\"trust\",\"action\":\"remove\",\"name\":\"a\"}", "not-found" },
	{ "{\"command\":\"trust\",\"action\":\"remove\",\"name\":\"always.example\"}", "not-available" },
	{ "{\"command\":\"trust\",\"action\":\"remove\"}", "bad-request" },
};
/* clang-format on */

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		sample_refused(&sample, refused[i].request, refused[i].code);
}

static void test_without_validation(void **state)
{
	(void)state;
	struct keeper *keeper = sample.context.keeper;
	sample.context.keeper = NULL;
	sample_refused(&sample, "{\"command\":\"trust\",\"action\":\"list\"}", "not-available");
	sample.context.keeper = keeper;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_add_and_remove),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_without_validation),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
