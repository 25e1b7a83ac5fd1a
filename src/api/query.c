/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir query: a question through the whole pipeline, as if a client had sent it. */
#include <errno.h>
#include <libknot/libknot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "dns/text.h"

enum {
	RECORDS_MAX = 1000,
	RDATA_TEXT_MAX = 8192
};

enum call_outcome command_query(struct api_call *call)
{
	const char *command, *name_text, *type_text = "A", *client = "127.0.0.1";
	int is_do = 0, is_cd = 0;
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s, s?s, s?s, s?b, s?b !}", "command",
	                   &command, "name", &name_text, "type", &type_text, "client", &client,
	                   "do", &is_do, "cd", &is_cd) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	struct name name;
	struct api_question q = { 0 };
	if (name_from_text(name_text, strlen(name_text), &name) != 0)
		return call_fail(call, "bad-name", "\"%.300s\" is not a domain name", name_text);
	if (dns_type_from_text(type_text, &q.type) != 0)
		return call_fail(call, "bad-type", "\"%.64s\" is not a record type", type_text);
	if (addr_from_text(client, strlen(client), &q.client) != 0)
		return call_fail(call, "bad-client", "\"%.64s\" is not an IP address", client);
	if (call->control == NULL || call->context->ask == NULL)
		return call_fail(call, "not-available", "this server does not take questions here");
	q.name = name.wire;
	q.is_do = is_do != 0;
	q.is_cd = is_cd != 0;
	control_set_wait(call->control, call->token, WAIT_ANSWER);
	int rc = call->context->ask(call->context->arg, &q, call->token);
	if (rc != 0)
		return call_fail(call, "failed", "the question could not be asked: %s",
		                 strerror(-rc));
	return CALL_WAIT;
}

/* ---- the answer ---- */

/* As dig shows it; the type's own form by libknot, RFC 3597's for what it does not know. */
static json_t *rdata_to_json(const struct rr *rr)
{
	char text[RDATA_TEXT_MAX];
	knot_rrset_t set;
	knot_rrset_init(&set, (knot_dname_t *)rr->owner, rr->type, KNOT_CLASS_IN, rr->ttl_s);
	if (knot_rrset_add_rdata(&set, rr->rdata, rr->rdata_len, NULL) != 0)
		return json_string("");
	int n = knot_rrset_txt_dump_data(&set, 0, text, sizeof text, &KNOT_DUMP_STYLE_DEFAULT);
	knot_rdataset_clear(&set.rrs, NULL);
	return n >= 0 ? json_string(text) : json_string("(too long to show)");
}

static json_t *record_to_json(const struct rr *rr)
{
	static const char *const sections[] = { "answer", "authority", "additional" };
	char owner[NAME_TEXT_MAX], type[DNS_TYPE_TEXT_MAX];
	name_to_text(rr->owner, owner);
	json_t *data = rdata_to_json(rr);
	return json_pack("{s:s, s:s, s:I, s:s, s:o}", "section", sections[rr->section], "name",
	                 owner, "ttl_s", (json_int_t)rr->ttl_s, "type",
	                 dns_type_text(rr->type, type), "data",
	                 data != NULL ? data : json_string("(not UTF-8)"));
}

/* Extended errors (RFC 8914 2) out of the OPT record's options. */
static void add_edes(const struct rr *opt, json_t *edes)
{
	for (size_t at = 0; at + 4 <= opt->rdata_len;) {
		unsigned code = load16(opt->rdata + at);
		size_t len = load16(opt->rdata + at + 2);
		at += 4;
		if (len > opt->rdata_len - at)
			return;
		if (code == 15 && len >= 2) {
			unsigned ede = load16(opt->rdata + at);
			json_t *text = json_stringn((const char *)opt->rdata + at + 2, len - 2);
			json_array_append_new(edes,
			                      json_pack("{s:i, s:s, s:o}", "code", (int)ede, "name",
			                                dns_ede_text((uint16_t)ede), "text",
			                                text != NULL ? text : json_string("")));
		}
		at += len;
	}
}

static json_t *message_to_json(const uint8_t *bytes, size_t n)
{
	struct message m;
	struct rr rr;
	size_t scratch_bytes = 4 * n + 64 * 1024;
	uint8_t *scratch = malloc(scratch_bytes);
	if (scratch == NULL || message_open(bytes, n, scratch, scratch_bytes, &m) != 0) {
		free(scratch);
		return NULL;
	}
	json_t *records = json_array(), *edes = json_array();
	const struct message opened = m;
	unsigned rcode = m.flags & 15;
	while (json_array_size(records) < RECORDS_MAX && message_next(&m, &rr) == 1) {
		if (rr.type == DNS_OPT) {
			rcode |= rr.ttl_s >> 24 << 4;
			add_edes(&rr, edes);
		} else {
			json_array_append_new(records, record_to_json(&rr));
		}
		m.scratch = opened.scratch;
		m.scratch_left = opened.scratch_left;
	}
	free(scratch);
	return json_pack("{s:s, s:b, s:b, s:o, s:o}", "rcode", dns_rcode_text(rcode), "truncated",
	                 (m.flags & FLAG_TC) != 0, "secure", (m.flags & FLAG_AD) != 0, "errors",
	                 edes, "records", records);
}

void control_ask_finished(struct control *control, uint64_t token, int error,
                          const uint8_t *message, size_t n)
{
	if (control == NULL)
		return;
	json_t *reply = NULL, *told = NULL;
	if (error == -ECANCELED)
		reply = call_error("dropped", "the question was dropped: no answer would be sent");
	else if (error != 0)
		reply = call_error("failed", strerror(-error));
	else if ((told = message_to_json(message, n)) == NULL)
		reply = call_error("failed", "the answer is not a DNS message");
	else
		reply = json_pack("{s:b, s:s, s:o}", "ok", 1, "command", "query", "answer", told);
	control_finish_call(control, token, reply);
}
