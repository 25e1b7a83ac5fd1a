/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir block, weir allow, weir undo, weir edits: the operator's rules, in force at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/explain.h"
#include "base/clock.h"

enum {
	MAX_FOR_S = 100 * 365 * 86400U, /* longer is a slip; never is the default */
	EDITS_A_REPLY = 1000,
	EFFECTS_SHOWN = 16, /* groups that fare alike are one effect */
};

/* ---- effects: what the name got before, and gets now ---- */

/* As much of a verdict as can be compared after the snapshot has changed. */
struct standing {
	enum policy_action action;
	bool is_edit, is_own; /* is_own: the very edit that was made */
	json_t *told;         /* verdict_to_json() */
};

struct effect {
	struct standing before, after;
	json_t *groups; /* names */
	bool is_used;
};

struct effects {
	unsigned n_groups;
	uint16_t only;    /* or POLICY_NO_GROUP: all */
	struct name name; /* what is judged: the edit's name, or one below it */
	struct name_hashes hashes;
	struct standing *before; /* by group */
};

static struct standing standing_of(const struct effects *e, uint16_t group,
                                   const struct policy_edit *made)
{
	const struct policy *p = policy_current();
	struct verdict v;
	policy_judge_name(p, group, POLICY_TRIGGER_QUESTION, e->name.wire, &e->hashes, &v);
	return (struct standing){
		.action = v.action,
		.is_edit = v.edit != NULL,
		.is_own = v.edit != NULL && made != NULL &&
		          name_equal(v.edit->name.wire, made->name.wire) &&
		          v.edit->scope == made->scope && v.edit->action == made->action &&
		          strcmp(v.edit->group_name, made->group_name) == 0,
		.told = verdict_to_json(p, &v, e->name.wire),
	};
}

static bool concerns(const struct effects *e, unsigned group)
{
	return e->only == POLICY_NO_GROUP || e->only == group;
}

/* A name below, for edits that leave the name itself alone: a star stands for any label. */
static void name_below(const struct name *name, struct name *ret)
{
	*ret = *name;
	if (name->len + 2 > NAME_MAX_BYTES)
		return;
	memcpy(ret->wire, "\x01*", 2);
	memcpy(ret->wire + 2, name->wire, name->len);
	ret->len = (uint8_t)(name->len + 2);
}

static int effects_start(struct effects *e, const struct policy_edit *edit, uint16_t only)
{
	*e = (struct effects){ .n_groups = policy_n_groups(policy_current()),
		               .only = only,
		               .name = edit->name };
	if (edit->scope == POLICY_SCOPE_BELOW)
		name_below(&edit->name, &e->name);
	name_hash_all(e->name.wire, &e->hashes);
	e->before = calloc(e->n_groups > 0 ? e->n_groups : 1, sizeof *e->before);
	if (e->before == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < e->n_groups; i++)
		if (concerns(e, i))
			e->before[i] = standing_of(e, (uint16_t)i, NULL);
	return 0;
}

static void effects_done(struct effects *e)
{
	for (unsigned i = 0; i < e->n_groups; i++)
		json_decref(e->before[i].told);
	free(e->before);
}

static struct effect *place_for(struct effect *at, const struct standing *before,
                                const struct standing *after)
{
	for (unsigned i = 0; i < EFFECTS_SHOWN; i++) {
		if (!at[i].is_used)
			return &at[i];
		if (json_equal(at[i].before.told, before->told) &&
		    json_equal(at[i].after.told, after->told))
			return &at[i];
	}
	return NULL;
}

/* Judge again, and gather the groups that fare alike. */
static void effects_gather(const struct effects *e, const struct policy_edit *made,
                           struct effect *at)
{
	const struct policy *p = policy_current();
	for (unsigned i = 0; i < e->n_groups; i++) {
		if (!concerns(e, i))
			continue;
		struct standing after = standing_of(e, (uint16_t)i, made);
		struct effect *x = place_for(at, &e->before[i], &after);
		if (x != NULL && !x->is_used) {
			*x = (struct effect){ .before = e->before[i],
				              .after = after,
				              .groups = json_array(),
				              .is_used = true };
			json_incref(x->before.told);
			json_incref(x->after.told);
		}
		if (x != NULL) {
			struct policy_group_view g;
			policy_group_view(p, (uint16_t)i, &g);
			json_array_append_new(x->groups, json_string(g.name));
		}
		json_decref(after.told);
	}
}

static const char *told(const struct standing *s, const char *member)
{
	const char *text = json_string_value(json_object_get(s->told, member));
	return text != NULL ? text : "";
}

/* What the operator should know of one effect. */
static void add_note(json_t *notes, const struct effect *x, const struct policy_edit *made)
{
	const struct standing *b = &x->before, *a = &x->after;
	const char *action = policy_action_name(made->action);
	const char *what = made->scope == POLICY_SCOPE_BELOW ? "names below it" : "the name itself";
	json_t *note = NULL;
	if (!a->is_own)
		note = json_sprintf("it does not decide for %s: %s %s (%s) goes first", what,
		                    a->is_edit ? "the edit" : "rule", told(a, "rule"),
		                    told(a, "action"));
	else if (b->is_edit)
		note = json_sprintf("the earlier edit %s (%s) is overridden or replaced",
		                    told(b, "rule"), told(b, "action"));
	else if (b->action == made->action && strcmp(told(b, "by"), "list") == 0)
		note = json_sprintf("nothing changes for %s: rule %s of list %s "
		                    "says %s already",
		                    what, told(b, "rule"), told(b, "list"), action);
	else if (strcmp(told(b, "by"), "list") == 0)
		note = json_sprintf("overrides rule %s of list %s (%s)", told(b, "rule"),
		                    told(b, "list"), told(b, "action"));
	else if (strcmp(told(b, "by"), "default") == 0 && made->action == POLICY_ALLOW)
		note = json_sprintf("passes the group's default: deny");
	else if (b->action == POLICY_NONE && made->action == POLICY_ALLOW)
		note = json_sprintf("no rule stood against %s; aliases, name servers and "
		                    "addresses are no longer looked at",
		                    what);
	if (note != NULL)
		json_array_append_new(notes, note);
}

/* The "effects" of the reply; frees what was gathered. */
static json_t *effects_to_json(struct effect *at, const struct policy_edit *made)
{
	json_t *all = json_array();
	for (unsigned i = 0; i < EFFECTS_SHOWN && at[i].is_used; i++) {
		json_t *notes = json_array();
		if (made != NULL)
			add_note(notes, &at[i], made);
		json_array_append_new(all, json_pack("{s:o, s:o, s:o, s:o}", "groups", at[i].groups,
		                                     "before", at[i].before.told, "after",
		                                     at[i].after.told, "notes", notes));
	}
	return all;
}

/* ---- reading requests ---- */

struct edit_request {
	const char *name, *group, *reason, *action;
	json_int_t for_s;
	int is_exact;
	bool has_for;
};

/* UTF-8 as it was sent, but for bytes that would steer a terminal or break a line of the log. */
static int copy_reason(const char *reason, char *ret, size_t n)
{
	size_t len = strlen(reason);
	if (len >= n)
		return -E2BIG;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)reason[i] < 0x20 || reason[i] == 0x7f)
			return -EINVAL;
	memcpy(ret, reason, len + 1);
	return 0;
}

/* "*.x" is everything below x. 0 or the call has failed. */
static int read_name(struct api_call *call, const char *text, int is_exact, struct policy_edit *e)
{
	e->scope = is_exact ? POLICY_SCOPE_EXACT : POLICY_SCOPE_TREE;
	const char *name = text;
	if (!is_exact && text[0] == '*' && text[1] == '.' && text[2] != '\0') {
		e->scope = POLICY_SCOPE_BELOW;
		name += 2;
	}
	/* A star elsewhere would be taken for a letter: not what anybody means. */
	if (strchr(name, '*') != NULL || name_from_text(name, strlen(name), &e->name) != 0) {
		call_fail(call, "bad-name", "\"%.300s\" is not a domain name", text);
		return -1;
	}
	if (name_is_root(e->name.wire)) {
		call_fail(call, "bad-name",
		          "the root is every name there is: use a group's default instead");
		return -1;
	}
	return 0;
}

static int read_group(struct api_call *call, const char *group, struct policy_edit *e)
{
	e->group = POLICY_NO_GROUP;
	if (group == NULL)
		return 0;
	e->group = policy_group_named(policy_current(), group);
	if (e->group == POLICY_NO_GROUP || strlen(group) > POLICY_LIST_NAME_MAX) {
		call_fail(call, "no-group", "there is no group \"%.63s\"", group);
		return -1;
	}
	memcpy(e->group_name, group, strlen(group) + 1);
	return 0;
}

static int read_action(struct api_call *call, const char *action, struct policy_edit *e)
{
	if (action == NULL)
		return 0;
	if (policy_action_from_text(action, &e->action) != 0 || e->action < POLICY_NXDOMAIN ||
	    e->action > POLICY_TRUNCATE) {
		call_fail(call, "bad-action",
		          "the action of an edit is nxdomain, nodata, refused, drop or truncate");
		return -1;
	}
	return 0;
}

static int read_times(struct api_call *call, const struct edit_request *r, struct policy_edit *e)
{
	/* Rounded up: an edit lasts at least as long as was asked for. */
	e->made_s = (clock_wall_ns() + NS_PER_S - 1) / NS_PER_S;
	if (!r->has_for)
		return 0;
	if (r->for_s < 1 || r->for_s > MAX_FOR_S) {
		call_fail(call, "bad-time", "an edit lasts from 1 second to 100 years");
		return -1;
	}
	e->expires_s = e->made_s + (uint64_t)r->for_s;
	return 0;
}

/* 0, or the call has failed. */
static int read_edit(struct api_call *call, enum policy_action action, struct policy_edit *e)
{
	const char *command;
	json_error_t error;
	struct edit_request r = { .reason = "" };
	r.has_for = json_object_get(call->request, "for_s") != NULL;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s, s?s, s?s, s?s, s?I, s?b !}",
	                   "command", &command, "name", &r.name, "group", &r.group, "reason",
	                   &r.reason, "action", &r.action, "for_s", &r.for_s, "exact",
	                   &r.is_exact) != 0) {
		call_fail(call, "bad-request", "%s", error.text);
		return -1;
	}
	*e = (struct policy_edit){ .action = action };
	if (action == POLICY_ALLOW && r.action != NULL) {
		call_fail(call, "bad-request", "allow takes no action");
		return -1;
	}
	if (read_name(call, r.name, r.is_exact, e) != 0 || read_group(call, r.group, e) != 0 ||
	    read_action(call, r.action, e) != 0 || read_times(call, &r, e) != 0)
		return -1;
	if (copy_reason(r.reason, e->reason, sizeof e->reason) != 0) {
		call_fail(call, "bad-reason",
		          "a reason is one line of at most %zu bytes without control characters",
		          sizeof e->reason - 1);
		return -1;
	}
	size_t n = strnlen(call->who, sizeof e->who - 1);
	memcpy(e->who, call->who, n);
	return 0;
}

/* ---- commands ---- */

static enum call_outcome fail_edit(struct api_call *call, int rc)
{
	if (rc == -E2BIG)
		return call_fail(
			call, "too-many",
			"the edit was not made: there are as many as can be; weir undo takes some back");
	if (rc == -ENOSPC || rc == -EDQUOT)
		return call_fail(call, "too-many",
		                 "the edit was not made: the disk of the state folder is full");
	return call_fail(call, "failed", "the edit was not made: %s", strerror(-rc));
}

static enum call_outcome make_edit(struct api_call *call, enum policy_action action)
{
	struct policy_edit e;
	if (policy_current() == NULL)
		return call_fail(call, "not-ready", "no policy is in force yet");
	if (read_edit(call, action, &e) != 0)
		return CALL_DONE;
	struct effects effects;
	if (effects_start(&effects, &e, e.group) != 0)
		return call_fail(call, "no-memory", "out of memory");
	int rc = policy_edit_add(&e);
	if (rc != 0) {
		effects_done(&effects);
		return fail_edit(call, rc);
	}
	struct effect at[EFFECTS_SHOWN] = { 0 };
	effects_gather(&effects, &e, at);
	effects_done(&effects);
	call_done(call, "edit", edit_to_json(&e));
	json_object_set_new(call->reply, "effects", effects_to_json(at, &e));
	return CALL_DONE;
}

enum call_outcome command_block(struct api_call *call)
{
	return make_edit(call, POLICY_NXDOMAIN);
}

enum call_outcome command_allow(struct api_call *call)
{
	return make_edit(call, POLICY_ALLOW);
}

/* Edits of one name, to say what there is when the one asked for is not. */
struct edits_of_name {
	const uint8_t *lower;
	json_t *found;
};

static void visit_name(const struct policy_edit *e, void *arg)
{
	struct edits_of_name *s = arg;
	if (name_equal(e->name.wire, s->lower))
		json_array_append_new(s->found, edit_to_json(e));
}

static enum call_outcome fail_undo(struct api_call *call, const char *name, const char *group,
                                   const uint8_t *lower)
{
	struct edits_of_name s = { .lower = lower, .found = json_array() };
	policy_edits_each(visit_name, &s);
	const json_t *first = json_array_get(s.found, 0);
	const char *other = json_string_value(json_object_get(first, "group"));
	if (first == NULL)
		call_fail(call, "not-found", "there is no edit of %.300s", name);
	else if (other != NULL)
		call_fail(call, "not-found",
		          "there is no edit of %.300s for %s; there is one for group %s", name,
		          group != NULL ? "that group" : "all groups", other);
	else
		call_fail(call, "not-found",
		          "there is no edit of %.300s for that group; there is one for all groups",
		          name);
	json_decref(s.found);
	return CALL_DONE;
}

enum call_outcome command_undo(struct api_call *call)
{
	const char *command, *name, *group = NULL;
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s, s?s !}", "command", &command,
	                   "name", &name, "group", &group) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (policy_current() == NULL)
		return call_fail(call, "not-ready", "no policy is in force yet");
	struct policy_edit e = { 0 };
	if (read_name(call, name, 0, &e) != 0)
		return CALL_DONE;
	/* The group may be gone from the configuration; its edits can still be taken back. */
	uint16_t only =
		group != NULL ? policy_group_named(policy_current(), group) : POLICY_NO_GROUP;
	struct effects effects;
	if (effects_start(&effects, &e, only) != 0)
		return call_fail(call, "no-memory", "out of memory");
	int rc = policy_edit_remove(e.name.wire, group != NULL ? group : "");
	if (rc != 0) {
		effects_done(&effects);
		if (rc == -ENOENT)
			return fail_undo(call, name, group, e.name.wire);
		return call_fail(call, "failed", "the edit was not taken back: %s", strerror(-rc));
	}
	struct effect at[EFFECTS_SHOWN] = { 0 };
	effects_gather(&effects, NULL, at);
	effects_done(&effects);
	call_done(call, "name", json_string(name));
	json_object_set_new(call->reply, "effects", effects_to_json(at, NULL));
	return CALL_DONE;
}

struct edits_page {
	json_t *edits;
	json_int_t from, at;
};

static void visit_page(const struct policy_edit *e, void *arg)
{
	struct edits_page *page = arg;
	json_int_t i = page->at++;
	if (i >= page->from && i < page->from + EDITS_A_REPLY)
		json_array_append_new(page->edits, edit_to_json(e));
}

enum call_outcome command_edits(struct api_call *call)
{
	const char *command;
	json_error_t error;
	struct edits_page page = { 0 };
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s?I !}", "command", &command, "from",
	                   &page.from) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (page.from < 0)
		return call_fail(call, "bad-request", "\"from\" counts from 0");
	page.edits = json_array();
	policy_edits_each(visit_page, &page);
	call_done(call, "edits", page.edits);
	json_object_set_new(call->reply, "total", json_integer(page.at));
	json_object_set_new(call->reply, "now_s",
	                    json_integer((json_int_t)(clock_wall_ns() / NS_PER_S)));
	return CALL_DONE;
}
