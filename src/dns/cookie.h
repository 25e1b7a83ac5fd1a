/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/cookie.h - DNS cookies for clients: the server's half.
 *
 * What:      made so that all servers with the same secret, whoever wrote them, make the same:
 *
 *                client cookie (8) | 1 | 0 0 0 | time (4) | SipHash-2-4 of all before and the
 *                                                           client's address (8)
 *
 *            Clients are answered with or without; what they get protects them from forged
 *            answers of ours.
 * Not here:  cookies towards servers -> resolve/proof.h.
 * Threads:   pure.
 * Memory:    never allocates.
 * Cost:      one SipHash of 20 or 32 bytes, for a client that sends a cookie.
 * Standards: RFC 7873 5.2, RFC 9018 4
 * Tests:     tests/unit/dns/cookie_test.c (the vectors of RFC 9018 A)
 */
#pragma once

#include "base/addr.h"
#include "base/siphash.h"
#include "dns/message.h"

enum {
	COOKIE_CLIENT_BYTES = 8,
	COOKIE_BYTES = 24,        /* of an answer's: the client's half and ours */
	COOKIE_RENEW_S = 1800,    /* RFC 9018 4.3: an older one is made anew */
	COOKIE_AHEAD_MAX_S = 300, /* so far may clocks differ */
};

/* The key of 16 bytes as they stand in a configuration or a test vector. */
struct siphash_key cookie_key(const uint8_t secret[16]);

/* Our half of 16 bytes, as of time_s (seconds since 1970, modulo 2^32). */
void cookie_make(const struct siphash_key *key, const uint8_t *client_half,
                 const struct addr *client, uint32_t time_s, uint8_t ret[16]);

/* Is our half, as it came back, one that we made for this client not long ago? */
bool cookie_is_fresh(const struct siphash_key *key, const uint8_t cookie[COOKIE_BYTES],
                     const struct addr *client, uint32_t now_s);

/* Put the cookie to answer with into the question that brought one. */
void cookie_answer(const struct siphash_key *key, const struct addr *client, uint32_t now_s,
                   struct question *q);
