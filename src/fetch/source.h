/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/source.h - copies of what is to be fetched, for the fetching thread.
 *
 * What:      the configuration may go while downloads run, so everything is copied.
 * Threads:   pure.
 * Memory:    heap: struct, arrays and texts.
 * Cost:      some KiB a source.
 * Limits:    those of fetch.h; what is over them is left out.
 * Tests:     tests/unit/fetch/source_test.c
 */
#pragma once

#include "fetch/fetch.h"

struct fetch_sources {
	struct fetch_source *at;
	unsigned n;
};

/* A deep copy; NULL: no memory. */
struct fetch_sources *sources_copy(const struct fetch_source *from, unsigned n);
void sources_free(struct fetch_sources *s); /* NULL is fine */
bool source_is_same(const struct fetch_source *a, const struct fetch_source *b);
