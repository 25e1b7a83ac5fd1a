/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/learned.h - domains that a network was found to need more of than the leak budget allows;
 *                    inside detect/.
 *
 * What:      while it learns, a domain that comes near a budget gets a place, where the bits that its
 *            clients want to tell it are added up by the hour. What a client needs is its second
 *            highest hour; what the domain needs is the need of its third client, from the top:
 *            two clients, however they behave, raise nothing. Twice that, as a power of two times the
 *            rate, LEARNED_FACTOR_MAX at most, is the domain's ceiling. The operator can confirm
 *            a domain with fewer clients. What is not used for LEARNED_IDLE_S is halved.
 *
 *                leak.c -> learned_find() -> learned_note() -> needs by the hour
 *                                \-> learned_raise()      learned_tick() -> factors
 *
 * Not here:  what a factor means -> ceilings.h; the file -> learned_text.c, weir/ceilings.c; the
 *            command -> api/ceilings.c
 * Threads:   find, add, note, raise: any worker, by relaxed atomics; a race may lose what one packet
 *            adds. The others: the housekeeping thread.
 * Memory:    1 MiB; process.
 * Cost:      find: nothing while the table is empty, otherwise a hash and a cache line.
 * Limits:    LEARNED_DOMAINS_MAX; what finds no place is not learned, and counted. Who wants others
 *            not to be learned can fill it with domains; then they keep the usual budget.
 * Tests:     tests/unit/detect/learned_test.c, tests/unit/detect/learned_text_test.c, tests/fuzz/learned_fuzz.c
 */
#pragma once

#include <stdio.h>

#include "base/addr.h"
#include "base/siphash.h"
#include "detect/ceilings.h"
#include "dns/name.h"

enum {
	LEARNED_DOMAINS_MAX = 2048,
	LEARNED_CLIENTS = 8, /* of a domain, that are told apart: the first */
	LEARNED_CLIENTS_MIN = 3,
	LEARNED_FACTOR_MAX = 64,
	LEARNED_ALL_MAX = 4096, /* for all clients: so many times what others are told */
	LEARNED_IDLE_S = 30 * 86400,
	LEARNED_WHY_MAX = 160,
};

/* Bits by the hour. */
struct need {
	_Atomic uint32_t hour, bits; /* this hour, so far */
	_Atomic uint32_t high[2];    /* the two highest of those before */
};

struct learned_client {
	_Atomic uint32_t tag; /* 0: nobody */
	struct need need;
};

struct learned_domain {
	_Atomic uint32_t factor, all; /* in force; 1: as others */
	struct need total;
	struct learned_client clients[LEARNED_CLIENTS];
	/* Written by who made the place, before others see it; then only the housekeeping thread looks. */
	struct name name;
	_Atomic uint64_t made_s, used_s; /* wall clock, a multiple of an hour */
	_Atomic bool is_confirmed;
};

struct learned {
	struct siphash_key key; /* its own: it is kept in the file, with what it has hashed */
	_Atomic uint32_t hour;  /* of the wall clock */
	_Atomic bool is_learning;
	_Atomic uint32_t n;         /* places in use */
	_Atomic uint64_t n_refused; /* no place */
	uint64_t began_s, until_s;  /* learning; 0: never */
	uint64_t n_changes;         /* worth keeping */
	uint64_t ticked_s;
	uint64_t rate_bits;                         /* at the last tick */
	_Atomic uint64_t keys[LEARNED_DOMAINS_MAX]; /* hash of the name; 0: free, 1: being made */
	struct learned_domain domains[LEARNED_DOMAINS_MAX];
};

MUST_USE int learned_new(struct learned **ret); /* 0 or -ENOMEM */
void learned_free(struct learned *l);

/* ---- workers ---- */

/* NULL: nothing is known of it. */
struct learned_domain *learned_find(struct learned *l, const uint8_t *registered);
/* The same; a place is made for it. NULL: it does not learn, or there is none left. */
struct learned_domain *learned_add(struct learned *l, const uint8_t *registered);
/* A client wants to tell it so many bits. IPv6: a network of 64 bits is one client. */
void learned_note(struct learned *l, struct learned_domain *d, const struct addr *client,
                  uint32_t bits);
void learned_raise(const struct learned_domain *d, struct ceiling *c);

/* ---- the housekeeping thread ---- */

/* Once a second. rate_bits: an hour, of one client to a domain; learn_s: how long, from the first tick on. */
void learned_tick(struct learned *l, uint64_t rate_bits, uint64_t learn_s, uint64_t now_s);

/* Those in use, by place: the next from *at on. NULL: there are no more. */
struct learned_domain *learned_next(struct learned *l, unsigned *at);
/* Clients of it with a need; what the one at `rank` (0: the most) needs, in bits an hour. */
unsigned learned_clients(const struct learned_domain *d, unsigned rank, uint32_t *ret_need);
/* Raise it to what its greediest client has needed so far. -ENOENT: it is not there. */
MUST_USE int learned_confirm(struct learned *l, const uint8_t *registered);
/* -ENOENT: it is not there. */
MUST_USE int learned_forget(struct learned *l, const uint8_t *registered);
/* Forget all, and begin anew. */
void learned_forget_all(struct learned *l);

/* ---- learned_text.c: as a file ---- */

void learned_write(struct learned *l, FILE *to);
/*
 * Into an empty table. 0; -EBADMSG: it is none of ours. @why: "", or what is wrong with it or
 * with the first of its lines that were left out.
 */
MUST_USE int learned_read(struct learned *l, const char *text, size_t n, char why[LEARNED_WHY_MAX]);
/* A place with that name, for learned_read(). NULL: there is none, or it is there already. */
struct learned_domain *learned_put(struct learned *l, const uint8_t *registered);
