/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/secondary.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "transfer/zone_file.h"

static char folder[64], zones[96], path[128];
static struct loop *loop;
static struct keyring *ring;
static struct config *config;
static struct secondary_home home;
static unsigned n_updates;

static void updated(void *arg, const char *list)
{
	(void)arg;
	assert_string_equal(list, "feed");
	n_updates++;
}

/* A list whose primary nobody is. */
static void load(const char *more)
{
	char yaml[500];
	struct config_problems problems = { 0 };
	snprintf(yaml, sizeof yaml,
	         "state: %s\nlists:\n  - name: feed\n    format: rpz\n    zone: rpz\n"
	         "    primaries: [\"127.0.0.1@1\"]\n%s",
	         folder, more);
	int e = config_load_text("x.yaml", yaml, strlen(yaml), &config, &problems);
	config_problems_print(&problems, stderr);
	config_problems_done(&problems);
	assert_int_equal(e, 0);
	assert_int_equal(keyring_new(config, &ring), 0);
}

static void unload(void)
{
	keyring_put(ring);
	config_free(config);
}

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(folder, sizeof folder, "/tmp/secondary_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(zones, sizeof zones, "%s/zones", folder);
	assert_int_equal(mkdir(zones, 0750), 0);
	snprintf(path, sizeof path, "%s/feed", zones);
	assert_int_equal(loop_new(&loop), 0);
	home = (struct secondary_home){ .loop = loop, .updated = updated };
	return 0;
}

static int tear_down(void **state)
{
	char mark[160];
	(void)state;
	snprintf(mark, sizeof mark, "%s/.feed.checked", zones);
	unlink(mark);
	unlink(path);
	rmdir(zones);
	rmdir(folder);
	loop_free(loop);
	return 0;
}

static void intervals_are_a_little_shorter(void **state)
{
	(void)state;
	bool is_varied = false;
	uint64_t first = secondary_interval_ns(1000);
	for (int i = 0; i < 1000; i++) {
		uint64_t ns = secondary_interval_ns(1000);
		assert_true(ns > 900 * NS_PER_S - 1 && ns <= 1000 * NS_PER_S);
		is_varied |= ns != first;
	}
	assert_true(is_varied);
	assert_true(secondary_interval_ns(0) > 0);
	assert_true(secondary_interval_ns(0xffffffff) <= SECONDARY_MAX_S * NS_PER_S);
}

/* A look that fails, as nobody is there. */
static void look_once(struct secondary *s)
{
	struct transfer_view v;
	secondary_check_now(s);
	for (int i = 0; i < 500; i++) {
		loop_turn(loop, 10);
		if (secondary_finish(s))
			break;
	}
	secondary_view(s, &v);
	assert_true(v.last_check_s > 0);
	assert_non_null(strstr(v.error, "127.0.0.1@1"));
	assert_true(v.next_check_s >= v.last_check_s);
	assert_false(v.is_busy);
}

static void failures_are_seen(void **state)
{
	(void)state;
	struct secondary *s;
	struct transfer_view v;
	load("");
	assert_int_equal(secondary_new(&home, config, &config->lists.at[0], ring, &s), 0);
	secondary_view(s, &v);
	assert_false(v.has_version);
	assert_string_equal(v.error, "");
	look_once(s);
	assert_int_equal(n_updates, 0);
	assert_true(secondary_stop(s));
	secondary_free(s);
	unload();
}

static void write_version(unsigned expire_s)
{
	struct zone_writer w;
	char soa[100];
	snprintf(soa, sizeof soa, "rpz.\t5\tSOA\t. . 7 3600 3600 %u 5", expire_s);
	assert_int_equal(zone_writer_open(&w, path, "a test", soa), 0);
	assert_int_equal(zone_writer_add(&w, "a.rpz.\t5\tCNAME\t.", 15), 0);
	assert_int_equal(zone_writer_commit(&w), 0);
	const struct timespec old[2] = { { .tv_sec = time(NULL) - 100 },
		                         { .tv_sec = time(NULL) - 100 } };
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

/* X6: after `expire` the version stays, with an alarm, or goes. */
static void expiry(const char *more, bool is_kept)
{
	struct secondary *s;
	struct transfer_view v;
	struct stat st;
	load(more);
	write_version(50);
	n_updates = 0;
	assert_int_equal(secondary_new(&home, config, &config->lists.at[0], ring, &s), 0);
	secondary_view(s, &v);
	assert_true(v.has_version);
	assert_int_equal(v.serial, 7);
	assert_false(v.is_expired);
	look_once(s);
	secondary_view(s, &v);
	assert_true(v.is_expired);
	assert_int_equal(v.has_version, is_kept);
	assert_int_equal(n_updates, is_kept ? 0 : 1);
	assert_int_equal(stat(path, &st), 0);
	assert_true(secondary_stop(s));
	secondary_free(s);
	unload();
}

static void expired_ones_stay_or_go(void **state)
{
	(void)state;
	expiry("", true);
	expiry("    expire: withdraw\n", false);
}

static void before_expiry_nothing_happens(void **state)
{
	(void)state;
	struct secondary *s;
	struct transfer_view v;
	load("    expire: withdraw\n");
	write_version(5000);
	assert_int_equal(secondary_new(&home, config, &config->lists.at[0], ring, &s), 0);
	look_once(s);
	secondary_view(s, &v);
	assert_false(v.is_expired);
	assert_true(v.has_version);
	assert_true(secondary_stop(s));
	secondary_free(s);
	unload();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals_are_a_little_shorter),
		cmocka_unit_test(failures_are_seen),
		cmocka_unit_test(expired_ones_stay_or_go),
		cmocka_unit_test(before_expiry_nothing_happens),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
