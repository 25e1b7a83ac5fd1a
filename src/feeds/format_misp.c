/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MISP: events with attributes and objects, the answer to a search of attributes, or both in a row. */
#include "feeds/json.h"
#include "feeds/value.h"

/* clang-format off */
enum field { TYPE, VALUE, TO_IDS, DELETED, UUID, COMMENT, N_FIELDS };
/* clang-format on */

static const char *const fields[N_FIELDS] = {
	[TYPE] = "type",       [VALUE] = "value", [TO_IDS] = "to_ids",
	[DELETED] = "deleted", [UUID] = "uuid",   [COMMENT] = "comment",
};

/* What the type's value is; of two, separated by '|', the second may be a port or something else. */
static const struct {
	const char *type;
	enum value_kind first, second;
	bool has_second;
} types[] = {
	/* clang-format off */
	{ "domain",        VALUE_NAME,    VALUE_ANY,     false },
	{ "hostname",      VALUE_NAME,    VALUE_ANY,     false },
	{ "hostname|port", VALUE_NAME,    VALUE_ANY,     false },
	{ "domain|ip",     VALUE_NAME,    VALUE_ADDRESS, true },
	{ "ip-dst",        VALUE_ADDRESS, VALUE_ANY,     false },
	{ "ip-src",        VALUE_ADDRESS, VALUE_ANY,     false },
	{ "ip-dst|port",   VALUE_ADDRESS, VALUE_ANY,     false },
	{ "ip-src|port",   VALUE_ADDRESS, VALUE_ANY,     false },
	{ "url",           VALUE_URL,     VALUE_ANY,     false },
	{ "uri",           VALUE_URL,     VALUE_ANY,     false },
	/* clang-format on */
};

static bool is_true(const struct word *w)
{
	return word_is(w, "true") || word_is(w, "1");
}

static enum feeds_skip judge(const struct word *v)
{
	if (v[TYPE].p == NULL || v[VALUE].p == NULL)
		return FEEDS_SKIP_NOT_FORMAT;
	if (is_true(&v[DELETED]))
		return FEEDS_SKIP_REVOKED;
	/* to_ids: good for detection. Without it an attribute only tells about an event. */
	if (v[TO_IDS].p != NULL && !is_true(&v[TO_IDS]))
		return FEEDS_SKIP_NOT_IDS;
	return FEEDS_SKIP_NONE;
}

static void on_record(struct json_walk *w, const struct word *v)
{
	static const struct policy_rule rule;
	struct scan *s = w->s;
	size_t i = 0;
	enum feeds_skip why = judge(v);
	while (i < ARRAY_LEN(types) && !word_is(&v[TYPE], types[i].type))
		i++;
	if (why == FEEDS_SKIP_NONE && i == ARRAY_LEN(types))
		why = FEEDS_SKIP_OTHER_KIND;
	if (why != FEEDS_SKIP_NONE) {
		scan_skip(s, why, v[VALUE].p != NULL ? &v[VALUE] : NULL);
		return;
	}
	struct word first = v[VALUE], second = { NULL, 0 };
	const char *bar = strchr(types[i].type, '|') != NULL ? memchr(first.p, '|', first.n) : NULL;
	if (bar != NULL) {
		first.n = (size_t)(bar - first.p);
		second = (struct word){ bar + 1, v[VALUE].n - first.n - 1 };
	}
	scan_set_origin(s, &v[UUID], &v[COMMENT]);
	value_add(s, first.p, first.n, types[i].first, &rule);
	if (types[i].has_second && second.p != NULL)
		value_add(s, second.p, second.n, types[i].second, &rule);
	scan_set_origin(s, NULL, NULL);
}

int format_misp_read(struct scan *s, struct reader *r)
{
	return json_read_records(s, r, "Attribute", fields, N_FIELDS, on_record);
}
