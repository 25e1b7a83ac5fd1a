/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/pages.h - sources that are more than one file: TAXII collections, MISP feeds.
 *
 * What:      says which URL comes next, from what the last one answered. What is to be kept of the
 *            answers is written one after the other into one file, which the formats stix and misp
 *            read.
 *
 *                TAXII 2.1: discovery -> API root -> collections -> objects, page by page
 *                MISP:      manifest.json -> UUID.json for each event
 *
 * Not here:  asking -> fetch/job.h; what is in the answers -> feeds/
 * Threads:   pure.
 * Memory:    heap: a URL, and for MISP the manifest's names.
 * Cost:      parses each answer as JSON.
 * Limits:    PAGES_MAX answers of a source.
 * Standards: TAXII 2.1 (OASIS) 4, 5; MISP core format, feeds; RFC 8259
 * Tests:     tests/unit/fetch/pages_test.c, tests/fuzz/pages_fuzz.c
 */
#pragma once

#include "fetch/fetch.h"

enum {
	PAGES_MAX = 20000,
	PAGES_ANSWER_MAX = 64 << 20, /* bytes of one answer */
};

#define PAGES_TAXII_TYPE "application/taxii+json;version=2.1"

struct pages;

/* kind TAXII: `collection` is an id or a title. 0 or -ENOMEM. */
MUST_USE int pages_new(enum fetch_kind kind, const char *url, const char *collection,
                       struct pages **ret);
void pages_free(struct pages *p); /* NULL is fine */
/* What is to be asked now; NULL: that was all. */
const char *pages_url(const struct pages *p);
/*
 * The answer to it. *ret_is_kept: its bytes belong into the file. NULL, or why it is no good, as the end
 * of "the answer ...".
 */
const char *pages_take(struct pages *p, const char *body, size_t n, bool *ret_is_kept);
