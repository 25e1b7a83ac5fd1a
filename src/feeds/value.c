/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/value.h"

#include <errno.h>

#include "feeds/listname.h"

/* What a value turned out to be. */
struct value {
	bool is_prefix;
	struct name name;
	struct addr_prefix prefix;
	enum policy_scope scope;
};

/*
 * Writers of reports break indicators so that nobody follows them by mistake: bad[.]example,
 * bad(.)example, hxxps://. Mend that into ret (n bytes are enough). Returns the length.
 */
static size_t refang(const char *text, size_t n, char *ret)
{
	size_t out = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_broken = i + 2 < n && (text[i] == '[' || text[i] == '(') &&
		                 (text[i + 1] == '.' || text[i + 1] == ':') &&
		                 (text[i + 2] == ']' || text[i + 2] == ')');
		if (is_broken)
			i++;
		ret[out++] = text[i];
		i += is_broken;
	}
	if (out > 4 && strncasecmp(ret, "hxxp", 4) == 0)
		memcpy(ret, "http", 4);
	return out;
}

/* The authority of a URL, without user and port: RFC 3986 3.2. */
static struct word url_host(const char *text, size_t n)
{
	const char *start = memmem(text, n, "://", 3), *end = text + n;
	start += 3;
	size_t len = 0;
	while (start + len < end && strchr("/?#\\", start[len]) == NULL)
		len++;
	end = start + len;
	const char *at = memrchr(start, '@', len);
	if (at != NULL)
		start = at + 1;
	if (start < end && *start == '[') {
		const char *close = memchr(start, ']', (size_t)(end - start));
		return (struct word){ start + 1, close != NULL ? (size_t)(close - start - 1) : 0 };
	}
	const char *colon = memchr(start, ':', (size_t)(end - start));
	return (struct word){ start, (size_t)((colon != NULL ? colon : end) - start) };
}

/* 192.0.2.1:80 and [2001:db8::1]:80, as lists of sockets have them. */
static bool read_socket(const char *text, size_t n, struct addr *ret)
{
	struct endpoint e;
	if (memchr(text, ':', n) == NULL || memchr(text, '@', n) != NULL ||
	    endpoint_from_text(text, n, 0, &e) != 0)
		return false;
	*ret = e.addr;
	return true;
}

static enum feeds_skip read_address(const char *text, size_t n, struct value *ret)
{
	struct addr a;
	int e = addr_prefix_from_text(text, n, &ret->prefix);
	if (e == -EDOM)
		return FEEDS_SKIP_HOST_BITS;
	if (e != 0 && !read_socket(text, n, &a))
		return FEEDS_SKIP_NOT_ADDRESS;
	if (e != 0)
		ret->prefix = (struct addr_prefix){ .addr = a, .length = a.is_v4 ? 32 : 128 };
	ret->is_prefix = true;
	return ret->prefix.length == 0 ? FEEDS_SKIP_EVERYTHING : FEEDS_SKIP_NONE;
}

static enum feeds_skip read_name(const struct scan *s, const char *text, size_t n,
                                 struct value *ret)
{
	ret->scope = s->no_subdomains ? POLICY_SCOPE_EXACT : POLICY_SCOPE_TREE;
	if (n > 2 && text[0] == '*' && text[1] == '.') {
		ret->scope = POLICY_SCOPE_BELOW;
		text += 2;
		n -= 2;
	} else if (n > 1 && text[0] == '.') {
		text++;
		n--;
	}
	return listname_read(text, n, &ret->name);
}

static enum feeds_skip read_any(const struct scan *s, const char *text, size_t n,
                                enum value_kind kind, struct value *ret)
{
	bool is_url = memmem(text, n, "://", 3) != NULL;
	enum feeds_skip why;
	if (is_url && (kind == VALUE_NAME || kind == VALUE_ADDRESS))
		return FEEDS_SKIP_URL;
	if (is_url) {
		struct word host = url_host(text, n);
		text = host.p;
		n = host.n;
		if (n == 0)
			return FEEDS_SKIP_NO_NAME;
	} else if (kind == VALUE_URL) {
		return FEEDS_SKIP_NO_NAME;
	}
	why = read_address(text, n, ret);
	if (kind == VALUE_ADDRESS || why != FEEDS_SKIP_NOT_ADDRESS)
		return kind == VALUE_NAME && why == FEEDS_SKIP_NONE ? FEEDS_SKIP_ADDRESS : why;
	why = read_name(s, text, n, ret);
	if (is_url && ret->scope == POLICY_SCOPE_TREE)
		ret->scope = POLICY_SCOPE_EXACT;
	return why;
}

static enum feeds_skip read_value(const struct scan *s, const char *text, size_t n,
                                  enum value_kind kind, struct value *ret)
{
	char mended[VALUE_MAX];
	struct word w = scan_trim(text, n);
	if (w.n == 0)
		return FEEDS_SKIP_NO_VALUE;
	if (w.n > VALUE_MAX)
		return FEEDS_SKIP_NAME_LENGTH;
	size_t len = refang(w.p, w.n, mended);
	*ret = (struct value){ .is_prefix = false };
	enum feeds_skip why = read_any(s, mended, len, kind, ret);
	/* match: answer is for addresses; names of servers and addresses of servers go together. */
	if (why == FEEDS_SKIP_NONE && !ret->is_prefix && s->match == POLICY_MATCH_ANSWER)
		why = FEEDS_SKIP_NOT_ADDRESS;
	return why;
}

void value_add(struct scan *s, const char *text, size_t n, enum value_kind kind,
               const struct policy_rule *rule)
{
	struct value v;
	struct policy_rule out = *rule;
	enum feeds_skip why = read_value(s, text, n, kind, &v);
	if (why != FEEDS_SKIP_NONE) {
		struct word w = { text, n };
		scan_skip(s, why, n > 0 ? &w : NULL);
	} else if (v.is_prefix) {
		if (s->match == POLICY_MATCH_NAME)
			out.own_match = POLICY_MATCH_ANSWER + 1;
		scan_rule_prefix_as(s, &v.prefix, &out);
	} else {
		out.scope = v.scope;
		scan_rule_name(s, &v.name, &out);
	}
}

bool value_is_good(const struct scan *s, const char *text, size_t n)
{
	struct value v;
	return read_value(s, text, n, VALUE_ANY, &v) == FEEDS_SKIP_NONE;
}
