/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <xxhash.h>

#include "feeds/adblock_rule.h"
#include "feeds/listname.h"
#include "feeds/pattern.h"

/* ---- what kind of line is it? ---- */

static bool is_comment(const char *text, size_t n)
{
	if (*text == '!' || *text == '[') /* "[Adblock Plus 2.0]" */
		return true;
	/* "#" begins a comment of a hosts list, but "##" a cosmetic rule. */
	return *text == '#' && (n == 1 || strchr("#@?$%", text[1]) == NULL ||
	                        (n > 2 && text[1] == '#' && (text[2] == '#' || text[2] == ' ')));
}

/* example.com##.ad, #@#.ad, example.com#?#..., #$#, #%#, and HTML rules: example.com$$script */
static bool is_cosmetic(const char *text, size_t n)
{
	const char *end = text + n;
	for (const char *p = text; (p = memchr(p, '#', (size_t)(end - p))) != NULL; p++) {
		if (p + 1 < end && strchr("#@?$%", p[1]) != NULL)
			return true;
	}
	return memmem(text, n, "$$", 2) != NULL || memmem(text, n, "$@$", 3) != NULL;
}

/* The length of "/.../" at the front of a rule, 0 if there is none. */
static size_t regex_len(const char *text, size_t n)
{
	if (n < 3 || *text != '/')
		return 0;
	const char *last = memrchr(text + 1, '/', n - 1);
	if (last == NULL || last == text + 1 || (last + 1 != text + n && last[1] != '$'))
		return 0;
	return (size_t)(last + 1 - text);
}

static bool is_hosts_line(const char *text, size_t n)
{
	struct word rest = { text, n }, w = { text, 0 };
	struct addr a;
	/* Only the first byte of most lines is looked at: names are behind "||" here. */
	if (!((*text >= '0' && *text <= '9') || *text == ':'))
		return false;
	return scan_next_word(&rest, &w) && rest.n > 0 && addr_from_text(w.p, w.n, &a) == 0;
}

/* ---- the pattern ---- */

static void chop(struct word *w, size_t front, size_t back)
{
	w->p += front;
	w->n -= front + back;
}

static bool starts(struct word w, const char *text)
{
	size_t n = strlen(text);
	return w.n >= n && memcmp(w.p, text, n) == 0;
}

/* What of a pattern is not a name is a pattern, unless no rule has such characters. */
static enum feeds_skip kind_of_bad(struct word w)
{
	for (size_t i = 0; i < w.n; i++) {
		if ((uint8_t)w.p[i] <= ' ' || strchr("<>\"{}\\`\x7f", w.p[i]) != NULL)
			return FEEDS_SKIP_BAD_CHARACTER;
	}
	return FEEDS_SKIP_PATTERN;
}

/*
 * The pattern into name and scope. In AdBlock syntax "||" stands for the beginning of a label,
 * "|" for the beginning or end of the address, "^" for its end or a separator; no anchor means
 * "anywhere", and a text without an end goes on with anything. A rule is taken if it names a
 * whole name; where it would also match names that only begin or end with the same text
 * ("||name" without "^", "name^" without "||"), it is taken for the name and what is below it.
 */
static enum feeds_skip read_pattern(struct adblock_rule *rule, bool has_modifiers)
{
	struct word w = rule->pattern;
	unsigned bars = starts(w, "||") ? 2 : starts(w, "|") ? 1 : 0;
	chop(&w, bars, 0);
	if (memmem(w.p, w.n, "://", 3) != NULL)
		return FEEDS_SKIP_URL;
	bool has_end = false;
	while (w.n > 0 && (w.p[w.n - 1] == '^' || w.p[w.n - 1] == '|')) {
		has_end = true;
		chop(&w, 0, 1);
	}
	rule->scope = POLICY_SCOPE_TREE;
	if (starts(w, "*.")) {
		rule->scope = POLICY_SCOPE_BELOW;
		chop(&w, 2, 0);
	} else if (bars == 0 && starts(w, ".")) {
		rule->scope = POLICY_SCOPE_BELOW;
		chop(&w, 1, 0);
	} else if (bars == 1) {
		rule->scope = POLICY_SCOPE_EXACT;
	} else if (bars == 0 && !has_end && !has_modifiers && !rule->is_exception) {
		rule->scope = POLICY_SCOPE_EXACT; /* a bare name: "domains-only syntax" */
	}
	if (w.n == 0 || memchr(w.p, '^', w.n) != NULL || memchr(w.p, '|', w.n) != NULL)
		return FEEDS_SKIP_PATTERN;
	if (w.p[w.n - 1] == '.') /* "||ads." goes on with any name: not the name "ads" */
		return FEEDS_SKIP_PATTERN;
	if (bars == 1 && !has_end)
		return FEEDS_SKIP_PATTERN;
	/* Without an anchor a text is a name only if it looks like a whole one. */
	if (bars == 0 && (memchr(w.p, '.', w.n) == NULL || *w.p == '-' || *w.p == '_'))
		return kind_of_bad(w);
	enum feeds_skip why = listname_read(w.p, w.n, &rule->name);
	return why == FEEDS_SKIP_BAD_CHARACTER ? kind_of_bad(w) : why;
}

/* ---- what the rule does ---- */

/* What the rule takes back of others in its list. False: nothing. */
static bool kind_of(const struct adblock_rule *rule, enum override_kind *ret)
{
	if (rule->is_exception && rule->has_rewrite)
		*ret = OVERRIDE_REWRITE;
	else if (rule->is_exception)
		*ret = rule->is_important ? OVERRIDE_EXCEPTION_STRONG : OVERRIDE_EXCEPTION;
	else
		*ret = OVERRIDE_BLOCK_STRONG;
	return rule->is_exception || rule->is_important;
}

static void collect(struct scan *s, const struct adblock_rule *rule)
{
	enum override_kind kind;
	struct type_set types;
	int e = 0;
	if (s->pass != SCAN_CHECK || s->overrides == NULL)
		return;
	if (rule->is_badfilter)
		e = overrides_add_off(s->overrides, rule->text_hash);
	else if (rule->is_pattern || !kind_of(rule, &kind))
		return; /* a pattern stands, against names, where policy.h puts it */
	else if (rule->data.n_types == 0)
		e = overrides_add(s->overrides, rule->name.wire, rule->scope, kind,
		                  rule->text_hash);
	else {
		adblock_types(rule, &types);
		e = overrides_add_types(s->overrides, rule->name.wire, rule->scope, kind,
		                        rule->text_hash, &types);
	}
	if (s->error == 0)
		s->error = e;
}

/* What the list itself takes back of the rule: all, or some types of questions. */
static enum feeds_skip take_back(const struct scan *s, struct adblock_rule *rule)
{
	unsigned kinds = 1U << OVERRIDE_EXCEPTION_STRONG;
	struct type_set types;
	if (s->pass != SCAN_EMIT || s->overrides == NULL || rule->is_pattern)
		return FEEDS_SKIP_NONE;
	if (rule->is_exception)
		kinds = rule->is_important ? 0 : 1U << OVERRIDE_BLOCK_STRONG;
	else if (!rule->is_important)
		kinds |= 1U << OVERRIDE_EXCEPTION;
	if (rule->has_rewrite)
		kinds |= 1U << OVERRIDE_REWRITE;
	if (kinds == 0)
		return FEEDS_SKIP_NONE;
	adblock_types(rule, &types);
	if (!overrides_leave(s->overrides, rule->name.wire, rule->scope, kinds, &types))
		return FEEDS_SKIP_DNSTYPE;
	if (type_set_is_empty(&types))
		return FEEDS_SKIP_EXCEPTED;
	adblock_set_types(rule, &types);
	return FEEDS_SKIP_NONE;
}

/* One name of $denyallow=a|b. The next is taken off `rest`. */
static enum feeds_skip next_denied(struct word *rest, const struct adblock_rule *rule,
                                   struct name *ret)
{
	const char *bar = memchr(rest->p, '|', rest->n);
	size_t n = bar != NULL ? (size_t)(bar - rest->p) : rest->n;
	enum feeds_skip why = listname_read(rest->p, n, ret);
	chop(rest, bar != NULL ? n + 1 : n, 0);
	if (why != FEEDS_SKIP_NONE || ret->len <= rule->name.len ||
	    !name_is_within(ret->wire, rule->name.wire))
		return FEEDS_SKIP_DENYALLOW;
	return FEEDS_SKIP_NONE;
}

static enum feeds_skip check_denyallow(const struct adblock_rule *rule)
{
	struct name name;
	struct word rest = rule->denyallow;
	if (rest.n > 0 &&
	    (rule->is_pattern || rule->is_exception || rule->scope == POLICY_SCOPE_EXACT))
		return FEEDS_SKIP_DENYALLOW;
	while (rest.n > 0) {
		if (next_denied(&rest, rule, &name) != FEEDS_SKIP_NONE)
			return FEEDS_SKIP_DENYALLOW;
	}
	return FEEDS_SKIP_NONE;
}

/* Types of names go with their data, those of patterns by themselves. */
static void emit_pattern(struct scan *s, const struct adblock_rule *rule,
                         const struct policy_rule *out)
{
	const struct policy_data *d = &rule->data;
	struct policy_pattern_rule pattern = { .is_important = out->is_important,
		                               .action = out->action,
		                               .types_are_not = d->types_are_not,
		                               .n_types = d->n_types };
	for (unsigned i = 0; i < d->n_types; i++)
		pattern.types[i] = load16(d->types + 2UL * i);
	pattern.data = out->action == POLICY_ADDRESS || out->action == POLICY_REDIRECT ? d : NULL;
	pattern_emit(s, rule->pattern, rule->regex, &pattern);
}

static void emit(struct scan *s, const struct adblock_rule *rule)
{
	struct policy_rule out = { .scope = rule->scope, .is_important = rule->is_important };
	const struct policy_data types = { .types = rule->data.types,
		                           .n_types = rule->data.n_types,
		                           .types_are_not = rule->data.types_are_not };
	out.action = rule->is_exception ? POLICY_ALLOW : rule->action;
	if (rule->is_exception && rule->data.n_types > 0)
		out.data = &types;
	else if (!rule->is_exception &&
	         (rule->data.addrs != NULL || rule->data.target != NULL || rule->data.n_types > 0))
		out.data = &rule->data;
	if (rule->is_pattern) {
		emit_pattern(s, rule, &out);
		return;
	}
	scan_rule_name(s, &rule->name, &out);
	struct word rest = rule->denyallow;
	struct name name;
	struct policy_rule allow = { .scope = POLICY_SCOPE_TREE,
		                     .action = POLICY_ALLOW,
		                     .data = types.n_types > 0 ? &types : NULL };
	while (rest.n > 0 && !s->is_log_only) {
		if (next_denied(&rest, rule, &name) == FEEDS_SKIP_NONE)
			scan_rule_name(s, &name, &allow);
	}
}

/* What is not a name may be a pattern over names. */
static enum feeds_skip read_name_or_pattern(struct adblock_rule *rule, bool has_modifiers)
{
	enum feeds_skip why = read_pattern(rule, has_modifiers);
	if ((why != FEEDS_SKIP_PATTERN && why != FEEDS_SKIP_STAR) ||
	    !pattern_from_adblock(rule->pattern, rule->translated))
		return why;
	rule->is_pattern = true;
	rule->regex = (struct word){ rule->translated, strlen(rule->translated) };
	return FEEDS_SKIP_NONE;
}

static enum feeds_skip read_rule(struct word text, struct adblock_rule *rule)
{
	rule->is_exception = starts(text, "@@");
	chop(&text, rule->is_exception ? 2 : 0, 0);
	size_t regex = regex_len(text.p, text.n);
	/* A dollar sign inside an expression is its own. */
	const char *dollar = text.n > regex ? memchr(text.p + regex, '$', text.n - regex) : NULL;
	rule->pattern = text;
	if (dollar != NULL)
		rule->pattern.n = (size_t)(dollar - text.p);
	rule->text_hash =
		XXH3_64bits_withSeed(rule->pattern.p, rule->pattern.n, rule->is_exception);
	enum feeds_skip why = FEEDS_SKIP_NONE;
	if (regex > 0) {
		rule->is_pattern = true;
		rule->regex = (struct word){ text.p + 1, regex - 2 };
	} else {
		why = read_name_or_pattern(rule, dollar != NULL);
	}
	if (why != FEEDS_SKIP_NONE || dollar == NULL)
		return why;
	chop(&text, rule->pattern.n + 1, 0);
	why = adblock_read_modifiers(text, rule);
	if (why == FEEDS_SKIP_NONE && rule->has_rewrite && !rule->is_exception)
		why = adblock_read_rewrite(rule);
	else if (why == FEEDS_SKIP_NONE && rule->has_rewrite && rule->rewrite.n > 0)
		why = FEEDS_SKIP_REWRITE; /* takes back one rewrite of several: not ours to tell */
	if (why == FEEDS_SKIP_NONE)
		why = check_denyallow(rule);
	return why;
}

void format_adblock_line(struct scan *s, const char *text, size_t n)
{
	if (is_comment(text, n)) {
		scan_comment(s);
		return;
	}
	if (is_hosts_line(text, n)) {
		format_hosts_line(s, text, n);
		return;
	}
	struct adblock_rule rule = { 0 };
	enum feeds_skip why = is_cosmetic(text, n) ? FEEDS_SKIP_COSMETIC : FEEDS_SKIP_NONE;
	if (why == FEEDS_SKIP_NONE)
		why = read_rule((struct word){ text, n }, &rule);
	if (why != FEEDS_SKIP_NONE) {
		scan_skip(s, why, NULL);
		return;
	}
	collect(s, &rule);
	if (rule.is_badfilter ||
	    (s->overrides != NULL && s->overrides->n_off > 0 && s->pass == SCAN_EMIT &&
	     overrides_is_off(s->overrides, rule.text_hash)))
		why = FEEDS_SKIP_BADFILTER;
	else if (rule.is_exception && rule.has_rewrite)
		why = FEEDS_SKIP_EXCEPTED;
	else
		why = take_back(s, &rule);
	if (why != FEEDS_SKIP_NONE) {
		scan_skip(s, why, NULL);
		return;
	}
	if (rule.is_exception && s->is_log_only)
		scan_skip(s, FEEDS_SKIP_LOG_EXCEPTION, NULL);
	else
		emit(s, &rule);
}
