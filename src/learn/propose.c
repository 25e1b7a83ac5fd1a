/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what was seen to an allow list: single names, and domains where many labels vary. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "learn/store.h"

static void add_seen(struct learn_proposal *p, uint64_t first_s, uint64_t last_s)
{
	if (p->first_s == 0 || first_s < p->first_s)
		p->first_s = first_s;
	if (last_s > p->last_s)
		p->last_s = last_s;
}

static void add_types(struct learn_proposal *p, const struct learn_name *n)
{
	for (unsigned i = 0; i < n->n_types; i++) {
		unsigned k = 0;
		while (k < p->n_types && p->types[k] != n->types[i])
			k++;
		if (k == p->n_types && k < LEARN_TYPES_MAX)
			p->types[p->n_types++] = n->types[i];
	}
}

static void propose_name(const struct learn_name *n, struct learn_proposal *p)
{
	*p = (struct learn_proposal){ .kind = LEARN_NAME,
		                      .n_names = 1,
		                      .n_clients = n->n_clients,
		                      .n_aliases = n->n_aliases };
	name_set(&p->name, n->wire);
	add_seen(p, n->first_s, n->last_s);
	add_types(p, n);
	for (unsigned i = 0; i < n->n_aliases; i++)
		p->aliases[i] = n->aliases[i];
}

static void propose_review(const struct learn_domain *d, struct learn_proposal *p)
{
	*p = (struct learn_proposal){ .kind = LEARN_REVIEW,
		                      .n_names = d->n_names,
		                      .first_s = d->first_s,
		                      .last_s = d->last_s,
		                      .n_examples = d->n_examples };
	name_set(&p->name, d->wire);
	for (unsigned i = 0; i < d->n_examples; i++)
		p->examples[i] = d->examples[i];
}

/* One more name of a domain that is proposed whole. */
static void add_to_domain(const struct learn_name *n, struct learn_proposal *p)
{
	p->n_names++;
	if (n->n_clients > p->n_clients)
		p->n_clients = n->n_clients;
	add_seen(p, n->first_s, n->last_s);
	add_types(p, n);
	if (p->n_examples < LEARN_EXAMPLES_MAX)
		p->examples[p->n_examples++] = n->wire;
}

static int by_name(const void *a, const void *b)
{
	const struct learn_proposal *x = a, *y = b;
	return name_compare(x->name.wire, y->name.wire);
}

/*
 * Is the registered domain to be allowed whole? Where many names differ in their labels, more of
 * them will come. A domain that is a public suffix itself is nobody's to allow, and
 * name_registered() never gives one out.
 */
static bool is_general(const struct learn_domain *d)
{
	return !d->is_review && d->n_names >= LEARN_GENERALISE_NAMES;
}

int learn_propose(const struct learn_store *s, struct learn_proposal **ret, unsigned *ret_n)
{
	unsigned n = 0;
	struct learn_proposal *p = calloc(s->n_names + s->n_domains + 1UL, sizeof *p);
	unsigned *at = calloc(s->n_domains + 1UL, sizeof *at); /* of a domain: index + 1 */
	if (p == NULL || at == NULL) {
		free(p);
		free(at);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < s->n_domains; i++) {
		if (s->domains[i].is_review) {
			propose_review(&s->domains[i], &p[n++]);
		} else if (is_general(&s->domains[i])) {
			p[n].kind = LEARN_DOMAIN;
			name_set(&p[n].name, s->domains[i].wire);
			at[i] = ++n;
		}
	}
	for (uint32_t i = 0; i < s->n_names; i++) {
		if (at[s->names[i].domain] != 0)
			add_to_domain(&s->names[i], &p[at[s->names[i].domain] - 1]);
		else
			propose_name(&s->names[i], &p[n++]);
	}
	free(at);
	qsort(p, n, sizeof *p, by_name);
	*ret = p;
	*ret_n = n;
	return 0;
}

json_t *learn_summary(const struct learn_store *s)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:b}", "group", s->group, "since_s",
	                 (json_int_t)s->since_s, "names", (json_int_t)s->n_names, "lost",
	                 (json_int_t)s->n_lost + (json_int_t)s->n_refused, "full",
	                 s->n_names >= LEARN_NAMES_MAX);
}
