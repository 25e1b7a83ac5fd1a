/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/disk.h"
#include "policy/sort.h"

enum {
	FIRST_CAP = 1024,
	READ_ENTRIES = 8192
};

void spool_init(struct spool *s, const char *folder)
{
	*s = (struct spool){ .fd = -1 };
	if (folder != NULL)
		s->fd = sort_file(folder);
}

void spool_done(struct spool *s)
{
	free(s->items);
	if (s->fd >= 0)
		disk_drop(s->fd);
	*s = (struct spool){ .fd = -1 };
}

/* What is there goes into the file; false: there is none, or its disk is full. */
static bool items_file(struct spool *s)
{
	size_t bytes = s->n_items * sizeof *s->items;
	off_t at = (off_t)(s->n_filed * sizeof *s->items);
	if (s->fd < 0 || pwrite(s->fd, s->items, bytes, at) != (ssize_t)bytes)
		return false;
	s->n_filed += s->n_items;
	s->n_items = 0;
	return true;
}

static int room_for_one(struct spool *s)
{
	if (s->n_items < s->cap)
		return 0;
	if (s->n_items >= SPOOL_KEPT && items_file(s))
		return 0;
	size_t cap = s->cap == 0 ? FIRST_CAP : s->cap * 2;
	struct spool_entry *items = reallocarray(s->items, cap, sizeof *items);
	if (items == NULL)
		return -ENOMEM;
	s->items = items;
	s->cap = cap;
	return 0;
}

int spool_put(struct spool *s, uint64_t hash, uint32_t set)
{
	int e = room_for_one(s);
	if (e != 0)
		return e;
	s->items[s->n_items++] = (struct spool_entry){
		.hash_low = (uint32_t)hash,
		.hash_high = (uint32_t)(hash >> 32),
		.set = set,
	};
	s->n++;
	return 0;
}

static int visit_some(const struct spool_entry *items, size_t n,
                      int (*visit)(uint64_t hash, uint32_t set, void *arg), void *arg)
{
	int e = 0;
	for (size_t i = 0; e == 0 && i < n; i++)
		e = visit((uint64_t)items[i].hash_high << 32 | items[i].hash_low, items[i].set,
		          arg);
	return e;
}

int spool_each(const struct spool *s, int (*visit)(uint64_t hash, uint32_t set, void *arg),
               void *arg)
{
	struct spool_entry *read = NULL;
	int e = 0;
	if (s->n_filed > 0) {
		read = reallocarray(NULL, READ_ENTRIES, sizeof *read);
		if (read == NULL)
			return -ENOMEM;
	}
	for (uint64_t at = 0; e == 0 && at < s->n_filed;) {
		uint64_t left = s->n_filed - at;
		size_t n = left < READ_ENTRIES ? (size_t)left : READ_ENTRIES;
		ssize_t got = pread(s->fd, read, n * sizeof *read, (off_t)(at * sizeof *read));
		if (got != (ssize_t)(n * sizeof *read))
			e = got < 0 ? -errno : -EIO;
		else
			e = visit_some(read, n, visit, arg);
		at += n;
	}
	free(read);
	return e == 0 ? visit_some(s->items, s->n_items, visit, arg) : e;
}
