/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir trust: the trust anchors, and the negative ones that the operator sets. */
#include <errno.h>
#include <string.h>

#include "api/call.h"
#include "api/text.h"
#include "base/clock.h"

/* ---- list ---- */

static uint64_t wall_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

static json_t *name_to_json(const uint8_t *wire)
{
	char text[NAME_TEXT_MAX];
	name_to_text(wire, text);
	return json_string(text);
}

static void set_time(json_t *o, const char *member, uint64_t s)
{
	if (s != 0)
		json_object_set_new(o, member, json_integer((json_int_t)s));
}

struct listing {
	const struct keeper *keeper;
	json_t *anchors, *negatives;
};

static void visit_key(void *arg, const struct keeper_key *k)
{
	struct listing *l = arg;
	uint64_t seen_s, next_in_s;
	keeper_times(l->keeper, k->zone, clock_mono_ns() / NS_PER_S, &seen_s, &next_in_s);
	json_t *o = json_pack("{s:o, s:s, s:i, s:i, s:s, s:b}", "zone", name_to_json(k->zone),
	                      "type", k->type == DNS_DS ? "DS" : "DNSKEY", "tag", k->tag,
	                      "algorithm", k->algorithm, "state", anchor_state_text(k->state),
	                      "configured", k->is_configured);
	set_time(o, "since_s", k->since_s);
	set_time(o, "until_s", k->until_s);
	set_time(o, "seen_s", seen_s);
	json_object_set_new(o, "next_in_s", json_integer((json_int_t)next_in_s));
	json_array_append_new(l->anchors, o);
}

static void visit_negative(void *arg, const struct negative_anchor *a)
{
	struct listing *l = arg;
	json_t *o = json_pack("{s:o, s:b}", "name", name_to_json(a->name.wire), "configured",
	                      a->is_configured);
	set_time(o, "since_s", a->since_s);
	set_time(o, "expires_s", a->expires_s);
	if (a->who[0] != 0)
		json_object_set_new(o, "who", json_string(a->who));
	if (a->reason[0] != 0)
		json_object_set_new(o, "reason", json_string(a->reason));
	json_array_append_new(l->negatives, o);
}

static enum call_outcome list(struct api_call *call)
{
	struct listing l = { .keeper = call->context->keeper,
		             .anchors = json_array(),
		             .negatives = json_array() };
	keeper_each_key(l.keeper, visit_key, &l);
	keeper_each_negative(l.keeper, visit_negative, &l);
	call_done(call, "trust",
	          json_pack("{s:o, s:o, s:I}", "anchors", l.anchors, "negative", l.negatives,
	                    "now_s", (json_int_t)wall_s()));
	return CALL_DONE;
}

/* ---- add, remove ---- */

struct trust_request {
	const char *action, *name, *reason;
	json_int_t for_s;
};

static enum call_outcome done(struct api_call *call, const char *what, const struct name *name,
                              uint64_t expires_s)
{
	json_t *o = json_pack("{s:s, s:o}", "done", what, "name", name_to_json(name->wire));
	set_time(o, "expires_s", expires_s);
	set_time(o, "now_s", wall_s());
	return call_done(call, "trust", o);
}

/* 0, or the call has failed. */
static int read_name(struct api_call *call, const char *text, struct name *ret)
{
	if (text != NULL && strchr(text, '*') == NULL &&
	    name_from_text(text, strlen(text), ret) == 0)
		return 0;
	if (text == NULL)
		call_fail(call, "bad-request", "a \"name\" is missing");
	else
		call_fail(call, "bad-name", "\"%.300s\" is not a domain name", text);
	return -1;
}

static bool copy_line(const char *from, char *to, size_t room)
{
	size_t n = strlen(from);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)from[i] < 0x20 || from[i] == 0x7f)
			return false;
	if (n >= room)
		return false;
	memcpy(to, from, n + 1);
	return true;
}

static enum call_outcome add(struct api_call *call, const struct trust_request *r)
{
	struct negative_anchor a = { .since_s = wall_s() };
	if (read_name(call, r->name, &a.name) != 0)
		return CALL_DONE;
	if (r->for_s < 1 || r->for_s > NEGATIVE_MAX_S)
		return call_fail(call, "bad-time",
		                 "a negative trust anchor lasts from 1 second to 7 days (RFC 7646 "
		                 "2); for longer it belongs into the configuration, "
		                 "resolver.negative-trust-anchors");
	a.expires_s = a.since_s + (uint64_t)r->for_s;
	if (!copy_line(r->reason, a.reason, sizeof a.reason))
		return call_fail(call, "bad-reason",
		                 "a reason is one line of at most %zu bytes without control "
		                 "characters",
		                 sizeof a.reason - 1);
	if (!copy_line(call->who, a.who, sizeof a.who))
		a.who[0] = 0;
	int e = keeper_add_negative(call->context->keeper, &a);
	if (e == -EEXIST)
		return call_fail(call, "exists", "%.300s is in the configuration, without end",
		                 r->name);
	if (e == -ENOSPC)
		return call_fail(call, "too-many",
		                 "there are %d negative trust anchors, or the disk is full",
		                 NEGATIVE_ANCHORS_MAX);
	if (e != 0)
		return call_fail(call, "failed",
		                 "the negative trust anchors could not be saved: %s", strerror(-e));
	return done(call, "added", &a.name, a.expires_s);
}

static enum call_outcome take_back(struct api_call *call, const struct trust_request *r)
{
	struct name name;
	if (read_name(call, r->name, &name) != 0)
		return CALL_DONE;
	int e = keeper_remove_negative(call->context->keeper, name.wire);
	if (e == -ENOENT)
		return call_fail(call, "not-found", "there is no negative trust anchor for %.300s",
		                 r->name);
	if (e == -EPERM)
		return call_fail(call, "not-available",
		                 "%.300s is in the configuration: take it out of "
		                 "resolver.negative-trust-anchors and restart",
		                 r->name);
	if (e != 0)
		return call_fail(call, "failed",
		                 "the negative trust anchors could not be saved: %s", strerror(-e));
	return done(call, "removed", &name, 0);
}

static enum call_outcome refresh(struct api_call *call)
{
	keeper_ask_all(call->context->keeper);
	return call_done(call, "trust", json_pack("{s:s}", "done", "asked"));
}

enum call_outcome command_trust(struct api_call *call)
{
	const char *command;
	json_error_t error;
	struct trust_request r = { .reason = "", .for_s = NEGATIVE_DEFAULT_S };
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s, s?s, s?s, s?I !}", "command",
	                   &command, "action", &r.action, "name", &r.name, "reason", &r.reason,
	                   "for_s", &r.for_s) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (call->context->keeper == NULL)
		return call_fail(call, "not-available",
		                 "nothing is validated here (resolver.trust-anchors: none)");
	bool takes_name = strcmp(r.action, "add") == 0 || strcmp(r.action, "remove") == 0;
	if (!takes_name && r.name != NULL)
		return call_fail(call, "bad-request", "%.32s takes no name", r.action);
	if (strcmp(r.action, "add") == 0)
		return add(call, &r);
	if (strcmp(r.action, "remove") == 0)
		return take_back(call, &r);
	if (strcmp(r.action, "list") == 0)
		return list(call);
	if (strcmp(r.action, "refresh") == 0)
		return refresh(call);
	return call_fail(call, "bad-action", "the action is list, add, remove or refresh");
}

/* ---- as people read it ---- */

static void print_anchor(FILE *out, const json_t *a, uint64_t now_s)
{
	char at[TEXT_TIME_MAX], left[TEXT_TIME_MAX];
	uint64_t until_s = text_number(a, "until_s");
	fprintf(out, "  %-24s %5u  %-6s  %-8s since %s%s", text_of(a, "zone"),
	        (unsigned)text_number(a, "tag"), text_of(a, "type"), text_of(a, "state"),
	        text_time(text_number(a, "since_s"), at),
	        json_is_true(json_object_get(a, "configured")) ? ", configured" : "");
	if (until_s > now_s)
		fprintf(out, ", %s to go", text_duration(until_s - now_s, left));
	fputc('\n', out);
}

static void print_negative(FILE *out, const json_t *a, uint64_t now_s)
{
	char at[TEXT_TIME_MAX], left[TEXT_TIME_MAX];
	uint64_t expires_s = text_number(a, "expires_s");
	fprintf(out, "  %-24s ", text_of(a, "name"));
	if (expires_s == 0)
		fputs("configured, until it is taken out\n", out);
	else
		fprintf(out, "%s left; by %s, %s\n",
		        text_duration(expires_s > now_s ? expires_s - now_s : 0, left),
		        text_of(a, "who"), text_time(text_number(a, "since_s"), at));
	if (text_of(a, "reason")[0] != 0)
		fprintf(out, "  %-24s %s\n", "", text_of(a, "reason"));
}

static void print_list(FILE *out, const json_t *t)
{
	const json_t *anchors = json_object_get(t, "anchors"),
		     *negatives = json_object_get(t, "negative");
	uint64_t now_s = text_number(t, "now_s");
	fputs("Trust anchors:\n", out);
	for (size_t i = 0; i < json_array_size(anchors); i++)
		print_anchor(out, json_array_get(anchors, i), now_s);
	if (json_array_size(negatives) == 0) {
		fputs("There are no negative trust anchors.\n", out);
		return;
	}
	fputs("Not validated (negative trust anchors):\n", out);
	for (size_t i = 0; i < json_array_size(negatives); i++)
		print_negative(out, json_array_get(negatives, i), now_s);
}

void api_print_trust(FILE *out, const json_t *reply)
{
	const json_t *t = json_object_get(reply, "trust");
	const char *what = text_of(t, "done");
	char at[TEXT_TIME_MAX], left[TEXT_TIME_MAX];
	if (what[0] == 0) {
		print_list(out, t);
	} else if (strcmp(what, "added") == 0) {
		uint64_t expires_s = text_number(t, "expires_s");
		fprintf(out, "%s and everything below it is not validated until %s (%s).\n",
		        text_of(t, "name"), text_time(expires_s, at),
		        text_duration(expires_s - text_number(t, "now_s"), left));
	} else if (strcmp(what, "removed") == 0) {
		fprintf(out, "%s is validated again.\n", text_of(t, "name"));
	} else {
		fputs("The zones of all trust anchors are asked for their keys now.\n", out);
	}
}
