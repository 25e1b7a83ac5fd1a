/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/input.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>

#include "file.h"

enum {
	ROOM = 1 << 20
};

static uint8_t packed[ROOM];

static size_t pack_gzip(const void *bytes, size_t n, uint8_t *to)
{
	z_stream z = { .next_in = (void *)(uintptr_t)bytes,
		       .avail_in = (unsigned)n,
		       .next_out = to,
		       .avail_out = ROOM / 2 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
	                 Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return ROOM / 2 - z.avail_out;
}

static size_t pack_xz(const void *bytes, size_t n)
{
	size_t at = 0;
	assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, bytes, n, packed, &at,
	                                         sizeof packed),
	                 LZMA_OK);
	return at;
}

/* The lines of a file, with a bar behind each; "L" for one that is too long, "F" for a failure. */
static const char *lines_of(const void *bytes, size_t n)
{
	static char text[4096];
	const struct file f = file_of(bytes, n);
	struct input *in;
	const char *line;
	size_t len, at = 0;
	enum input_got got;
	assert_int_equal(input_open(f.path, &in), 0);
	while ((got = input_line(in, &line, &len)) == INPUT_LINE || got == INPUT_LONG) {
		if (got == INPUT_LONG)
			text[at++] = 'L';
		else
			at += (size_t)snprintf(text + at, sizeof text - at, "%.*s",
			                       len < 100 ? (int)len : 100, line);
		text[at++] = '|';
	}
	if (got == INPUT_FAILED) {
		assert_non_null(input_error(in));
		text[at++] = 'F';
	} else {
		assert_null(input_error(in));
	}
	text[at] = 0;
	input_close(in);
	file_done(&f);
	return text;
}

static void lines_end_at_lf(void **state)
{
	(void)state;
	assert_string_equal(lines_of("", 0), "");
	assert_string_equal(lines_of("a\nbb\r\n\nc", 8), "a|bb||c|");
	static char big[3 * INPUT_MAX];
	memset(big, 'x', sizeof big);
	big[1] = '\n';
	big[2 * INPUT_MAX + 1] = '\n';
	big[2 * INPUT_MAX + 3] = '\n';
	const char *text = lines_of(big, 2 * INPUT_MAX + 5);
	assert_string_equal(text, "x|L|x|x|");
}

static void compressed_files_are_read(void **state)
{
	(void)state;
	static const char text[] = "one\ntwo\nthree";
	size_t n = pack_gzip(text, 8, packed);
	n += pack_gzip(text + 8, 5, packed + n);
	assert_string_equal(lines_of(packed, n), "one|two|three|");
	assert_string_equal(lines_of(packed, n - 10), "one|two|F");
	packed[n] = packed[n + 1] = 0; /* padding */
	assert_string_equal(lines_of(packed, n + 2), "one|two|three|");
	n = pack_xz(text, 13);
	assert_string_equal(lines_of(packed, n), "one|two|three|");
	assert_string_equal(lines_of(packed, n - 4), "one|two|F");
	packed[30] ^= 0x55;
	assert_non_null(strchr(lines_of(packed, n), 'F'));
}

static void bytes_are_looked_at_in_place(void **state)
{
	(void)state;
	static uint8_t bytes[5 * INPUT_MAX];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	const struct file f = file_of(bytes, sizeof bytes);
	struct input *in;
	assert_int_equal(input_open(f.path, &in), 0);
	size_t at = 0;
	for (size_t step = 1; at < sizeof bytes; step = step * 3 % INPUT_MAX + 1) {
		size_t have = input_need(in, step);
		size_t left = sizeof bytes - at;
		assert_true(have >= (step < left ? step : left));
		size_t n = step < left ? step : left;
		assert_memory_equal(input_at(in), bytes + at, n);
		input_pass(in, n);
		at += n;
	}
	assert_int_equal(input_need(in, 1), 0);
	input_close(in);
	assert_int_equal(input_open(f.path, &in), 0);
	assert_int_equal(input_pass_over(in, 3 * INPUT_MAX + 7), 3 * INPUT_MAX + 7);
	assert_true(input_need(in, 1) > 0);
	assert_int_equal(*input_at(in), bytes[3 * INPUT_MAX + 7]);
	assert_int_equal(input_pass_over(in, 10 * INPUT_MAX), 2 * INPUT_MAX - 7);
	input_close(in);
	file_done(&f);
}

static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	struct input *in;
	assert_int_equal(input_open("/nowhere/at/all", &in), -ENOENT);
	assert_int_equal(input_open("/", &in), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_at_lf),
		cmocka_unit_test(compressed_files_are_read),
		cmocka_unit_test(bytes_are_looked_at_in_place),
		cmocka_unit_test(what_is_no_file_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
