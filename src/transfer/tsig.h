/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/tsig.h - signed messages: who shares a key with us.
 *
 * What:      finding and taking off the TSIG record of a message, checking and making it, for both
 *            sides, and over the many messages of a transfer, of which not all need be signed.
 *            The arithmetic is libknot's.
 * Threads:   a key is immutable; the rest belongs to one thread.
 * Memory:    a sequence keeps the messages since the last signed one: TSIG_UNSIGNED_MAX of 64 KiB.
 * Cost:      a HMAC over the message.
 * Limits:    hmac-sha1, hmac-sha256, hmac-sha512; secrets of 1024 bytes; 99 unsigned messages.
 * Standards: RFC 8945 5
 * Tests:     tests/unit/transfer/tsig_test.c, tests/fuzz/transfer_fuzz.c
 */
#pragma once

#include <libknot/tsig.h>

#include "dns/message.h"

enum {
	TSIG_UNSIGNED_MAX = 99, /* RFC 8945 5.3.1 */
	TSIG_DIGEST_MAX = 64,
	TSIG_ROOM = 600, /* what a TSIG record takes at most: two names, 64 bytes, 40 more */
	TSIG_SECRET_MAX = 1024,
};

/* RFC 8945 3 */
enum tsig_error {
	TSIG_OK = 0,
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
};

struct tsig_key {
	struct name name;
	knot_tsig_key_t knot;
};

/* secret: base64. 0; -EINVAL: no such algorithm, or not base64; -ENOMEM. */
MUST_USE int tsig_key_init(struct tsig_key *k, const struct name *name, const char *algorithm,
                           const char *secret);
void tsig_key_done(struct tsig_key *k);

/* The TSIG record of a message. */
struct tsig_record {
	bool is_there;
	size_t at; /* where it began */
	struct name owner;
	uint16_t rdata_len;
	_Alignas(8) uint8_t rdata[2 + 1024];
};

/*
 * tsig_take - look for the TSIG record, and take it off the message: the count of records, the
 *             length and the id are as before it was signed.
 *
 * Returns 0, also if there is none; -EBADMSG: it is not the last record, there are two, or the
 * message is damaged.
 */
MUST_USE int tsig_take(uint8_t *msg, size_t *n, struct tsig_record *ret);

/* ---- asking ---- */

struct tsig_client {
	const struct tsig_key *key; /* NULL: nothing is signed, and nothing checked */
	uint8_t digest[TSIG_DIGEST_MAX];
	size_t n_digest;
	uint64_t signed_s;  /* when the last signed message was made; 0: none yet */
	uint8_t *unchecked; /* messages since */
	size_t n_unchecked, room;
	unsigned n_unsigned;
};

void tsig_client_init(struct tsig_client *c, const struct tsig_key *key);
void tsig_client_done(struct tsig_client *c);
/* Sign the query. 0 or -ENOBUFS. */
MUST_USE int tsig_client_sign(struct tsig_client *c, uint8_t *msg, size_t *n, size_t room);
/*
 * Check the next message of the response and take the signature off. 0; -EKEYREJECTED with *ret_why
 * (static); -EBADMSG; -ENOMEM. What is unsigned is believed only when tsig_client_end() says so.
 */
MUST_USE int tsig_client_check(struct tsig_client *c, uint8_t *msg, size_t *n,
                               const char **ret_why);
/* Was the last message signed? */
bool tsig_client_end(const struct tsig_client *c);

/* ---- answering ---- */

struct tsig_server {
	const struct tsig_key *key; /* NULL: the query was not signed, or not by a key of ours */
	enum tsig_error error;
	struct tsig_record query;
	uint8_t digest[TSIG_DIGEST_MAX];
	size_t n_digest;
	bool is_next; /* not the first message */
};

/* Check a query whose record was taken off into s->query; key: the one with that name, or NULL. */
void tsig_server_check(struct tsig_server *s, const uint8_t *msg, size_t n,
                       const struct tsig_key *key);
/* Sign a message of the response. 0, -ENOBUFS, -ENOMEM. */
MUST_USE int tsig_server_sign(struct tsig_server *s, uint8_t *msg, size_t *n, size_t room);
