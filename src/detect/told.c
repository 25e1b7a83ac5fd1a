/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/told.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/pages.h"

enum {
	WAYS = 8
};

struct line {
	_Atomic uint32_t tags[WAYS];
};

struct told {
	uint64_t mask;
	struct line *lines;
};

int told_new(size_t n, struct told **ret)
{
	size_t n_lines = 64;
	while (n_lines * WAYS < n)
		n_lines *= 2;
	struct told *t = calloc(1, sizeof *t);
	struct line *lines = t != NULL ? pages_zeroed(n_lines * sizeof *lines) : NULL;
	if (lines == NULL) {
		free(t);
		return -ENOMEM;
	}
	t->mask = n_lines - 1;
	t->lines = lines;
	*ret = t;
	return 0;
}

void told_free(struct told *t)
{
	if (t == NULL)
		return;
	pages_release(t->lines);
	free(t);
}

size_t told_bytes(const struct told *t)
{
	return sizeof *t + (t->mask + 1) * sizeof *t->lines;
}

static uint32_t tag_of(uint64_t key)
{
	uint32_t tag = (uint32_t)(key >> 32);
	return tag != 0 ? tag : 1;
}

void told_prefetch(const struct told *t, uint64_t key)
{
	__builtin_prefetch(&t->lines[key & t->mask], 1);
}

bool told_has(const struct told *t, uint64_t key)
{
	const struct line *l = &t->lines[key & t->mask];
	for (unsigned i = 0; i < WAYS; i++) {
		if (atomic_load_explicit(&l->tags[i], memory_order_relaxed) == tag_of(key))
			return true;
	}
	return false;
}

/* The last ones first: each moves one on, and the last of the line goes. */
void told_put(struct told *t, uint64_t key)
{
	struct line *l = &t->lines[key & t->mask];
	uint32_t carry = tag_of(key);
	for (unsigned i = 0; i < WAYS; i++) {
		uint32_t old = atomic_load_explicit(&l->tags[i], memory_order_relaxed);
		atomic_store_explicit(&l->tags[i], carry, memory_order_relaxed);
		if (old == tag_of(key) || old == 0)
			return;
		carry = old;
	}
}
