/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/pattern_set.h - the pattern rules of an image: expressions, what they do, the database.
 *
 * What:      the image's index has no room for patterns: they are a set of their own, attached to
 *            the image. A set knows lists by name, so that it can go with several images. In a
 *            file (STATE/policy.patterns-KEY):
 *
 *                header | names of lists | rules | database
 *
 *            A rule in the file: list (2 bytes), action, flags, line (4), number of types and the
 *            types (2 each), text and expression (NUL at their ends), number of addresses (0, 1)
 *            and the address, length of the target's name and the name.
 *
 *            The database is of one version of Vectorscan and one kind of processor. Where it does
 *            not fit, it is made anew from the expressions when the file is read.
 * Not here:  matching -> policy/patterns.h; which match wins -> policy/judge_patterns.c
 * Threads:   a builder: one thread; a set: immutable, references are counted with an atomic.
 * Memory:    heap: 120 bytes a rule, the texts, and what patterns.h says.
 * Cost:      reading a file of 10,000: some milliseconds.
 * Limits:    PATTERNS_MAX rules, PATTERN_RULES_BYTES of texts; more: -E2BIG, each rule.
 * Tests:     tests/unit/policy/pattern_set_test.c, tests/fuzz/pattern_set_fuzz.c
 */
#pragma once

#include <stdatomic.h>

#include "policy/patterns.h"

enum {
	PATTERN_RULES_BYTES = 32 << 20
};

/* One rule; the pointers are into the set's bytes. */
struct pattern_rule {
	const uint8_t *at; /* where it is in the set's bytes */
	struct policy_pattern shown;
	const char *regex;
	uint16_t list; /* in the set's names */
	uint8_t action;
	bool is_important, types_are_not;
	bool is_dropped; /* not in the database */
	uint8_t n_types;
	uint16_t types[POLICY_PATTERN_TYPES];
	struct addr addr;
	struct policy_data data; /* the rule's own, if it has an address or a target */
};

struct policy_pattern_set {
	uint64_t key; /* of names and rules */
	uint32_t n, n_lists;
	bool has_types; /* some rule is for some types of questions only */
	struct pattern_rule *rules;
	char (*lists)[POLICY_LIST_NAME_MAX + 1];
	uint8_t *bytes; /* the rules as in the file */
	size_t n_bytes;
	struct patterns *patterns;
	atomic_uint refs;
};

/* The number of bytes of a rule at the front of n bytes, 0 if there is none. */
size_t pattern_rule_read(const uint8_t *bytes, size_t n, struct pattern_rule *ret);

/*
 * A set of these names and rules, which are taken with success, without a database. 0, -ENOMEM,
 * -EBADMSG (not rules).
 */
MUST_USE int pattern_set_new(char (*lists)[POLICY_LIST_NAME_MAX + 1], uint32_t n_lists,
                             uint8_t *bytes, size_t n_bytes, struct policy_pattern_set **ret);
struct policy_pattern_set *pattern_set_get(struct policy_pattern_set *s);

/* Make the database; faults: one a rule, as pattern_build() takes and leaves them. What it returns. */
MUST_USE int pattern_set_build(struct policy_pattern_set *s, struct pattern_dropped *faults);

/* Does the rule hold for questions of this type? 0: not known, so it does if it is for any. */
bool pattern_has_type(const struct pattern_rule *r, uint16_t type);
