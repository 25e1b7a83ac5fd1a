/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/server.h - what was learned of name servers' addresses.
 *
 * What:      one table for the process: smoothed round trip, timeouts in a row, EDNS, TCP,
 *            whether it keeps the case of names, its DNS cookie (proof.h); and beside it
 *            which (server, zone) pairs are lame. All of it is advice: an entry that is lost, or
 *            mixed up by a race, costs a slower choice or a question over TCP.
 * Threads:   any thread; relaxed atomics.
 * Memory:    fixed: 8192 servers of 128 bytes, 4096 lame pairs of 16.
 * Cost:      a keyed hash of 18 bytes and one or two cache lines.
 * Limits:    four places a bucket, the longest unseen makes room.
 * Standards: RFC 6298 2 (round trip), RFC 6891 6.2.2 (EDNS fallback), RFC 7873 5.3
 *            and 8.1 (cookies), RFC 9520 3.2
 * Tests:     tests/unit/resolve/server_test.c
 */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/must.h"

enum {
	SERVER_DEAD_TIMEOUTS = 3,  /* in a row, with no answer between: leave it alone a while */
	SERVER_BACKOFF_MAX_S = 16, /* and then try one packet this often */
	SERVER_UNKNOWN_MS = 400,   /* first timeout, before anything is known */
	SERVER_EDNS_NONE_S = 600,  /* then EDNS is tried again */
	SERVER_TCP_S = 600,        /* the same for UDP where only TCP answered */
	SERVER_SEEN_MAX_S = 900,   /* older round trips are not believed */
	SERVER_LAME_S = 60,
	SERVER_CASE_KEPT_S = 3600, /* of names, as seen; then it may have changed */
	SERVER_CASE_LOST_S = 600,
	SERVER_COOKIE_S = 3600,       /* since it last sent one: without one it is not believed */
	SERVER_COOKIE_EPOCH_S = 3600, /* then our own half is another one */
	SERVER_COOKIE_CLIENT_BYTES = 8,
	SERVER_COOKIE_MAX_BYTES = 32, /* of the server's half (RFC 7873 4.2) */
};

enum server_case {
	SERVER_CASE_UNKNOWN = 0,
	SERVER_CASE_KEPT, /* a response without it is forged */
	SERVER_CASE_LOST,
};

enum server_edns {
	SERVER_EDNS_UNKNOWN = 0,
	SERVER_EDNS_OK,
	SERVER_EDNS_SUSPECT, /* once answered without it what it had not answered with it */
	SERVER_EDNS_NONE,
};

struct server {
	_Atomic uint64_t tag; /* keyed hash of the endpoint; 0: empty */
	_Atomic uint64_t failed_ns, due_ns;
	_Atomic uint32_t srtt_us; /* 0: unknown */
	_Atomic uint32_t rttvar_us;
	_Atomic uint32_t seen_s;
	_Atomic uint32_t edns_until_s, tcp_until_s;
	_Atomic uint32_t case_until_s, cookie_until_s, cookie_epoch;
	_Atomic uint8_t timeouts, edns, case_state, cookie_bytes;
	_Atomic uint64_t cookie[4]; /* the server's half */
} __attribute__((aligned(64)));

/* Once, before anything else here; further calls do nothing. */
void server_table_init(void);
/* Forget everything. Who works with an entry meanwhile goes on with it. */
void server_table_reset(void);

/* The entry of an endpoint, NULL if there is none; or a new one in place of an old. */
struct server *server_find(const struct endpoint *e);
struct server *server_take(const struct endpoint *e, uint32_t now_s);
/* The same in two steps, so that a packet hashes once. Tags are keyed, and never 0. */
uint64_t server_tag(const struct endpoint *e);
struct server *server_find_tag(uint64_t tag);
struct server *server_take_tag(uint64_t tag, uint32_t now_s);

/* What it did. is_certain: it said that it does not know EDNS; else it only kept silent. */
void server_answered(struct server *s, uint64_t rtt_ns, uint32_t now_s);
void server_edns_works(struct server *s);
void server_edns_fails(struct server *s, uint32_t now_s, bool is_certain);
void server_timed_out(struct server *s, uint64_t now_ns);
void server_needs_tcp(struct server *s, uint32_t now_s);
void server_tcp_fails(struct server *s); /* then UDP is tried again */
/* The kernel has no way to it: as if dead. */
void server_unreachable(struct server *s, uint64_t now_ns);

enum server_edns server_edns(const struct server *s, uint32_t now_s); /* s may be NULL */
bool server_wants_tcp(const struct server *s, uint32_t now_s);

/*
 * Not to be asked now: it is dead, and the next single try is not due yet. server_probe() says
 * that the try is made now. s may be NULL.
 */
bool server_is_resting(const struct server *s, uint64_t now_ns);
void server_probe(struct server *s, uint64_t now_ns);

/* Microseconds to rank servers by; unknown ones come early, so that each is tried once. */
uint32_t server_score_us(const struct server *s, uint32_t now_s);
/* How long to wait for an answer over UDP: doubled a round and a timeout in a row. */
uint32_t server_timeout_ms(const struct server *s, unsigned round, uint32_t min_ms,
                           uint32_t max_ms);

/* ---- what shows that a response is its own (proof.c) ---- */

enum server_case server_case(const struct server *s, uint32_t now_s); /* s may be NULL */
void server_note_case(struct server *s, enum server_case is, uint32_t now_s, uint32_t for_s);

/* Our half of the cookie for it: the same for SERVER_COOKIE_EPOCH_S. */
uint64_t server_client_cookie(const struct endpoint *e, uint32_t epoch);
/* Did it send a cookie lately? s may be NULL. */
bool server_sends_cookies(const struct server *s, uint32_t now_s);
/* Its half, sent for our half of that epoch; returns its bytes, 0 when there is none. */
unsigned server_cookie(const struct server *s, uint32_t epoch,
                       uint8_t ret[SERVER_COOKIE_MAX_BYTES]);
void server_note_cookie(struct server *s, uint32_t epoch, const uint8_t *cookie, unsigned n,
                        uint32_t now_s);
void server_forget_cookie(struct server *s);

/* ---- lame pairs ---- */

void server_mark_lame(uint64_t server, uint64_t zone_hash, uint32_t now_s, uint32_t for_s);
bool server_is_lame(uint64_t server, uint64_t zone_hash, uint32_t now_s);
