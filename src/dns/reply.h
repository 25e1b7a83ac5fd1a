/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/reply.h - writing DNS messages: answers to clients, questions to servers.
 *
 * What:      a writer over a caller's buffer that keeps the header's counts, compresses owner
 *            names against the question, and finishes with the OPT record.
 * Threads:   worker-local.
 * Memory:    never allocates.
 * Cost:      hot path; O(bytes written).
 * Limits:    what does not fit sets is_full, writes nothing, and reply_finish sets TC.
 * Standards: RFC 1035 4.1; RFC 6891; RFC 8914 (extended errors); RFC 7766; RFC 7830 not used
 * Tests:     tests/unit/dns/reply_test.c
 */
#pragma once

#include "dns/message.h"

enum {
	EDE_MAX = 3, /* extended errors in one answer */
	EDE_TEXT_MAX = 200,
	REPLY_UDP_SIZE = 1232, /* what we announce: DNS flag day 2020, fits 1280-byte IPv6 links */
};

struct ede {
	uint16_t code;
	const char *text; /* UTF-8, not NUL-terminated on the wire; may be "" */
};

struct reply {
	uint8_t *bytes;
	size_t n;        /* written so far */
	size_t limit;    /* bytes the client can take, OPT included */
	size_t reserved; /* kept free for OPT */
	uint16_t counts[4];
	uint16_t class; /* of the records: IN unless set behind reply_start() */
	bool is_full;
	bool is_aa;       /* the answer is our own */
	const char *nsid; /* for a client that asks for it (RFC 5001); NULL or "": none */
};

/*
 * Start an answer to q: header and, if q has one, the question in the client's own case,
 * copied from `msg`. `limit` is the size of the buffer and the most the client can take.
 */
void reply_start(struct reply *r, uint8_t *buf, size_t limit, const struct question *q,
                 const uint8_t *msg, size_t reserved);

/* Append a record. owner NULL: the question's name. rdata is written as it is. */
void reply_add(struct reply *r, int section, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
               const uint8_t *rdata, size_t rdata_len);

/*
 * Finish: flags (RA always; RD and CD copied; AD when is_ad; TC when something did not fit,
 * all records are then dropped), counts, and OPT when q had EDNS, with the extended errors and
 * the cookie that is in q (dns/cookie.h).
 * Returns the message's bytes.
 */
size_t reply_finish(struct reply *r, const struct question *q, unsigned rcode, bool is_ad,
                    const struct ede *edes, unsigned n_edes);

/*
 * A question to a server: header with RD as given, question, OPT with DO and REPLY_UDP_SIZE
 * when with_edns. Returns the bytes; buf holds 512.
 */
size_t reply_write_query(uint8_t *buf, uint16_t id, const uint8_t *name, uint16_t type, bool rd,
                         bool cd, bool with_edns);
