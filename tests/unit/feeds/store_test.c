/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/store.h"

#include <errno.h>
#include <fcntl.h>

#include "files.h"
#include "io/layers.h"

static char state_dir[128];
static struct policy_list_spec specs[2];
static struct feeds_list lists[2];
static struct feeds_plan plan = { .lists = lists, .n_lists = 2, .state_dir = state_dir };

static void names_of_lists(void **state)
{
	(void)state;
	assert_true(store_is_name("malware-2.x_Y"));
	assert_false(store_is_name(""));
	assert_false(store_is_name("."));
	assert_false(store_is_name(".."));
	assert_false(store_is_name(".hidden"));
	assert_false(store_is_name("a/b"));
	assert_false(store_is_name("a b"));
	char path[16];
	assert_false(store_copy_path(&plan, "a", path, sizeof path)); /* no room */
	struct feeds_plan none = { 0 };
	assert_false(store_image_path(&none, path, sizeof path));
	assert_int_equal(store_prepare(&none), 0);
}

static void size_of(const char *name, long expected)
{
	struct stat st;
	assert_int_equal(stat(files_path(name), &st), 0);
	assert_int_equal(st.st_size, expected);
}

static void keeping(void **state)
{
	(void)state;
	struct stat seen, copy, again;
	files_put_text("a", "bad.example\n");
	assert_int_equal(stat(specs[0].path, &seen), 0);
	assert_int_equal(store_prepare(&plan), 0);
	assert_int_equal(store_prepare(&plan), 0); /* it exists already */
	assert_int_equal(store_keep(&plan, "a", specs[0].path, &seen), 0);
	assert_int_equal(stat(files_path("state/lists/a"), &copy), 0);
	assert_int_equal(copy.st_size, seen.st_size);
	assert_int_equal(copy.st_mtim.tv_sec, seen.st_mtim.tv_sec);
	assert_int_equal(copy.st_mtim.tv_nsec, seen.st_mtim.tv_nsec);
	assert_false(files_exists("state/lists/.a.new"));

	usleep(20000); /* more than the clock of the file system is coarse */
	assert_int_equal(store_keep(&plan, "a", specs[0].path, &seen), 0);
	assert_int_equal(stat(files_path("state/lists/a"), &copy), 0);
	assert_int_equal(store_keep(&plan, "a", specs[0].path, &seen), 0);
	assert_int_equal(stat(files_path("state/lists/a"), &again), 0);
	assert_int_equal(again.st_ino, copy.st_ino); /* the copy is current: left alone */

	files_put_text("a", "bad.example\nworse.example\n");
	assert_int_equal(store_keep(&plan, "a", specs[0].path, &seen), 0); /* that one is kept */
	seen.st_mtim.tv_nsec ^= 1;
	assert_int_equal(store_keep(&plan, "a", specs[0].path, &seen), -EAGAIN); /* gone by now */
	size_of("state/lists/a", 12);
	assert_int_equal(stat(specs[0].path, &seen), 0);
	assert_int_equal(store_keep(&plan, "a", specs[0].path, &seen), 0);
	size_of("state/lists/a", 26);

	/* Another file with the same size and time, as a careless copy makes it. */
	struct timespec times[2] = { seen.st_atim, seen.st_mtim };
	files_put_text("a", "BAD.example\nworse.EXAMPLE\n");
	assert_int_equal(utimensat(AT_FDCWD, specs[0].path, times, 0), 0);
	assert_int_equal(stat(specs[0].path, &seen), 0);
	assert_int_equal(store_keep(&plan, "a", specs[0].path, &seen), 0);
	FILE *f = fopen(files_path("state/lists/a"), "r");
	char text[64] = "";
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	assert_string_equal(text, "BAD.example\n");
	seen.st_size++;
	assert_int_equal(store_keep(&plan, "a", files_path("missing"), &seen), -ENOENT);
}

static void pruning(void **state)
{
	(void)state;
	files_put_text("state/lists/b", "x");
	files_put_text("state/lists/gone", "x");
	files_put_text("state/lists/.a.new", "half");
	store_prune(&plan);
	assert_true(files_exists("state/lists/a"));
	assert_true(files_exists("state/lists/b"));
	assert_false(files_exists("state/lists/gone"));
	assert_false(files_exists("state/lists/.a.new"));
}

static int set_up(void **state)
{
	int e = files_set_up(state);
	snprintf(state_dir, sizeof state_dir, "%s", files_path("state"));
	lists[0] = files_list(&specs[0], "a", "a", FEEDS_DOMAINS);
	lists[1] = files_list(&specs[1], "b", "b", FEEDS_DOMAINS);
	return e;
}

/* A head at `file` that names one layer, which is made. */
static void put_head(const char *file, uint64_t layer)
{
	char line[LAYERS_LINE_ROOM], text[LAYERS_LINE_ROOM + 20], path[64];
	struct layers_head h = { .n = 1, .names = { layer } };
	layers_head_format(&h, line);
	snprintf(text, sizeof text, "; a zone\n%s\n", line);
	files_put_text(file, text);
	snprintf(path, sizeof path, "state/layers/%016llx", (unsigned long long)layer);
	files_put_text(path, "");
}

/* What a zone, a copy, one that is being made, or a version has stays; a damaged head has none. */
static void pruning_layers(void **state)
{
	(void)state;
	static const char *const folders[] = { "state/versions/a", "state/versions", "state/layers",
		                               "state/zones" };
	static const char *const heads[] = { "state/zones/a", "state/lists/a", "state/lists/.b.new",
		                             "state/versions/a/3", "state/versions/a/index" };
	char path[64];
	assert_int_equal(store_prepare(&plan), 0);
	store_prune_layers(&plan, 0); /* there are none */
	for (unsigned i = ARRAY_LEN(folders); i-- > 0;)
		assert_int_equal(mkdir(files_path(folders[i]), 0700), 0);
	files_put_text(heads[4], "no head\n");
	for (unsigned i = 0; i < 4; i++)
		put_head(heads[i], i);
	put_head("state/gone", 4);
	files_put_text("state/zones/b", "; weir-layers 1 what is this\n");
	store_prune_layers(&plan, 60);
	assert_true(files_exists("state/layers/0000000000000004"));
	store_prune_layers(&plan, 0);
	assert_false(files_exists("state/layers/0000000000000004"));
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "state/layers/%016x", i);
		assert_true(files_exists(path));
		assert_int_equal(unlink(files_path(path)), 0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(heads); i++)
		assert_int_equal(unlink(files_path(heads[i])), 0);
	assert_int_equal(unlink(files_path("state/zones/b")), 0);
	assert_int_equal(unlink(files_path("state/gone")), 0);
	for (unsigned i = 0; i < ARRAY_LEN(folders); i++)
		assert_int_equal(rmdir(files_path(folders[i])), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_lists),
		cmocka_unit_test(keeping),
		cmocka_unit_test(pruning),
		cmocka_unit_test(pruning_layers),
	};
	return cmocka_run_group_tests(tests, set_up, files_tear_down);
}
