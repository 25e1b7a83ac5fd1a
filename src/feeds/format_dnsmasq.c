/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/listname.h"
#include "feeds/pattern.h"

/* Addresses that lead nowhere: the line blocks. "#" is all zeros, in both families. */
static bool is_sink(const struct word *w)
{
	struct addr a;
	static const uint8_t zero[15];
	if (w->n == 0 || (w->n == 1 && *w->p == '#'))
		return true;
	if (addr_from_text(w->p, w->n, &a) != 0)
		return false;
	if (a.is_v4)
		return a.bytes[12] == 127 || memcmp(a.bytes + 12, "\0\0\0\0", 4) == 0;
	return memcmp(a.bytes, zero, 15) == 0 && a.bytes[15] <= 1;
}

/* What the part behind the last slash makes of the names. */
static enum feeds_skip read_tail(bool is_address, const struct word *tail, struct policy_rule *ret)
{
	struct policy_rule rule = { .scope = POLICY_SCOPE_TREE };
	if (is_address && !is_sink(tail))
		return FEEDS_SKIP_NOT_SINK;
	if (!is_address && tail->n == 1 && *tail->p == '#')
		rule.action = POLICY_ALLOW; /* asked of the usual servers after all */
	else if (!is_address && tail->n > 0)
		return FEEDS_SKIP_FORWARDING;
	*ret = rule;
	return FEEDS_SKIP_NONE;
}

static void read_name(struct scan *s, struct word w, struct policy_rule rule)
{
	struct name name;
	struct word whole = w;
	if (w.n == 1 && *w.p == '#') {
		scan_skip(s, FEEDS_SKIP_ROOT, NULL);
		return;
	}
	if (w.n > 2 && w.p[0] == '*' && w.p[1] == '.') {
		rule.scope = POLICY_SCOPE_BELOW;
		w.p += 2;
		w.n -= 2;
	} else if (w.n > 1 && w.p[0] == '.') {
		w.p++;
		w.n--;
	}
	enum feeds_skip why = listname_read(w.p, w.n, &name);
	/* "*ads.example": whatever ends so; it knows stars in front only. */
	const struct policy_pattern_rule pattern = { .action = rule.action };
	bool is_open = *whole.p == '*' && memchr(whole.p + 1, '*', whole.n - 1) == NULL;
	if (why == FEEDS_SKIP_STAR && is_open && pattern_emit_glob(s, whole, false, &pattern))
		return;
	if (why != FEEDS_SKIP_NONE)
		scan_skip(s, why, &whole);
	else
		scan_rule_name(s, &name, &rule);
}

/* address=/a.example/b.example/0.0.0.0 */
void format_dnsmasq_line(struct scan *s, const char *text, size_t n)
{
	static const struct {
		const char *key;
		bool is_address;
	} keys[] = { { "address=/", true }, { "server=/", false }, { "local=/", false } };
	if (*text == '#' || *text == ';') {
		scan_comment(s);
		return;
	}
	struct word line = scan_without_comment(text, n, '#'), rest = line;
	bool is_address = false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t len = strlen(keys[i].key);
		if (line.n < len || memcmp(line.p, keys[i].key, len) != 0)
			continue;
		is_address = keys[i].is_address;
		rest = (struct word){ line.p + len, line.n - len };
		break;
	}
	if (rest.p == line.p) {
		bool has_key = memchr(line.p, '=', line.n) != NULL;
		scan_skip(s, has_key ? FEEDS_SKIP_OPTION : FEEDS_SKIP_NOT_FORMAT, NULL);
		return;
	}
	const char *last = memrchr(rest.p, '/', rest.n);
	if (last == NULL) {
		scan_skip(s, FEEDS_SKIP_NOT_FORMAT, NULL);
		return;
	}
	struct policy_rule rule;
	struct word tail = scan_trim(last + 1, (size_t)(line.p + line.n - last - 1));
	enum feeds_skip why = read_tail(is_address, &tail, &rule);
	if (why == FEEDS_SKIP_NONE && rule.action == POLICY_ALLOW && s->is_log_only)
		why = FEEDS_SKIP_LOG_EXCEPTION;
	if (why != FEEDS_SKIP_NONE) {
		scan_skip(s, why, NULL);
		return;
	}
	for (const char *at = rest.p; at <= last;) {
		const char *slash = memchr(at, '/', (size_t)(last + 1 - at));
		struct word w = { at, (size_t)(slash - at) };
		if (w.n == 0)
			scan_skip(s, FEEDS_SKIP_NO_NAME, NULL);
		else
			read_name(s, w, rule);
		at = slash + 1;
	}
}
