/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/record.h - one record as one line of a zone file, and back.
 *
 * What:      the line is always the same for the same record, so that records are compared, sorted
 *            and deleted as lines:
 *
 *                bad.example.rpz.example.<TAB>300<TAB>CNAME<TAB>.
 *
 *            Names are absolute and, in the owner and in an alias's target, in lower case. A
 *            name's text has no byte below '!', so in the order of bytes the records of one owner
 *            stand together.
 * Not here:  files of such lines -> transfer/zone_file.h; messages -> dns/message.h.
 * Threads:   a struct record_text belongs to one thread.
 * Memory:    record_text_new() takes 500 KiB: the longest line, and libzscanner.
 * Cost:      about 0.2 us for an alias or an address, 1 us for others; 1 us back.
 * Limits:    RECORD_LINE_MAX; data of 64 KiB.
 * Standards: RFC 1035 5.1; RFC 3597 5 (types that are not known)
 * Tests:     tests/unit/transfer/record_test.c, tests/fuzz/transfer_fuzz.c
 */
#pragma once

#include "dns/message.h"

enum {
	RECORD_LINE_MAX = 288 << 10 /* 64 KiB of TXT, every byte as \DDD, and the owner */
};

struct record_text;

MUST_USE int record_text_new(struct record_text **ret); /* 0 or -ENOMEM */
void record_text_free(struct record_text *t);

/*
 * record_to_line - the line of a record, without a line end.
 *
 * @ret_line: in t, ends in NUL; valid until the next call
 *
 * Returns 0, or -EBADMSG: the data are not what the type says.
 */
MUST_USE int record_to_line(struct record_text *t, const struct rr *rr, const char **ret_line,
                            size_t *ret_n);

/*
 * record_from_line - the record of a line as record_to_line() makes it.
 *
 * @ret: its names and data lie in t, until the next call
 *
 * Returns 0, or -EBADMSG.
 */
MUST_USE int record_from_line(struct record_text *t, const char *line, size_t n, struct rr *ret);

/* The numbers of a SOA record. */
struct record_soa {
	uint32_t serial, refresh_s, retry_s, expire_s, minimum_s;
};

/* Of its data (uncompressed). 0 or -EBADMSG. */
MUST_USE int record_soa_read(const uint8_t *rdata, size_t n, struct record_soa *ret);
