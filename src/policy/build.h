/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/build.h - the inside of the builder.
 *
 * What:      what build.c collects and write.c writes.
 * Threads:   the builder's.
 * Memory:    table.h and sets.h, and 96 bytes a list.
 * Tests:     tests/unit/policy/image_test.c
 */
#pragma once

#include "policy/sets.h"
#include "policy/table.h"

struct policy_builder {
	struct table table;
	struct sets sets;
	struct image_list *lists;
	uint32_t n_lists;
	uint64_t lengths_v4, lengths_v6[3];
	bool has_log_rules;
};
