/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "dns/message.h"

/* Three messages: 12, 300 and 13 bytes, each filled with its number. */
static const size_t sizes[] = { 12, 300, 13 };
static uint8_t stream[512];
static size_t n_stream;

static int set_up(void **state)
{
	(void)state;
	n_stream = 0;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		store16(stream + n_stream, (uint16_t)sizes[i]);
		memset(stream + n_stream + 2, (int)i + 1, sizes[i]);
		n_stream += 2 + sizes[i];
	}
	return 0;
}

/* However it is cut into pieces of `piece` bytes, the same messages come out. */
static void test_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece <= n_stream; piece++) {
		struct frame f = { 0 };
		size_t n_messages = 0;
		for (size_t from = 0; from < n_stream; from += piece) {
			const uint8_t *at = stream + from;
			size_t left = piece < n_stream - from ? piece : n_stream - from;
			const uint8_t *m;
			size_t n;
			int e;
			while ((e = frame_next(&f, &at, &left, &m, &n)) == 1) {
				assert_int_equal(n, sizes[n_messages]);
				n_messages++;
				for (size_t i = 0; i < n; i++)
					assert_int_equal(m[i], n_messages);
			}
			assert_int_equal(e, 0);
			assert_int_equal(left, 0);
		}
		assert_int_equal(n_messages, ARRAY_LEN(sizes));
		assert_false(frame_is_cut(&f));
		frame_done(&f);
	}
}

static void test_bad_length(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "no message at all", "\0\0abcdefghijklmn", 16 },
		{ "one byte less than a header", "\0\013abcdefghijklmn", 16 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t first = 1; first <= rows[i].n; first++) {
			struct frame f = { 0 };
			const uint8_t *at = (const uint8_t *)rows[i].bytes;
			const uint8_t *m;
			size_t left = first;
			size_t n;
			int e = frame_next(&f, &at, &left, &m, &n);
			if (e == 0) {
				left = rows[i].n - first;
				e = frame_next(&f, &at, &left, &m, &n);
			}
			if (e != -EBADMSG)
				fail_msg("%s, cut at %zu: %d", rows[i].why, first, e);
			frame_done(&f);
		}
	}
}

static void test_cut(void **state)
{
	(void)state;
	struct frame f = { 0 };
	const uint8_t *at = stream;
	const uint8_t *m;
	size_t n;
	for (size_t i = 0; i < 13; i++) {
		size_t left = 1;
		assert_int_equal(frame_next(&f, &at, &left, &m, &n), 0);
		assert_true(frame_is_cut(&f));
	}
	frame_done(&f);
	assert_false(frame_is_cut(&f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pieces, set_up),
		cmocka_unit_test(test_bad_length),
		cmocka_unit_test_setup(test_cut, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
