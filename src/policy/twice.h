/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/twice.h - the rules that a list has more than once, and how often.
 *
 * What:      an image keeps equal rules of a list once. Whoever changes a list by single rules
 *            (policy/diff.c) must know whether a rule that is taken away stands there a second
 *            time. A rule is known here by a digest of all that it is.
 * Not here:  keeping it on the disk -> feeds/facts.h
 * Threads:   the builder's.
 * Memory:    16 bytes a rule that stands more than once.
 * Cost:      finding: a binary search; sealing: sorting.
 * Limits:    TWICE_MAX of them; with more it is over: nothing is known.
 * Tests:     tests/unit/policy/diff_test.c, twice_test.c
 */
#pragma once

#include "policy/policy.h"
#include "policy/sort.h"

enum {
	TWICE_MAX = 1 << 20
};

/* The digest of a rule; `data`: sets_data_digest() of its local data. */
uint64_t twice_key(const struct sort_rule *r, uint64_t data);

struct twice;
MUST_USE int twice_new(struct twice **ret); /* 0, -ENOMEM */
void twice_free(struct twice *t);           /* NULL is fine */
void twice_clear(struct twice *t);
/* Once more of this rule: the second, third, ... time. -ENOMEM. */
MUST_USE int twice_add(struct twice *t, uint64_t key);
/* Nothing is known of the list's rules any more. */
void twice_spoil(struct twice *t);
/* Behind the last twice_add(): what there is, in order; NULL: it is over, or spoilt. */
const struct policy_twice *twice_seal(struct twice *t);

/* How often the rule is there, if it is there: at least 1. */
uint32_t twice_find(const struct policy_twice *t, uint64_t key);
