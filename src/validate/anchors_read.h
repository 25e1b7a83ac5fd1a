/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/anchors_read.h - trust anchors in zone file form; inside validate/ only.
 *
 * What:      the scanner that reads the operator's file and the state file, record by record,
 *            each with the comment behind it; and what makes a record useless as an anchor.
 * Not here:  what the comments of the state file mean -> anchors_state.c.
 * Threads:   pure.
 * Memory:    some 100 KiB during a call.
 * Cost:      reads text; never on a worker.
 * Limits:    10000 records; ANCHOR_RRS_MAX of them and ANCHORS_BYTES_MAX are kept; $INCLUDE is
 *            not followed.
 * Standards: RFC 1035 5 (zone files); RFC 4034 2 and 5; RFC 4509 (SHA-1 digests are not taken)
 * Tests:     tests/unit/validate/anchors_test.c, tests/fuzz/anchors_fuzz.c
 */
#pragma once

#include "validate/validate.h"

enum {
	ANCHORS_TTL_S = 3600,        /* of records without TTL */
	ANCHORS_BYTES_MAX = 1 << 20, /* names and data of all records */
	ANCHORS_TEXT_MAX = 4 << 20,  /* of a file */
};

struct anchors_line {
	unsigned number;     /* from 1: where the record ends */
	struct answer_rr rr; /* borrowed during the call */
	const char *comment; /* behind the record, without the ';' */
	size_t comment_len;
};

/* Why the record is no trust anchor, static text; or NULL. */
const char *anchors_record_trouble(uint16_t type, const uint8_t *rdata, size_t n);

/* take() all records, tell() all lines that are none. 0, -ENOMEM, or what take() returns. */
MUST_USE int anchors_scan(const char *text, size_t n,
                          int (*take)(void *arg, const struct anchors_line *line),
                          void (*tell)(void *arg, unsigned line, const char *why), void *arg);
