/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/listname.h"
#include "feeds/scan.h"

/*
 * The zones of a named.conf, one a line, that send names to an empty zone:
 *     zone "bad.example" { type master; notify no; file "null.zone.file"; };
 */
static bool take_text(struct word *rest, const char *text)
{
	size_t n = strlen(text);
	*rest = scan_trim(rest->p, rest->n);
	if (rest->n < n || strncasecmp(rest->p, text, n) != 0)
		return false;
	rest->p += n;
	rest->n -= n;
	return true;
}

static bool is_authoritative(const struct word *body)
{
	const char *end = body->p + body->n;
	for (const char *p = body->p; (p = memmem(p, (size_t)(end - p), "type", 4)) != NULL;
	     p += 4) {
		struct word rest = { p + 4, (size_t)(end - p - 4) }, w;
		if (!scan_next_word(&rest, &w))
			return false;
		const char *semicolon = memchr(w.p, ';', w.n);
		size_t n = semicolon != NULL ? (size_t)(semicolon - w.p) : w.n;
		if ((n == 6 && memcmp(w.p, "master", 6) == 0) ||
		    (n == 7 && memcmp(w.p, "primary", 7) == 0))
			return true;
	}
	return false;
}

void format_bind_line(struct scan *s, const char *text, size_t n)
{
	const struct policy_rule rule = { .scope = POLICY_SCOPE_TREE };
	struct word rest = { text, n };
	struct name name;
	if (*text == '#' || (n >= 2 && text[0] == '/' && (text[1] == '/' || text[1] == '*'))) {
		scan_comment(s);
		return;
	}
	if (!take_text(&rest, "zone") || !take_text(&rest, "\"")) {
		scan_skip(s, FEEDS_SKIP_NOT_FORMAT, NULL);
		return;
	}
	const char *quote = memchr(rest.p, '"', rest.n);
	if (quote == NULL) {
		scan_skip(s, FEEDS_SKIP_NOT_FORMAT, NULL);
		return;
	}
	struct word w = { rest.p, (size_t)(quote - rest.p) };
	struct word body = { quote + 1, rest.n - w.n - 1 };
	enum feeds_skip why = FEEDS_SKIP_OPTION;
	if (is_authoritative(&body))
		why = listname_read(w.p, w.n, &name);
	if (why != FEEDS_SKIP_NONE)
		scan_skip(s, why, NULL);
	else
		scan_rule_name(s, &name, &rule);
}
