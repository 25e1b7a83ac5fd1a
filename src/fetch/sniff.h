/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/sniff.h - does a body look like a list at all?
 *
 * What:      servers answer "200 OK" with pages for people: logins, errors, captive portals. The
 *            first bytes tell.
 * Threads:   pure.
 * Memory:    none.
 * Cost:      looks at SNIFF_BYTES.
 * Limits:    a page that hides its nature is left to the judgement of feeds/load.h.
 * Tests:     tests/unit/fetch/sniff_test.c
 */
#pragma once

#include <stddef.h>

enum {
	SNIFF_BYTES = 512
};

/* Why the body cannot be a list, as the end of "the answer ..."; NULL: nothing against it. */
const char *sniff_trouble(const char *head, size_t n, const char *content_type);
