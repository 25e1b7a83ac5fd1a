/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/proof.h - what shows that a response comes from whom we asked.
 *
 * What:      Beside port and id, which every question has: the case of each letter of its name
 *            ("0x20"), drawn at random, and a DNS cookie. proof_prepare() makes them, from what
 *            the server is known to do; proof_check() looks for them in a response over UDP:
 *
 *                                   case kept, cookie there    -> believed
 *                server known to    case lost, cookie wrong    -> forged: dropped, the wait goes on
 *                server unknown,    case lost; no cookie where
 *                                   there used to be one       -> doubtful: asked again over TCP
 *
 *            Over TCP both are sent too, and tell without doubt what the server does.
 * Threads:   pure, but for the table of servers.
 * Memory:    in the ask.
 * Cost:      hot path of a miss: a random word, one SipHash-2-4 and the name's bytes.
 * Limits:    64 letters' worth of case; names without letters have none.
 * Standards: draft-vixie-dnsext-dns0x20-00, RFC 5452 9.3, RFC 7873 5.1, 5.3, 5.4; RFC 9018 3
 * Tests:     tests/unit/resolve/spoof_test.c
 */
#pragma once

#include "dns/message.h"
#include "resolve/server.h"

enum {
	PROOF_COOKIE_MAX = SERVER_COOKIE_CLIENT_BYTES + SERVER_COOKIE_MAX_BYTES
};

struct proof {
	uint64_t case_bits;               /* of octet i, bit i % 64: upper case; 0: as it is */
	uint32_t epoch;                   /* of our half of the cookie */
	uint8_t cookie[PROOF_COOKIE_MAX]; /* our half, the server's half */
	uint8_t cookie_bytes;             /* 0: none is sent */
	bool keeps_case, sends_cookies;   /* the server, as far as is known */
	bool speaks_edns;
	/* what the response showed */
	bool has_cookie;
	uint8_t new_bytes; /* of the server's half, which is in `cookie` now */
	enum server_case seen_case;
};

enum proof_outcome {
	PROOF_GOOD,
	PROOF_FORGED_CASE,
	PROOF_FORGED_COOKIE,
	PROOF_DOUBT_CASE,   /* may be a server that does not keep case */
	PROOF_DOUBT_COOKIE, /* may be one that sends cookies no longer */
	PROOF_DOUBT_BARE,   /* an error without question, of a server that knows better */
	PROOF_BAD_COOKIE,   /* RFC 7873 5.4: its half is outdated, the new one has come with this */
};

/* s may be NULL. */
void proof_prepare(struct proof *p, const struct endpoint *e, const struct server *s,
                   uint32_t now_s, bool use_case, bool use_cookie);

/*
 * Mark a question that reply_write_query() made: the case of its name, and the cookie behind
 * the OPT record's head, which must be the last. Returns its bytes, at most 44 more.
 */
size_t proof_mark(const struct proof *p, uint8_t *message, size_t n, size_t name_bytes);

/* Look at a response whose question is the one asked, but for the case. */
enum proof_outcome proof_check(struct proof *p, const struct message *m, const uint8_t *name);

/* What a response that is believed showed of its server. */
void proof_learn(const struct proof *p, struct server *s, bool over_tcp, uint32_t now_s);
/* It was doubtful, and TCP does not work: what was missed is done without for a while. */
void proof_waive(enum proof_outcome doubt, struct server *s, uint32_t now_s);
