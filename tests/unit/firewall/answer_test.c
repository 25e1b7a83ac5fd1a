/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "firewall/table.h"

#define HEAD  "\0\1\201\200\0\1\0\3\0\0\0\0\3www\7example\0\0\1\0\1"
#define A1    "\300\14\0\1\0\1\0\0\0\74\0\4\300\0\2\1"
#define A6    "\300\14\0\34\0\1\0\0\0\5\0\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"
#define ALIAS "\300\14\0\5\0\1\0\0\0\74\0\6\3cdn\300\20"
#define HTTPS                                  \
	"\300\14\0\101\0\1\0\0\0\7\0\51\0\1\0" \
	"\0\1\0\3\2h2"                         \
	"\0\4\0\10\300\0\2\11\300\0\2\12"      \
	"\0\6\0\20\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\2" /* 3 + 7 + 12 + 20 = 42 */

static const char *found(const void *message, size_t n)
{
	static char text[512];
	struct answer_walk it;
	struct addr a;
	uint32_t ttl_s;
	size_t at = 0;
	text[0] = 0;
	answer_walk(&it, message, n);
	while (answer_next(&it, &a, &ttl_s)) {
		char addr[ADDR_TEXT_MAX];
		addr_to_text(&a, addr);
		at += (size_t)snprintf(text + at, sizeof text - at, "%s/%u ", addr, ttl_s);
		assert_true(at < sizeof text);
	}
	return text;
}

static void addresses_are_found(void **state)
{
	(void)state;
	static char three[] = HEAD ALIAS A1 A6;
	assert_string_equal(found(three, sizeof three - 1), "192.0.2.1/60 2001:db8::1/5 ");
	static char https[] = HEAD HTTPS A1;
	char *length = memmem(https, sizeof https, "\0\51\0\1\0", 5);
	assert_non_null(length);
	length[1] = 42;
	https[7] = 2;
	assert_string_equal(found(https, sizeof https - 1),
	                    "192.0.2.9/7 192.0.2.10/7 2001:db8::2/7 192.0.2.1/60 ");
}

static void what_is_cut_off_ends_it(void **state)
{
	(void)state;
	static const char three[] = HEAD ALIAS A1 A6;
	for (size_t n = 0; n < sizeof three - 1; n++) {
		uint8_t copy[sizeof three];
		memcpy(copy, three, n);
		memset(copy + n, 0xff, sizeof copy - n);
		const char *text = found(copy, n);
		assert_true(strcmp(text, "") == 0 || strcmp(text, "192.0.2.1/60 ") == 0);
	}
	assert_string_equal(found("\0\1\201\200\0\0\0\1\0\0\0\0", 12), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_found),
		cmocka_unit_test(what_is_cut_off_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
