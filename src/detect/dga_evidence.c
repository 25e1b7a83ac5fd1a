/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/dga_evidence.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
	UNIT = 256, /* of sums, which are kept as integers */
	VOTE = 64,  /* of votes */
	THICK_UNIT = 64,
	SUM_MAX = 1 << 16, /* 256: far above any threshold; it fades from there */
	LENGTH_BITS = 6,
};

struct slot {
	_Atomic uint32_t sums[DGA_KINDS];
	_Atomic uint32_t seen_s; /* the last name */
	_Atomic uint16_t n_names, n_failed;
	_Atomic uint16_t next;     /* place in recent[] */
	_Atomic uint16_t thick;    /* failures, fading by DGA_THICK_HALF_LIFE_S; THICK_UNIT */
	_Atomic uint32_t failed_s; /* the last failure */
	_Atomic uint16_t n_looks;  /* that ever were */
	_Atomic uint32_t looks[DGA_LOOKS];
	_Atomic uint16_t votes[DGA_VOTED_MAX];
	_Atomic uint32_t recent[DGA_RECENT];
};
static_assert(sizeof(struct slot) + sizeof(uint64_t) <= DGA_SLOT, "the size that the header tells");

struct dga_table {
	size_t n_sets; /* a power of two */
	/* Of each slot, whose it is; 0: nobody's. Beside each other, so that most looks end with a cache line. */
	_Atomic uint64_t *clients;
	struct slot *slots;
};

#define LOAD(p)     atomic_load_explicit(&(p), memory_order_relaxed)
#define STORE(p, v) atomic_store_explicit(&(p), v, memory_order_relaxed)

int dga_table_new(size_t n_clients, struct dga_table **ret)
{
	struct dga_table *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	n_clients = n_clients > DGA_CLIENTS_MAX ? DGA_CLIENTS_MAX : n_clients;
	/* Half as much again: sets fill unevenly. */
	for (t->n_sets = 1; t->n_sets * DGA_WAYS < n_clients + n_clients / 2;)
		t->n_sets *= 2;
	t->clients = aligned_alloc(sizeof *t->clients * DGA_WAYS,
	                           t->n_sets * DGA_WAYS * sizeof *t->clients);
	t->slots = calloc(t->n_sets * DGA_WAYS, sizeof *t->slots);
	if (t->clients == NULL || t->slots == NULL) {
		dga_table_free(t);
		return -ENOMEM;
	}
	memset(t->clients, 0, t->n_sets * DGA_WAYS * sizeof *t->clients);
	*ret = t;
	return 0;
}

void dga_table_free(struct dga_table *t)
{
	if (t == NULL)
		return;
	free(t->clients);
	free(t->slots);
	free(t);
}

size_t dga_table_bytes(const struct dga_table *t)
{
	return sizeof *t + t->n_sets * DGA_WAYS * (sizeof *t->slots + sizeof *t->clients);
}

float dga_weigh(float evidence, bool is_failed)
{
	static const float honest_failed = 0.5F, honest_new = 0.1F, made_new = 0.5F;
	if (is_failed)
		return evidence > 0 ? evidence : evidence * honest_failed;
	return evidence * (evidence > 0 ? made_new : honest_new);
}

/* ---- fading ---- */

static float fade(uint32_t idle_s)
{
	return idle_s < 60 ? 1 : exp2f(-(float)idle_s / DGA_HALF_LIFE_S);
}

/* Clocks of threads may be a moment apart. */
static uint32_t idle_of(const struct slot *s, uint32_t now_s)
{
	uint32_t seen_s = LOAD(s->seen_s);
	return now_s > seen_s ? now_s - seen_s : 0;
}

static float sum_of(const struct slot *s, enum dga_kind kind, uint32_t now_s)
{
	return (float)LOAD(s->sums[kind]) / UNIT * fade(idle_of(s, now_s));
}

static float highest_of(const struct slot *s, uint32_t now_s)
{
	return fmaxf(sum_of(s, DGA_KIND_LETTERS, now_s), sum_of(s, DGA_KIND_WORDS, now_s));
}

/* ---- places ---- */

static size_t set_of(const struct dga_table *t, uint64_t client)
{
	return (client & (t->n_sets - 1)) * DGA_WAYS;
}

static struct slot *find(const struct dga_table *t, uint64_t client)
{
	size_t first = set_of(t, client);
	for (size_t i = first; i < first + DGA_WAYS; i++)
		if (LOAD(t->clients[i]) == client)
			return &t->slots[i];
	return NULL;
}

static void start_anew(struct slot *s)
{
	for (unsigned i = 0; i < DGA_KINDS; i++)
		STORE(s->sums[i], 0);
	STORE(s->n_names, 0);
	STORE(s->n_failed, 0);
	for (unsigned i = 0; i < DGA_VOTED_MAX; i++)
		STORE(s->votes[i], 0);
}

static void clear(struct slot *s)
{
	start_anew(s);
	STORE(s->next, 0);
	STORE(s->thick, 0);
	STORE(s->failed_s, 0);
	STORE(s->n_looks, 0);
	for (unsigned i = 0; i < DGA_RECENT; i++)
		STORE(s->recent[i], 0);
}

/* The place in a set that is free, or has the least evidence and was idle for the longest time. */
static size_t place_in(const struct dga_table *t, size_t first, uint32_t now_s)
{
	size_t best = first;
	for (size_t i = first; i < first + DGA_WAYS; i++) {
		if (LOAD(t->clients[i]) == 0)
			return i;
		const struct slot *s = &t->slots[i], *b = &t->slots[best];
		float sum = highest_of(s, now_s), least = highest_of(b, now_s);
		if (sum < least || (sum <= least && idle_of(s, now_s) > idle_of(b, now_s)))
			best = i;
	}
	return best;
}

static struct slot *find_or_take(struct dga_table *t, uint64_t client, uint32_t now_s)
{
	struct slot *s = find(t, client);
	if (s != NULL)
		return s;
	size_t at = place_in(t, set_of(t, client), now_s);
	clear(&t->slots[at]);
	STORE(t->clients[at], client);
	return &t->slots[at];
}

/* ---- names ---- */

static bool is_recent(struct slot *s, uint32_t domain)
{
	domain += domain == 0;
	for (unsigned i = 0; i < DGA_RECENT; i++)
		if (LOAD(s->recent[i]) == domain)
			return true;
	uint16_t next = LOAD(s->next);
	STORE(s->recent[next % DGA_RECENT], domain);
	STORE(s->next, (uint16_t)((next + 1) % DGA_RECENT));
	return false;
}

static uint16_t add_16(uint16_t a, unsigned b)
{
	return a + b > UINT16_MAX ? UINT16_MAX : (uint16_t)(a + b);
}

uint32_t dga_look(size_t n_label, const void *suffix, size_t n_suffix)
{
	uint32_t length =
		n_label < (1U << LENGTH_BITS) ? (uint32_t)n_label : (1U << LENGTH_BITS) - 1;
	return (uint32_t)XXH3_64bits(suffix, n_suffix) << LENGTH_BITS | length;
}

/* The nearest quarter. */
static unsigned quarter(unsigned part, unsigned n)
{
	return (4 * part + n / 2) / n;
}

unsigned dga_kin_of(uint32_t look, const uint32_t *at, unsigned n)
{
	unsigned n_suffix = 0, n_length = 0;
	int length = (int)(look & ((1U << LENGTH_BITS) - 1));
	for (unsigned i = 0; i < n; i++) {
		n_suffix += look >> LENGTH_BITS == at[i] >> LENGTH_BITS;
		n_length += abs((int)(at[i] & ((1U << LENGTH_BITS) - 1)) - length) <= 1;
	}
	return quarter(n_suffix, n) * DGA_KIN + quarter(n_length, n);
}

/* What it says that a failure is like the client's last ones, or is not. */
static float compare(struct slot *s, const struct dga_name *name)
{
	uint32_t before_s = LOAD(s->failed_s), at[DGA_LOOKS];
	uint32_t idle_s = name->now_s > before_s ? name->now_s - before_s : 0;
	unsigned n = idle_s < DGA_LOOKS_S ? LOAD(s->n_looks) : 0;
	float e = 0;
	for (unsigned i = 0; i < DGA_LOOKS && i < n; i++)
		at[i] = LOAD(s->looks[i]);
	if (n >= DGA_LOOKS_MIN && name->kin != NULL)
		e = name->kin[dga_kin_of(name->look, at, n < DGA_LOOKS ? n : DGA_LOOKS)];
	STORE(s->looks[n % DGA_LOOKS], name->look);
	/* It goes around without losing its place, and is never few again. */
	STORE(s->n_looks, (uint16_t)(n + 1 < 2 * DGA_LOOKS ? n + 1 : DGA_LOOKS));
	return e;
}

/* How thick failures come, with this one. */
static float count_failure(struct slot *s, uint32_t now_s)
{
	uint32_t before_s = LOAD(s->failed_s), idle_s = now_s > before_s ? now_s - before_s : 0;
	float thick =
		(float)LOAD(s->thick) / THICK_UNIT * exp2f(-(float)idle_s / DGA_THICK_HALF_LIFE_S);
	thick += 1;
	STORE(s->thick, (uint16_t)(fminf(thick, 1000) * THICK_UNIT));
	STORE(s->failed_s, now_s);
	return thick;
}

static void vote(struct slot *s, const struct dga_name *n)
{
	for (unsigned i = 0; i < n->n_share && i < DGA_VOTED_MAX; i++)
		if (n->share[i] > 1.0F / VOTE)
			STORE(s->votes[i],
			      add_16(LOAD(s->votes[i]), (unsigned)(n->share[i] * VOTE)));
}

static void tell(const struct slot *s, uint32_t now_s, struct dga_standing *ret)
{
	*ret = (struct dga_standing){ .sum = highest_of(s, now_s),
		                      .n_names = LOAD(s->n_names),
		                      .n_failed = LOAD(s->n_failed) };
}

unsigned dga_table_family(const struct dga_table *t, uint64_t client, float *ret_share)
{
	const struct slot *s = find(t, client);
	unsigned best = 0, all = 0, family = UINT_MAX;
	for (unsigned i = 0; s != NULL && i < DGA_VOTED_MAX; i++) {
		unsigned v = LOAD(s->votes[i]);
		all += v;
		if (v > best) {
			best = v;
			family = i;
		}
	}
	*ret_share = all > 0 ? (float)best / (float)all : 0;
	return family;
}

void dga_table_add(struct dga_table *t, const struct dga_name *n, struct dga_standing *ret)
{
	struct slot *s = find_or_take(t, n->client, n->now_s);
	if (is_recent(s, n->domain)) {
		tell(s, n->now_s, ret);
		return;
	}
	float alike = n->is_failed ? compare(s, n) : 0, sums[DGA_KINDS];
	/* Rounded: they fade between. */
	float thick = n->is_failed ? roundf(count_failure(s, n->now_s)) : 0;
	float bonus = thick >= DGA_THICK && thick < DGA_THICKER ? DGA_THICK_BONUS : 0;
	bonus += thick >= DGA_ALIKE && thick < DGA_ALIKE_NO_MORE ? alike : 0;
	bool is_any = false, is_for = false;
	for (unsigned i = 0; i < DGA_KINDS; i++) {
		float e = fminf(fmaxf(n->evidence[i] + bonus, -DGA_CLIP), DGA_CLIP);
		sums[i] = sum_of(s, (enum dga_kind)i, n->now_s) + e;
		is_any |= sums[i] > 0;
		is_for |= n->evidence[i] > 0;
	}
	STORE(s->seen_s, n->now_s);
	if (!is_any) {
		start_anew(s);
	} else {
		for (unsigned i = 0; i < DGA_KINDS; i++) {
			float units = fmaxf(sums[i], 0) * UNIT;
			STORE(s->sums[i], units < SUM_MAX ? (uint32_t)units : SUM_MAX);
		}
		STORE(s->n_names, add_16(LOAD(s->n_names), 1));
		STORE(s->n_failed, add_16(LOAD(s->n_failed), n->is_failed));
		if (n->share != NULL && is_for)
			vote(s, n);
	}
	tell(s, n->now_s, ret);
	ret->is_counted = true;
}

bool dga_table_find(const struct dga_table *t, uint64_t client, uint32_t now_s,
                    struct dga_standing *ret)
{
	const struct slot *s = find(t, client);
	*ret = (struct dga_standing){ 0 };
	if (s != NULL)
		tell(s, now_s, ret);
	return s != NULL;
}

void dga_table_forget(struct dga_table *t, uint64_t client)
{
	struct slot *s = find(t, client);
	if (s != NULL)
		clear(s);
}
