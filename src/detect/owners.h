/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/owners.h - whose network an address is in; inside detect/.
 *
 * What:      the number of the autonomous system (AS) that an address belongs to, from a MaxMind database
 *            that the operator has (GeoLite2-ASN, IPinfo).
 * Not here:  such a database as a list -> feeds/format_mmdb.c
 * Threads:   owners_open(), owners_free(): the housekeeping thread; owners_number(): any, it is immutable.
 * Memory:    a copy of the file, in memory: what happens to the file meanwhile does not matter.
 * Cost:      about 1 us an address.
 * Limits:    OWNERS_MAX_BYTES. Of a damaged file libmaxminddb may leak some kB each time it is opened.
 * Standards: https://maxmind.github.io/MaxMind-DB/
 * Tests:     tests/unit/detect/owners_test.c, tests/fuzz/owners_fuzz.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	OWNERS_MAX_BYTES = 256 << 20,
};

struct owners;

/* 0, or -errno: of the file; -EFBIG; -EBADMSG: it is no such database; -ENOMEM. */
MUST_USE int owners_open(const char *path, struct owners **ret);
void owners_free(struct owners *o); /* NULL is fine */

/* bytes: 4 of IPv4, 16 of IPv6. 0: it is not known. */
uint32_t owners_number(const struct owners *o, const uint8_t *bytes, bool is_v4);
