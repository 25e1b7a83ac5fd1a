/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/rcu.h"
#include "policy/edits.h"
#include "policy/pattern_set.h"

static struct policy *_Atomic current;
static _Atomic uint32_t last_generation;

/* ---- copying what the caller configured ---- */

static int name_copy_text(char to[POLICY_LIST_NAME_MAX + 1], const char *from)
{
	size_t n = strnlen(from, POLICY_LIST_NAME_MAX + 1);
	if (n == 0 || n > POLICY_LIST_NAME_MAX)
		return -EINVAL;
	memcpy(to, from, n);
	return 0;
}

static int data_copy(struct policy_data *to, const struct policy_data *from)
{
	if (from->n_addrs > 0) {
		struct addr *addrs = calloc(from->n_addrs, sizeof *addrs);
		if (addrs == NULL)
			return -ENOMEM;
		memcpy(addrs, from->addrs, from->n_addrs * sizeof *addrs);
		to->addrs = addrs;
		to->n_addrs = from->n_addrs;
	}
	to->is_target_suffix = from->is_target_suffix;
	to->has_ttl = from->has_ttl;
	to->ttl_s = from->ttl_s;
	if (from->target != NULL) {
		uint8_t *target = malloc(NAME_MAX_BYTES);
		if (target == NULL)
			return -ENOMEM;
		name_copy_lower(target, from->target);
		to->target = target;
	}
	return 0;
}

static int list_init(struct policy_list *l, const struct policy_list_spec *spec,
                     const struct policy_image *image)
{
	if ((spec->action == POLICY_NONE && !spec->is_rpz) || spec->action > POLICY_REDIRECT ||
	    (unsigned)spec->match >= POLICY_MATCH_COUNT || name_copy_text(l->name, spec->name) != 0)
		return -EINVAL;
	l->action = spec->action;
	l->match = spec->match;
	l->is_shadow = spec->is_shadow;
	int e = list_set_conditions(l, spec);
	if (e != 0)
		return e;
	l->slot = slot_of_list(l->name);
	l->ede_code = spec->ede_code;
	l->ttl_s = spec->ttl_s;
	l->is_rpz = spec->is_rpz;
	l->local_data = spec->local_data;
	l->min_ns_dots = spec->min_ns_dots;
	l->no_ns_wait = spec->no_ns_wait;
	l->keeps_dnssec = spec->keeps_dnssec;
	l->names_as_servers = spec->names_as_servers;
	l->answers_as_servers = spec->answers_as_servers;
	l->is_for_all = spec->is_for_all;
	l->must_be_loaded = spec->must_be_loaded;
	l->no_soa = spec->no_soa;
	l->has_max_ttl = spec->has_max_ttl;
	l->max_ttl_s = spec->max_ttl_s;
	l->path = strndup(spec->path, sizeof spec->path);
	l->ede_text = strndup(spec->ede_text, sizeof spec->ede_text - 1);
	if (l->path == NULL || l->ede_text == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; image != NULL && i < image->header->n_lists; i++) {
		if (strcmp(image->lists[i].name, l->name) == 0) {
			l->image = &image->lists[i];
			l->image_list = i;
		}
	}
	return data_copy(&l->data, &spec->data);
}

static int lists_init(struct policy *p, const struct policy_list_spec *specs)
{
	for (uint32_t i = 0; i < p->n_lists; i++) {
		int e = list_init(&p->lists[i], &specs[i], p->image);
		for (uint32_t at = 0; e == 0 && at < i; at++) {
			if (strcmp(p->lists[at].name, p->lists[i].name) == 0)
				e = -EEXIST;
		}
		if (e != 0)
			return e;
		if (p->lists[i].image != NULL)
			p->list_of_image[p->lists[i].image_list] = (uint16_t)i;
	}
	return 0;
}

/* ---- groups ---- */

static void parts_init(const struct policy *p, struct policy_part *parts)
{
	for (uint32_t i = 0; i < p->n_image_lists; i++) {
		parts[i] = (struct policy_part){ .rank = RANK_NONE, .tier = TIER_NONE };
		if (p->list_of_image[i] == POLICY_NO_LIST)
			continue;
		const struct policy_list *l = &p->lists[p->list_of_image[i]];
		parts[i].match = (uint8_t)l->match;
		parts[i].action = (uint8_t)l->action;
		parts[i].is_shadow = l->is_shadow;
		parts[i].is_rpz = l->is_rpz;
		parts[i].keeps_dnssec = l->keeps_dnssec;
		parts[i].names_as_servers = l->names_as_servers;
		parts[i].answers_as_servers = l->answers_as_servers;
		parts[i].is_for_all = l->is_for_all;
		parts[i].local_data = (uint8_t)l->local_data;
		parts[i].min_ns_dots = l->min_ns_dots;
		parts[i].is_known = true;
		parts[i].is_conditional = list_is_conditional(l);
	}
}

static void zone_has(const struct policy *p, struct policy_group *g, const struct policy_list *l,
                     bool has_server_rules)
{
	const struct image_header *h = p->image->header;
	g->keeps_dnssec |= l->keeps_dnssec;
	if (!has_server_rules || l->image->n_prefixes == 0)
		return;
	uint8_t families = h->lengths_v4 != 0 ? 1 : 0;
	families |= (h->lengths_v6[0] | h->lengths_v6[1] | h->lengths_v6[2]) != 0 ? 2 : 0;
	g->ns_families |= families;
	if (!l->no_ns_wait)
		g->ns_waits |= families;
	if (l->min_ns_dots < g->min_ns_dots)
		g->min_ns_dots = l->min_ns_dots;
}

/* Which kinds of rules a list brings to its group. */
static void group_has(const struct policy *p, struct policy_group *g, const struct policy_list *l,
                      uint16_t tier)
{
	uint64_t n[POLICY_MATCH_COUNT] = { 0 };
	uint64_t n_left = l->image->n_names + (uint64_t)l->image->n_prefixes;
	for (unsigned m = 0; m < POLICY_MATCH_COUNT; m++) {
		n[m] = l->image->n_own[m];
		n_left = n_left > n[m] ? n_left - n[m] : 0;
	}
	n[l->match] += n_left;
	n[POLICY_MATCH_NAMESERVER] += (l->names_as_servers ? n[POLICY_MATCH_NAME] : 0) +
	                              (l->answers_as_servers ? n[POLICY_MATCH_ANSWER] : 0);
	if (p->image->n_patterns != NULL && p->image->n_patterns[l->image_list] > 0) {
		n[l->match] += p->image->n_patterns[l->image_list];
		g->has_patterns[l->match] = true;
		g->has_types |= p->image->pattern_set->has_types;
	}
	g->has_types |= l->n_types > 0 || (p->image->header->rule_kinds & IMAGE_HAS_TYPES) != 0;
	g->wants_age |= l->first_seen_s > 0;
	for (unsigned m = 0; m < POLICY_MATCH_COUNT; m++) {
		if (n[m] == 0)
			continue;
		g->has_rules[m] = true;
		g->has_log[m] |= l->action == POLICY_LOG || l->is_shadow || p->has_log_rules;
	}
	if (l->is_rpz)
		zone_has(p, g, l, n[POLICY_MATCH_NAMESERVER] > 0);
	bool is_late = n[POLICY_MATCH_ANSWER] > 0 || n[POLICY_MATCH_NAMESERVER] > 0;
	if (is_late && tier < g->late_tier)
		g->late_tier = tier;
}

static int group_init(const struct policy *p, struct policy_group *g,
                      const struct policy_group_spec *spec, struct policy_part *parts)
{
	if (name_copy_text(g->name, spec->name) != 0 || spec->n_lists > POLICY_MAX_LISTS)
		return -EINVAL;
	g->id = XXH3_64bits(g->name, strlen(g->name));
	if (g->id == 0)
		g->id = 1;
	g->is_default_deny = spec->is_default_deny;
	g->log_all = spec->log_all;
	g->use_dns64 = spec->use_dns64;
	g->is_rebinding_checked = spec->is_rebinding_checked;
	g->is_strict = spec->is_strict;
	g->learn = spec->learn;
	g->fills_firewall = spec->fills_firewall;
	g->late_tier = TIER_NONE;
	g->min_ns_dots = UINT8_MAX;
	g->deny_action = spec->deny_action > POLICY_LOG ? spec->deny_action : POLICY_NXDOMAIN;
	g->lists = calloc(spec->n_lists + 1U, sizeof *g->lists);
	if (g->lists == NULL)
		return -ENOMEM;
	g->parts = parts;
	uint16_t tier = TIER_FIRST;
	for (uint32_t i = 0; i < spec->n_lists; i++) {
		uint16_t list = spec->lists[i];
		if (list >= p->n_lists)
			return -EINVAL;
		g->lists[g->n_lists++] = list;
		const struct policy_list *l = &p->lists[list];
		/* What is configured makes the tiers: an empty list must not change the order. */
		if (i > 0 && (l->is_rpz || p->lists[spec->lists[i - 1]].is_rpz))
			tier++;
		if (l->is_rpz) {
			g->has_rpz = true;
			g->edits_are_apart |= i == 0;
		}
		if (l->must_be_loaded && (l->image == NULL || l->image->loaded_s == 0))
			g->is_unready = true;
		if (l->image == NULL)
			continue;
		struct policy_part *part = &parts[l->image_list];
		if (part->rank != RANK_NONE)
			continue;
		part->rank = (uint16_t)i;
		part->tier = tier;
		group_has(p, g, l, tier);
	}
	return 0;
}

static int clients_collect(struct policy *p, const struct policy_group_spec *specs)
{
	size_t n = 0;
	for (uint32_t i = 0; i < p->n_groups; i++)
		n += specs[i].n_clients;
	struct clients_prefix *prefixes = calloc(n + 1, sizeof *prefixes);
	if (prefixes == NULL)
		return -ENOMEM;
	n = 0;
	for (uint32_t i = 0; i < p->n_groups; i++) {
		for (uint32_t at = 0; at < specs[i].n_clients; at++, n++) {
			prefixes[n].prefix = specs[i].clients[at];
			prefixes[n].group = (uint16_t)i;
		}
	}
	int e = clients_init(&p->clients, prefixes, n);
	free(prefixes);
	return e;
}

static int groups_init(struct policy *p, const struct policy_group_spec *specs)
{
	for (uint32_t i = 0; i < p->n_groups; i++) {
		struct policy_part *row = p->parts + (size_t)i * p->n_image_lists;
		parts_init(p, row);
		int e = group_init(p, &p->groups[i], &specs[i], row);
		for (uint32_t at = 0; e == 0 && at < i; at++) {
			if (strcmp(p->groups[at].name, p->groups[i].name) == 0)
				e = -EEXIST;
		}
		if (e != 0)
			return e;
	}
	parts_init(p, p->parts + (size_t)p->n_groups * p->n_image_lists);
	return clients_collect(p, specs);
}

/* ---- the snapshot ---- */

void policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (uint32_t i = 0; p->lists != NULL && i < p->n_lists; i++) {
		free(p->lists[i].path);
		free(p->lists[i].ede_text);
		free(p->lists[i].suffixes);
		free((void *)(uintptr_t)p->lists[i].data.addrs);
		free((void *)(uintptr_t)p->lists[i].data.target);
	}
	for (uint32_t i = 0; p->groups != NULL && i < p->n_groups; i++)
		free(p->groups[i].lists);
	clients_done(&p->clients);
	free(p->lists);
	free(p->groups);
	free(p->parts);
	free(p->list_of_image);
	policy_image_put((struct policy_image *)(uintptr_t)p->image);
	free(p);
}

int policy_new(struct policy_image *image, const struct policy_list_spec *lists, unsigned n_lists,
               const struct policy_group_spec *groups, unsigned n_groups, struct policy **ret)
{
	if (n_lists > POLICY_MAX_LISTS || n_groups > POLICY_MAX_GROUPS)
		return -ENOSPC;
	struct policy *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	p->n_lists = n_lists;
	p->n_groups = n_groups;
	if (image != NULL) {
		p->image = image_get(image);
		p->n_image_lists = image->header->n_lists;
		p->has_log_rules = (image->header->rule_kinds & IMAGE_HAS_LOG) != 0;
	}
	p->lists = calloc(n_lists + 1U, sizeof *p->lists);
	p->groups = calloc(n_groups + 1U, sizeof *p->groups);
	p->parts = calloc((n_groups + 1U) * (p->n_image_lists + 1ULL), sizeof *p->parts);
	p->list_of_image = calloc(p->n_image_lists + 1U, sizeof *p->list_of_image);
	int e = -ENOMEM;
	if (p->lists != NULL && p->groups != NULL && p->parts != NULL && p->list_of_image != NULL) {
		for (uint32_t i = 0; i < p->n_image_lists; i++)
			p->list_of_image[i] = POLICY_NO_LIST;
		e = lists_init(p, lists);
		if (e == 0)
			e = groups_init(p, groups);
	}
	if (e != 0) {
		policy_free(p);
		return e;
	}
	*ret = p;
	return 0;
}

/* ---- in force ---- */

uint32_t generation_next(void)
{
	uint32_t g;
	do {
		g = atomic_fetch_add_explicit(&last_generation, 1, memory_order_relaxed) + 1;
	} while (g == 0);
	return g;
}

void policy_touch(void)
{
	struct policy *p = atomic_load_explicit(&current, memory_order_acquire);
	if (p != NULL)
		atomic_store_explicit(&p->generation, generation_next(), memory_order_release);
}

void policy_list_set_asleep(const char *list_name, bool is_asleep)
{
	struct policy *p = atomic_load_explicit(&current, memory_order_acquire);
	for (uint32_t i = 0; p != NULL && i < p->n_lists; i++) {
		struct policy_list *l = &p->lists[i];
		if (!l->has_hours || strcmp(l->name, list_name) != 0)
			continue;
		if (atomic_exchange_explicit(&l->is_asleep, is_asleep, memory_order_relaxed) !=
		    is_asleep)
			policy_touch();
	}
}

static void policy_release(void *object)
{
	policy_free(object);
}

void policy_publish(struct policy *p)
{
	/* The number belongs to the snapshot, not to the process: who still reads the old one
	 * must not file what it says under the new number. */
	if (p != NULL)
		atomic_store_explicit(&p->generation, generation_next(), memory_order_relaxed);
	struct policy *old = atomic_exchange_explicit(&current, p, memory_order_acq_rel);
	if (old != NULL)
		rcu_retire(old, policy_release);
}

const struct policy *policy_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}

uint32_t policy_generation(const struct policy *p)
{
	return atomic_load_explicit(&p->generation, memory_order_acquire);
}

/* ---- views ---- */

uint16_t policy_group_of(const struct policy *p, const struct addr *client)
{
	return clients_group(&p->clients, client);
}

void policy_group_view(const struct policy *p, uint16_t group, struct policy_group_view *ret)
{
	must(group < p->n_groups);
	const struct policy_group *g = &p->groups[group];
	*ret = (struct policy_group_view){
		.name = g->name,
		.is_default_deny = g->is_default_deny,
		.deny_action = g->deny_action,
		.has_alias_rules = g->has_rules[POLICY_MATCH_NAME] || edits_now() != NULL,
		.has_answer_rules = g->has_rules[POLICY_MATCH_ANSWER],
		.has_server_rules = g->has_rules[POLICY_MATCH_NAMESERVER],
		.has_client_rules = g->has_rules[POLICY_MATCH_CLIENT],
		.has_zones = g->has_rpz,
		.is_strict = g->has_rpz && g->is_strict,
		.keeps_dnssec = g->keeps_dnssec,
		.ns_families = g->ns_families,
		.ns_waits = g->ns_waits,
		.min_ns_dots = g->min_ns_dots,
		.late_tier = g->late_tier,
		.has_types = g->has_types,
		.log_all = g->log_all,
		.learn = g->learn,
		.fills_firewall = g->fills_firewall,
		.use_dns64 = g->use_dns64,
		.is_rebinding_checked = g->is_rebinding_checked,
		.n_lists = g->n_lists,
		.lists = g->lists,
	};
}

bool policy_group_is_ready(const struct policy *p, uint16_t group)
{
	return group >= p->n_groups || !p->groups[group].is_unready;
}

bool policy_group_has_zones(const struct policy *p, uint16_t group)
{
	return group < p->n_groups && p->groups[group].has_rpz;
}

bool policy_group_judges_clients(const struct policy *p, uint16_t group)
{
	return group < p->n_groups && p->groups[group].has_rules[POLICY_MATCH_CLIENT];
}

bool policy_group_wants_age(const struct policy *p, uint16_t group)
{
	return group < p->n_groups && p->groups[group].wants_age;
}

unsigned policy_n_groups(const struct policy *p)
{
	return p->n_groups;
}

uint16_t policy_group_named(const struct policy *p, const char *name)
{
	for (uint32_t i = 0; i < p->n_groups; i++) {
		if (strcmp(p->groups[i].name, name) == 0)
			return (uint16_t)i;
	}
	return POLICY_NO_GROUP;
}

uint64_t policy_group_id(const struct policy *p, uint16_t group)
{
	return group < p->n_groups ? p->groups[group].id : 0;
}

uint16_t policy_group_of_id(const struct policy *p, uint64_t id)
{
	for (uint32_t i = 0; id != 0 && i < p->n_groups; i++) {
		if (p->groups[i].id == id)
			return (uint16_t)i;
	}
	return POLICY_NO_GROUP;
}

unsigned policy_n_lists(const struct policy *p)
{
	return p->n_lists;
}

uint16_t policy_list_slot(const struct policy *p, uint16_t list)
{
	return list < p->n_lists ? p->lists[list].slot : POLICY_NO_LIST;
}

void policy_list_view(const struct policy *p, uint16_t list, struct policy_list_view *ret)
{
	must(list < p->n_lists);
	const struct policy_list *l = &p->lists[list];
	*ret = (struct policy_list_view){
		.name = l->name,
		.action = l->action,
		.match = l->match,
		.ede_code = l->ede_code,
		.ttl_s = l->ttl_s,
		.path = l->path,
		.is_shadow = l->is_shadow,
		.is_asleep = atomic_load_explicit(&l->is_asleep, memory_order_relaxed),
		.first_seen_s = l->first_seen_s,
		.has_suffixes = l->n_suffixes > 0,
		.ede_text = l->ede_text,
		.is_rpz = l->is_rpz,
		.keeps_dnssec = l->keeps_dnssec,
		.is_for_all = l->is_for_all,
		.no_soa = l->no_soa,
		.has_max_ttl = l->has_max_ttl,
		.max_ttl_s = l->max_ttl_s,
	};
	if (l->image == NULL)
		return;
	ret->n_names = l->image->n_names;
	ret->n_prefixes = l->image->n_prefixes;
	if (p->image->n_patterns != NULL)
		ret->n_patterns = p->image->n_patterns[l->image_list];
	ret->n_skipped = l->image->n_skipped;
	ret->loaded_s = l->image->loaded_s;
	ret->path = (const char *)p->image->blob + l->image->path_at;
	if (l->image->soa_bytes == 0)
		return;
	ret->soa_owner = p->image->blob + l->image->soa_at;
	ret->soa = ret->soa_owner + name_len(ret->soa_owner);
	ret->soa_bytes = l->image->soa_bytes - (uint32_t)(ret->soa - ret->soa_owner);
	ret->soa_ttl_s = l->image->soa_ttl_s;
	ret->serial = load32(ret->soa + ret->soa_bytes - 20);
}
