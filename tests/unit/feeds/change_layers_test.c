/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is told of two versions in layers, as text. That it is all there is to tell: update_test.c. */
#include "feeds/change_layers.h"

#include <errno.h>
#include <ftw.h>

#include "files.h"
#include "io/layers.h"

enum {
	TEXT = 4096
};

/* A line a word; of both versions. asked: numbers of lines of the old text. */
static const struct {
	const char *why, *old, *now;
	uint64_t asked[4];
	const char *expected;
} rows[] = {
	{ "one goes, one comes", "a b c", "a c d", { 0 }, "-5/5:b +7/6:d " },
	{ "another record of an owner", "a b", "a b,2", { 0 }, "-5/5:b +6/5:b,2 " },
	{ "one more of an owner", "a b", "a b b,2", { 0 }, "-5/5:b +6/5:b|b,2 " },
	{ "what is asked for", "a b c d", "a aa b d", { 4, 7 }, "=4/4:a +5/5:aa -6/7:c =7/7:d " },
	{ "asked for, and changed", "a b c", "a c", { 5, 6 }, "-5/5:b =6/5:c " },
	{ "in the head", "a b", "a b", { 1, 3 }, "" },
	{ "the apex first", "a. b c", "a. a.,2 c", { 0 }, "-5/6:b " },
	{ "everything", "a b", "c", { 0 }, "-4/4:a -5/4:b +6/4:c " },
	{ "nothing before", "", "a", { 0 }, "+4/4:a " },
};

static uint64_t put(const char *file, const char *words, unsigned serial)
{
	char line[LAYERS_LINE_ROOM], text[TEXT], path[PATH_MAX], word[64];
	struct layer_writer w;
	uint64_t name;
	const char *head_path = files_path(file);
	assert_int_equal(layers_new_name(head_path, &name, path, sizeof path), 0);
	assert_int_equal(layer_writer_open(&w, path), 0);
	for (size_t n; *words != 0; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		size_t owner = strcspn(words, " ,");
		int k = snprintf(word, sizeof word, "%.*s %.*s", (int)owner, words,
		                 (int)(n - owner), words + owner);
		assert_int_equal(layer_writer_add(&w, true, word, (size_t)k), 0);
	}
	const struct layers_head h = layers_of(name, &w.totals);
	assert_int_equal(layer_writer_commit(&w), 0);
	layers_head_format(&h, line);
	snprintf(text, sizeof text, "; %u\n%s\na. SOA %u\n", serial, line, serial);
	files_put_text(file, text);
	return name;
}

struct told {
	char text[TEXT];
};

static int tell(struct told *t, char mark, const struct change_piece *p)
{
	if (*p->text == ';' || strncmp(p->text, "a. SOA", 6) == 0)
		return 0; /* the heads always differ */
	size_t n = strlen(t->text);
	n += (size_t)snprintf(t->text + n, TEXT - n, "%c%d/%d:", mark, (int)p->old_line,
	                      (int)p->new_line);
	for (size_t i = 0; i + 1 < p->n; i++) {
		if (p->text[i] != ' ')
			t->text[n++] = p->text[i] == '\n' ? '|' : p->text[i];
	}
	t->text[n++] = ' ';
	t->text[n] = 0;
	return 0;
}

static int stays(void *arg, const struct change_piece *p)
{
	return tell(arg, '=', p);
}

static int goes(void *arg, const struct change_piece *p)
{
	return tell(arg, '-', p);
}

static int comes(void *arg, const struct change_piece *p)
{
	return tell(arg, '+', p);
}

static int run(const char *old, const char *now, const uint64_t *asked, uint64_t max_lines,
               struct told *ret)
{
	struct reader *r[2];
	const char *why;
	char paths[2][128];
	uint32_t n_asked = 0;
	memset(ret, 0, sizeof *ret);
	put("zones/a", old, 1);
	put("zones/b", now, 2);
	snprintf(paths[0], sizeof paths[0], "%s", files_path("zones/a"));
	snprintf(paths[1], sizeof paths[1], "%s", files_path("zones/b"));
	assert_int_equal(reader_open(paths[0], 1 << 20, &r[0], &why), 0);
	assert_int_equal(reader_open(paths[1], 1 << 20, &r[1], &why), 0);
	while (asked != NULL && n_asked < 4 && asked[n_asked] != 0)
		n_asked++;
	const struct change_layers_plan plan = {
		.change = { .old = r[0],
		            .now = r[1],
		            .by_owner = true,
		            .max_lines = max_lines,
		            .stays = stays,
		            .goes = goes,
		            .comes = comes,
		            .arg = ret },
		.old_path = paths[0],
		.path = paths[1],
		.asked = asked,
		.n_asked = n_asked,
	};
	int e = change_layers_run(&plan);
	reader_close(r[0]);
	reader_close(r[1]);
	return e;
}

static void rows_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct told t;
		int e = run(rows[i].old, rows[i].now, rows[i].asked, 100, &t);
		if (e != 0 || strcmp(t.text, rows[i].expected) != 0)
			fail_msg("%s: %d, %s", rows[i].why, e, t.text);
	}
}

static void it_gives_up(void **state)
{
	(void)state;
	struct told t;
	const uint64_t beyond[] = { 99, 0 };
	assert_int_equal(run("a b c d", "e f g h", NULL, 9, &t), -EFBIG);
	assert_int_equal(run("a", "b", beyond, 100, &t), -EBADMSG);
	assert_int_equal(run("a. b", "a b", NULL, 100, &t),
	                 -ENOTSUP); /* the apex is first, and is not */
}

static int set_up(void **state)
{
	int e = files_set_up(state);
	return e != 0 ? e : mkdir(files_path("zones"), 0700);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(files_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_gives_up, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
