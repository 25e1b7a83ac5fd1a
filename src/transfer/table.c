/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"

static _Atomic(struct table *) current;

int table_new(struct keyring *ring, unsigned n_followed, struct table **ret)
{
	struct table *t = calloc(1, sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	t->followed = calloc(n_followed + 1U, sizeof *t->followed);
	if (t->followed == NULL) {
		free(t);
		return -ENOMEM;
	}
	t->n_followed = n_followed;
	t->ring = keyring_get(ring);
	*ret = t;
	return 0;
}

int table_follow(struct table *t, unsigned i, const struct name *zone,
                 const struct endpoint *primaries, unsigned n_primaries, const struct tsig_key *key)
{
	struct table_followed *f = &t->followed[i];
	struct endpoint *copy = calloc(n_primaries + 1U, sizeof *copy);
	if (copy == NULL)
		return -ENOMEM;
	if (n_primaries > 0)
		memcpy(copy, primaries, n_primaries * sizeof *copy);
	f->zone = *zone;
	f->primaries = copy;
	f->n_primaries = n_primaries;
	f->key = key;
	return 0;
}

int table_publications(struct table *t, unsigned n)
{
	t->published = calloc(n + 1U, sizeof *t->published);
	if (t->published == NULL)
		return -ENOMEM;
	t->n_published = n;
	return 0;
}

int table_publish_zone(struct table *t, unsigned i, const struct table_terms *terms)
{
	struct table_published *p = &t->published[i];
	p->zone = *terms->zone;
	p->key = terms->key;
	p->is_tls_only = terms->is_tls_only;
	atomic_init(&p->version, terms->version);
	p->folder = strdup(terms->folder);
	p->allow = calloc(terms->n_allow + 1U, sizeof *p->allow);
	p->names = calloc(terms->n_names + 1U, sizeof *p->names);
	if (p->folder == NULL || p->allow == NULL || p->names == NULL)
		return -ENOMEM;
	if (terms->n_allow > 0)
		memcpy(p->allow, terms->allow, terms->n_allow * sizeof *p->allow);
	p->n_allow = terms->n_allow;
	if (terms->n_names > 0)
		memcpy(p->names, terms->names, terms->n_names * sizeof *p->names);
	p->n_names = terms->n_names;
	return 0;
}

struct table_published *table_find_published(const struct table *t, const struct name *zone)
{
	for (unsigned i = 0; i < t->n_published; i++) {
		if (name_equal(t->published[i].zone.wire, zone->wire))
			return &t->published[i];
	}
	return NULL;
}

void table_set_version(const struct table *t, const struct name *zone, uint64_t version)
{
	struct table_published *p = table_find_published(t, zone);
	if (p != NULL)
		atomic_store_explicit(&p->version, version, memory_order_release);
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->n_followed; i++)
		free((void *)t->followed[i].primaries);
	for (unsigned i = 0; i < t->n_published; i++) {
		free(t->published[i].folder);
		free(t->published[i].allow);
		free(t->published[i].names);
	}
	free(t->published);
	free(t->followed);
	keyring_put(t->ring);
	tls_server_put(t->tls);
	free(t);
}

static void release(void *object)
{
	table_free(object);
}

const struct table *table_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

void table_publish(struct table *t)
{
	struct table *old = atomic_exchange_explicit(&current, t, memory_order_acq_rel);
	if (old != NULL) {
		rcu_retire(old, release);
		rcu_flush();
	}
}
