/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pages.h"

#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <sys/mman.h>

enum {
	LINE = 64,
	HUGE = 2 << 20,    /* most machines'; with others it is only a hint that is of no use */
	REGION = 64 << 20, /* addresses, not memory: what is not used of it is not there */
};

/* At its own beginning. Its tables follow, each behind a line that says whose it is. */
struct region {
	size_t size, used; /* bytes */
	unsigned n_tables;
};

/* Before each table, in a line of its own. */
struct table {
	struct region *region;
	size_t size;
};

static struct region *current; /* where there may be room; NULL: nowhere */

/* Zeroed as the kernel gives it, at a multiple of HUGE; size: one, too. */
static struct region *region_new(size_t size)
{
	char *at = mmap(NULL, size + HUGE, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return NULL;
	size_t before = -(uintptr_t)at % HUGE;
	if (before > 0)
		(void)munmap(at, before);
	(void)munmap(at + before + size, HUGE - before);
	(void)madvise(at + before, size, MADV_HUGEPAGE);
	struct region *r = (struct region *)(at + before);
	*r = (struct region){ .size = size, .used = LINE };
	ASAN_POISON_MEMORY_REGION(at + before + LINE, size - LINE);
	return r;
}

static void region_free(struct region *r)
{
	if (r == current)
		current = NULL;
	size_t size = r->size;
	ASAN_UNPOISON_MEMORY_REGION(r, size);
	(void)munmap(r, size);
}

static size_t room_in(const struct region *r)
{
	return r->size - r->used;
}

/* One with room for so many bytes more. */
static struct region *region_with(size_t n)
{
	if (current != NULL && room_in(current) >= n)
		return current;
	struct region *r =
		region_new(n > REGION / 4 ? (LINE + n + HUGE - 1) / HUGE * HUGE : REGION);
	if (r != NULL && (current == NULL || room_in(r) - n > room_in(current)))
		current = r;
	return r;
}

void *pages_zeroed(size_t n)
{
	if (n > PTRDIFF_MAX - 2 * (size_t)HUGE) /* no object is larger */
		return NULL;
	size_t whole = LINE + (n + LINE - 1) / LINE * LINE;
	struct region *r = region_with(whole);
	if (r == NULL)
		return NULL;
	struct table *t = (struct table *)(void *)((char *)r + r->used);
	r->used += whole;
	r->n_tables++;
	ASAN_UNPOISON_MEMORY_REGION(t, sizeof *t);
	*t = (struct table){ .region = r, .size = n };
	char *at = (char *)t + LINE;
	ASAN_UNPOISON_MEMORY_REGION(at, n);
	/* Now, and not while somebody waits for an answer; in each small page, where there are no huge ones. */
	for (size_t i = 0; i < n; i += 4096)
		*(volatile char *)(at + i) = 0;
	return at;
}

void pages_release(void *at)
{
	if (at == NULL)
		return;
	struct table *t = (struct table *)(void *)((char *)at - LINE);
	struct region *r = t->region;
	ASAN_POISON_MEMORY_REGION(at, t->size);
	if (--r->n_tables == 0)
		region_free(r);
}
