/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int policy_builder_new(uint64_t expected_names, struct policy_builder **ret)
{
	struct policy_builder *b = calloc(1, sizeof *b);
	if (b == NULL)
		return -ENOMEM;
	int e = sets_init(&b->sets);
	if (e == 0)
		e = table_init(&b->table, expected_names);
	if (e != 0) {
		policy_builder_free(b);
		return e;
	}
	*ret = b;
	return 0;
}

void policy_builder_free(struct policy_builder *b)
{
	if (b == NULL)
		return;
	table_done(&b->table);
	sets_done(&b->sets);
	free(b->lists);
	free(b);
}

static bool list_name_is_good(const char *name)
{
	size_t n = strnlen(name, POLICY_LIST_NAME_MAX + 1);
	return n > 0 && n <= POLICY_LIST_NAME_MAX;
}

int policy_builder_add_list(struct policy_builder *b, const struct policy_list_spec *spec,
                            uint16_t *ret_list)
{
	if (!list_name_is_good(spec->name) || memchr(spec->path, 0, sizeof spec->path) == NULL)
		return -EINVAL;
	if (b->n_lists >= POLICY_MAX_LISTS)
		return -ENOSPC;
	for (uint32_t i = 0; i < b->n_lists; i++) {
		if (strcmp(b->lists[i].name, spec->name) == 0)
			return -EEXIST;
	}
	struct image_list *lists = realloc(b->lists, (b->n_lists + 1U) * sizeof *lists);
	if (lists == NULL)
		return -ENOMEM;
	b->lists = lists;
	struct image_list l = { .path_bytes = (uint32_t)strlen(spec->path) + 1 };
	memcpy(l.name, spec->name, strlen(spec->name));
	int e = sets_blob(&b->sets, spec->path, l.path_bytes, &l.path_at);
	if (e != 0)
		return e;
	lists[b->n_lists] = l;
	*ret_list = (uint16_t)b->n_lists++;
	return 0;
}

/* File a rule under a hash; counts it in *count if it was not there yet. */
static int rule_add(struct policy_builder *b, uint16_t list, uint64_t hash,
                    const struct policy_rule *rule, uint32_t *count)
{
	struct image_member m = {
		.list = list,
		.scope = (uint8_t)(rule->scope | rule->own_match << IMAGE_MATCH_SHIFT |
		                   (rule->is_important ? IMAGE_IMPORTANT : 0)),
		.action = (uint8_t)rule->action,
	};
	if (rule->data != NULL) {
		int e = sets_data(&b->sets, rule->data, &m.data);
		if (e != 0)
			return e;
	}
	struct table_slot *slot = table_at(&b->table, hash);
	if (slot == NULL)
		return -ENOMEM;
	uint32_t set;
	int e = sets_add(&b->sets, slot->set, &m, &set);
	if (e != 0 || set == slot->set)
		return e;
	if (slot->set == 0)
		table_took(&b->table);
	slot->set = set;
	b->has_log_rules |= rule->action == POLICY_LOG;
	++*count;
	if (rule->own_match != 0)
		b->lists[list].n_own[rule->own_match - 1]++;
	return 0;
}

/* What the image's reader would refuse must not get in. */
static bool data_is_good(const struct policy_rule *rule)
{
	const struct policy_data *d = rule->data;
	if (rule->action == POLICY_RECORDS && (d == NULL || d->records_bytes == 0))
		return false;
	return d == NULL || image_records_are_good(d->records, d->records_bytes);
}

static bool rule_is_good(const struct policy_builder *b, uint16_t list,
                         const struct policy_rule *rule)
{
	return list < b->n_lists && rule->scope <= POLICY_SCOPE_BELOW &&
	       rule->action <= POLICY_RECORDS && rule->own_match <= POLICY_MATCH_COUNT &&
	       data_is_good(rule);
}

int policy_builder_add_name(struct policy_builder *b, uint16_t list, const uint8_t *lower,
                            const struct policy_rule *rule)
{
	if (!rule_is_good(b, list, rule))
		return -EINVAL;
	return rule_add(b, list, name_hash(lower), rule, &b->lists[list].n_names);
}

int policy_builder_add_prefix(struct policy_builder *b, uint16_t list,
                              const struct addr_prefix *prefix, const struct policy_rule *rule)
{
	if (!rule_is_good(b, list, rule) || prefix->length > (prefix->addr.is_v4 ? 32 : 128))
		return -EINVAL;
	struct policy_rule whole =
		*rule; /* scopes mean nothing for prefixes: equal rules are equal */
	whole.scope = POLICY_SCOPE_TREE;
	struct addr masked = addr_masked(&prefix->addr, prefix->length);
	int e = rule_add(b, list, image_prefix_hash(&masked, prefix->length), &whole,
	                 &b->lists[list].n_prefixes);
	if (e != 0)
		return e;
	if (prefix->addr.is_v4)
		b->lengths_v4 |= 1ULL << prefix->length;
	else
		b->lengths_v6[prefix->length / 64] |= 1ULL << prefix->length % 64;
	return 0;
}

int policy_builder_set_soa(struct policy_builder *b, uint16_t list, const uint8_t *owner,
                           uint32_t ttl_s, const uint8_t *rdata, size_t rdata_bytes)
{
	uint8_t soa[3 * NAME_MAX_BYTES + 20];
	size_t owner_bytes = name_len(owner);
	must(list < b->n_lists);
	if (rdata_bytes > sizeof soa - owner_bytes)
		return -EINVAL;
	memcpy(soa, owner, owner_bytes);
	memcpy(soa + owner_bytes, rdata, rdata_bytes);
	if (!image_soa_is_good(soa, owner_bytes + rdata_bytes))
		return -EINVAL;
	struct image_list *l = &b->lists[list];
	int e = sets_blob(&b->sets, soa, owner_bytes + rdata_bytes, &l->soa_at);
	if (e != 0)
		return e;
	l->soa_bytes = (uint32_t)(owner_bytes + rdata_bytes);
	l->soa_ttl_s = ttl_s;
	return 0;
}

void policy_builder_end_list(struct policy_builder *b, uint16_t list, uint32_t n_skipped,
                             uint64_t loaded_s)
{
	must(list < b->n_lists);
	b->lists[list].n_skipped = n_skipped;
	b->lists[list].loaded_s = loaded_s;
}
