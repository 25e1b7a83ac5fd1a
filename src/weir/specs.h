/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/specs.h - lists and groups of a configuration in the words of policy/ and feeds/.
 *
 * What:      config/ stands below policy/ and feeds/ and knows their words as text only; here
 *            they become the structs that policy_new() and feeds_compile() take.
 * Threads:   any, one call at a time; a struct specs is not changed after specs_new().
 * Memory:    heap; addresses and clients are borrowed from the configuration, which must outlive
 *            the specs.
 * Cost:      some 4 KiB a list.
 * Limits:    those of config/config.h.
 * Tests:     tests/unit/weir/specs_test.c
 */
#pragma once

#include "config/config.h"
#include "feeds/feeds.h"
#include "policy/policy.h"

struct specs {
	struct policy_list_spec *lists; /* in the order of the configuration */
	struct feeds_list *feeds;       /* feeds[i].spec is &lists[i] */
	unsigned n_lists;
	struct feeds_protected *protected; /* for all lists */
	struct policy_group_spec *groups;
	unsigned n_groups;
};

/* 0; -ENOMEM. The configuration comes from config_load(), so nothing else can be wrong. */
MUST_USE int specs_new(const struct config *c, struct specs **ret);
void specs_free(struct specs *s); /* NULL is fine */
