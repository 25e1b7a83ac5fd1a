/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static char folder[] = "/tmp/weir-reader-XXXXXX";
static char path[64];

static void put(const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* The lines joined by '|', '!' for one that is too long; "E" and the error at the end. */
static void read_all(uint64_t max_bytes, char *ret, size_t room)
{
	struct reader *r;
	const char *why = "", *line;
	size_t n, at = 0;
	enum reader_got got;
	ret[0] = 0;
	int e = reader_open(path, max_bytes, &r, &why);
	if (e != 0) {
		snprintf(ret, room, "E%d", -e);
		return;
	}
	while ((got = reader_next(r, &line, &n)) == READER_LINE || got == READER_LONG) {
		if (n > 40)
			n = 40;
		at += (size_t)snprintf(ret + at, room - at, "%s%.*s|",
		                       got == READER_LONG ? "!" : "", (int)n, line);
	}
	if (got == READER_FAILED) {
		e = reader_error(r, &why);
		assert_non_null(why);
		snprintf(ret + at, room - at, "E%d", -e);
	}
	reader_close(r);
}

static size_t gzip(const void *text, size_t n, uint8_t *ret, size_t room)
{
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	z.next_in = (Bytef *)text;
	z.avail_in = (uInt)n;
	z.next_out = ret;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static size_t xz(const void *text, size_t n, uint8_t *ret, size_t room)
{
	size_t at = 0;
	assert_int_equal(
		lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, text, n, ret, &at, room),
		LZMA_OK);
	return at;
}

static void ends_of_lines(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected;
	} rows[] = {
		{ "", "" },
		{ "\n", "|" },
		{ "a\nb\n", "a|b|" },
		{ "a\nb", "a|b|" },
		{ "a\r\nb\r\n", "a|b|" },
		{ "a\rb\r", "a|b|" },
		{ "a\r\rb\n\nc", "a||b||c|" },
		{ "\xef\xbb\xbf"
		  "a\n",
		  "a|" },
		{ "a\n\xef\xbb\xbf"
		  "b",
		  "a|\xef\xbb\xbf"
		  "b|" },
		{ "\xff\xfe"
		  "a",
		  "E84" },
		{ "\x28\xb5\x2f\xfd....", "E84" },
		{ "BZh91AY", "E84" },
		{ "PK\x03\x04", "E84" },
	};
	char got[256];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put(rows[i].text, strlen(rows[i].text));
		read_all(1 << 20, got, sizeof got);
		assert_string_equal(got, rows[i].expected);
	}
}

static void compressed(void **state)
{
	(void)state;
	uint8_t z[512];
	char got[256];
	size_t n = gzip("a\nb\n", 4, z, sizeof z);
	put(z, n);
	read_all(1 << 20, got, sizeof got);
	assert_string_equal(got, "a|b|");

	size_t m = gzip("c", 1, z + n, sizeof z - n); /* a second member, then padding */
	memset(z + n + m, 0, 20);
	put(z, n + m + 20);
	read_all(1 << 20, got, sizeof got);
	assert_string_equal(got, "a|b|c|");

	memcpy(z + n, "garbage", 7);
	put(z, n + 7);
	read_all(1 << 20, got, sizeof got);
	assert_string_equal(got, "a|b|E74");

	n = xz("a\nb\n", 4, z, sizeof z);
	put(z, n);
	read_all(1 << 20, got, sizeof got);
	assert_string_equal(got, "a|b|");
	m = xz("c", 1, z + n, sizeof z - n);
	put(z, n + m);
	read_all(1 << 20, got, sizeof got);
	assert_string_equal(got, "a|b|c|");
}

/* Whatever is cut off or changed, the end is an error, never a shorter list. */
static void cut_and_damaged(void **state)
{
	(void)state;
	static char text[3000];
	uint8_t z[4096];
	static char got[2 * sizeof text + 16], whole[sizeof got];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 20 == 19 ? '\n' : (char)('a' + i * 7 % 26);
	for (int is_xz = 0; is_xz < 2; is_xz++) {
		size_t n = is_xz ? xz(text, sizeof text, z, sizeof z)
		                 : gzip(text, sizeof text, z, sizeof z);
		put(z, n);
		read_all(1 << 20, whole, sizeof whole);
		assert_int_equal(strlen(whole), sizeof text);
		for (size_t cut = 6; cut < n; cut++) { /* 6: enough to be known by */
			put(z, cut);
			read_all(1 << 20, got, sizeof got);
			if (strchr(got, 'E') == NULL)
				fail_msg("cut at %zu of %zu: %s", cut, n, got);
		}
		for (size_t at = 10; at < n; at += 3) {
			z[at] ^= 0x10;
			put(z, n);
			read_all(1 << 20, got, sizeof got);
			/* Not every bit means something: the text may still be the same. */
			if (strchr(got, 'E') == NULL && strcmp(got, whole) != 0)
				fail_msg("changed at %zu of %zu: %s", at, n, got);
			z[at] ^= 0x10;
		}
	}
}

static void long_lines(void **state)
{
	(void)state;
	static char text[4 * READER_LINE_MAX + 16];
	static char got[512];
	static const size_t lengths[] = { READER_LINE_MAX + 1, 2 * READER_LINE_MAX,
		                          2 * READER_LINE_MAX + 1, 4 * READER_LINE_MAX };
	memset(text, 'x', sizeof text);
	text[READER_LINE_MAX] = '\n';
	text[READER_LINE_MAX + 1] = 'y';
	put(text, READER_LINE_MAX + 2);
	read_all(1 << 20, got, sizeof got);
	assert_string_equal(got, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|y|");
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		memset(text, 'x', sizeof text);
		put(text, lengths[i]); /* it is the last line */
		read_all(1 << 20, got, sizeof got);
		assert_string_equal(got, "!xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|");
		memcpy(text + lengths[i], "\r\nab\n", 5);
		put(text, lengths[i] + 5);
		read_all(1 << 20, got, sizeof got);
		assert_string_equal(got, "!xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx|ab|");
	}
}

/* CR LF on both sides of the end of a buffer, for every place of it. */
static void line_ends_at_the_end_of_buffers(void **state)
{
	(void)state;
	static char text[2 * READER_LINE_MAX + 64];
	static char got[256];
	for (size_t shift = 0; shift < 4; shift++) {
		memset(text, 'x', sizeof text);
		for (size_t i = 0; i < 4; i++) /* lines that end just around 128 KiB */
			text[READER_LINE_MAX / 2 * (i + 1) - 1 - shift] = '\n';
		size_t at = 2 * READER_LINE_MAX - shift;
		memcpy(text + at, "\r\nend\r\n", 7);
		put(text, at + 7);
		read_all(1 << 20, got, sizeof got);
		const char *end = strrchr(got, 'x');
		assert_non_null(end);
		assert_string_equal(end + 1, end[2] == '|' ? "||end|" : "|end|");
	}
}

static void not_files(void **state)
{
	(void)state;
	struct reader *r;
	const char *why;
	char fifo[80];
	assert_int_equal(reader_open(folder, 1, &r, &why), -ENOTSUP);
	assert_string_equal(why, "is a directory");
	assert_int_equal(reader_open("/dev/zero", 1, &r, &why), -ENOTSUP);
	assert_int_equal(reader_open("/nonexistent/x", 1, &r, &why), -ENOENT);
	snprintf(fifo, sizeof fifo, "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(reader_open(fifo, 1, &r, &why), -ENOTSUP); /* and does not wait */
	unlink(fifo);
}

static void sizes(void **state)
{
	(void)state;
	char got[256];
	uint8_t z[8192];
	static char zeros[1 << 20];
	put("abc\nde\n", 7);
	read_all(7, got, sizeof got);
	assert_string_equal(got, "abc|de|");
	read_all(6, got, sizeof got);
	assert_non_null(strstr(got, "E27"));
	/* A small file of much text: what counts is the text. */
	put(z, gzip(zeros, sizeof zeros, z, sizeof z));
	read_all(1 << 19, got, sizeof got);
	assert_non_null(strstr(got, "E27"));
	/* A hole of 2 GiB in one line takes no memory, and no time to speak of. */
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	close(fd);
	read_all(1ULL << 40, got, sizeof got);
	assert_int_equal(got[0], '!');
}

static int set_up(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/list", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_of_lines),
		cmocka_unit_test(compressed),
		cmocka_unit_test(cut_and_damaged),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(line_ends_at_the_end_of_buffers),
		cmocka_unit_test(not_files),
		cmocka_unit_test(sizes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
