/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/hints.h - the root servers to begin with.
 *
 * What:      the thirteen of IANA's root hints file, built in; or a file in that format (the
 *            NS, A and AAAA records of a zone file, one a line, names absolute).
 * Not here:  asking the root itself for its servers (priming) -> cut.c.
 * Threads:   any thread.
 * Memory:    one block, or static.
 * Cost:      start-up only.
 * Limits:    32 servers, 8 addresses each; files of 64 KiB. More is an error.
 * Standards: RFC 8109 2, RFC 1035 5.1 (of it: comments, blank owners, TTL and class optional)
 * Tests:     tests/unit/resolve/hints_test.c, tests/fuzz/hints_fuzz.c
 */
#pragma once

#include "cache/cache.h"

enum {
	HINTS_MAX_SERVERS = CUT_MAX_SERVERS,
	HINTS_MAX_ADDRS = 8,
	HINTS_MAX_BYTES = 65536,
};

struct hints {
	unsigned n;
	struct cut_plan_server servers[HINTS_MAX_SERVERS];
	struct name names[HINTS_MAX_SERVERS];
	struct addr addrs[HINTS_MAX_SERVERS][HINTS_MAX_ADDRS];
};

const struct hints *hints_builtin(void);

/*
 * hints_from_text - read a hints file's text.
 *
 * @ret_line: where an error is, from 1; 0 when it is of the whole (no server has an address)
 *
 * Returns 0 and a block to free(); -EINVAL, -E2BIG (too many), -ENOMEM.
 */
MUST_USE int hints_from_text(const char *text, size_t n, struct hints **ret, unsigned *ret_line);

/* The same from a file; also -errno of reading it, -EFBIG. */
MUST_USE int hints_from_file(const char *path, struct hints **ret, unsigned *ret_line);
