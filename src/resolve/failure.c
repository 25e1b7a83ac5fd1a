/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/failure.h"

#include <stdatomic.h>

enum {
	N_FAILURES = 8192
};

/* state: until_s << 32 | seconds it was last held back << 16 | extended error code */
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

void failure_note(uint64_t hash, uint16_t type, uint32_t now_s, uint16_t ede_code)
{
	uint64_t tag = tag_of(hash, type);
	struct failure *f = place_of(tag);
	uint64_t state = atomic_load_explicit(&f->state, memory_order_relaxed);
	uint32_t until_s = (uint32_t)(state >> 32);
	uint32_t held_s = (uint32_t)(state >> 16) & 0xffff;
	bool is_again = atomic_load_explicit(&f->tag, memory_order_relaxed) == tag &&
	                now_s < until_s + 2 * held_s + 10;
	uint32_t hold_s = FAILURE_MIN_S;
	if (is_again && now_s < until_s)
		hold_s = held_s; /* another worker said so already */
	else if (is_again)
		hold_s = held_s * 2 < FAILURE_MAX_S ? held_s * 2 : FAILURE_MAX_S;
	atomic_store_explicit(&f->tag, tag, memory_order_relaxed);
	atomic_store_explicit(&f->state,
	                      (uint64_t)(now_s + hold_s) << 32 | (uint64_t)hold_s << 16 | ede_code,
	                      memory_order_relaxed);
}

bool failure_find(uint64_t hash, uint16_t type, uint32_t now_s, uint32_t *ret_left_s,
                  uint16_t *ret_code)
{
	uint64_t tag = tag_of(hash, type);
	const struct failure *f = place_of(tag);
	if (atomic_load_explicit(&f->tag, memory_order_relaxed) != tag)
		return false;
	uint64_t state = atomic_load_explicit(&f->state, memory_order_relaxed);
	uint32_t until_s = (uint32_t)(state >> 32);
	if (now_s >= until_s)
		return false;
	*ret_left_s = until_s - now_s;
	*ret_code = (uint16_t)state;
	return true;
}

void failure_reset(void)
{
	for (unsigned i = 0; i < N_FAILURES; i++)
		atomic_store_explicit(&failures[i].tag, 0, memory_order_relaxed);
}
