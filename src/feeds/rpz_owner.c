/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/rpz_owner.h"

#include <string.h>

enum feeds_skip rpz_owner_start(struct rpz_owner *o, const uint8_t *owner, const uint8_t *apex)
{
	o->has_rule = false;
	o->n_items = 0;
	o->n_bytes = 0;
	name_set(&o->name, owner);
	name_set(&o->apex, apex);
	return rpz_trigger_read(owner, apex, &o->trigger);
}

static enum feeds_skip add_cname(struct rpz_owner *o, uint32_t ttl_s, const uint8_t *target)
{
	if (o->has_rule) {
		if (!name_equal(target, o->cname.wire))
			return FEEDS_SKIP_RPZ_CONFLICT;
		if (ttl_s < o->data.ttl_s)
			o->data.ttl_s = ttl_s;
		return FEEDS_SKIP_DUPLICATE;
	}
	if (o->n_items > 0)
		return FEEDS_SKIP_RPZ_CONFLICT;
	enum feeds_skip why = rpz_target_read(&o->trigger, o->name.wire, o->apex.wire, target,
	                                      ttl_s, &o->rule, &o->data, &o->target);
	if (why == FEEDS_SKIP_NONE) {
		o->has_rule = true;
		name_set(&o->cname, target);
	}
	return why;
}

static void item_read(const struct rpz_owner *o, unsigned i, struct policy_record *ret)
{
	const struct policy_data all = { .records = o->items, .records_bytes = o->n_bytes };
	size_t at = o->item_at[i];
	must(policy_record_next(&all, &at, ret));
}

/* In the order of types, then of data. */
static int compare(const struct policy_record *a, const struct policy_record *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	int c = memcmp(a->rdata, b->rdata,
	               a->rdata_len < b->rdata_len ? a->rdata_len : b->rdata_len);
	return c != 0 ? c : (a->rdata_len > b->rdata_len) - (a->rdata_len < b->rdata_len);
}

/* Where the record stands or belongs. */
static unsigned find(const struct rpz_owner *o, const struct policy_record *wanted,
                     bool *ret_is_there)
{
	unsigned low = 0, high = o->n_items;
	while (low < high) {
		unsigned mid = (low + high) / 2;
		struct policy_record item;
		item_read(o, mid, &item);
		int c = compare(&item, wanted);
		if (c == 0) {
			*ret_is_there = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_is_there = false;
	return low;
}

static void lower_ttl(struct rpz_owner *o, unsigned i, uint32_t ttl_s)
{
	struct policy_record item;
	item_read(o, i, &item);
	if (item.ttl_s <= ttl_s)
		return;
	item.ttl_s = ttl_s;
	rpz_item_put(o->items + o->item_at[i], &item);
}

static enum feeds_skip add_data(struct rpz_owner *o, const struct policy_record *item)
{
	bool is_there;
	if (o->has_rule)
		return FEEDS_SKIP_RPZ_CONFLICT;
	unsigned at = find(o, item, &is_there);
	if (is_there) {
		lower_ttl(o, at, item->ttl_s);
		return FEEDS_SKIP_DUPLICATE;
	}
	if (o->n_items == RPZ_OWNER_RECORDS ||
	    o->n_bytes + RPZ_ITEM_HEAD + item->rdata_len >= RPZ_OWNER_BYTES)
		return FEEDS_SKIP_RPZ_DATA;
	memmove(&o->item_at[at + 1], &o->item_at[at], (o->n_items - at) * sizeof o->item_at[0]);
	o->item_at[at] = (uint16_t)o->n_bytes;
	o->n_bytes += rpz_item_put(o->items + o->n_bytes, item);
	o->n_items++;
	return FEEDS_SKIP_NONE;
}

enum feeds_skip rpz_owner_add(struct rpz_owner *o, uint16_t type, uint32_t ttl_s,
                              const uint8_t *data, size_t n)
{
	if (!rpz_type_is_data(type) || n > UINT16_MAX)
		return FEEDS_SKIP_RPZ_TYPE;
	/* RFC 2181 8: a TTL with the highest bit set is 0. */
	if (ttl_s > INT32_MAX)
		ttl_s = 0;
	if (type == RPZ_TYPE_CNAME) {
		if (n == 0 || name_check(data, n) != n)
			return FEEDS_SKIP_RPZ_TYPE;
		return add_cname(o, ttl_s, data);
	}
	const struct policy_record item = {
		.type = type, .ttl_s = ttl_s, .rdata = data, .rdata_len = (uint16_t)n
	};
	return add_data(o, &item);
}

/* The items in order, with one TTL a type. */
static void settle(struct rpz_owner *o)
{
	size_t out = 0;
	for (unsigned i = 0, end; i < o->n_items; i = end) {
		struct policy_record first, item;
		item_read(o, i, &first);
		uint32_t ttl_s = first.ttl_s;
		for (end = i + 1; end < o->n_items; end++) {
			item_read(o, end, &item);
			if (item.type != first.type)
				break;
			ttl_s = item.ttl_s < ttl_s ? item.ttl_s : ttl_s;
		}
		for (unsigned k = i; k < end; k++) {
			item_read(o, k, &item);
			item.ttl_s = ttl_s;
			out += rpz_item_put(o->sorted + out, &item);
		}
	}
	must(out == o->n_bytes);
}

bool rpz_owner_finish(struct rpz_owner *o, struct policy_rule *ret)
{
	if (o->has_rule) {
		*ret = o->rule;
		return true;
	}
	if (o->n_items == 0)
		return false;
	settle(o);
	o->data = (struct policy_data){ .records = o->sorted, .records_bytes = o->n_bytes };
	*ret = (struct policy_rule){
		.scope = o->trigger.is_prefix ? POLICY_SCOPE_TREE : o->trigger.scope,
		.action = POLICY_RECORDS,
		.data = &o->data,
		.own_match = (uint8_t)(o->trigger.match + 1),
	};
	return true;
}
