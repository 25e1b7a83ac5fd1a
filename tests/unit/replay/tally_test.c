/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/tally.h"

#include "base/random.h"
#include "file.h"

static void few_texts_are_exact(void **state)
{
	(void)state;
	struct tally *t;
	struct tally_entry e[4];
	assert_int_equal(tally_new(100, &t), 0);
	for (unsigned i = 0; i < 10; i++)
		tally_add(t, "often", i < 9 ? "old" : "new");
	tally_add(t, "a", "");
	tally_add(t, "b", "");
	tally_add(t, "b", "");
	assert_int_equal(tally_top(t, e, 2), 2);
	assert_string_equal(e[0].text, "often");
	assert_string_equal(e[0].note, "new");
	assert_int_equal(e[0].count, 10);
	assert_string_equal(e[1].text, "b");
	assert_int_equal(tally_count(t), 3);
	assert_int_equal(tally_error(t), 0);
	tally_free(t);
}

/* What comes often is kept among a hundred thousand that come once, and its bound holds. */
static void the_frequent_survive(void **state)
{
	(void)state;
	struct tally *t;
	struct tally_entry e[10];
	char text[32];
	assert_int_equal(tally_new(1000, &t), 0);
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof text, "rare-%u", i);
		tally_add(t, text, "");
		snprintf(text, sizeof text, "often-%u", i % 10);
		tally_add(t, text, "note");
	}
	assert_true(tally_count(t) <= 1000);
	assert_true(tally_error(t) > 0 && tally_error(t) < 1000);
	assert_int_equal(tally_top(t, e, 10), 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_memory_equal(e[i].text, "often-", 6);
		assert_true(e[i].count <= 10000 && e[i].count + tally_error(t) >= 10000);
	}
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_texts_are_exact),
		cmocka_unit_test(the_frequent_survive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
