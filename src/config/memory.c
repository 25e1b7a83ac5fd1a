/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_BYTES = 16 << 10
};

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct config_memory {
	struct block *blocks; /* the first is the one being filled */
};

struct config_memory *config_memory_new(void)
{
	return calloc(1, sizeof(struct config_memory));
}

void config_memory_free(struct config_memory *m)
{
	if (m == NULL)
		return;
	while (m->blocks != NULL) {
		struct block *b = m->blocks;
		m->blocks = b->next;
		free(b);
	}
	free(m);
}

void *config_alloc(struct config_memory *m, size_t n, size_t size)
{
	const size_t align = alignof(max_align_t);
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
		return NULL;
	bytes = (bytes + align - 1) / align * align;
	struct block *b = m->blocks;
	if (b == NULL || b->size - b->used < bytes) {
		size_t block_bytes = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
		b = calloc(1, sizeof *b + block_bytes);
		if (b == NULL)
			return NULL;
		b->size = block_bytes;
		b->next = m->blocks;
		m->blocks = b;
	}
	void *piece = b->bytes + b->used;
	b->used += bytes;
	return piece;
}

char *config_copy_text(struct config_memory *m, const char *text, size_t n)
{
	char *copy = config_alloc(m, n + 1, 1);
	if (copy != NULL && n > 0)
		memcpy(copy, text, n);
	return copy;
}
