/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seen/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct seen *current; /* set before threads are started */

struct seen *seen_current(void)
{
	return current;
}

void seen_set_current(struct seen *s)
{
	current = s;
}

int seen_table_new(uint64_t size_bytes, struct seen **ret)
{
	uint64_t bucket_bytes = SEEN_BUCKET * sizeof(struct seen_place);
	struct seen *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	s->n_buckets = size_bytes / bucket_bytes;
	must(s->n_buckets > 1);
	s->n_places = s->n_buckets * SEEN_BUCKET;
	void *p = mmap(NULL, s->n_places * sizeof *s->places, PROT_READ | PROT_WRITE,
	               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		free(s);
		return -ENOMEM;
	}
	s->places = p;
	*ret = s;
	return 0;
}

void seen_table_free(struct seen *s)
{
	munmap(s->places, s->n_places * sizeof *s->places);
	free(s);
}

/* ---- where ---- */

/* A number below n from 64 well mixed bits. */
static uint64_t scaled(uint64_t bits, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)bits * n) >> 64);
}

void seen_spot_of_mark(const struct seen *s, uint64_t mark, struct seen_spot *ret)
{
	/* Both from the fingerprint alone; multiplied by odd numbers to spread its 42 bits. */
	uint64_t a = mark * 0x9e3779b97f4a7c15ULL,
		 b = (mark >> SEEN_STEP_BITS) * 0xc2b2ae3d27d4eb4fULL;
	uint64_t first = scaled(mark ^ a >> 42, s->n_buckets);
	uint64_t second = scaled(b ^ a, s->n_buckets);
	if (second == first)
		second = first + 1 < s->n_buckets ? first + 1 : 0;
	ret->mark = mark;
	ret->buckets[0] = s->places + first * SEEN_BUCKET;
	ret->buckets[1] = s->places + second * SEEN_BUCKET;
}

void seen_spot_of(const struct seen *s, const uint8_t *domain, struct seen_spot *ret)
{
	uint64_t mark = siphash13(&s->key, domain, name_len(domain)) & ~SEEN_STEP_MASK;
	seen_spot_of_mark(s, mark != 0 ? mark : 1ULL << SEEN_STEP_BITS, ret);
}

struct seen_place *seen_spot_find(const struct seen_spot *spot)
{
	for (unsigned i = 0; i < 2 * SEEN_BUCKET; i++) {
		struct seen_place *p = &spot->buckets[i / SEEN_BUCKET][i % SEEN_BUCKET];
		uint64_t first = atomic_load_explicit(&p->first, memory_order_acquire);
		if (first != 0 && (first & ~SEEN_STEP_MASK) == spot->mark)
			return p;
	}
	return NULL;
}

/* ---- who has to go ---- */

#define WORTH_EMPTY  0ULL
#define WORTH_OF_USE (3ULL << 16)

/* The least worth goes first. */
static uint64_t worth(uint64_t first, uint64_t rest)
{
	uint64_t class = (rest & SEEN_ANSWERED) == 0 ? 1 : (rest & SEEN_ESTABLISHED) == 0 ? 2 : 3;
	return first == 0 ? WORTH_EMPTY : class << 16 | rest >> 48;
}

static uint64_t bucket_worth(const struct seen_place *bucket, struct seen_place **ret_least,
                             unsigned *ret_empty)
{
	uint64_t least = UINT64_MAX;
	*ret_empty = 0;
	for (unsigned i = 0; i < SEEN_BUCKET; i++) {
		const struct seen_place *p = &bucket[i];
		uint64_t first = atomic_load_explicit(&p->first, memory_order_relaxed);
		uint64_t w = worth(first, atomic_load_explicit(&p->rest, memory_order_relaxed));
		*ret_empty += first == 0;
		if (w < least) {
			least = w;
			*ret_least = (struct seen_place *)(uintptr_t)p;
		}
	}
	return least;
}

/* The place for a new entry; of two buckets the emptier one. NULL: nothing may go for it. */
static struct seen_place *place_for(const struct seen_spot *spot, uint64_t day)
{
	struct seen_place *least[2];
	unsigned n_empty[2];
	uint64_t w[2];
	for (unsigned i = 0; i < 2; i++)
		w[i] = bucket_worth(spot->buckets[i], &least[i], &n_empty[i]);
	unsigned best = n_empty[0] != n_empty[1] ? n_empty[1] > n_empty[0] : w[1] < w[0];
	if (w[best] >= WORTH_OF_USE && (w[best] & UINT16_MAX) + 1 >= day)
		return NULL;
	return least[best];
}

static bool replace(struct seen *s, struct seen_place *p, uint64_t first, uint64_t rest)
{
	uint64_t old = atomic_load_explicit(&p->first, memory_order_relaxed);
	if (!atomic_compare_exchange_strong_explicit(&p->first, &old, first, memory_order_seq_cst,
	                                             memory_order_relaxed))
		return false;
	atomic_store_explicit(&p->rest, rest, memory_order_release);
	atomic_fetch_add_explicit(old == 0 ? &s->domains : &s->evicted, 1, memory_order_relaxed);
	return true;
}

/* Workers that meet a domain at the same instant may each enter it: the first place stays. */
static void drop_twins(struct seen *s, const struct seen_spot *spot)
{
	bool is_there = false;
	for (unsigned i = 0; i < 2 * SEEN_BUCKET; i++) {
		struct seen_place *p = &spot->buckets[i / SEEN_BUCKET][i % SEEN_BUCKET];
		uint64_t first = atomic_load_explicit(&p->first, memory_order_seq_cst);
		if (first == 0 || (first & ~SEEN_STEP_MASK) != spot->mark)
			continue;
		if (is_there && atomic_compare_exchange_strong(&p->first, &first, 0))
			atomic_fetch_sub_explicit(&s->domains, 1, memory_order_relaxed);
		is_there = true;
	}
}

/* False: it is not remembered. */
static bool insert(struct seen *s, const struct seen_spot *spot, uint64_t first, uint64_t rest)
{
	/* Whoever takes the place before us has the same difficulty: a few tries are enough. */
	for (unsigned i = 0; i < 4; i++) {
		struct seen_place *p = place_for(spot, rest >> 48);
		if (p == NULL)
			break;
		if (replace(s, p, first, rest)) {
			drop_twins(s, spot);
			return true;
		}
	}
	atomic_fetch_add_explicit(&s->refused, 1, memory_order_relaxed);
	return false;
}

void seen_put(struct seen *s, const struct seen_entry *e)
{
	struct seen_spot spot;
	uint64_t mark = e->first & ~SEEN_STEP_MASK;
	if (mark == 0)
		return;
	seen_spot_of_mark(s, mark, &spot);
	struct seen_place *p = seen_spot_find(&spot);
	if (p == NULL) {
		(void)insert(s, &spot, e->first, e->rest);
		return;
	}
	atomic_store_explicit(&p->first, e->first, memory_order_relaxed);
	atomic_store_explicit(&p->rest, e->rest, memory_order_relaxed);
}

/* ---- asking ---- */

/* How many clients leave that many of 32 bits set, on average (linear counting). */
static unsigned clients_of(uint64_t rest)
{
	static const uint8_t counts[33] = { 0,  1,  2,  3,  4,  5,  7,  8,  9,  11,  12,
		                            13, 15, 17, 18, 20, 22, 24, 26, 29, 31,  34,
		                            37, 41, 44, 49, 54, 59, 67, 76, 89, 100, 100 };
	return counts[__builtin_popcountll(rest & UINT32_MAX)];
}

void seen_find(const struct seen *s, const uint8_t *domain, struct seen_domain *ret)
{
	struct seen_spot spot;
	*ret = (struct seen_domain){ 0 };
	seen_spot_of(s, domain, &spot);
	struct seen_place *p = seen_spot_find(&spot);
	if (p == NULL)
		return;
	uint64_t first = atomic_load_explicit(&p->first, memory_order_acquire);
	uint64_t rest = atomic_load_explicit(&p->rest, memory_order_acquire);
	*ret = (struct seen_domain){
		.is_known = true,
		.first_s = SEEN_EPOCH_S + (first & SEEN_STEP_MASK) * SEEN_STEP_S,
		.last_s = SEEN_EPOCH_S + (rest >> 48) * SEEN_DAY_S,
		.has_answered = (rest & SEEN_ANSWERED) != 0,
		.is_established = (rest & SEEN_ESTABLISHED) != 0,
		.n_clients = clients_of(rest),
	};
	ret->is_learned = ret->first_s < s->learns_until_s;
}

uint32_t seen_age_s(const struct seen *s, const uint8_t *domain, uint64_t now_s)
{
	struct seen_domain d;
	struct seen_spot spot;
	if (now_s < s->learns_until_s)
		return SEEN_NOT_NEW;
	seen_find(s, domain, &d);
	if (!d.is_known) {
		seen_spot_of(s, domain, &spot);
		return place_for(&spot, seen_day(now_s)) != NULL ? 0 : SEEN_NOT_NEW;
	}
	if (d.is_learned)
		return SEEN_NOT_NEW;
	/* A clock that was set back: it is as new as can be. */
	uint64_t age_s = now_s > d.first_s ? now_s - d.first_s : 0;
	return age_s < SEEN_NOT_NEW ? (uint32_t)age_s : SEEN_NOT_NEW - 1;
}

void seen_count(const struct seen *s, struct seen_counts *ret)
{
	*ret = (struct seen_counts){
		.domains = atomic_load_explicit(&s->domains, memory_order_relaxed),
		.room = s->n_places,
		.evicted = atomic_load_explicit(&s->evicted, memory_order_relaxed),
		.refused = atomic_load_explicit(&s->refused, memory_order_relaxed),
		.since_s = s->since_s,
		.learns_until_s = s->learns_until_s,
	};
}

/* ---- noting ---- */

static uint64_t client_bit(const struct seen *s, const struct addr *client)
{
	/* Of IPv6 the network: hosts change the rest of their addresses every day. */
	uint64_t hash = siphash13(&s->key, client->bytes, client->is_v4 ? 16 : 8);
	return 1ULL << (hash & 31);
}

/* Whoever changes the entry at the same time has noted much the same: no second try. */
static void update(struct seen_changes *c, struct seen_place *p, uint64_t rest, uint64_t changed)
{
	uint64_t first = atomic_load_explicit(&p->first, memory_order_relaxed);
	if (changed != rest &&
	    atomic_compare_exchange_strong_explicit(&p->rest, &rest, changed, memory_order_acq_rel,
	                                            memory_order_relaxed))
		seen_changes_put(c, first, changed);
}

void seen_note(struct seen *s, struct seen_changes *c, const uint8_t *domain,
               const struct addr *client, uint64_t now_s)
{
	struct seen_spot spot;
	uint64_t bit = client_bit(s, client), day = seen_day(now_s);
	seen_spot_of(s, domain, &spot);
	struct seen_place *p = seen_spot_find(&spot);
	if (p == NULL) {
		uint64_t first = spot.mark | seen_steps(now_s), rest = day << 48 | bit;
		if (insert(s, &spot, first, rest))
			seen_changes_put(c, first, rest);
		return;
	}
	uint64_t rest = atomic_load_explicit(&p->rest, memory_order_acquire);
	uint64_t changed = rest | bit;
	if (rest >> 48 != day)
		changed = (changed & ~(0xffffULL << 48)) | day << 48 | SEEN_ESTABLISHED;
	if ((changed & UINT32_MAX & (changed - 1)) != 0)
		changed |= SEEN_ESTABLISHED; /* more than one client */
	update(c, p, rest, changed);
}

void seen_confirm(struct seen *s, struct seen_changes *c, const uint8_t *domain)
{
	struct seen_spot spot;
	seen_spot_of(s, domain, &spot);
	struct seen_place *p = seen_spot_find(&spot);
	if (p == NULL)
		return;
	uint64_t rest = atomic_load_explicit(&p->rest, memory_order_acquire);
	update(c, p, rest, rest | SEEN_ANSWERED);
}

/* ---- changes on their way to the file ---- */

int seen_changes_new(struct seen_changes **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret != NULL ? 0 : -ENOMEM;
}

void seen_changes_free(struct seen_changes *c)
{
	free(c);
}

void seen_changes_put(struct seen_changes *c, uint64_t first, uint64_t rest)
{
	if (c == NULL)
		return;
	uint64_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
	if (head - atomic_load_explicit(&c->tail, memory_order_acquire) >= SEEN_CHANGES_MAX) {
		atomic_fetch_add_explicit(&c->lost, 1, memory_order_relaxed);
		return;
	}
	c->at[head % SEEN_CHANGES_MAX] = (struct seen_entry){ first, rest };
	atomic_store_explicit(&c->head, head + 1, memory_order_release);
}

bool seen_changes_take(struct seen_changes *c, struct seen_entry *ret)
{
	uint64_t tail = atomic_load_explicit(&c->tail, memory_order_relaxed);
	if (tail == atomic_load_explicit(&c->head, memory_order_acquire))
		return false;
	*ret = c->at[tail % SEEN_CHANGES_MAX];
	atomic_store_explicit(&c->tail, tail + 1, memory_order_release);
	return true;
}
