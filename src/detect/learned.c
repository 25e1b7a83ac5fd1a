/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum {
	WAYS = 8, /* places where a domain can be: a cache line of keys */
	SETS = LEARNED_DOMAINS_MAX / WAYS,
	FREE = 0,
	BEING_MADE = 1,
	HOUR_S = 3600,
	TICK_S = 60,
	MARGIN = 2, /* times what was needed */
};

int learned_new(struct learned **ret)
{
	struct learned *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	random_bytes(&l->key, sizeof l->key);
	*ret = l;
	return 0;
}

void learned_free(struct learned *l)
{
	free(l);
}

static uint32_t get(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static void put(_Atomic uint32_t *v, uint32_t value)
{
	atomic_store_explicit(v, value, memory_order_relaxed);
}

/* ---- places ---- */

static uint64_t key_of(const struct learned *l, const uint8_t *registered)
{
	uint64_t key = siphash13(&l->key, registered, name_len(registered));
	return key > BEING_MADE ? key : key + 2;
}

/* Its place, or LEARNED_DOMAINS_MAX. */
static unsigned place_of(const struct learned *l, uint64_t key)
{
	unsigned at = (unsigned)(key % SETS) * WAYS;
	for (unsigned i = 0; i < WAYS; i++) {
		if (atomic_load_explicit(&l->keys[at + i], memory_order_acquire) == key)
			return at + i;
	}
	return LEARNED_DOMAINS_MAX;
}

struct learned_domain *learned_find(struct learned *l, const uint8_t *registered)
{
	if (get(&l->n) == 0)
		return NULL;
	unsigned at = place_of(l, key_of(l, registered));
	return at < LEARNED_DOMAINS_MAX ? &l->domains[at] : NULL;
}

static void need_clear(struct need *n)
{
	put(&n->hour, 0);
	put(&n->bits, 0);
	put(&n->high[0], 0);
	put(&n->high[1], 0);
}

static void clear(struct learned *l, struct learned_domain *d, const uint8_t *registered)
{
	uint64_t now_s = (uint64_t)get(&l->hour) * HOUR_S;
	put(&d->factor, 1);
	put(&d->all, 1);
	need_clear(&d->total);
	for (unsigned i = 0; i < LEARNED_CLIENTS; i++) {
		put(&d->clients[i].tag, 0);
		need_clear(&d->clients[i].need);
	}
	name_set(&d->name, registered);
	atomic_store_explicit(&d->made_s, now_s, memory_order_relaxed);
	atomic_store_explicit(&d->used_s, now_s, memory_order_relaxed);
	atomic_store_explicit(&d->is_confirmed, false, memory_order_relaxed);
}

struct learned_domain *learned_put(struct learned *l, const uint8_t *registered)
{
	uint64_t key = key_of(l, registered);
	unsigned at = (unsigned)(key % SETS) * WAYS;
	if (place_of(l, key) < LEARNED_DOMAINS_MAX)
		return NULL;
	for (unsigned i = at; i < at + WAYS; i++) {
		uint64_t none = FREE;
		if (!atomic_compare_exchange_strong_explicit(&l->keys[i], &none, BEING_MADE,
		                                             memory_order_acquire,
		                                             memory_order_relaxed))
			continue;
		clear(l, &l->domains[i], registered);
		atomic_fetch_add_explicit(&l->n, 1, memory_order_relaxed);
		atomic_store_explicit(&l->keys[i], key, memory_order_release);
		return &l->domains[i];
	}
	return NULL;
}

struct learned_domain *learned_add(struct learned *l, const uint8_t *registered)
{
	if (!atomic_load_explicit(&l->is_learning, memory_order_relaxed))
		return NULL;
	struct learned_domain *d = learned_put(l, registered);
	if (d == NULL)
		d = learned_find(l, registered);
	if (d == NULL)
		atomic_fetch_add_explicit(&l->n_refused, 1, memory_order_relaxed);
	return d;
}

static void drop(struct learned *l, unsigned at)
{
	atomic_store_explicit(&l->keys[at], FREE, memory_order_release);
	atomic_fetch_sub_explicit(&l->n, 1, memory_order_relaxed);
	l->n_changes++;
}

/* ---- needs ---- */

/* A new hour: what the one before had is kept, if it was one of the highest. */
static void need_turn(struct need *n, uint32_t hour)
{
	uint32_t was = get(&n->hour);
	if (was == hour ||
	    !atomic_compare_exchange_strong_explicit(&n->hour, &was, hour, memory_order_relaxed,
	                                             memory_order_relaxed))
		return;
	uint32_t bits = atomic_exchange_explicit(&n->bits, 0, memory_order_relaxed);
	if (bits > get(&n->high[0])) {
		put(&n->high[1], get(&n->high[0]));
		put(&n->high[0], bits);
	} else if (bits > get(&n->high[1])) {
		put(&n->high[1], bits);
	}
}

static void need_add(struct need *n, uint32_t hour, uint32_t bits)
{
	need_turn(n, hour);
	if (get(&n->bits) < UINT32_MAX / 2)
		atomic_fetch_add_explicit(&n->bits, bits, memory_order_relaxed);
}

static void need_halve(struct need *n)
{
	put(&n->high[0], get(&n->high[0]) / 2);
	put(&n->high[1], get(&n->high[1]) / 2);
}

/* NULL: others came first. */
static struct learned_client *client_of(struct learned_domain *d, uint32_t tag)
{
	for (unsigned i = 0; i < LEARNED_CLIENTS; i++) {
		uint32_t its = get(&d->clients[i].tag);
		if (its == tag)
			return &d->clients[i];
		if (its == 0 && atomic_compare_exchange_strong_explicit(&d->clients[i].tag, &its,
		                                                        tag, memory_order_relaxed,
		                                                        memory_order_relaxed))
			return &d->clients[i];
		if (its == tag)
			return &d->clients[i]; /* another worker was faster */
	}
	return NULL;
}

void learned_note(struct learned *l, struct learned_domain *d, const struct addr *client,
                  uint32_t bits)
{
	uint32_t hour = get(&l->hour);
	uint64_t h = siphash13(&l->key, client->bytes, client->is_v4 ? sizeof client->bytes : 8);
	struct learned_client *c = client_of(d, (uint32_t)h != 0 ? (uint32_t)h : 1);
	bits = bits < 1 << 16 ? bits : 1 << 16;
	if (c != NULL)
		need_add(&c->need, hour, bits);
	need_add(&d->total, hour, bits);
}

void learned_raise(const struct learned_domain *d, struct ceiling *c)
{
	if (get(&d->factor) > 1)
		ceiling_raise(c, get(&d->factor), get(&d->all));
}

unsigned learned_clients(const struct learned_domain *d, unsigned rank, uint32_t *ret_need)
{
	uint32_t needs[LEARNED_CLIENTS];
	unsigned n = 0;
	for (unsigned i = 0; i < LEARNED_CLIENTS; i++) {
		uint32_t need = get(&d->clients[i].need.high[1]);
		unsigned at = n;
		if (get(&d->clients[i].tag) == 0 || need == 0)
			continue;
		for (; at > 0 && needs[at - 1] < need; at--)
			needs[at] = needs[at - 1];
		needs[at] = need;
		n++;
	}
	*ret_need = rank < n ? needs[rank] : 0;
	return n;
}

/* ---- what follows ---- */

static uint32_t factor_for(uint64_t need, uint64_t rate_bits, uint32_t most)
{
	uint32_t factor = 1;
	while (factor < most && factor * rate_bits < need * MARGIN)
		factor *= 2;
	return factor;
}

/* Raise it to what the client at that rank needs. */
static void judge(struct learned *l, struct learned_domain *d, unsigned rank)
{
	uint64_t rate_bits = l->rate_bits;
	uint32_t need;
	(void)learned_clients(d, rank, &need);
	uint32_t factor = factor_for(need, rate_bits, LEARNED_FACTOR_MAX);
	if (factor == 1)
		return;
	uint32_t all = factor_for(get(&d->total.high[1]), rate_bits * CEILING_DOMAIN_FACTOR,
	                          LEARNED_ALL_MAX);
	all = all > factor ? all : factor;
	l->n_changes += factor > get(&d->factor) || all > get(&d->all);
	put(&d->factor, factor > get(&d->factor) ? factor : get(&d->factor));
	put(&d->all, all > get(&d->all) ? all : get(&d->all));
}

/* Was this hour, so far, beyond what half the ceiling allows? */
static bool is_used(const struct learned_domain *d, uint64_t rate_bits)
{
	uint64_t enough = rate_bits * get(&d->factor) / (2 * MARGIN);
	for (unsigned i = 0; i < LEARNED_CLIENTS; i++) {
		if (get(&d->clients[i].need.bits) >= enough)
			return true;
	}
	return get(&d->total.bits) >= enough * LEARNED_CLIENTS_MIN;
}

/* Not used for long. False: nothing is left of it. */
static bool fade(struct learned *l, struct learned_domain *d, uint64_t now_s)
{
	uint32_t factor = get(&d->factor) / 2, all = get(&d->all) / 2;
	need_halve(&d->total);
	for (unsigned i = 0; i < LEARNED_CLIENTS; i++)
		need_halve(&d->clients[i].need);
	put(&d->factor, factor > 0 ? factor : 1);
	put(&d->all, all > factor ? all : factor > 0 ? factor : 1);
	atomic_store_explicit(&d->used_s, now_s, memory_order_relaxed);
	l->n_changes++;
	return factor > 1;
}

static void turn(struct learned_domain *d, uint32_t hour)
{
	need_turn(&d->total, hour);
	for (unsigned i = 0; i < LEARNED_CLIENTS; i++)
		need_turn(&d->clients[i].need, hour);
}

/* Two workers that met a domain at the same time may have made a place each. */
static bool is_second(const struct learned *l, unsigned at)
{
	return place_of(l, atomic_load_explicit(&l->keys[at], memory_order_relaxed)) != at;
}

void learned_tick(struct learned *l, uint64_t rate_bits, uint64_t learn_s, uint64_t now_s)
{
	uint32_t hour = (uint32_t)(now_s / HOUR_S);
	if (l->began_s == 0 && learn_s > 0) {
		l->began_s = now_s;
		l->n_changes++;
	}
	l->until_s = l->began_s > 0 && learn_s > 0 ? l->began_s + learn_s : 0;
	bool is_learning = now_s < l->until_s;
	l->rate_bits = rate_bits;
	l->n_changes += is_learning && get(&l->n) > 0 && get(&l->hour) != hour;
	put(&l->hour, hour);
	atomic_store_explicit(&l->is_learning, is_learning, memory_order_relaxed);
	if (now_s >= l->ticked_s && now_s < l->ticked_s + TICK_S)
		return;
	l->ticked_s = now_s;
	struct learned_domain *d;
	for (unsigned at = 0; (d = learned_next(l, &at)) != NULL; at++) {
		uint64_t used_s = atomic_load_explicit(&d->used_s, memory_order_relaxed);
		if (is_second(l, at)) {
			drop(l, at);
			continue;
		}
		if (is_used(d, rate_bits) && used_s < (uint64_t)hour * HOUR_S)
			atomic_store_explicit(&d->used_s, (uint64_t)hour * HOUR_S,
			                      memory_order_relaxed);
		else if (now_s > used_s + LEARNED_IDLE_S && !fade(l, d, now_s))
			drop(l, at);
		turn(d, hour);
		if (is_learning)
			judge(l, d, LEARNED_CLIENTS_MIN - 1);
	}
}

struct learned_domain *learned_next(struct learned *l, unsigned *at)
{
	for (; *at < LEARNED_DOMAINS_MAX; ++*at) {
		if (atomic_load_explicit(&l->keys[*at], memory_order_acquire) > BEING_MADE)
			return &l->domains[*at];
	}
	return NULL;
}

int learned_confirm(struct learned *l, const uint8_t *registered)
{
	struct learned_domain *d = learned_find(l, registered);
	if (d == NULL)
		return -ENOENT;
	atomic_store_explicit(&d->is_confirmed, true, memory_order_relaxed);
	judge(l, d, 0);
	l->n_changes++;
	return 0;
}

int learned_forget(struct learned *l, const uint8_t *registered)
{
	unsigned at = place_of(l, key_of(l, registered));
	if (at == LEARNED_DOMAINS_MAX)
		return -ENOENT;
	drop(l, at);
	return 0;
}

void learned_forget_all(struct learned *l)
{
	l->began_s = 0;
	l->n_changes++;
	for (unsigned at = 0; learned_next(l, &at) != NULL; at++)
		drop(l, at);
}
