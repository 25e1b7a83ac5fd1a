/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	TABLE_PAD = 1024, /* behind the last home, instead of wrapping; a fuller end grows */
	TABLE_MIN = 1024,
	SORT_SMALL = 64, /* runs up to this are sorted by insertion */
};

static size_t table_bytes(uint32_t n_homes)
{
	return ((size_t)n_homes + TABLE_PAD) * sizeof(struct table_slot);
}

static uint64_t slot_hash(const struct table_slot *s)
{
	return (uint64_t)s->hash_high << 32 | s->hash_low;
}

static int table_map(struct table *ret, uint64_t n_homes)
{
	if (n_homes > UINT32_MAX - TABLE_PAD)
		return -ENOSPC;
	struct table t = { .n_homes = (uint32_t)n_homes };
	void *p = mmap(NULL, table_bytes(t.n_homes), PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* Every insertion touches another page: with 2 MiB pages that is one miss, not two. */
	(void)madvise(p, table_bytes(t.n_homes), MADV_HUGEPAGE);
	t.slots = p;
	t.n_limit = (uint32_t)(n_homes / 4 * 3);
	*ret = t;
	return 0;
}

int table_init(struct table *t, uint64_t expected)
{
	if (expected > UINT32_MAX)
		return -ENOSPC;
	uint64_t n_homes = expected * 4 / 3 + 4;
	return table_map(t, n_homes > TABLE_MIN ? n_homes : TABLE_MIN);
}

void table_done(struct table *t)
{
	if (t->slots != NULL)
		munmap(t->slots, table_bytes(t->n_homes));
	t->slots = NULL;
	t->n_homes = 0;
	t->n_used = 0;
	t->n_limit = 0;
}

/* The slot of the hash or the empty one where it belongs; NULL at the end of the padding. */
static struct table_slot *table_probe(const struct table *t, uint64_t hash)
{
	uint32_t low = (uint32_t)hash;
	uint32_t high = (uint32_t)(hash >> 32);
	struct table_slot *s = t->slots + (((uint64_t)high * t->n_homes) >> 32);
	const struct table_slot *end = t->slots + t->n_homes + TABLE_PAD;
	for (; s < end; s++) {
		if (s->set == 0) {
			s->hash_low = low;
			s->hash_high = high;
			return s;
		}
		if (s->hash_low == low && s->hash_high == high)
			return s;
	}
	return NULL;
}

static int table_grow(struct table *t)
{
	struct table bigger = { 0 };
	uint64_t n_homes = (uint64_t)t->n_homes + t->n_homes / 2;
	int e = table_map(&bigger, n_homes);
	if (e != 0)
		return e;
	size_t n = (size_t)t->n_homes + TABLE_PAD;
	for (size_t at = 0; at < n; at++) {
		const struct table_slot *from = &t->slots[at];
		if (from->set == 0)
			continue;
		struct table_slot *to = table_probe(&bigger, slot_hash(from));
		if (to == NULL) { /* more than 1024 in a row: no honest hash does that */
			table_done(&bigger);
			return -ENOSPC;
		}
		to->set = from->set;
	}
	bigger.n_used = t->n_used;
	table_done(t);
	*t = bigger;
	return 0;
}

struct table_slot *table_at(struct table *t, uint64_t hash)
{
	if (t->n_used >= t->n_limit && table_grow(t) != 0)
		return NULL;
	struct table_slot *s = table_probe(t, hash);
	if (s == NULL && table_grow(t) == 0)
		s = table_probe(t, hash);
	return s;
}

void table_took(struct table *t)
{
	t->n_used++;
}

static int slot_compare(const void *a, const void *b)
{
	uint64_t x = slot_hash(a);
	uint64_t y = slot_hash(b);
	return x < y ? -1 : x > y;
}

static void run_sort(struct table_slot *run, size_t n)
{
	if (n > SORT_SMALL) {
		qsort(run, n, sizeof *run, slot_compare);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct table_slot moved = run[i];
		uint64_t hash = slot_hash(&moved);
		size_t at = i;
		for (; at > 0 && slot_hash(&run[at - 1]) > hash; at--)
			run[at] = run[at - 1];
		run[at] = moved;
	}
}

int table_each(struct table *t, int (*visit)(uint64_t hash, uint32_t set, void *arg), void *arg)
{
	/* Every home between two empty slots lies in the run between them: sorting the runs one
	 * by one sorts the whole. */
	size_t n = (size_t)t->n_homes + TABLE_PAD;
	for (size_t at = 0; at < n;) {
		size_t end = at;
		while (end < n && t->slots[end].set != 0)
			end++;
		run_sort(t->slots + at, end - at);
		for (; at < end; at++) {
			int e = visit(slot_hash(&t->slots[at]), t->slots[at].set, arg);
			if (e != 0)
				return e;
		}
		at++;
	}
	return 0;
}
