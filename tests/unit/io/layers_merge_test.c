/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/layers_merge.h"

#include <errno.h>

#include "layer_files.h"

static const struct {
	const char *why;
	const char *layers[3][6]; /* from the ground up */
	const char *expected;     /* signs of the first and the last, line */
	int end;
} rows[] = {
	/* clang-format off */
	{ "one layer", { { "+a", "+b" } }, "++a ++b ", 0 },
	{ "lines of all, in order", { { "+b", "+e" }, { "+a", "+c" }, { "+d" } }, "++a ++b ++c ++d ++e ", 0 },
	{ "what goes", { { "+a", "+b" }, { "-a" } }, "+-a ++b ", 0 },
	{ "and comes again", { { "+a" }, { "-a" }, { "+a" } }, "++a ", 0 },
	{ "changes only", { { "-a", "+b" }, { "+a", "-b" } }, "-+a +-b ", 0 },
	{ "comes twice", { { "+a", "+b" }, { "+b" } }, "++a ", -EBADMSG },
	{ "goes twice", { { "+a" }, { "-a" }, { "-a" } }, "", -EBADMSG },
	{ "nothing", { { NULL } }, "", 0 },
	/* clang-format on */
};

static void rows_come_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct layer at[3];
		struct merge m = { 0 };
		char path[128], text[200] = "";
		int got;
		for (unsigned k = 0; k < 3; k++) {
			layer_file(put_layer(rows[i].layers[k], NULL), path, sizeof path);
			assert_int_equal(layer_open(path, &at[k]), 0);
			m.at[m.n++] = &at[k];
		}
		assert_int_equal(merge_first(&m), 0);
		while ((got = merge_step(&m)) == 1)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%c%c%.*s ",
			         m.is_first_add ? '+' : '-', m.is_last_add ? '+' : '-',
			         (int)m.n_line, m.line);
		if (strcmp(text, rows[i].expected) != 0 || got != rows[i].end)
			fail_msg("%s: %s, %d", rows[i].why, text, got);
		for (unsigned k = 0; k < 3; k++)
			layer_close(&at[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_to, folder_make, folder_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
