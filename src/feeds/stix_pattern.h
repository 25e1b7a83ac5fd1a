/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/stix_pattern.h - STIX patterns that a DNS server can act on.
 *
 * What:      [domain-name:value = 'bad.example' OR ipv4-addr:value ISSUBSET '192.0.2.0/24'],
 *            [url:value IN ('http://a.example/', 'http://b.example/')] OR [ipv6-addr:value = '...'].
 *            Each part that is true by itself is given out. A pattern that needs more than one thing
 *            (AND, FOLLOWEDBY), or none of it (NOT, !=), or time (WITHIN, REPEATS), is not taken at
 *            all: a rule would block what the pattern does not describe.
 * Threads:   pure.
 * Memory:    none.
 * Cost:      O(bytes), twice.
 * Limits:    VALUE_MAX bytes a value.
 * Standards: STIX 2.1 9 (pattern grammar)
 * Tests:     tests/unit/feeds/stix_pattern_test.c, tests/fuzz/stix_pattern_fuzz.c
 */
#pragma once

#include "feeds/value.h"

/*
 * stix_pattern_each - the parts of a pattern.
 *
 * @part: called for each; VALUE_ANY stands for an object that is no name, address or URL
 *
 * Returns FEEDS_SKIP_NONE, or PATTERN and nothing was given out.
 */
enum feeds_skip stix_pattern_each(const char *text, size_t n,
                                  void (*part)(void *arg, enum value_kind kind, struct word value),
                                  void *arg);
