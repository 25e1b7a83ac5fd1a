/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/names.h"

#include "detect/bits.h"

enum {
	WARM_WAYS = 4,
	WARM_SETS = NAMES_WARM / WARM_WAYS,
};

static uint32_t get(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static const _Atomic uint32_t *warm_set(const struct names *n, uint32_t tag)
{
	return &n->warm[(tag % WARM_SETS) * WARM_WAYS];
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
