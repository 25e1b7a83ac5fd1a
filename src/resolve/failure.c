/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/failure.h"

#include <stdatomic.h>

#include "base/clock.h"

enum {
	N_FAILURES = 8192,
	PER_S = 10,
};
#define NS_PER_TENTH (NS_PER_S / PER_S)

/* In tenths of a second, so that a second is one: state: until << 32 | how long it was last held back << 16 |
   extended error code */
struct failure {
	_Atomic uint64_t tag, state;
};

static struct failure failures[N_FAILURES];

/* The name's hash is keyed, so nobody outside chooses the place. 0 is an empty entry. */
static uint64_t tag_of(uint64_t hash, uint16_t type)
{
	return (hash ^ (uint64_t)(type + 1) * 0x9e3779b97f4a7c15ULL) | 1;
}

static struct failure *place_of(uint64_t tag)
{
	return &failures[(tag >> 20) % N_FAILURES];
}

void failure_note(uint64_t hash, uint16_t type, uint64_t now_ns, uint16_t ede_code)
{
	uint64_t tag = tag_of(hash, type);
	struct failure *f = place_of(tag);
	uint64_t state = atomic_load_explicit(&f->state, memory_order_relaxed);
	uint32_t now = (uint32_t)((now_ns + NS_PER_TENTH - 1) / NS_PER_TENTH);
	uint32_t until = (uint32_t)(state >> 32);
	uint32_t held = (uint32_t)(state >> 16) & 0xffff;
	bool is_again = atomic_load_explicit(&f->tag, memory_order_relaxed) == tag &&
	                now < until + 2 * held + 10 * PER_S;
	uint32_t hold = FAILURE_MIN_S * PER_S;
	if (is_again && now < until)
		hold = held; /* another worker said so already */
	else if (is_again)
		hold = held * 2 < FAILURE_MAX_S * PER_S ? held * 2 : FAILURE_MAX_S * PER_S;
	atomic_store_explicit(&f->tag, tag, memory_order_relaxed);
	atomic_store_explicit(&f->state,
	                      (uint64_t)(now + hold) << 32 | (uint64_t)hold << 16 | ede_code,
	                      memory_order_relaxed);
}

bool failure_find(uint64_t hash, uint16_t type, uint64_t now_ns, uint32_t *ret_left_s,
                  uint16_t *ret_code)
{
	uint64_t tag = tag_of(hash, type);
	const struct failure *f = place_of(tag);
	if (atomic_load_explicit(&f->tag, memory_order_relaxed) != tag)
		return false;
	uint64_t state = atomic_load_explicit(&f->state, memory_order_relaxed);
	uint32_t now = (uint32_t)(now_ns / NS_PER_TENTH), until = (uint32_t)(state >> 32);
	if (now >= until)
		return false;
	*ret_left_s = (until - now + PER_S - 1) / PER_S;
	*ret_code = (uint16_t)state;
	return true;
}

void failure_reset(void)
{
	for (unsigned i = 0; i < N_FAILURES; i++)
		atomic_store_explicit(&failures[i].tag, 0, memory_order_relaxed);
}
