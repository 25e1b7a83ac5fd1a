/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api/lines.h - in which line of its list's file a rule stands.
 *
 * What:      the policy keeps hashes, not text: the line is found again by reading the list's
 *            file, which takes a second for millions of lines. So replies that name rules go to
 *            a thread that fills the lines in and hands them back.
 * Threads:   a reply belongs to the thread until it comes back. Two pipes carry the pointers:
 *            no lock, and the loop can watch.
 * Memory:    the replies; at most CONTROL_MAX_CLIENTS are on their way.
 * Cost:      reads each list file once a reply.
 * Limits:    LINES_MAX_RULES rules a reply; the others have no line.
 * Tests:     tests/unit/api/explain_test.c
 */
#pragma once

#include <jansson.h>

#include "io/loop.h"

enum {
	LINES_MAX_RULES = 64
};

struct lines;

/* `found` is called on the loop's thread and takes the reply. */
MUST_USE int lines_new(struct loop *loop, void (*found)(void *arg, uint64_t token, json_t *reply),
                       void *arg, struct lines **ret);
/* Ends the thread after the reply it works on; the others are dropped. NULL is fine. */
void lines_free(struct lines *l);

/* Give a reply (taken) to the thread. 0 or -errno; then the reply is still the caller's. */
MUST_USE int lines_find(struct lines *l, uint64_t token, json_t *reply);

/* The same at once, on this thread. */
void lines_fill(json_t *reply);
