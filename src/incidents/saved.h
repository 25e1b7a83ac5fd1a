/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * incidents/saved.h - the evidence of clients as lines of JSON, to outlive the process.
 *
 * What:      the first line is about the whole, each other one about a client. A line that does not
 *            hold costs itself only; values out of range are no values.
 * Not here:  when it is saved -> incidents.c
 * Threads:   the caller holds a lock.
 * Memory:    a line at a time.
 * Cost:      some 50 us a client.
 * Limits:    INCIDENTS_CLIENTS_MAX clients, SAVED_LINE_MAX a line.
 * Tests:     tests/unit/incidents/saved_test.c, tests/fuzz/incidents_fuzz.c
 */
#pragma once

#include <stddef.h>

#include "incidents/table.h"

enum {
	SAVED_LINE_MAX = 64 * 1024,
	SAVED_BYTES_MAX = 256 * 1024 * 1024,
};

/* A line without its end, the caller's; NULL: no memory. */
char *saved_head(const struct table *t);
char *saved_client(const struct client *c);

/* Fill an empty table. Returns how many lines did not hold. */
unsigned saved_read(struct table *t, const char *text, size_t n);
