/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/tzfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/disk.h"

enum {
	HEAD_BYTES = 44,
	TYPE_BYTES = 6,
	DAY_S = 86400,
	OFFSET_MAX = 26 * 3600, /* RFC 8536 3.2: -25 to 26 hours */
};

static const char folder[] = "/usr/share/zoneinfo";

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* ---- the rule behind the last transition: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

/* A day of the year, and a time of it in seconds: may be of another day. */
struct moment {
	char kind; /* 'J': 1-365, without February 29; '0': 0-365; 'M': month, week, weekday */
	int day, month, week;
	int32_t time_s;
};

static bool take_name(const char **p)
{
	const char *at = *p;
	if (*at == '<') {
		const char *end = strchr(at, '>');
		if (end == NULL)
			return false;
		*p = end + 1;
		return true;
	}
	while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z'))
		at++;
	bool has = at - *p >= 3;
	*p = at;
	return has;
}

static bool take_number(const char **p, int max, int *ret)
{
	int n = 0;
	const char *at = *p;
	for (; *at >= '0' && *at <= '9' && n <= max; at++)
		n = n * 10 + (*at - '0');
	bool has = at > *p && n <= max;
	*p = at;
	*ret = n;
	return has;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **p, int max_hours, int32_t *ret)
{
	int sign = **p == '-' ? -1 : 1, part, all = 0;
	*p += **p == '-' || **p == '+';
	if (!take_number(p, max_hours, &part))
		return false;
	all = part * 3600;
	for (int unit = 60; unit >= 1 && **p == ':'; unit /= 60) {
		++*p;
		if (!take_number(p, 59, &part))
			return false;
		all += part * unit;
	}
	*ret = sign * all;
	return true;
}

static bool take_moment(const char **p, struct moment *ret)
{
	*ret = (struct moment){ .kind = '0', .time_s = 2 * 3600 };
	if (**p == 'M') {
		++*p;
		ret->kind = 'M';
		if (!take_number(p, 12, &ret->month) || ret->month == 0 || *(*p)++ != '.' ||
		    !take_number(p, 5, &ret->week) || ret->week == 0 || *(*p)++ != '.' ||
		    !take_number(p, 6, &ret->day))
			return false;
	} else if (**p == 'J') {
		++*p;
		ret->kind = 'J';
		if (!take_number(p, 365, &ret->day) || ret->day == 0)
			return false;
	} else if (!take_number(p, 365, &ret->day)) {
		return false;
	}
	if (**p != '/')
		return true;
	++*p;
	return take_time(p, 167, &ret->time_s);
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to January 1 of that year. */
static int64_t days_to_year(int64_t year)
{
	int64_t y = year - 1;
	return 365 * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) +
	       (y / 400 - 1969 / 400);
}

/* Seconds from 1970 by the local clock that holds until then. */
static int64_t moment_in(const struct moment *m, int64_t year)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
	int64_t first = days_to_year(year), day = m->day;
	bool leap = is_leap(year);
	if (m->kind == 'J') {
		day = m->day - 1 + (leap && m->day > 59);
	} else if (m->kind == 'M') {
		int64_t from = before[m->month - 1] + (leap && m->month > 2);
		int64_t to = before[m->month] + (leap && m->month > 1);
		int64_t weekday = ((first + from + 4) % 7 + 7) % 7; /* 1970 began on a Thursday */
		day = from + (m->day - weekday + 7) % 7 + 7 * (m->week - 1);
		while (day >= to)
			day -= 7;
	}
	return (first + day) * DAY_S + m->time_s;
}

static bool rule_offset(const char *p, int64_t now, int32_t *ret)
{
	int32_t standard, summer;
	struct moment begin, end;
	if (!take_name(&p) || !take_time(&p, 24, &standard))
		return false;
	standard = -standard; /* POSIX counts to the west */
	*ret = standard;
	if (*p == 0)
		return true;
	if (!take_name(&p))
		return false;
	summer = standard + 3600;
	if (*p != ',') {
		if (!take_time(&p, 24, &summer))
			return false;
		summer = -summer;
	}
	if (*p++ != ',' || !take_moment(&p, &begin) || *p++ != ',' || !take_moment(&p, &end) ||
	    *p != 0)
		return false;
	struct tm tm;
	time_t local = (time_t)(now + standard);
	if (gmtime_r(&local, &tm) == NULL)
		return false;
	/* A moment may lie in the year before or after, so three years are looked at. Where it is summer
	 * all year round it ends when the next begins. */
	bool is_summer = false;
	int64_t latest = INT64_MIN;
	for (int64_t year = tm.tm_year + 1899; year <= tm.tm_year + 1901; year++) {
		int64_t from = moment_in(&begin, year) - standard;
		int64_t to = moment_in(&end, year) - summer;
		if (from <= now && from >= latest) {
			latest = from;
			is_summer = true;
		}
		if (to <= now && to > latest) {
			latest = to;
			is_summer = false;
		}
	}
	*ret = is_summer ? summer : standard;
	return *ret > -OFFSET_MAX && *ret < OFFSET_MAX;
}

/* ---- the file ---- */

struct block {
	uint32_t n_utc, n_standard, n_leaps, n_times, n_types, n_chars;
	size_t time_bytes, bytes; /* of a time; of the whole */
};

static bool block_open(const uint8_t *p, size_t n, size_t time_bytes, struct block *ret)
{
	if (n < HEAD_BYTES || memcmp(p, "TZif", 4) != 0)
		return false;
	*ret = (struct block){ be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32),
		               be32(p + 36), be32(p + 40), time_bytes,   0 };
	if (ret->n_utc > n || ret->n_standard > n || ret->n_leaps > n || ret->n_times > n ||
	    ret->n_types > n || ret->n_chars > n)
		return false;
	ret->bytes = ret->n_times * (time_bytes + 1UL) + ret->n_types * (size_t)TYPE_BYTES +
	             ret->n_chars + ret->n_leaps * (time_bytes + 4UL) + ret->n_standard +
	             ret->n_utc;
	return ret->bytes <= n - HEAD_BYTES;
}

static int64_t time_at(const struct block *b, const uint8_t *data, uint32_t i)
{
	const uint8_t *p = data + (size_t)i * b->time_bytes;
	return b->time_bytes == 8 ? be64(p) : (int32_t)be32(p);
}

/* The type in force: how many transitions are behind us, and the last one's. */
static bool block_offset(const struct block *b, const uint8_t *data, int64_t now, int32_t *ret,
                         bool *ret_is_behind)
{
	uint32_t from = 0, to = b->n_times;
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		if (time_at(b, data, middle) <= now)
			from = middle + 1;
		else
			to = middle;
	}
	const uint8_t *types = data + (size_t)b->n_times * b->time_bytes;
	uint32_t type = from > 0 ? types[from - 1] : 0;
	*ret_is_behind = from == b->n_times;
	if (type >= b->n_types)
		return false;
	const uint8_t *entry = types + b->n_times + (size_t)type * TYPE_BYTES;
	*ret = (int32_t)be32(entry);
	return *ret > -OFFSET_MAX && *ret < OFFSET_MAX;
}

/* Years of four digits are enough, and nothing overflows. */
static int64_t within_reason(int64_t now)
{
	const int64_t most = 250000000000;
	return now > most ? most : now < -most ? -most : now;
}

int tzfile_offset(const uint8_t *bytes, size_t n, int64_t now, int32_t *ret_offset)
{
	struct block b;
	char rule[256];
	int32_t offset;
	bool is_behind;
	if (!block_open(bytes, n, 4, &b))
		return -EBADMSG;
	const uint8_t *p = bytes;
	if (bytes[4] >= '2') { /* the same again with larger numbers, then the rule */
		size_t first = HEAD_BYTES + b.bytes;
		p = bytes + first;
		if (!block_open(p, n - first, 8, &b))
			return -EBADMSG;
	}
	if (!block_offset(&b, p + HEAD_BYTES, now, &offset, &is_behind))
		return -EBADMSG;
	const uint8_t *behind = p + HEAD_BYTES + b.bytes, *end = bytes + n;
	if (is_behind && b.time_bytes == 8 && end - behind > 2 && *behind == '\n') {
		const uint8_t *last = memchr(behind + 1, '\n', (size_t)(end - behind - 1));
		size_t len = last != NULL ? (size_t)(last - behind - 1) : 0;
		if (last == NULL || len >= sizeof rule)
			return -EBADMSG;
		memcpy(rule, behind + 1, len);
		rule[len] = 0;
		/* None: the last type is for ever. */
		if (len > 0 && !rule_offset(rule, within_reason(now), &offset))
			return -EBADMSG;
	}
	*ret_offset = offset;
	return 0;
}

bool tzfile_is_name(const char *name)
{
	size_t n = strlen(name);
	return n > 0 && n < 64 && name[0] != '/' && name[0] != '.' && strstr(name, "..") == NULL &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	                    "/_+-") == n;
}

int tzfile_local(const char *name, time_t now, struct tm *ret)
{
	char path[sizeof folder + 80];
	char *bytes;
	size_t n;
	int32_t offset;
	if (!tzfile_is_name(name))
		return -EINVAL;
	snprintf(path, sizeof path, "%s/%.64s", folder, name);
	int e = disk_read(path, TZFILE_MAX, &bytes, &n);
	if (e != 0)
		return e == -ENOMEM ? e : -EINVAL;
	e = tzfile_offset((const uint8_t *)bytes, n, now, &offset);
	free(bytes);
	if (e != 0)
		return e;
	time_t local = now + offset;
	return gmtime_r(&local, ret) != NULL ? 0 : -EBADMSG;
}
