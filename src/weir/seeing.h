/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/seeing.h - the table of domains that were asked for (seen/seen.h), in the running server.
 *
 * What:      makes the table from the configuration and the state folder, writes what has changed
 *            once a second, and says when the disk does not take it and when it is too small.
 * Threads:   the main thread.
 * Memory:    seen.size.
 * Cost:      one small write a second; at most 8 MiB a second while a snapshot is written.
 * Limits:    those of seen/seen.h.
 * Tests:     tests/system/first_seen_test.py
 */
#pragma once

#include "config/config.h"
#include "events/events.h"
#include "seen/seen.h"

struct seeing;

/* Before the workers are made. *ret is NULL with seen.size 0. 0 or -ENOMEM. */
MUST_USE int seeing_start(const struct config *c, struct seeing **ret);
/* A worker's changes; borrowed. NULL is fine. */
void seeing_add(struct seeing *s, struct seen_changes *changes);
/* Once a second; ring: the main thread's, or NULL. */
void seeing_tick(struct seeing *s, struct event_ring *ring);
/* When the workers have stopped, before they are freed: writes what is left. */
void seeing_stop(struct seeing *s);
/* When nobody looks at the table any more. */
void seeing_free(struct seeing *s);
