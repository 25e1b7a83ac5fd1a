/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * BIND's category `queries`:
 *
 *   28-Nov-2026 07:00:00.000 queries: info: client @0x7f0c 192.0.2.7#53124 (www.example): view x:
 *       query: www.example IN A +E(0)K (192.0.2.53)
 *
 * with or without time, category, severity, the client's number, the name in parentheses and the
 * view. BIND says nothing of the answer there.
 */
#include <string.h>

#include "replay/source.h"

/* "client ", an "@0x..." that may be there, then ADDRESS#PORT. */
static bool take_client(const char *line, size_t n, struct replay_item *ret)
{
	const char *end = line + n;
	const char *p = text_behind(line, n, "client ");
	if (p == NULL)
		return false;
	if (p < end && *p == '@') {
		p += text_word(p, end);
		p += p < end;
	}
	const char *hash = memchr(p, '#', (size_t)(end - p));
	if (hash == NULL || addr_from_text(p, (size_t)(hash - p), &ret->client) != 0)
		return false;
	ret->has_client = true;
	return true;
}

static bool parse(const struct replay_source *s, const char *line, size_t n,
                  struct replay_item *ret, enum replay_skip *ret_why)
{
	(void)s;
	const char *end = line + n;
	const char *p = text_behind(line, n, " query: ");
	*ret_why = REPLAY_SKIP_OTHER;
	if (p == NULL || text_behind(line, (size_t)(p - line), "client ") == NULL)
		return false;
	item_clear(ret);
	size_t name = text_word(p, end);
	const char *class = p + name + (p + name < end);
	size_t class_n = text_word(class, end);
	const char *type = class + class_n + (class + class_n < end);
	size_t type_n = text_word(type, end);
	if (class_n != 2 || memcmp(class, "IN", 2) != 0)
		return false; /* CH, or another line that has these words */
	*ret_why = REPLAY_SKIP_NAME;
	return take_client(line, (size_t)(p - line), ret) && item_set_name(ret, p, name) &&
	       item_set_type(ret, type, type_n);
}

static bool is_mine(const char *line, size_t n)
{
	struct replay_item i;
	enum replay_skip why;
	return parse(NULL, line, n, &i, &why);
}

const struct replay_reader replay_read_bind = {
	.format = REPLAY_BIND,
	.parse = parse,
	.is_mine = is_mine,
};
