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

#include "feeds/facts.h"
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
	uint64_t bytes;        /* of it; of all layers if it is a text in layers */
	uint64_t digest;       /* of its text */
	uint64_t now_s;        /* wall clock of the first pass, for the second too */
	struct overrides overrides;
	struct rpz_zone *zone;            /* format rpz: what was read of the zone; else NULL */
	struct policy_list_source source; /* the caller's */
	bool is_kept;                     /* the caller's: its rules are in the image */
	uint16_t number;                  /* the caller's: in the builder */
	bool is_blank;                    /* not even a comment in it */
	struct guard guard;
	bool has_guard;
	uint64_t rules;           /* of the file in force, as the guard counts them */
	uint64_t n_protected;     /* rules left out, of it */
	struct facts facts;       /* of the file in force; spoilt: none */
	struct policy_diff *diff; /* not NULL: what the rules of the image lack (feeds/update.h) */
	struct facts before;      /* with diff: of the text that the image has */
	struct versions_pin pin;  /* number 0: no version was chosen */
	bool ends_pin;            /* a newer good one is there: it is over */
	bool is_version_unread;   /* what was chosen could not be read, so there is nothing */
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

/* ---- for feeds/update.h ---- */

/* Everything empty but what is to be read. */
void load_begin(struct load *l, const struct feeds_plan *plan, const struct feeds_list *list,
                struct feeds_report *report);
/* A scan of the list, by the guard of l if there is one. */
void load_set_up(struct load *l, struct scan *s, struct feeds_report *report);
uint64_t load_max_bytes(const struct load *l);
/* Why a text with these counts is not taken, or NULL. */
const char *load_judge_text(const struct feeds_report *r, uint64_t garbage_lines);
/* What is wrong with the list's own file, which was read: 0, or -errno and why. `text`: LOAD_WHY_MAX. */
MUST_USE int load_judge(struct load *l, char *text, size_t room, const char **ret_why,
                        uint64_t *ret_line);
/* It is taken: what an operator should know of it goes into the report. */
void load_tell(struct load *l);
