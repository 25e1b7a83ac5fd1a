/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/value.h - from a YAML node to the field of an option.
 *
 * What:      checks one value against its option and stores it; where it is wrong, says so and
 *            stores the default, so that the struct is sound in any case.
 * Not here:  what values mean together -> config/check.c.
 * Threads:   the owner's.
 * Memory:    values are pieces of the configuration's memory.
 * Cost:      O(bytes); a stat() and an open() for a file that must be readable.
 * Limits:    LABELS, PREFIXES: what the YAML limits leave; other lists VALUE_LIST_MAX.
 * Tests:     tests/unit/config/load_test.c
 */
#pragma once

#include "config/memory.h"
#include "config/node.h"
#include "config/option.h"

enum {
	VALUE_LIST_MAX = 64
};

struct value_reader {
	struct config_memory *memory;
	struct config_problems *problems;
	const char *folder; /* where relative paths start: "" or with a '/' at the end */
};

/*
 * value_set - store node as the value of option o at `field`.
 *
 * node NULL stands for the default. Returns 0, also when a problem was reported; -ENOMEM.
 */
MUST_USE int value_set(const struct value_reader *r, const struct option *o,
                       const struct node *node, void *field);

/* The path as seen from the folder; NULL: no memory. */
MUST_USE char *value_resolve_path(const struct value_reader *r, const char *path);
