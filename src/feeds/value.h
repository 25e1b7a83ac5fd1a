/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/value.h - one value of a structured feed: a name, a URL, an address or a prefix, told apart by
 *                 its looks.
 *
 * What:      feeds of indicators mix kinds in one column. A value becomes
 *                bad.example, *.bad.example, bad[.]example    a name
 *                https://bad.example:8080/x, hxxp://...       the name or address of its host
 *                192.0.2.1, 192.0.2.0/24, 192.0.2.1:80        an address or prefix
 *            Names cover what is below them unless the list says otherwise; the host of a URL is
 *            taken as it is. Addresses in a list with `match: name` are compared with answers.
 * Not here:  where in the file the value is -> feeds/format_csv.c and the like
 * Threads:   pure.
 * Memory:    none.
 * Cost:      some 100 ns.
 * Limits:    VALUE_MAX bytes.
 * Tests:     tests/unit/feeds/value_test.c, tests/fuzz/format_fuzz.c
 */
#pragma once

#include "feeds/scan.h"

enum {
	VALUE_MAX = 2048
};

/* What the value must be. */
enum value_kind {
	VALUE_ANY,
	VALUE_NAME,
	VALUE_ADDRESS,
	VALUE_URL,
};

/* Give the scan a rule of `rule`'s action, or a reason to skip it. */
void value_add(struct scan *s, const char *text, size_t n, enum value_kind kind,
               const struct policy_rule *rule);

/* Would value_add() with VALUE_ANY make a rule of it? */
bool value_is_good(const struct scan *s, const char *text, size_t n);
