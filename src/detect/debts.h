/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/debts.h - token buckets by key, in fixed memory, that nobody can have forgotten; inside detect/.
 *
 * What:      a bucket is kept as the time when what it owes is paid off (`paid_us`): one that owes
 *            nothing is like one that was never used, so its place can be given to another key
 *            without loss. A set of places has one more bucket, for all the keys that find no place
 *            in it; a key that gets a place later begins with what that bucket owes. So a key is
 *            never charged too little, whatever else happens; it may be charged too much, when a set
 *            is full of debtors.
 *            A charge of `cost` bits at a rate of r bits an hour moves paid_us by cost / r hours. What
 *            a bucket may owe is the caller's to say.
 * Threads:   any, several at once: relaxed atomics. Losing a race may lose the charge of one
 *            packet, when a place changes its owner at the same moment.
 * Memory:    one block, 32 bytes a place with its key; touched as used.
 * Cost:      two or three cache lines for a key that has a place; four otherwise.
 * Limits:    the places that debts_new() was told.
 * Tests:     tests/unit/detect/debts_test.c
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	DEBTS_WAYS = 7 /* places of a set, beside the one for all the others */
};

struct debt {
	_Atomic uint64_t paid_us;  /* granted: paid off then */
	_Atomic uint64_t asked_us; /* the same of all that was asked for, granted or not */
	_Atomic uint64_t extra;    /* the caller's; 0 with a new key */
};

struct debts;

/* Places for about so many keys that owe at the same time. 0, -ENOMEM. */
MUST_USE int debts_new(size_t n, struct debts **ret);
void debts_free(struct debts *d);
size_t debts_bytes(const struct debts *d);
/* Its places are numbered; those for all the others too. */
size_t debts_places(const struct debts *d);
size_t debts_place_of(const struct debts *d, const struct debt *e);

/* It is the one for all the keys without a place: what it owes is nobody's alone. */
bool debts_is_shared(const struct debts *d, const struct debt *e);

/* It will be asked for soon; and when that has come from memory: what debts_take() will look at. */
void debts_prefetch(const struct debts *d, uint64_t key);
void debts_prefetch_place(const struct debts *d, uint64_t key);
/* The bucket of a key (not 0), which gets a place if there is none; never NULL. */
struct debt *debts_take(struct debts *d, uint64_t key, uint64_t now_us);
/* Its bucket, if it may owe something; NULL: it does not. */
const struct debt *debts_find(const struct debts *d, uint64_t key, uint64_t now_us);

static inline uint64_t debt_owed_us(const _Atomic uint64_t *paid_us, uint64_t now_us)
{
	uint64_t at = atomic_load_explicit(paid_us, memory_order_relaxed);
	return at > now_us ? at - now_us : 0;
}

/* Owe so much more. */
static inline void debt_add_us(_Atomic uint64_t *paid_us, uint64_t now_us, uint64_t more_us)
{
	uint64_t at = atomic_load_explicit(paid_us, memory_order_relaxed);
	uint64_t next;
	do {
		next = (at > now_us ? at : now_us) + more_us;
	} while (!atomic_compare_exchange_weak_explicit(paid_us, &at, next, memory_order_relaxed,
	                                                memory_order_relaxed));
}

/* It owes nothing, but was used now: of the places that owe nothing it is not the first to go. */
static inline void debt_touch(_Atomic uint64_t *paid_us, uint64_t now_us)
{
	uint64_t at = atomic_load_explicit(paid_us, memory_order_relaxed);
	if (at < now_us)
		atomic_compare_exchange_strong_explicit(paid_us, &at, now_us, memory_order_relaxed,
		                                        memory_order_relaxed);
}

/* As debt_add_us(), but never more than most_us in all. */
static inline void debt_add_most_us(_Atomic uint64_t *paid_us, uint64_t now_us, uint64_t more_us,
                                    uint64_t most_us)
{
	uint64_t owed_us = debt_owed_us(paid_us, now_us);
	if (owed_us < most_us)
		debt_add_us(paid_us, now_us,
		            more_us < most_us - owed_us ? more_us : most_us - owed_us);
}

/* The same where nothing is granted by it: of two at the same moment one may be lost. */
static inline void debt_note_most_us(_Atomic uint64_t *asked_us, uint64_t now_us, uint64_t more_us,
                                     uint64_t most_us)
{
	uint64_t owed_us = debt_owed_us(asked_us, now_us);
	if (owed_us < most_us)
		atomic_store_explicit(
			asked_us,
			now_us + owed_us +
				(more_us < most_us - owed_us ? more_us : most_us - owed_us),
			memory_order_relaxed);
}

/* Forget what is owed beyond most_us. */
static inline void debt_forgive_us(_Atomic uint64_t *paid_us, uint64_t now_us, uint64_t most_us)
{
	uint64_t at = atomic_load_explicit(paid_us, memory_order_relaxed);
	while (at > now_us + most_us &&
	       !atomic_compare_exchange_weak_explicit(paid_us, &at, now_us + most_us,
	                                              memory_order_relaxed, memory_order_relaxed))
		continue;
}
