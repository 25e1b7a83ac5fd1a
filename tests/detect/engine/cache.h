/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/cache.h - until when what is known, and which names are registries'.
 *
 * Threads:   one.
 * Memory:    16 MiB.
 * Limits:    a million names; of eight, what ends first goes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

struct ttls;

enum {
	TTLS_CUT = 0xffff /* in the place of a type: the servers of the zone */
};

MUST_USE int ttls_new(struct ttls **ret); /* 0 or -ENOMEM */
void ttls_free(struct ttls *t);
bool ttls_is_known(const struct ttls *t, const uint8_t *name, uint16_t type, uint64_t now_ns);
void ttls_put(struct ttls *t, const uint8_t *name, uint16_t type, uint64_t until_ns);

/* Is it the root or a public suffix of registries? Remembered. */
bool ttls_is_registry(const uint8_t *name);
