/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stays and comes is the new text, what stays and goes the old one; line numbers are right. */
#include "feeds/change.h"

#include <errno.h>

#include "base/random.h"
#include "files.h"

enum {
	ROOM = 4 << 20
};

static char old_text[ROOM], new_text[ROOM], got_old[ROOM], got_new[ROOM];
static size_t n_got_old, n_got_new;
static uint64_t old_line, new_line, n_differ;
static unsigned n_pieces;

static uint64_t lines_of(const char *text, size_t n)
{
	uint64_t lines = n > 0 && text[n - 1] != '\n';
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

static void take(char *to, size_t *n, const struct change_piece *p)
{
	memcpy(to + *n, p->text, p->n);
	*n += p->n;
	assert_int_equal(p->n_lines, lines_of(p->text, p->n));
	n_pieces++;
}

static int stays(void *arg, const struct change_piece *p)
{
	(void)arg;
	take(got_old, &n_got_old, p);
	take(got_new, &n_got_new, p);
	assert_int_equal(p->old_line, old_line);
	assert_int_equal(p->new_line, new_line);
	old_line += p->n_lines;
	new_line += p->n_lines;
	return 0;
}

static int goes(void *arg, const struct change_piece *p)
{
	(void)arg;
	take(got_old, &n_got_old, p);
	assert_int_equal(p->old_line, old_line);
	old_line += p->n_lines;
	n_differ += p->n_lines;
	return 0;
}

static int comes(void *arg, const struct change_piece *p)
{
	(void)arg;
	take(got_new, &n_got_new, p);
	assert_int_equal(p->new_line, new_line);
	new_line += p->n_lines;
	n_differ += p->n_lines;
	return 0;
}

static int compare(bool by_owner, uint64_t max)
{
	const char *why;
	struct change_plan plan = {
		.by_owner = by_owner, .max_lines = max, .stays = stays, .goes = goes, .comes = comes
	};
	size_t n = strlen(old_text), k = strlen(new_text);
	assert_int_equal(reader_open_bytes(old_text, n, UINT64_MAX, &plan.old, &why), 0);
	assert_int_equal(reader_open_bytes(new_text, k, UINT64_MAX, &plan.now, &why), 0);
	n_got_old = n_got_new = 0;
	n_differ = n_pieces = 0;
	old_line = new_line = 1;
	int e = change_run(&plan);
	if (e == 0) {
		assert_int_equal(n_got_old, n);
		assert_int_equal(n_got_new, k);
		assert_memory_equal(got_old, old_text, n);
		assert_memory_equal(got_new, new_text, k);
	}
	reader_close(plan.old);
	reader_close(plan.now);
	return e;
}

static const struct row {
	const char *why, *old, *now;
	unsigned differ;
} rows[] = {
	{ "nothing", "", "", 0 },
	{ "the same", "a\nb\n", "a\nb\n", 0 },
	{ "one comes", "a\nc\n", "a\nb\nc\n", 1 },
	{ "one goes", "a\nb\nc\n", "a\nc\n", 1 },
	{ "another", "a\nb\nc\n", "a\nx\nc\n", 2 },
	{ "the first", "a\nb\nc\n", "x\nb\nc\n", 2 },
	{ "the last, without its end", "a\nb\nc", "a\nb\nd", 2 },
	{ "the end of the last line", "a\nb", "a\nb\n", 2 },
	{ "all", "a\nb\n", "c\nd\n", 4 },
	{ "from nothing", "", "a\nb\n", 2 },
	{ "to nothing", "a\nb", "", 2 },
	{ "blank lines are everywhere", "a\n\nb\n\nc\n", "a\n\nc\n", 2 },
	{ "a longer line", "ab\nc\n", "abc\nc\n", 2 },
};

static void rows_of_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(old_text, ROOM, "%s", rows[i].old);
		snprintf(new_text, ROOM, "%s", rows[i].now);
		if (compare(false, 100) != 0 || n_differ != rows[i].differ)
			fail_msg("%s: %u differ", rows[i].why, (unsigned)n_differ);
		assert_int_equal(compare(true, 100), 0);
	}
}

/* The lines of an owner are one: what differs in one of them, differs. */
static void rows_of_owners(void **state)
{
	(void)state;
	static const struct row owners[] = {
		{ "one of two", "a 1\na 2\nb 1\n", "a 1\na 3\nb 1\n", 4 },
		{ "one more", "a 1\nb 1\n", "a 1\na 2\nb 1\n", 3 },
		{ "one more at the end", "a 1\nb 1\n", "a 1\nb 1\nb 2\n", 3 },
		{ "a beginning is not the whole", "ab 1\na 2\n", "ab 1\na 3\n", 2 },
		{ "the last line has no end", "a 1\nb 1\nb 2", "a 1\nb 1\nb 3", 4 },
	};
	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		snprintf(old_text, ROOM, "%s", owners[i].old);
		snprintf(new_text, ROOM, "%s", owners[i].now);
		if (compare(true, 100) != 0 || n_differ != owners[i].differ)
			fail_msg("%s: %u differ", owners[i].why, (unsigned)n_differ);
	}
}

static void too_much(void **state)
{
	(void)state;
	snprintf(old_text, ROOM, "a\nb\nc\n");
	snprintf(new_text, ROOM, "d\ne\nf\n");
	assert_int_equal(compare(false, 5), -EFBIG);
	assert_int_equal(compare(false, 6), 0);
	/* A line that does not fit. */
	memset(new_text, 'x', CHANGE_WINDOW);
	new_text[CHANGE_WINDOW] = 0;
	assert_int_equal(compare(false, 1000), -ENOTSUP);
}

/* Large texts with few lines that differ, at random places; owners have up to three lines. */
static void at_random(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		size_t a = 0, b = 0;
		unsigned n = 1 + random_below(40000), part = 1 + random_below(2000), changes = 0;
		for (unsigned i = 0; i < n; i++) {
			unsigned how = random_below(part) == 0 ? random_below(3) : 3;
			size_t room = ROOM - 100;
			changes += how < 3;
			if (a > room || b > room)
				break;
			if (how != 0)
				a += (size_t)snprintf(old_text + a, ROOM - a, "n%u.example %u\n",
				                      i / 3, i % 7);
			if (how == 1)
				b += (size_t)snprintf(new_text + b, ROOM - b, "m%u.example %u\n",
				                      i / 3, i % 7);
			else if (how != 2)
				b += (size_t)snprintf(new_text + b, ROOM - b, "n%u.example %u\n",
				                      i / 3, i % 7);
		}
		old_text[a] = new_text[b] = 0;
		assert_int_equal(compare(false, UINT64_MAX), 0);
		if (part > 100)
			assert_in_range(n_differ, 0, 3U * changes);
		assert_int_equal(compare(true, UINT64_MAX), 0);
		if (part > 100)
			assert_in_range(n_differ, 0, 12U * changes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_lines),
		cmocka_unit_test(rows_of_owners),
		cmocka_unit_test(too_much),
		cmocka_unit_test(at_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
