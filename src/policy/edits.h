/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/edits.h - the operator's edits, as judging sees them.
 *
 * What:      a small open-addressing table of pointers to edits, by the hash of the name. One
 *            writer puts entries into free slots and replaces or buries others while workers
 *            read; a fuller table is copied to a larger one. So an edit costs microseconds
 *            however many there are, beside its line in the journal.
 *            Not liburcu's cds_lfht: one writer needs no more than atomic slots, and
 *            ThreadSanitizer understands these.
 * Not here:  the journal -> policy/journal.h.
 * Threads:   reading: any registered RCU thread; the rest: housekeeping.
 * Memory:    about 700 bytes an edit; what is replaced is retired through base/rcu.h.
 * Cost:      hot path: one load when there are no edits, else a probe a label.
 * Limits:    EDITS_MAX.
 * Tests:     tests/unit/policy/edits_test.c
 */
#pragma once

#include <stdatomic.h>

#include "policy/policy.h"

enum {
	EDITS_MAX = 100000
};

struct edits_entry {
	uint64_t hash;
	struct policy_edit edit;
};

struct edits_table {
	uint32_t mask;   /* slots - 1 */
	uint32_t n_used; /* slots that were ever taken; the writer's */
	struct edits_entry *_Atomic slots[];
};

/* The table in force; NULL when there are no edits. Borrowed until the next quiet point. */
const struct edits_table *edits_now(void);

/*
 * The i-th edit for this very name (wire, lower case), counted from *at, which starts as 0; the
 * scope and the group are not looked at. NULL: no more.
 */
const struct policy_edit *edits_next(const struct edits_table *t, const uint8_t *name,
                                     uint64_t hash, uint32_t *at);

/* Is it for the group of this name? */
bool edits_is_for(const struct policy_edit *e, const char *group_name);

/*
 * How edits for one name compare: the smallest wins. An exact one before one for the tree, one
 * for the group before one for all, allow before block.
 */
unsigned edits_order(const struct policy_edit *e, bool is_full_name);
