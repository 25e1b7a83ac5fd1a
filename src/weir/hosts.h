/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/hosts.h - the addresses of hosts that Weir itself wants to reach: of lists, of receivers of
 *                alerts.
 *
 * What:      looks a name up: local data first, then a worker's resolver, past cache and policy, so
 *            that a list never keeps itself from being fetched, or an alert from being sent.
 * Not here:  who wants to know -> weir/fetching.h, weir/alerting.h.
 * Threads:   the main thread, registered with base/rcu.h.
 * Memory:    two questions of 64 KiB for each look-up under way.
 * Cost:      nothing on the path of clients' questions.
 * Limits:    HOSTS_MAX_ADDRS addresses; the time limit is the resolver's.
 * Tests:     tests/system/fetch_test.py, tests/system/alerts_test.py
 */
#pragma once

#include "base/addr.h"
#include "io/loop.h"

enum {
	HOSTS_MAX_ADDRS = 16
};

struct hosts;
struct worker;

/* Called once, from hosts_ask() or hosts_woken(); n is 0 when there are none. */
typedef void hosts_done(void *arg, uint64_t token, const struct addr *addrs, unsigned n);

MUST_USE int hosts_new(struct loop *loop, struct worker **workers, unsigned n_workers,
                       struct hosts **ret);
void hosts_ask(struct hosts *h, uint64_t token, const char *host, hosts_done *done, void *arg);
void hosts_woken(struct hosts *h); /* when the loop was woken */
/* Nobody calls `arg` any more. */
void hosts_forget(struct hosts *h, const void *arg);
void hosts_free(struct hosts *h); /* when the workers have gone. NULL is fine */
