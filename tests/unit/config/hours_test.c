/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/hours.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
	SUN,
	MON,
	TUE,
	WED,
	THU,
	FRI,
	SAT
};

static const struct {
	const char *why, *text;
	unsigned day, hour, minute;
	bool expected;
} rows[] = {
	/* clang-format off */
	{ "begins", "Mon-Fri 08:00-18:00", MON, 8, 0, true },
	{ "the minute before", "Mon-Fri 08:00-18:00", MON, 7, 59, false },
	{ "the last minute", "Mon-Fri 08:00-18:00", FRI, 17, 59, true },
	{ "ends", "Mon-Fri 08:00-18:00", FRI, 18, 0, false },
	{ "another day", "Mon-Fri 08:00-18:00", SAT, 12, 0, false },
	{ "small letters, one digit", "mon 8:00-9:30", MON, 9, 29, true },
	{ "a day alone", "Sat,Sun", SUN, 23, 59, true },
	{ "a day alone: not the next", "Sat,Sun", MON, 0, 0, false },
	{ "no day: every day", "12:00-13:00", WED, 12, 30, true },
	{ "over midnight: evening", "Fri 22:00-06:00", FRI, 23, 0, true },
	{ "over midnight: the next morning", "Fri 22:00-06:00", SAT, 5, 59, true },
	{ "over midnight: not its own morning", "Fri 22:00-06:00", FRI, 5, 0, false },
	{ "over the end of the week", "Sun 23:00-01:00", MON, 0, 30, true },
	{ "days round the week", "Fri-Mon 10:00-11:00", SUN, 10, 0, true },
	{ "days round the week: not between", "Fri-Mon 10:00-11:00", TUE, 10, 0, false },
	{ "until the end of the day", "Mon 20:00-24:00", MON, 23, 59, true },
	{ "not into the next", "Mon 20:00-24:00", TUE, 0, 0, false },
	{ "two times", "Mon 08:00-12:00,13:00-18:00", MON, 12, 30, false },
	{ "the second of two", "Mon 08:00-12:00, 13:00-18:00", MON, 13, 0, true },
	{ "ranges and days", "Mon-Wed,Fri 08:00-09:00", FRI, 8, 30, true },
	{ "ranges and days: the gap", "Mon-Wed,Fri 08:00-09:00", THU, 8, 30, false },
	/* clang-format on */
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct hours h = { 0 };
		assert_int_equal(hours_add(&h, rows[i].text), 0);
		if (hours_hold(&h, rows[i].day, rows[i].hour, rows[i].minute) != rows[i].expected)
			fail_msg("%s: %s", rows[i].why, rows[i].text);
	}
}

static void what_is_no_time(void **state)
{
	(void)state;
	static const char *const texts[] = { "",
		                             " ",
		                             "Monday",
		                             "Mon-",
		                             "Mon,",
		                             "Mon-Fri,",
		                             "08:00",
		                             "08:00-",
		                             "08:00-08:00",
		                             "25:00-26:00",
		                             "08:60-09:00",
		                             "24:00-01:00",
		                             "08:00-24:01",
		                             "Mon 08:00-09:00 x",
		                             "Mon 08:00-09:00,",
		                             "Mon08:00-09:00",
		                             "8-9",
		                             "-",
		                             "Mon 008:00-9:00" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct hours h = { 0 };
		static const struct hours none;
		if (hours_add(&h, texts[i]) != -EINVAL)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_memory_equal(&h, &none, sizeof h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(what_is_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
