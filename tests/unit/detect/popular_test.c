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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_many_use_is_there),
		cmocka_unit_test(others_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
