/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where alerts go, and a test of it. */
#include <errno.h>
#include <string.h>

#include "api/call.h"
#include "base/clock.h"

static json_t *destination_json(const struct alerts_view *v)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name", v->name,
	                 "to", v->to, "waiting", (json_int_t)v->waiting, "sent",
	                 (json_int_t)v->sent, "lost", (json_int_t)v->lost, "refused",
	                 (json_int_t)v->refused, "failures", (json_int_t)v->failures, "sent_s",
	                 (json_int_t)v->sent_s, "failed_s", (json_int_t)v->failed_s, "next_s",
	                 (json_int_t)v->next_s, "error", v->why);
}

static json_t *alerts_json(struct alerts *a)
{
	struct alerts_view views[ALERTS_MAX];
	struct alerts_counts c;
	unsigned n = alerts_view(a, views, &c);
	json_t *list = json_array();
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, destination_json(&views[i]));
	return json_pack("{s:I, s:I, s:I, s:{s:I, s:I, s:I, s:s}, s:o}", "now_s",
	                 (json_int_t)(clock_wall_ns() / NS_PER_S), "put", (json_int_t)c.put, "lost",
	                 (json_int_t)c.lost, "spool", "bytes", (json_int_t)c.bytes, "max_bytes",
	                 (json_int_t)c.max_bytes, "in_memory", (json_int_t)c.in_memory, "error",
	                 c.trouble, "destinations", list);
}

/* Severe enough for every destination. */
static int put_test(struct alerts *a, const char *who)
{
	char text[160];
	snprintf(text, sizeof text, "Test: alerts from here arrive. Asked for by %s.", who);
	const struct alert alert = { .wall_ns = clock_wall_ns(),
		                     .severity = ALERT_CRITICAL,
		                     .action = "test",
		                     .message = text };
	return alerts_put(a, &alert);
}

enum call_outcome command_alerts(struct api_call *call)
{
	const char *command, *action = "list";
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s?s !}", "command", &command, "action",
	                   &action) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	struct alerts *a = call->context->alerts;
	if (a == NULL)
		return call_fail(call, "not-available",
		                 "there is no running server that sends alerts");
	int e = 0;
	if (strcmp(action, "test") == 0)
		e = put_test(a, call->who != NULL ? call->who : "nobody");
	else if (strcmp(action, "list") != 0)
		return call_fail(call, "bad-request", "there is no action \"%.64s\"", action);
	if (e != 0)
		return call_fail(call, "failed", "the test alert was not taken: %s", strerror(-e));
	return call_done(call, "alerts", alerts_json(a));
}
