/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/secondary.h - one zone that is followed: its timers and its state.
 *
 * What:      when to look at the primaries (SOA refresh, retry, expire; NOTIFY), a thread for each
 *            look, and what came of it.
 * Not here:  the look itself -> transfer/refresh.h; all zones -> transfer/transfer.c.
 * Threads:   the housekeeping thread; refresh_run() on a thread that touches only its job.
 * Memory:    heap.
 * Cost:      a thread a look.
 * Limits:    SOA timers are taken from SECONDARY_MIN_S to SECONDARY_MAX_S.
 * Standards: RFC 1034 4.3.5; RFC 1996 4
 * Tests:     tests/unit/transfer/secondary_test.c, tests/system/transfer_test.py
 */
#pragma once

#include <pthread.h>

#include "config/config.h"
#include "io/loop.h"
#include "transfer/keyring.h"
#include "transfer/refresh.h"
#include "transfer/transfer.h"

enum {
	SECONDARY_MIN_S = 1,
	SECONDARY_MAX_S = 7 * 86400,
	SECONDARY_FIRST_RETRY_S = 2, /* nothing has ever come: doubled each time */
	SECONDARY_LAST_RETRY_S = 300,
	SECONDARY_NOTIFY_MS = 100, /* a look begins at most so often */
};

struct secondary;

/* What all zones share. */
struct secondary_home {
	struct loop *loop;
	unsigned n_jobs;
	bool is_stopping;
	void (*updated)(void *arg, const char *list);
	void *arg;
};

/* From a list with primaries, as the file says now. 0, -ENOMEM, -EINVAL (TLS: logged). */
MUST_USE int secondary_new(struct secondary_home *home, const struct config *c,
                           const struct config_list *list, struct keyring *ring,
                           struct secondary **ret);
/* Go on where `old`, with the same list and zone, stood. */
void secondary_succeed(struct secondary *s, const struct secondary *old);
void secondary_start(struct secondary *s);
/* No more looks, the one under way ends; true when it can be freed: there is none. */
bool secondary_stop(struct secondary *s);
void secondary_free(struct secondary *s);

/* Look soon: a primary said so (from: which; n_primaries: unknown). */
void secondary_notified(struct secondary *s, unsigned from);
void secondary_check_now(struct secondary *s);
/* If its thread has ended: take the result. True when it had one. */
bool secondary_finish(struct secondary *s);

const char *secondary_list(const struct secondary *s);
const struct name *secondary_zone(const struct secondary *s);
const struct tsig_key *secondary_key(const struct secondary *s);
const struct endpoint *secondary_primaries(const struct secondary *s, unsigned *ret_n);
void secondary_view(const struct secondary *s, struct transfer_view *ret);

/* In how many seconds to look next: up to a tenth sooner than `interval_s`. For tests too. */
uint64_t secondary_interval_ns(uint32_t interval_s);
