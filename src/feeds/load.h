/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/load.h - one list: is its file sane, and if not, is there a last good copy?
 *
 * What:      a file is refused when it cannot be read whole (missing, unreadable, not a regular
 *            file, cut off, damaged, too large), when it has lines but gives no rule, when more
 *            than half of its lines (of LOAD_GARBAGE_LINES or more) are garbage, when it is
 *            empty (not even a comment) where the last good copy is not, and when the guard
 *            (guard.h) has something against it. A version that an operator has chosen goes before all.
 * Not here:  keeping copies -> feeds/store.h
 * Threads:   one thread.
 * Memory:    a reader, and the list's overrides until load_done().
 * Cost:      load_check reads the file once, load_emit once more.
 * Limits:    those of feeds.h
 * Tests:     tests/unit/feeds/load_test.c
 */
#pragma once

#include "feeds/guard.h"
#include "feeds/overrides.h"
#include "feeds/scan.h"
#include "feeds/versions.h"

enum {
	LOAD_GARBAGE_LINES = 20,
	LOAD_WHY_MAX = 300 /* the guard's words */
};

struct load {
	const struct feeds_plan *plan;
	const struct feeds_list *list;
	struct feeds_report *report;
	char path[4096 + 128]; /* of the file in force: the configured one or the copy */
	struct stat stat;      /* of it */
	uint64_t digest;       /* of its text */
	uint64_t now_s;        /* wall clock of the first pass, for the second too */
	struct overrides overrides;
	struct rpz_zone *zone;            /* format rpz: what was read of the zone; else NULL */
	struct policy_list_source source; /* the caller's */
	bool is_kept;                     /* the caller's: its rules are in the image */
	bool is_blank;                    /* not even a comment in it */
	struct guard guard;
	bool has_guard;
	uint64_t rules;          /* of the file in force, as the guard counts them */
	struct versions_pin pin; /* number 0: no version was chosen */
	bool ends_pin;           /* a newer good one is there: it is over */
	bool is_version_unread;  /* what was chosen could not be read, so there is nothing */
};

/*
 * Read the list and fill the report; choose file or copy. Returns 0, also if neither is any good
 * (report->origin says so); -ECANCELED; -ENOMEM.
 */
MUST_USE int load_check(struct load *l, const struct feeds_plan *plan,
                        const struct feeds_list *list, struct feeds_report *report);

/* The same of the list's own file, whatever version was chosen. */
MUST_USE int load_check_file(struct load *l, const struct feeds_plan *plan,
                             const struct feeds_list *list, struct feeds_report *report);

/*
 * Read it again and make the rules. 0; -EAGAIN: the file is not what it was; -ECANCELED; what
 * `rule` returned.
 */
MUST_USE int load_emit(struct load *l, int (*rule)(void *arg, const struct feeds_rule *r),
                       void *arg);
void load_done(struct load *l);
