/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/hours.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "config/config.h"
#include "config/tzfile.h"

static const char days[7][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

static const char *skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* -1: not a day. */
static int take_day(const char **p)
{
	for (int i = 0; i < 7; i++) {
		if (strncasecmp(*p, days[i], 3) == 0) {
			*p += 3;
			return i;
		}
	}
	return -1;
}

/* "Mon-Fri,Sun": a bit a day. No day at all: every day. -EINVAL: cut short. */
static int take_days(const char **p, unsigned *ret)
{
	unsigned bits = 0;
	const char *at = *p;
	int first = take_day(&at);
	if (first < 0) {
		*ret = 0x7f;
		return 0;
	}
	for (;;) {
		int last = first;
		if (*at == '-') {
			at++;
			last = take_day(&at);
			if (last < 0)
				return -EINVAL;
		}
		for (int day = first;; day = (day + 1) % 7) {
			bits |= 1U << day;
			if (day == last)
				break;
		}
		if (*at != ',')
			break;
		at++;
		first = take_day(&at);
		if (first < 0)
			return -EINVAL;
	}
	if (*at != ' ' && *at != 0)
		return -EINVAL;
	*p = at;
	*ret = bits;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "08:00", "8:00", "24:00": minutes of the day, or -1. */
static int take_time(const char **p)
{
	const char *at = *p;
	int hour = 0, n = 0;
	for (; n < 2 && is_digit(*at); n++)
		hour = hour * 10 + (*at++ - '0');
	if (n == 0 || *at != ':' || !is_digit(at[1]) || !is_digit(at[2]))
		return -1;
	int minute = (at[1] - '0') * 10 + (at[2] - '0');
	*p = at + 3;
	int all = hour * 60 + minute;
	return minute > 59 || all > HOURS_DAY_MINUTES ? -1 : all;
}

static void fill(struct hours *h, unsigned days_bits, int from, int to)
{
	int n = to > from ? to - from : to + HOURS_DAY_MINUTES - from;
	for (unsigned day = 0; day < 7; day++) {
		if ((days_bits >> day & 1) == 0)
			continue;
		for (int i = 0; i < n; i++) {
			unsigned at = (day * HOURS_DAY_MINUTES + (unsigned)(from + i)) %
			              HOURS_WEEK_MINUTES;
			h->minutes[at / 8] |= (uint8_t)(1U << at % 8);
		}
	}
}

int hours_add(struct hours *h, const char *text)
{
	const char *p = skip_blanks(text);
	unsigned bits;
	if (*p == 0 || take_days(&p, &bits) != 0)
		return -EINVAL;
	p = skip_blanks(p);
	if (*p == 0) {
		fill(h, bits, 0, HOURS_DAY_MINUTES);
		return 0;
	}
	struct hours more = *h;
	for (;;) { /* "08:00-12:00,13:00-18:00" */
		int from = take_time(&p);
		if (from < 0 || from == HOURS_DAY_MINUTES || *p != '-')
			return -EINVAL;
		p++;
		int to = take_time(&p);
		if (to < 0 || to == from)
			return -EINVAL;
		fill(&more, bits, from, to);
		if (*p != ',')
			break;
		p = skip_blanks(p + 1);
	}
	if (*skip_blanks(p) != 0)
		return -EINVAL;
	*h = more;
	return 0;
}

bool hours_hold(const struct hours *h, unsigned day, unsigned hour, unsigned minute)
{
	unsigned at = ((day + 6) % 7) * HOURS_DAY_MINUTES + hour * 60 + minute;
	return at < HOURS_WEEK_MINUTES && (h->minutes[at / 8] >> at % 8 & 1) != 0;
}

bool config_list_holds(const struct config_list *l, time_t now)
{
	struct hours h = { 0 };
	struct tm local;
	for (unsigned i = 0; i < l->hours.n; i++)
		(void)!hours_add(&h, l->hours.at[i]); /* what is wrong was told when it was read */
	if (l->hours.n == 0)
		return true;
	/* A zone that was there when the configuration was read, and is not now: the machine's time. */
	if ((l->timezone == NULL || *l->timezone == 0 ||
	     tzfile_local(l->timezone, now, &local) != 0) &&
	    localtime_r(&now, &local) == NULL)
		return true;
	return hours_hold(&h, (unsigned)local.tm_wday, (unsigned)local.tm_hour,
	                  (unsigned)local.tm_min);
}
