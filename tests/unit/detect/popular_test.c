/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/popular.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/name.h"

static bool has(const char *text)
{
	struct name name;
	assert_int_equal(name_from_text(text, strlen(text), &name), 0);
	return popular_has(name.wire);
}

static void what_many_use_is_there(void **state)
{
	(void)state;
	static const char *const popular[] = { "google.com", "wikipedia.org", "bbc.co.uk",
		                               "facebook.com", "amazon.de" };
	for (size_t i = 0; i < ARRAY_LEN(popular); i++) {
		if (!has(popular[i]))
			fail_msg("%s", popular[i]);
	}
	assert_true(popular_count() > 100000);
}

static void others_are_not(void **state)
{
	(void)state;
	assert_false(has("com"));
	assert_false(has("www.google.com"));
	assert_false(has("tunnel.example"));
	for (unsigned i = 0; i < 100000; i++) {
		char name[40];
		snprintf(name, sizeof name, "weir-test-%u.example", i);
		if (has(name))
			fail_msg("%s", name);
	}
}

static void the_filter_says_the_same(void **state)
{
	(void)state;
	static uint64_t words[POPULAR_WORDS];
	static const char *const popular[] = { "google.com", "bbc.co.uk", "amazon.de" };
	struct name name;
	unsigned n_set = 0;
	popular_fill(words);
	for (size_t i = 0; i < ARRAY_LEN(popular); i++) {
		assert_int_equal(name_from_text(popular[i], strlen(popular[i]), &name), 0);
		assert_true(popular_has_filtered(words, name.wire));
	}
	for (unsigned i = 0; i < 10000; i++) {
		char text[40];
		snprintf(text, sizeof text, "weir-test-%u.example", i);
		assert_int_equal(name_from_text(text, strlen(text), &name), 0);
		assert_false(popular_has_filtered(words, name.wire));
	}
	/* As empty as it has to be to be of use. */
	for (unsigned i = 0; i < POPULAR_WORDS; i++)
		n_set += (unsigned)__builtin_popcountll(words[i]);
	assert_in_range(n_set, POPULAR_WORDS * 4, POPULAR_WORDS * 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_many_use_is_there),
		cmocka_unit_test(others_are_not),
		cmocka_unit_test(the_filter_says_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
