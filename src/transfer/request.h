/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/request.h - what other servers ask of us: NOTIFY, and SOA, IXFR and AXFR of zones we
 *                      publish.
 *
 * What:      reading such a message strictly, its signature taken off, and beginning the answer.
 * Not here:  whether it may be asked, and the answer -> transfer/responder.c.
 * Threads:   a struct request belongs to one thread.
 * Memory:    the struct, 4 KiB.
 * Cost:      some us.
 * Limits:    REQUEST_MAX bytes.
 * Standards: RFC 1995 3; RFC 1996 3; RFC 5936 2.1; RFC 8945 5.2
 * Tests:     tests/unit/transfer/request_test.c, tests/fuzz/request_fuzz.c
 */
#pragma once

#include "transfer/tsig.h"

enum {
	REQUEST_MAX = 1232,
	RCODE_NOTAUTH = 9, /* RFC 8945 5.2: the signature is no good */
};

struct request {
	bool is_notify;
	uint16_t type; /* DNS_SOA, DNS_IXFR, DNS_AXFR */
	struct name zone;
	bool has_serial; /* IXFR: the version the other side has; NOTIFY: the new one */
	uint32_t serial;
	size_t n_question;       /* header and question, at the front of bytes */
	size_t n;                /* without the signature */
	struct tsig_server tsig; /* its record; tsig_server_check() is the caller's */
	uint8_t bytes[REQUEST_MAX];
};

/*
 * Returns 0; -ENOENT: it is none of these; -EBADMSG: it is one, but damaged: FORMERR, if n_question
 * is not 0.
 */
MUST_USE int request_read(struct request *r, const uint8_t *msg, size_t n);

/* Begin the answer: header and question. Returns its length; the counts of records are 0. */
size_t request_answer(const struct request *r, uint8_t *out, unsigned rcode);
