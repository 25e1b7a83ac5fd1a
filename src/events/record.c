/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events/record.h"

#include <string.h>

#include "dns/message.h"

static void plan_bytes(struct record_plan *plan, enum record_part part, const void *bytes, size_t n)
{
	plan->parts[part] = bytes;
	plan->len[part] = (uint16_t)n;
	plan->bytes += n;
}

static void plan_text(struct record_plan *plan, enum record_part part, const char *text, size_t max)
{
	if (text != NULL)
		plan_bytes(plan, part, text, strnlen(text, max));
}

static void plan_name(struct record_plan *plan, enum record_part part, const uint8_t *wire)
{
	if (wire != NULL)
		plan_bytes(plan, part, wire, name_len(wire));
}

static void plan_verdict(struct record_plan *plan, const struct verdict *v)
{
	if (v->name.len > 0)
		plan_bytes(plan, PART_MATCHED_NAME, v->name.wire, v->name.len);
	if (v->trigger == POLICY_TRIGGER_ANSWER || v->trigger == POLICY_TRIGGER_SERVER_ADDRESS ||
	    v->trigger == POLICY_TRIGGER_CLIENT || v->trigger == POLICY_TRIGGER_REBINDING)
		plan_bytes(plan, PART_MATCHED_ADDR, &v->addr, sizeof v->addr);
	if (v->edit != NULL) {
		plan_text(plan, PART_WHO, v->edit->who, RECORD_WHO_MAX);
		plan_text(plan, PART_REASON, v->edit->reason, RECORD_REASON_MAX);
	}
}

static unsigned at_most_servers(unsigned n)
{
	return n < RECORD_SERVERS_MAX ? n : RECORD_SERVERS_MAX;
}

static void plan_servers(struct record_plan *plan, const struct event *e)
{
	size_t n = 0;
	for (unsigned i = 0; i < at_most_servers(e->n_server_names); i++)
		n += name_len(e->server_names[i]);
	plan_bytes(plan, PART_SERVER_NAMES, NULL, n);
	plan_bytes(plan, PART_SERVER_ADDRS, e->server_addrs,
	           at_most_servers(e->n_server_addrs) * sizeof *e->server_addrs);
}

void record_plan(const struct event *e, struct record_plan *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->bytes = sizeof(struct record);
	plan_name(ret, PART_NAME, e->name);
	plan_text(ret, PART_GROUP, e->group, RECORD_GROUP_MAX);
	plan_text(ret, PART_LIST, e->list, POLICY_LIST_NAME_MAX);
	plan_text(ret, PART_RULE, e->rule, RECORD_RULE_MAX);
	plan_text(ret, PART_LOGGED_LIST, e->logged_list, POLICY_LIST_NAME_MAX);
	plan_text(ret, PART_LOGGED_RULE, e->logged_rule, RECORD_RULE_MAX);
	plan_text(ret, PART_SHADOW_LIST, e->shadow_list, POLICY_LIST_NAME_MAX);
	plan_text(ret, PART_SHADOW_RULE, e->shadow_rule, RECORD_RULE_MAX);
	plan_text(ret, PART_STRICT_LIST, e->strict_list, POLICY_LIST_NAME_MAX);
	plan_text(ret, PART_OWN, e->own, RECORD_OWN_MAX);
	if (e->ede_code != 0xffff)
		plan_text(ret, PART_EDE, e->ede_text, RECORD_EDE_MAX);
	if (e->verdict != NULL && e->verdict->action != POLICY_NONE)
		plan_verdict(ret, e->verdict);
	if (e->domain != NULL)
		plan_name(ret, PART_DOMAIN, e->domain->name);
	plan_name(ret, PART_ZONE, e->zone);
	if (e->findings != NULL)
		plan_bytes(ret, PART_FINDINGS, e->findings->at,
		           e->findings->n * sizeof e->findings->at[0]);
	if (e->n_server_names > 0 || e->n_server_addrs > 0)
		plan_servers(ret, e);
	/* Most blocked answers have no records: then there is nothing to sum up. */
	if (e->message != NULL && e->message_bytes > DNS_HEADER_BYTES &&
	    load16(e->message + 6) > 0) {
		size_t n = e->message_bytes;
		plan_bytes(ret, PART_MESSAGE, e->message,
		           n < RECORD_MESSAGE_MAX ? n : RECORD_MESSAGE_MAX);
	}
}

static uint8_t *write_server_names(const struct event *e, uint8_t *p)
{
	for (unsigned i = 0; i < at_most_servers(e->n_server_names); i++) {
		size_t n = name_len(e->server_names[i]);
		memcpy(p, e->server_names[i], n);
		p += n;
	}
	return p;
}

static bool has_alert(const struct event *e)
{
	for (unsigned i = 0; e->findings != NULL && i < e->findings->n; i++) {
		if (e->findings->at[i].action >= DETECT_ALERT)
			return true;
	}
	return false;
}

void record_write(const struct event *e, const struct record_plan *plan, void *ret_record)
{
	struct record *r = ret_record;
	const struct verdict *v = e->verdict;
	bool has_header = e->message != NULL && e->message_bytes >= DNS_HEADER_BYTES;
	*r = (struct record){
		.wall_ns = e->wall_ns,
		.latency_us = e->latency_us,
		.n_packets = e->n_packets,
		.client = e->client.addr,
		.server = e->local.addr,
		.client_port = e->client.port,
		.server_port = e->local.port,
		.type = e->type,
		.class = e->class != 0 ? e->class : DNS_CLASS_IN,
		.id = e->id,
		.flags = e->flags,
		.answer_flags = has_header ? load16(e->message + 2) : 0,
		.ede_code = e->ede_code,
		.protocol = (uint8_t)e->protocol,
		.rcode = e->rcode,
		.action = v != NULL ? (uint8_t)v->action : POLICY_NONE,
		.trigger = v != NULL ? (uint8_t)v->trigger : POLICY_TRIGGER_NONE,
		.is_do = e->is_do,
		.is_answered = e->is_answered,
		.is_cached = e->is_cached,
		.is_stale = e->is_stale,
		.is_throttled = e->is_throttled,
		.has_alert = has_alert(e),
		.dnssec = e->dnssec,
		.shadow_action = e->shadow_list != NULL ? e->shadow_action : (uint8_t)POLICY_NONE,
		.strict_action = e->strict_action,
		.has_strict = e->has_strict,
		.has_serial = e->has_serial,
		.serial = e->serial,
		.domain_first_s = e->domain != NULL ? e->domain->first_s : 0,
		.domain_clients = e->domain != NULL ? e->domain->n_clients : 0,
		.is_edit = v != NULL && v->action != POLICY_NONE && v->edit != NULL,
		.has_answer_flags = has_header,
	};
	memcpy(r->part_len, plan->len, sizeof r->part_len);
	uint8_t *p = (uint8_t *)(r + 1);
	for (unsigned i = 0; i < RECORD_PARTS; i++) {
		if (plan->len[i] == 0)
			continue;
		if (i == PART_SERVER_NAMES) {
			p = write_server_names(e, p);
			continue;
		}
		memcpy(p, plan->parts[i], plan->len[i]);
		p += plan->len[i];
	}
}
