/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/journal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"

static struct name zone;

/* A version with a record for each letter. */
static int commit(const char *letters, uint32_t now_s, uint32_t *ret_serial)
{
	const struct journal_terms t = {
		.folder = folder, .zone = &zone, .ttl_s = 60, .now_s = now_s
	};
	struct sorter *s;
	char line[64];
	assert_int_equal(sorter_new(folder, &s), 0);
	for (const char *p = letters; *p != 0; p++) {
		int n = snprintf(line, sizeof line, "%c.rpz.\t60\tCNAME\t.", *p);
		assert_int_equal(sorter_add(s, line, (size_t)n), 0);
	}
	int e = journal_commit(&t, s, ret_serial);
	sorter_free(s);
	return e;
}

static void expect_step(FILE *f, const char *expected)
{
	char line[200], all[100];
	size_t n = 0;
	while (fgets(line, sizeof line, f) != NULL) {
		if (line[0] == '+' || line[0] == '-') {
			all[n++] = line[0];
			all[n++] = line[1];
		}
	}
	all[n] = 0;
	assert_string_equal(all, expected);
}

static void versions_have_steps(void **state)
{
	(void)state;
	uint32_t first, serial;
	struct journal_step steps[JOURNAL_MAX_STEPS];
	unsigned n;
	assert_int_equal(commit("abc", 1000, &first), 1);
	assert_int_equal(first, 1000);
	assert_int_equal(commit("cba", 1000, &serial), 0); /* the same */
	assert_int_equal(serial, 1000);
	assert_int_equal(commit("bcd", 1000, &serial), 1); /* the clock stands still */
	assert_int_equal(serial, 1001);
	assert_int_equal(commit("x", 5000, &serial), 1);
	assert_int_equal(serial, 5000);
	assert_int_equal(commit("xy", 900, &serial), 1); /* and goes back */
	assert_int_equal(serial, 5001);
	assert_int_equal(journal_open_steps(folder, 1000, 5001, steps, JOURNAL_MAX_STEPS, &n), 0);
	assert_int_equal(n, 3);
	expect_step(steps[0].file, "-a+d");
	expect_step(steps[1].file, "-b-c-d+x");
	expect_step(steps[2].file, "+y");
	assert_int_equal(steps[1].from, 1001);
	assert_int_equal(steps[1].to, 5000);
	journal_close_steps(steps, n);
	assert_int_equal(journal_open_steps(folder, 5001, 5001, steps, JOURNAL_MAX_STEPS, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(journal_open_steps(folder, 7, 5001, steps, JOURNAL_MAX_STEPS, &n),
	                 -ENOENT);
	assert_int_equal(journal_open_steps(folder, 1000, 5001, steps, 2, &n), -ENOENT);
	assert_int_equal(folder_count(".new"), 0);
}

static void steps_are_bounded(void **state)
{
	(void)state;
	uint32_t first, serial;
	struct journal_step steps[JOURNAL_MAX_STEPS + 10];
	char letters[2] = "a";
	unsigned n;
	assert_int_equal(commit("a", 1, &first), 1);
	for (unsigned i = 0; i < JOURNAL_MAX_STEPS + 20; i++) {
		letters[0] = (char)('a' + (i + 1) % 26);
		assert_int_equal(commit(letters, 1, &serial), 1);
	}
	assert_int_equal(folder_count(".delta"), JOURNAL_MAX_STEPS);
	assert_int_equal(journal_open_steps(folder, serial - JOURNAL_MAX_STEPS, serial, steps,
	                                    JOURNAL_MAX_STEPS + 10, &n),
	                 0);
	assert_int_equal(n, JOURNAL_MAX_STEPS);
	journal_close_steps(steps, n);
	assert_int_equal(
		journal_open_steps(folder, first, serial, steps, JOURNAL_MAX_STEPS + 10, &n),
		-ENOENT);
}

/* A crash between a step and its version leaves a step to nowhere: the next one takes its place. */
static void a_step_to_nowhere_does_no_harm(void **state)
{
	(void)state;
	char path[100];
	uint32_t serial;
	struct journal_step steps[JOURNAL_MAX_STEPS];
	unsigned n;
	assert_int_equal(commit("a", 1, &serial), 1);
	snprintf(path, sizeof path, "%s/1-2.delta", folder);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs("; 1 2\nnonsense\n", f);
	fclose(f);
	assert_int_equal(commit("b", 1, &serial), 1);
	assert_int_equal(serial, 2);
	assert_int_equal(journal_open_steps(folder, 1, 2, steps, JOURNAL_MAX_STEPS, &n), 0);
	expect_step(steps[0].file, "-a+b");
	journal_close_steps(steps, n);
}

static void expect_zone(const char *letters)
{
	char path[100];
	struct zone_reader r;
	journal_zone_path(folder, path, sizeof path);
	assert_int_equal(zone_reader_open(&r, path, &zone), 0);
	for (; *letters != 0; letters++) {
		assert_int_equal(zone_reader_next(&r), 1);
		assert_int_equal(r.line[0], *letters);
	}
	assert_int_equal(zone_reader_next(&r), 0);
	zone_reader_close(&r);
}

/* "+a-b" */
static int change(const char *what, uint32_t *ret_serial)
{
	const struct journal_terms t = { .folder = folder, .zone = &zone, .ttl_s = 60, .now_s = 1 };
	struct delta d = { 0 };
	char line[64];
	for (; *what != 0; what += 2) {
		int n = snprintf(line, sizeof line, "%c.rpz.\t60\tCNAME\t.", what[1]);
		assert_int_equal(delta_add(&d, what[0] == '+', line, (size_t)n), 0);
	}
	assert_int_equal(delta_seal(&d), 0);
	int e = journal_change(&t, &d, ret_serial);
	delta_done(&d);
	return e;
}

static void versions_come_by_deltas(void **state)
{
	(void)state;
	uint32_t serial = 7;
	struct journal_step steps[JOURNAL_MAX_STEPS];
	char layers[150];
	unsigned n;
	/* The zone in a folder of its own, so that its layers are in ours. */
	char outer[sizeof folder];
	memcpy(outer, folder, sizeof outer);
	snprintf(folder + strlen(folder), 8, "/zone");
	assert_int_equal(change("+a", &serial), -ENOENT); /* there is none */
	assert_int_equal(commit("ab", 1, &serial), 1);
	assert_int_equal(change("", &serial), 0);
	assert_int_equal(serial, 1);
	assert_int_equal(change("-a+c", &serial), 1);
	assert_int_equal(serial, 2);
	expect_zone("bc");
	assert_int_equal(change("+a+d", &serial), 1);
	expect_zone("abcd");
	assert_int_equal(change("-x", &serial), -ESTALE);
	assert_int_equal(change("+a", &serial), -ESTALE);
	expect_zone("abcd");
	assert_int_equal(journal_open_steps(folder, 1, 3, steps, JOURNAL_MAX_STEPS, &n), 0);
	assert_int_equal(n, 2);
	expect_step(steps[0].file, "-a+c");
	expect_step(steps[1].file, "+a+d");
	journal_close_steps(steps, n);
	assert_int_equal(commit("abcd", 1, &serial), 0); /* it is compared with what layers say */
	assert_int_equal(commit("abce", 1, &serial), 1);
	assert_int_equal(serial, 4);
	expect_zone("abce");
	assert_int_equal(journal_open_steps(folder, 3, 4, steps, JOURNAL_MAX_STEPS, &n), 0);
	expect_step(steps[0].file, "-d+e");
	journal_close_steps(steps, n);
	/* Without its layers it is begun anew, and the serial goes on. */
	assert_int_equal(change("+f", &serial), 1);
	snprintf(layers, sizeof layers, "%s/layers", outer);
	assert_int_equal(folder_remove_at(layers), 0);
	int e = change("+g", &serial);
	assert_true(e == -ENODATA || e == -ENOENT);
	assert_int_equal(commit("abc", 1, &serial), 1);
	assert_int_equal(serial, 6);
	expect_zone("abc");
	assert_int_equal(folder_remove_at(folder), 0);
	memcpy(folder, outer, sizeof outer);
}

static int set_up(void **state)
{
	assert_int_equal(name_from_text("rpz", 3, &zone), 0);
	return folder_make(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(versions_have_steps, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(steps_are_bounded, set_up, folder_remove),
		cmocka_unit_test_setup_teardown(a_step_to_nowhere_does_no_harm, set_up,
		                                folder_remove),
		cmocka_unit_test_setup_teardown(versions_come_by_deltas, set_up, folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
