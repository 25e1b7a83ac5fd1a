/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools/train/corpus.h - the names that the model of generated domains is trained and tested with.
 *
 * What:      reads the data sets (tools/train/README.md says which and from where), splits each
 *            name into label and public suffix, and gives it a part by a hash of the name alone:
 *            the same name is in the same part, whichever set it comes from.
 * Threads:   one.
 * Memory:    on the heap until the program ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packed.h"

enum kind {
	KIND_LETTERS, /* random letters or digits */
	KIND_SPOKEN,  /* can be spoken */
	KIND_WORDS,   /* of a list of words */
	KIND_WORDS_CHANGED,
};

struct family {
	const char *name, *other_name;
	unsigned fold;
	enum kind kind;
};

extern const struct family families[];
extern const unsigned n_families;
enum {
	FOLDS = 8
};

/* Where an ordinary name was read. */
enum set {
	SET_RANKED, /* a crawl of a list of a million, resolved */
	SET_DEAD,   /* the same, not resolved */
	SET_CHINA,
	SET_ALEXA,
	SET_OPENDNS, /* top */
	SET_OPENDNS_RANDOM,
	SET_TELEMETRY,
	SET_ISP,
	SET_TYPO,      /* made from popular ones */
	SET_FAILED,    /* NXDOMAIN in the crawl of answers */
	SET_CONFIRMED, /* no set of its own: those of SET_RANKED that are confirmed */
	SET_TWICE, /* nor this: those of SET_RANKED that a list of another year and maker has, too */
	SETS,
};
extern const char *const set_names[SETS];

enum part {
	PART_TRAIN,
	PART_VALID,
	PART_TEST,
	PART_HELD, /* would be in the training part, but is in two lists: for that threshold alone */
	PARTS,
};

struct entry {
	const char *label, *suffix; /* with NUL */
	uint8_t n_label, n_suffix;
	uint8_t set;    /* of an ordinary name */
	uint8_t family; /* of a generated one */
	uint8_t part;
	uint32_t kept;     /* its features: 1 + place in the trainer's store; 0: none */
	bool is_free;      /* its licence allows an excerpt to be shipped */
	bool is_confirmed; /* its address is known, and no generated or listed name lives there */
	bool is_twice;     /* resolved in the crawl, and in another list of ordinary names */
};

/* Which of the resolved names of the crawl a threshold is taken from. */
enum view {
	VIEW_LISTED,    /* all */
	VIEW_CONFIRMED, /* whose address is known and good */
	VIEW_TWICE,     /* that are in two lists */
	VIEWS,
};
bool entry_is_in(const struct entry *e, enum view view);

struct entries {
	struct entry *at;
	size_t n, room;
};

struct corpus {
	struct entries ordinary, generated;
	size_t n_cleaned; /* ordinary names that are on a list of malware or live where such do */
	size_t n_confirmed, n_twice;
	size_t n_read[SETS];
};

/* Read everything below `folder`; what is missing is an error that ends the program. */
void corpus_read(struct corpus *c, const char *folder);
/* Splits a name into label and public suffix, both valid until the next call; false: it has none. */
bool split_name(const char *name, struct entry *ret);
void entries_add(struct entries *e, const struct entry *one);
char *keep_text(const char *text, size_t n);
enum part part_of(const char *label, const char *suffix);

/* ---- reproducible numbers ---- */

struct dice {
	uint64_t state;
};
static inline uint64_t dice_next(struct dice *d)
{
	uint64_t z = (d->state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}
static inline uint32_t dice_below(struct dice *d, uint32_t n)
{
	return (uint32_t)(((dice_next(d) >> 32) * n) >> 32);
}
static inline double dice_share(struct dice *d)
{
	return (double)(dice_next(d) >> 11) * 0x1p-53;
}
