/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/protect.h - names that a list must not block.
 *
 * What:      a set of names: those of protected.def, the operator's, the hosts that lists come
 *            from, our own zones. A rule covers such a name when it stands at the name, or above it
 *            and covers what is below. Beside them whole top-level domains and public suffixes
 *            (co.uk), and whole address space: a rule for one of these is hardly meant.
 * Not here:  what follows -> feeds/guard.h
 * Threads:   immutable after feeds_protected_new().
 * Memory:    some 100 bytes a name.
 * Cost:      a rule: one hash and one probe of a small table; below a country's domain a search
 *            in the public suffix list.
 * Limits:    PROTECT_MAX_NAMES; more are left out.
 * Tests:     tests/unit/feeds/protect_test.c
 */
#pragma once

#include "feeds/feeds.h"

enum {
	PROTECT_MAX_NAMES = 20000
};

enum protect_kind {
	PROTECT_NOTHING, /* the rule covers nothing of it */
	PROTECT_NAME,
	PROTECT_SUFFIX, /* a top-level domain or public suffix */
	PROTECT_SPACE,  /* whole address space */
};

/* What a rule covers. */
struct protect_hit {
	enum protect_kind kind;
	unsigned index;  /* NAME: protect_at() */
	const char *why; /* lives as long as the set */
};

/* Name rules: the first protected name below or at the rule; others may be covered too. */
enum protect_kind protect_covers(const struct feeds_protected *p, const struct name *name,
                                 enum policy_scope scope, struct protect_hit *ret);
enum protect_kind protect_covers_prefix(const struct addr_prefix *prefix, struct protect_hit *ret);
unsigned protect_count(const struct feeds_protected *p);
/* The first of them are those of protected.def. */
unsigned protect_count_builtin(void);
/* Why it is protected. */
const char *protect_why(const struct feeds_protected *p, unsigned index);
const struct name *protect_at(const struct feeds_protected *p, unsigned index);
/* Of the names; for feeds/tag.h. */
uint64_t protect_digest(const struct feeds_protected *p);
