/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any event becomes one line of valid JSON (jansson says so) that says the same as the event.
 *
 * Input: 16 bytes of numbers and flags; then texts, each a length byte and its bytes; then names
 * (as text, so that the fuzzer finds them easily); the rest is the message.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "dns/message.h"
#include "events/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct input {
	const uint8_t *p;
	size_t n;
};

static uint8_t take_byte(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* A text of up to 255 bytes, NULL for none; `times` makes it longer than any field is. */
static char *take_text(struct input *in, unsigned times)
{
	size_t len = take_byte(in);
	if (len > in->n)
		len = in->n;
	if (len == 0)
		return NULL;
	char *text = calloc(1, len * times + 1);
	must(text != NULL);
	for (unsigned i = 0; i < times; i++)
		memcpy(text + i * len, in->p, len);
	in->p += len;
	in->n -= len;
	return text;
}

static const uint8_t *take_name(struct input *in, struct name *ret)
{
	size_t len = take_byte(in);
	if (len > in->n)
		len = in->n;
	int e = name_from_text((const char *)in->p, len, ret);
	in->p += len;
	in->n -= len;
	return e == 0 ? ret->wire : NULL;
}

static struct addr take_addr(struct input *in)
{
	uint8_t bytes[16];
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = i < 14 ? 0x20 : take_byte(in);
	return bytes[15] % 2 == 0 ? addr_from_bytes4(bytes + 12) : addr_from_bytes16(bytes);
}

static const json_t *get(const json_t *line, const char *a, const char *b)
{
	return json_object_get(json_object_get(line, a), b);
}

/* What was put in must be what a reader gets out. */
static void compare(const json_t *line, const struct event *e)
{
	char text[NAME_TEXT_MAX];
	const json_t *question = get(line, "dns", "question");
	must((question != NULL) == (e->name != NULL));
	if (e->name != NULL) {
		uint16_t type;
		name_to_text(e->name, text);
		must(strcmp(json_string_value(json_object_get(question, "name")), text) == 0);
		const char *name = json_string_value(json_object_get(question, "type"));
		must(name != NULL && dns_type_from_text(name, &type) == 0 && type == e->type);
	}
	if (e->zone != NULL) {
		name_to_text(e->zone, text);
		must(strcmp(json_string_value(get(line, "weir", "zone")), text) == 0);
	}
	must((get(line, "rule", "name") != NULL) == (e->rule != NULL));
	must(json_object_get(line, "@timestamp") != NULL);
	must(json_integer_value(get(line, "event", "duration")) == e->latency_us * 1000LL);
	addr_to_text(&e->client.addr, text);
	must(strcmp(json_string_value(get(line, "client", "ip")), text) == 0);
	must(json_array_size(get(line, "dns", "answers")) <= JSON_ANSWERS_MAX);
	must(json_array_size(get(line, "dns", "resolved_ip")) <= JSON_ANSWERS_MAX);
	must(e->message != NULL || get(line, "dns", "answers") == NULL);
}

static void check(const struct event *e)
{
	static struct json_line formatter = { .second = 0 };
	static char line[JSON_LINE_MAX];
	if (formatter.types[1].len == 0)
		json_line_init(&formatter);
	struct record_plan plan;
	record_plan(e, &plan);
	void *record = malloc(plan.bytes);
	must(record != NULL);
	record_write(e, &plan, record);
	size_t len = json_line_event(&formatter, record, line);
	free(record);
	must(len <= sizeof line && memchr(line, '\n', len) == line + len - 1);
	for (size_t i = 0; i + 1 < len; i++)
		must((uint8_t)line[i] >= 0x20 && line[i] != 0x7f);
	json_error_t error;
	json_t *value = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (value == NULL)
		fprintf(stderr, "%s\n%.*s", error.text, (int)len, line);
	must(value != NULL);
	compare(value, e);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct policy_edit edit;
	struct input in = { data, n };
	struct name names[3];
	char *texts[8];
	struct verdict v = { .action =
		                     (enum policy_action)(take_byte(&in) % (POLICY_REDIRECT + 1)) };
	struct event e = { .verdict = &v };
	v.trigger = (enum policy_trigger)(take_byte(&in) % (POLICY_TRIGGER_DEFAULT + 1));
	uint8_t flags = take_byte(&in);
	e.is_do = flags & 1;
	e.is_answered = flags & 2;
	e.is_cached = flags & 4;
	e.is_stale = flags & 8;
	e.protocol = (enum event_protocol)((flags >> 4) % 3);
	bool is_edit = flags & 0x80;
	bool has_message = flags & 0x40;
	e.rcode = take_byte(&in);
	e.type = (uint16_t)(take_byte(&in) << 8 | take_byte(&in));
	e.class = take_byte(&in);
	e.flags = (uint16_t)(take_byte(&in) << 8 | take_byte(&in));
	e.ede_code = take_byte(&in) % 32 == 31 ? 0xffff : flags;
	e.wall_ns = (uint64_t)take_byte(&in) << 56 | (uint64_t)take_byte(&in) << 32;
	e.latency_us = take_byte(&in) * 65537U;
	e.client.addr = take_addr(&in);
	e.local.addr = v.addr = take_addr(&in);
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
		texts[i] = take_text(&in, i == 1 ? 7 : 1);
	e.group = texts[0];
	e.rule = texts[1];
	e.list = texts[2];
	e.logged_list = texts[3];
	e.logged_rule = texts[4];
	e.ede_text = texts[5];
	edit = (struct policy_edit){ .who = "" };
	snprintf(edit.who, sizeof edit.who, "%s", texts[6] != NULL ? texts[6] : "");
	snprintf(edit.reason, sizeof edit.reason, "%s", texts[7] != NULL ? texts[7] : "");
	v.edit = is_edit ? &edit : NULL;
	/* A text that is "" counts as none: a rule always has letters. */
	if (e.rule != NULL && e.rule[0] == 0)
		e.rule = NULL;
	e.name = take_name(&in, &names[0]);
	e.zone = take_name(&in, &names[1]);
	const uint8_t *servers[9];
	const uint8_t *server = take_name(&in, &names[2]);
	struct addr server_addrs[9];
	for (unsigned i = 0; i < 9; i++) {
		servers[i] = server;
		server_addrs[i] = e.client.addr;
	}
	e.server_names = servers;
	e.n_server_names = server != NULL ? flags % 10U : 0;
	e.server_addrs = server_addrs;
	e.n_server_addrs = flags / 8U % 10U;
	if (server != NULL && flags % 2 == 1)
		v.name = names[2];
	if (has_message) {
		e.message = in.p;
		e.message_bytes = in.n;
	}
	check(&e);
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	return 0;
}
