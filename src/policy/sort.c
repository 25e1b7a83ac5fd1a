/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/sort.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/disk.h"

enum {
	BUCKET_RULES = 8192, /* about; a bucket is sorted inside the processor's cache */
	BITS_UNKNOWN = 4,
	RUN_BITS_MAX = 14,
	SLAB_BLOCKS = 32,
	BLOCK_BYTES = SORT_BLOCK_RULES * sizeof(struct sort_rule),
};

struct sort_slab {
	struct sort_rule blocks[SLAB_BLOCKS][SORT_BLOCK_RULES];
	struct sort_slab *next;
};

int sort_init(struct sort *s, uint64_t expected)
{
	*s = (struct sort){ .fd = -1 };
	if (expected == 0)
		s->bits = BITS_UNKNOWN;
	while (s->bits < SORT_BUCKET_BITS_MAX && expected >> s->bits > BUCKET_RULES)
		s->bits++;
	s->buckets = calloc(sort_n_buckets(s), sizeof *s->buckets);
	return s->buckets != NULL ? 0 : -ENOMEM;
}

void sort_done(struct sort *s)
{
	for (unsigned i = 0; s->buckets != NULL && i < sort_n_buckets(s); i++) {
		struct sort_bucket *b = &s->buckets[i];
		free(b->blocks);
	}
	while (s->slabs != NULL) {
		struct sort_slab *next = s->slabs->next;
		munmap(s->slabs, sizeof *s->slabs);
		s->slabs = next;
	}
	free(s->buckets);
	free(s->read);
	free(s->spare);
	if (s->fd >= 0)
		disk_drop(s->fd);
	*s = (struct sort){ .fd = -1 };
}

int sort_file(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR)
		return -errno;
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/.sort-XXXXXX", folder);
	if (n < 0 || (size_t)n >= sizeof path)
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(path);
	return fd;
}

int sort_spill(struct sort *s, const char *folder)
{
	int fd = sort_file(folder);
	if (fd < 0)
		return fd;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	return 0;
}

/* ---- adding ---- */

static struct sort_rule *block_new(struct sort *s)
{
	if (s->slabs == NULL || s->n_cut == SLAB_BLOCKS) {
		struct sort_slab *slab = mmap(NULL, sizeof *slab, PROT_READ | PROT_WRITE,
		                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (slab == MAP_FAILED)
			return NULL;
		slab->next = s->slabs;
		s->slabs = slab;
		s->n_cut = 0;
	}
	return s->slabs->blocks[s->n_cut++];
}

/* The full block into the file; false: it stays in memory. */
static bool block_file(struct sort *s, const struct sort_rule *rules, uint32_t *ret_at)
{
	if (s->fd < 0 || s->n_kept < SORT_KEPT_BLOCKS || s->n_filed == UINT32_MAX)
		return false;
	off_t at = (off_t)s->n_filed * (off_t)BLOCK_BYTES;
	if (pwrite(s->fd, rules, BLOCK_BYTES, at) != (ssize_t)BLOCK_BYTES)
		return false;
	*ret_at = s->n_filed++;
	return true;
}

/* Put the full open block away. */
static int bucket_close(struct sort *s, struct sort_bucket *b)
{
	if (b->n_blocks == b->cap_blocks) {
		uint32_t cap = b->cap_blocks == 0 ? 8 : b->cap_blocks * 2;
		struct sort_block *blocks = reallocarray(b->blocks, cap, sizeof *blocks);
		if (blocks == NULL)
			return -ENOMEM;
		b->blocks = blocks;
		b->cap_blocks = cap;
	}
	struct sort_block block = { 0 };
	if (!block_file(s, b->open, &block.at)) {
		block.kept = b->open;
		b->open = NULL;
		s->n_kept++;
	}
	b->blocks[b->n_blocks++] = block;
	b->n_open = 0;
	return 0;
}

int sort_add(struct sort *s, const struct sort_rule *r)
{
	struct sort_bucket *b = &s->buckets[s->bits == 0 ? 0 : r->hash >> (64 - s->bits)];
	if (b->n_open == SORT_BLOCK_RULES) {
		int e = bucket_close(s, b);
		if (e != 0)
			return e;
	}
	if (b->open == NULL) {
		b->open = block_new(s);
		if (b->open == NULL)
			return -ENOMEM;
	}
	b->open[b->n_open++] = *r;
	s->n++;
	return 0;
}

/* ---- taking out ---- */

static int room_for(struct sort *s, size_t n)
{
	if (n <= s->room)
		return 0;
	free(s->read);
	free(s->spare);
	s->read = reallocarray(NULL, n, sizeof *s->read);
	s->spare = reallocarray(NULL, n, sizeof *s->spare);
	s->room = s->read != NULL && s->spare != NULL ? n : 0;
	return s->room != 0 ? 0 : -ENOMEM;
}

static int block_read(const struct sort *s, const struct sort_block *b, struct sort_rule *to)
{
	if (b->kept != NULL) {
		memcpy(to, b->kept, BLOCK_BYTES);
		return 0;
	}
	off_t at = (off_t)b->at * (off_t)BLOCK_BYTES;
	ssize_t n = pread(s->fd, to, BLOCK_BYTES, at);
	if (n < 0)
		return -errno;
	return n == (ssize_t)BLOCK_BYTES ? 0 : -EIO;
}

/* Stable, and in one go for what is in order already: equal hashes stand together. */
static void insertion_sort(struct sort_rule *r, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (r[i - 1].hash <= r[i].hash)
			continue;
		struct sort_rule moved = r[i];
		size_t at = i;
		for (; at > 0 && r[at - 1].hash > moved.hash; at--)
			r[at] = r[at - 1];
		r[at] = moved;
	}
}

/*
 * Hashes are spread evenly: one distribution by as many bits as there are rules brings each next
 * to its place.
 */
static int bucket_sort(struct sort *s, size_t n)
{
	unsigned run_bits = 1;
	while (run_bits < RUN_BITS_MAX && n >> run_bits > 1)
		run_bits++;
	size_t n_runs = (size_t)1 << run_bits;
	uint32_t *starts = calloc(n_runs + 1, sizeof *starts);
	if (starts == NULL)
		return -ENOMEM;
	unsigned shift = 64 - run_bits;
	for (size_t i = 0; i < n; i++)
		starts[(s->read[i].hash << s->bits >> shift) + 1]++;
	for (size_t i = 0; i < n_runs; i++)
		starts[i + 1] += starts[i];
	for (size_t i = 0; i < n; i++)
		s->spare[starts[s->read[i].hash << s->bits >> shift]++] = s->read[i];
	free(starts);
	insertion_sort(s->spare, n);
	return 0;
}

int sort_bucket(struct sort *s, unsigned bucket, const struct sort_rule **ret, size_t *ret_n)
{
	const struct sort_bucket *b = &s->buckets[bucket];
	size_t n = (size_t)b->n_blocks * SORT_BLOCK_RULES + b->n_open;
	int e = room_for(s, n);
	for (uint32_t i = 0; e == 0 && i < b->n_blocks; i++)
		e = block_read(s, &b->blocks[i], s->read + (size_t)i * SORT_BLOCK_RULES);
	if (e != 0)
		return e;
	if (n > UINT32_MAX)
		return -ENOSPC;
	if (n > 0) {
		if (b->n_open > 0)
			memcpy(s->read + (n - b->n_open), b->open, b->n_open * sizeof *b->open);
		e = bucket_sort(s, n);
	}
	if (e != 0)
		return e;
	*ret = s->spare;
	*ret_n = n;
	return 0;
}
