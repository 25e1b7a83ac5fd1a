/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/names.h"

#include <stddef.h>

#include "detect/bits.h"

enum {
	WARM_WAYS = 4,
	WARM_SETS = NAMES_WARM / WARM_WAYS,
	GUESS_WAYS = 8,
	GUESS_SETS = NAMES_GUESSES / GUESS_WAYS,
};

static uint32_t get(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static const _Atomic uint32_t *warm_set(const struct names *n, uint32_t tag)
{
	return &n->warm[(tag % WARM_SETS) * WARM_WAYS];
}

void names_prefetch(const struct names *n, uint32_t tag)
{
	__builtin_prefetch(warm_set(n, tag), 1);
}

enum names_where names_find(const struct names *n, uint32_t last, uint32_t tag)
{
	if (last == tag)
		return NAMES_LAST;
	for (unsigned i = 0; i < NAMES_HOT; i++) {
		if (get(&n->hot[i]) == tag)
			return NAMES_IS_HOT;
	}
	const _Atomic uint32_t *set = warm_set(n, tag);
	for (unsigned i = 0; i < WARM_WAYS; i++) {
		if (get(&set[i]) == tag)
			return NAMES_IS_WARM;
	}
	return NAMES_NEW;
}

void names_put(struct names *n, uint32_t tag, uint32_t dice)
{
	for (unsigned i = 0; i < NAMES_HOT; i++) {
		if (get(&n->hot[i]) == tag)
			return;
	}
	_Atomic uint32_t *set = (_Atomic uint32_t *)warm_set(n, tag);
	for (unsigned i = 0; i < WARM_WAYS; i++) {
		if (get(&set[i]) == tag)
			atomic_store_explicit(&set[i], 0, memory_order_relaxed);
	}
	uint32_t old =
		atomic_exchange_explicit(&n->hot[dice % NAMES_HOT], tag, memory_order_relaxed);
	if (old == 0)
		return;
	set = (_Atomic uint32_t *)warm_set(n, old);
	unsigned way = 0;
	while (way < WARM_WAYS && get(&set[way]) != 0)
		way++;
	if (way == WARM_WAYS)
		way = dice / NAMES_HOT % WARM_WAYS;
	atomic_store_explicit(&set[way], old, memory_order_relaxed);
}

/*
 * One code for all: again the last 1/4, a hot one 16/128, a warm one 112/1024; new 1/2, and then
 * below the last 1/2, a hot one 16/64, a warm one 112/1024, one of 16 new zones 16/128. With more
 * zones than these it takes over 256 to tell more bits than a new zone and a type cost at least.
 */
uint32_t names_bits_again(enum names_where where)
{
	static const uint32_t bits[] = {
		[NAMES_LAST] = 2, [NAMES_IS_HOT] = 7, [NAMES_IS_WARM] = 10
	};
	return where == NAMES_NEW ? 0 : bits[where] * BITS_UNIT;
}

uint32_t names_bits_below(enum names_where where)
{
	static const uint32_t bits[] = {
		[NAMES_LAST] = 1, [NAMES_IS_HOT] = 6, [NAMES_IS_WARM] = 10, [NAMES_NEW] = 7
	};
	return (1 + bits[where]) * BITS_UNIT;
}

/* ---- guesses ---- */

#define SURENESS_MASK 7U
#define BEFORE_MASK   (UINT32_MAX & ~SURENESS_MASK)

static const _Atomic uint64_t *guess_set(const struct names *n, uint32_t before)
{
	return &n->guesses[(before ^ before >> 13) % GUESS_SETS * GUESS_WAYS];
}

void names_prefetch_guess(const struct names *n, uint32_t before)
{
	__builtin_prefetch(guess_set(n, before), 1);
}

/* Of the few places where it can be, that which has it; NULL: none. */
static const _Atomic uint64_t *guess_of(const struct names *n, uint32_t before)
{
	const _Atomic uint64_t *set = guess_set(n, before);
	for (unsigned i = 0; i < GUESS_WAYS; i++) {
		uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
		if (word != 0 && ((uint32_t)word & BEFORE_MASK) == (before & BEFORE_MASK))
			return &set[i];
	}
	return NULL;
}

bool names_guess(const struct names *n, uint32_t before, uint32_t *ret_tag)
{
	const _Atomic uint64_t *at = guess_of(n, before);
	if (at == NULL)
		return false;
	*ret_tag = (uint32_t)(atomic_load_explicit(at, memory_order_relaxed) >> 32);
	return true;
}

/* A place for what has none: the one that is the least sure, when it is not sure at all. */
static void guess_anew(struct names *n, uint32_t before, uint32_t tag, uint32_t dice)
{
	_Atomic uint64_t *set = (_Atomic uint64_t *)guess_set(n, before), *to = set;
	for (unsigned i = 1; i < GUESS_WAYS; i++) {
		uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
		uint64_t least = atomic_load_explicit(to, memory_order_relaxed);
		if ((word & SURENESS_MASK) < (least & SURENESS_MASK) || word == 0)
			to = &set[i];
	}
	uint64_t word = atomic_load_explicit(to, memory_order_relaxed);
	if ((word & SURENESS_MASK) == 0)
		word = (uint64_t)tag << 32 | (before & BEFORE_MASK);
	else if (dice % 4 == 0)
		word--;
	atomic_store_explicit(to, word, memory_order_relaxed);
}

void names_learn(struct names *n, uint32_t before, uint32_t tag, uint32_t dice)
{
	_Atomic uint64_t *at = (_Atomic uint64_t *)guess_of(n, before);
	if (at == NULL) {
		guess_anew(n, before, tag, dice);
		return;
	}
	uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
	uint32_t sureness = (uint32_t)word & SURENESS_MASK;
	if (word >> 32 == tag)
		word += sureness < NAMES_SURENESS;
	else if (sureness > 0)
		word -= sureness - sureness / 2;
	else
		word = (uint64_t)tag << 32 | (before & BEFORE_MASK);
	atomic_store_explicit(at, word, memory_order_relaxed);
}

/* One of eight; the rest is 7/8, rounded up. */
uint32_t names_bits_right(void)
{
	return 3 * BITS_UNIT;
}

uint32_t names_bits_wrong(void)
{
	return BITS_UNIT / 4;
}
