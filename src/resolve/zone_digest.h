/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/zone_digest.h - is a zone what its ZONEMD record says?
 *
 * What:      the canonical order of a zone's records and the digest over them, scheme SIMPLE with
 *            SHA-384 or SHA-512.
 * Not here:  whether the ZONEMD record is signed well: the digest finds a file that was cut or
 *            damaged; forged signed data is found when it is validated (validate/validate.h).
 * Threads:   pure.
 * Memory:    borrows the records; what libcrypto takes.
 * Cost:      a hash over the zone: some 10 ms for the root. Never on a worker.
 * Limits:    16 ZONEMD records.
 * Standards: RFC 8976 3, RFC 4034 6
 * Tests:     tests/unit/resolve/zone_digest_test.c
 */
#pragma once

#include "dns/message.h"
#include "dns/name.h"

struct zone_record {
	const uint8_t *owner; /* wire, lower case */
	const uint8_t *rdata; /* canonical: no compression, names in lower case (RFC 4034 6.2) */
	uint32_t ttl_s;
	uint16_t type, rdata_len;
};

/* By owner, type, data: <0, 0, >0. */
int zone_record_compare(const struct zone_record *a, const struct zone_record *b);

enum zone_digest {
	ZONE_DIGEST_NONE, /* there is none, or of no kind known here */
	ZONE_DIGEST_RIGHT,
	ZONE_DIGEST_WRONG, /* or for another serial, or without memory to tell */
};

/* records: sorted, none twice. */
enum zone_digest zone_digest_check(const uint8_t *apex, const struct zone_record *records,
                                   unsigned n, uint32_t serial);
