/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unbound's log-queries and log-replies, in a file or by syslog:
 *
 *   [1795849200] unbound[123:0] info: 192.0.2.7 www.example. A IN
 *   Nov 28 07:00:00 host unbound[123]: [123:0] reply: 192.0.2.7 www.example. A IN NOERROR 0.02 0 45
 *
 * (`info:` becomes `query:` and `reply:` with log-tag-queryreply.) Where both are logged the reply
 * of a question comes after it, and the two are one: the reply counts, and the query when none
 * comes. Addresses in replies are not logged.
 */
#include <string.h>

#include "replay/source.h"

struct words {
	const char *at[5];
	size_t n[5];
	unsigned count;
};

static void split(const char *p, const char *end, struct words *ret)
{
	ret->count = 0;
	while (ret->count < ARRAY_LEN(ret->at)) {
		while (p < end && *p == ' ')
			p++;
		if (p == end)
			return;
		ret->at[ret->count] = p;
		ret->n[ret->count] = text_word(p, end);
		p += ret->n[ret->count++];
	}
}

static bool word_is(const struct words *w, unsigned i, const char *text)
{
	return w->n[i] == strlen(text) && memcmp(w->at[i], text, w->n[i]) == 0;
}

static const char *behind_tag(const char *line, size_t n)
{
	static const char *const tags[] = { " info: ", " query: ", " reply: " };
	if (memmem(line, n < 120 ? n : 120, "unbound", 7) == NULL)
		return NULL;
	for (unsigned i = 0; i < ARRAY_LEN(tags); i++) {
		const char *p = text_behind(line, n, tags[i]);
		if (p != NULL)
			return p;
	}
	return NULL;
}

/* "refused", "nxdomain" and so on have a name each; others are numbers, of no interest. */
static void take_rcode(const struct words *w, struct replay_item *ret)
{
	static const struct {
		const char *text;
		uint8_t rcode;
	} codes[] = { { "NOERROR", RCODE_NOERROR },
		      { "NXDOMAIN", RCODE_NXDOMAIN },
		      { "SERVFAIL", RCODE_SERVFAIL },
		      { "REFUSED", RCODE_REFUSED },
		      { "FORMERR", RCODE_FORMERR } };
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		if (!word_is(w, 4, codes[i].text))
			continue;
		ret->has_rcode = true;
		ret->rcode = codes[i].rcode;
	}
	ret->outcome = REPLAY_PASSED;
}

static bool parse(const char *line, size_t n, struct replay_item *ret, enum replay_skip *ret_why)
{
	struct words w;
	const char *p = behind_tag(line, n);
	*ret_why = REPLAY_SKIP_OTHER;
	if (p == NULL)
		return false;
	split(p, line + n, &w);
	if (w.count < 4 || !word_is(&w, 3, "IN"))
		return false;
	item_clear(ret);
	if (addr_from_text(w.at[0], w.n[0], &ret->client) != 0)
		return false;
	ret->has_client = true;
	*ret_why = REPLAY_SKIP_NAME;
	if (!item_set_name(ret, w.at[1], w.n[1]) || !item_set_type(ret, w.at[2], w.n[2]))
		return false;
	if (w.count > 4)
		take_rcode(&w, ret);
	return true;
}

static bool is_mine(const char *line, size_t n)
{
	struct replay_item i;
	enum replay_skip why;
	return parse(line, n, &i, &why);
}

static int start(struct replay_source *s, char *ret_why)
{
	int e = pending_new(&s->pending);
	if (e != 0)
		snprintf(ret_why, REPLAY_WHY_MAX, "no memory to read it");
	return e;
}

static enum replay_got next(struct replay_source *s, struct replay_item *ret)
{
	const char *line;
	size_t n;
	enum replay_got got = REPLAY_END;
	enum replay_skip why;
	while (!s->is_draining && source_line(s, &line, &n, &got)) {
		if (!parse(line, n, ret, &why)) {
			source_skip(s, why);
			continue;
		}
		const struct name name = ret->name;
		const struct pending_key key = { .client.addr = ret->client,
			                         .type = ret->type,
			                         .name = name.wire };
		if (ret->outcome == REPLAY_UNKNOWN) {
			if (pending_put(s->pending, &key, 0, true, ret))
				return REPLAY_ITEM;
			continue;
		}
		pending_remove(s->pending, &key);
		return REPLAY_ITEM;
	}
	if (got == REPLAY_FAILED)
		return got;
	return source_drain(s, ret);
}

const struct replay_reader replay_read_unbound = {
	.format = REPLAY_UNBOUND,
	.open = start,
	.next = next,
	.is_mine = is_mine,
};
