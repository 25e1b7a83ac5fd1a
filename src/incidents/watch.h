/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * incidents/watch.h - which questions are evidence, and of what.
 *
 * What:      a hit of a list with a category; a name that default: deny stops; a private address from
 *            the public DNS; what a detector found, unless it is muted. Everything else is none:
 *            what lists of advertising block says nothing.
 * Threads:   the caller holds a lock.
 * Memory:    the names of the lists with a category.
 * Cost:      a search among these names.
 * Limits:    CONFIG_MAX_LISTS.
 * Tests:     tests/unit/incidents/watch_test.c
 */
#pragma once

#include "events/events.h"
#include "incidents/table.h"

enum {
	WATCH_NAME_MAX = 1024, /* NAME_TEXT_MAX and more */
};

struct watched_list {
	char name[TABLE_SOURCE_MAX + 1];
	uint8_t class, confidence;
};

struct watch {
	struct watched_list *lists; /* by name */
	unsigned n;
};

/* The lists of a configuration. 0 or -ENOMEM. */
MUST_USE int watch_init(struct watch *w, const struct config *c);
void watch_done(struct watch *w);

/* What the evidence's texts lie in. */
struct watch_room {
	char group[TABLE_GROUP_MAX + 1], source[TABLE_SOURCE_MAX + 1];
	char text[DETECT_TEXT_MAX + 1];
	char name[WATCH_NAME_MAX];
};
/* Of the i-th finding: what a detector said. false: it is none. */
bool watch_finding(const struct event_seen *e, unsigned i, struct watch_room *room,
                   struct evidence *ret);
/* Of the rest. false: it is none. */
bool watch_evidence(const struct watch *w, const struct event_seen *e, struct watch_room *room,
                    struct evidence *ret);
