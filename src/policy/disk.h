/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/disk.h - making a file appear whole or not at all.
 *
 * What:      a new version is written to "PATH.new", brought to the disk and renamed over PATH;
 *            the folder is brought to the disk too. After a crash there is the old file or the
 *            new one, and perhaps a PATH.new that the next write replaces.
 * Threads:   housekeeping.
 * Memory:    none.
 * Cost:      waits for the disk.
 * Tests:     tests/unit/policy/image_test.c, edits_test.c
 */
#pragma once

#include <stddef.h>

#include "base/must.h"

/* Create (or empty) PATH.new, mode 0600. A descriptor, or -errno. */
MUST_USE int disk_create_beside(const char *path);
/* fsync, close and rename to PATH; on failure PATH.new is removed. Always closes fd. */
MUST_USE int disk_replace(int fd, const char *path);
/* Close fd and remove PATH.new. */
void disk_abandon(int fd, const char *path);
/* Bring the folder of PATH to the disk. */
MUST_USE int disk_sync_folder(const char *path);
/* All n bytes, or -errno. */
MUST_USE int disk_write(int fd, const void *bytes, size_t n);
