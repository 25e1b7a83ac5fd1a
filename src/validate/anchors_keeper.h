/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/anchors_keeper.h - the keeper of trust anchors, for its own files; inside validate/
 *                             only.
 *
 * What:      anchors_keeper.c asks, moves and publishes; anchors_remember.c brings the state
 *            files and the configuration together; anchors_exempt.c has the negative anchors.
 * Threads:   one.
 * Memory:    about 150 KiB, and the keys.
 * Cost:      changes wait for the disk: never on a worker.
 * Limits:    see validate/validate.h.
 * Standards: RFC 5011, RFC 7646
 * Tests:     tests/unit/validate/anchors_keeper_test.c
 */
#pragma once

#include "validate/anchors_disk.h"
#include "validate/anchors_state.h"

struct kept_zone {
	struct tracked_zone *tracked;
	uint64_t ask_at_s;            /* monotonic */
	uint64_t seen_s;              /* wall clock; 0: not since the start */
	uint32_t ttl_s, signed_for_s; /* of the last good answer; 0: none yet */
	uint32_t retry_s;
	bool is_asked;    /* the answer is on its way */
	bool was_trusted; /* it had an anchor when last looked at */
	bool was_vouched; /* the last answer was signed by a key that is trusted */
};

struct keeper {
	struct keeper_plan plan;
	char keys_path[ANCHORS_PATH_MAX], negatives_path[ANCHORS_PATH_MAX];
	unsigned n_zones, n_negatives;
	bool is_changed; /* keys, since they were saved */
	struct kept_zone zones[ANCHOR_ZONES_MAX];
	struct negative_anchor negatives[NEGATIVE_ANCHORS_MAX];
};

void keeper_tell(const struct keeper *k, enum anchors_notice_kind kind, int severity,
                 const uint8_t *name, int tag, const char *text);
/* A snapshot of what is trusted now. 0 or -ENOMEM. */
MUST_USE int keeper_publish(const struct keeper *k);
void keeper_publish_again(const struct keeper *k); /* tells when it cannot */

/* What was saved, and what is configured (anchors_remember.c). 0, -E2BIG, -ENOMEM. */
MUST_USE int keeper_remember(struct keeper *k);
MUST_USE int keeper_save_keys(const struct keeper *k);
MUST_USE int keeper_save_negatives(const struct keeper *k);
struct negative_anchor *keeper_find_negative(struct keeper *k, const uint8_t *name);
