/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/versions.h - the last good versions of each list, and which of them an operator has chosen.
 *
 * What:      STATE/versions/NAME/ holds the files 1, 2, 3, ... of the last good versions (links to
 *            what was STATE/lists/NAME), `index` with what is known of them, `pin` when one is to
 *            stay in force, and `accept` when a version that was refused is to be taken.
 * Threads:   one thread at a time for one state directory; pinning may be another's.
 * Memory:    none.
 * Cost:      small files; a version costs its bytes on disk once.
 *            Of a zone (lists with a serial) that came in a burst only the first and the last two stay.
 * Limits:    VERSIONS_MAX versions, VERSIONS_MAX_BYTES of each list beside the newest: of versions in
 *            layers (io/layers.h) what is on the disk, each layer once.
 * Tests:     tests/unit/feeds/versions_test.c, tests/fuzz/versions_fuzz.c
 */
#pragma once

#include "feeds/feeds.h"

#define VERSIONS_MAX_BYTES (1ULL << 30)

enum {
	VERSIONS_MAX = FEEDS_MAX_VERSIONS,
	VERSIONS_TEXT_MAX = 16 * 1024,
	VERSIONS_BURST_S = 3600, /* versions of a zone closer than this are thinned out */
};

struct versions {
	struct feeds_version at[VERSIONS_MAX]; /* the oldest first */
	unsigned n;
};

/* A file as it was when the operator decided. */
struct versions_identity {
	uint64_t inode, bytes, mtime_ns;
};

struct versions_pin {
	uint32_t number;
	bool is_until_newer;               /* only until the list's own file is another and good */
	struct versions_identity identity; /* of the list's own file then; zeros: there was none */
};

/* The text of `index`; lines that are no good are passed over. */
void versions_parse(const char *text, size_t n, struct versions *ret);
size_t versions_format(const struct versions *v, char ret_text[VERSIONS_TEXT_MAX]);
/* 0 or -EBADMSG. */
MUST_USE int versions_pin_parse(const char *text, size_t n, struct versions_pin *ret);

/* What there is; none without a state directory. 0, or -errno: there may be some, and *ret is empty. */
MUST_USE int versions_read(const char *state_dir, const char *list, struct versions *ret);
/*
 * Keep the file at `path` (not written to any more) as the newest version, unless the newest has
 * the same digest. Its number is set. 0 or -errno.
 */
MUST_USE int versions_add(const struct feeds_plan *plan, const char *list, const char *path,
                          struct feeds_version *v);
/* 1: this one is chosen; 0: none is, and *ret is untouched; -errno: it cannot be read. */
MUST_USE int versions_pinned(const char *state_dir, const char *list, struct versions_pin *ret);
/* Was this very file accepted? 1, 0, or -errno: it cannot be told. */
MUST_USE int versions_is_accepted(const char *state_dir, const char *list, const char *path);
/* The path of a file in the list's folder; false: too long, or no state directory. */
bool versions_path(const char *state_dir, const char *list, const char *file, char *ret,
                   size_t room);
bool versions_identify(const char *path, struct versions_identity *ret);
bool versions_is_same(const struct versions_identity *a, const struct versions_identity *b);
/* Remove the folders of lists that are not in the plan. */
void versions_prune(const struct feeds_plan *plan);
