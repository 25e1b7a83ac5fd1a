/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/disk.h - files that are read whole, and appear whole or not at all.
 *
 * What:      a new version is written to "PATH.new", brought to the disk and renamed over PATH;
 *            the folder is brought to the disk too. After a crash there is the old file or the
 *            new one, and perhaps a PATH.new that the next write replaces.
 * Threads:   any, one writer a path; never a worker.
 * Memory:    the text of a file that is read.
 * Cost:      waits for the disk.
 * Limits:    the caller's for reading; PATH_MAX for paths.
 * Tests:     tests/unit/base/disk_test.c
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/must.h"

/*
 * disk_read - read a regular file whole.
 *
 * @ret_text: with a NUL behind it                                      [caller's: free()]
 *
 * Returns 0; -EFBIG (over max_bytes), -EISDIR, -EINVAL (not a regular file), -ENOMEM, or what the
 * disk says.
 */
MUST_USE int disk_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_n);
/* Write a file whole in place of the old one. 0 or -errno: then the old one stands. */
MUST_USE int disk_save(const char *path, const void *bytes, size_t n, mode_t mode);

/* ---- the steps of it, for who writes piece by piece ---- */

/* Create (or empty) PATH.new. A descriptor, or -errno. */
MUST_USE int disk_create_beside(const char *path, mode_t mode);
/* fsync, close and rename to PATH; on failure PATH.new is removed. Always closes fd. */
MUST_USE int disk_replace(int fd, const char *path);
/* Close fd and remove PATH.new. */
void disk_abandon(int fd, const char *path);
/* Bring the folder of PATH to the disk. */
MUST_USE int disk_sync_folder(const char *path);
/* All n bytes, or -errno. */
MUST_USE int disk_write(int fd, const void *bytes, size_t n);

/*
 * Large files in small pieces. Bringing a hundred megabytes to the disk, or letting go of them, is
 * one long stretch inside the kernel, and a worker that shares the core waits for it. After each
 * piece that the disk was asked for the caller rests as long as it took, 20 ms at most: never on a
 * worker.
 */
enum {
	DISK_PIECE = 1 << 18
};
/* Bring n bytes at `at` to the disk now. An error is left to the fsync at the end. */
void disk_settle(int fd, off_t at, size_t n);
/* Nobody will read these bytes soon: they need no memory. They must be on the disk. */
void disk_forget(int fd, off_t at, size_t n);
/* Close a file that nobody can open any more; its pages go piece by piece. */
void disk_drop(int fd);
/* munmap(), piece by piece, without rests: it is memory that others wait for. */
void disk_unmap(const void *mapped, size_t n);
