/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "replay/source.h"

enum {
	SETS = 8192,
	WAYS = 4
};

/* What is looked at first: a set of them is one cache line. */
struct tag {
	uint64_t hash;   /* 0: empty */
	uint64_t number; /* when it was put */
};

struct place {
	uint64_t wall_ns;
	struct addr client;
	uint16_t type;
	struct name name;
};

struct pending {
	struct siphash_key key;
	uint64_t number;
	size_t drained; /* places that pending_take() has been through */
	struct tag tags[SETS * WAYS];
	struct place places[SETS * WAYS];
};

int pending_new(struct pending **ret)
{
	struct pending *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	random_bytes(&p->key, sizeof p->key);
	*ret = p;
	return 0;
}

void pending_free(struct pending *p)
{
	free(p);
}

static uint64_t hash_of(const struct pending *p, const struct pending_key *k)
{
	uint8_t bytes[16 + 6 + NAME_MAX_BYTES];
	size_t n = name_len(k->name);
	memcpy(bytes, k->client.addr.bytes, 16);
	store16(bytes + 16, k->client.port);
	store16(bytes + 18, k->id);
	store16(bytes + 20, k->type);
	memcpy(bytes + 22, k->name, n);
	uint64_t h = siphash13(&p->key, bytes, 22 + n);
	return h != 0 ? h : 1;
}

static void give(const struct place *from, struct replay_item *ret)
{
	item_clear(ret);
	ret->wall_ns = from->wall_ns;
	ret->client = from->client;
	ret->has_client = true;
	ret->type = from->type;
	ret->name = from->name;
}

bool pending_put(struct pending *p, const struct pending_key *k, uint64_t wall_ns,
                 bool counts_again, struct replay_item *ret)
{
	uint64_t h = hash_of(p, k);
	size_t first = h % SETS * WAYS, at = first;
	for (size_t i = first; i < first + WAYS; i++) {
		const struct tag *t = &p->tags[i];
		if (t->hash == h && counts_again)
			give(&p->places[i], ret);
		if (t->hash == h)
			return counts_again;
		if (t->hash == 0 || (p->tags[at].hash != 0 && t->number < p->tags[at].number))
			at = i;
	}
	struct place *to = &p->places[at];
	bool is_displaced = p->tags[at].hash != 0;
	if (is_displaced)
		give(to, ret);
	p->tags[at] = (struct tag){ .hash = h, .number = ++p->number };
	to->wall_ns = wall_ns;
	to->client = k->client.addr;
	to->type = k->type;
	name_set(&to->name, k->name);
	return is_displaced;
}

void pending_remove(struct pending *p, const struct pending_key *k)
{
	uint64_t h = hash_of(p, k);
	struct tag *set = &p->tags[h % SETS * WAYS];
	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].hash == h)
			set[i].hash = 0;
	}
}

bool pending_take(struct pending *p, struct replay_item *ret)
{
	for (; p->drained < SETS * WAYS; p->drained++) {
		struct tag *at = &p->tags[p->drained];
		if (at->hash == 0)
			continue;
		give(&p->places[p->drained], ret);
		at->hash = 0;
		return true;
	}
	return false;
}
