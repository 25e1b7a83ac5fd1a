/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An alert as JSON with the names of the Elastic Common Schema. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "alerts/render.h"
#include "base/clock.h"
#include "base/random.h"

static const char *const severity_names[] = { "low", "medium", "high", "critical" };
/* event.severity: 0 to 100, in the steps of Elastic's own rules. */
static const int severity_numbers[] = { 21, 47, 73, 99 };

const char *alert_severity_name(enum alert_severity s)
{
	return severity_names[s];
}

enum alert_severity alert_severity_from(const char *word)
{
	for (unsigned i = 0; i < ARRAY_LEN(severity_names); i++) {
		if (strcmp(severity_names[i], word) == 0)
			return (enum alert_severity)i;
	}
	return ALERT_MEDIUM;
}

const char *render_time(uint64_t wall_ns, char ret[RENDER_TIME_MAX])
{
	struct tm tm;
	time_t s = (time_t)(wall_ns / NS_PER_S);
	size_t n = gmtime_r(&s, &tm) != NULL
	                   ? strftime(ret, RENDER_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm)
	                   : 0;
	snprintf(ret + n, RENDER_TIME_MAX - n, ".%06" PRIu64 "Z",
	         (uint64_t)(wall_ns % NS_PER_S / 1000));
	return ret;
}

const char *render_host(void)
{
	static _Thread_local struct utsname u;
	size_t n;
	if (uname(&u) != 0 || u.nodename[0] == 0)
		return "-";
	n = strnlen(u.nodename, sizeof u.nodename);
	for (size_t i = 0; i < n; i++) {
		if (u.nodename[i] <= ' ' || u.nodename[i] > '~')
			u.nodename[i] = '?'; /* RFC 5424 6.2.4: PRINTUSASCII */
	}
	return u.nodename;
}

/* A text as JSON; cut, and '?' for what is not ASCII when that cut a character in two. */
static json_t *text_json(const char *text)
{
	char cut[RENDER_TEXT_MAX + 1];
	snprintf(cut, sizeof cut, "%s", text);
	json_t *j = json_string(cut);
	for (char *c = cut; j == NULL && *c != 0; c++) {
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	}
	return j != NULL ? j : json_string(cut);
}

static void set_text(json_t *o, const char *member, const char *text)
{
	if (text != NULL)
		json_object_set_new(o, member, text_json(text));
}

static void set_time(json_t *o, const char *member, uint64_t wall_s)
{
	char text[RENDER_TIME_MAX];
	if (wall_s != 0)
		set_text(o, member, render_time(wall_s * NS_PER_S, text));
}

static json_t *event_json(const struct alert *a)
{
	char id[33];
	const char *category = a->client != NULL ? "intrusion_detection" : "configuration";
	const char *type = strcmp(a->action, "incident-closed") == 0 ? "end"
	                   : a->client != NULL                       ? "indicator"
	                                                             : "info";
	snprintf(id, sizeof id, "%016" PRIx64 "%016" PRIx64, random_u64(), random_u64());
	json_t *event = json_pack("{s:s, s:[s], s:[s], s:s, s:s, s:s, s:s, s:i}", "kind", "alert",
	                          "category", category, "type", type, "module", "weir", "dataset",
	                          "weir.alert", "id", id, "provider", "weir", "severity",
	                          severity_numbers[a->severity]);
	set_text(event, "action", a->action);
	set_time(event, "start", a->first_s);
	set_time(event, "end", a->last_s);
	return event;
}

static json_t *reason_json(const struct alert_reason *r)
{
	json_t *o = json_object();
	set_text(o, "text", r->text);
	set_text(o, "source", r->source);
	set_text(o, "name", r->name);
	json_object_set_new(o, "count", json_integer((json_int_t)r->count));
	json_object_set_new(o, "score", json_real((double)(int64_t)(r->score * 10 + 0.5) / 10));
	return o;
}

static json_t *incident_json(const struct alert *a)
{
	json_t *o = json_object(), *reasons = json_array();
	set_text(o, "id", a->incident);
	set_text(o, "state", a->state);
	json_object_set_new(o, "score", json_real((double)(int64_t)(a->score * 10 + 0.5) / 10));
	for (unsigned i = 0; i < a->n_reasons; i++)
		json_array_append_new(reasons, reason_json(&a->reasons[i]));
	json_object_set_new(o, "reasons", reasons);
	return o;
}

/* client.ip must be an address; client.address may be anything. */
static json_t *client_json(const char *client)
{
	struct addr addr;
	json_t *o = json_object();
	set_text(o, "address", client);
	if (addr_from_text(client, strlen(client), &addr) == 0)
		set_text(o, "ip", client);
	return o;
}

char *render_ecs(const struct alert *a)
{
	char text[RENDER_TIME_MAX];
	json_t *o = json_object(), *weir = json_object();
	set_text(o, "@timestamp", render_time(a->wall_ns, text));
	json_object_set_new(o, "ecs", json_pack("{s:s}", "version", "8.11.0"));
	json_object_set_new(o, "event", event_json(a));
	set_text(o, "message", a->message);
	json_object_set_new(o, "observer",
	                    json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", render_host(), "vendor",
	                              "Weir", "product", "Weir", "type", "dns", "version",
	                              WEIR_VERSION));
	if (a->client != NULL) {
		json_object_set_new(o, "client", client_json(a->client));
		json_object_set_new(weir, "incident", incident_json(a));
	}
	set_text(weir, "severity", severity_names[a->severity]);
	set_text(weir, "group", a->group);
	json_object_set_new(o, "weir", weir);
	char *line = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
	json_decref(o);
	return line;
}
