/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/adblock_rule.h - one rule of AdBlock syntax, taken apart.
 *
 * What:      [@@] PATTERN [$ MODIFIER[=VALUE] , ...]
 *            Rules that mean whole names are taken, and those that mean names by a pattern;
 *            everything else is told apart by kind, so that no rule is ever given a meaning that
 *            it does not have.
 * Not here:  which lines are rules -> format_adblock.c; the words for users -> docs/lists.md
 * Threads:   pure.
 * Memory:    none; borrows the line.
 * Cost:      "||name^" about 60 ns.
 * Limits:    ADBLOCK_MODIFIERS_MAX modifiers.
 * Tests:     tests/unit/feeds/format_test.c, tests/fuzz/format_fuzz.c
 */
#pragma once

#include "feeds/scan.h"

enum {
	ADBLOCK_MODIFIERS_MAX = 32
};

struct adblock_rule {
	struct word pattern; /* without @@ */
	struct name name;    /* unless it is_pattern */
	bool is_pattern;     /* the rule is an expression: */
	struct word regex;   /* into the line, or into translated */
	char translated[POLICY_PATTERN_MAX + 1];
	enum policy_scope scope;
	bool is_exception, is_important, is_badfilter, is_page; /* is_page: $document */
	bool has_rewrite;
	struct word rewrite;                     /* the value of $dnsrewrite; n 0: none */
	struct word denyallow;                   /* the value of $denyallow; n 0: none */
	uint64_t text_hash;                      /* of the rule without $badfilter */
	enum policy_action action;               /* of $dnsrewrite; POLICY_NONE: the list's */
	uint8_t types[2 * POLICY_PATTERN_TYPES]; /* of $dnstype; data.types points here */
	struct policy_data data;                 /* ADDRESS: points to addr; REDIRECT: to target */
	struct addr addr;
	struct name target;
};

/* Modifiers of a rule, the text behind '$'. */
enum feeds_skip adblock_read_modifiers(struct word text, struct adblock_rule *rule);

/* The types of questions that it is for: all, without $dnstype. */
void adblock_types(const struct adblock_rule *rule, struct type_set *ret);
void adblock_set_types(struct adblock_rule *rule, const struct type_set *types); /* not none */

/* The value of $dnsrewrite into action and data. */
enum feeds_skip adblock_read_rewrite(struct adblock_rule *rule);
