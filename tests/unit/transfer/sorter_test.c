/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/sorter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
	char last[64];
	unsigned n;
};

static int take(void *arg, const char *line, size_t n)
{
	struct seen *s = arg;
	char text[64];
	assert_true(n < sizeof text);
	memcpy(text, line, n);
	text[n] = 0;
	assert_true(s->n == 0 || strcmp(s->last, text) < 0);
	memcpy(s->last, text, n + 1);
	s->n++;
	return 0;
}

static int stop(void *arg, const char *line, size_t n)
{
	(void)line;
	(void)n;
	return ++*(int *)arg == 3 ? -ECANCELED : 0;
}

static void few_lines_are_sorted(void **state)
{
	(void)state;
	static const char *const lines[] = { "b", "a", "", "b", "ab", "a", "B" };
	struct sorter *s;
	struct seen seen = { 0 };
	assert_int_equal(sorter_new("/tmp", &s), 0);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_int_equal(sorter_add(s, lines[i], strlen(lines[i])), 0);
	assert_int_equal(sorter_finish(s, take, &seen), 0);
	assert_int_equal(seen.n, 5);
	sorter_free(s);
}

static void none_is_none(void **state)
{
	(void)state;
	struct sorter *s;
	struct seen seen = { 0 };
	assert_int_equal(sorter_new("/tmp", &s), 0);
	assert_int_equal(sorter_finish(s, take, &seen), 0);
	assert_int_equal(seen.n, 0);
	sorter_free(s);
}

/* Three times what is kept in memory. */
static void many_lines_are_sorted(void **state)
{
	(void)state;
	enum {
		LINES = 2400000
	};
	struct sorter *s;
	struct seen seen = { 0 };
	char line[64];
	int n_stopped = 0;
	assert_int_equal(sorter_new("/tmp", &s), 0);
	for (unsigned i = 0; i < LINES; i++) {
		int n = snprintf(line, sizeof line, "%u.some.more.text.for.a.line.example.",
		                 (unsigned)((i * 7919ULL) % (LINES / 2)));
		assert_int_equal(sorter_add(s, line, (size_t)n), 0);
	}
	assert_int_equal(sorter_finish(s, take, &seen), 0);
	assert_int_equal(seen.n, LINES / 2);
	assert_int_equal(sorter_finish(s, stop, &n_stopped), -ECANCELED);
	sorter_free(s);
}

static void no_folder_is_told(void **state)
{
	(void)state;
	static char line[SORTER_BYTES / 2];
	struct sorter *s;
	int e = 0;
	memset(line, 'x', sizeof line);
	assert_int_equal(sorter_new("/nowhere/at/all", &s), 0);
	for (int i = 0; i < 4 && e == 0; i++)
		e = sorter_add(s, line, sizeof line);
	assert_int_equal(e, -ENOENT);
	sorter_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_lines_are_sorted),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(many_lines_are_sorted),
		cmocka_unit_test(no_folder_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
