/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/overrides.h - what an AdBlock list takes back of itself.
 *
 * What:      inside one AdBlock list an exception holds at any depth below its name, and so does
 *            an important block against exceptions; policy/policy.h's order is by depth. To keep
 *            the list's own meaning, what a list overrides itself is left out. Here are the
 *            names, with scope, that override, and the rules that $badfilter switches off.
 * Not here:  which rule is overridden by what -> feeds/adblock_rule.h
 * Threads:   worker-local.
 * Memory:    24 bytes a name (48 where it is for some types of questions) and 8 bytes a $badfilter, heap.
 * Cost:      covers: a binary search a label, nothing when the list has no exceptions.
 * Limits:    OVERRIDES_MAX; adding more fails with -E2BIG.
 * Tests:     tests/unit/feeds/overrides_test.c
 */
#pragma once

#include "feeds/type_set.h"

enum {
	OVERRIDES_MAX = 1 << 20
};

/* What overrides. */
enum override_kind {
	OVERRIDE_EXCEPTION = 0,    /* @@||name^ */
	OVERRIDE_EXCEPTION_STRONG, /* @@||name^$important */
	OVERRIDE_BLOCK_STRONG,     /* ||name^$important */
	OVERRIDE_REWRITE,          /* @@||name^$dnsrewrite */
	OVERRIDE_N_KINDS
};

struct override {
	uint64_t name_hash, text_hash;
	uint16_t flags;
};

/* For some types of questions only: few lists have any. */
struct override_of_types {
	struct override of;
	struct type_set types;
};

struct overrides {
	struct override *items;
	size_t n, room;
	struct override_of_types *typed;
	size_t n_typed, typed_room;
	uint64_t *off; /* text hashes that $badfilter switches off */
	size_t n_off, off_room;
};

void overrides_done(struct overrides *o); /* what is zeroed is ready for use */

/* text_hash: of the rule's text, so that a $badfilter can find it. 0, -ENOMEM, -E2BIG. */
MUST_USE int overrides_add(struct overrides *o, const uint8_t *lower, enum policy_scope scope,
                           enum override_kind kind, uint64_t text_hash);
/* The same where it holds for these types of questions only. */
MUST_USE int overrides_add_types(struct overrides *o, const uint8_t *lower, enum policy_scope scope,
                                 enum override_kind kind, uint64_t text_hash,
                                 const struct type_set *types);
MUST_USE int overrides_add_off(struct overrides *o, uint64_t text_hash);

/* Between adding and asking. */
void overrides_seal(struct overrides *o);

bool overrides_is_off(const struct overrides *o, uint64_t text_hash);
/* Is all of (name, scope) covered by an override of one of the kinds (bits 1 << kind)? */
bool overrides_cover(const struct overrides *o, const uint8_t *lower, enum policy_scope scope,
                     unsigned kinds);
/*
 * Take out of `types` those for which (name, scope) is so covered: none may be left. False: what is left
 * cannot be said in a rule.
 */
MUST_USE bool overrides_leave(const struct overrides *o, const uint8_t *lower,
                              enum policy_scope scope, unsigned kinds, struct type_set *types);
