/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/specs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "dns/text.h"
#include "learn/learn.h"

/* options.def names the same words as the tables of policy/ and feeds/: a miss is our mistake. */
static enum policy_match match_from_text(const char *text)
{
	if (strcmp(text, "answer") == 0)
		return POLICY_MATCH_ANSWER;
	if (strcmp(text, "nameserver") == 0)
		return POLICY_MATCH_NAMESERVER;
	must(strcmp(text, "name") == 0);
	return POLICY_MATCH_NAME;
}

static void fill_rpz(const struct config_list *from, struct policy_list_spec *spec)
{
	must(from->ede_text == NULL || strlen(from->ede_text) < sizeof spec->ede_text);
	spec->local_data = strcmp(from->local_data, "or-passthru") == 0   ? POLICY_LOCAL_OR_PASSTHRU
	                   : strcmp(from->local_data, "or-disabled") == 0 ? POLICY_LOCAL_OR_DISABLED
	                                                                  : POLICY_LOCAL_GIVEN;
	spec->min_ns_dots = (uint8_t)from->min_ns_dots;
	spec->no_ns_wait = !from->ns_wait;
	spec->keeps_dnssec = !from->break_dnssec;
	spec->names_as_servers = spec->is_rpz && from->qname_as_ns;
	spec->answers_as_servers = spec->is_rpz && from->ip_as_ns;
	spec->is_for_all = spec->is_rpz && !from->recursive_only;
	spec->no_soa = !from->soa;
	spec->has_max_ttl = spec->is_rpz;
	spec->max_ttl_s = from->max_ttl_s;
}

/* The questions it holds for, and when. */
static void fill_terms(const struct config_list *from, struct policy_list_spec *spec)
{
	for (unsigned i = 0; i < from->types.n && i < POLICY_LIST_TYPES; i++) {
		const char *text = from->types.at[i];
		spec->types_are_not = *text == '!';
		must(dns_type_from_text(text + spec->types_are_not, &spec->types[i]) == 0);
		spec->n_types++;
	}
	spec->first_seen_s = from->first_seen_s;
	spec->has_hours = from->hours.n > 0;
	spec->is_asleep = spec->has_hours && !config_list_holds(from, time(NULL));
}

/* The file that the list is read from: its own, or where downloads and zones are kept. */
static void fill_path(const struct config *c, const struct config_list *from,
                      struct policy_list_spec *spec, struct feeds_list *feed)
{
	feed->is_every = config_list_is_every(from);
	if (feed->is_every)
		return; /* there is none */
	feed->is_fetched = from->file == NULL;
	const char *folder = from->primaries.n > 0 ? "zones" : "feeds";
	int n = from->file != NULL ? snprintf(spec->path, sizeof spec->path, "%s", from->file)
	                           : snprintf(spec->path, sizeof spec->path, "%s/%s/%s", c->state,
	                                      folder, from->name);
	must(n > 0 && (size_t)n < sizeof spec->path);
}

static enum feeds_protected_mode protected_from_text(const char *text)
{
	return strcmp(text, "refuse") == 0 ? FEEDS_PROTECTED_REFUSE
	       : strcmp(text, "skip") == 0 ? FEEDS_PROTECTED_SKIP
	                                   : FEEDS_PROTECTED_IGNORE;
}

static unsigned limit(unsigned n, unsigned max)
{
	return n < max ? n : max;
}

/* The names of tlds; the caller's, with the specs. 0 or -ENOMEM. */
static int fill_suffixes(const struct config_list *from, struct policy_list_spec *spec)
{
	if (from->tlds.n == 0)
		return 0;
	struct name *names = calloc(from->tlds.n, sizeof *names);
	if (names == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < from->tlds.n; i++) {
		const char *text = from->tlds.at[i];
		spec->suffixes_are_not = *text == '!';
		text += spec->suffixes_are_not;
		must(name_from_text(text, strlen(text), &names[i]) == 0);
	}
	spec->suffixes = names;
	spec->n_suffixes = from->tlds.n;
	return 0;
}

static void fill_list(const struct config *c, const struct config_list *from,
                      struct policy_list_spec *spec, struct feeds_list *feed)
{
	must(strlen(from->name) < sizeof spec->name);
	memcpy(spec->name, from->name, strlen(from->name) + 1);
	fill_path(c, from, spec, feed);
	spec->is_rpz = strcmp(from->format, "rpz") == 0;
	if (strcmp(from->action, "given") == 0)
		spec->action = spec->is_rpz ? POLICY_NONE : POLICY_NXDOMAIN;
	else
		must(policy_action_from_text(from->action, &spec->action) == 0);
	spec->match = match_from_text(from->match);
	spec->ede_code = from->ede != 0 ? (uint16_t)from->ede : 0xffff;
	if (from->ede_text != NULL)
		memcpy(spec->ede_text, from->ede_text, strlen(from->ede_text) + 1);
	fill_rpz(from, spec);
	spec->ttl_s = from->ttl_s;
	spec->is_shadow = from->shadow;
	spec->must_be_loaded = from->servfail_until_ready && !config_list_is_every(from);
	spec->data = (struct policy_data){
		.addrs = from->addresses.at,
		.n_addrs = from->addresses.n,
		.target = from->target.len > 0 ? from->target.wire : NULL,
	};
	feed->spec = spec;
	feed->guard = (struct feeds_guard){
		.has_limits = true,
		.max_shrink_percent = from->max_shrink,
		.max_grow_percent = from->max_grow,
		.protected_mode = protected_from_text(from->protected),
		.listed = from->canary_listed.at,
		.n_listed = limit(from->canary_listed.n, FEEDS_MAX_CANARIES),
		.clean = from->canary_clean.at,
		.n_clean = limit(from->canary_clean.n, FEEDS_MAX_CANARIES),
	};
	must(feeds_format_from_text(from->format, &feed->format) == 0);
	feed->no_subdomains = !from->subdomains;
	feed->options = (struct feeds_options){
		.zone = from->zone.len > 0 ? &from->zone : NULL,
		.column = from->column,
		.path = from->path,
		.min_confidence = from->min_confidence,
		.separator = feeds_separator_from_text(from->separator),
		.countries = from->countries.at,
		.n_countries = from->countries.n,
		.networks = from->networks.at,
		.n_networks = from->networks.n,
	};
	fill_terms(from, spec);
}

/* ---- what lists must not block ---- */

/* The host of a URL as a name; false for addresses and what is none. */
static bool host_of(const char *url, struct name *ret)
{
	const char *host = strstr(url, "://");
	if (host == NULL)
		return false;
	host += 3;
	size_t n = strcspn(host, ":/?#");
	struct addr a;
	return n > 0 && addr_from_text(host, n, &a) != 0 && name_from_text(host, n, ret) == 0;
}

static void add_host(const char *url, struct name *names, struct feeds_protected_spec *specs,
                     unsigned *n)
{
	if (url == NULL || !host_of(url, &names[*n]))
		return;
	specs[*n] = (struct feeds_protected_spec){ &names[*n], "lists come from there" };
	++*n;
}

static void add_names(const struct name *from, unsigned n_from, const char *why, struct name *names,
                      struct feeds_protected_spec *specs, unsigned *n)
{
	for (unsigned i = 0; i < n_from; i++) {
		names[*n] = from[i];
		specs[*n] = (struct feeds_protected_spec){ &names[*n], why };
		++*n;
	}
}

static bool is_own_zone(const struct config_local_zone *z)
{
	static const char *const types[] = { "static", "transparent", "typetransparent" };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(z->type, types[i]) == 0)
			return true;
	}
	return false;
}

static int make_protected(const struct config *c, struct feeds_protected **ret)
{
	size_t room = c->protected.n + c->local.zones.n + 1U;
	unsigned n = 0;
	for (unsigned i = 0; i < c->lists.n; i++)
		room += 1U + c->lists.at[i].mirrors.n;
	struct name *names = calloc(room, sizeof *names);
	struct feeds_protected_spec *specs = calloc(room, sizeof *specs);
	int e = names == NULL || specs == NULL ? -ENOMEM : 0;
	if (e == 0)
		add_names(c->protected.at, c->protected.n, "protected: in the configuration", names,
		          specs, &n);
	for (unsigned i = 0; i < c->local.zones.n && e == 0; i++) {
		if (is_own_zone(&c->local.zones.at[i]))
			add_names(&c->local.zones.at[i].zone, 1, "a zone of our own", names, specs,
			          &n);
	}
	for (unsigned i = 0; i < c->lists.n && e == 0; i++) {
		const struct config_list *l = &c->lists.at[i];
		add_host(l->url, names, specs, &n);
		for (unsigned m = 0; m < l->mirrors.n; m++)
			add_host(l->mirrors.at[m], names, specs, &n);
	}
	if (e == 0)
		e = feeds_protected_new(specs, n, ret);
	free(specs);
	free(names);
	return e;
}

static uint16_t list_named(const struct specs *s, const char *name)
{
	for (unsigned i = 0; i < s->n_lists; i++) {
		if (strcmp(s->lists[i].name, name) == 0)
			return (uint16_t)i;
	}
	must(!"a group names a list that config_load() has checked");
	return POLICY_NO_LIST;
}

/* "on", "off", or what holds for all groups. */
static bool is_on(const char *word, bool by_default)
{
	return strcmp(word, "default") == 0 ? by_default : strcmp(word, "on") == 0;
}

static bool fills_firewall(const struct config_firewall *f, const char *group)
{
	if (f->table == NULL || f->table[0] == 0)
		return false;
	for (unsigned i = 0; i < f->groups.n; i++) {
		if (strcmp(f->groups.at[i], group) == 0)
			return true;
	}
	return f->groups.n == 0;
}

static int fill_group(const struct config *c, const struct config_group *from,
                      const struct specs *s, struct policy_group_spec *spec)
{
	must(strlen(from->name) < sizeof spec->name);
	memcpy(spec->name, from->name, strlen(from->name) + 1);
	spec->clients = from->clients.at;
	spec->n_clients = from->clients.n;
	spec->lists = calloc(from->lists.n + 1U, sizeof *spec->lists);
	if (spec->lists == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < from->lists.n; i++)
		spec->lists[spec->n_lists++] = list_named(s, from->lists.at[i]);
	spec->is_default_deny = strcmp(from->default_action, "deny") == 0;
	spec->fills_firewall = fills_firewall(&c->firewall, from->name);
	if (spec->is_default_deny && from->learn_s > 0) {
		int enforced = learn_is_enforced(c->state, from->name);
		if (enforced < 0)
			log_error("group %s: whether its default deny is enforced cannot be read "
			          "(%s/learn: %s): it is, until a reload can",
			          from->name, c->state, strerror(-enforced));
		spec->learn = enforced != 0 ? POLICY_LEARNED : POLICY_LEARNING;
		spec->is_default_deny = spec->learn == POLICY_LEARNED;
	}
	must(policy_action_from_text(from->deny_action, &spec->deny_action) == 0);
	spec->use_dns64 = is_on(from->dns64, c->dns64.enable);
	spec->is_rebinding_checked = is_on(from->rebinding_protection, c->rebinding.protection);
	spec->is_strict = strcmp(from->evaluation, "strict") == 0;
	spec->log_all = c->events.all || strcmp(from->log, "all") == 0;
	return 0;
}

int specs_new(const struct config *c, struct specs **ret)
{
	struct specs *s = calloc(1, sizeof *s);
	int e = 0;
	if (s == NULL)
		return -ENOMEM;
	s->lists = calloc(c->lists.n + 1U, sizeof *s->lists);
	s->feeds = calloc(c->lists.n + 1U, sizeof *s->feeds);
	s->groups = calloc(c->groups.n + 1U, sizeof *s->groups);
	if (s->lists == NULL || s->feeds == NULL || s->groups == NULL)
		e = -ENOMEM;
	if (e == 0)
		e = make_protected(c, &s->protected);
	for (unsigned i = 0; i < c->lists.n && e == 0; i++) {
		fill_list(c, &c->lists.at[i], &s->lists[s->n_lists++], &s->feeds[i]);
		s->feeds[i].guard.protected_names = s->protected;
		e = fill_suffixes(&c->lists.at[i], &s->lists[i]);
	}
	for (unsigned i = 0; i < c->groups.n && e == 0; i++)
		e = fill_group(c, &c->groups.at[i], s, &s->groups[s->n_groups++]);
	if (e != 0) {
		specs_free(s);
		return e;
	}
	*ret = s;
	return 0;
}

void specs_free(struct specs *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n_groups; i++)
		free(s->groups[i].lists);
	for (unsigned i = 0; i < s->n_lists; i++)
		free((void *)(uintptr_t)s->lists[i].suffixes);
	feeds_protected_free(s->protected);
	free(s->groups);
	free(s->feeds);
	free(s->lists);
	free(s);
}
