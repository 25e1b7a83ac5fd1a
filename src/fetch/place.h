/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/place.h - the files of a download in the state folder.
 *
 * What:      STATE/feeds/NAME, .NAME.new, .NAME.part and .NAME.meta. A new version is written to .NAME.new,
 *            synced and renamed: a kill or a full disk leaves the old version or the new one.
 * Threads:   the fetching thread.
 * Memory:    none.
 * Cost:      blocks on disk.
 * Limits:    paths of PLACE_PATH_MAX bytes.
 * Tests:     tests/unit/fetch/place_test.c
 */
#pragma once

#include "fetch/source.h"
#include "fetch/validators.h"

enum {
	PLACE_PATH_MAX = 4200
};

struct place {
	char folder[PLACE_PATH_MAX]; /* STATE/feeds */
	char file[PLACE_PATH_MAX], beside[PLACE_PATH_MAX], meta[PLACE_PATH_MAX];
	char part[PLACE_PATH_MAX];
};

/* 0; -ENAMETOOLONG; -EINVAL (a name that cannot be a file's). */
MUST_USE int place_of(const char *state_dir, const char *name, struct place *ret);

/* Make the folders and open .NAME.new, empty, for writing. The descriptor or -errno. */
MUST_USE int place_begin(const struct place *p);
/* Open .NAME.part as it is, for reading and writing; made if need be. The descriptor or -errno. */
MUST_USE int place_open_part(const struct place *p);
/* fd: of place_begin(); closed in any case. The new version takes the old one's place. 0 or -errno. */
MUST_USE int place_finish(const struct place *p, int fd, const struct validators *v);
/* fd: closed, the file is removed. */
void place_give_up(const struct place *p, int fd);

/*
 * What is known of the version that is there. -ENOENT: there is none, or nothing is known of it,
 * or the file is not the one.
 */
MUST_USE int place_known(const struct place *p, struct validators *ret);
/* Only the times have changed. 0 or -errno. */
MUST_USE int place_note(const struct place *p, const struct validators *v);

/* Remove what belongs to no source. */
void place_prune(const char *state_dir, const struct fetch_sources *sources);
