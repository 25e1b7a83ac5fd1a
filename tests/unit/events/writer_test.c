/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "events/events.h"

static char folder[64];
static char path[128];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/weir-writer-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/events.json", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char name[160];
	unlink(path);
	for (unsigned i = 1; i < 10; i++) {
		snprintf(name, sizeof name, "%s.%u", path, i);
		unlink(name);
	}
	return rmdir(folder);
}

static struct events *start(const char *where, unsigned n_rings, size_t ring_bytes)
{
	struct events_config config = { .path = where,
		                        .n_rings = n_rings,
		                        .ring_bytes = ring_bytes };
	struct events *e = NULL;
	assert_int_equal(events_start(&config, &e), 0);
	assert_non_null(e);
	return e;
}

static void put(struct event_ring *r, uint16_t id)
{
	struct event e = {
		.wall_ns = clock_wall_ns(),
		.client = { addr_v4(0x7f000001), 4242 },
		.local = { addr_v4(0x7f000001), 53 },
		.name = (const uint8_t *)"\4test\7example",
		.type = 1,
		.id = id,
		.is_answered = true,
		.ede_code = 0xffff,
	};
	events_put(r, &e);
}

static void wait_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	nanosleep(&t, NULL);
}

/* Wait, at most 5 s, until so many were written. */
static void wait_written(struct events *e, uint64_t n)
{
	struct events_counts c;
	for (unsigned i = 0; i < 5000; i++) {
		events_count(e, &c);
		if (c.written >= n)
			return;
		wait_ms(1);
	}
	fail_msg("only %llu of %llu written", (unsigned long long)c.written, (unsigned long long)n);
}

struct seen {
	unsigned n_records, n_losses;
	uint64_t lost, last_id;
	bool is_in_order;
};

static struct seen read_file(const char *name)
{
	struct seen seen = { .is_in_order = true };
	char line[4096];
	FILE *f = fopen(name, "re");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL) {
		json_t *value = json_loads(line, 0, NULL);
		assert_non_null(value);
		const json_t *lost = json_object_get(json_object_get(value, "weir"), "lost");
		const json_t *id = json_object_get(json_object_get(value, "dns"), "id");
		if (lost != NULL) {
			seen.n_losses++;
			seen.lost += (uint64_t)json_integer_value(lost);
		} else {
			uint64_t number = strtoull(json_string_value(id), NULL, 10);
			seen.is_in_order &= seen.n_records == 0 || number > seen.last_id;
			seen.last_id = number;
			seen.n_records++;
		}
		json_decref(value);
	}
	fclose(f);
	return seen;
}

static void test_no_events(void **state)
{
	(void)state;
	struct events_config config = { .path = NULL };
	struct events *e = (struct events *)&config;
	struct events_counts c;
	assert_int_equal(events_start(&config, &e), 0);
	assert_null(e);
	assert_null(events_ring(e, 0));
	put(NULL, 1);
	events_turn_end(NULL);
	events_reopen(e);
	events_count(e, &c);
	assert_int_equal(c.put, 0);
	events_stop(e);
}

static void test_cannot_start(void **state)
{
	(void)state;
	struct events *e = NULL;
	struct events_config config = { .path = "/nonexistent/e",
		                        .n_rings = 1,
		                        .ring_bytes = 4096 };
	assert_int_equal(events_start(&config, &e), -ENOENT);
	config.path = path;
	config.ring_bytes = 5000;
	assert_int_equal(events_start(&config, &e), -EINVAL);
	assert_null(e);
}

/* A sleeping writer is woken by the end of the turn, and one record alone is soon written. */
static void test_is_woken(void **state)
{
	(void)state;
	struct events *e = start(path, 1, 1 << 16);
	struct event_ring *r = events_ring(e, 0);
	assert_null(events_ring(e, 1));
	for (unsigned i = 0; i < 5; i++) {
		wait_ms(30); /* longer than its nap: it sleeps for good */
		put(r, (uint16_t)i);
		events_turn_end(r);
		wait_written(e, i + 1);
	}
	events_stop(e);
	struct seen seen = read_file(path);
	assert_int_equal(seen.n_records, 5);
	assert_true(seen.is_in_order);
}

static void test_stop_writes_the_rest(void **state)
{
	(void)state;
	struct events *e = start(path, 2, 1 << 16);
	for (unsigned i = 0; i < 100; i++)
		put(events_ring(e, i % 2), (uint16_t)i); /* no turn end: nobody wakes it */
	events_stop(e);
	assert_int_equal(read_file(path).n_records, 100);
}

/* How often the writer's thread gave up the processor by itself: it is the only other one. */
static unsigned long writer_switches(void)
{
	unsigned long total = 0;
	DIR *d = opendir("/proc/self/task");
	assert_non_null(d);
	for (struct dirent *t; (t = readdir(d)) != NULL;) {
		char name[300];
		char line[256];
		if (t->d_name[0] == '.' || strtol(t->d_name, NULL, 10) == getpid())
			continue;
		snprintf(name, sizeof name, "/proc/self/task/%s/status", t->d_name);
		FILE *f = fopen(name, "re");
		if (f == NULL)
			continue;
		bool is_writer = false;
		while (fgets(line, sizeof line, f) != NULL) {
			if (strncmp(line, "Name:\tweir-events", 17) == 0)
				is_writer = true;
			if (is_writer && strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
				total += strtoul(line + 24, NULL, 10);
		}
		fclose(f);
	}
	closedir(d);
	return total;
}

static void test_idle_does_not_wake(void **state)
{
	(void)state;
	struct events *e = start(path, 1, 1 << 16);
	put(events_ring(e, 0), 1);
	events_turn_end(events_ring(e, 0));
	wait_written(e, 1);
	wait_ms(50);
	unsigned long before = writer_switches();
	assert_true(before > 0);
	wait_ms(200);
	assert_int_equal(writer_switches(), before);
	events_stop(e);
}

enum {
	N_EACH = 20000,
	N_WORKERS = 2
};

static void *work(void *arg)
{
	struct event_ring *r = arg;
	for (unsigned i = 0; i < N_EACH; i++) {
		put(r, (uint16_t)i);
		if (i % 32 == 31)
			events_turn_end(r);
	}
	events_turn_end(r);
	return NULL;
}

/* Small rings, much traffic: what is not written is counted, and said in the file. */
static void test_nothing_goes_missing_unsaid(void **state)
{
	(void)state;
	struct events *e = start(path, N_WORKERS, 1 << 14);
	pthread_t workers[N_WORKERS];
	for (unsigned i = 0; i < N_WORKERS; i++)
		assert_int_equal(pthread_create(&workers[i], NULL, work, events_ring(e, i)), 0);
	for (unsigned i = 0; i < N_WORKERS; i++)
		pthread_join(workers[i], NULL);
	struct events_counts c;
	events_count(e, &c);
	uint64_t lost = c.lost_ring + c.lost_disk;
	assert_int_equal(c.put, N_EACH * N_WORKERS);
	events_stop(e);
	struct seen seen = read_file(path);
	print_message("%u written, %llu lost\n", seen.n_records, (unsigned long long)lost);
	assert_int_equal(seen.n_records + lost, N_EACH * N_WORKERS);
	assert_int_equal(seen.lost, lost);
}

/* The sink fails for a while: workers go on, the loss is the disk's, and it is said after. */
static void test_full_disk(void **state)
{
	(void)state;
	struct rlimit before;
	struct events_counts c;
	getrlimit(RLIMIT_FSIZE, &before);
	struct events *e = start(path, 1, 1 << 14);
	struct event_ring *r = events_ring(e, 0);
	put(r, 0);
	events_turn_end(r);
	wait_written(e, 1);
	struct rlimit tight = { .rlim_cur = 600, .rlim_max = before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &tight);
	for (unsigned i = 1; i < 2000; i++) {
		put(r, (uint16_t)i);
		events_turn_end(r);
		if (i % 100 == 1)
			wait_ms(10); /* the writer meets the limit while there is still traffic */
	}
	events_count(e, &c);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(c.put, 2000);
	assert_true(c.lost_disk > 0);
	for (unsigned i = 0; i < 40 && read_file(path).n_losses == 0; i++)
		wait_ms(100);
	events_stop(e);
	struct seen seen = read_file(path);
	assert_true(seen.is_in_order);
	assert_int_equal(seen.n_records + c.lost_disk + c.lost_ring, 2000);
	assert_int_equal(seen.lost, c.lost_disk + c.lost_ring);
}

/* Nobody reads the pipe: putting and stopping end all the same. */
static void test_stalled_reader(void **state)
{
	(void)state;
	int ends[2];
	struct events_counts c;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	dup2(ends[1], STDOUT_FILENO);
	struct events *e = start("-", 1, 1 << 14);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	for (unsigned i = 0; i < 20000; i++) {
		put(events_ring(e, 0), (uint16_t)i);
		events_turn_end(events_ring(e, 0));
		if (i % 1000 == 0)
			wait_ms(2);
	}
	events_count(e, &c);
	assert_true(c.lost_disk > 0);
	uint64_t from = clock_mono_ns();
	events_stop(e);
	assert_true(clock_mono_ns() - from < 4000 * NS_PER_MS);
	close(ends[0]);
	close(ends[1]);
}

static void test_reopen(void **state)
{
	(void)state;
	char moved[160];
	struct events *e = start(path, 1, 1 << 14);
	struct event_ring *r = events_ring(e, 0);
	put(r, 1);
	events_turn_end(r);
	wait_written(e, 1);
	snprintf(moved, sizeof moved, "%s.1", path);
	assert_int_equal(rename(path, moved), 0);
	events_reopen(e); /* wakes a sleeping writer too */
	for (unsigned i = 0; i < 1000 && access(path, F_OK) != 0; i++)
		wait_ms(1);
	put(r, 2);
	events_turn_end(r);
	wait_written(e, 2);
	events_stop(e);
	assert_int_equal(read_file(moved).last_id, 1);
	assert_int_equal(read_file(path).last_id, 2);
}

static void test_rotation_is_counted(void **state)
{
	(void)state;
	struct events_config config = {
		.path = path, .n_rings = 1, .ring_bytes = 1 << 18, .max_bytes = 10000, .keep = 9
	};
	struct events *e = NULL;
	struct events_counts c;
	assert_int_equal(events_start(&config, &e), 0);
	for (unsigned i = 0; i < 100; i++)
		put(events_ring(e, 0), (uint16_t)i);
	events_turn_end(events_ring(e, 0));
	wait_written(e, 100);
	events_count(e, &c);
	assert_true(c.rotations >= 2 && c.rotations <= 9);
	assert_true(c.bytes > 20000);
	assert_int_equal(c.lost_ring + c.lost_disk, 0);
	events_stop(e);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_no_events),
		T(test_cannot_start),
		T(test_is_woken),
		T(test_stop_writes_the_rest),
		T(test_idle_does_not_wake),
		T(test_nothing_goes_missing_unsaid),
		T(test_full_disk),
		T(test_stalled_reader),
		T(test_reopen),
		T(test_rotation_is_counted),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
