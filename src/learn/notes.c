/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "learn/notes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEEN_PLACES = 8192,
	AGAIN_S = 60,
	DENIED_AGAIN_S = 3600,
};

struct seen {
	uint64_t hash;
	uint64_t until_s;
};

struct learn_notes {
	_Atomic uint64_t head; /* notes ever put: the worker */
	_Atomic uint64_t tail; /* and ever taken: housekeeping */
	_Atomic uint64_t lost;
	struct seen seen[SEEN_PLACES];
	struct learn_note notes[NOTES_MAX];
};

int learn_notes_new(struct learn_notes **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret != NULL ? 0 : -ENOMEM;
}

void learn_notes_free(struct learn_notes *n)
{
	free(n);
}

bool learn_wants(struct learn_notes *n, const struct learn_question *q)
{
	/* Keyed by the names' own hash key: who asks cannot make names hide each other. */
	struct siphash_key key = name_hash_key();
	uint8_t bytes[16 + 3 + LEARN_GROUP_MAX];
	size_t group_n = strnlen(q->group, LEARN_GROUP_MAX);
	memcpy(bytes, q->client->bytes, 16);
	bytes[16] = (uint8_t)(q->type >> 8);
	bytes[17] = (uint8_t)q->type;
	bytes[18] = q->is_denied;
	memcpy(bytes + 19, q->group, group_n);
	uint64_t hash = name_hash(q->name) ^ siphash13(&key, bytes, 19 + group_n);
	struct seen *s = &n->seen[hash % SEEN_PLACES];
	if (s->hash == hash && q->wall_s < s->until_s)
		return false;
	s->hash = hash;
	s->until_s = q->wall_s + (q->is_denied ? DENIED_AGAIN_S : AGAIN_S);
	return true;
}

void learn_put(struct learn_notes *n, const struct learn_question *q)
{
	uint64_t head = atomic_load_explicit(&n->head, memory_order_relaxed);
	if (head - atomic_load_explicit(&n->tail, memory_order_acquire) >= NOTES_MAX) {
		atomic_fetch_add_explicit(&n->lost, 1, memory_order_relaxed);
		return;
	}
	struct learn_note *to = &n->notes[head % NOTES_MAX];
	size_t group_n = strnlen(q->group, LEARN_GROUP_MAX);
	memcpy(to->group, q->group, group_n);
	to->group[group_n] = 0;
	to->is_denied = q->is_denied;
	to->type = q->type;
	to->client = *q->client;
	to->wall_s = q->wall_s;
	name_set(&to->name, q->name);
	to->n_aliases =
		(uint8_t)(q->n_aliases < NOTE_ALIASES_MAX ? q->n_aliases : NOTE_ALIASES_MAX);
	for (unsigned i = 0; i < to->n_aliases; i++)
		name_set(&to->aliases[i], q->aliases[i]);
	atomic_store_explicit(&n->head, head + 1, memory_order_release);
}

const struct learn_note *notes_peek(struct learn_notes *n)
{
	uint64_t tail = atomic_load_explicit(&n->tail, memory_order_relaxed);
	if (tail == atomic_load_explicit(&n->head, memory_order_acquire))
		return NULL;
	return &n->notes[tail % NOTES_MAX];
}

void notes_pop(struct learn_notes *n)
{
	uint64_t tail = atomic_load_explicit(&n->tail, memory_order_relaxed);
	atomic_store_explicit(&n->tail, tail + 1, memory_order_release);
}

uint64_t notes_take_lost(struct learn_notes *n)
{
	return atomic_exchange_explicit(&n->lost, 0, memory_order_relaxed);
}
