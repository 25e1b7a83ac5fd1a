/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/listname.h"
#include "feeds/scan.h"

/* What a type of local zone asks for. POLICY_NONE: to be blocked, the list says how. */
static const struct {
	const char *type;
	enum policy_action action;
} types[] = {
	{ "always_nxdomain", POLICY_NONE },
	{ "static", POLICY_NONE },
	{ "redirect", POLICY_NONE }, /* to what local-data says: a sink */
	{ "always_null", POLICY_NONE },
	{ "always_nodata", POLICY_NODATA },
	{ "always_refuse", POLICY_REFUSED },
	{ "refuse", POLICY_REFUSED },
	{ "always_deny", POLICY_DROP },
	{ "inform_deny", POLICY_DROP },
	{ "deny", POLICY_DROP },
	{ "inform", POLICY_LOG },
	{ "always_transparent", POLICY_ALLOW },
	{ "transparent", POLICY_ALLOW },
};

/* One value, in double or single quotes or bare; it is taken off `rest`. */
static bool next_value(struct word *rest, struct word *ret)
{
	*rest = scan_trim(rest->p, rest->n);
	if (rest->n == 0)
		return false;
	char quote = *rest->p;
	if (quote != '"' && quote != '\'')
		return scan_next_word(rest, ret);
	const char *end = memchr(rest->p + 1, quote, rest->n - 1);
	if (end == NULL)
		return false;
	*ret = scan_trim(rest->p + 1, (size_t)(end - rest->p - 1));
	rest->n -= (size_t)(end + 1 - rest->p);
	rest->p = end + 1;
	return true;
}

static void add(struct scan *s, const struct word *w, const struct policy_rule *rule)
{
	struct name name;
	enum feeds_skip why = listname_read(w->p, w->n, &name);
	if (why != FEEDS_SKIP_NONE)
		scan_skip(s, why, NULL);
	else
		scan_rule_name(s, &name, rule);
}

static void read_zone(struct scan *s, struct word rest)
{
	struct policy_rule rule = { .scope = POLICY_SCOPE_TREE };
	struct word name, type;
	if (!next_value(&rest, &name) || !next_value(&rest, &type) ||
	    scan_trim(rest.p, rest.n).n > 0) {
		scan_skip(s, FEEDS_SKIP_NOT_FORMAT, NULL);
		return;
	}
	size_t i = 0;
	while (i < ARRAY_LEN(types) && !word_is_caseless(&type, types[i].type))
		i++;
	if (i == ARRAY_LEN(types)) {
		scan_skip(s, FEEDS_SKIP_OPTION, NULL);
		return;
	}
	rule.action = types[i].action;
	if (rule.action == POLICY_ALLOW && s->is_log_only)
		scan_skip(s, FEEDS_SKIP_LOG_EXCEPTION, NULL);
	else
		add(s, &name, &rule);
}

/* "name [ttl] [IN] A 0.0.0.0": a sink blocks the name; other data are not for Weir to answer. */
static void read_data(struct scan *s, struct word rest)
{
	const struct policy_rule rule = { .scope = POLICY_SCOPE_EXACT };
	struct word record, name, w, last = { "", 0 };
	struct addr a;
	if (!next_value(&rest, &record) || !scan_next_word(&record, &name)) {
		scan_skip(s, FEEDS_SKIP_NOT_FORMAT, NULL);
		return;
	}
	bool is_address = false;
	while (scan_next_word(&record, &w)) {
		is_address |= word_is_caseless(&w, "A") || word_is_caseless(&w, "AAAA");
		last = w;
	}
	static const uint8_t zero[15];
	bool is_sink = is_address && addr_from_text(last.p, last.n, &a) == 0 &&
	               (a.is_v4 ? a.bytes[12] == 127 || memcmp(a.bytes + 12, "\0\0\0\0", 4) == 0
	                        : memcmp(a.bytes, zero, 15) == 0 && a.bytes[15] <= 1);
	if (is_sink)
		add(s, &name, &rule);
	else
		scan_skip(s, FEEDS_SKIP_NOT_SINK, NULL);
}

/* local-zone: "bad.example" always_nxdomain */
void format_unbound_line(struct scan *s, const char *text, size_t n)
{
	struct word line = scan_without_comment(text, n, '#');
	if (*text == '#') {
		scan_comment(s);
		return;
	}
	const char *colon = memchr(line.p, ':', line.n);
	struct word key = { line.p, colon != NULL ? (size_t)(colon - line.p) : 0 };
	struct word rest = { line.p + key.n + 1, colon != NULL ? line.n - key.n - 1 : 0 };
	if (word_is_caseless(&key, "local-zone"))
		read_zone(s, rest);
	else if (word_is_caseless(&key, "local-data"))
		read_data(s, rest);
	else if (word_is_caseless(&key, "server") && scan_trim(rest.p, rest.n).n == 0)
		scan_comment(s); /* the head of the section */
	else
		scan_skip(s,
		          key.n > 0 && memchr(key.p, ' ', key.n) == NULL ? FEEDS_SKIP_OPTION
		                                                         : FEEDS_SKIP_NOT_FORMAT,
		          NULL);
}
