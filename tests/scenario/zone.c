/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone.h"

#include <stdio.h>
#include <string.h>

enum {
	SOA_NUMBERS = 20,
	NEGATIVE_TTL_S = 300,
};

struct zone_set *zone_find(const struct zone *z, const uint8_t *owner, uint16_t type)
{
	for (unsigned i = 0; i < z->n_sets; i++) {
		if (z->sets[i]->type == type && name_equal(z->sets[i]->owner, owner))
			return z->sets[i];
	}
	return NULL;
}

struct zone_set *zone_add(struct zone *z, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
                          const uint8_t *bytes, size_t n)
{
	struct zone_set *set = zone_find(z, owner, type);
	if (set == NULL) {
		must(z->n_sets < ZONE_MAX_SETS);
		set = script_alloc(z->script, sizeof *set);
		uint8_t *copy = script_alloc(z->script, NAME_MAX_BYTES);
		name_copy_lower(copy, owner);
		*set = (struct zone_set){ .owner = copy, .type = type, .ttl_s = ttl_s };
		z->sets[z->n_sets++] = set;
	}
	must(set->n < ZONE_MAX_RRS);
	uint8_t *data = script_alloc(z->script, n + 1);
	memcpy(data, bytes, n);
	set->rrs[set->n++] = (struct zone_data){ data, (uint16_t)n };
	return set;
}

bool zone_is_cut(const struct zone *z, const uint8_t *owner)
{
	return !name_equal(owner, z->name) && zone_find(z, owner, DNS_NS) != NULL;
}

bool zone_is_hidden(const struct zone *z, const uint8_t *owner)
{
	unsigned n = name_labels(owner) - name_labels(z->name);
	for (unsigned i = 1; i < n; i++) {
		if (zone_is_cut(z, name_skip(owner, i)))
			return true;
	}
	return false;
}

bool zone_has_name(const struct zone *z, const uint8_t *name)
{
	for (unsigned i = 0; i < z->n_sets; i++) {
		if (name_is_within(z->sets[i]->owner, name))
			return true;
	}
	return false;
}

/* One like any other, so that not every scenario has to write it. */
static void add_soa(struct zone *z)
{
	uint8_t data[2 * NAME_MAX_BYTES + SOA_NUMBERS];
	static const char ns[] = "\2ns", mail[] = "\4mail";
	static const uint32_t numbers[] = { 1, 3600, 600, 86400, NEGATIVE_TTL_S };
	size_t n = 0, zone = name_len(z->name);
	memcpy(data, ns, 3);
	n += 3;
	memcpy(data + n, z->name, zone);
	n += zone;
	memcpy(data + n, mail, 5);
	n += 5;
	memcpy(data + n, z->name, zone);
	n += zone;
	for (int i = 0; i < 5; i++, n += 4)
		store32(data + n, numbers[i]);
	zone_add(z, z->name, DNS_SOA, NEGATIVE_TTL_S, data, n);
}

struct zone *zone_make(struct script *s, const struct script_zone *from)
{
	struct zone *z = script_alloc(s, sizeof *z);
	z->name = from->name.wire;
	z->from = from;
	z->script = s;
	for (const struct script_record *rr = from->records; rr != NULL; rr = rr->next) {
		uint8_t ds[64];
		size_t n;
		if (rr->ds_key == NULL)
			zone_add(z, rr->owner, rr->type, rr->ttl_s, rr->rdata, rr->rdata_len);
		else if (zone_write_ds(s, rr->ds_key, rr->owner, rr->ds_digest, ds, &n))
			zone_add(z, rr->owner, DNS_DS, rr->ttl_s, ds, n);
		else
			script_problem(s, rr->line, "no DS can be made of key '%s'", rr->ds_key);
	}
	if (zone_find(z, z->name, DNS_SOA) == NULL)
		add_soa(z);
	if (from->is_signed)
		zone_sign(z);
	return z;
}
