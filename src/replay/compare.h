/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/compare.h - what a comparison has found.
 *
 * What:      counts, and for each way in which something changes the names, clients and rules
 *            that are met most.
 * Not here:  writing it down -> report.c
 * Threads:   one thread.
 * Memory:    as in replay/replay.h.
 * Tests:     tests/unit/replay/compare_test.c
 */
#pragma once

#include "replay/replay.h"
#include "replay/tally.h"

/* clang-format off */
#define COMPARE_CHANGES(X) \
	X(BLOCKED,   "newly_blocked",     "would be blocked and was not") \
	X(PASSED,    "newly_passed",      "would pass and was blocked") \
	X(OTHERWISE, "blocked_otherwise", "would be blocked in another way")
/* clang-format on */

enum compare_change {
#define X(constant, key, text) COMPARE_##constant,
	COMPARE_CHANGES(X)
#undef X
	COMPARE_N_CHANGES,
	COMPARE_SAME = COMPARE_N_CHANGES,
};

struct compare_tables {
	uint64_t questions;
	struct tally *names, *clients, *rules;
};

struct compare_source {
	char format[16];
	uint64_t skips[REPLAY_N_SKIPS];
};

struct replay_comparison {
	struct replay_plan plan;
	struct replay_side before; /* plan.before, copied */
	bool has_before, has_group;
	uint16_t group, before_group; /* of plan.group */
	uint64_t questions, strangers, without_client;
	uint64_t unknown;         /* questions whose outcome was not recorded */
	uint64_t passed, blocked; /* as now judged */
	uint64_t same_passed, same_blocked;
	uint64_t blocked_missing; /* newly blocked names that did not exist anyway */
	uint64_t first_ns, last_ns;
	struct seen *seen; /* what the recording has asked for; NULL: nothing yet */
	uint64_t n_sources, skips[REPLAY_N_SKIPS];
	bool has_format[REPLAY_DNSMASQ + 1];
	struct compare_tables changes[COMPARE_N_CHANGES];
};

/* age.c: the age of this question's domain, for both sides; and it was asked for. */
void compare_set_age(struct replay_comparison *c, const struct replay_item *item);
