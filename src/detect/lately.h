/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/lately.h - when was this last? Keys with a time, in fixed memory; inside detect/.
 *
 * What:      remembers keys and when they were put, in steps of LATELY_STEP_S; of a line that is full the
 *            longest ago goes.
 * Threads:   any: one word a key; losing a race forgets a key.
 * Memory:    one block, 8 bytes a key.
 * Cost:      one cache line.
 * Limits:    a key is taken for another one in 2^36 times. Who puts as many keys as there is room
 *            for has the older ones forgotten: only for what is suspicious while it is remembered, and
 *            where so many keys would be noticed by the leak budget.
 * Tests:     tests/unit/detect/lately_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	LATELY_STEP_S = 10
};

struct lately;

/* Room for about n keys. 0, -ENOMEM. */
MUST_USE int lately_new(size_t n, struct lately **ret);
void lately_free(struct lately *l); /* NULL is fine */
size_t lately_bytes(const struct lately *l);
/* Seconds since it was put; false: it was not, or it is forgotten. */
/* It will be asked for soon. */
void lately_prefetch(const struct lately *l, uint64_t key);
bool lately_find(const struct lately *l, uint64_t key, uint64_t now_ns, uint32_t *ret_ago_s);
void lately_put(struct lately *l, uint64_t key, uint64_t now_ns);
