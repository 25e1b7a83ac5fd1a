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
		e = sort_init(&b->sort, expected_names);
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
	sort_done(&b->sort);
	sets_done(&b->sets);
	for (uint32_t i = 0; b->twice != NULL && i < b->n_lists; i++)
		twice_free(b->twice[i]);
	free(b->twice);
	policy_image_put(b->from);
	free(b->folder);
	free(b->fates);
	free(b->lists);
	free(b);
}

int policy_builder_spill(struct policy_builder *b, const char *folder)
{
	char *copy = strdup(folder);
	if (copy == NULL)
		return -ENOMEM;
	free(b->folder);
	b->folder = copy;
	return sort_spill(&b->sort, folder);
}

static bool list_name_is_good(const char *name)
{
	size_t n = strnlen(name, POLICY_LIST_NAME_MAX + 1);
	return n > 0 && n <= POLICY_LIST_NAME_MAX;
}

int build_list_blob(struct sets *to, const uint8_t *blob, struct image_list *l)
{
	int e = sets_blob(to, blob + l->path_at, l->path_bytes, &l->path_at);
	if (e == 0 && l->soa_bytes > 0)
		e = sets_blob(to, blob + l->soa_at, l->soa_bytes, &l->soa_at);
	return e;
}

static int lists_reserve(struct policy_builder *b, size_t n)
{
	struct image_list *lists = reallocarray(b->lists, n, sizeof *lists);
	if (lists == NULL)
		return -ENOMEM;
	b->lists = lists;
	uint8_t *fates = realloc(b->fates, n);
	if (fates == NULL)
		return -ENOMEM;
	b->fates = fates;
	if (b->twice == NULL)
		return 0;
	struct twice **twice = reallocarray(b->twice, n, sizeof *twice);
	if (twice == NULL)
		return -ENOMEM;
	b->twice = twice;
	return 0;
}

int policy_builder_from(struct policy_builder *b, struct policy_image *image)
{
	const struct image_header *h = image->header;
	must(b->n_lists == 0 && b->from == NULL);
	int e = lists_reserve(b, (size_t)h->n_lists + 1);
	for (uint32_t i = 0; e == 0 && i < h->n_lists; i++) {
		struct image_list l = image->lists[i];
		e = build_list_blob(&b->sets, image->blob, &l);
		b->lists[i] = l;
		b->fates[i] = BUILD_DROPPED;
	}
	if (e != 0)
		return e;
	b->from = image_get(image);
	b->n_lists = b->n_from_lists = h->n_lists;
	b->lengths_v4 |= h->lengths_v4;
	for (int i = 0; i < 3; i++)
		b->lengths_v6[i] |= h->lengths_v6[i];
	b->rule_kinds |= h->rule_kinds;
	return 0;
}

static uint32_t list_named(const struct policy_builder *b, const char *name)
{
	uint32_t i = 0;
	while (i < b->n_lists && strcmp(b->lists[i].name, name) != 0)
		i++;
	return i;
}

/* A place for the list: its old one, or behind the last. It is not taken yet. */
static int list_place(struct policy_builder *b, const struct policy_list_spec *spec,
                      uint32_t *ret_at)
{
	if (!list_name_is_good(spec->name) || memchr(spec->path, 0, sizeof spec->path) == NULL)
		return -EINVAL;
	uint32_t at = list_named(b, spec->name);
	if (at < b->n_lists && b->fates[at] != BUILD_DROPPED)
		return -EEXIST;
	if (at >= POLICY_MAX_LISTS)
		return -ENOSPC;
	*ret_at = at;
	return at == b->n_lists ? lists_reserve(b, at + 1U) : 0;
}

int policy_builder_add_list(struct policy_builder *b, const struct policy_list_spec *spec,
                            uint16_t *ret_list)
{
	uint32_t at;
	int e = list_place(b, spec, &at);
	if (e != 0)
		return e;
	struct image_list l = { .path_bytes = (uint32_t)strlen(spec->path) + 1 };
	memcpy(l.name, spec->name, strlen(spec->name));
	e = sets_blob(&b->sets, spec->path, l.path_bytes, &l.path_at);
	if (e != 0)
		return e;
	b->lists[at] = l;
	b->fates[at] = BUILD_NEW;
	if (at == b->n_lists && b->twice != NULL)
		b->twice[at] = NULL;
	if (at == b->n_lists)
		b->n_lists++;
	*ret_list = (uint16_t)at;
	return 0;
}

static int list_stay(struct policy_builder *b, const struct policy_list_spec *spec,
                     enum build_fate fate, uint16_t *ret_list)
{
	uint32_t at;
	int e = list_place(b, spec, &at);
	if (e == 0 && at == b->n_lists)
		e = -ENOENT;
	if (e != 0)
		return e;
	struct image_list *l = &b->lists[at];
	uint32_t bytes = (uint32_t)strlen(spec->path) + 1;
	if (memcmp(b->sets.blob + l->path_at, spec->path, bytes) != 0) {
		e = sets_blob(&b->sets, spec->path, bytes, &l->path_at);
		if (e != 0)
			return e;
		l->path_bytes = bytes;
	}
	b->fates[at] = (uint8_t)fate;
	*ret_list = (uint16_t)at;
	return 0;
}

int policy_builder_keep_list(struct policy_builder *b, const struct policy_list_spec *spec,
                             uint16_t *ret_list)
{
	return list_stay(b, spec, BUILD_KEPT, ret_list);
}

int policy_builder_change_list(struct policy_builder *b, const struct policy_list_spec *spec,
                               uint16_t *ret_list)
{
	return list_stay(b, spec, BUILD_CHANGED, ret_list);
}

/* ---- rules ---- */

/* What the image's reader would refuse must not get in. */
static bool data_is_good(const struct policy_rule *rule)
{
	const struct policy_data *d = rule->data;
	if (rule->action == POLICY_RECORDS && (d == NULL || d->records_bytes == 0))
		return false;
	return d == NULL || (d->n_types <= IMAGE_DATA_TYPES_MAX &&
	                     image_records_are_good(d->records, d->records_bytes));
}

static bool rule_is_good(const struct policy_rule *rule)
{
	return rule->scope <= POLICY_SCOPE_BELOW && rule->action <= POLICY_RECORDS &&
	       rule->own_match <= POLICY_MATCH_COUNT && data_is_good(rule);
}

static int rule_make(struct sets *sets, uint64_t hash, const struct policy_rule *rule,
                     enum policy_scope scope, struct sort_rule *ret)
{
	*ret = (struct sort_rule){
		.hash = hash,
		.member = {
			.scope = (uint8_t)(scope | rule->own_match << IMAGE_MATCH_SHIFT |
			                   (rule->is_important ? IMAGE_IMPORTANT : 0)),
			.action = (uint8_t)rule->action,
		},
	};
	return rule->data != NULL ? sets_data(sets, rule->data, &ret->member.data) : 0;
}

int build_name_rule(struct sets *sets, const uint8_t *lower, const struct policy_rule *rule,
                    struct sort_rule *ret)
{
	return rule_is_good(rule) ? rule_make(sets, name_hash(lower), rule, rule->scope, ret)
	                          : -EINVAL;
}

int build_prefix_rule(struct sets *sets, const struct addr_prefix *prefix,
                      const struct policy_rule *rule, struct sort_rule *ret)
{
	if (!rule_is_good(rule) || prefix->length > (prefix->addr.is_v4 ? 32 : 128))
		return -EINVAL;
	struct addr masked = addr_masked(&prefix->addr, prefix->length);
	/* Scopes mean nothing for prefixes: equal rules are equal. */
	int e = rule_make(sets, image_prefix_hash(&masked, prefix->length), rule, POLICY_SCOPE_TREE,
	                  ret);
	if (e == 0)
		ret->member.scope |= SORT_IS_PREFIX;
	return e;
}

void build_note_kind(struct policy_builder *b, const struct image_member *m)
{
	b->rule_kinds |= m->action == POLICY_LOG ? IMAGE_HAS_LOG : 0;
	b->rule_kinds |= b->sets.data[m->data].n_types > 0 ? IMAGE_HAS_TYPES : 0;
}

void build_note_prefix(struct policy_builder *b, const struct addr_prefix *prefix)
{
	if (prefix->addr.is_v4)
		b->lengths_v4 |= 1ULL << prefix->length;
	else
		b->lengths_v6[prefix->length / 64] |= 1ULL << prefix->length % 64;
}

static int rule_put(struct policy_builder *b, uint16_t list, struct sort_rule *r, unsigned flags)
{
	r->member.list = list;
	r->member.scope |= (uint8_t)flags;
	build_note_kind(b, &r->member);
	return sort_add(&b->sort, r);
}

static int name_put(struct policy_builder *b, uint16_t list, const uint8_t *lower,
                    const struct policy_rule *rule, unsigned flags)
{
	struct sort_rule r;
	int e = list < b->n_lists ? build_name_rule(&b->sets, lower, rule, &r) : -EINVAL;
	return e == 0 ? rule_put(b, list, &r, flags) : e;
}

static int prefix_put(struct policy_builder *b, uint16_t list, const struct addr_prefix *prefix,
                      const struct policy_rule *rule, unsigned flags)
{
	struct sort_rule r;
	int e = list < b->n_lists ? build_prefix_rule(&b->sets, prefix, rule, &r) : -EINVAL;
	if (e != 0)
		return e;
	build_note_prefix(b, prefix);
	return rule_put(b, list, &r, flags);
}

static bool is_changeable(const struct policy_builder *b, uint16_t list)
{
	return list < b->n_lists && b->fates[list] == BUILD_CHANGED;
}

int policy_builder_add_name(struct policy_builder *b, uint16_t list, const uint8_t *lower,
                            const struct policy_rule *rule)
{
	return name_put(b, list, lower, rule, 0);
}

int policy_builder_add_prefix(struct policy_builder *b, uint16_t list,
                              const struct addr_prefix *prefix, const struct policy_rule *rule)
{
	return prefix_put(b, list, prefix, rule, 0);
}

int policy_builder_remove_name(struct policy_builder *b, uint16_t list, const uint8_t *lower,
                               const struct policy_rule *rule)
{
	return is_changeable(b, list) ? name_put(b, list, lower, rule, SORT_IS_REMOVE) : -EINVAL;
}

int policy_builder_remove_prefix(struct policy_builder *b, uint16_t list,
                                 const struct addr_prefix *prefix, const struct policy_rule *rule)
{
	return is_changeable(b, list) ? prefix_put(b, list, prefix, rule, SORT_IS_REMOVE) : -EINVAL;
}

static int clear_put(struct policy_builder *b, uint16_t list, uint64_t hash, unsigned flags)
{
	if (!is_changeable(b, list))
		return -EINVAL;
	struct sort_rule r = {
		.hash = hash,
		.member = { .list = list,
		            .action = SETS_ALL,
		            .scope = (uint8_t)(SORT_IS_REMOVE | flags) },
	};
	return sort_add(&b->sort, &r);
}

int policy_builder_clear_name(struct policy_builder *b, uint16_t list, const uint8_t *lower)
{
	return clear_put(b, list, name_hash(lower), 0);
}

int policy_builder_clear_prefix(struct policy_builder *b, uint16_t list,
                                const struct addr_prefix *prefix)
{
	if (prefix->length > (prefix->addr.is_v4 ? 32 : 128))
		return -EINVAL;
	struct addr masked = addr_masked(&prefix->addr, prefix->length);
	return clear_put(b, list, image_prefix_hash(&masked, prefix->length), SORT_IS_PREFIX);
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
	b->lists[list].loaded_s = loaded_s < UINT32_MAX ? (uint32_t)loaded_s : UINT32_MAX;
}

void policy_builder_set_changes(struct policy_builder *b, uint16_t list, uint64_t when_s)
{
	must(list < b->n_lists);
	b->lists[list].changes_s = when_s < UINT32_MAX ? (uint32_t)when_s : UINT32_MAX;
}

void policy_builder_set_source(struct policy_builder *b, uint16_t list,
                               const struct policy_list_source *source)
{
	must(list < b->n_lists);
	b->lists[list].source = *source;
}
