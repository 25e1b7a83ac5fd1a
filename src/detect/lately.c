/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/lately.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/pages.h"

enum {
	WAYS = 8,
	STEP_BITS = 24, /* five years of steps */
	STEP_MASK = (1 << STEP_BITS) - 1,
};

/* The key's upper 40 bits, and the step; 0: empty. */
struct line {
	_Atomic uint64_t words[WAYS];
};

struct lately {
	uint64_t mask;
	struct line *lines;
};

int lately_new(size_t n, struct lately **ret)
{
	size_t n_lines = 64;
	while (n_lines * WAYS < n)
		n_lines *= 2;
	struct lately *l = calloc(1, sizeof *l);
	struct line *lines = l != NULL ? pages_zeroed(n_lines * sizeof *lines) : NULL;
	if (lines == NULL) {
		free(l);
		return -ENOMEM;
	}
	l->mask = n_lines - 1;
	l->lines = lines;
	*ret = l;
	return 0;
}

void lately_free(struct lately *l)
{
	if (l == NULL)
		return;
	pages_release(l->lines);
	free(l);
}

size_t lately_bytes(const struct lately *l)
{
	return sizeof *l + (l->mask + 1) * sizeof *l->lines;
}

static uint64_t word_of(uint64_t key, uint64_t now_ns)
{
	uint64_t step = now_ns / (LATELY_STEP_S * NS_PER_S) + 1;
	return (key & ~(uint64_t)STEP_MASK) | (step & STEP_MASK);
}

static bool is_same(uint64_t a, uint64_t b)
{
	return a != 0 && (a ^ b) <= STEP_MASK;
}

void lately_prefetch(const struct lately *l, uint64_t key)
{
	__builtin_prefetch(&l->lines[key & l->mask], 1);
}

bool lately_find(const struct lately *l, uint64_t key, uint64_t now_ns, uint32_t *ret_ago_s)
{
	const struct line *line = &l->lines[key & l->mask];
	uint64_t now = word_of(key, now_ns);
	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t w = atomic_load_explicit(&line->words[i], memory_order_relaxed);
		if (is_same(w, now)) {
			*ret_ago_s = (uint32_t)((now - w) & STEP_MASK) * LATELY_STEP_S;
			return true;
		}
	}
	return false;
}

void lately_put(struct lately *l, uint64_t key, uint64_t now_ns)
{
	struct line *line = &l->lines[key & l->mask];
	uint64_t now = word_of(key, now_ns);
	unsigned at = 0;
	uint64_t oldest = UINT64_MAX;
	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t w = atomic_load_explicit(&line->words[i], memory_order_relaxed);
		if (is_same(w, now)) {
			at = i;
			break;
		}
		if ((w & STEP_MASK) < oldest) {
			oldest = w & STEP_MASK;
			at = i;
		}
	}
	atomic_store_explicit(&line->words[at], now, memory_order_relaxed);
}
