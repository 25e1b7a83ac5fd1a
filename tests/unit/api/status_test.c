/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

static struct sample sample;
static struct serve_counters first = { .questions = 10, .cached = 4 };
static struct serve_counters second = { .questions = 5, .blocked = 2 };
static const struct serve_counters *const workers[] = { &first, &second };
static struct serve_list_counts first_lists[POLICY_MAX_LISTS], second_lists[POLICY_MAX_LISTS];
static const struct serve_list_counts *const lists[] = { first_lists, second_lists };

static void get_status(void *arg, struct api_status *ret)
{
	(void)arg;
	ret->n_workers = 2;
	ret->workers = workers;
	ret->lists = lists;
	ret->resolve.packets_out = 77;
	ret->has_events = true;
	ret->events.lost_ring = 3;
	ret->upstream_state = 0;
	ret->reloads = 6;
}

static bool get_published(void *arg, unsigned i, struct transfer_published *ret)
{
	static struct name zones[2];
	static const char *const texts[] = { "one.rpz.test", "two.rpz.test" };
	(void)arg;
	if (i >= 2)
		return false;
	assert_int_equal(name_from_text(texts[i], strlen(texts[i]), &zones[i]), 0);
	*ret = (struct transfer_published){ .zone = &zones[i],
		                            .source = i == 0 ? "" : "malware",
		                            .has_version = i == 0,
		                            .serial = 2026112801,
		                            .n_followers = 3,
		                            .n_heard = 2,
		                            .error = i == 0 ? "" : "the list has no rules" };
	return true;
}

static json_int_t number(json_t *reply, const char *path)
{
	return json_integer_value(sample_at(reply, path));
}

static void adds_up(void **state)
{
	(void)state;
	sample.context.status = get_status;
	sample.context.published = get_published;
	uint16_t slot = policy_list_slot(policy_current(), 1);
	atomic_store(&first_lists[slot].blocked, 5);
	atomic_store(&second_lists[slot].blocked, 6);
	atomic_store(&second_lists[slot].shadow, 7);
	json_t *r = sample_run(&sample, "{\"command\":\"status\"}");
	assert_string_equal(sample_text(r, "status.version"), WEIR_VERSION);
	assert_int_equal(number(r, "status.questions.questions"), 15);
	assert_int_equal(number(r, "status.questions.cached"), 4);
	assert_int_equal(number(r, "status.questions.blocked"), 2);
	assert_int_equal(number(r, "status.workers.0.questions"), 10);
	assert_int_equal(number(r, "status.workers.1.blocked"), 2);
	assert_int_equal(number(r, "status.upstream.packets_out"), 77);
	assert_true(json_is_false(sample_at(r, "status.upstream.reachable")));
	assert_int_equal(number(r, "status.events.lost_ring"), 3);
	assert_int_equal(number(r, "status.reloads"), 6);
	assert_int_equal(json_array_size(sample_at(r, "status.published")), 2);
	assert_int_equal(number(r, "status.published.0.serial"), 2026112801);
	assert_int_equal(number(r, "status.published.0.followers_current"), 2);
	assert_true(json_is_null(sample_at(r, "status.published.0.list")));
	assert_true(json_is_null(sample_at(r, "status.published.1.serial")));
	assert_string_equal(sample_text(r, "status.published.1.list"), "malware");
	assert_string_equal(sample_text(r, "status.published.1.problem"), "the list has no rules");
	assert_int_equal(number(r, "status.cache.answers"), 5);
	assert_int_equal(json_array_size(sample_at(r, "status.policy.lists")), 8);
	assert_string_equal(sample_text(r, "status.policy.lists.3.match"), "nameserver");
	assert_int_equal(number(r, "status.policy.lists.4.prefixes"), 2);
	assert_string_equal(sample_text(r, "status.policy.lists.5.problem"),
	                    "other.txt is gone: its copy is in force");
	assert_null(sample_at(r, "status.policy.lists.0.problem"));
	assert_int_equal(number(r, "status.policy.lists.1.hits.blocked"), 11);
	assert_int_equal(number(r, "status.policy.lists.1.hits.shadow"), 7);
	assert_int_equal(number(r, "status.policy.lists.0.hits.blocked"), 0);
	assert_string_equal(sample_text(r, "status.policy.groups.2.default"), "deny");
	json_decref(r);
	sample.context.status = NULL;
}

static void knows_that_it_knows_nothing(void **state)
{
	(void)state;
	const struct api_context kept = sample.context;
	sample.context = (struct api_context){ .arg = &sample };
	json_t *r = sample_run(&sample, "{\"command\":\"status\"}");
	assert_true(json_is_null(sample_at(r, "status.cache")));
	assert_true(json_is_null(sample_at(r, "status.events")));
	assert_true(json_is_null(sample_at(r, "status.upstream.reachable")));
	json_decref(r);
	sample.context = kept;
	sample_refused(&sample, "{\"command\":\"status\",\"x\":1}", "bad-request");
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
		cmocka_unit_test(adds_up),
		cmocka_unit_test(knows_that_it_knows_nothing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
