/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/send.h - sending a zone that is published: the answer to AXFR and IXFR over TCP.
 *
 * What:      the zone's file as it is when the answer begins, or the steps since the version that
 *            the other side has; signed message by message if the query was.
 * Not here:  whether it may be had -> transfer/responder.c; threads -> transfer/outgoing.c.
 * Threads:   one thread a call; it blocks.
 * Memory:    64 KiB for the message, 1 MiB for reading lines.
 * Cost:      1 us a record.
 * Limits:    SEND_MAX_S; records that fit no message are left out.
 * Standards: RFC 5936 2.2, 3; RFC 1995 4; RFC 8945 5.3.1
 * Tests:     tests/unit/transfer/send_test.c, tests/system/publish_test.py
 */
#pragma once

#include "transfer/request.h"
#include "transfer/stream.h"

enum {
	SEND_MAX_S = 3600,
	SEND_MESSAGE_BYTES = 32768, /* a message is sent when it has so many */
};

struct send_result {
	bool is_delta;
	uint32_t serial;
	uint64_t n_records, n_bytes, n_messages;
};

/*
 * Answer r, which was checked, from the zone's folder. 0; -ENOENT: there is no version yet (SERVFAIL
 * was sent); -errno of the disk or the network.
 */
MUST_USE int send_zone(struct stream *s, struct request *r, const char *folder,
                       struct send_result *ret);
/* Log what came of it. */
void send_tell(const struct name *zone, const struct addr *client, bool is_tls, int error,
               const struct send_result *result);
