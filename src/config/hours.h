/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/hours.h - hours of the week, as people write them: "Mon-Fri 08:00-18:00".
 *
 * What:      days (Mon, Mon-Fri, Sat,Sun; none: every day), then times (08:00-18:00; none: the whole
 *            day). A time that ends before it begins goes on until the next morning; 24:00 is the
 *            end of the day. Days may go round the week: Fri-Mon.
 * Not here:  what time it is -> who asks
 * Threads:   pure.
 * Memory:    1260 bytes, the caller's.
 * Limits:    minutes.
 * Tests:     tests/unit/config/hours_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	HOURS_DAY_MINUTES = 24 * 60,
	HOURS_WEEK_MINUTES = 7 * HOURS_DAY_MINUTES,
};

struct hours {
	uint8_t minutes[HOURS_WEEK_MINUTES / 8]; /* a bit a minute, from Monday 00:00 on */
};

/* Add what the text says. 0, or -EINVAL and nothing is added. */
MUST_USE int hours_add(struct hours *h, const char *text);

/* day: 0 is Sunday, as in struct tm. */
bool hours_hold(const struct hours *h, unsigned day, unsigned hour, unsigned minute);
