/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/type_set.h - types of questions: these few, or all but these few.
 *
 * What:      what rules of a list that are for some types take back of others: sets, and what is
 *            left of one without another.
 * Not here:  how AdBlock writes them -> feeds/adblock_rule.c
 * Threads:   pure.
 * Memory:    none.
 * Cost:      some ns.
 * Limits:    POLICY_PATTERN_TYPES types, as rules have.
 * Tests:     tests/unit/feeds/type_set_test.c
 */
#pragma once

#include "policy/policy.h"

struct type_set {
	bool is_not; /* all but these; with n 0: all */
	uint8_t n;
	uint16_t types[POLICY_PATTERN_TYPES];
};

bool type_set_has(const struct type_set *s, uint16_t type);
static inline bool type_set_is_empty(const struct type_set *s)
{
	return !s->is_not && s->n == 0;
}
static inline bool type_set_is_all(const struct type_set *s)
{
	return s->is_not && s->n == 0;
}
/* Take b out of a. False: what is left needs more types than a set has; a is as it was. */
MUST_USE bool type_set_remove(struct type_set *a, const struct type_set *b);
