/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/pages.h - memory for tables that are looked into at random.
 *
 * What:      zeroed, its lines of the cache not shared with anything else, in huge pages where it has the
 *            size of one: each look into a table of some MiB in small ones waits for the page's place, too.
 * Not here:  memory of messages and queries.
 * Threads:   any.
 * Memory:    the caller's, released with free(); all of it is there from the start, written once.
 * Cost:      making it, about 0.1 ms a MiB.
 * Limits:    where the kernel gives no huge pages they are small ones.
 * Tests:     tests/unit/base/pages_test.c
 */
#pragma once

#include <stddef.h>

/* n bytes, none of them shared; NULL: there is no memory. */
void *pages_zeroed(size_t n);
