/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/fetching.h - the main thread's side of downloads.
 *
 * What:      tells the fetching thread which lists have a url, looks the names of their servers up
 *            for it (weir/hosts.h), and has the lists read again when a new version has come.
 *            Alerts (events) say what was refused, and which lists, of whatever source, are too old.
 * Not here:  downloading -> fetch/fetch.h
 * Threads:   the main thread, registered with base/rcu.h.
 * Memory:    a status of some KiB for each such list.
 * Cost:      nothing on the path of clients' questions.
 * Limits:    those of fetch/fetch.h.
 * Tests:     tests/system/fetch_test.py
 */
#pragma once

#include "config/config.h"
#include "events/events.h"
#include "fetch/fetch.h"
#include "io/loop.h"
#include "transfer/transfer.h"

struct hosts;
struct loader;
struct fetching;

struct fetching_plan {
	struct loop *loop; /* the main thread's */
	struct loader *loader;
	struct event_ring *ring; /* the main thread's; NULL: no events */
	struct hosts *hosts;
	/* When a list's primaries last answered; 0: never. */
	uint64_t (*transferred_s)(void *arg, const char *list);
	void *arg;
};

/* When the workers run. 0 or -errno (said in the log). */
MUST_USE int fetching_start(const struct fetching_plan *plan, struct fetching **ret);
/* A configuration has come into force. NULL is fine, here and below. */
void fetching_configure(struct fetching *f, const struct config *c);
void fetching_woken(struct fetching *f); /* when the loop was woken */
void fetching_tick(struct fetching *f);  /* once a second: lists that are too old are told */
/* A load has ended: what it refused is told as an event, once. */
void fetching_loaded(struct fetching *f, bool is_in_force);
/* Fetch now; NULL: all. -ENOENT: no list of this name has a url. */
MUST_USE int fetching_update(struct fetching *f, const char *list);
/* NULL: the list is not downloaded. Borrowed within the turn. */
const struct fetch_status *fetching_status(const struct fetching *f, const char *list);
/* The same of a zone: a transfer is a download of another kind. Borrowed until the next call. */
const struct fetch_status *fetching_status_of_zone(const struct transfer_view *v);
/* Was it told that the list is older than its max-age? */
bool fetching_is_old(const struct fetching *f, const char *list);
void fetching_stop(struct fetching *f); /* before the workers go: nothing new begins */
void fetching_free(struct fetching *f); /* when they have gone */
