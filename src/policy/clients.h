/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/clients.h - from a client's address to its group.
 *
 * What:      the prefixes of all groups, flattened: for each family the sorted starts of the
 *            ranges in which the answer is the same, so that nesting is settled once and a
 *            look-up is one binary search.
 * Threads:   immutable after clients_init.
 * Memory:    heap; at most 36 bytes a prefix.
 * Cost:      hot path, for every packet: log2(2 * prefixes) comparisons.
 * Limits:    1 M prefixes a family.
 * Tests:     tests/unit/policy/clients_test.c
 */
#pragma once

#include "policy/policy.h"

struct clients_ranges {
	unsigned __int128 *starts; /* starts[0] is 0 */
	uint16_t *groups;
	uint32_t n;
};

struct clients {
	struct clients_ranges v4, v6;
};

struct clients_prefix {
	struct addr_prefix prefix;
	uint16_t group;
};

/*
 * 0; -EEXIST: the same prefix stands in two groups; -EINVAL: a length too long; -ENOSPC;
 * -ENOMEM. Sorts `prefixes`. Host bits are ignored.
 */
MUST_USE int clients_init(struct clients *c, struct clients_prefix *prefixes, size_t n);
void clients_done(struct clients *c);

uint16_t clients_group(const struct clients *c, const struct addr *a);
