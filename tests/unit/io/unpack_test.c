/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/unpack.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	TEXT = 200000,
	ROOM = 2 * TEXT + 1000,
};

static uint8_t text[TEXT], packed[ROOM], out[ROOM];

static size_t pack_gzip(uint8_t *to)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
	                 Z_OK);
	z.next_in = text;
	z.avail_in = TEXT;
	z.next_out = to;
	z.avail_out = TEXT;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t n = z.total_out;
	deflateEnd(&z);
	return n;
}

static size_t pack_xz(uint8_t *to)
{
	size_t n = 0;
	assert_int_equal(
		lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, text, TEXT, to, &n, TEXT),
		LZMA_OK);
	return n;
}

/* All of it, in pieces of so many bytes in and out; what came last, and how much came out. */
static int unpack(const uint8_t *from, size_t n, size_t piece_in, size_t piece_out, size_t *ret_n)
{
	struct unpack u = { 0 };
	size_t at = 0, to = 0;
	int e = 0;
	assert_int_equal(unpack_start(&u, unpack_kind_of(from, n)), 0);
	assert_int_not_equal(u.kind, UNPACK_PLAIN);
	while (e == 0) {
		size_t in = n - at < piece_in ? n - at : piece_in;
		struct unpack_step s = { .in = from + at,
			                 .n_in = in,
			                 .is_last = at + in == n,
			                 .out = out + to,
			                 .n_out = ROOM - to < piece_out ? ROOM - to : piece_out };
		size_t room = s.n_out;
		e = unpack_run(&u, &s);
		at += in - s.n_in;
		to += room - s.n_out;
		assert_ptr_equal(s.in, from + at);
		assert_ptr_equal(s.out, out + to);
	}
	unpack_done(&u);
	*ret_n = to;
	return e;
}

static void in_pieces_of_any_size(void **state)
{
	(void)state;
	static const size_t pieces[] = { 1, 7, 4096, ROOM };
	for (unsigned is_xz = 0; is_xz < 2; is_xz++) {
		size_t n = is_xz ? pack_xz(packed) : pack_gzip(packed), got;
		for (unsigned i = 0; i < 16; i++) {
			memset(out, 0, sizeof out);
			assert_int_equal(unpack(packed, n, pieces[i / 4], pieces[i % 4], &got), 1);
			assert_int_equal(got, TEXT);
			assert_memory_equal(out, text, TEXT);
		}
	}
}

static void members_are_one_file(void **state)
{
	(void)state;
	size_t got;
	for (unsigned is_xz = 0; is_xz < 2; is_xz++) {
		size_t n = is_xz ? pack_xz(packed) : pack_gzip(packed);
		n += is_xz ? pack_xz(packed + n) : pack_gzip(packed + n);
		memset(packed + n, 0, 512);
		assert_int_equal(unpack(packed, n + 512, 100, 1000, &got), 1);
		assert_int_equal(got, 2 * TEXT);
		assert_memory_equal(out + TEXT, text, TEXT);
		memcpy(packed + n + 100, "more", 4);
		int e = unpack(packed, n + 512, 100, 1000, &got);
		assert_int_equal(e, is_xz ? -EBADMSG : -EILSEQ);
	}
}

static void what_is_damaged_ends_in_an_error(void **state)
{
	(void)state;
	size_t got;
	for (unsigned is_xz = 0; is_xz < 2; is_xz++) {
		size_t n = is_xz ? pack_xz(packed) : pack_gzip(packed);
		for (size_t cut = 20; cut < n; cut += n / 50)
			assert_int_equal(unpack(packed, cut, 1000, 1000, &got), -ENODATA);
		for (size_t at = 30; at < n; at += n / 50) {
			packed[at] ^= 0x55;
			int e = unpack(packed, n, 1000, 1000, &got);
			assert_true(e == -EBADMSG || e == -ENODATA || e == -EILSEQ);
			assert_true(unpack_why(e)[0] != 0);
			packed[at] ^= 0x55;
		}
	}
}

static void other_files_are_plain(void **state)
{
	(void)state;
	assert_int_equal(unpack_kind_of("", 0), UNPACK_PLAIN);
	assert_int_equal(unpack_kind_of("\x1f", 1), UNPACK_PLAIN);
	assert_int_equal(unpack_kind_of("\xfd"
	                                "7zXZ",
	                                5),
	                 UNPACK_PLAIN);
	assert_int_equal(unpack_kind_of("\xfd"
	                                "7zXZ\0",
	                                6),
	                 UNPACK_XZ);
	assert_int_equal(unpack_kind_of("example.com", 11), UNPACK_PLAIN);
	struct unpack u = { 0 };
	assert_int_equal(unpack_start(&u, UNPACK_PLAIN), 0);
	unpack_done(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_pieces_of_any_size),
		cmocka_unit_test(members_are_one_file),
		cmocka_unit_test(what_is_damaged_ends_in_an_error),
		cmocka_unit_test(other_files_are_plain),
	};
	uint32_t x = 1;
	for (size_t i = 0; i < TEXT; i++) {
		x = x * 1103515245 + 12345;
		text[i] = "abcdefghijklmnop"[x >> 28];
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
