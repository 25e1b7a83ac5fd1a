/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/store.h - the last good copies of the lists.
 *
 * What:      STATE/lists/NAME is a copy of the list's file as it was when it was last good,
 *            with that file's time of modification; compressed if that was. Written beside
 *            (".NAME.new"), synced, renamed. Shares blocks with the file where the file system
 *            can (reflink). Of a zone in layers (io/layers.h) it is the head that is copied.
 * Threads:   one thread at a time for one state directory.
 * Memory:    none.
 * Cost:      blocks on disk; a copy that is current costs two calls of stat.
 * Limits:    as much disk as the lists have bytes.
 * Tests:     tests/unit/feeds/store_test.c
 */
#pragma once

#include <sys/stat.h>

#include "feeds/feeds.h"

/* Can a list be called so, as a file? [a-zA-Z0-9._-], not beginning with a dot. */
bool store_is_name(const char *list_name);

/* The path of the copy, whether it exists or not; false without a state directory. */
bool store_copy_path(const struct feeds_plan *plan, const char *list_name, char *ret, size_t room);
/* STATE/facts/NAME (feeds/facts.h) */
bool store_facts_path(const struct feeds_plan *plan, const char *list_name, char *ret, size_t room);
/* STATE/policy.image */
bool store_image_path(const struct feeds_plan *plan, char *ret, size_t room);
/* STATE/policy.overlay */
bool store_overlay_path(const struct feeds_plan *plan, char *ret, size_t room);

/*
 * Is the file at `path` the beginning of the last good copy, ending within a line? So looks a
 * download that was cut off; a list whose last lines were taken out ends with a whole line.
 * 1, 0, or -errno: it cannot be told.
 */
MUST_USE int store_is_cut_short(const struct feeds_plan *plan, const char *list_name,
                                const char *path);

/* Make the directories. 0 or -errno. */
MUST_USE int store_prepare(const struct feeds_plan *plan);

/*
 * Copy the file at `path`, which was read when it looked like `seen`, unless the copy is
 * current. 0; -EAGAIN: it looks different now; -errno.
 */
MUST_USE int store_keep(const struct feeds_plan *plan, const char *list_name, const char *path,
                        const struct stat *seen);

/* Remove copies of lists that are not in the plan, and what a killed process left behind. */
void store_prune(const struct feeds_plan *plan);
/* The same of another folder of the state ("/facts") with a file for each list. */
void store_prune_folder(const struct feeds_plan *plan, const char *folder);
/* Remove layers (STATE/layers) that no zone, copy or version has any more; grace_s: of layers_prune(). */
void store_prune_layers(const struct feeds_plan *plan, unsigned grace_s);
