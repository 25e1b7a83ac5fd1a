/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of dnsmasq and Pi-hole (log-queries, also log-queries=extra):
 *
 *   Nov 28 07:00:00 dnsmasq[123]: query[A] www.example from 192.0.2.7
 *   Nov 28 07:00:00 dnsmasq[123]: 45 192.0.2.7/40000 query[A] www.example from 192.0.2.7
 *   ... reply www.example is <CNAME>          ... reply cdn.example is 192.0.2.80
 *   ... gravity blocked www.example is 0.0.0.0
 *
 * Lines about answers belong to the question before them where the names agree; under load some
 * stand apart from theirs, and are left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/source.h"

struct kept {
	bool is_set;
	bool wants_alias; /* the next answer's name is where the last one leads */
	struct name answered;
	struct replay_item item;
};

struct span {
	const char *p, *end;
};

static bool begins_with(const struct span *s, const char *word)
{
	size_t n = strlen(word);
	return (size_t)(s->end - s->p) >= n && memcmp(s->p, word, n) == 0;
}

static bool pass(struct span *s, const char *word)
{
	if (!begins_with(s, word))
		return false;
	s->p += strlen(word);
	return true;
}

/* Behind "dnsmasq[123]: " and the serial and requestor of log-queries=extra. */
static bool pass_head(struct span *s)
{
	const char *p = text_behind(s->p, (size_t)(s->end - s->p), "dnsmasq");
	p = p != NULL ? text_behind(p, (size_t)(s->end - p), ": ") : NULL;
	if (p == NULL)
		return false;
	s->p = p;
	size_t digits = 0;
	while (p + digits < s->end && p[digits] >= '0' && p[digits] <= '9')
		digits++;
	if (digits > 0 && p + digits < s->end && p[digits] == ' ') {
		const char *second = p + digits + 1;
		size_t n = text_word(second, s->end);
		if (memchr(second, '/', n) != NULL && second + n < s->end)
			s->p = second + n + 1;
	}
	return true;
}

/* "query[A] NAME from ADDRESS" */
static bool parse_query(struct span s, struct replay_item *ret, enum replay_skip *ret_why)
{
	*ret_why = REPLAY_SKIP_OTHER;
	if (!pass_head(&s) || !pass(&s, "query["))
		return false;
	item_clear(ret);
	const char *close = memchr(s.p, ']', (size_t)(s.end - s.p));
	*ret_why = REPLAY_SKIP_NAME;
	if (close == NULL)
		return false;
	const char *type = s.p;
	size_t type_n = (size_t)(close - s.p);
	if (pass(&s, "type=")) { /* of a number that has no name there */
		char text[32];
		snprintf(text, sizeof text, "TYPE%.*s", (int)(close - s.p < 8 ? close - s.p : 8),
		         s.p);
		if (!item_set_type(ret, text, strlen(text)))
			return false;
	} else if (!item_set_type(ret, type, type_n)) {
		return false;
	}
	s.p = close + 1;
	if (!pass(&s, " "))
		return false;
	size_t n = text_word(s.p, s.end);
	if (!item_set_name(ret, s.p, n))
		return false;
	s.p += n;
	if (!pass(&s, " from "))
		return false;
	ret->has_client = addr_from_text(s.p, text_word(s.p, s.end), &ret->client) == 0;
	return ret->has_client;
}

static bool is_mine(const char *line, size_t n)
{
	struct replay_item i;
	enum replay_skip why;
	return parse_query((struct span){ line, line + n }, &i, &why);
}

/* "NAME is VALUE" */
static bool parse_answer(struct span s, struct name *ret_name, struct span *ret_value)
{
	size_t n = text_word(s.p, s.end);
	if (name_from_text(s.p, n, ret_name) != 0)
		return false;
	s.p += n;
	if (!pass(&s, " is "))
		return false;
	*ret_value = s;
	return true;
}

static void take_value(struct kept *k, const struct span *value)
{
	struct replay_item *i = &k->item;
	size_t n = text_word(value->p, value->end);
	i->outcome = REPLAY_PASSED;
	if (begins_with(value, "<CNAME>"))
		k->wants_alias = true;
	else if (begins_with(value, "NXDOMAIN"))
		i->rcode = RCODE_NXDOMAIN;
	else if (begins_with(value, "SERVFAIL"))
		i->rcode = RCODE_SERVFAIL;
	else if (begins_with(value, "REFUSED"))
		i->rcode = RCODE_REFUSED;
	else
		(void)item_add_addr_text(i, value->p, n);
	i->has_rcode = true;
}

static bool tells_of_block(struct span *s)
{
	static const char *const words[] = { "gravity blocked ",      "exactly blacklisted ",
		                             "regex blacklisted ",    "exactly denied ",
		                             "regex denied ",         "antigravity blocked ",
		                             "blocked upstream with " };
	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (pass(s, words[i]))
			return true;
	}
	return false;
}

/* What a line says of the question before it. False: nothing. */
static bool take_answer(struct kept *k, struct span s)
{
	static const char *const words[] = { "reply ", "cached ", "cached-stale ", "config ",
		                             "/etc/hosts " };
	struct name name;
	struct span value;
	bool is_known = false;
	if (!pass_head(&s))
		return false;
	bool is_block = tells_of_block(&s);
	for (unsigned i = 0; i < ARRAY_LEN(words) && !is_block && !is_known; i++)
		is_known = pass(&s, words[i]);
	if (!is_block && !is_known)
		return begins_with(&s, "forwarded ") || begins_with(&s, "validation ");
	if (!k->is_set || !parse_answer(s, &name, &value))
		return true;
	if (is_block) {
		if (name_equal(name.wire, k->item.name.wire)) {
			k->item.outcome = REPLAY_BLOCKED;
			k->item.n_addrs = 0;
		}
		return true;
	}
	if (k->item.outcome == REPLAY_BLOCKED)
		return true;
	if (k->wants_alias) {
		item_add_alias(&k->item, name.wire);
		k->answered = name;
		k->wants_alias = false;
	}
	if (name_equal(name.wire, k->answered.wire))
		take_value(k, &value);
	return true;
}

static int start(struct replay_source *s, char *ret_why)
{
	s->own = calloc(1, sizeof(struct kept));
	if (s->own != NULL)
		return 0;
	snprintf(ret_why, REPLAY_WHY_MAX, "no memory to read it");
	return -ENOMEM;
}

static void stop(struct replay_source *s)
{
	free(s->own);
}

/* A question begins: what is known of the one before is all there will be. */
static bool begin(struct kept *k, const struct replay_item *item, struct replay_item *ret)
{
	bool was_set = k->is_set;
	struct replay_item *next = &k->item;
	static _Thread_local struct replay_item parsed;
	item_copy(&parsed, item);
	if (was_set)
		item_copy(ret, next);
	item_copy(next, &parsed);
	k->answered = next->name;
	k->wants_alias = false;
	k->is_set = true;
	return was_set;
}

static enum replay_got next(struct replay_source *s, struct replay_item *ret)
{
	struct kept *k = s->own;
	const char *line;
	size_t n;
	enum replay_got got;
	enum replay_skip why;
	while (source_line(s, &line, &n, &got)) {
		const struct span span = { line, line + n };
		if (parse_query(span, ret, &why)) {
			if (begin(k, ret, ret))
				return REPLAY_ITEM;
		} else if (why == REPLAY_SKIP_NAME || !take_answer(k, span)) {
			source_skip(s, why);
		}
	}
	if (k->is_set) {
		item_copy(ret, &k->item);
		k->is_set = false;
		return REPLAY_ITEM;
	}
	return got;
}

const struct replay_reader replay_read_dnsmasq = {
	.format = REPLAY_DNSMASQ,
	.open = start,
	.next = next,
	.close = stop,
	.is_mine = is_mine,
};
