/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t worth;
};

/* clang-format off */
static const struct unit size_units[] = {
	{ "TiB", 1ULL << 40 }, { "GiB", 1ULL << 30 }, { "MiB", 1ULL << 20 }, { "KiB", 1ULL << 10 },
	{ "TB", 1000000000000ULL }, { "GB", 1000000000ULL }, { "MB", 1000000ULL },
	{ "kB", 1000ULL }, { "B", 1 },
};

/* From the longest to the shortest: that is the order they may stand in. */
static const struct unit time_units[] = {
	{ "w", 7 * 86400000ULL }, { "d", 86400000ULL }, { "h", 3600000ULL }, { "m", 60000ULL },
	{ "s", 1000ULL }, { "ms", 1 },
};
/* clang-format on */

static const uint64_t time_max_ms = 100 * 366 * 86400000ULL;
static const uint64_t size_max_bytes = INT64_MAX;

/* The digits at the start of text; how many there were. *ret is UINT64_MAX when it overflows. */
static size_t take_digits(const char *text, size_t n, uint64_t *ret)
{
	size_t i = 0;
	uint64_t x = 0;
	bool is_over = false;
	for (; i < n && text[i] >= '0' && text[i] <= '9'; i++) {
		is_over |= __builtin_mul_overflow(x, 10U, &x);
		is_over |= __builtin_add_overflow(x, (uint64_t)(text[i] - '0'), &x);
	}
	*ret = is_over ? UINT64_MAX : x;
	return i;
}

int units_number_from_text(const char *text, size_t n, uint64_t *ret)
{
	uint64_t x;
	if (n == 0 || take_digits(text, n, &x) != n)
		return -EINVAL;
	if (x == UINT64_MAX)
		return -ERANGE;
	*ret = x;
	return 0;
}

int units_size_from_text(const char *text, size_t n, uint64_t *ret_bytes)
{
	uint64_t x;
	uint64_t worth = 0;
	size_t i = take_digits(text, n, &x);
	if (i == 0)
		return -EINVAL;
	while (i < n && text[i] == ' ')
		i++;
	if (i == n)
		worth = 1;
	for (size_t u = 0; u < ARRAY_LEN(size_units) && worth == 0; u++) {
		if (strlen(size_units[u].name) == n - i &&
		    memcmp(size_units[u].name, text + i, n - i) == 0)
			worth = size_units[u].worth;
	}
	if (worth == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(x, worth, &x) || x > size_max_bytes)
		return -ERANGE;
	*ret_bytes = x;
	return 0;
}

/* The unit whose name is the letters at the start of text, not before time_units[first]. */
static size_t take_time_unit(const char *text, size_t n, size_t first, size_t *ret_unit)
{
	size_t len = 0;
	while (len < n && text[len] >= 'a' && text[len] <= 'z')
		len++;
	for (size_t u = first; u < ARRAY_LEN(time_units); u++) {
		if (strlen(time_units[u].name) == len &&
		    memcmp(time_units[u].name, text, len) == 0) {
			*ret_unit = u;
			return len;
		}
	}
	return 0;
}

int units_time_from_text(const char *text, size_t n, uint64_t *ret_ms)
{
	uint64_t total = 0;
	size_t first_unit = 0;
	size_t i = 0;
	if (n == 1 && text[0] == '0') {
		*ret_ms = 0;
		return 0;
	}
	while (i < n) {
		uint64_t x;
		size_t unit;
		size_t len = take_digits(text + i, n - i, &x);
		i += len;
		if (len == 0)
			return -EINVAL;
		len = take_time_unit(text + i, n - i, first_unit, &unit);
		i += len;
		if (len == 0)
			return -EINVAL;
		if (__builtin_mul_overflow(x, time_units[unit].worth, &x) ||
		    __builtin_add_overflow(total, x, &total) || total > time_max_ms)
			return -ERANGE;
		first_unit = unit + 1;
	}
	if (n == 0)
		return -EINVAL;
	*ret_ms = total;
	return 0;
}

size_t units_size_to_text(uint64_t bytes, char *ret_text)
{
	const struct unit *best = &size_units[ARRAY_LEN(size_units) - 1];
	for (size_t u = 0; u < ARRAY_LEN(size_units) && bytes != 0; u++) {
		if (bytes % size_units[u].worth == 0 && bytes / size_units[u].worth < 1000000) {
			best = &size_units[u];
			break;
		}
	}
	return (size_t)snprintf(ret_text, UNITS_TEXT_MAX, "%" PRIu64 "%s", bytes / best->worth,
	                        best->worth == 1 ? "" : best->name);
}

size_t units_time_to_text(uint64_t ms, char *ret_text)
{
	const struct unit *best = &time_units[ARRAY_LEN(time_units) - 1];
	if (ms == 0)
		return (size_t)snprintf(ret_text, UNITS_TEXT_MAX, "0");
	for (size_t u = 0; u < ARRAY_LEN(time_units); u++) {
		if (ms % time_units[u].worth == 0) {
			best = &time_units[u];
			break;
		}
	}
	return (size_t)snprintf(ret_text, UNITS_TEXT_MAX, "%" PRIu64 "%s", ms / best->worth,
	                        best->name);
}
