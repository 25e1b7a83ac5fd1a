/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "local/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS_MIN = 256,
};

void local_table_free(struct local_table *t)
{
	free(t->slots);
	free(t->nodes);
	free(t->rrs);
	free(t->bytes);
	*t = (struct local_table){ 0 };
}

/* Room for `more` elements behind n. */
static bool grow(void **at, size_t *max, size_t n, size_t more, size_t size)
{
	size_t want = n + more;
	if (want <= *max)
		return true;
	size_t new_max = *max + *max / 2 + 64;
	new_max = new_max < want ? want : new_max;
	if (new_max > UINT32_MAX)
		return false;
	void *p = reallocarray(*at, new_max, size);
	if (p == NULL)
		return false;
	*at = p;
	*max = new_max;
	return true;
}

static bool grow_slots(struct local_table *t)
{
	size_t n = t->n_slots == 0 ? SLOTS_MIN : 2 * t->n_slots;
	uint32_t *slots = calloc(n, sizeof *slots);
	if (slots == NULL)
		return false;
	for (size_t i = 0; i < t->n_nodes; i++) {
		size_t at = t->nodes[i].hash & (n - 1);
		while (slots[at] != 0)
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)(i + 1);
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	return true;
}

/* The slot of a name, or the empty one where it would go. */
static size_t slot_of(const struct local_table *t, uint64_t hash, const uint8_t *lower)
{
	size_t at = hash & (t->n_slots - 1);
	for (; t->slots[at] != 0; at = (at + 1) & (t->n_slots - 1)) {
		const struct local_node *n = &t->nodes[t->slots[at] - 1];
		if (n->hash == hash && name_equal(local_table_name(t, n), lower))
			break;
	}
	return at;
}

const struct local_node *local_table_find(const struct local_table *t, uint64_t hash,
                                          const uint8_t *lower)
{
	if (t->n_slots == 0)
		return NULL;
	uint32_t i = t->slots[slot_of(t, hash, lower)];
	return i != 0 ? &t->nodes[i - 1] : NULL;
}

struct local_node *local_table_node(struct local_table *t, uint64_t hash, const uint8_t *lower)
{
	if (2 * (t->n_nodes + 1) > t->n_slots && !grow_slots(t))
		return NULL;
	size_t slot = slot_of(t, hash, lower);
	if (t->slots[slot] != 0)
		return &t->nodes[t->slots[slot] - 1];
	size_t len = name_len(lower);
	if (!grow((void **)&t->nodes, &t->max_nodes, t->n_nodes, 1, sizeof *t->nodes) ||
	    !grow((void **)&t->bytes, &t->max_bytes, t->n_bytes, len, 1))
		return NULL;
	struct local_node *n = &t->nodes[t->n_nodes++];
	*n = (struct local_node){ .hash = hash, .name_at = (uint32_t)t->n_bytes };
	memcpy(t->bytes + t->n_bytes, lower, len);
	t->n_bytes += len;
	t->slots[slot] = (uint32_t)t->n_nodes;
	return n;
}

bool local_table_has_type(const struct local_table *t, const struct local_node *n, uint16_t type)
{
	for (uint32_t i = n->first_rr; i != 0; i = t->rrs[i - 1].next) {
		if (t->rrs[i - 1].type == type)
			return true;
	}
	return false;
}

int local_table_add(struct local_table *t, struct local_node *node, uint16_t type, uint32_t ttl_s,
                    const uint8_t *rdata, uint16_t rdata_len)
{
	for (uint32_t i = node->first_rr; i != 0; i = t->rrs[i - 1].next) {
		const struct local_rr *rr = &t->rrs[i - 1];
		bool is_same = rr->type == type && rr->rdata_len == rdata_len &&
		               memcmp(t->bytes + rr->rdata_at, rdata, rdata_len) == 0;
		if (is_same)
			return 0;
		if (rr->type == DNS_CNAME || type == DNS_CNAME)
			return -EEXIST; /* RFC 1034 3.6.2 */
		if (rr->type == type)
			ttl_s = rr->ttl_s;
	}
	if (node->n_rrs >= LOCAL_MAX_AT_NAME || t->n_rrs >= LOCAL_MAX_RECORDS)
		return -ENOSPC;
	if (!grow((void **)&t->rrs, &t->max_rrs, t->n_rrs, 1, sizeof *t->rrs) ||
	    !grow((void **)&t->bytes, &t->max_bytes, t->n_bytes, rdata_len, 1))
		return -ENOMEM;
	struct local_rr *rr = &t->rrs[t->n_rrs++];
	*rr = (struct local_rr){ .ttl_s = ttl_s,
		                 .rdata_at = (uint32_t)t->n_bytes,
		                 .type = type,
		                 .rdata_len = rdata_len };
	if (rdata_len > 0)
		memcpy(t->bytes + t->n_bytes, rdata, rdata_len);
	t->n_bytes += rdata_len;
	if (node->last_rr != 0)
		t->rrs[node->last_rr - 1].next = (uint32_t)t->n_rrs;
	else
		node->first_rr = (uint32_t)t->n_rrs;
	node->last_rr = (uint32_t)t->n_rrs;
	node->n_rrs++;
	return 0;
}
