/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/keyring.h - the keys of a configuration.
 *
 * What:      made of `keys:`, shared by whoever needs one of them for as long as he does.
 * Threads:   immutable; references are counted by any thread.
 * Memory:    heap; secrets are wiped when the last reference goes.
 * Cost:      finding a key is O(keys).
 * Limits:    CONFIG_MAX_KEYS.
 * Standards: RFC 8945
 * Tests:     tests/unit/transfer/keyring_test.c
 */
#pragma once

#include "config/config.h"
#include "transfer/tsig.h"

struct keyring;

/* A key that cannot be used (its file says something else than base64) is left out and logged. */
MUST_USE int keyring_new(const struct config *c, struct keyring **ret); /* 0 or -ENOMEM */
struct keyring *keyring_get(struct keyring *k);
void keyring_put(struct keyring *k); /* NULL is fine */

/* NULL: there is none of that name. Borrowed from the ring. */
const struct tsig_key *keyring_find(const struct keyring *k, const struct name *name);
