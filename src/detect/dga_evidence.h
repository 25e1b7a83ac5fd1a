/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/dga_evidence.h - what each client's names add up to.
 *
 * What:      a sequential test for each client. Every registered domain that a client asks for and
 *            that does not exist, or that is new and not popular, brings a log likelihood ratio
 *            (detect/dga_model.h) times a weight; the sum never falls below 0, and fades by half
 *            in DGA_HALF_LIFE_S. A domain counts once while it is among the client's last
 *            DGA_RECENT. There are two sums, one for generators of letters and one for those of words
 *            (detect/dga_model.h); the higher one speaks. Failures that come thick are evidence
 *            themselves, once: the DGA_THICK-th to the last before DGA_THICKER in some ten minutes
 *            bring DGA_THICK_BONUS more. Failures that are alike, in suffix and length, or more
 *            different than people's, are evidence, too: the model says how much, by the shares of
 *            the client's last DGA_LOOKS failures that have the suffix, and nearly the length, of
 *            this one; for the DGA_ALIKE-th to the last before DGA_ALIKE_NO_MORE in some ten minutes,
 *            so that a crawler gains nothing by going on. Beside the sums stand votes for families.
 * Not here:  scores -> detect/dga_model.h; which names count, and weights -> detect/dga.c.
 * Threads:   any; relaxed atomics, no lock. Two threads that add for one client at once may lose
 *            one name's evidence, or count it for a client that just took the place.
 * Memory:    one block for the table, DGA_SLOT bytes a client; adding allocates nothing.
 * Cost:      a look 10 ns and two cache lines, one if nothing is known of the client; adding some
 *            50 ns and five lines.
 * Limits:    as many clients as dga_table_new() was told, rounded up to a power of two. A client
 *            finds place among DGA_WAYS; the one with the least evidence, among equals the
 *            longest idle, makes room: who is under suspicion is never pushed out by clients that
 *            are not.
 * Tests:     tests/unit/detect/dga_evidence_test.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"
#include "detect/dga_model.h"

enum {
	DGA_CLIP = 6,       /* a name's evidence is within +- this */
	DGA_RECENT = 32,    /* domains of a client that are remembered */
	DGA_LOOKS = 8,      /* of its failures: what they look like */
	DGA_LOOKS_MIN = 3,  /* before they are compared with */
	DGA_LOOKS_S = 3600, /* without a failure for so long, they are forgotten */
	DGA_VOTED_MAX = 64, /* families that can be voted for; those behind are not named */
	DGA_WAYS = 8,
	DGA_THICK = 4,
	DGA_THICKER = 8,
	DGA_ALIKE =
		2, /* from the second of such failures on they are compared, and from this one no more: */
	DGA_ALIKE_NO_MORE = 12,
	DGA_THICK_HALF_LIFE_S = 600,
	DGA_NAMES_MIN = 5, /* distinct names before anything is said of a client */
	DGA_HALF_LIFE_S = 6 * 3600,
	DGA_SLOT = 328,
	DGA_CLIENTS_MAX = 1 << 20,
};

#define DGA_THICK_BONUS 0.9F

struct dga_table;

/*
 * What a name's log likelihood ratio weighs. One that does not exist weighs whole, one that does
 * and is new, less: most of what is new is honest, and a machine that is used for much else shall not
 * hide behind that.
 */
float dga_weigh(float evidence, bool is_failed);

/* One name of a client. */
struct dga_name {
	uint64_t client;           /* hash, not 0 */
	uint32_t domain;           /* hash of the registered domain */
	float evidence[DGA_KINDS]; /* weighted; cut to +-DGA_CLIP */
	bool is_failed;            /* it does not exist */
	uint32_t look;             /* dga_look() */
	const float *kin;          /* the model's; NULL: failures are not compared */
	const float *share;        /* of each family, n_share of them; NULL: no votes */
	unsigned n_share;
	uint32_t now_s; /* any clock that goes forward */
};

/* How a client stands. */
struct dga_standing {
	float sum;         /* the higher one */
	unsigned n_names;  /* distinct ones since the sum was 0 */
	unsigned n_failed; /* of these */
	bool is_counted;   /* the name was not among the recent ones */
};

/* What failures are compared by: the length of the label before the suffix, and the suffix. */
uint32_t dga_look(size_t n_label, const void *suffix, size_t n_suffix);
/* The place in the model's table for a failure that follows n others, DGA_LOOKS_MIN at least. */
unsigned dga_kin_of(uint32_t look, const uint32_t *at, unsigned n);

/* Room for n clients. 0 or -ENOMEM. */
MUST_USE int dga_table_new(size_t n_clients, struct dga_table **ret);
void dga_table_free(struct dga_table *t);
size_t dga_table_bytes(const struct dga_table *t);

void dga_table_add(struct dga_table *t, const struct dga_name *name, struct dga_standing *ret);
/* How a client stands now; false (and zeros) if nothing is known of it. */
bool dga_table_find(const struct dga_table *t, uint64_t client, uint32_t now_s,
                    struct dga_standing *ret);
/* The family with the most votes of the client's names, UINT_MAX if there is none; its share [0, 1]. */
unsigned dga_table_family(const struct dga_table *t, uint64_t client, float *ret_share);
/* The client starts anew. */
void dga_table_forget(struct dga_table *t, uint64_t client);
