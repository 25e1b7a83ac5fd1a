/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdatomic.h>
#include <string.h>

#include "api/call.h"
#include "api/detect.h"
#include "base/clock.h"
#include "seen/seen.h"

/* What the list's rules have done since the start, summed over the workers. */
static json_t *hits_to_json(const struct api_status *s, uint16_t slot)
{
	uint64_t sum[4] = { 0 };
	for (unsigned i = 0; i < s->n_workers; i++) {
		if (s->lists == NULL || s->lists[i] == NULL || slot >= POLICY_MAX_LISTS)
			continue;
		const struct serve_list_counts *c = &s->lists[i][slot];
		sum[0] += atomic_load_explicit(&c->blocked, memory_order_relaxed);
		sum[1] += atomic_load_explicit(&c->allowed, memory_order_relaxed);
		sum[2] += atomic_load_explicit(&c->logged, memory_order_relaxed);
		sum[3] += atomic_load_explicit(&c->shadow, memory_order_relaxed);
	}
	return json_pack("{s:I, s:I, s:I, s:I}", "blocked", (json_int_t)sum[0], "allowed",
	                 (json_int_t)sum[1], "logged", (json_int_t)sum[2], "shadow",
	                 (json_int_t)sum[3]);
}

static json_t *lists_to_json(const struct api_context *c, const struct api_status *s,
                             const struct policy *p)
{
	json_t *lists = json_array();
	for (unsigned i = 0; i < policy_n_lists(p); i++) {
		struct policy_list_view l;
		policy_list_view(p, (uint16_t)i, &l);
		static const char *const matches[] = { "name", "answer", "nameserver" };
		json_t *o =
			json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "name", l.name, "action",
		                  l.action == POLICY_NONE ? "given" : policy_action_name(l.action),
		                  "match", matches[l.match], "names", (json_int_t)l.n_names,
		                  "prefixes", (json_int_t)l.n_prefixes, "skipped",
		                  (json_int_t)l.n_skipped, "loaded_s", (json_int_t)l.loaded_s);
		json_object_set_new(o, "shadow", json_boolean(l.is_shadow));
		json_object_set_new(o, "hits", hits_to_json(s, policy_list_slot(p, (uint16_t)i)));
		const char *problem =
			c->list_problem != NULL ? c->list_problem(c->arg, l.name) : NULL;
		if (problem != NULL)
			json_object_set_new(o, "problem", json_string(problem));
		json_array_append_new(lists, o);
	}
	return lists;
}

static json_t *groups_to_json(const struct policy *p)
{
	json_t *groups = json_array();
	for (unsigned i = 0; i < policy_n_groups(p); i++) {
		struct policy_group_view g;
		policy_group_view(p, (uint16_t)i, &g);
		json_t *lists = json_array();
		for (unsigned k = 0; k < g.n_lists; k++) {
			struct policy_list_view l;
			policy_list_view(p, g.lists[k], &l);
			json_array_append_new(lists, json_string(l.name));
		}
		json_array_append_new(groups,
		                      json_pack("{s:s, s:s, s:b, s:o}", "name", g.name, "default",
		                                g.is_default_deny ? "deny" : "allow", "log_all",
		                                g.log_all, "lists", lists));
	}
	return groups;
}

static void count_edit(const struct policy_edit *e, void *arg)
{
	(void)e;
	++*(json_int_t *)arg;
}

static json_t *policy_to_json(const struct api_context *c, const struct api_status *s,
                              const struct policy *p)
{
	if (p == NULL)
		return json_null();
	json_int_t n_edits = 0;
	policy_edits_each(count_edit, &n_edits);
	return json_pack("{s:I, s:o, s:o, s:I}", "generation", (json_int_t)policy_generation(p),
	                 "lists", lists_to_json(c, s, p), "groups", groups_to_json(p), "edits",
	                 n_edits);
}

/* Every counter of serve/serve.h under its own name, summed over the workers. */
static json_t *questions_to_json(const struct api_status *s)
{
	json_t *o = json_object();
#define X(counter, help)                                                             \
	json_int_t counter = 0;                                                      \
	for (unsigned i = 0; i < s->n_workers; i++)                                  \
		counter += (json_int_t)atomic_load_explicit(&s->workers[i]->counter, \
		                                            memory_order_relaxed);   \
	json_object_set_new(o, #counter, json_integer(counter));
	SERVE_COUNTERS(X)
#undef X
	return o;
}

static json_t *workers_to_json(const struct api_status *s)
{
	json_t *workers = json_array();
	for (unsigned i = 0; i < s->n_workers; i++) {
		const struct api_status one = { .n_workers = 1, .workers = &s->workers[i] };
		json_array_append_new(workers, questions_to_json(&one));
	}
	return workers;
}

static json_t *upstream_to_json(const struct api_status *s)
{
	const struct resolve_counts *r = &s->resolve;
	json_t *o = json_object();
#define X(counter, help) json_object_set_new(o, #counter, json_integer((json_int_t)r->counter));
	RESOLVE_COUNTERS(X)
#undef X
	json_object_set_new(o, "tasks_now", json_integer((json_int_t)r->tasks_now));
	json_object_set_new(o, "reachable",
	                    s->upstream_state < 0 ? json_null() : json_boolean(s->upstream_state));
	return o;
}

static json_t *events_to_json(const struct api_status *s)
{
	if (!s->has_events)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "put", (json_int_t)s->events.put,
	                 "written", (json_int_t)s->events.written, "lost_ring",
	                 (json_int_t)s->events.lost_ring, "lost_disk",
	                 (json_int_t)s->events.lost_disk, "bytes", (json_int_t)s->events.bytes,
	                 "rotations", (json_int_t)s->events.rotations);
}

static json_t *firewall_to_json(const struct api_status *s)
{
	const struct firewall_counts *f = &s->firewall;
	if (!s->has_firewall)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "added", (json_int_t)f->added, "known",
	                 (json_int_t)f->known, "unbound", (json_int_t)f->unbound, "failed",
	                 (json_int_t)f->failed, "batches", (json_int_t)f->batches);
}

static json_t *published_to_json(const struct api_context *c)
{
	json_t *zones = json_array();
	struct transfer_published p;
	for (unsigned i = 0; c->published != NULL && c->published(c->arg, i, &p); i++) {
		char name[NAME_TEXT_MAX];
		name_to_text(p.zone->wire, name);
		json_t *o = json_pack("{s:s, s:s?, s:I, s:I}", "zone", name, "list",
		                      p.source[0] != 0 ? p.source : NULL, "followers",
		                      (json_int_t)p.n_followers, "followers_current",
		                      (json_int_t)p.n_heard);
		json_object_set_new(o, "serial",
		                    p.has_version ? json_integer(p.serial) : json_null());
		if (p.error[0] != 0)
			json_object_set_new(o, "problem", json_string(p.error));
		json_array_append_new(zones, o);
	}
	return zones;
}

static json_t *cache_to_json(struct cache *c)
{
	if (c == NULL)
		return json_null();
	struct cache_counts n;
	cache_count(c, &n);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "answers", (json_int_t)n.answers, "cuts",
	                 (json_int_t)n.cuts, "bytes", (json_int_t)n.bytes, "size_bytes",
	                 (json_int_t)n.size_bytes, "evicted", (json_int_t)n.evicted, "refused",
	                 (json_int_t)n.refused);
}

/* The table of domains (seen/seen.h). */
static json_t *seen_to_json(void)
{
	struct seen_counts n;
	if (seen_current() == NULL)
		return json_null();
	seen_count(seen_current(), &n);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "domains", (json_int_t)n.domains, "room",
	                 (json_int_t)n.room, "evicted", (json_int_t)n.evicted, "refused",
	                 (json_int_t)n.refused, "since_s", (json_int_t)n.since_s, "learns_until_s",
	                 (json_int_t)n.learns_until_s);
}

enum call_outcome command_status(struct api_call *call)
{
	const char *command;
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s !}", "command", &command) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	const struct api_context *c = call->context;
	struct api_status s = { .upstream_state = -1 };
	if (c->status != NULL)
		c->status(c->arg, &s);
	uint64_t now_s = clock_wall_ns() / NS_PER_S;
	const struct config *config = c->config != NULL ? c->config(c->arg) : NULL;
	json_t *o =
		json_pack("{s:s, s:I, s:I, s:I, s:s?, s:I, s:I}", "version", WEIR_VERSION, "now_s",
	                  (json_int_t)now_s, "started_s", (json_int_t)c->started_s, "uptime_s",
	                  (json_int_t)(now_s > c->started_s ? now_s - c->started_s : 0), "config",
	                  config != NULL ? config->path : NULL, "reloads", (json_int_t)s.reloads,
	                  "loaded_s", (json_int_t)s.loaded_s);
	json_object_set_new(o, "bugs", json_integer((json_int_t)bug_count()));
	json_t *policy = policy_to_json(c, &s, policy_current());
	if (s.is_unkept)
		json_object_set_new(policy, "unkept", json_true());
	json_object_set_new(o, "policy", policy);
	json_object_set_new(o, "published", published_to_json(c));
	json_object_set_new(o, "questions", questions_to_json(&s));
	json_object_set_new(o, "workers", workers_to_json(&s));
	json_object_set_new(o, "upstream", upstream_to_json(&s));
	json_object_set_new(o, "cache", cache_to_json(c->cache));
	json_object_set_new(o, "seen", seen_to_json());
	json_object_set_new(o, "detect", detect_to_json(c));
	json_object_set_new(o, "events", events_to_json(&s));
	json_object_set_new(o, "firewall", firewall_to_json(&s));
	return call_done(call, "status", o);
}
