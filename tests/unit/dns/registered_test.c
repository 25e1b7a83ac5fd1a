/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/registered.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void registered_domains(void **state)
{
	(void)state;
	static const struct {
		const char *why, *name, *expected; /* NULL: none */
	} rows[] = {
		{ "the root", ".", NULL },
		{ "a top-level domain", "com", NULL },
		{ "itself", "example.com", "example.com" },
		{ "below", "a.b.example.com", "example.com" },
		{ "a suffix of two labels", "co.uk", NULL },
		{ "below it", "www.example.co.uk", "example.co.uk" },
		{ "*.ck", "a.b.co.ck", "b.co.ck" },
		{ "!www.ck", "a.www.ck", "www.ck" },
		{ "others than registries", "x.user.github.io", "user.github.io" },
		{ "above a suffix, and none", "amazonaws.com.cn", "amazonaws.com.cn" },
		{ "a gap in the tree of suffixes", "y.compute.amazonaws.com.cn", NULL },
		{ "below the gap's end", "a.x.y.compute.amazonaws.com.cn",
		  "x.y.compute.amazonaws.com.cn" },
		{ "a top-level domain nobody knows", "a.printer.lan", "printer.lan" },
		{ "by itself", "lan", NULL },
		{ "an IDN suffix", "www.xn--bcher-kva.xn--55qx5d.cn",
		  "xn--bcher-kva.xn--55qx5d.cn" },
		{ "a dot in a label is none", "a\\.co.uk", "a\\.co.uk" },
		{ "bytes of any kind", "\\000.\\255\\032.com", "\\255\\032.com" },
		{ "more labels than suffixes have", "a.b.c.d.e.f.g.h.i.j.k.l.example.co.uk",
		  "example.co.uk" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct name name, expected;
		assert_int_equal(name_from_text(rows[i].name, strlen(rows[i].name), &name), 0);
		const uint8_t *got = name_registered(name.wire);
		if (rows[i].expected == NULL) {
			if (got != NULL)
				fail_msg("%s: something", rows[i].why);
			continue;
		}
		assert_int_equal(
			name_from_text(rows[i].expected, strlen(rows[i].expected), &expected), 0);
		if (got == NULL || !name_equal(got, expected.wire))
			fail_msg("%s", rows[i].why);
		/* A part of the name that was given. */
		assert_ptr_equal(got, name.wire + name.len - expected.len);
	}
}

static void the_longest_name(void **state)
{
	(void)state;
	struct name name;
	memset(name.wire, 0, sizeof name.wire);
	for (unsigned i = 0; i < 127; i++) {
		name.wire[2 * i] = 1;
		name.wire[2 * i + 1] = 'a';
	}
	const uint8_t *got = name_registered(name.wire);
	assert_ptr_equal(got, name.wire + 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registered_domains),
		cmocka_unit_test(the_longest_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
