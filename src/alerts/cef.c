/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Common Event Format: CEF:0|vendor|product|version|id|name|severity|extension. In the head a '|'
 * and a '\' are escaped, in the extension a '=', a '\' and line ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts/render.h"

static const char *text_in(const json_t *o, const char *a, const char *b)
{
	const json_t *inner = json_object_get(o, a);
	const char *text = json_string_value(b != NULL ? json_object_get(inner, b) : inner);
	return text != NULL ? text : "";
}

/* ASCII, and nothing that steers a terminal. */
static void put_escaped(FILE *f, const char *text, const char *special)
{
	for (; *text != 0; text++) {
		unsigned char c = (unsigned char)*text;
		if (strchr(special, c) != NULL)
			fprintf(f, "\\%c", c);
		else if (c == '\n' || c == '\r')
			fputs(special[0] == '=' ? "\\n" : " ", f);
		else
			fputc(c < ' ' || c > '~' ? '?' : c, f);
	}
}

static void put_head(FILE *f, const char *text)
{
	put_escaped(f, text, "|\\");
	fputc('|', f);
}

static void put_pair(FILE *f, const char *key, const char *text)
{
	if (text[0] == 0)
		return;
	fprintf(f, " %s=", key);
	put_escaped(f, text, "=\\");
}

static const char *name_of(const char *action)
{
	static const struct {
		const char *action, *name;
	} names[] = {
		{ "incident-opened", "Client shows signs of an infection" },
		{ "incident-updated", "Client shows more signs of an infection" },
		{ "incident-closed", "Incident closed" },
		{ "test", "Test" },
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i].action, action) == 0)
			return names[i].name;
	}
	return action;
}

static int severity_of(const json_t *ecs)
{
	/* 0-3 low, 4-6 medium, 7-8 high, 9-10 very high */
	static const int numbers[] = { 3, 5, 8, 10 };
	return numbers[alert_severity_from(text_in(ecs, "weir", "severity"))];
}

static void put_incident(FILE *f, const json_t *ecs)
{
	const json_t *incident = json_object_get(json_object_get(ecs, "weir"), "incident");
	const json_t *reasons = json_object_get(incident, "reasons");
	const char *ip = text_in(ecs, "client", "ip");
	char texts[2048] = "";
	size_t n = 0;
	put_pair(f, ip[0] != 0 ? "src" : "shost",
	         ip[0] != 0 ? ip : text_in(ecs, "client", "address"));
	put_pair(f, "cs1Label", "incident");
	put_pair(f, "cs1", text_in(incident, "id", NULL));
	put_pair(f, "cs2Label", "state");
	put_pair(f, "cs2", text_in(incident, "state", NULL));
	fprintf(f, " cfp1Label=score cfp1=%.1f",
	        json_number_value(json_object_get(incident, "score")));
	for (size_t i = 0; i < json_array_size(reasons) && n < sizeof texts; i++)
		n += (size_t)snprintf(texts + n, sizeof texts - n, "%s%s", i > 0 ? "; " : "",
		                      text_in(json_array_get(reasons, i), "text", NULL));
	put_pair(f, "cs3Label", texts[0] != 0 ? "reasons" : "");
	put_pair(f, "cs3", texts);
	const char *name = text_in(json_array_get(reasons, 0), "name", NULL);
	put_pair(f, "destinationDnsDomain", name);
}

/* Milliseconds since 1970, the form that every receiver knows. */
static void put_time(FILE *f, const char *timestamp)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *rest = strptime(timestamp, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest != NULL)
		fprintf(f, " rt=%lld%.3s", (long long)timegm(&tm),
		        *rest == '.' && strlen(rest) > 4 ? rest + 1 : "000");
}

char *render_cef(const json_t *ecs)
{
	char *text = NULL;
	size_t n;
	const char *action = text_in(ecs, "event", "action");
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return NULL;
	fputs("CEF:0|Weir|Weir|", f);
	put_head(f, text_in(ecs, "observer", "version"));
	put_head(f, action);
	put_head(f, name_of(action));
	fprintf(f, "%d|", severity_of(ecs));
	fputs("cat=", f);
	put_escaped(f, text_in(ecs, "event", "dataset"), "=\\");
	put_pair(f, "externalId", text_in(ecs, "event", "id"));
	put_time(f, text_in(ecs, "@timestamp", NULL));
	put_pair(f, "dvchost", text_in(ecs, "observer", "name"));
	if (json_object_get(json_object_get(ecs, "weir"), "incident") != NULL)
		put_incident(f, ecs);
	put_pair(f, "msg", text_in(ecs, "message", NULL));
	bool is_bad = ferror(f) != 0;
	if (fclose(f) != 0 || is_bad) {
		free(text);
		return NULL;
	}
	return text;
}
