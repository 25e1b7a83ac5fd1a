/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/file.h - reading a small file whole.
 *
 * What:      regular files only, bounded.
 * Threads:   any.
 * Memory:    a piece of the caller's config_memory.
 * Cost:      reads a file; never on a worker.
 * Limits:    the caller's; a longer file is -EFBIG.
 * Tests:     tests/unit/config/load_test.c
 */
#pragma once

#include <stddef.h>

#include "config/memory.h"

/* 0; -EFBIG, -EISDIR, -EINVAL (not a regular file), -ENOMEM, or what the disk says. */
MUST_USE int file_read(const char *path, size_t max_bytes, struct config_memory *m, char **ret_text,
                       size_t *ret_n);
