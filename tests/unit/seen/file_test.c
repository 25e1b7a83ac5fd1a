/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seen/file.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/disk.h"
#include "seen_rig.h"

enum {
	MIB = 1 << 20
};

static void path_in(const struct folder *f, const char *name, char ret[200])
{
	snprintf(ret, 200, "%s/%s", f->path, name);
}

static bool is_there(const struct folder *f, const char *name)
{
	char path[200];
	path_in(f, name, path);
	return access(path, F_OK) == 0;
}

/* What a crash leaves: the files as they are; nothing is synced. */
static void everything_is_there_after_a_crash(void **state)
{
	(void)state;
	struct folder f;
	struct seen_changes *c;
	folder_make(&f);
	assert_int_equal(seen_changes_new(&c), 0);
	struct seen *s = table_of(MIB, f.path, 3600);
	assert_int_equal(seen_tick(s, &c, 1), 0); /* the first snapshot, empty */
	note(s, c, "a.example", 1, NOW_S + 7200);
	note(s, c, "b.example", 1, NOW_S + 7200);
	seen_confirm(s, c, wire("b.example"));
	assert_int_equal(seen_tick(s, &c, 1), 0);
	note(s, c, "late.example", 1, NOW_S + 7200); /* not ticked */
	struct seen *again = table_of(MIB, f.path, 3600);
	assert_true(found(again, "a.example").is_known);
	assert_int_equal(found(again, "a.example").first_s, NOW_S + 7200);
	assert_false(found(again, "a.example").has_answered);
	assert_true(found(again, "b.example").has_answered);
	assert_false(found(again, "late.example").is_known);
	/* It goes on learning where it was. */
	assert_int_equal(again->learns_until_s, NOW_S + 3600);
	seen_free(again);
	assert_int_equal(seen_sync(s, &c, 1), 0);
	again = table_of(MIB, f.path, 3600);
	assert_true(found(again, "late.example").is_known);
	struct stat st;
	char path[200];
	path_in(&f, "seen", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	seen_free(again);
	seen_free(s);
	seen_changes_free(c);
	folder_remove(&f);
}

/* The log becomes long, a snapshot is written, the old log goes; at each step all is there. */
static void logs_become_snapshots(void **state)
{
	(void)state;
	struct folder f;
	struct seen_changes *c;
	enum {
		N = 60000
	};
	bool had_old = false;
	folder_make(&f);
	assert_int_equal(seen_changes_new(&c), 0);
	struct seen *s = table_of(4 * MIB, f.path, 0);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	struct addr a = addr_v4(1);
	char path[200];
	path_in(&f, "seen", path);
	struct stat before, after;
	assert_int_equal(stat(path, &before), 0);
	for (unsigned i = 0; i < N; i++) {
		seen_note(s, c, numbered("d", i), &a, NOW_S);
		seen_confirm(s, c, numbered("d", i));
		if (i % 1000 == 999)
			assert_int_equal(seen_tick(s, &c, 1), 0);
		had_old |= is_there(&f, "seen.log.old");
	}
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_size > before.st_size);
	assert_false(is_there(&f, "seen.log.old"));
	(void)had_old; /* a snapshot this small is written at once */
	/* As if the crash had come before the old log went. */
	char log[200], old[200];
	path_in(&f, "seen.log", log);
	path_in(&f, "seen.log.old", old);
	assert_int_equal(rename(log, old), 0);
	struct seen *again = table_of(4 * MIB, f.path, 0);
	for (unsigned i = 0; i < N; i++) {
		struct seen_domain d;
		seen_find(again, numbered("d", i), &d);
		assert_true(d.is_known && d.has_answered);
	}
	assert_int_equal(seen_sync(again, NULL, 0), 0);
	assert_false(is_there(&f, "seen.log.old"));
	seen_free(again);
	/* Into a table of another size. */
	again = table_of(16 * MIB, f.path, 0);
	struct seen_counts counts;
	seen_count(again, &counts);
	assert_int_equal(counts.domains, N);
	seen_free(again);
	again = table_of(SEEN_SIZE_MIN / 2, f.path, 0);
	seen_count(again, &counts);
	assert_in_range(counts.domains, SEEN_SIZE_MIN / 32 * 9 / 10, SEEN_SIZE_MIN / 32);
	seen_free(again);
	seen_free(s);
	seen_changes_free(c);
	folder_remove(&f);
}

static void what_rings_lose_is_in_the_snapshot(void **state)
{
	(void)state;
	struct folder f;
	struct seen_changes *c;
	folder_make(&f);
	assert_int_equal(seen_changes_new(&c), 0);
	struct seen *s = table_of(MIB, f.path, 0);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	struct addr a = addr_v4(1);
	for (unsigned i = 0; i < SEEN_CHANGES_MAX + 100; i++)
		seen_note(s, c, numbered("d", i), &a, NOW_S);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	struct seen *again = table_of(MIB, f.path, 0);
	struct seen_counts counts;
	seen_count(again, &counts);
	assert_int_equal(counts.domains, SEEN_CHANGES_MAX + 100);
	seen_free(again);
	seen_free(s);
	seen_changes_free(c);
	folder_remove(&f);
}

static void cut(const struct folder *f, const char *name, long keep, long flip)
{
	char path[200];
	char *text;
	size_t n;
	path_in(f, name, path);
	assert_int_equal(disk_read(path, 64 * MIB, &text, &n), 0);
	if (keep >= 0)
		n = (size_t)keep < n ? (size_t)keep : n;
	else
		n -= (size_t)-keep;
	if (flip >= 0)
		text[flip] ^= 1;
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, n, out), n);
	fclose(out);
	free(text);
}

static void a_log_ends_where_it_was_cut(void **state)
{
	(void)state;
	struct folder f;
	struct seen_changes *c;
	folder_make(&f);
	assert_int_equal(seen_changes_new(&c), 0);
	struct seen *s = table_of(MIB, f.path, 0);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	note(s, c, "a.example", 1, NOW_S);
	note(s, c, "b.example", 1, NOW_S);
	note(s, c, "c.example", 1, NOW_S);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	seen_free(s);
	cut(&f, "seen.log", -5, -1);
	s = table_of(MIB, f.path, 0);
	assert_true(found(s, "b.example").is_known);
	assert_false(found(s, "c.example").is_known);
	/* What is written next stands behind the last good record. */
	note(s, c, "d.example", 1, NOW_S);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	seen_free(s);
	s = table_of(MIB, f.path, 0);
	assert_true(found(s, "b.example").is_known);
	assert_true(found(s, "d.example").is_known);
	seen_free(s);
	/* A byte of the first record: nothing of the log counts. */
	cut(&f, "seen.log", 1 << 20, 16 + 3);
	s = table_of(MIB, f.path, 0);
	assert_false(found(s, "a.example").is_known);
	assert_false(found(s, "d.example").is_known);
	seen_free(s);
	seen_changes_free(c);
	folder_remove(&f);
}

static void bad_snapshots_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		long keep, flip;
	} rows[] = {
		{ "no such file", 1 << 20, 0 }, { "another version", 1 << 20, 8 },
		{ "damaged", 1 << 20, 60 },     { "damaged", 1 << 20, 20 },
		{ "cut off", 45, -1 },          { "no such file", 3, -1 },
		{ "cut off", -3, -1 },          { "damaged", -16, -1 },
		{ "no such file", 0, -1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct folder f;
		struct seen_changes *c;
		struct seen *s;
		char why[SEEN_WHY_MAX];
		folder_make(&f);
		assert_int_equal(seen_changes_new(&c), 0);
		s = table_of(MIB, f.path, 0);
		note(s, c, "a.example", 1, NOW_S);
		note(s, c, "b.example", 1, NOW_S);
		assert_int_equal(seen_sync(s, &c, 1), 0);
		seen_free(s);
		cut(&f, "seen", rows[i].keep, rows[i].flip);
		const struct seen_plan plan = {
			.size_bytes = MIB, .state_dir = f.path, .learn_s = 60, .now_s = NOW_S + 99
		};
		assert_int_equal(seen_new(&plan, &s, why), 0);
		if (strstr(why, rows[i].why) == NULL)
			fail_msg("row %zu: %s", i, why);
		assert_true(is_there(&f, "seen.bad"));
		struct seen_counts counts;
		seen_count(s, &counts);
		assert_int_equal(counts.domains, 0);
		assert_int_equal(counts.since_s, NOW_S + 99); /* it learns anew */
		note(s, c, "d.example", 1, NOW_S);
		assert_int_equal(seen_sync(s, &c, 1), 0);
		seen_free(s);
		s = table_of(MIB, f.path, 0);
		assert_true(found(s, "d.example").is_known);
		seen_free(s);
		seen_changes_free(c);
		folder_remove(&f);
	}
}

static void reading_only_changes_nothing(void **state)
{
	(void)state;
	struct folder f;
	struct seen_changes *c;
	struct seen *s;
	char why[SEEN_WHY_MAX];
	folder_make(&f);
	struct seen_plan plan = {
		.size_bytes = MIB, .state_dir = f.path, .now_s = NOW_S, .is_read_only = true
	};
	assert_int_equal(seen_new(&plan, &s, why), 0);
	assert_int_equal(seen_sync(s, NULL, 0), 0);
	seen_free(s);
	assert_false(is_there(&f, "seen"));
	assert_int_equal(seen_changes_new(&c), 0);
	s = table_of(MIB, f.path, 0);
	note(s, c, "a.example", 1, NOW_S);
	assert_int_equal(seen_sync(s, &c, 1), 0);
	seen_free(s);
	assert_int_equal(seen_new(&plan, &s, why), 0);
	assert_true(found(s, "a.example").is_known);
	seen_free(s);
	cut(&f, "seen", 20, -1);
	assert_int_equal(seen_new(&plan, &s, why), 0);
	assert_non_null(strstr(why, "/seen: "));
	seen_free(s);
	assert_true(is_there(&f, "seen"));
	assert_false(is_there(&f, "seen.bad"));
	seen_changes_free(c);
	folder_remove(&f);
}

/* A folder that cannot be written to: what is in memory holds, and is written when it can be. */
static void a_disk_that_comes_back(void **state)
{
	(void)state;
	struct folder f;
	struct seen_changes *c;
	char path[200], away[200];
	folder_make(&f);
	assert_int_equal(seen_changes_new(&c), 0);
	snprintf(path, sizeof path, "%s/state", f.path);
	snprintf(away, sizeof away, "%s/away", f.path);
	assert_int_equal(mkdir(path, 0700), 0);
	struct seen *s = table_of(MIB, path, 0);
	assert_int_equal(rename(path, away), 0);
	note(s, c, "a.example", 1, NOW_S);
	assert_int_equal(seen_tick(s, &c, 1), -ENOENT);
	assert_true(found(s, "a.example").is_known);
	assert_int_equal(seen_tick(s, &c, 1), 0); /* it waits before the next try */
	assert_int_equal(rename(away, path), 0);
	for (unsigned i = 0; i < 70; i++)
		assert_int_equal(seen_tick(s, &c, 1), 0);
	struct seen *again = table_of(MIB, path, 0);
	assert_true(found(again, "a.example").is_known);
	seen_free(again);
	seen_free(s);
	seen_changes_free(c);
	struct folder inner;
	snprintf(inner.path, sizeof inner.path, "%.40s/state", f.path);
	folder_remove(&inner);
	folder_remove(&f);
}

/* The disk takes a part of a record and no more: the log stays whole, and all comes when there is room. */
static void a_disk_that_is_full(void **state)
{
	(void)state;
	struct folder f;
	struct seen_changes *c;
	struct rlimit limit, full;
	struct stat st;
	char log[200];
	folder_make(&f);
	path_in(&f, "seen.log", log);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(seen_changes_new(&c), 0);
	struct seen *s = table_of(MIB, f.path, 0);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	note(s, c, "a.example", 1, NOW_S);
	assert_int_equal(seen_tick(s, &c, 1), 0);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	full = limit;
	full.rlim_cur =
		(rlim_t)st.st_size + 10; /* enough for the empty snapshot's head, not more */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	for (unsigned i = 0; i < 20; i++)
		note(s, c, i % 2 == 0 ? "b.example" : "c.example", i, NOW_S);
	assert_int_equal(seen_tick(s, &c, 1), -EFBIG);
	assert_true(found(s, "c.example").is_known);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal((st.st_size - 16) % 24, 0);
	struct seen *again = table_of(MIB, f.path, 0);
	assert_true(found(again, "a.example").is_known);
	seen_free(again);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (unsigned i = 0; i < 70; i++)
		assert_int_equal(seen_tick(s, &c, 1), 0);
	again = table_of(MIB, f.path, 0);
	assert_true(found(again, "b.example").is_known);
	assert_true(found(again, "c.example").is_known);
	seen_free(again);
	seen_free(s);
	seen_changes_free(c);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_there_after_a_crash),
		cmocka_unit_test(logs_become_snapshots),
		cmocka_unit_test(what_rings_lose_is_in_the_snapshot),
		cmocka_unit_test(a_log_ends_where_it_was_cut),
		cmocka_unit_test(bad_snapshots_are_told),
		cmocka_unit_test(reading_only_changes_nothing),
		cmocka_unit_test(a_disk_that_comes_back),
		cmocka_unit_test(a_disk_that_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
