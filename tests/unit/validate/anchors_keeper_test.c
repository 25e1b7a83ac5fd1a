/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keeper: what is in force, what is on the disk, what is told, over restarts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "key_pair.h"
#include "validate/anchors_disk.h"

enum {
	START_S = 1800000000,
	MONO_S = 500,
	DAY = 86400,
	HOUR = 3600,
};

static struct key_ring ring;
static struct keeper *keeper;
static char folder[64], keys_path[128], negatives_path[128];
static char told[4096], flushed[1024];

static void tell(void *arg, const struct anchors_notice *n)
{
	(void)arg;
	char name[NAME_TEXT_MAX] = "-";
	if (n->name != NULL)
		name_to_text(n->name, name);
	size_t at = strlen(told);
	snprintf(told + at, sizeof told - at, "%s(%s) ", anchors_notice_text(n->kind), name);
	assert_true(n->text[0] != 0);
}

static void flush(void *arg, const uint8_t *name)
{
	(void)arg;
	char text[NAME_TEXT_MAX];
	name_to_text(name, text);
	size_t at = strlen(flushed);
	snprintf(flushed + at, sizeof flushed - at, "%s ", text);
}

static int start(const struct answer_rr *rrs, unsigned n, const char *negative, uint64_t wall_s)
{
	struct name name;
	struct keeper_plan plan = {
		.rrs = rrs,
		.n_rrs = n,
		.folder = folder,
		.wall_s = wall_s,
		.mono_s = MONO_S,
		.tell = tell,
		.flush = flush,
	};
	if (negative != NULL) {
		must(name_from_text(negative, strlen(negative), &name) == 0);
		plan.negatives = &name;
		plan.n_negatives = 1;
	}
	told[0] = flushed[0] = 0;
	return keeper_new(&plan, &keeper);
}

static void stop(void)
{
	keeper_free(keeper);
	keeper = NULL;
	assert_null(anchors_current());
}

static char stand[1024];

static void visit(void *arg, const struct keeper_key *k)
{
	(void)arg;
	size_t at = strlen(stand);
	int i = 0;
	while (i < RING_KEYS && key_ring_tag(&ring, (unsigned)i) != k->tag)
		i++;
	snprintf(stand + at, sizeof stand - at, "%s%d%s:%s ", k->type == DNS_DS ? "ds" : "", i,
	         k->is_configured ? "c" : "", anchor_state_text(k->state));
}

/* "0c:valid 1:pending ": the keys of the ring; c: configured. */
static const char *standing(void)
{
	stand[0] = 0;
	keeper_each_key(keeper, visit, NULL);
	return stand;
}

static unsigned in_force(void)
{
	const struct answer_rr *rrs;
	unsigned n;
	anchors_of(anchors_current(), ring.zone.wire, &rrs, &n);
	return n;
}

/* The zone publishes keys 0 to n-1, the first ones revoked, signed by all. */
static void answer(unsigned n, unsigned n_revoked, uint64_t wall_s, uint64_t mono_s)
{
	key_ring_clear(&ring);
	for (unsigned i = 0; i < n; i++)
		key_ring_publish(&ring, i, i < n_revoked ? KEY_REVOKED : KEY_FLAGS);
	for (unsigned i = 0; i < n; i++)
		key_ring_sign(&ring, i, i < n_revoked ? KEY_REVOKED : KEY_FLAGS, 2 * DAY,
		              (uint32_t)wall_s - DAY, (uint32_t)wall_s + 20 * DAY);
	told[0] = 0;
	keeper_answered(keeper, ring.zone.wire, ring.rrs, ring.n_rrs, wall_s, mono_s);
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/weir-keeper-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(keys_path, sizeof keys_path, "%s/trust-anchors.zone", folder);
	snprintf(negatives_path, sizeof negatives_path, "%s/negative-trust-anchors.txt", folder);
	key_ring_init(&ring, "example.net");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char command[128];
	static const char *const names[] = { "trust-anchors.zone", "trust-anchors.zone.broken",
		                             "negative-trust-anchors.txt",
		                             "negative-trust-anchors.txt.broken" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(command, sizeof command, "%s/%s", folder, names[i]);
		unlink(command);
	}
	assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
	key_ring_done(&ring);
	return 0;
}

/* ---- keys ---- */

static void test_roll_over(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	assert_string_equal(told, "");
	assert_int_equal(in_force(), 1);
	/* asked soon after the start, and not twice */
	assert_null(keeper_due(keeper, MONO_S + 4));
	assert_true(name_equal(keeper_due(keeper, MONO_S + 5), ring.zone.wire));
	assert_null(keeper_due(keeper, MONO_S + 5));
	answer(2, 0, START_S, MONO_S + 6);
	assert_string_equal(told, "key-pending(example.net) ");
	assert_int_equal(in_force(), 1);
	/* RFC 5011 2.3: half the TTL, here */
	assert_null(keeper_due(keeper, MONO_S + 6 + DAY - 1));
	assert_non_null(keeper_due(keeper, MONO_S + 6 + DAY));
	stop();
	/* A restart forgets nothing; the 30 days go on. */
	ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, NULL, START_S + 20 * DAY), 0);
	assert_string_equal(told, "");
	answer(2, 0, START_S + 29 * DAY, MONO_S);
	assert_string_equal(told, "");
	answer(2, 0, START_S + 30 * DAY, MONO_S);
	assert_string_equal(told, "key-added(example.net) ");
	assert_int_equal(in_force(), 2);
	answer(2, 1, START_S + 31 * DAY, MONO_S);
	assert_string_equal(told, "key-revoked(example.net) ");
	assert_int_equal(in_force(), 1);
	stop();
	/* The configuration still names the revoked key: it does not come back. */
	ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, NULL, START_S + 32 * DAY), 0);
	assert_int_equal(in_force(), 1);
	answer(2, 0, START_S + 70 * DAY, MONO_S);
	answer(2, 0, START_S + 120 * DAY, MONO_S);
	assert_int_equal(in_force(), 1);
	stop();
}

static void test_last_anchor_revoked(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	answer(1, 1, START_S, MONO_S);
	assert_string_equal(told, "key-revoked(example.net) no-anchor(example.net) ");
	assert_string_equal(flushed, "example.net ");
	assert_null(anchors_closest(anchors_current(), ring.zone.wire));
	stop();
	ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	assert_string_equal(told, "no-anchor(example.net) "); /* it is said at each start */
	stop();
}

static void test_wrong_keys(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 5);
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	answer(2, 0, START_S, MONO_S);
	assert_string_equal(told, "not-trusted(example.net) ");
	answer(2, 0, START_S, MONO_S);
	assert_string_equal(told, ""); /* once is enough */
	assert_int_equal(in_force(), 1);
	/* nothing came: sooner the first times, then every hour */
	keeper_ask_all(keeper);
	assert_non_null(keeper_due(keeper, MONO_S));
	uint64_t at = MONO_S, waits[12];
	for (unsigned i = 0; i < ARRAY_LEN(waits); i++) {
		keeper_answered(keeper, ring.zone.wire, NULL, 0, START_S, at);
		waits[i] = 0;
		while (keeper_due(keeper, at + waits[i]) == NULL)
			waits[i]++;
		at += waits[i];
	}
	assert_in_range(waits[0], 60, HOUR);
	assert_int_equal(waits[11], HOUR);
	stop();
}

static void test_configuration_changes(void **state)
{
	(void)state;
	struct answer_rr two[2];
	key_ring_clear(&ring);
	two[0] = *key_ring_publish(&ring, 0, KEY_FLAGS);
	two[1] = *key_ring_publish(&ring, 3, KEY_FLAGS);
	assert_int_equal(start(two, 2, NULL, START_S), 0);
	assert_string_equal(standing(), "0c:valid 3c:valid ");
	answer(2, 0, START_S, MONO_S); /* 0 and 1; 3 is not published */
	assert_string_equal(standing(), "0c:valid 3c:missing 1:pending ");
	stop();
	/* One is taken out of the configuration: gone. What was learnt stays. */
	key_ring_clear(&ring);
	two[0] = *key_ring_publish(&ring, 0, KEY_FLAGS);
	assert_int_equal(start(two, 1, NULL, START_S), 0);
	assert_int_equal(in_force(), 1);
	assert_non_null(strstr(standing(), "0c:valid "));
	assert_non_null(strstr(standing(), "1:pending "));
	assert_null(strstr(standing(), "3"));
	stop();
	/* The operator vouches for the new one: no need to wait. */
	two[1] = *key_ring_publish(&ring, 1, KEY_FLAGS);
	assert_int_equal(start(two, 2, NULL, START_S), 0);
	assert_int_equal(in_force(), 2);
	stop();
	/* Nothing is left of what was configured: what was learnt from it goes too. */
	two[0] = *key_ring_publish(&ring, 6, KEY_FLAGS);
	assert_int_equal(start(two, 1, NULL, START_S), 0);
	assert_string_equal(standing(), "6c:valid ");
	stop();
	/* Another zone. */
	struct answer_rr other = two[0];
	other.owner = (const uint8_t *)"\5other";
	assert_int_equal(start(&other, 1, NULL, START_S), 0);
	assert_null(anchors_closest(anchors_current(), ring.zone.wire));
	assert_non_null(anchors_closest(anchors_current(), other.owner));
	stop();
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void test_broken_file(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	char aside[160];
	struct stat st;
	write_file(keys_path, "what is this?\n");
	write_file(negatives_path, "nor this\n");
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	assert_string_equal(told, "state(-) state(-) ");
	assert_string_equal(standing(), "ds0c:valid ");
	assert_int_equal(in_force(), 1);
	snprintf(aside, sizeof aside, "%s.broken", keys_path);
	assert_int_equal(stat(aside, &st), 0);
	assert_int_equal(st.st_size, 14);
	assert_int_equal(stat(keys_path, &st), 0); /* written anew */
	stop();
	ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	assert_string_equal(told, "");
	stop();
}

static void test_disk_full(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	char new_path[160];
	snprintf(new_path, sizeof new_path, "%s.new", keys_path);
	assert_int_equal(mkdir(new_path, 0700), 0); /* so that it cannot be written */
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	assert_string_equal(told, "state(-) ");
	assert_int_equal(in_force(), 1);
	answer(2, 0, START_S, MONO_S);
	assert_string_equal(told, "key-pending(example.net) state(-) ");
	rmdir(new_path);
	answer(2, 0, START_S, MONO_S); /* nothing new, but the file is due */
	assert_string_equal(told, "");
	stop();
	ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	assert_non_null(strstr(standing(), "1:pending"));
	stop();
}

static void test_without_folder(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	struct keeper_plan plan = {
		.rrs = &ds, .n_rrs = 1, .wall_s = START_S, .mono_s = 0, .tell = tell, .flush = flush
	};
	told[0] = 0;
	assert_int_equal(keeper_new(&plan, &keeper), 0);
	answer(2, 0, START_S, 1);
	assert_string_equal(told, "key-pending(example.net) ");
	stop();
}

/* ---- negative anchors ---- */

static struct negative_anchor negative(const char *name, uint64_t until_s)
{
	struct negative_anchor a = { .since_s = START_S, .expires_s = until_s, .reason = "why" };
	must(name_from_text(name, strlen(name), &a.name) == 0);
	return a;
}

static bool is_negative(const char *name, uint64_t wall_s)
{
	struct name n;
	must(name_from_text(name, strlen(name), &n) == 0);
	return anchors_is_negative(anchors_current(), n.wire, wall_s);
}

static void count(void *arg, const struct negative_anchor *a)
{
	(void)a;
	++*(unsigned *)arg;
}

static unsigned n_negatives(void)
{
	unsigned n = 0;
	keeper_each_negative(keeper, count, &n);
	return n;
}

static void test_negative(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, "always.example", START_S), 0);
	assert_true(is_negative("x.always.example", START_S + 1000 * DAY));
	struct negative_anchor a = negative("a.example.net", START_S + HOUR);
	struct negative_anchor b = negative("b.example.net", START_S + DAY);
	assert_int_equal(keeper_add_negative(keeper, &a), 0);
	assert_int_equal(keeper_add_negative(keeper, &b), 0);
	assert_string_equal(told, "negative-added(a.example.net) negative-added(b.example.net) ");
	assert_string_equal(flushed, "a.example.net b.example.net ");
	assert_true(is_negative("a.example.net", START_S));
	assert_false(is_negative("a.example.net", START_S + HOUR));
	stop();
	/* They outlive a restart, but not their time. */
	ds = key_ring_ds(&ring, 0);
	assert_int_equal(start(&ds, 1, "always.example", START_S + 2 * HOUR), 0);
	assert_int_equal(n_negatives(), 2);
	assert_false(is_negative("a.example.net", START_S));
	assert_true(is_negative("b.example.net", START_S + 2 * HOUR));
	keeper_tick(keeper, START_S + 3 * HOUR);
	assert_string_equal(told, "");
	keeper_tick(keeper, START_S + DAY);
	assert_string_equal(told, "negative-over(b.example.net) ");
	assert_string_equal(flushed, "b.example.net ");
	assert_int_equal(n_negatives(), 1);
	assert_false(is_negative("b.example.net", START_S));
	/* replaced, removed */
	b.expires_s = START_S + 2 * DAY;
	assert_int_equal(keeper_add_negative(keeper, &b), 0);
	b.expires_s = START_S + 3 * DAY;
	assert_int_equal(keeper_add_negative(keeper, &b), 0);
	assert_int_equal(n_negatives(), 2);
	assert_true(is_negative("b.example.net", START_S + 3 * DAY - 1));
	assert_int_equal(keeper_remove_negative(keeper, b.name.wire), 0);
	assert_false(is_negative("b.example.net", START_S));
	assert_int_equal(keeper_remove_negative(keeper, b.name.wire), -ENOENT);
	/* what is configured is changed in the configuration */
	a = negative("always.example", START_S + DAY);
	assert_int_equal(keeper_add_negative(keeper, &a), -EEXIST);
	assert_int_equal(keeper_remove_negative(keeper, a.name.wire), -EPERM);
	stop();
}

static void test_negative_not_saved(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	char new_path[160];
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	struct negative_anchor a = negative("a.example.net", START_S + DAY);
	assert_int_equal(keeper_add_negative(keeper, &a), 0);
	snprintf(new_path, sizeof new_path, "%s.new", negatives_path);
	assert_int_equal(mkdir(new_path, 0700), 0);
	struct negative_anchor b = negative("b.example.net", START_S + DAY);
	assert_int_equal(keeper_add_negative(keeper, &b), -EISDIR);
	assert_int_equal(keeper_remove_negative(keeper, a.name.wire), -EISDIR);
	assert_int_equal(n_negatives(), 1);
	assert_true(is_negative("a.example.net", START_S));
	assert_false(is_negative("b.example.net", START_S));
	rmdir(new_path);
	stop();
}

static void test_negative_limits(void **state)
{
	(void)state;
	struct answer_rr ds = key_ring_ds(&ring, 0);
	/* One whose end is years away: a hand has been in the file. */
	write_file(negatives_path, "far.example. until=2040-01-01T00:00:00Z "
	                           "since=2026-01-01T00:00:00Z who=\"\" reason=\"\"\n");
	assert_int_equal(start(&ds, 1, NULL, START_S), 0);
	assert_true(is_negative("far.example", START_S + NEGATIVE_MAX_S - 1));
	assert_false(is_negative("far.example", START_S + NEGATIVE_MAX_S));
	stop();
	unlink(negatives_path);
	/* Without folder it is quick: the disk is another test's. */
	struct keeper_plan plan = {
		.rrs = &ds, .n_rrs = 1, .wall_s = START_S, .tell = tell, .flush = flush
	};
	ds = key_ring_ds(&ring, 0);
	assert_int_equal(keeper_new(&plan, &keeper), 0);
	for (unsigned i = 0; i <= NEGATIVE_ANCHORS_MAX; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%u", i);
		struct negative_anchor a = negative(name, START_S + DAY);
		told[0] = flushed[0] = 0;
		assert_int_equal(keeper_add_negative(keeper, &a),
		                 i < NEGATIVE_ANCHORS_MAX ? 0 : -ENOSPC);
	}
	assert_true(is_negative("n255", START_S));
	told[0] = flushed[0] = 0;
	/* All end at once: some at a time, so that the thread is not held up. */
	for (unsigned i = 0; i < NEGATIVE_ANCHORS_MAX / 8; i++) {
		keeper_tick(keeper, START_S + DAY);
		told[0] = flushed[0] = 0;
	}
	assert_int_equal(n_negatives(), 0);
	stop();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_roll_over),          TEST(test_last_anchor_revoked),
		TEST(test_wrong_keys),         TEST(test_configuration_changes),
		TEST(test_broken_file),        TEST(test_disk_full),
		TEST(test_without_folder),     TEST(test_negative),
		TEST(test_negative_not_saved), TEST(test_negative_limits),
	};
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
