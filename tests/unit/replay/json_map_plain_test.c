/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ways to find quotes and brackets, whichever the machine uses, say what byte by byte is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "replay/json_map.h"

enum {
	WORD = 64,
	ROUNDS = 200000
};

static void check(const char bytes[WORD])
{
	uint64_t quotes = 0, brackets = 0, got_quotes = 1, got_brackets = 1;
	bool has_escape = false;
	for (unsigned i = 0; i < WORD; i++) {
		uint64_t bit = 1ULL << i;
		quotes |= bytes[i] == '"' ? bit : 0;
		brackets |= bytes[i] != 0 && strchr("{}[]", bytes[i]) != NULL ? bit : 0;
		has_escape |= bytes[i] == '\\';
	}
	bool is_plain = json_map_word(bytes, &got_quotes, &got_brackets);
	assert_int_equal(is_plain, !has_escape);
	if (!is_plain)
		return;
	assert_true(got_quotes == quotes);
	assert_true(got_brackets == brackets);
}

/* Each byte at each place, among others that arithmetic may carry into. */
static void every_byte_at_every_place(void **state)
{
	(void)state;
	static const unsigned char around[] = {
		0, 'a', '"', '{', '!', '#', 0x7f, 0x80, 0xa2, 0xff
	};
	for (size_t k = 0; k < sizeof around; k++) {
		for (unsigned at = 0; at < WORD; at++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				char bytes[WORD];
				memset(bytes, around[k], sizeof bytes);
				bytes[at] = (char)byte;
				check(bytes);
			}
		}
	}
}

static void any_bytes(void **state)
{
	(void)state;
	static const char often[] = "\"{}[]\\:,a1 \x22\x5b\x5d\x7b\x7d\x02\x3b\x1b\xfb\xdb";
	uint64_t x = 88172645463325252;
	for (unsigned i = 0; i < ROUNDS; i++) {
		char bytes[WORD];
		for (unsigned at = 0; at < WORD; at++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			unsigned r = (unsigned)(x >> 24);
			bytes[at] =
				(r & 0x300) != 0 ? (char)r : often[(r >> 10) % (sizeof often - 1)];
			/* Most words have no backslash: those with one say nothing. */
			if (bytes[at] == '\\' && i % 8 != 0)
				bytes[at] = ']';
		}
		check(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
