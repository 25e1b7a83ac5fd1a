/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/programs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"

static void headers_are_known(void **state)
{
	(void)state;
	static const struct {
		const char *why, *bytes;
		size_t n;
		enum program_kind kind;
	} rows[] = {
#define ROW(why, bytes, kind) { why, bytes, sizeof(bytes) - 1, kind }
		ROW("linkers write this", "MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0", PROGRAM_PROGRAM),
		ROW("two letters", "MZ is a country code of Mozambique, a DNS joke", PROGRAM_NONE),
		ROW("a loader", "MZARUH\x89\xe5\x48\x81\xec\x20\0\0\0\0", PROGRAM_PROGRAM),
		ROW("cut off", "MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0", PROGRAM_NONE),
		ROW("ELF, 64 bit", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0", PROGRAM_PROGRAM),
		ROW("ELF of class 7", "\177ELF\7\1\1\0\0\0\0\0\0\0\0\0\2\0", PROGRAM_NONE),
		ROW("Mach-O, arm64", "\xcf\xfa\xed\xfe\x0c\0\0\1\0\0\0\0\2\0\0\0", PROGRAM_PROGRAM),
		ROW("Mach-O, of no processor", "\xcf\xfa\xed\xfe\0\0\0\0\0\0\0\0\2\0\0\0",
		    PROGRAM_NONE),
		ROW("Java 17", "\xca\xfe\xba\xbe\0\0\0\x3d\0\0", PROGRAM_PROGRAM),
		ROW("gzip", "\x1f\x8b\x08\0\0\0\0\0\0\3\1\2\3\4\5\6\7\x08", PROGRAM_ARCHIVE),
		ROW("gzip, no such flags", "\x1f\x8b\x08\xe0\0\0\0\0\0\3\1\2\3\4\5\6\7\x08",
		    PROGRAM_NONE),
		ROW("zip", "PK\3\4\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0",
		    PROGRAM_ARCHIVE),
		ROW("words", "PK is short for many things, and this is a text", PROGRAM_NONE),
		ROW("nothing", "", PROGRAM_NONE),
#undef ROW
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *what;
		enum program_kind k =
			program_look((const uint8_t *)rows[i].bytes, rows[i].n, &what);
		if (k != rows[i].kind || (k == PROGRAM_NONE) != (what[0] == '\0'))
			fail_msg("%s: %d, %s", rows[i].why, (int)k, what);
	}
}

/* No usual header, but where it says that the PE header is there is one. */
static void the_pe_header_counts(void **state)
{
	(void)state;
	uint8_t b[256] = "MZ";
	const char *what;
	b[0x3c] = 0x80;
	assert_int_equal(program_look(b, sizeof b, &what), PROGRAM_NONE);
	memcpy(b + 0x80, "PE\0", 4);
	assert_int_equal(program_look(b, sizeof b, &what), PROGRAM_PROGRAM);
	/* Cut off before it: the words of the stub are there. */
	assert_int_equal(program_look(b, 0x80, &what), PROGRAM_NONE);
	memcpy(b + 0x4e, "This program cannot be run in DOS mode", 38);
	assert_int_equal(program_look(b, 0x80, &what), PROGRAM_PROGRAM);
}

static void this_program_is_one(void **state)
{
	(void)state;
	uint8_t b[64];
	const char *what;
	FILE *f = fopen("/proc/self/exe", "rb");
	assert_non_null(f);
	assert_int_equal(fread(b, 1, sizeof b, f), sizeof b);
	fclose(f);
	assert_int_equal(program_look(b, sizeof b, &what), PROGRAM_PROGRAM);
	assert_string_equal(what, "an ELF program");
}

static void random_bytes_are_none(void **state)
{
	(void)state;
	uint64_t x = 88172645463325252ULL;
	for (unsigned i = 0; i < 2000000; i++) {
		uint64_t b[4];
		const char *what;
		for (unsigned k = 0; k < 4; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			b[k] = x;
		}
		if (program_look((const uint8_t *)b, sizeof b, &what) != PROGRAM_NONE)
			fail_msg("%u: %s", i, what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_known),
		cmocka_unit_test(the_pe_header_counts),
		cmocka_unit_test(this_program_is_one),
		cmocka_unit_test(random_bytes_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
