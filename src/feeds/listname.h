/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/listname.h - a name as lists write it, to canonical wire form.
 *
 * What:      upper case, one trailing dot, \DDD escapes and U-labels are taken; addresses,
 *            URLs, paths, stars and the root are told apart, so that the report can say so.
 * Not here:  stars and dots in front that a format gives a meaning to -> feeds/format_*.c
 * Threads:   pure.
 * Memory:    none, but for libidn2's while an internationalised name is read.
 * Cost:      a plain name about 40 ns: one pass over its bytes.
 * Limits:    RFC 1035's 63 and 255 bytes.
 * Standards: RFC 1035 3.1; RFC 4343 3
 * Tests:     tests/unit/feeds/listname_test.c
 */
#pragma once

#include "feeds/feeds.h"

/* FEEDS_SKIP_NONE, and ret is written; or why this is no name. */
enum feeds_skip listname_read(const char *text, size_t n, struct name *ret);
