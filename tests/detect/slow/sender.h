/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/slow/sender.h - a client that sends stolen bytes out in names, through the real detectors
 *                              on a clock of its own.
 *
 * What:      a world (one `struct detect`, a clock), senders in it, and what arrived at the
 *            attacker's servers: payload bytes over time.
 * Threads:   one.
 * Memory:    the caller's structs.
 */
#pragma once

#include "detect/detect.h"

enum {
	SIZE_MAX_BYTES = 32,
	DOMAINS_MAX = 10,
	WINDOW = 20,     /* chunks that a sender repeats until they arrive */
	HOURS_MAX = 240, /* of a run */
	WORDS = 128,     /* seven bits each */
};

enum encoding {
	AS_HEX,
	AS_BASE32,
	AS_BASE64,
	AS_WORDS,
	AS_IPV6, /* named as hosts are by IPv6 addresses, asked for as AAAA, which come back */
	ENCODINGS
};
extern const char *const encoding_names[ENCODINGS];

/* From the source's folder: words, which are the commonest labels of hosts, and the models; exits without. */
void world_read(const char *source);

/* What a sender does. */
struct cell {
	double spacing_s;
	unsigned size; /* bytes a chunk */
	unsigned domains;
	bool is_shared;  /* one name server for all domains */
	bool is_careful; /* waits ten minutes after a refusal instead of asking on */
	enum encoding encoding;
	const char
		*zone; /* its domain, or what several are below, by numbers; NULL: numbered ones */
};

struct world {
	struct detect *d;
	uint64_t now_ns;
	uint64_t asked, passed, throttled, blocked;
};

/* Exits when memory is short. */
void world_start(struct world *w);
void world_stop(struct world *w);

/* Where a name's servers are. */
struct servers {
	const char *zone;
	uint64_t hash; /* of their names */
	uint32_t address;
};

/*
 * Ask for a name as a client of Weir whose cache does not know it: true if it was sent. It waits
 * where detectors want it to wait for less than that is worth.
 */
bool world_ask(struct world *w, const struct addr *client, const char *name,
               const struct servers *s, uint16_t type);

struct sender {
	struct cell cell;
	struct addr client;
	unsigned first_domain; /* its domains have numbers from here on */
	uint64_t seed, next_ns;
	unsigned n_waiting, at;
	uint8_t waiting[WINDOW][SIZE_MAX_BYTES];
	/* what arrived */
	uint64_t name_bytes;
	double payload, by_hour[HOURS_MAX]; /* bytes of it */
	double burst; /* the least B such that never more than B + 60 bytes an hour had arrived */
	double blocked_h; /* of the first block; negative: none */
};

void sender_init(struct sender *s, const struct cell *c, const struct addr *client,
                 unsigned first_domain);
/* Its turn has come (next_ns): send one chunk. */
void sender_turn(struct sender *s, struct world *w);
/* All senders, for so long. */
void senders_run(struct sender *s, unsigned n, struct world *w, double hours);
/* Bytes an hour between two hours. */
double sender_rate(const struct sender *s, unsigned from_h, unsigned to_h);
