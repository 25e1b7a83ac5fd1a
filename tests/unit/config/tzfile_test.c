/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The C library is the oracle: it knows one zone at a time, and a test may change TZ. */
#include "config/tzfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/disk.h"

static bool has_database(void)
{
	return access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0;
}

static void as_the_c_library_says(void **state)
{
	(void)state;
	static const char *const zones[] = {
		"Europe/Berlin",     "America/New_York", "America/Sao_Paulo",   "Asia/Kolkata",
		"Asia/Kathmandu",    "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Apia",
		"Africa/Casablanca", "America/Nuuk",     "Asia/Gaza",           "Europe/Dublin",
		"America/Santiago",  "Pacific/Chatham",  "Antarctica/Troll",    "UTC",
		"Etc/GMT+5",         "Africa/Cairo",     "Asia/Tehran",         "EST5EDT",
	};
	if (!has_database())
		skip();
	unsigned n = 0;
	for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
		char path[100], tz[100];
		snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", zones[z]);
		if (access(path, R_OK) != 0)
			continue;
		snprintf(tz, sizeof tz, ":%s", zones[z]);
		setenv("TZ", tz, 1);
		tzset();
		struct tm now;
		char *bytes;
		size_t n_bytes;
		assert_int_equal(tzfile_local(zones[z], 0, &now), 0);
		assert_int_equal(disk_read(path, TZFILE_MAX, &bytes, &n_bytes), 0);
		/* Every twenty hours and a bit from 1990 to 2100. */
		for (time_t t = 631152000; t < 4102444800; t += 72343) {
			struct tm ours, theirs;
			int32_t offset;
			assert_int_equal(tzfile_offset((const uint8_t *)bytes, n_bytes, t, &offset),
			                 0);
			time_t local = t + offset;
			gmtime_r(&local, &ours);
			localtime_r(&t, &theirs);
			if (ours.tm_wday != theirs.tm_wday || ours.tm_hour != theirs.tm_hour ||
			    ours.tm_min != theirs.tm_min)
				fail_msg("%s at %lld: %02d:%02d, not %02d:%02d", zones[z],
				         (long long)t, ours.tm_hour, ours.tm_min, theirs.tm_hour,
				         theirs.tm_min);
			n++;
			if (t > 2145916800) /* 2038: the rule, where the file has it so long */
				t += 7 * 72343;
		}
		free(bytes);
	}
	assert_true(n > 0);
	unsetenv("TZ");
	tzset();
}

static void what_is_no_zone(void **state)
{
	(void)state;
	struct tm tm;
	static const char *const names[] = {
		"",    "/etc/passwd", "../zoneinfo/UTC", "Europe/../UTC", "Europe", "Mars/Phobos",
		"a b", ".",           "Europe/Berlin\n"
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(tzfile_local(names[i], 0, &tm), -EINVAL);
	assert_true(tzfile_is_name("America/Argentina/Buenos_Aires"));
	assert_true(tzfile_is_name("Etc/GMT-14"));
}

/* A file of version 2 without transitions, and this rule. */
static int of_rule(const char *rule, int64_t now, int32_t *ret)
{
	uint8_t file[400] = "TZif2";
	size_t at = 44;
	file[39] = 1; /* one type */
	file[43] = 4; /* four characters */
	at += 6 + 4;
	memcpy(file + at, "TZif2", 5);
	file[at + 39] = 1;
	file[at + 43] = 4;
	at += 44 + 6 + 4;
	int n = snprintf((char *)file + at, sizeof file - at, "\n%s\n", rule);
	return tzfile_offset(file, at + (size_t)n, now, ret);
}

static void rules_for_ever_after(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		int64_t now;
		int32_t expected; /* 99: bad */
	} rows[] = {
		{ "UTC0", 1e9, 0 },
		{ "<+0545>-5:45", 1e9, 20700 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000 - 1, 3600 }, /* 2026-03-29 01:00 UTC */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792890000 - 1, 7200 }, /* 2026-10-25 01:00 UTC */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 3600 },
		{ "AEST-10AEDT,M10.1.0,M4.1.0/3", 1767225600, 39600 },    /* the South's January */
		{ "AAA3BBB2:30,J60,J300", 1772323200 + 5 * 3600, -9000 }, /* 2026-03-01 */
		{ "AAA3BBB,59/0,299", 1772323200 + 3 * 3600, -7200 },
		{ "AAA3BBB,0/0,J365/25", 1780000000, -7200 }, /* all year round */
		{ "AAA3BBB,M3.2.0/-1,M11.1.0/+50", 1780000000, -7200 },
		{ "", 1e9, 0 }, /* none */
		{ "A0", 0, 99 },
		{ "UTC", 0, 99 },
		{ "UTC25", 0, 99 },
		{ "<+05-5", 0, 99 },
		{ "AAA3BBB", 0, 99 },
		{ "AAA3BBB,M13.1.0,M1.1.1", 0, 99 },
		{ "AAA3BBB,M1.6.0,M1.1.1", 0, 99 },
		{ "AAA3BBB,M1.1.0,M1.1.1/168", 0, 99 },
		{ "AAA3BBB,M1.1.0,M1.1.1x", 0, 99 },
		{ "AAA3BBB,J0,J3", 0, 99 },
		{ "AAA3BBB,366,J3", 0, 99 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int32_t got = 99;
		int e = of_rule(rows[i].rule, rows[i].now, &got);
		if (got != rows[i].expected || (e != 0) != (rows[i].expected == 99))
			fail_msg("%s: %d", rows[i].rule, (int)got);
	}
}

static void files_that_are_cut(void **state)
{
	(void)state;
	int32_t offset;
	uint8_t file[200] = "TZif";
	file[39] = 1;
	file[43] = 4;
	file[44 + 2] = 14; /* 3600 = 0x0e10 */
	file[44 + 3] = 16;
	assert_int_equal(tzfile_offset(file, 54, 5, &offset), 0);
	assert_int_equal(offset, 3600);
	for (size_t n = 0; n < 54; n++)
		assert_int_equal(tzfile_offset(file, n, 5, &offset), -EBADMSG);
	file[44 + 2] = file[44 + 3] = 0;
	file[35] = 1; /* a transition, to a type that is not there */
	file[48] = 7;
	assert_int_equal(tzfile_offset(file, 59, 5, &offset), -EBADMSG);
	file[32] = 0xff;
	assert_int_equal(tzfile_offset(file, sizeof file, 5, &offset), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_c_library_says),
		cmocka_unit_test(what_is_no_zone),
		cmocka_unit_test(rules_for_ever_after),
		cmocka_unit_test(files_that_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
