/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/names.h - the names that a client has asked for lately, and what it costs to choose one of
 *                  them again; inside detect/.
 *
 * What:      a few places a client: the last name, NAMES_HOT recent ones, NAMES_WARM others. To
 *            name a place takes as many bits as there are places of its kind, and some that say
 *            which kind: again a prefix code. What has no place is new, and is spelled.
 *            And guesses: what a packet was followed by lately (a name and type each, as one tag). What
 *            is guessed right costs as little as the last name again, and no less, so that no more packets can
 *            be sent, whose times tell something; what is guessed wrong costs a quarter of a bit more
 *            than it would have: a prefix code again, for what machines do over and over.
 * Threads:   any: relaxed atomics. A race costs a name its place.
 * Memory:    768 bytes a client.
 * Cost:      some 10 ns.
 * Limits:    what is driven out costs more the next time, never less. Names are known by 32 bits of a
 *            keyed hash.
 * Tests:     tests/unit/detect/names_test.c
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	NAMES_HOT = 16,
	NAMES_WARM = 112,
	NAMES_GUESSES = 32,
	NAMES_SURENESS = 4, /* so often in vain a guess is kept, at most */
};

struct names {
	_Atomic uint32_t hot[NAMES_HOT];
	_Atomic uint32_t warm[NAMES_WARM];
	_Atomic uint64_t
		guesses[NAMES_GUESSES]; /* what follows, after what (its low bits), how sure */
};

enum names_where {
	NAMES_LAST,
	NAMES_IS_HOT,
	NAMES_IS_WARM,
	NAMES_NEW,
};

/* What names_find() and names_guess() will look at, have it come from memory. */
void names_prefetch(const struct names *n, uint32_t tag);
void names_prefetch_guess(const struct names *n, uint32_t before);

/* `last`: the tag of the last name; `tag`: not 0. */
enum names_where names_find(const struct names *n, uint32_t last, uint32_t tag);
/* It was used: it is hot now. `dice` chooses whose place it takes. */
void names_put(struct names *n, uint32_t tag, uint32_t dice);

/* Sixteenths of a bit to say: the same name again, found there. */
uint32_t names_bits_again(enum names_where where);
/* ... and: something new below this name; NEW: below a zone that is new itself. */
uint32_t names_bits_below(enum names_where where);

/* What follows the packet `before`; false: there is no guess. */
bool names_guess(const struct names *n, uint32_t before, uint32_t *ret_tag);
/* This one followed. */
void names_learn(struct names *n, uint32_t before, uint32_t tag, uint32_t dice);
/* Sixteenths of a bit to say that a guess is right; or wrong, and then comes what there is instead. */
uint32_t names_bits_right(void);
uint32_t names_bits_wrong(void);
