/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/pattern_hits.h - the pattern rules that match a name, best first.
 *
 * What:      one scan of the name's text, and of what matches those rules whose list takes part,
 *            in the order in which they win. Patterns stand at the depth of the root: every rule
 *            that names the name or a name above it goes first.
 * Threads:   any.
 * Memory:    the caller's.
 * Cost:      hot path, on names that the cache has no clean answer for: 0.3 us and more
 *            (policy/patterns.h); never allocates.
 * Limits:    PATTERN_HITS_MAX; the best are kept.
 * Tests:     tests/unit/policy/pattern_hits_test.c
 */
#pragma once

#include "policy/pattern_set.h"
#include "policy/snapshot.h"

enum {
	PATTERN_HITS_MAX = 32
};

struct pattern_hit {
	const struct pattern_rule *rule;
	uint16_t image_list;
	enum policy_action action; /* with the list's own; never NONE */
	uint32_t order;            /* rule_order() */
};

struct pattern_hits {
	unsigned n;
	struct pattern_hit at[PATTERN_HITS_MAX];
};

/* Whose rules are wanted. */
enum pattern_whose {
	PATTERN_OF_GROUP, /* of lists with a rank in `parts` */
	PATTERN_OF_ALL,   /* of all lists that are configured */
};

/* What is looked at. */
struct pattern_subject {
	const uint8_t *lower; /* wire form */
	const struct name_hashes *hashes;
	const struct policy_terms *terms;
};

/* parts: a row of the policy's. */
void pattern_hits_find(const struct policy *p, const struct policy_part *parts,
                       enum policy_match match, enum pattern_whose whose,
                       const struct pattern_subject *subject, struct pattern_hits *ret);

/* The local data that goes with a hit: the rule's, the list's, or NULL. */
const struct policy_data *pattern_hit_data(const struct policy *p, const struct pattern_hit *hit);
