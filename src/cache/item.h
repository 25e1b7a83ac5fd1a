/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cache/item.h - what the table and the makers of items share; inside cache/ only.
 *
 * What:      the kinds, and how a key becomes a place in the table.
 * Threads:   pure.
 * Memory:    none.
 * Cost:      one multiplication.
 * Tests:     tests/unit/cache/table_test.c, tests/unit/cache/answer_test.c
 */
#pragma once

#include "cache/cache.h"

enum {
	ITEM_ANSWER = 1,
	ITEM_CUT = 2,
	ITEM_ZONE = 3,
};

/* Types are 16 bits; the keys of cuts and zones have one more. */
#define KEY_TYPE_CUT  0x10000U
#define KEY_TYPE_ZONE 0x10001U

/* Does it deny `lower`, or was something of it learned from names or zones below `lower`? */
bool answer_is_due_to(const struct answer *a, const uint8_t *lower);

static inline uint64_t item_key(uint64_t name_hash, uint32_t type)
{
	return name_hash ^ ((uint64_t)(type + 1) * 0x9e3779b97f4a7c15ULL);
}
