/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/ceilings.h"

enum {
	MARKS = 20,
	WINDOW_BITS = 64 - 3 * MARKS,
};

#define WINDOW_US UINT64_C(3600000000)
#define MASK      ((UINT64_C(1) << MARKS) - 1)

struct ceiling ceiling_of_kind(enum zone_kind kind)
{
	static const struct ceiling ceilings[ZONE_KINDS] = {
		[ZONE_REGISTRY] = { 1, 1, 1, 1 }, /* what it is told is not counted */
		[ZONE_ANYBODY] = { 1, 1, 1, CEILING_DOMAIN_FACTOR },
		[ZONE_POPULAR] = { 16, 16, 100, 10000 },
		/* Only who owns networks learns anything: a budget for each of them is what bounds it. */
		[ZONE_REVERSE] = { 4, 64, 40000, 400 },
		[ZONE_VENDOR] = { 40000, 40000, 40000, 4000000 },
	};
	return ceilings[kind];
}

static void raise(uint32_t *at, uint32_t to)
{
	*at = *at > to ? *at : to;
}

void ceiling_raise(struct ceiling *c, uint32_t factor, uint32_t all)
{
	raise(&c->servers, factor);
	raise(&c->address, factor);
	raise(&c->client, factor);
	raise(&c->domain, CEILING_DOMAIN_FACTOR * all);
}

/*
 * A word: the marks of this window, of the one before, and of all before these; and the window's
 * number, as far as there is room: after 16 quiet hours marks are taken for younger than they are.
 */
bool ceiling_note_client(_Atomic uint64_t *marks, uint64_t client_hash, uint64_t now_us)
{
	uint64_t word = atomic_load_explicit(marks, memory_order_relaxed), was = word;
	uint64_t young = word & MASK, middle = word >> MARKS & MASK, old = word >> 2 * MARKS & MASK;
	uint64_t window = now_us / WINDOW_US % (1 << WINDOW_BITS);
	uint64_t gone = (window - (word >> 3 * MARKS)) % (1 << WINDOW_BITS);
	if (gone > 0) {
		old |= middle;
		middle = young;
		young = 0;
	}
	if (gone > 1) {
		old |= middle;
		middle = 0;
	}
	uint64_t mark = UINT64_C(1) << client_hash % MARKS;
	if (((old | middle) & mark) == 0)
		young |= mark;
	word = young | middle << MARKS | old << 2 * MARKS | window << 3 * MARKS;
	if (word != was)
		(void)atomic_compare_exchange_strong_explicit(
			marks, &was, word, memory_order_relaxed, memory_order_relaxed);
	return __builtin_popcountll(old) >= CEILING_PREVALENT_CLIENTS;
}

bool ceiling_is_crowd(const _Atomic uint64_t *marks)
{
	uint64_t old = atomic_load_explicit(marks, memory_order_relaxed) >> 2 * MARKS & MASK;
	return __builtin_popcountll(old) >= MARKS - 1;
}
