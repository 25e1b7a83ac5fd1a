/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/learning.h - groups that learn, in the running server.
 *
 * What:      ties learn/learn.h to the workers, the configuration, the log and events: once a
 *            second the notes are taken; when a group's time is over that is said, once; drift
 *            becomes an event of kind alert.
 * Threads:   the main thread.
 * Memory:    what the groups have learned.
 * Cost:      writes files of up to some MiB once a minute while something changes.
 * Limits:    those of learn/learn.h.
 * Tests:     tests/system/learn_test.py
 */
#pragma once

#include "config/config.h"
#include "events/events.h"
#include "learn/learn.h"

struct learning;

struct learning_plan {
	const struct config *config;      /* of the start */
	struct learn_notes *const *notes; /* of the workers, NULL left out; copied */
	unsigned n_notes;
	struct event_ring *ring; /* the main thread's; NULL: no events */
};

/* *ret is NULL without a state folder. 0 or -ENOMEM. */
MUST_USE int learning_start(const struct learning_plan *plan, struct learning **ret);
/* Once a second, with the configuration in force. NULL is fine. */
void learning_tick(struct learning *l, const struct config *c, uint64_t now_s);
/* For api_context.learn. */
int learning_command(struct learning *l, const struct config *c, const char *action,
                     const char *group);
/* When the workers have stopped, before they are freed: writes what is left. NULL is fine. */
void learning_stop(struct learning *l);
