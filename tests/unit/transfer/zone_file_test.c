/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/zone_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SOA1 "rpz.\t300\tSOA\tns. h. 1 60 30 86400 5"
#define SOA2 "rpz.\t300\tSOA\tns. h. 2 60 30 86400 5"

static char folder[64], path[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/zone_file_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/zone", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void write_zone(const char *soa, const char *lines)
{
	struct zone_writer w;
	assert_int_equal(zone_writer_open(&w, path, "a test", soa), 0);
	for (const char *p = lines; *p != 0; p++)
		assert_int_equal(zone_writer_add(&w, p, 1), 0);
	assert_int_equal(zone_writer_commit(&w), 0);
}

static void expect_zone(uint32_t serial, const char *lines)
{
	struct zone_reader r;
	char all[100];
	size_t n = 0;
	int e;
	assert_int_equal(zone_reader_open(&r, path, NULL), 0);
	assert_int_equal(r.numbers.serial, serial);
	while ((e = zone_reader_next(&r)) == 1)
		all[n++] = r.line[0];
	all[n] = 0;
	assert_int_equal(e, 0);
	assert_string_equal(all, lines);
	zone_reader_close(&r);
}

static void versions_replace_each_other(void **state)
{
	(void)state;
	struct zone_writer w;
	struct name other;
	struct zone_reader r;
	write_zone(SOA1, "abc");
	expect_zone(1, "abc");
	assert_int_equal(zone_writer_open(&w, path, "given up", SOA2), 0);
	assert_int_equal(zone_writer_add(&w, "x", 1), 0);
	expect_zone(1, "abc");
	zone_writer_abandon(&w);
	expect_zone(1, "abc");
	write_zone(SOA2, "");
	expect_zone(2, "");
	assert_int_equal(name_from_text("other.", 6, &other), 0);
	assert_int_equal(zone_reader_open(&r, path, &other), -EBADMSG);
	assert_int_equal(name_from_text("rpz.", 4, &other), 0);
	assert_int_equal(zone_reader_open(&r, path, &other), 0);
	zone_reader_close(&r);
}

static void what_is_no_zone_is_told(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "; only\n", "garbage\n", SOA1,
		                             "x.\t5\tA\t1.2.3.4\n" };
	struct zone_reader r;
	unlink(path);
	assert_int_equal(zone_reader_open(&r, path, NULL), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(texts[i], f);
		fclose(f);
		assert_int_equal(zone_reader_open(&r, path, NULL), -EBADMSG);
	}
}

static void limits_hold(void **state)
{
	(void)state;
	struct zone_writer w;
	assert_int_equal(zone_writer_open(&w, path, "small", SOA1), 0);
	w.max_bytes = 4;
	assert_int_equal(zone_writer_add(&w, "a", 1), 0);
	assert_int_equal(zone_writer_add(&w, "b", 1), 0);
	assert_int_equal(zone_writer_add(&w, "c", 1), -EFBIG);
	zone_writer_abandon(&w);
}

static const struct {
	const char *why, *old, *delta, *expected; /* expected NULL: they do not fit */
} rows[] = {
	{ "nothing", "abc", "", "abc" },
	{ "all kinds", "bdf", "+a -b +c -d +g", "acfg" },
	{ "to nothing", "ab", "-a -b", "" },
	{ "from nothing", "", "+a +b", "ab" },
	{ "deleted one is not there", "ac", "-b", NULL },
	{ "deleted one behind the end", "ac", "-d", NULL },
	{ "added one is there", "abc", "+b", NULL },
};

static void apply(size_t i)
{
	struct delta d = { 0 };
	struct zone_reader r;
	struct zone_writer w;
	write_zone(SOA1, rows[i].old);
	for (const char *p = rows[i].delta; *p != 0; p += p[2] == ' ' ? 3 : 2)
		assert_int_equal(delta_add(&d, p[0] == '+', p + 1, 1), 0);
	assert_int_equal(delta_seal(&d), 0);
	assert_int_equal(zone_reader_open(&r, path, NULL), 0);
	assert_int_equal(zone_writer_open(&w, path, "next", SOA2), 0);
	int e = zone_file_apply(&r, &d, zone_writer_add, &w);
	assert_int_equal(e, rows[i].expected == NULL ? -ESTALE : 0);
	zone_reader_close(&r);
	if (e == 0) {
		assert_int_equal(zone_writer_commit(&w), 0);
		expect_zone(2, rows[i].expected);
	} else {
		zone_writer_abandon(&w);
		expect_zone(1, rows[i].old);
	}
	delta_done(&d);
}

static void deltas_are_applied(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		apply(i);
}

static void versions_are_compared(void **state)
{
	(void)state;
	struct zone_reader before, now;
	struct delta d = { 0 };
	write_zone(SOA1, "abdx");
	assert_int_equal(zone_reader_open(&before, path, NULL), 0); /* keeps what it opened */
	write_zone(SOA2, "bcdyz");
	assert_int_equal(zone_reader_open(&now, path, NULL), 0);
	assert_int_equal(zone_file_compare(&before, &now, &d), 0);
	char text[32];
	for (size_t i = 0; i < d.n_lines; i++) {
		text[2 * i] = d.lines[i].is_add ? '+' : '-';
		text[2 * i + 1] = delta_text(&d, i)[0];
	}
	text[2 * d.n_lines] = 0;
	assert_string_equal(text, "-a+c-x+y+z");
	delta_done(&d);
	zone_reader_close(&before);
	zone_reader_close(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_replace_each_other),
		cmocka_unit_test(what_is_no_zone_is_told),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(deltas_are_applied),
		cmocka_unit_test(versions_are_compared),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
