/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "events/json.h"
#include "events/writer.h"

static struct event_ring *ring;

static int setup(void **state)
{
	(void)state;
	ring = aligned_alloc(alignof(struct event_ring), sizeof *ring);
	assert_non_null(ring);
	memset(ring, 0, sizeof *ring);
	ring->events = aligned_alloc(alignof(struct events), sizeof *ring->events);
	assert_non_null(ring->events);
	memset(ring->events, 0, sizeof *ring->events);
	return ring_init(&ring->ring, RING_MIN_BYTES);
}

static int teardown(void **state)
{
	(void)state;
	ring_done(&ring->ring);
	free(ring->events);
	free(ring);
	return 0;
}

static json_t *put(const struct event_notice *n)
{
	static char line[JSON_LINE_MAX];
	static struct json_line formatter;
	size_t bytes;
	json_line_init(&formatter);
	events_put_notice(ring, n);
	const struct record *r = ring_peek(&ring->ring, &bytes);
	assert_non_null(r);
	size_t written = json_line_event(&formatter, r, line);
	ring_pop(&ring->ring);
	assert_int_equal(line[written - 1], '\n');
	json_t *value = json_loadb(line, written, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(value);
	return value;
}

static void expect(const json_t *in, const char *member, const char *json)
{
	char *text = json_dumps(json_object_get(in, member),
	                        JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	assert_non_null(text);
	assert_string_equal(text, json);
	free(text);
}

static void test_whole(void **state)
{
	(void)state;
	json_t *v = put(&(struct event_notice){ .wall_ns = 1793487717ULL * 1000000000,
	                                        .action = "trust-key-revoked",
	                                        .is_alert = true,
	                                        .name = (const uint8_t *)"\7example\3net",
	                                        .key_tag = 20326,
	                                        .text = "key 20326 \"has\" been\nrevoked" });
	expect(v, "event",
	       "{\"action\":\"trust-key-revoked\",\"category\":[\"configuration\"],"
	       "\"kind\":\"alert\",\"type\":[\"change\"]}");
	expect(v, "message", "\"key 20326 \\\"has\\\" been\\nrevoked\"");
	expect(v, "weir", "{\"key_tag\":20326,\"zone\":\"example.net\"}");
	json_decref(v);
}

static void test_least(void **state)
{
	(void)state;
	json_t *v = put(&(struct event_notice){ .action = "trust-state", .key_tag = -1 });
	expect(v, "weir", "{}");
	expect(v, "message", "\"\"");
	assert_string_equal(json_string_value(json_object_get(json_object_get(v, "event"), "kind")),
	                    "event");
	json_decref(v);
	events_put_notice(NULL, &(struct event_notice){ .action = "nowhere" });
}

static void test_long(void **state)
{
	(void)state;
	static char text[2000];
	memset(text, '\x1f', sizeof text - 1);
	json_t *v = put(&(struct event_notice){ .action = text, .text = text, .key_tag = 0 });
	assert_int_equal(json_string_length(json_object_get(v, "message")), RECORD_REASON_MAX);
	expect(v, "weir", "{\"key_tag\":0}");
	json_decref(v);
}

static void test_full(void **state)
{
	(void)state;
	struct event_notice n = { .action = "x", .key_tag = -1 };
	for (unsigned i = 0; i < 100; i++)
		events_put_notice(ring, &n);
	assert_int_equal(atomic_load(&ring->put), 100);
	assert_true(atomic_load(&ring->lost_ring) > 0 && atomic_load(&ring->lost_ring) < 100);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_least),
		TEST(test_long),
		TEST(test_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
