/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/receive.h - the messages of a zone transfer, as they come, to records.
 *
 * What:      receive_message() takes one message after the other of the response to a SOA, IXFR or
 *            AXFR query and calls back for every record, until the last SOA has come.
 *
 *                AXFR:  SOA(new) record ... SOA(new)
 *                IXFR:  SOA(new) { SOA(old) deleted ... SOA(next) added ... } ... SOA(new)
 *                       or the form of AXFR; or one SOA: nothing is newer
 *
 *            Whatever does not fit is an error and what came before is not used.
 * Not here:  signatures -> transfer/tsig.h; what is done with the records -> transfer/refresh.c.
 * Threads:   one thread.
 * Memory:    the struct; a message is walked in the caller's scratch.
 * Cost:      O(bytes).
 * Limits:    max_bytes of messages, RECEIVE_EMPTY_MAX messages without a record, max_records.
 * Standards: RFC 5936 2, 3; RFC 1995 2, 4; RFC 1982
 * Tests:     tests/unit/transfer/receive_test.c, tests/fuzz/transfer_fuzz.c
 */
#pragma once

#include "dns/message.h"
#include "transfer/record.h"

enum {
	RECEIVE_EMPTY_MAX = 16,
	RECEIVE_SCRATCH_BYTES = 4 * DNS_MAX_MESSAGE + 1024,
};

enum receive_event {
	RECEIVE_FULL,    /* what follows is the whole zone */
	RECEIVE_DELTA,   /* what follows changes the version that is here */
	RECEIVE_ADD,     /* a record of the zone, or one that is added */
	RECEIVE_DELETE,  /* one that is deleted */
	RECEIVE_NEW_SOA, /* the SOA record of the version to come; before all others */
};

struct receive_plan {
	const struct name *zone;
	uint16_t type; /* DNS_SOA, DNS_IXFR, DNS_AXFR: what was asked */
	uint16_t id;
	bool has_serial; /* there is a version here: */
	uint32_t serial;
	uint64_t max_bytes, max_records;
	/* rr is NULL for FULL and DELTA. Not 0: the transfer ends with it. */
	int (*take)(void *arg, enum receive_event event, const struct rr *rr);
	void *arg;
};

enum receive_state {
	RECEIVE_AT_START,
	RECEIVE_AT_SECOND, /* behind the first SOA */
	RECEIVE_IN_ZONE,
	RECEIVE_IN_DELETED,
	RECEIVE_IN_ADDED,
	RECEIVE_AT_END,
};

struct receive {
	const struct receive_plan *plan;
	enum receive_state state;
	bool is_current;       /* at the end: the primary has nothing newer */
	bool is_delta;         /* at the end: it was incremental */
	struct record_soa soa; /* of the version that came */
	uint32_t at_serial;    /* of the step of a delta */
	uint64_t n_bytes, n_records, n_messages, n_foreign; /* foreign: out of the zone; left out */
	unsigned n_empty;
	unsigned rcode;
	const char *why; /* after an error; static */
};

void receive_init(struct receive *r, const struct receive_plan *plan);

/*
 * receive_message - the next message, its signature taken off.
 *
 * Returns 1: that was the last; 0: more must come; -EBADMSG: not what was asked for (r->why);
 * -EPROTONOSUPPORT: the server answered with r->rcode; -ESTALE: the primary's version is older
 * than the one here, or the delta is for another version; -EFBIG; what `take` returned.
 */
MUST_USE int receive_message(struct receive *r, const uint8_t *msg, size_t n, uint8_t *scratch);
