/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replies as people read them, but for the walk of explain. */
#include <string.h>

#include "api/api.h"
#include "api/text.h"

void api_print_error(FILE *out, const json_t *reply)
{
	const json_t *error = json_object_get(reply, "error");
	const char *text = text_of(error, "text");
	fprintf(out, "%s\n", text[0] != '\0' ? text : "the server refused without a reason");
}

/* ---- edits ---- */

static void print_rule(FILE *out, const json_t *edit)
{
	const char *scope = text_of(edit, "scope");
	fprintf(out, "%s%s%s", strcmp(scope, "below") == 0 ? "*." : "", text_of(edit, "name"),
	        strcmp(scope, "tree") == 0 ? " and everything below it" : "");
}

static void print_groups(FILE *out, const json_t *groups)
{
	enum {
		SHOWN = 8
	};
	size_t n = json_array_size(groups);
	fprintf(out, "group%s", n == 1 ? "" : "s");
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		char shown[128];
		const char *name = json_string_value(json_array_get(groups, i));
		fprintf(out, "%s %s", i > 0 ? "," : "",
		        text_show(name != NULL ? name : "", shown, sizeof shown));
	}
	if (n > SHOWN)
		fprintf(out, " and %zu more", n - SHOWN);
}

/* "nxdomain by rule evil.example of list malware" */
static void print_standing(FILE *out, const json_t *v)
{
	const char *by = text_of(v, "by");
	if (strcmp(by, "nothing") == 0)
		fputs("no rule", out);
	else if (strcmp(by, "edit") == 0)
		fprintf(out, "%s by the edit %s", text_of(v, "action"), text_of(v, "rule"));
	else if (strcmp(by, "list") == 0)
		fprintf(out, "%s by rule %s of list %s", text_of(v, "action"), text_of(v, "rule"),
		        text_of(v, "list"));
	else
		fprintf(out, "%s by default: deny", text_of(v, "action"));
}

static void print_effects(FILE *out, const json_t *effects)
{
	for (size_t i = 0; i < json_array_size(effects); i++) {
		const json_t *x = json_array_get(effects, i);
		const json_t *notes = json_object_get(x, "notes");
		fputs("  ", out);
		print_groups(out, json_object_get(x, "groups"));
		fputs(": ", out);
		print_standing(out, json_object_get(x, "after"));
		fputs(" (before: ", out);
		print_standing(out, json_object_get(x, "before"));
		fputs(")\n", out);
		for (size_t k = 0; k < json_array_size(notes); k++) {
			char shown[TEXT_SHOWN_MAX];
			const char *note = json_string_value(json_array_get(notes, k));
			fputs("    ", out);
			text_wrap(out, 4, 4,
			          text_show(note != NULL ? note : "", shown, sizeof shown));
		}
	}
}

void api_print_edit(FILE *out, const json_t *reply)
{
	const json_t *edit = json_object_get(reply, "edit");
	char at[TEXT_TIME_MAX], left[TEXT_TIME_MAX];
	if (edit == NULL) {
		fprintf(out, "Taken back: the edit of %s\n", text_of(reply, "name"));
		print_effects(out, json_object_get(reply, "effects"));
		return;
	}
	uint64_t expires_s = text_number(edit, "expires_s");
	const char *action = text_of(edit, "action"), *group = text_of(edit, "group");
	bool is_allow = strcmp(action, "allow") == 0;
	fputs(is_allow ? "Allowed: " : "Blocked: ", out);
	print_rule(out, edit);
	if (!is_allow)
		fprintf(out, " (%s)", action);
	if (group[0] != '\0')
		fprintf(out, ", for group %s", group);
	else
		fputs(", for all groups", out);
	if (expires_s != 0)
		fprintf(out, ", until %s (%s)\n", text_time(expires_s, at),
		        text_duration(expires_s - text_number(edit, "made_s"), left));
	else
		fputs(", until it is taken back\n", out);
	print_effects(out, json_object_get(reply, "effects"));
}

void api_print_edits(FILE *out, const json_t *reply)
{
	const json_t *edits = json_object_get(reply, "edits");
	uint64_t now_s = text_number(reply, "now_s");
	if (json_array_size(edits) == 0)
		fputs("There are no edits.\n", out);
	for (size_t i = 0; i < json_array_size(edits); i++) {
		const json_t *e = json_array_get(edits, i);
		char at[TEXT_TIME_MAX], left[TEXT_TIME_MAX];
		const char *group = text_of(e, "group"), *reason = text_of(e, "reason");
		uint64_t expires_s = text_number(e, "expires_s");
		fprintf(out, "%-9s ", text_of(e, "action"));
		print_rule(out, e);
		fprintf(out, "\n          %s%s, ", group[0] != '\0' ? "group " : "all groups",
		        group);
		if (expires_s == 0)
			fputs("until taken back", out);
		else
			fprintf(out, "%s left",
			        text_duration(expires_s > now_s ? expires_s - now_s : 0, left));
		fprintf(out, "; by %s, %s\n", text_of(e, "who"),
		        text_time(text_number(e, "made_s"), at));
		if (reason[0] != '\0')
			fprintf(out, "          %s\n", reason);
	}
}

/* ---- reload ---- */

void api_print_reload(FILE *out, const json_t *reply)
{
	const json_t *r = json_object_get(reply, "reload");
	const json_t *messages = json_object_get(r, "messages");
	for (size_t i = 0; i < json_array_size(messages); i++) {
		char shown[TEXT_SHOWN_MAX];
		const char *text = json_string_value(json_array_get(messages, i));
		fprintf(out, "%s\n", text_show(text != NULL ? text : "", shown, sizeof shown));
	}
	if (json_is_true(json_object_get(r, "in_force")))
		fprintf(out, "Reloaded in %.1f s; the new policy is in force.\n",
		        (double)text_number(r, "took_ms") / 1000);
	else
		fprintf(out, "Not reloaded: %s\nWhat was in force before still is.\n",
		        text_of(r, "error"));
}

/* ---- query ---- */

void api_print_query(FILE *out, const json_t *reply)
{
	const json_t *a = json_object_get(reply, "answer");
	const json_t *errors = json_object_get(a, "errors");
	const json_t *records = json_object_get(a, "records");
	fprintf(out, "%s%s%s\n", text_of(a, "rcode"),
	        json_is_true(json_object_get(a, "truncated")) ? ", truncated" : "",
	        json_is_true(json_object_get(a, "secure")) ? ", secure (DNSSEC)" : "");
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *e = json_array_get(errors, i);
		fprintf(out, "extended error %u (%s): %s\n", (unsigned)text_number(e, "code"),
		        text_of(e, "name"), text_of(e, "text"));
	}
	static const char *const sections[] = { "answer", "authority", "additional" };
	const char *section = NULL;
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);
		const char *in = text_of(r, "section");
		for (size_t k = 0; k < ARRAY_LEN(sections); k++) {
			if (strcmp(in, sections[k]) != 0 || section == sections[k])
				continue;
			section = sections[k];
			fprintf(out, "%s:\n", section);
		}
		fprintf(out, "  %-32s %6u  %-6s %s\n", text_of(r, "name"),
		        (unsigned)text_number(r, "ttl_s"), text_of(r, "type"), text_of(r, "data"));
	}
}
