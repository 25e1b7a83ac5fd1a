/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/pending.h"

#include <stdlib.h>

#include "file.h"

static struct replay_item item;

static struct pending_key key_of(unsigned i)
{
	return (struct pending_key){ .client = { .addr = addr_v4(i), .port = 1000 },
		                     .id = (uint16_t)i,
		                     .type = 1,
		                     .name = (const uint8_t *)"\1a" };
}

static void responses_take_queries_out(void **state)
{
	(void)state;
	struct pending *p;
	assert_int_equal(pending_new(&p), 0);
	for (unsigned i = 0; i < 100; i++) {
		struct pending_key k = key_of(i);
		assert_false(pending_put(p, &k, 5, false, &item));
	}
	struct pending_key k = key_of(7);
	assert_false(pending_put(p, &k, 6, false, &item)); /* sent again */
	assert_true(pending_put(p, &k, 6, true, &item));
	assert_int_equal(item.type, 1);
	for (unsigned i = 0; i < 100; i += 2) {
		k = key_of(i);
		pending_remove(p, &k);
	}
	unsigned n = 0;
	while (pending_take(p, &item)) {
		assert_int_equal(item.client.bytes[15] % 2, 1);
		assert_int_equal(item.wall_ns, 5);
		assert_true(item.has_client);
		assert_int_equal(item.outcome, REPLAY_UNKNOWN);
		n++;
	}
	assert_int_equal(n, 50);
	pending_free(p);
}

/* Nothing is lost, whatever comes: each query comes out once. */
static void a_full_table_gives_out_the_oldest(void **state)
{
	(void)state;
	enum {
		MANY = 100000
	};
	struct pending *p;
	uint8_t *seen = calloc(MANY, 1);
	unsigned n = 0;
	assert_int_equal(pending_new(&p), 0);
	for (unsigned i = 0; i < MANY; i++) {
		struct pending_key k = key_of(i);
		if (!pending_put(p, &k, i + 1, false, &item))
			continue;
		assert_int_equal(seen[item.wall_ns - 1]++, 0);
		n++;
	}
	assert_true(n > MANY / 2);
	while (pending_take(p, &item)) {
		assert_int_equal(seen[item.wall_ns - 1]++, 0);
		n++;
	}
	assert_int_equal(n, MANY);
	free(seen);
	pending_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_take_queries_out),
		cmocka_unit_test(a_full_table_gives_out_the_oldest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
