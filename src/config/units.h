/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/units.h - numbers, sizes and times as people write them.
 *
 * What:      text to a number and back. Sizes: bytes, or with KiB, MiB, GiB, TiB, or kB, MB, GB,
 *            TB (thousands). Times: a number with ms, s, m, h, d or w, several in falling order:
 *            "1h30m"; "0" needs no unit.
 * Threads:   pure.
 * Memory:    never allocates.
 * Cost:      O(bytes).
 * Limits:    a size is below 2^63 bytes, a time at most 100 years.
 * Standards: IEC 80000-13 (KiB, MiB, GiB, TiB)
 * Tests:     tests/unit/config/units_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	UNITS_TEXT_MAX = 32
};

/* Decimal digits only. 0, -EINVAL, -ERANGE (does not fit). */
MUST_USE int units_number_from_text(const char *text, size_t n, uint64_t *ret);
/* 0, -EINVAL (no number, no such unit), -ERANGE. */
MUST_USE int units_size_from_text(const char *text, size_t n, uint64_t *ret_bytes);
/* 0, -EINVAL (no number, no unit, no such unit, units not falling), -ERANGE. */
MUST_USE int units_time_from_text(const char *text, size_t n, uint64_t *ret_ms);

/* The shortest text that reads back as the same value; UNITS_TEXT_MAX bytes; the length. */
size_t units_size_to_text(uint64_t bytes, char *ret_text);
size_t units_time_to_text(uint64_t ms, char *ret_text);
