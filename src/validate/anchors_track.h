/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * validate/anchors_track.h - a zone's trust anchors as its owner changes them; inside validate/
 *                            only.
 *
 * What:      the state machine of RFC 5011 4. What was seen of a zone's keys goes in, with the
 *            wall clock; which keys are trusted comes out. No disk, no network, no clock.
 *
 *                (start) -> PENDING -30 days-> VALID <-> MISSING
 *                   ^----------'                 '---------'--> REVOKED -30 days-> REMOVED
 *
 *            A configured DS record is VALID from the start, until the key that it stands for
 *            has been seen: then the key is VALID and the DS record is SEEN.
 * Not here:  who asks -> weir/trust.c; files -> anchors_state.c.
 * Threads:   pure.
 * Memory:    a key's record data is a heap block of its own.
 * Cost:      O(keys^2) and an SHA-2 digest for each DS record and key; never on a worker.
 * Limits:    TRACKED_KEYS_MAX keys a zone: a new one over it is passed over.
 * Standards: RFC 5011
 * Tests:     tests/unit/validate/anchors_track_test.c
 */
#pragma once

#include "validate/anchors_signed.h"

enum {
	TRACKED_KEYS_MAX = 48,
	TRACKED_KEYS_SPARE = 8, /* kept free: for them, keys removed long ago are forgotten */
	TRACK_DAY_S = 86400,
	TRACK_HOUR_S = 3600,
	TRACK_ADD_HOLD_S = 30 * TRACK_DAY_S,    /* RFC 5011 2.4.1 */
	TRACK_REMOVE_HOLD_S = 30 * TRACK_DAY_S, /* 2.4.2 */
};

struct tracked_key {
	enum anchor_state state;
	bool is_configured;
	uint16_t type; /* DS or DNSKEY */
	uint16_t rdata_len;
	uint8_t *rdata;   /* without the REVOKE bit */
	uint64_t since_s; /* in this state; wall clock */
	uint64_t until_s; /* PENDING, REVOKED: the earliest end of it; otherwise 0 */
};

struct tracked_zone {
	struct name name;
	unsigned n;
	struct tracked_key keys[TRACKED_KEYS_MAX];
};

void track_done(struct tracked_zone *z);

/* A key, its data copied. NULL: no room or no memory. */
struct tracked_key *track_add(struct tracked_zone *z, uint16_t type, const uint8_t *rdata, size_t n,
                              enum anchor_state state, uint64_t now_s);
/* The same record; DNSKEY records may differ in the REVOKE bit. */
struct tracked_key *track_find(struct tracked_zone *z, uint16_t type, const uint8_t *rdata,
                               size_t n);
void track_forget(struct tracked_zone *z, struct tracked_key *k);

/* May records be validated from it? */
bool track_is_trusted(const struct tracked_key *k);

/*
 * track_take - what was seen of the zone's keys at the time now_s.
 *
 * @tell: for each change, before a key that goes back to START is forgotten
 * Returns whether a trusted key has signed it. If not, only revocations count.
 */
bool track_take(struct tracked_zone *z, const struct signed_keys *seen, uint64_t now_s,
                void (*tell)(void *arg, const struct tracked_zone *z, const struct tracked_key *k,
                             enum anchor_state before),
                void *arg);

/* RFC 5011 2.3: until the next look, after a good one and after a failed one. */
uint32_t track_interval_s(uint32_t ttl_s, uint32_t signed_for_s);
uint32_t track_retry_s(uint32_t ttl_s, uint32_t signed_for_s);
