/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/notifier.h - telling one follower of one zone that there is a new version.
 *
 * What:      NOTIFY over UDP, sent again after 1, 2, 4 ... 60 seconds until it is answered: whoever
 *            was away hears of it within a minute of coming back.
 * Threads:   the housekeeping thread, on its loop.
 * Memory:    the struct, and a socket while an answer is awaited.
 * Cost:      one packet a try.
 * Limits:    NOTIFIER_LAST_S between tries.
 * Standards: RFC 1996 3, 4.8
 * Tests:     tests/unit/transfer/notifier_test.c, tests/system/publish_test.py
 */
#pragma once

#include "base/addr.h"
#include "io/loop.h"
#include "transfer/tsig.h"

enum {
	NOTIFIER_LAST_S = 60
};

struct notifier;

/* zone, key: borrowed, as long as it lives. 0 or -ENOMEM. */
MUST_USE int notifier_new(struct loop *loop, const struct name *zone, const struct endpoint *to,
                          const struct tsig_key *key, struct notifier **ret);
void notifier_free(struct notifier *n);
/* This is the version now. */
void notifier_tell(struct notifier *n, uint32_t serial);
/* Has the last version been acknowledged? */
bool notifier_is_heard(const struct notifier *n);
