/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/guard.h - is a new version of a list what it should be?
 *
 * What:      looks at the rules of a version while they are read, and judges them when all are
 *            known: does it block a protected name, does it hold what it must (canaries), and does
 *            it have about as many rules as the version in force? Whether a file is sane as a file is
 *            decided before (feeds/load.c).
 *            A pattern is compared with each canary and each protected name.
 * Not here:  which names are protected -> feeds/protect.h; what follows -> feeds/load.c
 * Threads:   the loader's.
 * Memory:    some KiB, and a byte for each protected name.
 * Cost:      what protect.h says for each rule; without guards nothing.
 *            A pattern: some 200 ns a name.
 * Limits:    GUARD_PROBES comparisons of patterns with protected names a list, behind them with those
 *            of protected.def only; whole top-level domains are not recognised in a pattern.
 *            GUARD_HITS rules are told apart; GUARD_CANARIES canaries of each kind.
 * Tests:     tests/unit/feeds/guard_test.c
 */
#pragma once

#include "feeds/protect.h"
#include "feeds/scan.h"

enum {
	GUARD_HITS = 32,
	GUARD_CANARIES = FEEDS_MAX_CANARIES,
	GUARD_FILTER_BITS = 4096,
	GUARD_SMALL_LIST = 100, /* fewer rules may go at will: somebody edits such a list by hand */
	GUARD_GROW_FLOOR = 1000, /* as many may come at will */
	GUARD_PROBES = 20000000, /* some seconds */
};

struct guard_hit {
	enum protect_kind kind;
	unsigned index;
	uint8_t depth;
	uint64_t line;
	char rule[96]; /* as text, cut */
	const char *why;
};

struct guard {
	const struct feeds_guard *options;
	const struct feeds_protected *protected;
	enum policy_action list_action;
	bool only_reports;
	uint64_t n_hits; /* of rules that block something protected */
	struct guard_hit hits[GUARD_HITS];
	uint8_t *
		allowed; /* one a protected name: 1 + the depth of the deepest rule that allows it */
	bool is_listed[GUARD_CANARIES], is_dirty[GUARD_CANARIES];
	uint64_t dirty_line;
	uint64_t n_probes;
	bool is_touched; /* the last rule mattered: to a canary, or to a protected name */
	uint64_t filter[GUARD_FILTER_BITS / 64]; /* of the canaries' names and those above them */
};

/* `list` must outlive the guard. 0 or -ENOMEM. */
MUST_USE int guard_init(struct guard *g, const struct feeds_list *list);
void guard_done(struct guard *g);
/* Look at a rule. false: it is to be left out: it blocks something protected. */
bool guard_takes(struct guard *g, const struct feeds_rule *r);
/* "*.evil.example", "192.0.2.0/24": what the rule is for. Returns its length. */
size_t guard_rule_text(const struct feeds_rule *r, char *ret, size_t room);
/*
 * All rules were seen. `rules`: how many; `before`: the newest good version, NULL: there is none.
 * NULL: nothing against it; else why, as the end of "FILE ...", in ret_text.
 */
const char *guard_judge(const struct guard *g, uint64_t rules, const struct feeds_version *before,
                        char *ret_text, size_t room, uint64_t *ret_line);
/* How many rules block something protected, those aside that the list itself makes up for. */
uint64_t guard_count(const struct guard *g);
/* What the first of them blocks, as the end of "the list ..."; false: there is none. */
bool guard_first(const struct guard *g, char *ret_text, size_t room, uint64_t *ret_line);
/* Over the options; for feeds/tag.h. */
uint64_t guard_digest(const struct feeds_guard *o);
