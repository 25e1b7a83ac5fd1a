/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/pages.h - sources that are more than one file: TAXII collections, MISP feeds and servers.
 *
 * What:      says what is to be asked next, from what the last answer said, and gives out the objects
 *            that are in the answers as lines (collection.h), which the formats stix and misp read.
 *
 *                TAXII 2.1:   discovery -> API root -> collections -> objects, page by page; only what
 *                             was added after a time, if one is given
 *                MISP feed:   manifest.json -> UUID.json for each event that is not there yet
 *                MISP server: attributes/restSearch, page by page; only what was changed since a time
 *
 *            Objects of STIX that are no indicators are left out.
 * Not here:  asking -> fetch/gather.h; keeping what came -> fetch/collection.h; what is in the
 *            objects -> feeds/
 * Threads:   pure.
 * Memory:    heap: two URLs, and for MISP feeds the manifest's names; while an answer is taken, its JSON.
 * Cost:      parses each answer as JSON, and writes it again.
 * Limits:    PAGES_MAX answers of a source.
 * Standards: TAXII 2.1 (OASIS) 3.3 to 3.6, 4, 5; MISP core format, feeds; RFC 8259; RFC 3339
 * Tests:     tests/unit/fetch/pages_test.c, tests/fuzz/pages_fuzz.c
 */
#pragma once

#include "fetch/collection.h"
#include "fetch/fetch.h"

enum {
	PAGES_MAX = 20000,
	PAGES_ANSWER_MAX = 64 << 20, /* bytes of one answer */
	PAGES_POSITION_MAX = 63,
	PAGES_COLLECTION_MAX = 127,
};

#define PAGES_TAXII_TYPE "application/taxii+json;version=2.1"

struct pages_plan {
	enum fetch_kind kind;
	const char *url;
	const char *collection; /* TAXII: an id or a title */
	const char *after;      /* TAXII, MISP server: what pages_position() said; "": everything */
	struct collection *contents; /* MISP feed: gets what the manifest names; borrowed */
	/* MISP feed: the manifest is known: note in `contents` what is there. 0 or -errno. */
	int (*look)(void *arg);
	/* A line; not 0 ends with it. */
	int (*keep)(void *arg, const char *line, size_t n);
	void *arg;
};

struct pages;

/* 0 or -ENOMEM. */
MUST_USE int pages_new(const struct pages_plan *plan, struct pages **ret);
void pages_free(struct pages *p); /* NULL is fine */
/* What is to be asked now; NULL: that was all. */
const char *pages_url(const struct pages *p);
/* What is to be sent along, as JSON; NULL: nothing (GET). */
const char *pages_body(const struct pages *p);
/* Does the request that comes now say after what? Then a server may not like it. */
bool pages_is_after(const struct pages *p);
/* What the headers of an answer say. */
struct pages_said {
	const char *added_last; /* X-TAXII-Date-Added-Last, or "" */
	const char *date;       /* Date, or "" */
};

/* The answer to it. NULL, or why it is no good, as the end of "the answer ...". */
const char *pages_take(struct pages *p, const char *body, size_t n, const struct pages_said *said);
/* Up to where everything was given out, for the next time; "": the server does not say. */
const char *pages_position(const struct pages *p);
