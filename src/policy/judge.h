/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/judge.h - the inside of judging.
 *
 * What:      judge.c judges groups whose lists are one tier; tiers.c those with policy zones. What
 *            both do is here.
 * Threads:   any registered RCU thread; pure.
 * Memory:    never allocates.
 * Cost:      hot path.
 * Tests:     tests/unit/policy/judge_test.c, tests/unit/policy/tiers_test.c
 */
#pragma once

#include "policy/edits.h"
#include "policy/snapshot.h"

/* What is being looked at: one name of the subject's suffixes, or one prefix. */
struct place {
	const struct policy *p;
	const struct policy_group *g;
	const struct policy_terms *terms;
	const struct name_hashes *hashes; /* of the whole name; NULL: an address */
	enum policy_match match;
	enum policy_trigger trigger;
	uint8_t depth;     /* labels of the suffix, or length of the prefix */
	bool is_full_name; /* not a part of the tree above it */
};

/* For rules of some types: one look-up of name servers serves all types, so they never hold there. */
static inline uint16_t place_type(const struct place *at)
{
	return at->match == POLICY_MATCH_NAMESERVER ? 0 : at->terms->type;
}

/* The list reports this, once for each list. */
void judge_note(const struct place *at, uint16_t list, enum policy_action action,
                const struct policy_pattern *pattern, struct verdict *v);
/* The rule becomes the verdict. */
void judge_win(const struct place *at, const struct image_member *m, enum policy_action action,
               struct verdict *v);
struct pattern_hit;
void judge_win_by_pattern(const struct place *at, const struct pattern_hit *hit, struct verdict *v);
/* What the rule answers with: its own data, or its list's; NULL: none. */
const struct policy_data *judge_data(const struct policy *p, const struct image_member *m,
                                     enum policy_action action);
/* The best edit of this very name becomes the verdict; true: there is one. */
bool judge_edits(const struct place *at, const struct edits_table *t, const uint8_t *suffix,
                 uint64_t hash, struct verdict *v);

/* tiers.c; `at` without its depth, v cleared; image and edits NULL where there is nothing. */
void tiers_judge_name(struct place *at, const struct policy_image *image,
                      const struct edits_table *edits, const uint8_t *lower,
                      const struct name_hashes *hashes, struct verdict *v);
void tiers_judge_address(struct place *at, const struct addr *a, struct verdict *v);

/*
 * What a rule of a policy zone does to this question: its records may lack the type
 * (`local-data`). POLICY_NONE: the rule is not one for this question.
 */
enum policy_action tiers_action(const struct policy *p, const struct policy_part *part,
                                const struct image_member *m, enum policy_trigger trigger,
                                const struct policy_terms *terms);
