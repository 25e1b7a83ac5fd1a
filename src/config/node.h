/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/node.h - a YAML text as a small tree, each node with its place.
 *
 * What:      the part of YAML that a configuration needs: maps with text keys, lists, text.
 *            Anchors, aliases, merge keys, tags and further documents are reported as problems.
 * Not here:  what keys mean -> config/load.c.
 * Threads:   the owner's.
 * Memory:    nodes and texts are pieces of a config_memory.
 * Cost:      O(bytes).
 * Limits:    NODE_MAX_DEPTH deep, NODE_MAX_NODES nodes: what is over ends the reading with a
 *            problem.
 * Standards: YAML 1.1, a part
 * Tests:     tests/unit/config/node_test.c, tests/fuzz/config_fuzz.c
 */
#pragma once

#include "config/config.h"
#include "config/memory.h"

enum {
	NODE_MAX_DEPTH = 8,
	NODE_MAX_NODES = 100000
};

enum node_kind {
	NODE_TEXT,
	NODE_LIST,
	NODE_MAP,
	NODE_BAD, /* already complained about: say no more */
};

struct node {
	enum node_kind kind;
	bool is_quoted; /* TEXT: in quotes or a block, so never empty for "no value" */
	struct config_place place;
	const char *text; /* TEXT: ends in NUL, holds no other */
	size_t n_text;
	const struct node *key; /* in a MAP: the TEXT before it */
	struct node *first;     /* LIST, MAP: the values */
	struct node *next;
	unsigned n; /* LIST, MAP: how many */
};

/*
 * node_read - make the tree of a text.
 *
 * @ret_root: NULL when there is nothing in it                                  [pieces of m]
 * @ret_is_whole: false when a syntax error or a limit ended the reading early
 *
 * Returns 0 (problems may have been added), -ENOMEM.
 */
MUST_USE int node_read(const char *text, size_t n, struct config_memory *m,
                       struct config_problems *problems, struct node **ret_root,
                       bool *ret_is_whole);

/* The value of a key of a map (the first one), or NULL; also NULL when map is none. */
const struct node *node_find(const struct node *map, const char *key);

/* No value at all: `key:` with nothing behind it, or null, or ~. */
bool node_is_nothing(const struct node *n);

/* "a map", "a list", "text" for problems. */
const char *node_kind_name(const struct node *n);
