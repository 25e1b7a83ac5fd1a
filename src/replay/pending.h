/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/pending.h - queries whose responses have not been met yet.
 *
 * What:      a table of fixed size: four places a set; when a set is full its oldest query is
 *            given out as one without a response.
 * Threads:   one thread.
 * Memory:    10 MiB, used as it is filled.
 * Cost:      one hash a query.
 * Limits:    32768 queries.
 * Tests:     tests/unit/replay/pending_test.c
 */
#pragma once

#include "replay/replay.h"

struct pending;

struct pending_key {
	struct endpoint client;
	uint16_t id, type;
	const uint8_t *name; /* lower case */
};

MUST_USE int pending_new(struct pending **ret); /* 0 or -ENOMEM */
void pending_free(struct pending *p);
/*
 * Keep a query. True: *ret is to be given out: an older one that had to go, or the same once more
 * where `counts_again` (what tells queries apart is not recorded; else it is one sent again).
 */
bool pending_put(struct pending *p, const struct pending_key *k, uint64_t wall_ns,
                 bool counts_again, struct replay_item *ret);
/* Its response came. */
void pending_remove(struct pending *p, const struct pending_key *k);
/* Take out any; false when it is empty. */
bool pending_take(struct pending *p, struct replay_item *ret);
