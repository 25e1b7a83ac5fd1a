/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/pages.h - memory for tables that are looked into at random.
 *
 * What:      zeroed, its lines of the cache not shared with anything else. Tables lie one behind the other in regions
 *            of huge pages, the small ones, too: each look into a table in small pages waits for the page's place
 *            as well, and there are more of them than the processor remembers.
 * Not here:  memory of messages and queries.
 * Threads:   one at a time: that which starts and stops the program.
 * Memory:    process; the caller's, released with pages_release(). All of it is there from the start, written once.
 *            A region goes back with the last table in it, so what is released while another lives is not used again.
 * Cost:      making it, about 0.1 ms a MiB. The last huge page of a region is there whole.
 * Limits:    where the kernel gives no huge pages they are small ones.
 * Tests:     tests/unit/base/pages_test.c
 */
#pragma once

#include <stddef.h>

/* n bytes, none of them shared; NULL: there is no memory. */
void *pages_zeroed(size_t n);
void pages_release(void *at); /* NULL is fine */
