/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/listname.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feeds/idn.h"

static void names(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected; /* NULL: why */
		enum feeds_skip why;
	} rows[] = {
		/* clang-format off */
		{ "a", "a", 0 },
		{ "A.B", "a.b", 0 },
		{ "a.b.", "a.b", 0 },
		{ "-a-.b", "-a-.b", 0 },
		{ "1a.2b", "1a.2b", 0 },
		{ "", NULL, FEEDS_SKIP_ROOT },
		{ ".", NULL, FEEDS_SKIP_ROOT },
		{ ".a", NULL, FEEDS_SKIP_EMPTY_LABEL },
		{ "a..", NULL, FEEDS_SKIP_EMPTY_LABEL },
		{ "1.2.3.4", NULL, FEEDS_SKIP_ADDRESS },
		{ "1.2.3.4.", NULL, FEEDS_SKIP_ADDRESS },
		{ "a.1", NULL, FEEDS_SKIP_ADDRESS },
		{ "a.0xff", NULL, FEEDS_SKIP_ADDRESS },
		{ "a.0xfg", "a.0xfg", 0 },
		{ "::1", NULL, FEEDS_SKIP_ADDRESS },
		{ "2001:db8::/32", NULL, FEEDS_SKIP_ADDRESS },
		{ "a/b", NULL, FEEDS_SKIP_PATH },
		{ "a:53", NULL, FEEDS_SKIP_PATH },
		{ "/a", NULL, FEEDS_SKIP_BAD_CHARACTER },
		{ "</a>", NULL, FEEDS_SKIP_BAD_CHARACTER },
		{ "a b", NULL, FEEDS_SKIP_BAD_CHARACTER },
		{ "a%b", NULL, FEEDS_SKIP_BAD_CHARACTER },
		{ "*.a", NULL, FEEDS_SKIP_STAR },
		{ "ftp://a", NULL, FEEDS_SKIP_URL },
		{ "a\\.", "a\\046", 0 },
		{ "a\\", NULL, FEEDS_SKIP_BAD_CHARACTER },
		{ "a\\.b c", NULL, FEEDS_SKIP_BAD_CHARACTER },
		{ "a.\\049", NULL, FEEDS_SKIP_ADDRESS },
		{ "\xc3\xbc", "xn--tda", 0 },
		{ "stra\xc3\x9f" "e.example", "xn--strae-oqa.example", 0 },
		{ "\xc3\xbc..a", NULL, FEEDS_SKIP_EMPTY_LABEL },
		{ "\xc3\xbc.a.", "xn--tda.a", 0 },
		{ "\xc3", NULL, FEEDS_SKIP_IDN },
		{ "\xc3\xbc<a", NULL, FEEDS_SKIP_BAD_CHARACTER },
		/* clang-format on */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name = { .len = 77 };
		char text[NAME_TEXT_MAX];
		enum feeds_skip why = listname_read(rows[i].text, strlen(rows[i].text), &name);
		if (why != rows[i].why)
			fail_msg("%s: %s", rows[i].text, feeds_skip_text(why));
		if (why != FEEDS_SKIP_NONE) {
			assert_int_equal(name.len, 77); /* untouched */
			continue;
		}
		name_to_text(name.wire, text);
		assert_string_equal(text, rows[i].expected);
		assert_int_equal(name_check(name.wire, name.len), name.len);
	}
}

static void long_names_of_other_scripts(void **state)
{
	(void)state;
	char text[2000], ascii[IDN_ASCII_MAX];
	for (size_t i = 0; i < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	assert_int_equal(idn_to_ascii(text, 128, ascii), -EINVAL); /* one label of 64 letters */
	assert_int_equal(idn_to_ascii(text, sizeof text, ascii), -EINVAL);
	assert_int_equal(idn_to_ascii("a\0b", 3, ascii), -EINVAL);
	struct name name;
	assert_int_equal(listname_read(text, sizeof text, &name), FEEDS_SKIP_IDN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(long_names_of_other_scripts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
