/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/check.h - what values mean together.
 *
 * What:      the checks that look at more than one value: names used twice or not at all, lists
 *            whose action lacks its data, prefixes in two groups, addresses that cannot serve.
 * Not here:  one value by itself -> config/value.h.
 * Threads:   the owner's.
 * Memory:    heap during the call.
 * Cost:      O(n log n) for n lists, groups and prefixes.
 * Limits:    the nearest name is looked for 20 times.
 * Tests:     tests/unit/config/load_test.c
 */
#pragma once

#include "config/config.h"
#include "config/node.h"

/* The nodes that the entries of a configuration were made from. */
struct check_nodes {
	const struct node *root;
	const struct node **lists; /* one an entry of config->lists */
	const struct node **groups;
	const struct node **forwards;
	const struct node **zones;
	const struct node **keys;
	const struct node **publish;
	const struct node **alerts;
};

/* Add problems. Return 0 or -ENOMEM. */
MUST_USE int check_local(const struct config *c, const struct check_nodes *nodes,
                         struct config_problems *problems); /* check_local.c */
/* The source of one list: check_lists.c. */
void check_list_source(const struct config *c, struct config_list *l, const struct node *node,
                       struct config_problems *problems);
/* When and for what it holds: check_lists.c. */
void check_list_terms(const struct config *c, const struct config_list *l, const struct node *node,
                      struct config_problems *problems);
void check_transfer(const struct config *c, const struct check_nodes *nodes,
                    struct config_problems *problems); /* check_transfer.c */
void check_alerts(const struct config *c, const struct check_nodes *nodes,
                  struct config_problems *problems); /* check_alerts.c */
MUST_USE int check_config(const struct config *c, const struct check_nodes *nodes,
                          struct config_problems *problems);
