/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CLIENTS_MAX = 1 << 20,
	DEPTH_MAX = 129
};

static unsigned __int128 addr_number(const struct addr *a)
{
	uint64_t high;
	uint64_t low;
	memcpy(&high, a->bytes, 8);
	memcpy(&low, a->bytes + 8, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	high = __builtin_bswap64(high);
	low = __builtin_bswap64(low);
#endif
	return (unsigned __int128)high << 64 | low;
}

/* The last address of a prefix. */
static unsigned __int128 prefix_end(const struct addr_prefix *p)
{
	unsigned host_bits = (p->addr.is_v4 ? 32U : 128U) - p->length;
	unsigned __int128 ones =
		host_bits == 128 ? ~(unsigned __int128)0 : ((unsigned __int128)1 << host_bits) - 1;
	return addr_number(&p->addr) | ones;
}

/* By family, then start, then wider before narrower: an enclosing prefix comes first. */
static int prefix_compare(const void *a, const void *b)
{
	const struct clients_prefix *x = a;
	const struct clients_prefix *y = b;
	if (x->prefix.addr.is_v4 != y->prefix.addr.is_v4)
		return x->prefix.addr.is_v4 ? -1 : 1;
	int d = memcmp(x->prefix.addr.bytes, y->prefix.addr.bytes, 16);
	return d != 0 ? d : (int)x->prefix.length - (int)y->prefix.length;
}

static void range_put(struct clients_ranges *r, unsigned __int128 start, uint16_t group)
{
	if (r->n > 0 && r->starts[r->n - 1] == start)
		r->n--; /* nothing was left of the former */
	r->starts[r->n] = start;
	r->groups[r->n++] = group;
}

/* Sweep over the sorted prefixes with a stack of those that are open. */
static void ranges_fill(struct clients_ranges *r, const struct clients_prefix *p, size_t n)
{
	struct {
		unsigned __int128 end;
		uint16_t group;
	} open[DEPTH_MAX];
	size_t depth = 0;
	range_put(r, 0, POLICY_NO_GROUP);
	for (size_t i = 0; i <= n; i++) {
		unsigned __int128 start = i < n ? addr_number(&p[i].prefix.addr) : 0;
		while (depth > 0 && (i == n || open[depth - 1].end < start)) {
			unsigned __int128 after = open[--depth].end + 1;
			if (after != 0)
				range_put(r, after,
				          depth > 0 ? open[depth - 1].group : POLICY_NO_GROUP);
		}
		if (i == n)
			return;
		open[depth].end = prefix_end(&p[i].prefix);
		open[depth++].group = p[i].group;
		range_put(r, start, p[i].group);
	}
}

static int ranges_init(struct clients_ranges *r, const struct clients_prefix *p, size_t n)
{
	if (n > CLIENTS_MAX)
		return -ENOSPC;
	r->starts = calloc(2 * n + 1, sizeof *r->starts);
	r->groups = calloc(2 * n + 1, sizeof *r->groups);
	if (r->starts == NULL || r->groups == NULL)
		return -ENOMEM;
	ranges_fill(r, p, n);
	return 0;
}

int clients_init(struct clients *c, struct clients_prefix *prefixes, size_t n)
{
	*c = (struct clients){ 0 };
	size_t n_v4 = 0;
	for (size_t i = 0; i < n; i++) {
		struct addr_prefix *p = &prefixes[i].prefix;
		if (p->length > (p->addr.is_v4 ? 32 : 128))
			return -EINVAL;
		p->addr = addr_masked(&p->addr, p->length);
		n_v4 += p->addr.is_v4;
	}
	if (n > 0)
		qsort(prefixes, n, sizeof *prefixes, prefix_compare);
	for (size_t i = 1; i < n; i++) {
		if (prefix_compare(&prefixes[i - 1], &prefixes[i]) == 0)
			return -EEXIST;
	}
	int e = ranges_init(&c->v4, prefixes, n_v4);
	if (e == 0)
		e = ranges_init(&c->v6, prefixes + n_v4, n - n_v4);
	if (e != 0)
		clients_done(c);
	return e;
}

void clients_done(struct clients *c)
{
	free(c->v4.starts);
	free(c->v4.groups);
	free(c->v6.starts);
	free(c->v6.groups);
	*c = (struct clients){ 0 };
}

uint16_t clients_group(const struct clients *c, const struct addr *a)
{
	const struct clients_ranges *r = a->is_v4 ? &c->v4 : &c->v6;
	unsigned __int128 number = addr_number(a);
	/* The last start that is not above the address; starts[0] never is. */
	uint32_t first = 0;
	for (uint32_t n = r->n; n > 1;) {
		uint32_t half = n / 2;
		if (r->starts[first + half] <= number)
			first += half;
		n -= half;
	}
	return r->groups[first];
}
