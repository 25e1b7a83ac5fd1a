/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir feeds: where lists come from, how old they are, which version is in force. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "base/clock.h"

/* ---- list ---- */

static void set_number(json_t *o, const char *member, uint64_t n)
{
	if (n != 0)
		json_object_set_new(o, member, json_integer((json_int_t)n));
}

static void set_text(json_t *o, const char *member, const char *text)
{
	if (text != NULL && text[0] != 0)
		json_object_set_new(o, member, json_string(text));
}

static bool has_pin(const json_t *versions)
{
	for (size_t i = 0; i < json_array_size(versions); i++) {
		if (json_is_true(json_object_get(json_array_get(versions, i), "pinned")))
			return true;
	}
	return false;
}

/* Without a report the image of the last process is in force, and was current at the start. */
static const char *state_of(const struct feeds_report *r, const json_t *versions)
{
	if (r == NULL)
		return has_pin(versions) ? "pinned" : "in-force";
	switch (r->origin) {
	case FEEDS_FROM_FILE:
		return "in-force";
	case FEEDS_FROM_COPY:
		return r->is_refused ? "refused" : "last-good";
	case FEEDS_FROM_VERSION:
		return "pinned";
	case FEEDS_FROM_NOWHERE:
		return "empty";
	}
	return "in-force";
}

static json_t *versions_to_json(const char *state_dir, const char *list)
{
	static struct feeds_version v[FEEDS_MAX_VERSIONS]; /* housekeeping only */
	json_t *a = json_array();
	unsigned n = feeds_versions(state_dir, list, v);
	for (unsigned i = 0; i < n; i++) {
		json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:b}", "version",
		                      (json_int_t)v[i].number, "came_s", (json_int_t)v[i].came_s,
		                      "rules", (json_int_t)v[i].rules, "bytes",
		                      (json_int_t)v[i].bytes, "pinned", v[i].is_pinned);
		if (v[i].has_serial)
			json_object_set_new(o, "serial", json_integer(v[i].serial));
		json_array_append_new(a, o);
	}
	return a;
}

static void add_report(json_t *o, const struct feeds_report *r)
{
	if (r == NULL)
		return;
	json_object_set_new(o, "rules",
	                    json_integer((json_int_t)r->names + (json_int_t)r->prefixes));
	set_number(o, "skipped", r->skipped);
	set_number(o, "expired", r->skips[FEEDS_SKIP_EXPIRED]);
	set_number(o, "revoked", r->skips[FEEDS_SKIP_REVOKED]);
	set_number(o, "changes_s", r->changes_s);
	set_number(o, "loaded_s", r->loaded_s);
	set_text(o, "problem", r->message);
	if (r->has_serial)
		json_object_set_new(o, "serial", json_integer(r->serial));
}

static void add_fetch(json_t *o, const struct fetch_status *s)
{
	if (s == NULL)
		return;
	set_text(o, "url", s->url);
	set_number(o, "tried_s", s->tried_s);
	set_number(o, "fetched_s", s->fetched_s);
	set_number(o, "changed_s", s->changed_s);
	set_number(o, "next_s", s->next_s);
	set_number(o, "failures", s->n_failures);
	set_text(o, "error", s->why);
	json_object_set_new(o, "running", json_boolean(s->is_running));
}

/* The zone, and who has it. */
static void set_zone(json_t *o, const struct config_list *l)
{
	char text[NAME_TEXT_MAX + ADDR_TEXT_MAX];
	json_t *primaries = json_array();
	name_to_text(l->zone.wire, text);
	set_text(o, "zone", text);
	for (unsigned i = 0; i < l->primaries.n; i++) {
		endpoint_to_text(&l->primaries.at[i], text);
		json_array_append_new(primaries, json_string(text));
	}
	json_object_set_new(o, "primaries", primaries);
}

static json_t *list_to_json(const struct api_context *c, const struct config *config,
                            const struct config_list *l)
{
	const struct feeds_report *r = c->report != NULL ? c->report(c->arg, l->name) : NULL;
	const struct fetch_status *s = c->fetched != NULL ? c->fetched(c->arg, l->name) : NULL;
	json_t *versions = versions_to_json(config->state, l->name);
	json_t *o = json_pack("{s:s, s:s, s:s}", "name", l->name, "format", l->format, "state",
	                      state_of(r, versions));
	set_text(o, "file", l->file);
	if (l->file == NULL)
		set_text(o, "url", l->url);
	if (l->primaries.n > 0)
		set_zone(o, l);
	if (c->is_old != NULL && c->is_old(c->arg, l->name))
		json_object_set_new(o, "too_old", json_true());
	add_report(o, r);
	add_fetch(o, s);
	json_object_set_new(o, "versions", versions);
	return o;
}

static enum call_outcome list(struct api_call *call, const struct config *config)
{
	json_t *lists = json_array();
	for (unsigned i = 0; i < config->lists.n; i++)
		json_array_append_new(lists,
		                      list_to_json(call->context, config, &config->lists.at[i]));
	return call_done(call, "feeds",
	                 json_pack("{s:o, s:I}", "lists", lists, "now_s",
	                           (json_int_t)(clock_wall_ns() / NS_PER_S)));
}

/* ---- doing ---- */

struct feeds_request {
	const char *action, *name;
	json_int_t version;
	int until_newer;
};

static const struct config_list *find_list(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->lists.n && name != NULL; i++) {
		if (strcmp(c->lists.at[i].name, name) == 0)
			return &c->lists.at[i];
	}
	return NULL;
}

static enum call_outcome done(struct api_call *call, const char *what, const char *name,
                              uint64_t version)
{
	json_t *o = json_pack("{s:s}", "done", what);
	set_text(o, "name", name);
	set_number(o, "version", version);
	return call_done(call, "feeds", o);
}

static enum call_outcome update(struct api_call *call, const struct feeds_request *r)
{
	const struct api_context *c = call->context;
	int e = c->fetch_now != NULL ? c->fetch_now(c->arg, r->name) : -ENOENT;
	if (e == -ENOENT && r->name == NULL)
		return call_fail(call, "not-available", "no list is downloaded");
	if (e == -ENOENT)
		return call_fail(call, "not-available", "the list %.63s is not downloaded",
		                 r->name);
	if (e != 0)
		return call_fail(call, "failed", "%s", strerror(-e));
	return done(call, "updating", r->name, 0);
}

/* The version that the request means: by number, or the one before the newest. */
static uint32_t version_of(const struct feeds_request *r, const char *state_dir)
{
	static struct feeds_version v[FEEDS_MAX_VERSIONS];
	if (r->version > 0 && r->version <= UINT32_MAX)
		return (uint32_t)r->version;
	unsigned n = feeds_versions(state_dir, r->name, v);
	bool is_pin = strcmp(r->action, "pin") == 0;
	unsigned back = is_pin ? 1 : 2;
	return r->version == 0 && n >= back ? v[n - back].number : 0;
}

static enum call_outcome decide(struct api_call *call, const struct feeds_request *r,
                                const struct config *config, const struct config_list *l)
{
	char path[4096];
	uint32_t version = 0;
	int e;
	int n = l->file != NULL ? snprintf(path, sizeof path, "%s", l->file)
	                        : snprintf(path, sizeof path, "%s/%s/%s", config->state,
	                                   l->primaries.n > 0 ? "zones" : "feeds", l->name);
	if (n < 0 || (size_t)n >= sizeof path)
		return call_fail(call, "failed", "the path of the list is too long");
	if (strcmp(r->action, "accept") == 0) {
		e = feeds_accept(config->state, l->name, path);
	} else if (strcmp(r->action, "unpin") == 0) {
		e = feeds_unpin(config->state, l->name);
	} else {
		version = version_of(r, config->state);
		e = feeds_pin(config->state, l->name, path, version, r->until_newer != 0);
	}
	if (e == -ENOENT)
		return call_fail(
			call, "not-found",
			strcmp(r->action, "unpin") == 0 ? "no version of %.63s is pinned"
			: strcmp(r->action, "accept") == 0
				? "%.63s has no file"
				: "there is no such version of %.63s; weir feeds shows those that are kept",
			l->name);
	if (e != 0)
		return call_fail(call, "failed", "%.63s: it could not be saved: %s", l->name,
		                 strerror(-e));
	e = call->context->reread != NULL ? call->context->reread(call->context->arg) : 0;
	if (e != 0 && e != -EBUSY)
		return call_fail(call, "failed", "saved, but the lists cannot be read: %s",
		                 strerror(-e));
	return done(call, r->action, l->name, version);
}

enum call_outcome command_feeds(struct api_call *call)
{
	const char *command;
	json_error_t error;
	struct feeds_request r = { .action = "list" };
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s?s, s?s, s?I, s?b !}", "command",
	                   &command, "action", &r.action, "name", &r.name, "version", &r.version,
	                   "until_newer", &r.until_newer) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	const struct config *config =
		call->context->config != NULL ? call->context->config(call->context->arg) : NULL;
	if (config == NULL)
		return call_fail(call, "not-available", "there is no configuration here");
	const struct config_list *l = find_list(config, r.name);
	if (r.name != NULL && l == NULL)
		return call_fail(call, "not-found", "there is no list \"%.63s\"", r.name);
	if (strcmp(r.action, "list") == 0)
		return list(call, config);
	if (strcmp(r.action, "update") == 0)
		return update(call, &r);
	static const char *const decisions[] = { "rollback", "pin", "unpin", "accept" };
	for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
		if (strcmp(r.action, decisions[i]) != 0)
			continue;
		if (l == NULL)
			return call_fail(call, "bad-request", "a \"name\" is missing");
		if (config->state == NULL || config->state[0] == 0)
			return call_fail(call, "not-available",
			                 "without a `state:` folder no versions are kept");
		return decide(call, &r, config, l);
	}
	return call_fail(call, "bad-request",
	                 "there is no action \"%.32s\": list, update, rollback, pin, unpin, accept",
	                 r.action);
}
