/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events that are about the server itself, not about a question. */
#include <assert.h>
#include <string.h>

#include "events/json.h"
#include "events/writer.h"

enum {
	NOTICE_ACTION_MAX = 64,
};

static size_t at_most(const char *text, size_t max)
{
	return text != NULL ? strnlen(text, max) : 0;
}

void events_put_notice(struct event_ring *r, const struct event_notice *n)
{
	if (r == NULL)
		return;
	size_t name_bytes = n->name != NULL ? name_len(n->name) : 0;
	size_t action_bytes = at_most(n->action, NOTICE_ACTION_MAX);
	size_t text_bytes = at_most(n->text, RECORD_REASON_MAX);
	void *room =
		events_reserve(r, sizeof(struct record) + name_bytes + action_bytes + text_bytes);
	if (room == NULL)
		return;
	struct record *record = room;
	*record = (struct record){ .wall_ns = n->wall_ns,
		                   .is_notice = true,
		                   .is_alert = n->is_alert,
		                   .key_tag = n->key_tag };
	record->part_len[NOTICE_PART_NAME] = (uint16_t)name_bytes;
	record->part_len[NOTICE_PART_ACTION] = (uint16_t)action_bytes;
	record->part_len[NOTICE_PART_TEXT] = (uint16_t)text_bytes;
	uint8_t *p = (uint8_t *)(record + 1);
	static_assert(PART_NAME < PART_RULE && PART_RULE < PART_REASON, "in this order");
	if (name_bytes > 0)
		memcpy(p, n->name, name_bytes);
	if (action_bytes > 0)
		memcpy(p + name_bytes, n->action, action_bytes);
	if (text_bytes > 0)
		memcpy(p + name_bytes + action_bytes, n->text, text_bytes);
	events_commit(r);
}

size_t json_line_notice(struct json_line *j, const struct record *r, char *ret_line)
{
	const uint8_t *name = record_parts(r);
	const char *action = (const char *)name + r->part_len[NOTICE_PART_NAME];
	const char *text = action + r->part_len[NOTICE_PART_ACTION];
	char *p = json_line_timestamp(j, ret_line, r->wall_ns);
	p = r->is_alert ? JSON_LIT(p, "alert") : JSON_LIT(p, "event");
	p = JSON_LIT(p, "\",\"category\":[\"configuration\"],\"type\":[\"change\"],\"action\":\"");
	p = json_text_string(p, action, r->part_len[NOTICE_PART_ACTION]);
	p = JSON_LIT(p, "\"},\"message\":\"");
	p = json_text_string(p, text, r->part_len[NOTICE_PART_TEXT]);
	p = JSON_LIT(p, "\",\"weir\":{");
	if (r->part_len[NOTICE_PART_NAME] > 0) {
		p = JSON_LIT(p, "\"zone\":\"");
		p = json_text_name(p, name);
		p = JSON_LIT(p, "\",");
	}
	if (r->key_tag >= 0) {
		p = JSON_LIT(p, "\"key_tag\":");
		p = json_text_number(p, (uint64_t)r->key_tag);
		*p++ = ',';
	}
	if (p[-1] == ',')
		p--;
	p = JSON_LIT(p, "}}\n");
	return (size_t)(p - ret_line);
}
