/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * incidents/incidents.h - the front door of incidents: clients that seem to be infected.
 *
 * What:      evidence of each client adds up to a score, which halves with time. From one score on
 *            the client is suspicious, from another infected; then an incident is open, until it
 *            was quiet for long or somebody says that the machine is clean. An incident is told
 *            when it opens, when it gets worse, in steps, and when it closes: not with each
 *            question. docs/incidents.md has the numbers.
 *
 *                events --> incidents_seen() --> table --> alerts_put()
 *                                                  `--> STATE/incidents, once in a while
 * Not here:  sending alerts -> alerts/alerts.h; what lists and detectors say -> policy/, detect/.
 * Threads:   incidents_seen: the events' writer. The others: the main thread. A thread of its own
 *            tells and saves. A lock is held for microseconds
 *            (docs/why/010-locks-off-the-path.md).
 * Memory:    INCIDENTS_CLIENTS_MAX times some 3 KiB, taken as they are used.
 * Cost:      a microsecond an event; nothing on the path of questions.
 * Limits:    table.h says who goes when there are too many clients.
 * Tests:     tests/unit/incidents/, tests/fuzz/incidents_fuzz.c, tests/system/incidents_test.py
 */
#pragma once

#include <jansson.h>

#include "alerts/alerts.h"
#include "base/addr.h"
#include "base/must.h"
#include "config/config.h"
#include "events/events.h"

enum {
	INCIDENTS_CLIENTS_MAX = 10000,
	INCIDENTS_WHY_MAX = 200,
};

struct incidents;

struct incidents_plan {
	const char *state_dir; /* NULL: nothing outlives the process */
	struct alerts *alerts;
};

/* Read what was saved. 0 or -errno (said in the log). */
MUST_USE int incidents_start(const struct incidents_plan *plan, const struct config *c,
                             struct incidents **ret);
/* Save, and end. NULL is fine, here and below. */
void incidents_stop(struct incidents *s);
/* Scores and the categories of lists. */
void incidents_configure(struct incidents *s, const struct config *c);
/* A question that matters; what is no evidence is passed over. */
void incidents_seen(struct incidents *s, const struct event_seen *e);

/* ---- for the control interface; times are seconds of the wall clock ---- */

/*
 * The clients with evidence, the worst first: {"total", "infected", "suspicious", "evicted",
 * "untracked", "clients": [...]}, at most `limit` of them from number `from` on. NULL: no memory.
 */
json_t *incidents_clients(struct incidents *s, uint64_t now_s, unsigned from, unsigned limit);
/* One client with its timeline; NULL: nothing is known of it, or no memory. */
json_t *incidents_client(struct incidents *s, uint64_t now_s, const struct addr *client);
/* The machine is clean: its incident is closed, its evidence forgotten. 0 or -ENOENT. */
MUST_USE int incidents_clear(struct incidents *s, uint64_t now_s, const struct addr *client,
                             const char *who, const char *reason);
