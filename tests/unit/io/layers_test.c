/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever sequence of changes: the text is what a set of lines says, and so is what differs. */
#include "io/layers.h"

#include <errno.h>

#include "base/random.h"
#include "layer_files.h"

enum {
	NAMES = 4000,
	STEPS = 150,
	KEPT = 8, /* versions that are compared with */
	LINE_ROOM = 48,
};

/* Which of the lines are there. */
static bool model[KEPT][NAMES];
static struct layers_head heads[KEPT];

static size_t line_of(unsigned i, char ret[LINE_ROOM])
{
	return (size_t)snprintf(ret, LINE_ROOM, "n%05u.example.\t300\tCNAME\t.", i);
}

struct walk {
	const bool *old, *now;
	unsigned i;
	char line[LINE_ROOM];
};

static int next_change(void *arg, struct layer_entry *ret)
{
	struct walk *w = arg;
	for (; w->i < NAMES; w->i++) {
		if (w->old[w->i] == w->now[w->i])
			continue;
		*ret = (struct layer_entry){ w->now[w->i], w->line, line_of(w->i, w->line) };
		w->i++;
		return 1;
	}
	return 0;
}

static unsigned count(const bool *lines, unsigned before)
{
	unsigned n = 0;
	for (unsigned i = 0; i < before; i++)
		n += lines[i];
	return n;
}

static void expect_text(const bool *lines, const struct layers_head *h)
{
	static char text[NAMES * LINE_ROOM], expected[NAMES * LINE_ROOM];
	struct layers *l;
	size_t n = 0, n_expected = 0, got = 1;
	for (unsigned i = 0; i < NAMES; i++) {
		if (!lines[i])
			continue;
		n_expected += line_of(i, expected + n_expected);
		expected[n_expected++] = '\n';
	}
	assert_int_equal(layers_open(head_path, h, &l), 0);
	for (; got > 0; n += got) /* lines in pieces, too */
		assert_int_equal(layers_read(l, text + n, 1 + random_below(3000), &got), 0);
	assert_int_equal(n, n_expected);
	assert_memory_equal(text, expected, n);
	assert_int_equal(h->bytes, n);
	assert_int_equal(h->lines, count(lines, NAMES));
	layers_close(l);
}

static void expect_places(const bool *lines, const struct layers_head *h)
{
	struct layers *l;
	char line[LINE_ROOM];
	const char *found;
	uint64_t number;
	size_t n;
	assert_int_equal(layers_open(head_path, h, &l), 0);
	for (unsigned k = 0; k < 30; k++) {
		unsigned i = random_below(NAMES);
		n = line_of(i, line);
		assert_int_equal(layers_seek(l, line, n), 0);
		int got = layers_next(l, &found, &n, &number);
		assert_int_equal(number, count(lines, i));
		while (i < NAMES && !lines[i])
			i++;
		assert_int_equal(got, i < NAMES);
		line_of(i, line);
		if (got == 1)
			assert_memory_equal(found, line, n);
		unsigned wanted = random_below(h->lines + 2);
		assert_int_equal(layers_select(l, wanted), 0);
		got = layers_next(l, &found, &n, &number);
		assert_int_equal(got, wanted < h->lines);
		assert_int_equal(number, wanted < h->lines ? wanted : h->lines);
		for (i = 0; got == 1 && (!lines[i] || wanted > 0); i++)
			wanted -= lines[i];
		line_of(i, line);
		if (got == 1)
			assert_memory_equal(found, line, n);
	}
	layers_close(l);
}

static void expect_diff(unsigned old, unsigned now)
{
	struct layers_diff *d;
	struct layer_entry x, y;
	struct walk w = { .old = model[old], .now = model[now] };
	assert_int_equal(layers_diff_open(head_path, &heads[old], head_path, &heads[now], &d), 0);
	while (next_change(&w, &y) == 1) {
		assert_int_equal(layers_diff_next(d, &x), 1);
		assert_int_equal(x.is_add, y.is_add);
		assert_int_equal(x.n, y.n);
		assert_memory_equal(x.line, y.line, y.n);
	}
	assert_int_equal(layers_diff_next(d, &x), 0);
	layers_diff_close(d);
}

static void begin(unsigned part)
{
	struct layer_writer w;
	char path[PATH_MAX], line[LINE_ROOM];
	uint64_t name;
	assert_int_equal(layers_new_name(head_path, &name, path, sizeof path), 0);
	assert_int_equal(layer_writer_open(&w, path), 0);
	for (unsigned i = 0; i < NAMES; i++) {
		model[0][i] = part > 0 && random_below(part) != 0;
		if (model[0][i])
			assert_int_equal(layer_writer_add(&w, true, line, line_of(i, line)), 0);
	}
	heads[0] = layers_of(name, &w.totals);
	assert_int_equal(layer_writer_commit(&w), 0);
}

static void a_text_is_its_changes(void **state)
{
	(void)state;
	unsigned most = 0, n_whole = 0;
	begin(3);
	for (unsigned step = 1; step < STEPS; step++) {
		unsigned from = (step - 1) % KEPT, to = step % KEPT;
		unsigned n = random_below(4) == 0 ? random_below(300) : random_below(6);
		memcpy(model[to], model[from], sizeof model[0]);
		for (; n > 0; n--) {
			unsigned i = random_below(NAMES);
			model[to][i] = !model[to][i];
		}
		struct walk w = { .old = model[from], .now = model[to] };
		struct layers_source delta = { next_change, &w };
		assert_int_equal(layers_apply(head_path, &heads[from], &delta, 0, &heads[to]), 0);
		most = heads[to].n > most ? heads[to].n : most;
		n_whole += heads[to].n == 1;
		expect_text(model[to], &heads[to]);
		expect_places(model[to], &heads[to]);
		if (step >= KEPT)
			expect_diff((step + 1 + random_below(KEPT - 1)) % KEPT, to);
	}
	assert_true(most > 2);
	print_message("%u layers at most, %u times one\n", most, n_whole);
}

static void what_does_not_fit_is_refused(void **state)
{
	(void)state;
	begin(0); /* nothing */
	struct walk w = { .old = model[0], .now = model[1] };
	struct layers_source delta = { next_change, &w };
	struct layers_head h;
	memset(model[1], 0, sizeof model[1]);
	model[1][7] = true;
	assert_int_equal(layers_apply(head_path, &heads[0], &delta, 0, &heads[1]), 0);
	expect_text(model[1], &heads[1]);
	w.i = 0; /* again */
	assert_int_equal(layers_apply(head_path, &heads[1], &delta, 0, &h), -ESTALE);
	w = (struct walk){ .old = model[1], .now = model[0] }; /* what is not there goes */
	assert_int_equal(layers_apply(head_path, &heads[0], &delta, 0, &h), -ESTALE);
	w = (struct walk){ .old = model[0], .now = model[1] };
	assert_int_equal(layers_apply(head_path, &heads[0], &delta, 10, &h), -EFBIG);
}

static void a_missing_or_damaged_layer_is_noticed(void **state)
{
	(void)state;
	char path[128];
	struct layers *l;
	struct layers_head h;
	begin(2);
	h = heads[0];
	h.sum++;
	assert_int_equal(layers_open(head_path, &h, &l), -EBADMSG);
	layer_file(heads[0].names[0], path, sizeof path);
	flip_byte(path, -1);
	assert_int_equal(layers_open(head_path, &heads[0], &l), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(layers_open(head_path, &heads[0], &l), -ENOENT);
}

static void heads_come_back(void **state)
{
	(void)state;
	struct layers_head h = { .n = LAYERS_MAX, .lines = 7, .bytes = 99, .sum = UINT64_MAX },
			   back;
	char line[LAYERS_LINE_ROOM], text[LAYERS_HEAD_MAX];
	for (unsigned i = 0; i < LAYERS_MAX; i++)
		h.names[i] = UINT64_MAX - i;
	layers_head_format(&h, line);
	snprintf(text, sizeof text, "; one\n%s\nrest", line);
	assert_int_equal(layers_head_parse(text, strlen(text), &back), 0);
	assert_memory_equal(&h, &back, sizeof h);
	static const struct {
		const char *text;
		int e;
	} rows[] = {
		{ "", -ENOENT },
		{ "; weir-layers 1 1 2 3 4", -ENOENT }, /* the line does not end */
		{ "a.example\n; weir-layers 1 1 2 3 4\n", -ENOENT },
		{ "; weir-layers 2 1 2 3 4\n", -ENOENT },
		{ "; weir-layers 1 1 2 3 4\n", 0 },
		{ "; weir-layers 1 1 2 3\n", 0 },
		{ "; weir-layers 1 1 2\n", -EBADMSG },
		{ "; weir-layers 1 1 -2 3 4\n", -EBADMSG },
		{ "; weir-layers 1 1 2 3 ../x\n", -EBADMSG },
		{ "; weir-layers 1 99999999999999999999 2 3 4\n", -EBADMSG },
		{ "; weir-layers 1 1 2 3 11111111111111111\n", -EBADMSG },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(layers_head_parse(rows[i].text, strlen(rows[i].text), &back),
		                 rows[i].e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_text_is_its_changes, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, folder_make,
		                                folder_remove),
		cmocka_unit_test_setup_teardown(a_missing_or_damaged_layer_is_noticed, folder_make,
		                                folder_remove),
		cmocka_unit_test(heads_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
