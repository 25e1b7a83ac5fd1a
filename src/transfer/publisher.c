/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/publisher.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"

struct publisher {
	struct loop *loop;
	struct outgoing *outgoing;
	struct publisher_set now;
	struct publisher_set leaving; /* until their threads end */
	struct turn_hook hook;
	uint32_t generation; /* of the policy whose edits are published */
};

/* An edit is one more generation: seen at the end of the turn in which it was made. */
static void look_at_policy(struct turn_hook *h)
{
	struct publisher *p = CONTAINER_OF(h, struct publisher, hook);
	const struct policy *policy = policy_current();
	if (p->now.n == 0 || p->leaving.n > 0 || policy == NULL ||
	    policy_generation(policy) == p->generation)
		return;
	p->generation = policy_generation(policy);
	for (unsigned i = 0; i < p->now.n; i++) {
		if (publication_is_of_edits(p->now.at[i]))
			publication_changed(p->now.at[i]);
	}
}

int publisher_new(struct loop *loop, int stop_fd, struct publisher **ret)
{
	struct publisher *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	p->loop = loop;
	int e = outgoing_new(loop, stop_fd, &p->outgoing);
	if (e != 0) {
		free(p);
		return e;
	}
	p->hook.run = look_at_policy;
	loop_add_hook(loop, &p->hook);
	*ret = p;
	return 0;
}

struct outgoing *publisher_outgoing(struct publisher *p)
{
	return p->outgoing;
}

/* ---- a configuration ---- */

static const struct feeds_list *find_feed(const struct feeds_list *feeds, unsigned n,
                                          const char *name)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(feeds[i].spec->name, name) == 0)
			return &feeds[i];
	}
	return NULL;
}

int publisher_make(struct publisher *p, const struct config *c, const struct feeds_list *feeds,
                   unsigned n_feeds, struct keyring *ring, struct publisher_set *ret)
{
	struct publisher_set set = { .at = calloc(c->publish.n + 1U, sizeof(*set.at)) };
	if (set.at == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < c->publish.n; i++) {
		const struct config_publication *from = &c->publish.at[i];
		const struct feeds_list *feed =
			from->list != NULL ? find_feed(feeds, n_feeds, from->list) : NULL;
		int e = publication_new(p->loop, c, from, feed, ring, &set.at[set.n]);
		/* What cannot be published is left out, and logged; what cannot be now is tried again. */
		if (e != 0 && e != -EINVAL && e != -ENAMETOOLONG) {
			publisher_drop(&set);
			return e;
		}
		set.n += e == 0;
		for (unsigned k = 0; e == 0 && k < p->now.n; k++)
			publication_inherit(set.at[set.n - 1], p->now.at[k]);
	}
	*ret = set;
	return 0;
}

void publisher_drop(struct publisher_set *set)
{
	for (unsigned i = 0; i < set->n; i++)
		publication_free(set->at[i]);
	free(set->at);
	*set = (struct publisher_set){ 0 };
}

int publisher_fill(const struct publisher_set *set, const struct config *c, struct table *table)
{
	int e = table_publications(table, set->n);
	for (unsigned i = 0; i < set->n && e == 0; i++) {
		struct publication *p = set->at[i];
		const struct config_publication *from = NULL;
		for (unsigned k = 0; k < c->publish.n && from == NULL; k++) {
			if (name_equal(c->publish.at[k].zone.wire, publication_zone(p)->wire))
				from = &c->publish.at[k];
		}
		must(from != NULL);
		const struct table_terms terms = {
			.zone = publication_zone(p),
			.folder = publication_folder(p),
			.allow = from->allow.at,
			.n_allow = from->allow.n,
			.is_tls_only = from->tls || from->tls_names.n > 0,
			.names = from->tls_names.at,
			.n_names = from->tls_names.n,
			.key = publication_key(p),
			.version = atomic_load(publication_version(p)),
		};
		e = table_publish_zone(table, i, &terms);
	}
	return e;
}

/* Not before those of an earlier configuration are done: they write the same files. */
static void all_changed(struct publisher *p)
{
	for (unsigned i = 0; i < p->now.n; i++)
		publication_changed(p->now.at[i]);
}

int publisher_take(struct publisher *p, struct publisher_set *set)
{
	unsigned n = 0;
	struct publication **leaving = calloc(p->leaving.n + p->now.n + 1U, sizeof(*leaving));
	if (leaving == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < p->leaving.n; i++)
		leaving[n++] = p->leaving.at[i];
	for (unsigned i = 0; i < p->now.n; i++) {
		if (publication_stop(p->now.at[i]))
			publication_free(p->now.at[i]);
		else
			leaving[n++] = p->now.at[i];
	}
	free(p->leaving.at);
	free(p->now.at);
	p->leaving = (struct publisher_set){ leaving, n };
	p->now = *set;
	*set = (struct publisher_set){ 0 };
	if (p->leaving.n == 0)
		all_changed(p);
	return 0;
}

/* ---- what happens ---- */

static void finish_leaving(struct publisher *p)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < p->leaving.n; i++) {
		struct publication *one = p->leaving.at[i];
		if (publication_finish(one))
			publication_free(one);
		else
			p->leaving.at[kept++] = one;
	}
	if (kept == 0 && p->leaving.n > 0)
		all_changed(p);
	p->leaving.n = kept;
}

void publisher_woken(struct publisher *p)
{
	const struct table *table = table_current();
	for (unsigned i = 0; i < p->now.n; i++) {
		if (publication_finish(p->now.at[i]) && table != NULL)
			table_set_version(table, publication_zone(p->now.at[i]),
			                  atomic_load(publication_version(p->now.at[i])));
	}
	finish_leaving(p);
	outgoing_woken(p->outgoing);
}

void publisher_pause(struct publisher *p)
{
	for (unsigned i = 0; i < p->now.n; i++)
		publication_pause(p->now.at[i]);
	for (unsigned i = 0; i < p->leaving.n; i++)
		publication_pause(p->leaving.at[i]);
}

void publisher_orphan(struct publisher *p)
{
	for (unsigned i = 0; i < p->now.n; i++)
		publication_orphan(p->now.at[i]);
}

void publisher_reloaded(struct publisher *p)
{
	for (unsigned i = 0; i < p->now.n && p->leaving.n == 0; i++) {
		if (!publication_is_of_edits(p->now.at[i]))
			publication_changed(p->now.at[i]);
	}
}

void publisher_free(struct publisher *p)
{
	if (p == NULL)
		return;
	outgoing_free(p->outgoing);
	struct publisher_set none = { 0 };
	must(publisher_take(p, &none) == 0); /* at the end of the process */
	while (p->leaving.n > 0) {
		poll(NULL, 0, 2);
		finish_leaving(p);
	}
	free(p->leaving.at);
	free(p);
}

bool publisher_view(const struct publisher *p, unsigned i, struct transfer_published *ret)
{
	if (i >= p->now.n)
		return false;
	publication_view(p->now.at[i], ret);
	return true;
}
