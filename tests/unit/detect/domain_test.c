/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "detect/detector.h"

static void registries_are_known(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		bool is_registry;
	} rows[] = {
		{ ".", true },
		{ "com", true },
		{ "co.uk", true },
		{ "example.com", false },
		{ "example.co.uk", false },
		{ "www.ck", false },
		{ "github.io", false }, /* gives out names, but is no registry */
		{ "lan", true },        /* a top-level domain that nobody knows */
		{ "a.b.c.d.e.f.com", false },
		{ "\\001.com", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name;
		assert_int_equal(name_from_text(rows[i].name, strlen(rows[i].name), &name), 0);
		if (domain_is_registry(name.wire) != rows[i].is_registry)
			fail_msg("%s", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registries_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
