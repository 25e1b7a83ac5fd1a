/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/trust.h - the trust anchors of the running server.
 *
 * What:      reads the anchors that are configured, or takes the ones built in, and hands them
 *            to the keeper (validate/validate.h), which publishes them. Then the one place that
 *            asks for their zones' keys, through a worker's resolver, and that says in the log
 *            and in events what became of them.
 * Not here:  what anchors are, when a key comes to be trusted -> validate/anchors*.c.
 * Threads:   the main thread, registered with base/rcu.h.
 * Memory:    the keeper, and one question at a time.
 * Cost:      reads and writes files; nothing on the path of clients' questions.
 * Limits:    those of validate/validate.h.
 * Standards: RFC 4033 5, RFC 5011 2.3 (active refresh), RFC 7646
 * Tests:     tests/system/trust_test.py
 */
#pragma once

#include <stdio.h>

#include "config/config.h"
#include "events/events.h"
#include "io/loop.h"
#include "validate/validate.h"

/*
 * Read resolver.trust-anchors of a configuration; what is wrong with the file is written to
 * `out`, a line each, "FILE:LINE: warning: what". *ret_rrs is the caller's; NULL with `none`.
 *
 * Returns 0; -ENOENT when the file has no usable anchor; another -errno of the disk.
 */
MUST_USE int trust_read(const struct config *c, FILE *out, struct answer_rr **ret_rrs,
                        unsigned *ret_n);

/* Put them in force as they stand in the configuration, with nobody to follow their changes. */
MUST_USE int trust_publish(const struct config *c);

struct worker;
struct trust_watch;
struct trust_plan {
	const struct config *config; /* borrowed during trust_start() */
	struct cache *cache;
	struct loop *loop;       /* the main thread's */
	struct event_ring *ring; /* its own; NULL: no events */
	struct worker **workers;
	unsigned n_workers;
};
/* Put the anchors in force. *ret is NULL with `none`. 0 or -errno (said in the log). */
MUST_USE int trust_start(const struct trust_plan *plan, struct trust_watch **ret);
/* Once a second; and when the loop was woken. NULL is fine. */
void trust_tick(struct trust_watch *t);
void trust_woken(struct trust_watch *t);
/* NULL when there is no validation. */
struct keeper *trust_keeper(struct trust_watch *t);
/* When the workers have gone. */
void trust_stop(struct trust_watch *t);
