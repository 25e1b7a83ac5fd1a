/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/stix_pattern.h"

enum token {
	TOKEN_END,
	TOKEN_OPEN, /* [ ( */
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_EQUAL,
	TOKEN_STRING,
	TOKEN_WORD,
	TOKEN_BAD,
};

struct lexer {
	const char *at, *end;
	enum token token;
	struct word word; /* of a word */
	bool is_brace;    /* OPEN, CLOSE: [ ] */
	char value[VALUE_MAX];
	size_t value_n;
};

static const struct {
	const char *path;
	enum value_kind kind;
} objects[] = {
	{ "domain-name:value", VALUE_NAME },  { "hostname:value", VALUE_NAME },
	{ "ipv4-addr:value", VALUE_ADDRESS }, { "ipv6-addr:value", VALUE_ADDRESS },
	{ "url:value", VALUE_URL },
};

static enum token read_string(struct lexer *l)
{
	l->value_n = 0;
	for (l->at++; l->at < l->end && *l->at != '\''; l->at++) {
		if (*l->at == '\\' && ++l->at == l->end)
			return TOKEN_BAD;
		if (l->value_n == sizeof l->value)
			return TOKEN_BAD;
		l->value[l->value_n++] = *l->at;
	}
	if (l->at == l->end)
		return TOKEN_BAD;
	l->at++;
	return TOKEN_STRING;
}

static enum token read_token(struct lexer *l)
{
	while (l->at < l->end && scan_is_blank(*l->at))
		l->at++;
	if (l->at == l->end)
		return TOKEN_END;
	l->is_brace = *l->at == '[' || *l->at == ']';
	switch (*l->at) {
	case '[':
	case '(':
		l->at++;
		return TOKEN_OPEN;
	case ']':
	case ')':
		l->at++;
		return TOKEN_CLOSE;
	case ',':
		l->at++;
		return TOKEN_COMMA;
	case '=':
		l->at++;
		if (l->at < l->end && *l->at == '=')
			l->at++;
		return TOKEN_EQUAL;
	case '\'':
		return read_string(l);
	default:
		l->word.p = l->at;
		while (l->at < l->end && !scan_is_blank(*l->at) &&
		       strchr("[](),='<>!", *l->at) == NULL && *l->at != 0)
			l->at++;
		l->word.n = (size_t)(l->at - l->word.p);
		return l->word.n > 0 ? TOKEN_WORD : TOKEN_BAD;
	}
}

static void next(struct lexer *l)
{
	l->token = read_token(l);
}

static bool token_is(const struct lexer *l, const char *text)
{
	return l->token == TOKEN_WORD && l->word.n == strlen(text) &&
	       strncasecmp(l->word.p, text, l->word.n) == 0;
}

/* Whom the parts are for; NULL in the pass that only looks. */
struct out {
	void (*part)(void *arg, enum value_kind kind, struct word value);
	void *arg;
};

static void give(const struct out *out, enum value_kind kind, const struct lexer *l)
{
	if (out->part != NULL)
		out->part(out->arg, kind, (struct word){ l->value, l->value_n });
}

/* IN ('a', 'b'), behind the IN. */
static bool read_set(struct lexer *l, enum value_kind kind, const struct out *out)
{
	next(l);
	if (l->token != TOKEN_OPEN || l->is_brace)
		return false;
	do {
		next(l);
		if (l->token != TOKEN_STRING)
			return false;
		give(out, kind, l);
		next(l);
	} while (l->token == TOKEN_COMMA);
	return l->token == TOKEN_CLOSE && !l->is_brace;
}

/* An object's path, how it is compared, and with what. */
static bool read_comparison(struct lexer *l, const struct out *out)
{
	enum value_kind kind = VALUE_ANY;
	if (l->token != TOKEN_WORD || memchr(l->word.p, ':', l->word.n) == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		if (token_is(l, objects[i].path))
			kind = objects[i].kind;
	}
	next(l);
	if (token_is(l, "IN"))
		return read_set(l, kind, out);
	if (l->token != TOKEN_EQUAL && !token_is(l, "ISSUBSET"))
		return false;
	next(l);
	if (l->token != TOKEN_STRING && l->token != TOKEN_WORD) /* a number, of other objects */
		return false;
	if (l->token == TOKEN_WORD && kind != VALUE_ANY)
		return false;
	if (l->token == TOKEN_WORD)
		l->value_n = 0;
	give(out, kind, l);
	return true;
}

static bool read_pattern(struct lexer *l, const struct out *out)
{
	unsigned braces = 0, parens = 0;
	for (;;) {
		for (next(l); l->token == TOKEN_OPEN; next(l)) {
			braces += l->is_brace;
			parens += !l->is_brace;
		}
		if (braces != 1 || !read_comparison(l, out))
			return false;
		for (next(l); l->token == TOKEN_CLOSE; next(l)) {
			if ((l->is_brace ? braces : parens) == 0)
				return false;
			braces -= l->is_brace;
			parens -= !l->is_brace;
		}
		if (l->token == TOKEN_END)
			return braces == 0 && parens == 0;
		if (!token_is(l, "OR"))
			return false;
	}
}

enum feeds_skip stix_pattern_each(const char *text, size_t n,
                                  void (*part)(void *arg, enum value_kind kind, struct word value),
                                  void *arg)
{
	struct lexer l = { .at = text, .end = text + n };
	struct out out = { NULL, NULL };
	if (!read_pattern(&l, &out))
		return FEEDS_SKIP_PATTERN;
	l = (struct lexer){ .at = text, .end = text + n };
	out = (struct out){ part, arg };
	must(read_pattern(&l, &out));
	return FEEDS_SKIP_NONE;
}
