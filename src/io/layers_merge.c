/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/layers_merge.h"

#include <errno.h>

static void forget(struct merge *m)
{
	m->has_it = 0;
	m->is_upper_known = false;
}

int merge_first(struct merge *m)
{
	int e = 0;
	forget(m);
	for (unsigned i = 0; e == 0 && i < m->n; i++)
		e = layer_first(m->at[i]);
	return e;
}

int merge_seek(struct merge *m, const char *line, size_t n)
{
	int e = 0;
	forget(m);
	for (unsigned i = 0; e == 0 && i < m->n; i++)
		e = layer_seek(m->at[i], line, n);
	return e;
}

static int compare(const struct layer *a, const struct layer *b)
{
	return layer_compare(a->now.line, a->now.n, b->now.line, b->now.n);
}

/* Those at the least line of all but the lowest layer. */
static uint32_t find_upper(const struct merge *m)
{
	const struct layer *least = NULL;
	uint32_t mask = 0;
	for (unsigned i = 1; i < m->n; i++) {
		const struct layer *l = m->at[i];
		if (l->is_end)
			continue;
		int c = least == NULL ? -1 : compare(l, least);
		if (c < 0) {
			least = l;
			mask = 0;
		}
		if (c <= 0)
			mask |= 1U << i;
	}
	return mask;
}

/* Which layers stand at the least line of all. */
static uint32_t find_least(struct merge *m)
{
	if (!m->is_upper_known)
		m->upper = find_upper(m);
	m->is_upper_known = true;
	if (m->n == 0 || m->at[0]->is_end)
		return m->upper;
	if (m->upper == 0)
		return 1;
	int c = compare(m->at[0], m->at[__builtin_ctz(m->upper)]);
	return c < 0 ? 1U : c > 0 ? m->upper : m->upper | 1U;
}

static int advance(struct merge *m)
{
	int e = 0;
	for (uint32_t left = m->has_it; e == 0 && left != 0; left &= left - 1)
		e = layer_next(m->at[__builtin_ctz(left)]);
	if ((m->has_it & ~1U) != 0)
		m->is_upper_known = false;
	m->has_it = 0;
	return e;
}

int merge_step(struct merge *m)
{
	int e = advance(m);
	if (e != 0)
		return e;
	uint32_t mask = find_least(m);
	if (mask == 0)
		return 0;
	const struct layer *lowest = m->at[__builtin_ctz(mask)];
	bool is_add = lowest->now.is_add;
	m->line = lowest->now.line;
	m->n_line = lowest->now.n;
	m->is_first_add = is_add;
	for (uint32_t left = mask & (mask - 1); left != 0; left &= left - 1) {
		if (m->at[__builtin_ctz(left)]->now.is_add == is_add)
			return -EBADMSG;
		is_add = !is_add;
	}
	m->is_last_add = is_add;
	m->has_it = mask;
	return 1;
}

int64_t merge_net(const struct merge *m)
{
	int64_t net = 0;
	for (unsigned i = 0; i < m->n; i++)
		net += m->at[i]->net;
	return net;
}
