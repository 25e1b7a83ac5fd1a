/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/publisher.h - all zones that are published.
 *
 * What:      makes a publication of each entry of `publish:`, sees when the policy changes, starts
 *            and ends what is sent.
 * Not here:  one of them -> transfer/publication.c; connections -> transfer/outgoing.c.
 * Threads:   the housekeeping thread.
 * Memory:    heap.
 * Cost:      one comparison of numbers a turn of the housekeeping loop.
 * Limits:    CONFIG_MAX_PUBLICATIONS.
 * Tests:     tests/system/publish_test.py
 */
#pragma once

#include "transfer/outgoing.h"
#include "transfer/publication.h"
#include "transfer/table.h"

struct publisher;

MUST_USE int publisher_new(struct loop *loop, int stop_fd, struct publisher **ret);
void publisher_free(struct publisher *p);
struct outgoing *publisher_outgoing(struct publisher *p);

/* The publications of a configuration; not in force before publisher_take(). */
struct publisher_set {
	struct publication **at;
	unsigned n;
};
MUST_USE int publisher_make(struct publisher *p, const struct config *c,
                            const struct feeds_list *feeds, unsigned n_feeds, struct keyring *ring,
                            struct publisher_set *ret);
void publisher_drop(struct publisher_set *set);
/* What workers must know of them. 0 or -ENOMEM. */
MUST_USE int publisher_fill(const struct publisher_set *set, const struct config *c,
                            struct table *table);
/* In force; those of before go. 0 or -ENOMEM: everything is as it was. */
MUST_USE int publisher_take(struct publisher *p, struct publisher_set *set);

void publisher_woken(struct publisher *p);
/* A configuration is about to go: nobody reads its lists when this returns. */
void publisher_pause(struct publisher *p);
/* After publisher_pause(): it goes, and no other takes its place yet. */
void publisher_orphan(struct publisher *p);
/* Lists were read anew. */
void publisher_reloaded(struct publisher *p);
/* false: there are not so many. */
bool publisher_view(const struct publisher *p, unsigned i, struct transfer_published *ret);
