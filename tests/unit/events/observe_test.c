/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "events/events.h"

enum {
	RING = 128 * 1024,
	BATCH = 200, /* fits */
};

struct watch {
	_Atomic uint64_t n, n_notices, lost, last_id;
	_Atomic bool is_wrong;
};

/* The type counts up, so that it tells an order. */
static void question(void *arg, const struct event_seen *e)
{
	struct watch *w = arg;
	uint64_t n = atomic_fetch_add(&w->n, 1);
	bool is_right = e->client->is_v4 && e->name != NULL && e->name[0] == 4 && e->group.n == 6 &&
	                memcmp(e->group.at, "office", 6) == 0 && e->list.n == 0 &&
	                e->action == POLICY_NONE;
	if (!is_right || (n > 0 && (uint16_t)(e->type - (uint16_t)w->last_id) == 0))
		w->is_wrong = true;
	w->last_id = e->type;
}

static void notice(void *arg, const struct event_noticed *n)
{
	struct watch *w = arg;
	atomic_fetch_add(&w->n_notices, 1);
	if (!n->is_alert || n->action.n != 4 || memcmp(n->action.at, "disk", 4) != 0 ||
	    n->text.n != 4 || memcmp(n->text.at, "full", 4) != 0)
		w->is_wrong = true;
}

static void lost(void *arg, uint64_t in_rings, uint64_t on_disk)
{
	struct watch *w = arg;
	atomic_fetch_add(&w->lost, in_rings + on_disk);
}

static struct events *start(struct watch *w, const char *path)
{
	const struct event_observer o = { question, notice, lost, w };
	const struct events_config config = {
		.path = path, .observer = &o, .n_rings = 1, .ring_bytes = RING
	};
	struct events *e = NULL;
	assert_int_equal(events_start(&config, &e), 0);
	assert_non_null(e);
	return e;
}

static void put(struct event_ring *r, uint16_t type)
{
	const struct event e = { .wall_ns = clock_wall_ns(),
		                 .client = { addr_v4(0x7f000001), 4242 },
		                 .group = "office",
		                 .name = (const uint8_t *)"\4test\7example",
		                 .type = type,
		                 .ede_code = 0xffff };
	events_put(r, &e);
	events_turn_end(r);
}

static void pause_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

/* At most 20 s. */
static void wait_until(const _Atomic uint64_t *counter, uint64_t n)
{
	for (unsigned i = 0; i < 20000 && *counter < n; i++)
		pause_ms(1);
	assert_true(*counter >= n);
}

static void nothing_need_be_written(void **state)
{
	struct watch w = { 0 };
	struct events_counts c;
	(void)state;
	struct events *e = start(&w, NULL);
	struct event_ring *r = events_ring(e, 0);
	for (unsigned i = 1; i <= 100; i++) {
		put(r, (uint16_t)i);
		wait_until(&w.n, i);
	}
	events_put_notice(
		r, &(struct event_notice){
			   .action = "disk", .is_alert = true, .key_tag = -1, .text = "full" });
	events_turn_end(r);
	wait_until(&w.n_notices, 1);
	events_count(e, &c);
	assert_int_equal(c.put, 101);
	assert_int_equal(c.lost_ring + c.lost_disk, 0);
	events_reopen(e);
	assert_int_equal(events_stop(e), 0);
	assert_false(w.is_wrong);
	assert_int_equal(w.n, 100);
}

static void each_is_seen_once_beside_a_file(void **state)
{
	char path[] = "/tmp/weir-observe-test-XXXXXX";
	struct watch w = { 0 };
	(void)state;
	close(mkstemp(path));
	struct events *e = start(&w, path);
	for (unsigned i = 1; i <= 3000; i++) {
		put(events_ring(e, 0), (uint16_t)i);
		if (i % 20 == 0)
			pause_ms(1);
	}
	struct events_counts c;
	assert_int_equal(events_stop(e), 0);
	assert_false(w.is_wrong);
	events_count(NULL, &c);
	assert_true(w.n + w.lost <= 3000);
	assert_int_equal(w.last_id, 3000);
	unlink(path);
}

/* Nobody reads the pipe: the ring is full, and the observer sees what comes all the same. */
static void it_sees_what_the_sink_does_not_take(void **state)
{
	char folder[] = "/tmp/weir-observe-test-XXXXXX", path[64];
	struct watch w = { 0 };
	struct events_counts c;
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/pipe", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct events *e = start(&w, path);
	unsigned n = 0;
	/* Enough for the pipe, the batch and the ring, many times over. */
	for (; n < 2000; n++) {
		put(events_ring(e, 0), (uint16_t)(n + 1));
		if (n % BATCH == BATCH - 1)
			wait_until(&w.n, n + 1);
	}
	events_count(e, &c);
	assert_true(c.lost_disk > 500);
	assert_int_equal(c.lost_ring, 0);
	wait_until(&w.lost, 1);
	assert_int_equal(events_stop(e), 0);
	assert_int_equal(w.n, n);
	assert_false(w.is_wrong);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_need_be_written),
		cmocka_unit_test(each_is_seen_once_beside_a_file),
		cmocka_unit_test(it_sees_what_the_sink_does_not_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
