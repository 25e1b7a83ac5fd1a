/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/edit_line.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const char *const scope_names[] = { "exact", "tree", "below" };

/* Text that may stand in a terminal: no control characters; UTF-8 is jansson's to check. */
static bool text_is_good(const char *text, size_t size)
{
	size_t n = strnlen(text, size);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	}
	return n < size;
}

int edit_check(const struct policy_edit *e)
{
	struct name lower;
	if (e->name.len == 0 || name_check(e->name.wire, e->name.len) != e->name.len)
		return -EINVAL;
	name_set(&lower, e->name.wire);
	if (memcmp(lower.wire, e->name.wire, lower.len) != 0)
		return -EINVAL;
	/* `log` has no list to be counted for, `address` and `redirect` no data. */
	bool is_action = e->action == POLICY_ALLOW ||
	                 (e->action >= POLICY_NXDOMAIN && e->action <= POLICY_TRUNCATE);
	if (!is_action || e->scope > POLICY_SCOPE_BELOW || e->made_s > INT64_MAX ||
	    e->expires_s > INT64_MAX || !text_is_good(e->group_name, sizeof e->group_name) ||
	    !text_is_good(e->who, sizeof e->who) || !text_is_good(e->reason, sizeof e->reason))
		return -EINVAL;
	return 0;
}

int edit_line_write(enum edit_op op, const struct policy_edit *e, char ret_line[EDIT_LINE_MAX])
{
	char name[NAME_TEXT_MAX];
	name_to_text(e->name.wire, name);
	json_t *o =
		op == EDIT_REMOVE
			? json_pack("{s:s,s:s,s:s}", "op", "remove", "name", name, "group",
	                            e->group_name)
			: json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:s,s:s}", "op", "add", "name",
	                            name, "action", policy_action_name(e->action), "scope",
	                            scope_names[e->scope], "group", e->group_name, "made",
	                            (json_int_t)e->made_s, "expires", (json_int_t)e->expires_s,
	                            "who", e->who, "reason", e->reason);
	if (o == NULL)
		return -EINVAL;
	size_t n = json_dumpb(o, ret_line, EDIT_LINE_MAX - 2, JSON_COMPACT);
	json_decref(o);
	if (n == 0 || n > EDIT_LINE_MAX - 2)
		return -EINVAL;
	ret_line[n] = '\n';
	ret_line[n + 1] = 0;
	return (int)n + 1;
}

/* A string member; missing counts as "". */
static bool take_text(json_t *o, const char *key, char *ret, size_t size)
{
	json_t *v = json_object_get(o, key);
	if (v == NULL) {
		ret[0] = 0;
		return true;
	}
	if (!json_is_string(v) || json_string_length(v) >= size)
		return false;
	memcpy(ret, json_string_value(v), json_string_length(v) + 1);
	return true;
}

static bool take_seconds(json_t *o, const char *key, uint64_t *ret)
{
	json_t *v = json_object_get(o, key);
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static bool take_name(json_t *o, struct name *ret)
{
	json_t *v = json_object_get(o, "name");
	return json_is_string(v) &&
	       name_from_text(json_string_value(v), json_string_length(v), ret) == 0;
}

static bool take_scope(json_t *o, enum policy_scope *ret)
{
	char text[16];
	if (!take_text(o, "scope", text, sizeof text))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(scope_names); i++) {
		if (strcmp(text, scope_names[i]) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static int parse_object(json_t *o, enum edit_op *ret_op, struct policy_edit *ret)
{
	struct policy_edit e = { .group = POLICY_NO_GROUP };
	char op[16];
	char action[16];
	if (!take_text(o, "op", op, sizeof op) || !take_name(o, &e.name) ||
	    !take_text(o, "group", e.group_name, sizeof e.group_name) ||
	    !text_is_good(e.group_name, sizeof e.group_name))
		return -EINVAL;
	if (strcmp(op, "remove") == 0) {
		*ret_op = EDIT_REMOVE;
		*ret = e;
		return 0;
	}
	if (strcmp(op, "add") != 0 || !take_text(o, "action", action, sizeof action) ||
	    policy_action_from_text(action, &e.action) != 0 || !take_scope(o, &e.scope) ||
	    !take_seconds(o, "made", &e.made_s) || !take_seconds(o, "expires", &e.expires_s) ||
	    !take_text(o, "who", e.who, sizeof e.who) ||
	    !take_text(o, "reason", e.reason, sizeof e.reason) || edit_check(&e) != 0)
		return -EINVAL;
	*ret_op = EDIT_ADD;
	*ret = e;
	return 0;
}

int edit_line_parse(const char *line, size_t n, enum edit_op *ret_op, struct policy_edit *ret)
{
	if (n >= EDIT_LINE_MAX)
		return -EINVAL;
	json_error_t why;
	json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, &why);
	if (o == NULL)
		return -EINVAL;
	int e = parse_object(o, ret_op, ret);
	json_decref(o);
	return e;
}
