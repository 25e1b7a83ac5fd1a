/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients that seem to be infected, as people read it. */
#include <string.h>

#include "api/api.h"
#include "api/text.h"

static const char *ago(uint64_t now_s, uint64_t then_s, char ret[TEXT_TIME_MAX])
{
	if (then_s == 0)
		return "-";
	return text_duration(now_s > then_s ? now_s - then_s : 0, ret);
}

static double score_of(const json_t *o)
{
	return json_number_value(json_object_get(o, "score"));
}

static void print_row(FILE *out, const json_t *c, uint64_t now_s)
{
	char first[TEXT_TIME_MAX], last[TEXT_TIME_MAX], line[TEXT_SHOWN_MAX];
	const json_t *reasons = json_object_get(c, "reasons");
	fprintf(out, "%-24s %-10s %6.0f  %-9s %-9s %s\n", text_of(c, "client"), text_of(c, "state"),
	        score_of(c), ago(now_s, text_number(c, "first_s"), first),
	        ago(now_s, text_number(c, "last_s"), last), text_of(c, "group"));
	for (size_t i = 0; i < json_array_size(reasons) && i < 3; i++) {
		snprintf(line, sizeof line, "%s", text_of(json_array_get(reasons, i), "text"));
		fputs("    ", out);
		text_wrap(out, 4, 6, line);
	}
	if (json_array_size(reasons) > 3)
		fprintf(out, "    and %zu more: weir client %s\n", json_array_size(reasons) - 3,
		        text_of(c, "client"));
}

void api_print_clients(FILE *out, const json_t *reply)
{
	const json_t *o = json_object_get(reply, "clients");
	const json_t *list = json_object_get(o, "clients");
	uint64_t total = text_number(o, "total"), untracked = text_number(o, "untracked");
	char a[TEXT_TIME_MAX];
	if (total == 0) {
		fputs("There is no evidence against any client.\n", out);
	} else {
		fprintf(out, "%llu infected, %llu suspicious, %llu with some evidence\n\n",
		        (unsigned long long)text_number(o, "infected"),
		        (unsigned long long)text_number(o, "suspicious"),
		        (unsigned long long)total);
		fprintf(out, "%-24s %-10s %6s  %-9s %-9s %s\n", "client", "state", "score", "first",
		        "last", "group");
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		print_row(out, json_array_get(list, i), text_number(o, "now_s"));
	if (json_array_size(list) < total)
		fprintf(out, "\n%zu of %llu are shown; --limit shows more, --from others.\n",
		        json_array_size(list), (unsigned long long)total);
	if (untracked > 0)
		fprintf(out, "\nThe table is full: %s pieces of evidence had no room.\n",
		        text_count(untracked, a));
}

/* "2026-11-28 10:39:11 UTC  infected     120  4 x list urlhaus (c2): evil.example" */
static void print_step(FILE *out, const json_t *s)
{
	char at[TEXT_TIME_MAX];
	const char *what = text_of(s, "what"), *name = text_of(s, "name");
	fprintf(out, "  %s  %-10s %6.0f  ", text_time(text_number(s, "first_s"), at),
	        text_of(s, "state"), score_of(s));
	if (strcmp(what, "evidence") == 0) {
		fprintf(out, "%llu x %s %s%s%s\n", (unsigned long long)text_number(s, "count"),
		        text_of(s, "class"), text_of(s, "source"), name[0] != 0 ? ": " : "", name);
		return;
	}
	if (strcmp(what, "cleared") == 0) {
		fprintf(out, "cleared by %s: %s\n", text_of(s, "who"), text_of(s, "reason"));
		return;
	}
	fprintf(out, "%s\n",
	        strcmp(what, "opened") == 0  ? "an incident is opened"
	        : strcmp(what, "worse") == 0 ? "the incident is worse"
	                                     : "the incident is closed: it was quiet");
}

void api_print_client(FILE *out, const json_t *reply)
{
	const json_t *c = json_object_get(reply, "client");
	const json_t *reasons = json_object_get(c, "reasons"),
		     *steps = json_object_get(c, "timeline");
	uint64_t now_s = text_number(c, "now_s");
	char first[TEXT_TIME_MAX], last[TEXT_TIME_MAX], line[TEXT_SHOWN_MAX];
	fprintf(out, "%s is %s, score %.1f", text_of(c, "client"), text_of(c, "state"),
	        score_of(c));
	if (text_of(c, "group")[0] != 0)
		fprintf(out, ", group %s", text_of(c, "group"));
	if (text_of(c, "incident")[0] != 0)
		fprintf(out, ", incident %s", text_of(c, "incident"));
	fprintf(out, "\n\n%s\n",
	        json_array_size(reasons) > 0 ? "Why:" : "Nothing is held against it.");
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		const json_t *r = json_array_get(reasons, i);
		snprintf(line, sizeof line, "%s", text_of(r, "text"));
		fprintf(out, "  %6.1f  ", score_of(r));
		text_wrap(out, 10, 10, line);
		fprintf(out, "          first %s ago, last %s ago\n",
		        ago(now_s, text_number(r, "first_s"), first),
		        ago(now_s, text_number(r, "last_s"), last));
	}
	if (json_array_size(steps) > 0)
		fputs("\nHow it came (when, state and score after it):\n", out);
	for (size_t i = 0; i < json_array_size(steps); i++)
		print_step(out, json_array_get(steps, i));
}

void api_print_cleared(FILE *out, const json_t *reply)
{
	fprintf(out, "%s is clear; new evidence counts from nothing.\n",
	        text_of(json_object_get(reply, "cleared"), "address"));
}
