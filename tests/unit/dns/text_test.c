/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dns/message.h"

static void test_types(void **state)
{
	(void)state;
	static const struct {
		uint16_t type;
		const char *text;
	} rows[] = {
		{ DNS_A, "A" },         { DNS_AAAA, "AAAA" },   { DNS_HTTPS, "HTTPS" },
		{ DNS_NSEC3, "NSEC3" }, { DNS_ANY, "ANY" },     { 65280, "TYPE65280" },
		{ 0, "TYPE0" },         { 65535, "TYPE65535" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[DNS_TYPE_TEXT_MAX];
		uint16_t type = 12345;
		assert_string_equal(dns_type_text(rows[i].type, text), rows[i].text);
		assert_int_equal(dns_type_from_text(rows[i].text, &type), 0);
		assert_int_equal(type, rows[i].type);
	}
	/* All of them, there and back. */
	for (unsigned type = 0; type <= 65535; type++) {
		char text[DNS_TYPE_TEXT_MAX];
		uint16_t back;
		dns_type_text((uint16_t)type, text);
		assert_true(text[0] != 0 && strlen(text) < sizeof text);
		assert_int_equal(dns_type_from_text(text, &back), 0);
		assert_int_equal(back, type);
	}
}

static void test_bad_types(void **state)
{
	(void)state;
	static const char *const rows[] = { "",       "NOTATYPE", "TYPE",   "TYPE65536",
		                            "TYPE-1", "A ",       "TYPE1x", " A" };
	uint16_t type = 12345;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("'%s'\n", rows[i]);
		assert_int_equal(dns_type_from_text(rows[i], &type), -EINVAL);
		assert_int_equal(type, 12345);
	}
	assert_int_equal(dns_type_from_text("aaaa", &type), 0);
	assert_int_equal(type, DNS_AAAA);
}

static void test_codes(void **state)
{
	(void)state;
	assert_string_equal(dns_rcode_text(0), "NOERROR");
	assert_string_equal(dns_rcode_text(3), "NXDOMAIN");
	assert_string_equal(dns_rcode_text(RCODE_BADCOOKIE), "BADCOOKIE");
	assert_string_equal(dns_rcode_text(4000), "RCODE");
	assert_string_equal(dns_ede_text(15), "Blocked");
	assert_string_equal(dns_ede_text(60000), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_bad_types),
		cmocka_unit_test(test_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
