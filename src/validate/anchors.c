/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshot of trust anchors that all workers read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "validate/validate.h"

struct zone {
	const uint8_t *name;
	unsigned first, n; /* of rrs */
	unsigned n_labels;
};

struct anchors {
	unsigned n_zones, n_negatives;
	struct zone zones[ANCHOR_ZONES_MAX]; /* the deepest first */
	struct answer_rr *rrs;
	struct anchors_negative *negatives;
	uint8_t *bytes;
};

static _Atomic(struct anchors *) current;

const struct anchors *anchors_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

static const struct zone *closest(const struct anchors *a, const uint8_t *name)
{
	for (unsigned i = 0; i < a->n_zones; i++)
		if (name_is_within(name, a->zones[i].name))
			return &a->zones[i];
	return NULL;
}

const uint8_t *anchors_closest(const struct anchors *a, const uint8_t *name)
{
	const struct zone *z = closest(a, name);
	return z != NULL ? z->name : NULL;
}

void anchors_of(const struct anchors *a, const uint8_t *zone, const struct answer_rr **ret_rrs,
                unsigned *ret_n)
{
	*ret_rrs = NULL;
	*ret_n = 0;
	for (unsigned i = 0; i < a->n_zones; i++) {
		if (!name_equal(a->zones[i].name, zone))
			continue;
		*ret_rrs = a->rrs + a->zones[i].first;
		*ret_n = a->zones[i].n;
		return;
	}
}

bool anchors_is_negative(const struct anchors *a, const uint8_t *name, uint64_t wall_s)
{
	if (LIKELY(a->n_negatives == 0))
		return false;
	const struct zone *z = closest(a, name);
	for (unsigned i = 0; i < a->n_negatives; i++) {
		const struct anchors_negative *g = &a->negatives[i];
		if (!name_is_within(name, g->name) || (g->expires_s != 0 && g->expires_s <= wall_s))
			continue;
		/* An island of security below the negative anchor stays one. */
		if (z == NULL || z->n_labels <= name_labels(g->name))
			return true;
	}
	return false;
}

/* ---- making one ---- */

static int by_zone(const void *a, const void *b)
{
	const struct answer_rr *x = a, *y = b;
	int labels = (int)name_labels(y->owner) - (int)name_labels(x->owner);
	return labels != 0 ? labels : name_compare(x->owner, y->owner);
}

static uint8_t *copy_bytes(uint8_t **at, const uint8_t *from, size_t n)
{
	uint8_t *to = *at;
	memcpy(to, from, n);
	*at += n;
	return to;
}

/* The records are sorted: a zone's stand together. */
static int index_zones(struct anchors *a, unsigned n_rrs)
{
	for (unsigned i = 0; i < n_rrs; i++) {
		const uint8_t *owner = a->rrs[i].owner;
		struct zone *last = a->n_zones > 0 ? &a->zones[a->n_zones - 1] : NULL;
		if (last != NULL && name_equal(last->name, owner)) {
			last->n++;
			continue;
		}
		if (a->n_zones == ANCHOR_ZONES_MAX)
			return -E2BIG;
		a->zones[a->n_zones++] = (struct zone){
			.name = owner, .first = i, .n = 1, .n_labels = name_labels(owner)
		};
	}
	return 0;
}

static void copy_all(struct anchors *a, const struct answer_rr *rrs, unsigned n_rrs,
                     const struct anchors_negative *negatives)
{
	uint8_t *at = a->bytes;
	for (unsigned i = 0; i < n_rrs; i++) {
		a->rrs[i] = rrs[i];
		a->rrs[i].in_authority = false;
		a->rrs[i].owner = copy_bytes(&at, rrs[i].owner, name_len(rrs[i].owner));
		a->rrs[i].rdata = copy_bytes(&at, rrs[i].rdata, rrs[i].rdata_len);
	}
	for (unsigned i = 0; i < a->n_negatives; i++) {
		a->negatives[i] = negatives[i];
		a->negatives[i].name =
			copy_bytes(&at, negatives[i].name, name_len(negatives[i].name));
	}
	if (n_rrs > 0)
		qsort(a->rrs, n_rrs, sizeof *a->rrs, by_zone);
}

int anchors_new(const struct answer_rr *rrs, unsigned n_rrs,
                const struct anchors_negative *negatives, unsigned n_negatives,
                struct anchors **ret)
{
	if (n_rrs > ANCHOR_RRS_MAX || n_negatives > NEGATIVE_ANCHORS_MAX)
		return -E2BIG;
	size_t bytes = 1;
	for (unsigned i = 0; i < n_rrs; i++)
		bytes += name_len(rrs[i].owner) + rrs[i].rdata_len;
	for (unsigned i = 0; i < n_negatives; i++)
		bytes += name_len(negatives[i].name);
	struct anchors *a = calloc(1, sizeof *a);
	if (a == NULL)
		return -ENOMEM;
	a->n_negatives = n_negatives;
	a->rrs = calloc(n_rrs + 1, sizeof *a->rrs);
	a->negatives = calloc(n_negatives + 1, sizeof *a->negatives);
	a->bytes = malloc(bytes);
	int e = a->rrs == NULL || a->negatives == NULL || a->bytes == NULL ? -ENOMEM : 0;
	if (e == 0) {
		copy_all(a, rrs, n_rrs, negatives);
		e = index_zones(a, n_rrs);
	}
	if (e != 0) {
		anchors_free(a);
		return e;
	}
	*ret = a;
	return 0;
}

void anchors_free(struct anchors *a)
{
	if (a == NULL)
		return;
	free(a->rrs);
	free(a->negatives);
	free(a->bytes);
	free(a);
}

static void release(void *object)
{
	anchors_free(object);
}

void anchors_publish(struct anchors *taken)
{
	struct anchors *before = atomic_exchange_explicit(&current, taken, memory_order_acq_rel);
	if (before != NULL)
		rcu_retire(before, release);
}
