/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading ahead gives the same items in the same order, whatever their number and their end. */
#include <zlib.h>

#include "file.h"
#include "replay/replay.h"

struct seen {
	unsigned n;
	const struct replay_item *last;
};

static void look(void *arg, const struct replay_item *item)
{
	struct seen *seen = arg;
	char expected[64], text[NAME_TEXT_MAX];
	snprintf(expected, sizeof expected, "n%u.example", seen->n);
	name_to_text(item->name.wire, text);
	assert_string_equal(text, expected);
	seen->n++;
	seen->last = item;
}

static size_t write_lines(char *to, size_t room, unsigned n)
{
	size_t at = 0;
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(to + at, room - at,
		                       "client 192.0.2.7#1: query: n%u.example IN A\n"
		                       "client 192.0.2.7#1: query: a..b IN A\n",
		                       i);
	return at;
}

enum {
	MOST = 5000,
	ROOM = MOST * 100
};

static char text[ROOM];
static Bytef packed[ROOM];

static void any_number_of_them(void **state)
{
	(void)state;
	static const unsigned numbers[] = { 1, 2, 31, 32, 33, 127, 128, 129, 1000, MOST };
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct file f = file_of(text, write_lines(text, sizeof text, numbers[i]));
		struct replay_source *s;
		struct seen seen = { 0 };
		char why[REPLAY_WHY_MAX];
		uint64_t first;
		assert_int_equal(replay_open(f.path, REPLAY_BIND, &s, why), 0);
		assert_int_equal(replay_each(s, look, &seen), REPLAY_END);
		assert_int_equal(seen.n, numbers[i]);
		assert_int_equal(replay_skipped(s, REPLAY_SKIP_NAME, &first), numbers[i]);
		assert_int_equal(first, 2);
		replay_close(s);
		file_done(&f);
	}
}

/* What came before counts, and why it ended is told. */
static void one_that_is_cut_off(void **state)
{
	(void)state;
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)text;
	z.avail_in = (uInt)write_lines(text, sizeof text, MOST);
	z.next_out = packed;
	z.avail_out = sizeof packed;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	const struct file f = file_of(packed, z.total_out / 2);
	deflateEnd(&z);
	struct replay_source *s;
	struct seen seen = { 0 };
	char why[REPLAY_WHY_MAX];
	assert_int_equal(replay_open(f.path, REPLAY_BIND, &s, why), 0);
	assert_int_equal(replay_each(s, look, &seen), REPLAY_FAILED);
	assert_true(seen.n > 100 && seen.n < MOST);
	assert_true(strlen(replay_error(s)) > 0);
	replay_close(s);
	file_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_them),
		cmocka_unit_test(one_that_is_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
