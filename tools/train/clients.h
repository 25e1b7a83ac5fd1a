/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/clients.h - clients that are made up from real names: their days, and what
 *                         detect/dga_evidence.c makes of them.
 *
 * What:      an ordinary client's day has some names that do not exist (dead ones, typing errors)
 *            and more that are new and resolve. Names of one client are alike: one in three clients
 *            asks for Chinese names only, for dead ones only, or does nothing but mistype; one in a
 *            hundred has fifty times as many failures; and the failures of one in four others have
 *            all the same suffix. An infected client asks for generated names, which do not exist,
 *            among the names of such a day.
 */
#pragma once

#include "corpus.h"
#include "detect/dga_evidence.h"
#include "detect/dga_model.h"

enum {
	DAY_FAILED = 12, /* names a day that do not exist: more than most clients have */
	DAY_NEW = 60,    /* new ones that resolve */
	HEAVY_FACTOR = 50,
	NAMES_GIVEN = 60, /* generated names an infected client asks for at most */
};

/* A name: its evidence, and what it looks like beside others. */
struct guest {
	float evidence[DGA_KINDS];
	uint32_t look;
};

/* Names of one part, by where they come from. */
struct crowd {
	const struct dga_model *m;
	struct guest *ordinary[SETS];
	size_t n_ordinary[SETS];
	struct guest *generated[DGA_FAMILIES_MAX];
	size_t n_generated[DGA_FAMILIES_MAX];
};

/* @m: NULL: names without evidence */
void crowd_make(struct crowd *c, const struct dga_model *m, const struct corpus *corpus,
                enum part part);
void crowd_free(struct crowd *c);

/*
 * What it says how alike a client's failures are, DGA_KIN x DGA_KIN: the logarithm of how much likelier
 * that is for a client with one of the families than for others. Families that are left out
 * (families.def) with `out` are not used; -1: all are.
 */
void crowd_kin(const struct crowd *c, int out, uint64_t seed, float *ret);

/* The highest sum of each of n client-days; malloc. Sums count from DGA_NAMES_MIN names on. */
float *crowd_days(const struct crowd *c, size_t n, uint64_t seed);
/*
 * Generated names that an infected client has asked for when its sum reaches `sum`, for n
 * clients; malloc. NAMES_GIVEN + 1: it never did.
 */
unsigned *crowd_infected(const struct crowd *c, unsigned family, float sum, size_t n,
                         uint64_t seed);
