/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/debts.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/pages.h"

/* The keys share a cache line: whose a place is, is known before the places come from memory. */
struct set {
	_Atomic uint64_t keys[DEBTS_WAYS + 1]; /* 0: nobody's; the last one is */
	struct debt places[DEBTS_WAYS + 1];    /* the last one: of all keys without a place */
};

static_assert(sizeof(struct set) == 256, "a set is four cache lines");

struct debts {
	uint64_t mask;
	size_t bytes;
	struct set *sets;
};

enum {
	LOAD_PERCENT = 70,
	LINE = 64,
};

int debts_new(size_t n, struct debts **ret)
{
	size_t n_sets = 16;
	while (n_sets * DEBTS_WAYS * LOAD_PERCENT / 100 < n)
		n_sets *= 2;
	struct debts *d = calloc(1, sizeof *d);
	struct set *sets = d != NULL ? pages_zeroed(n_sets * sizeof *sets) : NULL;
	if (sets == NULL) {
		free(d);
		return -ENOMEM;
	}
	d->mask = n_sets - 1;
	d->bytes = sizeof *d + n_sets * sizeof *sets;
	d->sets = sets;
	*ret = d;
	return 0;
}

void debts_free(struct debts *d)
{
	if (d == NULL)
		return;
	pages_release(d->sets);
	free(d);
}

size_t debts_bytes(const struct debts *d)
{
	return d->bytes;
}

size_t debts_places(const struct debts *d)
{
	return (d->mask + 1) * (DEBTS_WAYS + 1);
}

size_t debts_place_of(const struct debts *d, const struct debt *e)
{
	size_t at = (size_t)((const char *)e - (const char *)d->sets);
	return at / sizeof *d->sets * (DEBTS_WAYS + 1) +
	       (at % sizeof *d->sets - offsetof(struct set, places)) / sizeof *e;
}

bool debts_is_shared(const struct debts *d, const struct debt *e)
{
	return debts_place_of(d, e) % (DEBTS_WAYS + 1) == DEBTS_WAYS;
}

static struct set *set_of(const struct debts *d, uint64_t key)
{
	return &d->sets[(key >> 20) & d->mask];
}

void debts_prefetch(const struct debts *d, uint64_t key)
{
	__builtin_prefetch(set_of(d, key)->keys);
}

/* Its place; DEBTS_WAYS: it has none. */
static unsigned find(const struct set *s, uint64_t key)
{
	unsigned i = 0;
	while (i < DEBTS_WAYS && atomic_load_explicit(&s->keys[i], memory_order_relaxed) != key)
		i++;
	return i;
}

void debts_prefetch_place(const struct debts *d, uint64_t key)
{
	const struct set *s = set_of(d, key);
	unsigned i = find(s, key);
	if (i < DEBTS_WAYS) {
		__builtin_prefetch(&s->places[i], 1);
		return;
	}
	for (size_t at = 0; at < sizeof s->places; at += LINE)
		__builtin_prefetch((const char *)s->places + at, 1);
}

static bool owes(const struct debt *e, uint64_t now_us)
{
	return debt_owed_us(&e->paid_us, now_us) > 0 || debt_owed_us(&e->asked_us, now_us) > 0;
}

static uint64_t get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void put(_Atomic uint64_t *v, uint64_t value)
{
	atomic_store_explicit(v, value, memory_order_relaxed);
}

static struct debt *others_of(struct set *s)
{
	return &s->places[DEBTS_WAYS];
}

/* Give a place to another key; false: somebody else was faster. */
static bool claim(struct set *s, unsigned i, uint64_t old_key, uint64_t key)
{
	struct debt *e = &s->places[i];
	const struct debt *others = others_of(s);
	if (!atomic_compare_exchange_strong_explicit(&s->keys[i], &old_key, key,
	                                             memory_order_relaxed, memory_order_relaxed))
		return false;
	put(&e->extra, 0);
	put(&e->paid_us, get(&others->paid_us));
	put(&e->asked_us, get(&others->asked_us));
	return true;
}

/* A key that has no place gets one that nobody misses; DEBTS_WAYS: there is none. */
static unsigned find_free(const struct set *s, uint64_t now_us)
{
	unsigned best = DEBTS_WAYS;
	uint64_t best_us = UINT64_MAX;
	for (unsigned i = 0; i < DEBTS_WAYS; i++) {
		/* Of those that owe nothing the one that was paid off first is the least missed. */
		uint64_t at = get(&s->keys[i]) == 0 ? 0 : get(&s->places[i].paid_us);
		if (at < best_us && !owes(&s->places[i], now_us)) {
			best = i;
			best_us = at;
		}
	}
	return best;
}

struct debt *debts_take(struct debts *d, uint64_t key, uint64_t now_us)
{
	struct set *s = set_of(d, key);
	unsigned i = find(s, key);
	if (i < DEBTS_WAYS) {
		__builtin_prefetch(&s->places[i], 1); /* others are taken before it is looked at */
		return &s->places[i];
	}
	i = find_free(s, now_us);
	if (i < DEBTS_WAYS && claim(s, i, get(&s->keys[i]), key))
		return &s->places[i];
	return others_of(s);
}

const struct debt *debts_find(const struct debts *d, uint64_t key, uint64_t now_us)
{
	struct set *s = set_of(d, key);
	unsigned i = find(s, key);
	if (i < DEBTS_WAYS)
		return &s->places[i];
	return owes(others_of(s), now_us) ? others_of(s) : NULL;
}
