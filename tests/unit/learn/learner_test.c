/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "learn/learn.h"
#include "names.h"

static const struct addr client = { .bytes = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0,
	                                       1 },
	                            .is_v4 = true };
static char folder[64], path[128];
static struct learn_notes *notes[2];
static unsigned n_drift;
static bool was_last;

static void drift(void *arg, const struct learn_drift *d)
{
	(void)arg;
	assert_string_equal(d->group, "cell");
	n_drift++;
	was_last |= d->is_last;
}

static struct learner *start(void)
{
	const struct learner_plan plan = {
		.state_dir = folder, .notes = notes, .n_notes = 2, .drift = drift
	};
	struct learner *l;
	assert_int_equal(learner_new(&plan, &l), 0);
	return l;
}

static void put(unsigned worker, const char *name, bool is_denied, uint64_t at)
{
	const struct learn_question q = { .group = "cell",
		                          .name = wire(name),
		                          .type = 1,
		                          .client = &client,
		                          .is_denied = is_denied,
		                          .wall_s = at };
	learn_put(notes[worker], &q);
}

static unsigned n_saved(void)
{
	struct learn_store *s;
	char why[LEARN_WHY_MAX];
	if (learn_load(folder, "cell", &s, why) != 0)
		return 0;
	json_t *o = learn_summary(s);
	unsigned n = (unsigned)json_integer_value(json_object_get(o, "names"));
	json_decref(o);
	learn_store_free(s);
	return n;
}

static void notes_of_all_workers_are_saved(void **state)
{
	(void)state;
	struct learner *l = start();
	put(0, "a.example.com", false, 100);
	put(1, "b.example.com", false, 100);
	learner_tick(l, 1000); /* the first time writes */
	assert_int_equal(n_saved(), 2);
	assert_int_equal(learner_since_s(l, "cell"), 1000);
	assert_int_equal(learner_since_s(l, "other"), 0);
	put(1, "c.example.com", false, 100);
	learner_tick(l, 1030);
	assert_int_equal(n_saved(), 2);
	learner_tick(l, 1060);
	assert_int_equal(n_saved(), 3);
	put(1, "d.example.com", false, 100);
	assert_int_equal(learner_save(l, 1061), 0);
	assert_int_equal(n_saved(), 4);
	learner_free(l);
	l = start(); /* another process goes on with it */
	put(0, "e.example.com", false, 200);
	assert_int_equal(learner_save(l, 2000), 0);
	assert_int_equal(n_saved(), 5);
	assert_int_equal(learner_since_s(l, "cell"), 1000);
	learner_free(l);
}

static void drift_is_told_once_a_day(void **state)
{
	(void)state;
	struct learner *l = start();
	char name[64];
	n_drift = 0;
	for (unsigned i = 0; i < 3; i++)
		put(0, "x.example.org", true, 86400 * 5 + i);
	learner_tick(l, 1);
	assert_int_equal(n_drift, 1);
	put(0, "x.example.org", true, 86400 * 6);
	learner_tick(l, 2);
	assert_int_equal(n_drift, 2);
	n_drift = 0;
	for (unsigned i = 0; i < LEARN_DRIFT_MAX + 500; i++) {
		snprintf(name, sizeof name, "x%u.example.org", i);
		put(i % 2, name, true, 86400 * 7);
		if (i % 1000 == 999)
			learner_tick(l, 3);
	}
	learner_tick(l, 3);
	assert_int_equal(n_drift, LEARN_DRIFT_MAX);
	assert_true(was_last);
	learner_free(l);
}

static void a_damaged_file_is_put_aside(void **state)
{
	(void)state;
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("{ no", f);
	fclose(f);
	log_set_level(LOG_LEVEL_ERROR);
	struct learner *l = start();
	put(0, "a.example.com", false, 100);
	assert_int_equal(learner_save(l, 10), 0);
	assert_int_equal(n_saved(), 1);
	learner_free(l);
	char aside[160];
	snprintf(aside, sizeof aside, "%s.bad", path);
	assert_int_equal(unlink(aside), 0);
}

/* What the disk cannot read now is not begun anew. */
static void an_unreadable_file_is_left_alone(void **state)
{
	char aside[160];
	(void)state;
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	struct learner *l = start();
	put(0, "a.example.com", false, 100);
	assert_int_equal(learner_save(l, 10), 0);
	snprintf(aside, sizeof aside, "%s.bad", path);
	assert_int_equal(access(aside, F_OK), -1);
	assert_int_equal(rmdir(path), 0);
	put(0, "b.example.com", false, 100);
	assert_int_equal(learner_save(l, 10), 0);
	assert_int_equal(n_saved(), 1);
	learner_free(l);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/weir-learn-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/learn/cell.json", folder);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(learn_notes_new(&notes[i]), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char text[80];
	unlink(path);
	snprintf(text, sizeof text, "%s/learn", folder);
	rmdir(text);
	rmdir(folder);
	for (unsigned i = 0; i < 2; i++)
		learn_notes_free(notes[i]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_of_all_workers_are_saved),
		cmocka_unit_test(drift_is_told_once_a_day),
		cmocka_unit_test(a_damaged_file_is_put_aside),
		cmocka_unit_test(an_unreadable_file_is_left_alone),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
