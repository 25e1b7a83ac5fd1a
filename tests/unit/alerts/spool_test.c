/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alerts/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], dir[96];

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/weir-spool-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(dir, sizeof dir, "%s/alerts", folder);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct spool *open_it(uint64_t max_bytes)
{
	struct spool *s = NULL;
	assert_int_equal(spool_open(dir, max_bytes, &s), 0);
	return s;
}

static void append(struct spool *s, unsigned from, unsigned n)
{
	char json[64];
	for (unsigned i = from; i < from + n; i++) {
		snprintf(json, sizeof json, "{\"n\":%u}", i);
		assert_int_equal(spool_append(s, i % 4, json), 0);
	}
}

/* Read all that is there; how many, and how many numbers were missing. */
static unsigned read_all(struct spool *s, struct spool_place *p, uint64_t *ret_lost)
{
	struct spool_item item;
	uint64_t lost;
	unsigned n = 0;
	*ret_lost = 0;
	while (spool_read(s, p, ALERT_LOW, &item, &lost) == 0) {
		char json[64];
		snprintf(json, sizeof json, "{\"n\":%llu}", (unsigned long long)item.seq);
		assert_string_equal(item.json, json);
		assert_int_equal(item.severity, item.seq % 4);
		*ret_lost += lost;
		free(item.json);
		n++;
	}
	*ret_lost += lost;
	return n;
}

static void lines_hold_or_not(void **state)
{
	char line[128];
	uint64_t seq;
	enum alert_severity severity;
	(void)state;
	size_t n = spool_line(0x123, ALERT_HIGH, "{}", 2, line);
	assert_int_equal(n, SPOOL_HEAD + 3);
	assert_true(spool_parse(line, n - 1, &seq, &severity));
	assert_int_equal(seq, 0x123);
	assert_int_equal(severity, ALERT_HIGH);
	for (size_t i = 0; i < n - 1; i++) { /* no byte may change */
		line[i] ^= 1;
		assert_false(spool_parse(line, n - 1, &seq, &severity));
		line[i] ^= 1;
	}
	for (size_t i = 0; i < n - 1; i++)
		assert_false(spool_parse(line, i, &seq, &severity));
}

static void what_is_appended_is_read(void **state)
{
	struct spool_place p = { .seq = 1 }, high = { .seq = 1 };
	struct spool_item item;
	uint64_t lost;
	(void)state;
	struct spool *s = open_it(1 << 20);
	assert_int_equal(spool_next(s), 1);
	append(s, 1, 100);
	assert_int_equal(read_all(s, &p, &lost), 100);
	assert_int_equal(lost, 0);
	append(s, 101, 5);
	assert_int_equal(read_all(s, &p, &lost), 5);
	unsigned n = 0;
	for (; spool_read(s, &high, ALERT_CRITICAL, &item, &lost) == 0; n++) {
		assert_int_equal(item.severity, ALERT_CRITICAL);
		assert_int_equal(lost, 0);
		free(item.json);
	}
	assert_int_equal(n, 26);
	spool_close(s);
}

static void a_restart_goes_on(void **state)
{
	uint64_t lost;
	(void)state;
	struct spool *s = open_it(1 << 20);
	append(s, 1, 50);
	spool_close(s);
	s = open_it(1 << 20);
	assert_int_equal(spool_next(s), 51);
	append(s, 51, 50);
	struct spool_place p = { .seq = 1 };
	assert_int_equal(read_all(s, &p, &lost), 100);
	assert_int_equal(lost, 0);
	spool_close(s);
}

static void a_crash_leaves_whole_lines(void **state)
{
	char path[160];
	uint64_t lost;
	(void)state;
	struct spool *s = open_it(1 << 20);
	append(s, 1, 10);
	spool_close(s);
	snprintf(path, sizeof path, "%s/%016x.alerts", dir, 1);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 3), 0); /* the last was not written whole */
	s = open_it(1 << 20);
	assert_int_equal(spool_next(s), 10);
	append(s, 10, 10);
	struct spool_place p = { .seq = 1 };
	assert_int_equal(read_all(s, &p, &lost), 19);
	assert_int_equal(lost, 0);
	spool_close(s);
}

static void a_bad_line_costs_itself_only(void **state)
{
	char path[160], bytes[8];
	uint64_t lost;
	(void)state;
	struct spool *s = open_it(1 << 20);
	append(s, 1, 10);
	spool_close(s);
	snprintf(path, sizeof path, "%s/%016x.alerts", dir, 1);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, bytes, 1, 100), 1);
	bytes[0] ^= 4;
	assert_int_equal(pwrite(fd, bytes, 1, 100), 1);
	close(fd);
	s = open_it(1 << 20);
	assert_int_equal(spool_n_bad(s), 1);
	struct spool_place p = { .seq = 1 };
	assert_int_equal(read_all(s, &p, &lost), 9);
	assert_int_equal(lost, 1);
	spool_close(s);
}

static void the_oldest_go_and_are_counted(void **state)
{
	uint64_t lost;
	(void)state;
	struct spool *s = open_it(128 * 1024);
	append(s, 1, 10000);
	assert_true(spool_bytes(s) <= 128 * 1024);
	assert_true(spool_first(s) > 1);
	struct spool_place p = { .seq = 1 };
	unsigned n = read_all(s, &p, &lost);
	assert_int_equal(n + lost, 10000);
	assert_int_equal(lost, spool_first(s) - 1);
	spool_close(s);
}

static void files_that_were_read_go(void **state)
{
	uint64_t lost;
	(void)state;
	struct spool *s = open_it(128 * 1024);
	append(s, 1, 1000);
	uint64_t before = spool_bytes(s);
	spool_trim(s, 500);
	assert_true(spool_bytes(s) < before);
	assert_true(spool_first(s) <= 500);
	struct spool_place p = { .seq = 500 };
	assert_int_equal(read_all(s, &p, &lost), 501);
	spool_trim(s, spool_next(s));
	assert_int_equal(spool_bytes(s), 0);
	append(s, 1001, 3);
	assert_int_equal(read_all(s, &p, &lost), 3);
	assert_int_equal(lost, 0);
	spool_close(s);
}

/* A disk that is full: lines wait in memory, are read from there, and get to the disk later. */
static void a_full_disk_is_outlived(void **state)
{
	struct rlimit before, none = { 0, RLIM_INFINITY };
	uint64_t lost;
	char json[1024];
	(void)state;
	struct spool *s = open_it(1 << 20);
	append(s, 1, 10);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	append(s, 11, 20);
	assert_int_equal(spool_in_memory(s), 20);
	assert_int_not_equal(spool_error(s), 0);
	struct spool_place p = { .seq = 1 };
	assert_int_equal(read_all(s, &p, &lost), 30);
	assert_int_equal(lost, 0);
	/* memory has an end, too; then who puts an alert is told */
	memset(json, 'x', sizeof json - 1);
	json[sizeof json - 1] = 0;
	int e = 0;
	unsigned n = 0;
	for (; n < 5000 && e == 0; n++)
		e = spool_append(s, ALERT_LOW, json);
	assert_int_equal(e, -ENOBUFS);
	uint64_t next = spool_next(s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(spool_flush(s), 0);
	assert_int_equal(spool_in_memory(s), 0);
	spool_close(s);
	s = open_it(1 << 20);
	assert_int_equal(spool_next(s), next);
	spool_close(s);
}

/* Killed with a full disk: the numbers that were given show what is missing. */
static void what_a_crash_took_is_counted(void **state)
{
	uint64_t lost;
	(void)state;
	struct spool *s = open_it(1 << 20);
	append(s, 1, 10);
	spool_close(s);
	s = open_it(1 << 20);
	spool_skip_to(s, 14);
	struct spool_place p = { .seq = 5 };
	assert_int_equal(read_all(s, &p, &lost), 6);
	assert_int_equal(lost, 3);
	append(s, 14, 1);
	assert_int_equal(read_all(s, &p, &lost), 1);
	assert_int_equal(lost, 0);
	spool_close(s);
}

static void without_a_folder_it_is_in_memory(void **state)
{
	struct spool *s = NULL;
	uint64_t lost;
	(void)state;
	assert_int_equal(spool_open(NULL, 1 << 20, &s), 0);
	append(s, 1, 10);
	struct spool_place p = { .seq = 1 };
	assert_int_equal(read_all(s, &p, &lost), 10);
	spool_trim(s, 11);
	assert_int_equal(spool_in_memory(s), 0);
	assert_int_equal(spool_append(s, ALERT_LOW, "a\nb"), -EMSGSIZE);
	spool_close(s);
}

int main(void)
{
	signal(SIGXFSZ, SIG_IGN); /* writing fails instead */
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(lines_hold_or_not),
		TEST(what_is_appended_is_read),
		TEST(a_restart_goes_on),
		TEST(a_crash_leaves_whole_lines),
		TEST(a_bad_line_costs_itself_only),
		TEST(the_oldest_go_and_are_counted),
		TEST(files_that_were_read_go),
		TEST(a_full_disk_is_outlived),
		TEST(what_a_crash_took_is_counted),
		TEST(without_a_folder_it_is_in_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
