/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/specs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	spec->no_soa = !from->soa;
	spec->has_max_ttl = spec->is_rpz;
	spec->max_ttl_s = from->max_ttl_s;
}

/* The file that the list is read from: its own, or where downloads and zones are kept. */
static void fill_path(const struct config *c, const struct config_list *from,
                      struct policy_list_spec *spec, struct feeds_list *feed)
{
	feed->is_fetched = from->file == NULL;
	const char *folder = from->primaries.n > 0 ? "zones" : "feeds";
	int n = from->file != NULL ? snprintf(spec->path, sizeof spec->path, "%s", from->file)
	                           : snprintf(spec->path, sizeof spec->path, "%s/%s/%s", c->state,
	                                      folder, from->name);
	must(n > 0 && (size_t)n < sizeof spec->path);
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
	spec->data = (struct policy_data){
		.addrs = from->addresses.at,
		.n_addrs = from->addresses.n,
		.target = from->target.len > 0 ? from->target.wire : NULL,
	};
	feed->spec = spec;
	must(feeds_format_from_text(from->format, &feed->format) == 0);
	feed->no_subdomains = !from->subdomains;
	feed->options = (struct feeds_options){
		.zone = from->zone.len > 0 ? &from->zone : NULL,
		.column = from->column,
		.separator = feeds_separator_from_text(from->separator),
	};
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
	if (spec->is_default_deny && from->learn_s > 0) {
		spec->learn =
			learn_is_enforced(c->state, from->name) ? POLICY_LEARNED : POLICY_LEARNING;
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
	for (unsigned i = 0; i < c->lists.n && e == 0; i++)
		fill_list(c, &c->lists.at[i], &s->lists[s->n_lists++], &s->feeds[i]);
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
	free(s->groups);
	free(s->feeds);
	free(s->lists);
	free(s);
}
