/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/told.h - has this been told before? A set of keys in fixed memory; inside detect/.
 *
 * What:      remembers the keys that were put last, about. Who is forgotten is new again: so it is only for
 *            what is charged when it is new, where forgetting costs whoever floods it.
 * Threads:   any: relaxed atomics; losing a race forgets a key.
 * Memory:    one block, 4 bytes a key.
 * Cost:      one cache line.
 * Limits:    a key is taken for another one in 2^29 times.
 * Tests:     tests/unit/detect/told_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

struct told;

/* Room for about n keys. 0, -ENOMEM. */
MUST_USE int told_new(size_t n, struct told **ret);
void told_free(struct told *t); /* NULL is fine */
size_t told_bytes(const struct told *t);
/* It will be asked for soon. */
void told_prefetch(const struct told *t, uint64_t key);
bool told_has(const struct told *t, uint64_t key);
void told_put(struct told *t, uint64_t key);
