/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_labels(const void *a, const void *b)
{
	const struct forward_zone *x = a;
	const struct forward_zone *y = b;
	return (int)y->n_labels - (int)x->n_labels;
}

static int make_cut(struct forward_zone *z)
{
	struct addr addrs[FORWARD_MAX_SERVERS];
	for (unsigned i = 0; i < z->n_to; i++)
		addrs[i] = z->to[i].addr;
	const struct cut_plan_server server = { .name = z->zone.wire,
		                                .n_addrs = z->n_to,
		                                .addrs = addrs };
	const struct cut_plan plan = { .zone = z->zone.wire,
		                       .hash = name_hash(z->zone.wire),
		                       .is_forward = true,
		                       .n_servers = 1,
		                       .servers = &server };
	struct cut *cut;
	int e = cut_new(&plan, &cut);
	if (e == 0)
		z->cut = cut;
	return e;
}

int forwards_new(const struct resolve_forward *from, unsigned n, struct forwards **ret)
{
	struct forwards *f = calloc(1, sizeof *f + n * sizeof f->zones[0]);
	if (f == NULL)
		return -ENOMEM;
	for (; f->n < n; f->n++) {
		struct forward_zone *z = &f->zones[f->n];
		name_set(&z->zone, from[f->n].zone.wire);
		z->n_labels = name_labels(z->zone.wire);
		z->is_unvalidated = from[f->n].is_unvalidated;
		z->is_first = from[f->n].is_first;
		z->tls = from[f->n].tls;
		z->n_to = from[f->n].n_to < FORWARD_MAX_SERVERS ? from[f->n].n_to
		                                                : FORWARD_MAX_SERVERS;
		if (z->n_to > 0)
			memcpy(z->to, from[f->n].to, z->n_to * sizeof z->to[0]);
		if (make_cut(z) != 0) {
			forwards_free(f);
			return -ENOMEM;
		}
	}
	qsort(f->zones, f->n, sizeof f->zones[0], by_labels);
	*ret = f;
	return 0;
}

void forwards_free(struct forwards *f)
{
	if (f == NULL)
		return;
	for (unsigned i = 0; i < f->n; i++)
		cut_put(f->zones[i].cut);
	free(f);
}

const struct forward_zone *forward_find(const struct forwards *f, const uint8_t *lower)
{
	if (f == NULL)
		return NULL;
	for (unsigned i = 0; i < f->n; i++) {
		if (name_is_within(lower, f->zones[i].zone.wire))
			return f->zones[i].n_to > 0 ? &f->zones[i] : NULL;
	}
	return NULL;
}
