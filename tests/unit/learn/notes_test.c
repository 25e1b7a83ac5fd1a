/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "learn/notes.h"

#include "names.h"

static const struct addr client = { .bytes = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0,
	                                       1 },
	                            .is_v4 = true };

static void notes_come_out_as_they_went_in(void **state)
{
	(void)state;
	struct learn_notes *n;
	struct learn_question q = { .group = "cell",
		                    .name = wire("www.example"),
		                    .type = 28,
		                    .client = &client,
		                    .wall_s = 77,
		                    .n_aliases = 6 };
	for (unsigned i = 0; i < 6; i++)
		q.aliases[i] = wire("cdn.example");
	assert_int_equal(learn_notes_new(&n), 0);
	assert_null(notes_peek(n));
	learn_put(n, &q);
	const struct learn_note *got = notes_peek(n);
	assert_non_null(got);
	assert_string_equal(got->group, "cell");
	assert_true(name_equal(got->name.wire, wire("www.example")));
	assert_int_equal(got->type, 28);
	assert_int_equal(got->wall_s, 77);
	assert_int_equal(got->n_aliases, NOTE_ALIASES_MAX);
	assert_true(name_equal(got->aliases[3].wire, wire("cdn.example")));
	notes_pop(n);
	assert_null(notes_peek(n));
	learn_notes_free(n);
}

static void what_does_not_fit_is_counted(void **state)
{
	(void)state;
	struct learn_notes *n;
	const struct learn_question q = { .group = "cell",
		                          .name = wire("www.example"),
		                          .client = &client };
	assert_int_equal(learn_notes_new(&n), 0);
	for (unsigned i = 0; i < NOTES_MAX + 5; i++)
		learn_put(n, &q);
	assert_int_equal(notes_take_lost(n), 5);
	assert_int_equal(notes_take_lost(n), 0);
	unsigned count = 0;
	for (; notes_peek(n) != NULL; count++)
		notes_pop(n);
	assert_int_equal(count, NOTES_MAX);
	learn_notes_free(n);
}

static void the_same_is_not_noted_twice_a_minute(void **state)
{
	(void)state;
	struct learn_notes *n;
	struct addr other = client;
	struct learn_question q = { .group = "cell",
		                    .name = wire("www.example"),
		                    .type = 1,
		                    .client = &client,
		                    .wall_s = 1000 };
	assert_int_equal(learn_notes_new(&n), 0);
	assert_true(learn_wants(n, &q));
	assert_false(learn_wants(n, &q));
	q.type = 28;
	assert_true(learn_wants(n, &q));
	other.bytes[15] = 9;
	q.client = &other;
	assert_true(learn_wants(n, &q));
	q.group = "other";
	assert_true(learn_wants(n, &q));
	q.is_denied = true;
	assert_true(learn_wants(n, &q));
	q.wall_s += 3599;
	assert_false(learn_wants(n, &q));
	q.wall_s += 1;
	assert_true(learn_wants(n, &q));
	learn_notes_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_come_out_as_they_went_in),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(the_same_is_not_noted_twice_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
