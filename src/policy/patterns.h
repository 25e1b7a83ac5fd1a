/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/patterns.h - regular expressions over names, all at once.
 *
 * What:      one Vectorscan database holds the patterns of all lists, and one pass over the text
 *            of a name finds all that match, however many there are. It is made of the
 *            expressions by a child process, within a budget of time and memory.
 *
 *                pattern_check.c   is an expression fit?            (while a list is read)
 *                pattern_build.c   the child process                (when a policy is compiled)
 *                patterns.c        the database and scanning        (when judging)
 *
 * Not here:  rules and files -> policy/pattern_set.h; which of the matches wins ->
 *            policy/judge_patterns.c; the words for users -> docs/lists.md
 * Threads:   immutable once made; a scan takes one of the scratch spaces, of which there are as
 *            many as policy_set_threads() said there are threads.
 * Memory:    the database (some 650 bytes a pattern) and a scratch space a thread (some 90 bytes a
 *            pattern); all is allocated when it is made or opened, nothing when scanning.
 * Cost:      a scan: about 300 ns with 10,000 patterns; making: some 1 ms a pattern.
 * Limits:    below.
 * Tests:     tests/unit/policy/patterns_test.c, tests/fuzz/pattern_fuzz.c
 */
#pragma once

#include "policy/policy.h"

enum {
	PATTERN_NODES_MAX = 1000, /* characters to match, repeats multiplied out: a name has 253 */
	PATTERN_DEPTH_MAX = 50,   /* groups in groups */
	PATTERNS_MAX = 50000,
	PATTERNS_MAKE_MS =
		120000,         /* of the processor, for all together; 4 times that by the clock */
	PATTERNS_ONE_MS = 2000, /* for one, when all together is too much */
	PATTERNS_MAKE_BYTES = 1 << 30, /* memory of the process that makes it */
	PATTERNS_DATABASE_MAX = 256 << 20,
};

/* One that is not taken into the database. */
struct pattern_dropped {
	enum policy_pattern_fault fault; /* GOOD: it is in */
	char why[POLICY_PATTERN_WHY_MAX];
};

struct pattern_budget {
	uint32_t all_ms, one_ms;
	uint64_t make_bytes, database_bytes;
};
extern const struct pattern_budget pattern_budget_usual;

/*
 * pattern_build - make the database of n expressions; numbers are their indices.
 *
 * @dropped:   n of them, zeroed: those that cannot be had within the budget are marked
 * @ret_bytes: the serialised database, the caller's to free(); NULL if none is left
 *
 * Returns 0; -ENOMEM, or what fork(), memfd_create() and pread() say (no process could be started).
 */
MUST_USE int pattern_build(const char *const *regexes, uint32_t n,
                           const struct pattern_budget *budget, struct pattern_dropped *dropped,
                           uint8_t **ret_bytes, size_t *ret_n_bytes);

struct patterns;

/* Make it ready to scan. 0; -ENOMEM; -EBADMSG: of another version or processor, or damaged. */
MUST_USE int patterns_new(const uint8_t *serialised, size_t n_bytes, struct patterns **ret);
struct patterns *patterns_get(struct patterns *p);
void patterns_put(struct patterns *p);
/* The caller's to free(). 0, -ENOMEM. */
MUST_USE int patterns_serialise(const struct patterns *p, uint8_t **ret_bytes, size_t *ret_n_bytes);

/* Visit the numbers of all patterns that match the text, each once. */
void patterns_scan(const struct patterns *p, const char *text, size_t n,
                   void (*visit)(void *arg, uint32_t number), void *arg);
