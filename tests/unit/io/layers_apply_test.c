/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is written for a change is little, and what no head names goes (what it comes to: layers_test.c). */
#include "io/layers.h"
#include "layer_files.h"

enum {
	LINES = 50000,
	CHANGES = 400
};

struct one {
	unsigned i;
	bool is_add, is_given;
	char line[64];
};

static int give(void *arg, struct layer_entry *ret)
{
	struct one *x = arg;
	if (x->is_given)
		return 0;
	x->is_given = true;
	int n = snprintf(x->line, sizeof x->line, "n%06u.example.\t300\tCNAME\t.", x->i);
	*ret = (struct layer_entry){ x->is_add, x->line, (size_t)n };
	return 1;
}

static uint64_t size_of(uint64_t name)
{
	char path[128];
	struct stat st;
	layer_file(name, path, sizeof path);
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void a_change_costs_what_it_is(void **state)
{
	(void)state;
	struct layer_writer w;
	struct one x = { 0 };
	struct layers_source delta = { give, &x };
	struct layers_head h, next;
	struct layer_entry entry;
	char path[PATH_MAX];
	uint64_t name, written = 0;
	assert_int_equal(layers_new_name(head_path, &name, path, sizeof path), 0);
	assert_int_equal(layer_writer_open(&w, path), 0);
	for (; x.i < LINES; x.i++, x.is_given = false) {
		assert_int_equal(give(&x, &entry), 1);
		assert_int_equal(layer_writer_add(&w, true, entry.line, entry.n), 0);
	}
	h = layers_of(name, &w.totals);
	assert_int_equal(layer_writer_commit(&w), 0);
	for (unsigned i = 0; i < CHANGES; i++, h = next) {
		x = (struct one){ .i = i * 7919 % LINES };
		assert_int_equal(layers_apply(head_path, &h, &delta, 0, &next), 0);
		written += size_of(next.names[next.n - 1]);
		assert_int_equal(next.names[0], h.names[0]);
		assert_int_equal(next.lines, LINES - 1 - i);
		assert_true(next.n < 14);
	}
	/* Each is written again some times, as layers become one. */
	assert_true(written < CHANGES * 45ULL * 12);
	assert_int_equal(layers_prune(layers_folder, NULL, 0, LAYERS_GRACE_S), 0); /* too young */
	assert_true(size_of(h.names[0]) > 0);
}

static void what_no_head_names_goes(void **state)
{
	(void)state;
	static const char *const entries[] = { "+a", NULL };
	char path[128], stray[128];
	uint64_t names[3];
	for (unsigned i = 0; i < 3; i++)
		names[i] = put_layer(entries, NULL);
	layer_file(names[1], path, sizeof path);
	snprintf(stray, sizeof stray, "%s/notes.txt", layers_folder);
	FILE *f = fopen(stray, "w");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
	uint64_t named[] = { names[2], names[0] };
	assert_int_equal(layers_prune(layers_folder, named, 2, 60), 0); /* too young */
	assert_int_equal(layers_prune(layers_folder, named, 2, 0), 1);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(stray, F_OK), 0);
	assert_int_equal(layers_prune("/nowhere/at/all", NULL, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_change_costs_what_it_is, folder_make,
		                                folder_remove),
		cmocka_unit_test_setup_teardown(what_no_head_names_goes, folder_make,
		                                folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
