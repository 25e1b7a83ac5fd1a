/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What receivers want around an alert. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alerts/render.h"

enum {
	FACILITY_SECURITY = 4, /* RFC 5424 6.2.1 */
};

static const char *text_in(const json_t *o, const char *a, const char *b)
{
	const char *text = json_string_value(json_object_get(json_object_get(o, a), b));
	return text != NULL ? text : "";
}

enum render_format render_format_from(const char *word)
{
	static const char *const words[] = { "ecs", "cef", "slack", "splunk" };
	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i], word) == 0)
			return (enum render_format)i;
	}
	return RENDER_ECS;
}

/* Slack gives '&', '<' and '>' a meaning of their own. */
static void put_slack(FILE *f, const char *text)
{
	for (; *text != 0; text++) {
		if (*text == '&')
			fputs("&amp;", f);
		else if (*text == '<')
			fputs("&lt;", f);
		else if (*text == '>')
			fputs("&gt;", f);
		else
			fputc(*text, f);
	}
}

static char *slack_body(const json_t *ecs)
{
	char *text = NULL, *body = NULL;
	size_t n;
	const char *message = json_string_value(json_object_get(ecs, "message"));
	const json_t *incident = json_object_get(json_object_get(ecs, "weir"), "incident");
	const json_t *reasons = json_object_get(incident, "reasons");
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return NULL;
	fprintf(f, "*Weir %s, %s*: ", text_in(ecs, "observer", "name"),
	        text_in(ecs, "weir", "severity"));
	put_slack(f, message != NULL ? message : "");
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		const char *reason =
			json_string_value(json_object_get(json_array_get(reasons, i), "text"));
		fputs("\n- ", f);
		put_slack(f, reason != NULL ? reason : "");
	}
	if (fclose(f) == 0) {
		json_t *o = json_pack("{s:s}", "text", text);
		body = o != NULL ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
		json_decref(o);
	}
	free(text);
	return body;
}

static char *splunk_body(const json_t *ecs)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:O}", "host", text_in(ecs, "observer", "name"),
	                      "source", "weir", "sourcetype", "weir:alert", "event", ecs);
	char *body = o != NULL ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	json_decref(o);
	return body;
}

char *render_body(enum render_format f, const json_t *ecs, const char *line)
{
	switch (f) {
	case RENDER_CEF:
		return render_cef(ecs);
	case RENDER_SLACK:
		return slack_body(ecs);
	case RENDER_SPLUNK:
		return splunk_body(ecs);
	case RENDER_ECS:
		break;
	}
	return strdup(line);
}

char *render_syslog(const json_t *ecs, const char *text)
{
	/* notice, warning, error, critical (RFC 5424 6.2.1) */
	static const int severities[] = { 5, 4, 3, 2 };
	char *message = NULL;
	const char *time = json_string_value(json_object_get(ecs, "@timestamp"));
	enum alert_severity s = alert_severity_from(text_in(ecs, "weir", "severity"));
	int n = asprintf(&message, "<%d>1 %s %s weir %d alert - %s",
	                 FACILITY_SECURITY * 8 + severities[s], time != NULL ? time : "-",
	                 text_in(ecs, "observer", "name"), (int)getpid(), text);
	return n >= 0 ? message : NULL;
}
