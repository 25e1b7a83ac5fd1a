/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/layer.h"

#include <errno.h>

#include "layer_files.h"

enum {
	LINES = 20000,
	LOOKS = 3000
};

static void line_of(unsigned i, char ret[64])
{
	snprintf(ret, 64, "%06u.a-name-of-some-length.example", 2 * i);
}

static void write_many(char path[PATH_MAX])
{
	struct layer_writer w;
	uint64_t name;
	char line[64];
	assert_int_equal(layers_new_name(head_path, &name, path, PATH_MAX), 0);
	assert_int_equal(layer_writer_open(&w, path), 0);
	for (unsigned i = 0; i < LINES; i++) {
		line_of(i, line);
		assert_int_equal(layer_writer_add(&w, i % 3 != 0, line, strlen(line)), 0);
	}
	assert_int_equal(layer_writer_commit(&w), 0);
}

/* What the first n entries add. */
static int64_t net_of(unsigned n)
{
	int64_t goes = (n + 2) / 3;
	return (int64_t)n - 2 * goes;
}

/* Lines that are there and lines between them, in any order and in theirs. */
static void lines_are_found(void **state)
{
	(void)state;
	char path[PATH_MAX], line[64];
	struct layer l;
	write_many(path);
	assert_int_equal(layer_open(path, &l), 0);
	assert_true(l.n_blocks > 8);
	assert_int_equal(l.totals.lines, net_of(LINES));
	unsigned x = 1;
	for (unsigned i = 0; i < LOOKS; i++) {
		x = i < LOOKS / 2 ? x * 1103515245U + 12345
		                  : (i - LOOKS / 2) * 2 * LINES / (LOOKS / 2);
		unsigned n = (x >> (i < LOOKS / 2 ? 8 : 0)) % (2 * LINES + 2), at = (n + 1) / 2;
		snprintf(line, sizeof line, "%06u.a-name-of-some-length.example", n);
		assert_int_equal(layer_seek(&l, line, strlen(line)), 0);
		assert_int_equal(l.is_end, at >= LINES);
		assert_int_equal(l.net, net_of(at < LINES ? at : LINES));
		line_of(at, line);
		if (!l.is_end) {
			assert_int_equal(l.now.n, strlen(line));
			assert_memory_equal(l.now.line, line, l.now.n);
			assert_int_equal(l.now.is_add, at % 3 != 0);
		}
	}
	assert_int_equal(layer_first(&l), 0);
	for (unsigned i = 0; i < LINES; i++) {
		assert_false(l.is_end);
		assert_int_equal(l.net, net_of(i));
		assert_int_equal(layer_next(&l), 0);
	}
	assert_true(l.is_end);
	layer_close(&l);
}

static void damage_is_noticed(void **state)
{
	(void)state;
	char path[PATH_MAX];
	struct stat st;
	struct layer l;
	/* In the lines it is noticed by whoever reads that block, elsewhere by whoever opens. */
	static const long places[] = { -1, -60, -80, 100 };
	for (size_t i = 0; i < 4; i++) {
		write_many(path);
		flip_byte(path, places[i]);
		int e = layer_open(path, &l);
		if (places[i] < 0) {
			assert_int_equal(e, -EBADMSG);
			continue;
		}
		assert_int_equal(e, 0);
		assert_int_equal(layer_seek(&l, "9", 1), 0);
		assert_int_equal(layer_first(&l), -EBADMSG);
		layer_close(&l);
	}
	for (int i = 0; i < 3; i++) { /* cut off */
		write_many(path);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(truncate(path, i == 0 ? st.st_size - 1 : i == 1 ? 100000 : 3), 0);
		assert_int_equal(layer_open(path, &l), -EBADMSG);
	}
	assert_int_equal(layer_open("/nowhere/at/all", &l), -ENOENT);
}

static void order_is_kept(void **state)
{
	(void)state;
	struct layer_writer w;
	char path[PATH_MAX];
	uint64_t name;
	assert_int_equal(layers_new_name(head_path, &name, path, sizeof path), 0);
	assert_int_equal(layer_writer_open(&w, path), 0);
	assert_int_equal(layer_writer_add(&w, true, "b", 1), 0);
	assert_int_equal(layer_writer_add(&w, false, "b", 1), -EBADMSG);
	assert_int_equal(layer_writer_add(&w, true, "a", 1), -EBADMSG);
	assert_int_equal(layer_writer_add(&w, true, "c\nd", 3), -EBADMSG);
	assert_int_equal(layer_writer_add(&w, true, "ba", 2), 0);
	layer_writer_abandon(&w);
	assert_int_equal(access(path, F_OK), -1);
}

static void one_may_be_empty_or_have_long_lines(void **state)
{
	(void)state;
	static const char *const none[] = { NULL };
	char path[PATH_MAX], *line = malloc(LAYER_LINE_MAX);
	struct layer_writer w;
	struct layer l;
	layer_file(put_layer(none, NULL), path, sizeof path);
	assert_int_equal(layer_open(path, &l), 0);
	assert_int_equal(layer_first(&l), 0);
	assert_true(l.is_end);
	assert_int_equal(layer_seek(&l, "x", 1), 0);
	assert_true(l.is_end);
	layer_close(&l);
	assert_non_null(line);
	assert_int_equal(layer_writer_open(&w, path), 0);
	for (char c = 'a'; c < 'f'; c++) {
		memset(line, c, LAYER_LINE_MAX);
		assert_int_equal(layer_writer_add(&w, true, line, LAYER_LINE_MAX), 0);
	}
	assert_int_equal(layer_writer_commit(&w), 0);
	assert_int_equal(layer_open(path, &l), 0);
	assert_int_equal(layer_seek(&l, "d", 1), 0);
	assert_int_equal(l.net, 3);
	assert_int_equal(l.now.n, LAYER_LINE_MAX);
	assert_int_equal(layer_seek(&l, "dddddd", 6), 0);
	assert_int_equal(l.net, 3);
	layer_close(&l);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_found, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(damage_is_noticed, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(order_is_kept, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(one_may_be_empty_or_have_long_lines, folder_make,
		                                folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
