/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/explain.h"

#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/detect.h"
#include "dns/text.h"

/* In one line; docs/policy.md has it in full. */
static const char order_text[] =
	"deepest rule first; then edit, important, allow, block, list order";
static const char tiers_text[] =
	"first list or policy zone of the group first; inside a zone client, name, answer, server name, "
	"server address; among other lists the deepest rule, then edit, important, allow, block";

struct explain_request {
	const char *name, *type, *client, *group;
	struct addr addr;
};

void walk_add_stage(struct walk *w, json_t *stage, json_t *matches, bool was_decided)
{
	json_object_set_new(stage, "looked_at", json_boolean(!was_decided));
	json_object_set_new(stage, "decides", json_boolean(!was_decided && w->is_decided));
	json_object_set_new(stage, "matches", matches);
	json_array_append_new(w->stages, stage);
}

/* The longest configured prefix that covers the client, which is what chose the group. */
static bool find_prefix(const struct walk *w, const char *group, const struct addr *client,
                        struct addr_prefix *ret)
{
	const struct api_context *c = w->context;
	const struct config *config = c->config != NULL ? c->config(c->arg) : NULL;
	bool is_found = false;
	for (unsigned i = 0; config != NULL && i < config->groups.n; i++) {
		const struct config_group *g = &config->groups.at[i];
		for (unsigned k = 0; strcmp(g->name, group) == 0 && k < g->clients.n; k++) {
			const struct addr_prefix *p = &g->clients.at[k];
			if (addr_prefix_covers(p, client) &&
			    (!is_found || p->length > ret->length)) {
				*ret = *p;
				is_found = true;
			}
		}
	}
	return is_found;
}

static json_t *group_to_json(const struct walk *w, const struct explain_request *r)
{
	if (w->group == POLICY_NO_GROUP)
		return json_null();
	struct policy_group_view g;
	policy_group_view(w->policy, w->group, &g);
	json_t *lists = json_array();
	for (unsigned i = 0; i < g.n_lists; i++) {
		struct policy_list_view list;
		policy_list_view(w->policy, g.lists[i], &list);
		json_array_append_new(lists, json_string(list.name));
	}
	json_t *o = json_pack("{s:s, s:s, s:o}", "name", g.name, "default",
	                      g.is_default_deny ? "deny" : "allow", "lists", lists);
	if (g.has_zones)
		json_object_set_new(o, "evaluation", json_string(g.is_strict ? "strict" : "early"));
	if (g.is_default_deny)
		json_object_set_new(o, "deny_action",
		                    json_string(policy_action_name(g.deny_action)));
	struct addr_prefix prefix;
	char text[ADDR_TEXT_MAX];
	if (r->group == NULL && find_prefix(w, g.name, &r->addr, &prefix)) {
		addr_prefix_to_text(&prefix, text);
		json_object_set_new(o, "prefix", json_string(text));
	}
	return o;
}

static void explain_question(struct walk *w)
{
	json_t *matches = json_array();
	const struct subject s = { .trigger = POLICY_TRIGGER_QUESTION, .lower = w->name.wire };
	const struct subject client = { .trigger = POLICY_TRIGGER_CLIENT, .addr = &w->client };
	walk_judge(w, &s, matches);
	if (w->has_client)
		walk_judge(w, &client, matches);
	walk_end_step(w);
	char name[NAME_TEXT_MAX];
	name_to_text(w->name.wire, name);
	walk_add_stage(w, json_pack("{s:s, s:s}", "stage", "question", "name", name), matches,
	               false);
}

/* What serve/own.c would say of the name, after the rules on it and before everything else. */
static void look_at_own(struct walk *w)
{
	static const char *const words[] = { "unknown", "data",     "synthesis", "alias",
		                             "nodata",  "nxdomain", "refused",   "drop" };
	const struct local *l = local_current();
	struct policy_group_view g;
	struct local_found found;
	struct local_alias alias;
	bool is_default = w->verdict.trigger == POLICY_TRIGGER_DEFAULT;
	if (l == NULL || w->group == POLICY_NO_GROUP ||
	    (verdict_is_block(&w->verdict) && !is_default))
		return;
	policy_group_view(w->policy, w->group, &g);
	w->own = local_find(l, w->name.wire, &w->hashes, w->type, g.use_dns64, &found, &alias);
	if (w->own == LOCAL_UNKNOWN)
		return;
	local_source(&found, w->own_source);
	if (is_default) { /* it does not hold for what is answered from here */
		w->verdict.action = POLICY_NONE;
		w->is_decided = false;
	}
	w->own_json = json_pack("{s:s, s:s}", "source", w->own_source, "answer", words[w->own]);
	if (w->own == LOCAL_ALIAS) {
		char target[NAME_TEXT_MAX];
		name_to_text(alias.target.wire, target);
		json_object_set_new(w->own_json, "target", json_string(target));
	}
}

static json_t *final_json(struct walk *w, const char *client, bool is_complete)
{
	char sentence[WALK_SENTENCE_MAX];
	walk_sentence(w, client, is_complete, sentence);
	const uint8_t *lower = w->decided_name.len > 0 ? w->decided_name.wire : NULL;
	json_t *o = verdict_to_json(w->policy, &w->verdict, lower);
	json_object_set_new(o, "complete", json_boolean(is_complete));
	json_object_set_new(o, "sentence", json_string(sentence));
	uint16_t code = 0;
	if (w->group == POLICY_NO_GROUP)
		code = 18; /* RFC 8914 4.19 Prohibited: not this client */
	else if (verdict_is_block(&w->verdict))
		code = verdict_ede_code(w->policy, &w->verdict);
	if (code != 0 && code != UINT16_MAX)
		json_object_set_new(
			o, "ede",
			json_pack("{s:i, s:s}", "code", code, "name", dns_ede_text(code)));
	return o;
}

/* Everything that is judged, stage by stage. Returns the "cache" object of the reply. */
static json_t *walk_all(struct walk *w, bool *ret_is_complete)
{
	explain_question(w);
	look_at_own(w);
	json_t *cache =
		w->own == LOCAL_UNKNOWN ? walk_cache(w) : json_pack("{s:s}", "state", "unneeded");
	*ret_is_complete = w->is_decided || w->own != LOCAL_UNKNOWN ||
	                   w->group == POLICY_NO_GROUP ||
	                   strcmp(json_string_value(json_object_get(cache, "state")), "fresh") == 0;
	if (!w->is_decided && w->has_best) { /* strict, and the answer is not known yet */
		w->is_pending = true;
		walk_end_stage(w);
	}
	return cache;
}

/* Of a group in early: what strict says, if it is known and something else. */
static json_t *strict_json(const struct walk *before, const struct walk *early, const char *client)
{
	struct walk w = *before;
	char sentence[WALK_SENTENCE_MAX];
	bool is_complete;
	const struct verdict *a = &w.verdict, *b = &early->verdict;
	if (!before->has_zones || before->is_strict || early->own != LOCAL_UNKNOWN)
		return NULL;
	w.is_strict = true;
	w.stages = json_array();
	w.domain_json = NULL;
	json_decref(walk_all(&w, &is_complete));
	json_decref(w.stages);
	json_decref(w.own_json);
	bool is_same = a->action == b->action && a->list == b->list && a->edit == b->edit &&
	               a->trigger == b->trigger && a->rule_depth == b->rule_depth &&
	               a->prefix_length == b->prefix_length;
	if (is_same || !is_complete || w.is_pending)
		return NULL;
	walk_sentence(&w, client, true, sentence);
	json_t *o =
		verdict_to_json(w.policy, a, w.decided_name.len > 0 ? w.decided_name.wire : NULL);
	json_object_set_new(o, "sentence", json_string(sentence));
	return o;
}

static json_t *explain(struct walk *w, const struct explain_request *r)
{
	const struct walk before = *w;
	bool is_complete;
	char name[NAME_TEXT_MAX], type[DNS_TYPE_TEXT_MAX];
	name_to_text(w->name.wire, name);
	json_t *o = json_pack("{s:s, s:s, s:s, s:b, s:I, s:s}", "name", name, "type",
	                      dns_type_text(w->type, type), "client", r->client, "offline",
	                      w->context->cache == NULL, "generation",
	                      (json_int_t)policy_generation(w->policy), "order",
	                      w->has_zones ? tiers_text : order_text);
	json_object_set_new(o, "group", group_to_json(w, r));
	if (w->domain_json != NULL)
		json_object_set_new(o, "domain", w->domain_json);
	json_t *cache = walk_all(w, &is_complete);
	if (w->own_json != NULL)
		json_object_set_new(o, "local", w->own_json);
	json_object_set_new(o, "cache", cache);
	json_t *detectors = walk_detectors(w);
	if (detectors != NULL)
		json_object_set_new(o, "detectors", detectors);
	json_object_set_new(o, "stages", w->stages);
	json_object_set_new(o, "verdict", final_json(w, r->client, is_complete));
	json_t *strict = strict_json(&before, w, r->client);
	if (strict != NULL)
		json_object_set_new(o, "strict", strict);
	return o;
}

/* 0, or the call has failed. */
static int read_request(struct api_call *call, struct explain_request *ret, struct walk *w)
{
	const char *command;
	json_error_t error;
	*ret = (struct explain_request){ .type = "A", .client = "127.0.0.1" };
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s, s?s, s?s, s?s !}", "command",
	                   &command, "name", &ret->name, "type", &ret->type, "client", &ret->client,
	                   "group", &ret->group) != 0) {
		call_fail(call, "bad-request", "%s", error.text);
		return -1;
	}
	if (name_from_text(ret->name, strlen(ret->name), &w->name) != 0) {
		call_fail(call, "bad-name", "\"%.300s\" is not a domain name", ret->name);
		return -1;
	}
	if (dns_type_from_text(ret->type, &w->type) != 0) {
		call_fail(call, "bad-type", "\"%.64s\" is not a record type", ret->type);
		return -1;
	}
	if (addr_from_text(ret->client, strlen(ret->client), &ret->addr) != 0) {
		call_fail(call, "bad-client", "\"%.64s\" is not an IP address", ret->client);
		return -1;
	}
	return 0;
}

enum call_outcome command_explain(struct api_call *call)
{
	struct explain_request r;
	struct walk w = { .context = call->context, .policy = policy_current() };
	if (read_request(call, &r, &w) != 0)
		return CALL_DONE;
	if (w.policy == NULL)
		return call_fail(call, "not-ready", "no policy is in force yet");
	w.group = r.group != NULL ? policy_group_named(w.policy, r.group)
	                          : policy_group_of(w.policy, &r.addr);
	if (r.group != NULL && w.group == POLICY_NO_GROUP)
		return call_fail(call, "no-group", "there is no group \"%.63s\"", r.group);
	w.client = r.addr;
	/* Asked for a group alone there is no client whose address could be listed. */
	w.has_client = r.group == NULL && policy_group_judges_clients(w.policy, w.group);
	walk_begin(&w);
	name_hash_all(w.name.wire, &w.hashes);
	w.domain_json = walk_domain(&w);
	w.stages = json_array();
	call_done(call, "explain", explain(&w, &r));
	return call_with_lines(call);
}
