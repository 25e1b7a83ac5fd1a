/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "learn/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/registered.h"

enum {
	FIRST_ROOM = 64
};

/* ---- from names to indices ---- */

static bool index_grow(struct learn_index *x, size_t places)
{
	uint32_t *p = calloc(places, sizeof *p);
	if (p == NULL)
		return false;
	free(x->places);
	x->places = p;
	x->mask = places - 1;
	return true;
}

/* The place of a name, or the empty one where it belongs. `wire_of` gives the name of an index. */
static uint32_t *index_find(const struct learn_index *x, const struct learn_store *s,
                            const uint8_t *(*wire_of)(const struct learn_store *s, uint32_t i),
                            const uint8_t *lower)
{
	for (size_t i = name_hash(lower);; i++) {
		uint32_t *place = &x->places[i & x->mask];
		if (*place == 0 || name_equal(wire_of(s, *place - 1), lower))
			return place;
	}
}

static const uint8_t *wire_of_name(const struct learn_store *s, uint32_t i)
{
	return s->names[i].wire;
}

static const uint8_t *wire_of_domain(const struct learn_store *s, uint32_t i)
{
	return s->domains[i].wire;
}

static void index_names(struct learn_store *s)
{
	memset(s->by_name.places, 0, (s->by_name.mask + 1) * sizeof *s->by_name.places);
	for (uint32_t i = 0; i < s->n_names; i++)
		*index_find(&s->by_name, s, wire_of_name, s->names[i].wire) = i + 1;
}

static bool grow_names(struct learn_store *s)
{
	uint32_t room = s->room_names == 0 ? FIRST_ROOM : 2 * s->room_names;
	struct learn_name *more = realloc(s->names, room * sizeof *more);
	if (more == NULL)
		return false;
	s->names = more;
	if (!index_grow(&s->by_name, 2UL * room))
		return false;
	s->room_names = room;
	index_names(s);
	return true;
}

static bool grow_domains(struct learn_store *s)
{
	uint32_t room = s->room_domains == 0 ? FIRST_ROOM : 2 * s->room_domains;
	struct learn_domain *more = realloc(s->domains, room * sizeof *more);
	if (more == NULL)
		return false;
	s->domains = more;
	if (!index_grow(&s->by_domain, 2UL * room))
		return false;
	s->room_domains = room;
	for (uint32_t i = 0; i < s->n_domains; i++)
		*index_find(&s->by_domain, s, wire_of_domain, s->domains[i].wire) = i + 1;
	return true;
}

/* ---- the store ---- */

int store_new(const char *group, uint64_t now_s, struct learn_store **ret)
{
	struct learn_store *s = calloc(1, sizeof *s);
	size_t n = strnlen(group, LEARN_GROUP_MAX);
	if (s == NULL || !grow_names(s) || !grow_domains(s)) {
		learn_store_free(s);
		return -ENOMEM;
	}
	memcpy(s->group, group, n);
	s->since_s = now_s;
	*ret = s;
	return 0;
}

static void name_done(struct learn_name *n)
{
	for (unsigned i = 0; i < n->n_aliases; i++)
		free(n->aliases[i]);
	free(n->wire);
}

void learn_store_free(struct learn_store *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->n_names; i++)
		name_done(&s->names[i]);
	for (uint32_t i = 0; i < s->n_domains; i++) {
		for (unsigned k = 0; k < s->domains[i].n_examples; k++)
			free(s->domains[i].examples[k]);
		free(s->domains[i].wire);
	}
	free(s->names);
	free(s->domains);
	free(s->by_name.places);
	free(s->by_domain.places);
	free(s);
}

static uint8_t *copy_of(const uint8_t *wire)
{
	size_t n = name_len(wire);
	uint8_t *copy = malloc(n);
	if (copy != NULL)
		memcpy(copy, wire, n);
	return copy;
}

void store_registered(const uint8_t *lower, struct name *ret)
{
	const uint8_t *registered = name_registered(lower);
	name_set(ret, registered != NULL ? registered : lower);
}

struct learn_domain *store_domain(struct learn_store *s, const uint8_t *lower, uint64_t first_s,
                                  uint32_t *ret_index)
{
	uint32_t *place = index_find(&s->by_domain, s, wire_of_domain, lower);
	if (*place != 0) {
		*ret_index = *place - 1;
		return &s->domains[*ret_index];
	}
	if (s->n_domains == LEARN_DOMAINS_MAX)
		return NULL;
	if (s->n_domains == s->room_domains) {
		if (!grow_domains(s))
			return NULL;
		place = index_find(&s->by_domain, s, wire_of_domain, lower);
	}
	struct learn_domain *d = &s->domains[s->n_domains];
	*d = (struct learn_domain){ .wire = copy_of(lower), .first_s = first_s, .last_s = first_s };
	if (d->wire == NULL)
		return NULL;
	*ret_index = s->n_domains++;
	*place = s->n_domains;
	return d;
}

struct learn_name *store_name(struct learn_store *s, const uint8_t *lower, uint64_t first_s)
{
	struct name registered;
	uint32_t domain;
	uint32_t *place = index_find(&s->by_name, s, wire_of_name, lower);
	if (*place != 0)
		return &s->names[*place - 1];
	if (s->n_names == LEARN_NAMES_MAX)
		return NULL;
	store_registered(lower, &registered);
	struct learn_domain *d = store_domain(s, registered.wire, first_s, &domain);
	if (d == NULL)
		return NULL;
	if (s->n_names == s->room_names) {
		if (!grow_names(s))
			return NULL;
		place = index_find(&s->by_name, s, wire_of_name, lower);
	}
	struct learn_name *n = &s->names[s->n_names];
	*n = (struct learn_name){
		.wire = copy_of(lower), .domain = domain, .first_s = first_s, .last_s = first_s
	};
	if (n->wire == NULL)
		return NULL;
	*place = ++s->n_names;
	d->n_names++;
	return n;
}

void store_set_review(struct learn_store *s, uint32_t domain)
{
	struct learn_domain *d = &s->domains[domain];
	uint32_t kept = 0;
	d->is_review = true;
	for (uint32_t i = 0; i < s->n_names; i++) {
		struct learn_name *n = &s->names[i];
		if (n->domain != domain) {
			s->names[kept++] = *n;
			continue;
		}
		if (d->n_examples < LEARN_EXAMPLES_MAX) {
			d->examples[d->n_examples++] = n->wire;
			n->wire = NULL;
		}
		name_done(n);
	}
	s->n_names = kept;
	index_names(s);
}

static void add_type(struct learn_name *n, uint16_t type)
{
	for (unsigned i = 0; i < n->n_types; i++) {
		if (n->types[i] == type)
			return;
	}
	if (n->n_types < LEARN_TYPES_MAX)
		n->types[n->n_types++] = type;
}

static void add_client(struct learn_name *n, uint32_t client)
{
	for (unsigned i = 0; i < n->n_clients; i++) {
		if (n->clients[i] == client)
			return;
	}
	if (n->n_clients < LEARN_CLIENTS_MAX)
		n->clients[n->n_clients++] = client;
}

void store_add_alias(struct learn_name *n, const uint8_t *lower)
{
	for (unsigned i = 0; i < n->n_aliases; i++) {
		if (name_equal(n->aliases[i], lower))
			return;
	}
	uint8_t *copy = n->n_aliases < LEARN_ALIASES_MAX ? copy_of(lower) : NULL;
	if (copy != NULL)
		n->aliases[n->n_aliases++] = copy;
}

/* True: its domain is one for review, and that is all that is kept. */
static bool is_in_review(struct learn_store *s, const struct learn_seen *seen)
{
	struct name registered;
	store_registered(seen->name, &registered);
	uint32_t place = *index_find(&s->by_domain, s, wire_of_domain, registered.wire);
	if (place == 0 || !s->domains[place - 1].is_review)
		return false;
	s->domains[place - 1].n_more++;
	s->domains[place - 1].last_s = seen->wall_s;
	return true;
}

int store_add(struct learn_store *s, const struct learn_seen *seen)
{
	s->is_changed = true;
	bool is_known = *index_find(&s->by_name, s, wire_of_name, seen->name) != 0;
	if (!is_known && is_in_review(s, seen))
		return 0;
	struct learn_name *n = store_name(s, seen->name, seen->wall_s);
	if (n == NULL) {
		s->n_refused++;
		return -ENOSPC;
	}
	add_type(n, seen->type);
	add_client(n, seen->client);
	n->last_s = seen->wall_s;
	for (unsigned i = 0; i < seen->n_aliases; i++)
		store_add_alias(n, seen->aliases[i]);
	struct learn_domain *d = &s->domains[n->domain];
	d->last_s = seen->wall_s;
	if (d->n_names > LEARN_REVIEW_NAMES)
		store_set_review(s, n->domain);
	return 0;
}
