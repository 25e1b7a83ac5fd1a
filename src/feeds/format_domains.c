/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/listname.h"
#include "feeds/pattern.h"

void format_domains_line(struct scan *s, const char *text, size_t n)
{
	if (*text == '#' || *text == ';' || *text == '!') {
		scan_comment(s);
		return;
	}
	struct word rest = scan_without_comment(text, n, '#'), whole = rest, w;
	struct policy_rule rule = {
		.scope = s->no_subdomains ? POLICY_SCOPE_EXACT : POLICY_SCOPE_TREE,
	};
	if (rest.n > 2 && rest.p[0] == '*' && rest.p[1] == '.') {
		rule.scope = POLICY_SCOPE_BELOW;
		rest.p += 2;
		rest.n -= 2;
	} else if (rest.n > 1 && rest.p[0] == '.') {
		rest.p++;
		rest.n--;
	}
	struct name name;
	enum feeds_skip why = listname_read(rest.p, rest.n, &name);
	if (why == FEEDS_SKIP_NONE) {
		scan_rule_name(s, &name, &rule);
		return;
	}
	static const struct policy_pattern_rule plain = { .action = POLICY_NONE };
	if (why == FEEDS_SKIP_STAR && pattern_emit_glob(s, whole, s->no_subdomains, &plain))
		return;
	if (why == FEEDS_SKIP_BAD_CHARACTER && (rest.p[0] == '|' || rest.p[0] == '@'))
		why = FEEDS_SKIP_LOOKS_ADBLOCK;
	else if (scan_next_word(&rest, &w) && rest.n > 0 && why != FEEDS_SKIP_URL)
		why = FEEDS_SKIP_WORDS;
	scan_skip(s, why, NULL);
}
