/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/forward.h - the zones that are asked of the operator's forwarders.
 *
 * What:      the configured zones, the longest first, each with its servers and the cut that
 *            stands for it among an answer's facts. A zone without servers is an exception: its
 *            names are resolved by iteration though a shorter zone is forwarded.
 * Threads:   immutable after forwards_new().
 * Memory:    one block; the cuts are counted (cache/cache.h).
 * Cost:      a comparison a zone; nothing when there are none.
 * Limits:    16 servers a zone.
 * Tests:     tests/unit/resolve/forward_test.c
 */
#pragma once

#include "resolve/resolve.h"

enum {
	FORWARD_MAX_SERVERS = 16
};

struct forward_zone {
	struct name zone;
	unsigned n_labels;
	unsigned n_to; /* 0: iterate */
	bool is_unvalidated, is_first;
	const struct tls_client *tls;
	struct endpoint to[FORWARD_MAX_SERVERS];
	const struct cut *cut;
};

struct forwards {
	unsigned n;
	struct forward_zone zones[]; /* more labels first */
};

/* 0 or -ENOMEM. */
MUST_USE int forwards_new(const struct resolve_forward *from, unsigned n, struct forwards **ret);
void forwards_free(struct forwards *f);

/* The zone whose servers are asked about a name; NULL: iterate. f may be NULL. */
const struct forward_zone *forward_find(const struct forwards *f, const uint8_t *lower);
