/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/random.h"
#include "base/rcu.h"
#include "cache/item.h"

/*
 * A bucket is one cache line of eight slots. A slot is a pointer with 16 bits of the key in the
 * upper bits that user-space pointers do not use (x86-64 and arm64 with 48-bit addresses).
 */
enum {
	SLOTS = 8,
	TAG_SHIFT = 48,
	BYTES_A_BUCKET = 1024, /* of cache size: a bucket holds some four to eight small items */
	SWEEP_MAX_BUCKETS = 64,
	PUT_TRIES = 8,
	POPULATE_MAX_BYTES = 64 << 20,
};

struct bucket {
	_Atomic uintptr_t slots[SLOTS];
};
static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

struct cache {
	struct bucket *buckets;
	uint64_t n_buckets;
	uint64_t size_bytes;
	_Atomic uint64_t hand;
	_Atomic uint64_t bytes, answers, cuts, zones, evicted, refused;
};

static inline uintptr_t slot_of(const struct cache_item *i)
{
	return (uintptr_t)i | (uintptr_t)(i->hash & 0xffff) << TAG_SHIFT;
}

static inline struct cache_item *item_of(uintptr_t slot)
{
	return (struct cache_item *)(slot & (((uintptr_t)1 << TAG_SHIFT) - 1));
}

static inline struct bucket *bucket_of(const struct cache *c, uint64_t key)
{
	return &c->buckets[(uint64_t)((unsigned __int128)key * c->n_buckets >> 64)];
}

int cache_new(size_t size_bytes, struct cache **ret)
{
	struct cache *c = calloc(1, sizeof *c);
	if (c == NULL)
		return -ENOMEM;
	c->n_buckets = size_bytes / BYTES_A_BUCKET + 64;
	c->size_bytes = size_bytes;
	size_t table = c->n_buckets * sizeof(struct bucket);
	c->buckets = mmap(NULL, table, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->buckets == MAP_FAILED) {
		free(c);
		return -ENOMEM;
	}
	/* Buckets are visited at random: with small pages every visit is a TLB miss too. A usual
	   table is made resident at once: no question waits for the kernel to clear two
	   megabytes, and memory in use does not depend on which names were asked for. */
	madvise(c->buckets, table, MADV_HUGEPAGE);
	if (table <= POPULATE_MAX_BYTES)
		madvise(c->buckets, table, MADV_POPULATE_WRITE);
	atomic_store(&c->bytes, table);
	*ret = c;
	return 0;
}

void cache_free(struct cache *c)
{
	if (c == NULL)
		return;
	for (uint64_t b = 0; b < c->n_buckets; b++) {
		for (int s = 0; s < SLOTS; s++) {
			struct cache_item *i = item_of(atomic_load(&c->buckets[b].slots[s]));
			if (i != NULL)
				i->release(i);
		}
	}
	munmap(c->buckets, c->n_buckets * sizeof(struct bucket));
	free(c);
}

static const uint8_t *name_of(const struct cache_item *i, uint32_t *ret_type)
{
	switch (i->kind) {
	case ITEM_CUT:
		*ret_type = KEY_TYPE_CUT;
		return ((const struct cut *)i)->zone;
	case ITEM_ZONE:
		*ret_type = KEY_TYPE_ZONE;
		return ((const struct zone_item *)i)->zone;
	default:
		*ret_type = ((const struct answer *)i)->type;
		return ((const struct answer *)i)->name;
	}
}

static bool is_same_key(const struct cache_item *i, const uint8_t *name, uint32_t type)
{
	uint32_t own;
	const uint8_t *own_name = name_of(i, &own);
	return own == type && name_equal(own_name, name);
}

static struct cache_item *find(struct cache *c, uint64_t hash, const uint8_t *lower, uint32_t type)
{
	uint64_t key = item_key(hash, type);
	struct bucket *b = bucket_of(c, key);
	for (int s = 0; s < SLOTS; s++) {
		uintptr_t slot = atomic_load_explicit(&b->slots[s], memory_order_acquire);
		if (slot >> TAG_SHIFT != (key & 0xffff) || item_of(slot) == NULL)
			continue;
		struct cache_item *i = item_of(slot);
		if (i->hash != key || !is_same_key(i, lower, type))
			continue;
		if (atomic_load_explicit(&i->is_used, memory_order_relaxed) == 0)
			atomic_store_explicit(&i->is_used, 1, memory_order_relaxed);
		return i;
	}
	return NULL;
}

const struct answer *cache_find_answer(struct cache *c, uint64_t hash, const uint8_t *lower,
                                       uint16_t type)
{
	return (const struct answer *)find(c, hash, lower, type);
}

const struct cut *cache_find_cut(struct cache *c, uint64_t hash, const uint8_t *lower_zone)
{
	return (const struct cut *)find(c, hash, lower_zone, KEY_TYPE_CUT);
}

const struct zone_item *cache_find_zone(struct cache *c, uint64_t hash, const uint8_t *lower_zone)
{
	return (const struct zone_item *)find(c, hash, lower_zone, KEY_TYPE_ZONE);
}

void cache_prefetch_answer(struct cache *c, uint64_t hash, uint16_t type)
{
	__builtin_prefetch(bucket_of(c, item_key(hash, type)));
}

const struct cut *cache_closest_cut(struct cache *c, const uint8_t *lower,
                                    const struct name_hashes *hashes, uint32_t now_s)
{
	for (unsigned i = 0; i <= hashes->n; i++) {
		const struct cut *cut = cache_find_cut(c, hashes->h[i], lower);
		if (cut != NULL && item_is_fresh(&cut->item, now_s))
			return cut;
		if (i < hashes->n)
			lower += *lower + 1;
	}
	return NULL;
}

/* ---- putting ---- */

static void count_item(struct cache *c, const struct cache_item *i, int sign)
{
	uint64_t one = (uint64_t)(int64_t)sign;
	atomic_fetch_add_explicit(&c->bytes, one * i->bytes, memory_order_relaxed);
	_Atomic uint64_t *of_kind = i->kind == ITEM_CUT    ? &c->cuts
	                            : i->kind == ITEM_ZONE ? &c->zones
	                                                   : &c->answers;
	atomic_fetch_add_explicit(of_kind, one, memory_order_relaxed);
}

static bool take_out(struct cache *c, _Atomic uintptr_t *slot, uintptr_t seen, uintptr_t instead)
{
	if (!atomic_compare_exchange_strong_explicit(slot, &seen, instead, memory_order_acq_rel,
	                                             memory_order_relaxed))
		return false;
	struct cache_item *old = item_of(seen);
	if (old != NULL) {
		count_item(c, old, -1);
		rcu_retire(old, old->release);
	}
	return true;
}

/* One bucket under the hand: what was not read since the hand came by last goes. */
static void sweep_bucket(struct cache *c, struct bucket *b)
{
	for (int s = 0; s < SLOTS; s++) {
		uintptr_t seen = atomic_load_explicit(&b->slots[s], memory_order_acquire);
		struct cache_item *i = item_of(seen);
		if (i == NULL)
			continue;
		if (atomic_load_explicit(&i->is_used, memory_order_relaxed) != 0) {
			atomic_store_explicit(&i->is_used, 0, memory_order_relaxed);
			continue;
		}
		if (take_out(c, &b->slots[s], seen, 0))
			atomic_fetch_add_explicit(&c->evicted, 1, memory_order_relaxed);
	}
}

static bool make_room(struct cache *c, uint64_t bytes)
{
	for (int n = 0; n < SWEEP_MAX_BUCKETS; n++) {
		if (atomic_load_explicit(&c->bytes, memory_order_relaxed) + bytes <= c->size_bytes)
			return true;
		uint64_t at = atomic_fetch_add_explicit(&c->hand, 1, memory_order_relaxed);
		sweep_bucket(c, &c->buckets[at % c->n_buckets]);
	}
	return false;
}

/* The slot that a new item takes: its older self, an empty one, or the least worth keeping. */
static int choose_slot(struct bucket *b, const struct cache_item *item, uintptr_t *ret_seen)
{
	uint32_t type;
	const uint8_t *name = name_of(item, &type);
	int empty = -1;
	int victim = -1;
	unsigned start = random_u16() % SLOTS;
	for (unsigned k = 0; k < SLOTS; k++) {
		int s = (int)((start + k) % SLOTS);
		uintptr_t seen = atomic_load_explicit(&b->slots[s], memory_order_acquire);
		struct cache_item *i = item_of(seen);
		if (i == NULL) {
			empty = s;
			continue;
		}
		if (i->hash == item->hash && is_same_key(i, name, type)) {
			*ret_seen = seen;
			return s;
		}
		if (victim < 0 && atomic_load_explicit(&i->is_used, memory_order_relaxed) == 0)
			victim = s;
	}
	int s = empty >= 0 ? empty : victim >= 0 ? victim : (int)start;
	*ret_seen = atomic_load_explicit(&b->slots[s], memory_order_acquire);
	return s;
}

/* Two workers may have put the same key into two slots: only the newest stays. */
static void drop_twins(struct cache *c, struct bucket *b, int at, const struct cache_item *item)
{
	uint32_t type;
	const uint8_t *name = name_of(item, &type);
	for (int s = 0; s < SLOTS; s++) {
		uintptr_t seen = atomic_load_explicit(&b->slots[s], memory_order_acquire);
		struct cache_item *i = item_of(seen);
		if (s != at && i != NULL && i->hash == item->hash && is_same_key(i, name, type))
			take_out(c, &b->slots[s], seen, 0);
	}
}

static void put(struct cache *c, struct cache_item *item)
{
	if (item->ttl_s == 0 || !make_room(c, item->bytes)) {
		if (item->ttl_s != 0)
			atomic_fetch_add_explicit(&c->refused, 1, memory_order_relaxed);
		rcu_retire(item, item->release);
		return;
	}
	struct bucket *b = bucket_of(c, item->hash);
	count_item(c, item, 1);
	for (int tries = 0; tries < PUT_TRIES; tries++) {
		uintptr_t seen;
		int s = choose_slot(b, item, &seen);
		if (take_out(c, &b->slots[s], seen, slot_of(item))) {
			drop_twins(c, b, s, item);
			return;
		}
	}
	count_item(c, item, -1); /* others were faster eight times: theirs will do */
	rcu_retire(item, item->release);
}

void cache_put_answer(struct cache *c, struct answer *taken)
{
	put(c, &taken->item);
}

void cache_put_cut(struct cache *c, struct cut *taken)
{
	put(c, &taken->item);
}

void cache_put_zone(struct cache *c, struct zone_item *taken, uint64_t hash)
{
	taken->item.hash = item_key(hash, KEY_TYPE_ZONE);
	taken->item.kind = ITEM_ZONE;
	put(c, &taken->item);
}

static bool is_due_to(const struct cache_item *i, const uint8_t *lower)
{
	return i->kind == ITEM_ANSWER && answer_is_due_to((const struct answer *)i, lower);
}

size_t cache_flush(struct cache *c, const uint8_t *lower, bool below)
{
	size_t n = 0;
	for (uint64_t b = 0; b < c->n_buckets; b++) {
		for (int s = 0; s < SLOTS; s++) {
			_Atomic uintptr_t *slot = &c->buckets[b].slots[s];
			uintptr_t seen = atomic_load_explicit(slot, memory_order_acquire);
			struct cache_item *i = item_of(seen);
			uint32_t type;
			if (i == NULL)
				continue;
			const uint8_t *name = name_of(i, &type);
			if (below ? name_is_within(name, lower) || is_due_to(i, lower)
			          : name_equal(name, lower))
				n += take_out(c, slot, seen, 0) ? 1 : 0;
		}
	}
	return n;
}

void cache_count(struct cache *c, struct cache_counts *ret)
{
	*ret = (struct cache_counts){
		.answers = atomic_load_explicit(&c->answers, memory_order_relaxed),
		.cuts = atomic_load_explicit(&c->cuts, memory_order_relaxed),
		.zones = atomic_load_explicit(&c->zones, memory_order_relaxed),
		.bytes = atomic_load_explicit(&c->bytes, memory_order_relaxed),
		.size_bytes = c->size_bytes,
		.evicted = atomic_load_explicit(&c->evicted, memory_order_relaxed),
		.refused = atomic_load_explicit(&c->refused, memory_order_relaxed),
	};
}
