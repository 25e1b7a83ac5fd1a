/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/benign.h - ordinary names with what servers said of them, and who asks for them.
 *
 * What:      sites: benign/responses.tsv.xz with its answers and TTLs. Popular ones are those in
 *            benign/alexa_100k_2013.csv.xz, in its order. Who hosts a domain is told from its first
 *            address: domains in one IPv4 network of 16 bits have the same two name servers;
 *            those of Cloudflare one of 2500 pairs of theirs.
 * Threads:   one.
 * Memory:    some 300 MiB for the whole of the data, until benign_free().
 */
#pragma once

#include "truth.h"

struct site {
	const uint8_t *name, *registered;
	const char *answers;
	uint16_t type;
	uint8_t rcode;
};

struct benign {
	struct site *at;
	unsigned n;
	unsigned *popular; /* places in `at`, the most popular first */
	unsigned n_popular;
	double *weights; /* of popular: sums of 1 / (10 + rank), up to and with each */
	struct homes *homes;
	char *text;
	uint8_t *names;
};

void benign_read(struct benign *b, const char *folder);
/* The same from lines in memory, taken: as responses.tsv has them; the n-th line has rank n. */
void benign_read_text(struct benign *b, char *text, size_t n);
void benign_free(struct benign *b);

/* Who hosts it: for engine_plan.provider; arg is the struct benign. */
uint64_t benign_provider(void *arg, const uint8_t *registered);
/*
 * What the Internet says of a site and type: A as it was recorded. AAAA: the same aliases, and
 * addresses where Cloudflare is. Others: the aliases only.
 */
void benign_truth(const struct site *s, uint16_t type, struct truth *ret);

/* ---- chance ---- */

uint64_t dice_roll(uint64_t *state);
uint32_t dice_below(uint64_t *state, uint32_t n);
double dice_share(uint64_t *state);             /* [0, 1) */
double dice_wait(uint64_t *state, double mean); /* exponential */

/* A popular site by its rank, or any. */
const struct site *benign_popular(const struct benign *b, uint64_t *dice);
const struct site *benign_any(const struct benign *b, uint64_t *dice);
