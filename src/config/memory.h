/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/memory.h - memory that is freed all at once.
 *
 * What:      small pieces out of larger blocks. One struct config_memory holds a configuration,
 *            another the YAML tree while it is read.
 * Threads:   the owner's.
 * Memory:    heap blocks of 16 KiB, or larger for a larger piece.
 * Cost:      O(1) a piece.
 * Limits:    none of its own: the input is bounded.
 * Tests:     tests/unit/config/load_test.c
 */
#pragma once

#include <stddef.h>

#include "base/must.h"

struct config_memory;

MUST_USE struct config_memory *config_memory_new(void); /* NULL: no memory */
void config_memory_free(struct config_memory *m);

/* Zeroed, aligned for any type; NULL: no memory. n * size does not overflow, or NULL. */
MUST_USE void *config_alloc(struct config_memory *m, size_t n, size_t size);
/* A copy of n bytes with a NUL behind; NULL: no memory. */
MUST_USE char *config_copy_text(struct config_memory *m, const char *text, size_t n);
