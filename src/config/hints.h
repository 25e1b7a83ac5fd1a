/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/hints.h - where the root of the DNS begins.
 *
 * What:      root servers' names and addresses: the ones built in, or those of a file in zone
 *            file form, as IANA publishes it (named.root).
 * Threads:   any.
 * Memory:    pieces of the caller's config_memory.
 * Cost:      reads a file.
 * Limits:    a file of 1 MiB, CONFIG_MAX_HINTS servers, CONFIG_HINT_MAX_ADDRS addresses each;
 *            $INCLUDE is not followed.
 * Standards: RFC 1035 5 (zone files); RFC 8109 2 (hints)
 * Tests:     tests/unit/config/hints_test.c, tests/fuzz/hints_fuzz.c
 */
#pragma once

#include "config/config.h"
#include "config/memory.h"

enum {
	HINTS_MAX_BYTES = 1 << 20,
	HINTS_WHY_MAX = 256
};

/* 0, -ENOMEM. */
MUST_USE int hints_built_in(struct config_memory *m, struct config_hint **ret_hints,
                            unsigned *ret_n);

/*
 * hints_from_text - read hints in zone file form.
 *
 * Returns 0; -EBADMSG: ret_why says what is wrong, with the line ("line 3: ..."); -ENOMEM.
 */
MUST_USE int hints_from_text(const char *text, size_t n, struct config_memory *m,
                             struct config_hint **ret_hints, unsigned *ret_n,
                             char ret_why[HINTS_WHY_MAX]);

/* The same of a file; also an -errno of the disk, with ret_why. */
MUST_USE int hints_from_file(const char *path, struct config_memory *m,
                             struct config_hint **ret_hints, unsigned *ret_n,
                             char ret_why[HINTS_WHY_MAX]);
