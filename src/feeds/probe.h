/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/probe.h - does one expression match one of a few names?
 *
 * What:      what a list's guard asks of a pattern while the list is read, long before all patterns
 *            are one automaton. The expressions are those that policy_pattern_check() found good,
 *            which PCRE2 understands the same way.
 * Not here:  matching when judging -> policy/patterns.h
 * Threads:   a probe belongs to one thread.
 * Memory:    some KiB, heap.
 * Cost:      opening some 10 us; a name some 200 ns.
 * Limits:    PROBE_STEPS_MAX steps a name; what takes more is not known, and counts as a match.
 * Tests:     tests/unit/feeds/probe_test.c
 */
#pragma once

#include "policy/policy.h"

enum {
	PROBE_STEPS_MAX = 2000
};

struct probe;

/* NULL: it cannot be had (no memory, or PCRE2 does not take it). */
struct probe *probe_open(const char *regex);
void probe_close(struct probe *p); /* NULL is fine */
/* lower: wire form. True also if it cannot be told. */
bool probe_matches(const struct probe *p, const uint8_t *lower);
