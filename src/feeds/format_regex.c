/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One regular expression a line, as in Pi-hole: "^ads?[0-9]*\.", and options behind semicolons. */
#include "dns/text.h"
#include "feeds/pattern.h"

static bool word_begins(struct word w, const char *text)
{
	size_t n = strlen(text);
	return w.n >= n && memcmp(w.p, text, n) == 0;
}

/* "querytype=A,AAAA", "querytype=!ANY": any of the types, or all but the one. */
static enum feeds_skip read_types(struct word value, struct policy_pattern_rule *rule)
{
	if (value.n > 0 && *value.p == '!') {
		rule->types_are_not = true;
		value.p++;
		value.n--;
	}
	do {
		const char *comma = value.n > 0 ? memchr(value.p, ',', value.n) : NULL;
		size_t n = comma != NULL ? (size_t)(comma - value.p) : value.n;
		char text[16];
		if (n == 0 || n >= sizeof text || rule->n_types == POLICY_PATTERN_TYPES)
			return FEEDS_SKIP_DNSTYPE;
		memcpy(text, value.p, n);
		text[n] = 0;
		if (dns_type_from_text(text, &rule->types[rule->n_types++]) != 0)
			return FEEDS_SKIP_DNSTYPE;
		value.n -= comma != NULL ? n + 1 : n;
		value.p += comma != NULL ? n + 1 : n;
	} while (value.n > 0);
	return FEEDS_SKIP_NONE;
}

/* "reply=nxdomain" and the like. Addresses are the list's affair. */
static enum feeds_skip read_reply(struct word value, struct policy_pattern_rule *rule)
{
	if (word_is(&value, "nxdomain") || word_is(&value, "NXDOMAIN"))
		rule->action = POLICY_NXDOMAIN;
	else if (word_is(&value, "nodata") || word_is(&value, "NODATA"))
		rule->action = POLICY_NODATA;
	else if (word_is(&value, "refused") || word_is(&value, "REFUSED"))
		rule->action = POLICY_REFUSED;
	else if (word_is(&value, "none") || word_is(&value, "NONE"))
		rule->action = POLICY_DROP;
	else
		return FEEDS_SKIP_REWRITE;
	return FEEDS_SKIP_NONE;
}

static enum feeds_skip read_option(struct word w, struct policy_pattern_rule *rule)
{
	static const char types[] = "querytype=", reply[] = "reply=";
	if (word_begins(w, types))
		return read_types((struct word){ w.p + sizeof types - 1, w.n - sizeof types + 1 },
		                  rule);
	if (word_begins(w, reply))
		return read_reply((struct word){ w.p + sizeof reply - 1, w.n - sizeof reply + 1 },
		                  rule);
	return FEEDS_SKIP_MODIFIER; /* ";invert": what does not match; not for many at once */
}

static bool is_option(struct word w)
{
	return word_begins(w, "querytype=") || word_begins(w, "reply=") || word_is(&w, "invert");
}

void format_regex_line(struct scan *s, const char *text, size_t n)
{
	if (*text == '#') {
		scan_comment(s);
		return;
	}
	struct word regex = { text, n };
	struct policy_pattern_rule rule = { .action = POLICY_NONE };
	/* Options are taken off the end; a semicolon before anything else is part of the text. */
	for (const char *at; (at = memrchr(regex.p, ';', regex.n)) != NULL;) {
		struct word option = { at + 1, regex.n - (size_t)(at + 1 - regex.p) };
		if (!is_option(option))
			break;
		enum feeds_skip why = read_option(option, &rule);
		if (why != FEEDS_SKIP_NONE) {
			scan_skip(s, why, NULL);
			return;
		}
		regex.n = (size_t)(at - regex.p);
	}
	pattern_emit(s, (struct word){ text, n }, regex, &rule);
}
