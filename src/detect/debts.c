/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/debts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/pages.h"

struct set {
	struct debt places[DEBTS_WAYS];
	struct debt others; /* of all keys without a place */
};

struct debts {
	uint64_t mask;
	size_t bytes;
	struct set *sets;
};

enum {
	LOAD_PERCENT = 70
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
	free(d->sets);
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
	return (size_t)(e - d->sets->places);
}

static struct set *set_of(const struct debts *d, uint64_t key)
{
	return &d->sets[(key >> 20) & d->mask];
}

void debts_prefetch(const struct debts *d, uint64_t key)
{
	const struct set *s = set_of(d, key);
	for (size_t at = 0; at < sizeof *s; at += 64)
		__builtin_prefetch((const char *)s + at, 1);
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

/* Give a place to another key; false: somebody else was faster. */
static bool claim(struct set *s, struct debt *e, uint64_t old_key, uint64_t key)
{
	if (!atomic_compare_exchange_strong_explicit(&e->key, &old_key, key, memory_order_relaxed,
	                                             memory_order_relaxed))
		return false;
	put(&e->extra, 0);
	put(&e->paid_us, get(&s->others.paid_us));
	put(&e->asked_us, get(&s->others.asked_us));
	return true;
}

struct debt *debts_take(struct debts *d, uint64_t key, uint64_t now_us)
{
	struct set *s = set_of(d, key);
	struct debt *best = NULL;
	uint64_t best_us = UINT64_MAX;
	for (unsigned i = 0; i < DEBTS_WAYS; i++) {
		struct debt *e = &s->places[i];
		uint64_t its = get(&e->key);
		if (its == key)
			return e;
		/* Of those that owe nothing the one that was paid off first is the least missed. */
		uint64_t at = its == 0 ? 0 : get(&e->paid_us);
		if (at < best_us && !owes(e, now_us)) {
			best = e;
			best_us = at;
		}
	}
	if (best != NULL && claim(s, best, get(&best->key), key))
		return best;
	return &s->others;
}

const struct debt *debts_find(const struct debts *d, uint64_t key, uint64_t now_us)
{
	const struct set *s = set_of(d, key);
	for (unsigned i = 0; i < DEBTS_WAYS; i++) {
		if (get(&s->places[i].key) == key)
			return &s->places[i];
	}
	return owes(&s->others, now_us) ? &s->others : NULL;
}
