/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/collection.h - objects that come piece by piece: what is there, brought up to date by what came.
 *
 * What:      a file of JSON objects, a line each. Every line begins with a mark of ours, which the list
 *            formats pass over:
 *
 *                {"weir":"ID STAMP GONE","type":"indicator", ...}
 *
 *            ID is the source's, STAMP grows with the object's versions, GONE is 0, or when the
 *            object stops to hold (seconds; 1: it does not any more: revoked, deleted).
 *
 *            One way to bring it up to date is by version (collection_merge): of objects with the same ID
 *            the greater STAMP stays. The other is by a table of contents (collection_want): what it
 *            names stays, with this very STAMP, and nothing else.
 * Not here:  what is asked of servers -> fetch/pages.h; when -> fetch/gather.h
 * Threads:   the fetching thread.
 * Memory:    heap: some 100 bytes for each object that came, and for each one in a table of contents; a line.
 * Cost:      reads what is there once and what came twice; hashes what it writes.
 * Limits:    COLLECTION_MAX objects that came or are wanted; the caller's max_bytes.
 * Standards: RFC 8259
 * Tests:     tests/unit/fetch/collection_test.c, tests/fuzz/collection_fuzz.c
 */
#pragma once

#include <stdio.h>

#include "fetch/validators.h"

enum {
	COLLECTION_MAX = 2000000,
	COLLECTION_ID_MAX = 128,
	COLLECTION_MARK_MAX = COLLECTION_ID_MAX + 64,
	COLLECTION_GONE = 1,
};

struct collection_mark {
	char id[COLLECTION_ID_MAX + 1];
	uint64_t stamp, gone_s;
};

/* The beginning of a line, up to where the object's first member goes. An id that is too long or has
 * odd characters is replaced by its hash. Returns its length. */
size_t collection_mark_write(const struct collection_mark *m, char ret[COLLECTION_MARK_MAX]);
/* false: no such line. */
bool collection_mark_read(const char *line, size_t n, struct collection_mark *ret);

struct collection;

MUST_USE int collection_new(struct collection **ret); /* 0 or -ENOMEM */
void collection_free(struct collection *c);           /* NULL is fine */

/* The table of contents: this object with this stamp. 0; -E2BIG; -ENOMEM. */
MUST_USE int collection_want(struct collection *c, const char *id, uint64_t stamp);
/* Note which of them are in the file. 0; -ENOENT; -errno of reading. */
MUST_USE int collection_look(struct collection *c, const char *path);
/* Is it in one of those files? */
bool collection_has(const struct collection *c, const char *id, uint64_t stamp);

struct collection_merge {
	const char *old;        /* path of what is there; NULL: nothing */
	const char *old_sha256; /* what it must be */
	const char *came;       /* path of what came; lines without a mark are passed over */
	int fd;                 /* where to write */
	bool is_wanted_only;    /* by the table of contents */
	uint64_t now_s;         /* objects that are gone by then are left out */
	uint64_t max_bytes;
};

struct collection_made {
	uint64_t bytes, n_objects, n_gone;
	char sha256[SHA256_HEX + 1];
};

/*
 * Write what is there and what came as one. Nothing at all is an empty bundle, so that the file says that
 * it is empty on purpose.
 *
 * 0; -ESTALE: `old` is not what it was, or what is wanted is not all there: ask for everything;
 * -EFBIG: over max_bytes; -E2BIG: too many objects; -ENOMEM; -errno of the disk.
 */
MUST_USE int collection_merge(struct collection *c, const struct collection_merge *m,
                              struct collection_made *ret);
