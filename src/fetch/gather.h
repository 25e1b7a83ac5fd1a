/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/gather.h - one attempt to bring a source of many answers up to date: TAXII, MISP.
 *
 * What:      asks one request after the other (pages.h), keeps the objects that came in .NAME.part, and at
 *            the end writes what is there and what came as one (collection.h) to .NAME.new. Only
 *            what is new is asked for: after the position that the last time led to (validators.h),
 *            or what differs from a table of contents. Everything is asked for when nothing is
 *            there, when full_refresh_s is over, and when a server does not take the position.
 *
 *            .NAME.part survives an attempt that fails and a restart, with marks up to where it is
 *            complete:
 *
 *                #weir-part 1 KEY WHAT       KEY: of URL and collection; WHAT: "all", or the SHA-256 of what it goes on top of
 *                {"weir":...} ...            objects
 *                #at POSITION                everything up to here has come
 *
 * Not here:  trying other URLs, putting the new version in its place -> fetch/job.h
 * Threads:   the fetching thread.
 * Memory:    heap: what pages.h and collection.h say, and an answer.
 * Cost:      blocks on disk.
 * Limits:    the source's max_bytes for what came and for what comes of it; GATHER_PART_S.
 * Tests:     tests/unit/fetch/gather_test.c, tests/system/indicators_test.py
 */
#pragma once

#include "fetch/pages.h"
#include "fetch/place.h"
#include "fetch/request.h"

enum {
	GATHER_PART_S = 86400, /* an older .NAME.part is not gone on with */
	GATHER_KEY_MAX = 32,
	GATHER_HEADER_MAX = 160,
};

enum gather_outcome {
	GATHER_FAILED, /* why */
	GATHER_SAME,   /* nothing is new: `version` has new times and perhaps a new position */
	GATHER_NEW,    /* `version` is in the file that `fd` leads to, .NAME.new */
};

struct gather_plan {
	struct net *net;
	const struct fetch_source *source; /* all of these outlive it */
	const struct curl_slist *secrets;
	const char *url;
	const struct place *place;
	const struct validators *known; /* of the version that is there; NULL: none */
	void (*done)(void *arg);        /* may free it; never from inside gather_start() */
	void *arg;
};

struct gather {
	struct gather_plan plan;
	/* the outcome */
	enum gather_outcome outcome;
	struct validators version;
	int fd; /* GATHER_NEW: the taker's, who sets it to -1 */
	char why[FETCH_WHY_MAX + FETCH_URL_MAX];
	uint32_t retry_after_s;

	/* its own */
	struct pages *pages;
	struct collection *collection;
	struct request *request;
	int part;            /* .NAME.part */
	uint64_t part_bytes; /* of it */
	bool is_full;        /* everything is asked for, whatever is there */
	bool is_resumed, is_part_bad;
	char key[GATHER_KEY_MAX];
	char manifest[SHA256_HEX + 1]; /* MISP feed: of what lists the events */
};

/* 0, and `done` follows; -ENOMEM; another -errno: .NAME.part cannot be written. */
MUST_USE int gather_start(const struct gather_plan *plan, struct gather **ret);
void gather_free(struct gather *g); /* gives up; NULL is fine */

/*
 * Where .NAME.part is complete.
 *
 * @ret_what: "all", or the SHA-256 of what it goes on top of
 * @ret_at:   the last position, "": there is none
 * @ret_n:    so many bytes are complete
 *
 * 0; -ENOENT (none, of another key, or older than GATHER_PART_S); -errno of reading.
 */
MUST_USE int gather_look(const char *path, const char *key, bool has_positions, uint64_t now_s,
                         char ret_what[SHA256_HEX + 1], char ret_at[PAGES_POSITION_MAX + 1],
                         uint64_t *ret_n);
