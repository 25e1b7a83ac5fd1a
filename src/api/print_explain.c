/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The walk of `weir explain` as people read it. All of it is taken from the JSON. */
#include <string.h>

#include "api/api.h"
#include "api/text.h"

enum {
	LABEL_WIDTH = 10,
	MATCH_INDENT = 22,
	SERVERS_SHOWN = 4,
	ADDRESSES_SHOWN = 8
};

static bool is_true(const json_t *o, const char *member)
{
	return json_is_true(json_object_get(o, member));
}

static void print_field(FILE *out, const char *label, const char *text)
{
	fprintf(out, "%-*s", LABEL_WIDTH, label);
	text_wrap(out, LABEL_WIDTH, LABEL_WIDTH, text);
}

static void print_group(FILE *out, const json_t *e)
{
	const json_t *g = json_object_get(e, "group");
	char line[TEXT_SHOWN_MAX];
	if (!json_is_object(g)) {
		snprintf(line, sizeof line, "none: no group's clients cover %s",
		         text_of(e, "client"));
		print_field(out, "Group", line);
		return;
	}
	if (json_object_get(g, "prefix") != NULL)
		snprintf(line, sizeof line, "%s: its clients %s cover %s", text_of(g, "name"),
		         text_of(g, "prefix"), text_of(e, "client"));
	else
		snprintf(line, sizeof line, "%s", text_of(g, "name"));
	print_field(out, "Group", line);
	const json_t *lists = json_object_get(g, "lists");
	size_t at = (size_t)snprintf(line, sizeof line, "%s",
	                             json_array_size(lists) > 0 ? "lists" : "no lists");
	for (size_t i = 0; i < json_array_size(lists) && at < sizeof line; i++) {
		char name[TEXT_SHOWN_MAX];
		const char *text = json_string_value(json_array_get(lists, i));
		text_show(text != NULL ? text : "", name, 128);
		at += (size_t)snprintf(line + at, sizeof line - at, "%s %s", i > 0 ? "," : "",
		                       name);
	}
	if (at < sizeof line)
		snprintf(line + at, sizeof line - at, "; default: %s", text_of(g, "default"));
	print_field(out, "", line);
}

/* The registered domain, and since when it is known. */
static void print_domain(FILE *out, const json_t *e)
{
	const json_t *d = json_object_get(e, "domain");
	char line[TEXT_SHOWN_MAX], at[TEXT_TIME_MAX];
	if (!json_is_object(d))
		return;
	if (!is_true(d, "known"))
		snprintf(line, sizeof line, "%s: never asked for before", text_of(d, "name"));
	else
		snprintf(line, sizeof line, "%s: first asked for %s, by about %u client%s%s",
		         text_of(d, "name"), text_time(text_number(d, "first_seen_s"), at),
		         (unsigned)text_number(d, "clients"),
		         text_number(d, "clients") == 1 ? "" : "s",
		         is_true(d, "learned") ? "; known from the time of learning" : "");
	print_field(out, "Domain", line);
	if (json_object_get(d, "learning_until_s") == NULL)
		return;
	snprintf(line, sizeof line, "no domain counts as new before %s: it is learned until then",
	         text_time(text_number(d, "learning_until_s"), at));
	print_field(out, "", line);
}

static void print_local(FILE *out, const json_t *e)
{
	const json_t *own = json_object_get(e, "local");
	char line[TEXT_SHOWN_MAX];
	if (!json_is_object(own))
		return;
	snprintf(line, sizeof line, "%s: %s%s%s", text_of(own, "source"), text_of(own, "answer"),
	         json_object_get(own, "target") != NULL ? " to " : "", text_of(own, "target"));
	print_field(out, "Local", line);
}

static void print_cache(FILE *out, const json_t *e)
{
	const json_t *c = json_object_get(e, "cache");
	const char *state = text_of(c, "state");
	char line[TEXT_SHOWN_MAX], age[TEXT_TIME_MAX], ttl[TEXT_TIME_MAX];
	if (strcmp(state, "unneeded") == 0)
		return;
	if (strcmp(state, "unknown") == 0)
		snprintf(line, sizeof line, "unknown: no server was asked (--offline)");
	else if (strcmp(state, "none") == 0 && json_object_get(c, "closest_zone") != NULL)
		snprintf(line, sizeof line, "no answer yet; the closest zone known is %s",
		         text_of(c, "closest_zone"));
	else if (strcmp(state, "none") == 0)
		snprintf(line, sizeof line, "no answer yet, and no zone above it");
	else
		snprintf(line, sizeof line, "%s: %s, %u record%s, %s old, %s to live",
		         strcmp(state, "fresh") == 0     ? "a fresh answer"
		         : strcmp(state, "partial") == 0 ? "an alias, of whose end nothing is known"
		                                         : "an expired answer",
		         text_of(c, "rcode"), (unsigned)text_number(c, "records"),
		         text_number(c, "records") == 1 ? "" : "s",
		         text_duration(text_number(c, "age_s"), age),
		         text_duration(text_number(c, "ttl_s"), ttl));
	print_field(out, "Cache", line);
	if (!json_is_string(json_object_get(c, "dnssec")))
		return;
	snprintf(line, sizeof line, "DNSSEC: %s%s%s", text_of(c, "dnssec"),
	         json_is_string(json_object_get(c, "dnssec_reason")) ? ": " : "",
	         text_of(c, "dnssec_reason"));
	print_field(out, "", line);
}

/* ---- stages ---- */

static const char *mark_of(const json_t *m, bool looked_at)
{
	if (!is_true(m, "in_group"))
		return "unused";
	if (is_true(m, "off"))
		return "off";
	if (strcmp(text_of(m, "action"), "log") == 0)
		return "logs";
	if (!is_true(m, "winner"))
		return "loses";
	return looked_at ? "WINS" : "moot";
}

static void print_edit_of(FILE *out, const json_t *edit)
{
	char line[TEXT_SHOWN_MAX], at[TEXT_TIME_MAX];
	const char *reason = text_of(edit, "reason");
	const char *group = text_of(edit, "group");
	snprintf(line, sizeof line, "edit of %s by %s%s%s%s%s",
	         text_time(text_number(edit, "made_s"), at), text_of(edit, "who"),
	         group[0] != '\0' ? ", for group " : ", for all groups", group,
	         reason[0] != '\0' ? ": " : "", reason);
	text_wrap(out, MATCH_INDENT, MATCH_INDENT, line);
	if (text_number(edit, "expires_s") == 0)
		return;
	fprintf(out, "%*sexpires %s\n", MATCH_INDENT, "",
	        text_time(text_number(edit, "expires_s"), at));
}

static void print_source(FILE *out, const json_t *m)
{
	char line[2 * TEXT_SHOWN_MAX];
	fprintf(out, "%*s", MATCH_INDENT, "");
	if (json_object_get(m, "edit") != NULL) {
		print_edit_of(out, json_object_get(m, "edit"));
		return;
	}
	if (json_object_get(m, "record") != NULL)
		snprintf(line, sizeof line, "list %s, %s line %llu, %s", text_of(m, "list"),
		         text_of(m, "file"), (unsigned long long)text_number(m, "line"),
		         text_of(m, "record"));
	else if (json_object_get(m, "line") != NULL)
		snprintf(line, sizeof line, "list %s, %s line %llu", text_of(m, "list"),
		         text_of(m, "file"), (unsigned long long)text_number(m, "line"));
	else if (is_true(m, "every"))
		snprintf(line, sizeof line, "list %s, of every name", text_of(m, "list"));
	else
		snprintf(line, sizeof line, "list %s, %s", text_of(m, "list"), text_of(m, "file"));
	text_wrap(out, MATCH_INDENT, MATCH_INDENT, line);
}

static void print_match(FILE *out, const json_t *m, const json_t *stage)
{
	const char *scope = text_of(m, "scope");
	const char *behind = strcmp(scope, "tree") == 0    ? " and below"
	                     : strcmp(scope, "exact") == 0 ? " alone"
	                                                   : "";
	fprintf(out, "   %-8s %-9s %s%s%s\n", mark_of(m, is_true(stage, "looked_at")),
	        text_of(m, "action"), text_of(m, "rule"), behind,
	        is_true(m, "important") ? " (important)" : "");
	/* Stages of several subjects say which one it was. */
	if (strcmp(text_of(stage, "name"), text_of(m, "subject")) != 0)
		fprintf(out, "%*smatches %s\n", MATCH_INDENT, "", text_of(m, "subject"));
	print_source(out, m);
	const char *why = text_of(m, "why");
	if (why[0] != '\0') {
		fprintf(out, "%*s", MATCH_INDENT, "");
		text_wrap(out, MATCH_INDENT, MATCH_INDENT, why);
	}
}

static void print_addresses(FILE *out, unsigned column, unsigned indent, const json_t *addresses)
{
	char line[TEXT_SHOWN_MAX];
	size_t at = 0, n = json_array_size(addresses);
	line[0] = '\0';
	for (size_t i = 0; i < n && i < ADDRESSES_SHOWN; i++) {
		char shown[ADDR_TEXT_MAX];
		const char *text = json_string_value(json_array_get(addresses, i));
		text_show(text != NULL ? text : "", shown, sizeof shown);
		at += (size_t)snprintf(line + at, sizeof line - at, "%s%s", i > 0 ? ", " : "",
		                       shown);
	}
	if (n > ADDRESSES_SHOWN)
		snprintf(line + at, sizeof line - at, " and %zu more", n - ADDRESSES_SHOWN);
	text_wrap(out, column, indent, line);
}

static void print_servers(FILE *out, const json_t *stage)
{
	const json_t *servers = json_object_get(stage, "servers");
	size_t n = json_array_size(servers);
	for (size_t i = 0; i < n && i < SERVERS_SHOWN; i++) {
		const json_t *s = json_array_get(servers, i);
		const char *name = text_of(s, "name");
		unsigned column = (unsigned)fprintf(out, "     %-24s ", name);
		if (json_array_size(json_object_get(s, "addresses")) == 0)
			fputs("(addresses not known)\n", out);
		else
			print_addresses(out, column, 30, json_object_get(s, "addresses"));
	}
	if (n > SERVERS_SHOWN)
		fprintf(out, "     and %zu more\n", n - SERVERS_SHOWN);
}

static void print_title(FILE *out, unsigned number, const json_t *stage)
{
	const char *kind = text_of(stage, "stage");
	fprintf(out, "%u. ", number);
	if (strcmp(kind, "question") == 0) {
		fprintf(out, "The question's name %s\n", text_of(stage, "name"));
	} else if (strcmp(kind, "servers") == 0) {
		const char *zone = text_of(stage, "zone");
		fprintf(out, "%s %s\n",
		        is_true(stage, "forwarded") ? "The forwarders (not judged) of"
		                                    : "The name servers of",
		        strcmp(zone, ".") == 0 ? "the root" : zone);
		print_servers(out, stage);
	} else if (strcmp(kind, "alias") == 0) {
		fprintf(out, "The alias %s %s %s\n", text_of(stage, "owner"),
		        text_of(stage, "type"), text_of(stage, "name"));
	} else {
		unsigned column = (unsigned)fprintf(out, "The addresses in the answer: ");
		print_addresses(out, column + 3, 5, json_object_get(stage, "addresses"));
	}
}

static void print_stage(FILE *out, unsigned number, const json_t *stage)
{
	const json_t *matches = json_object_get(stage, "matches");
	fputc('\n', out);
	print_title(out, number, stage);
	if (!is_true(stage, "looked_at"))
		fputs("   (not looked at: it was decided above)\n", out);
	for (size_t i = 0; i < json_array_size(matches); i++)
		print_match(out, json_array_get(matches, i), stage);
	if (json_array_size(matches) == 0 && !is_true(stage, "forwarded"))
		fputs("   no rule matches\n", out);
}

static void print_default(FILE *out, const json_t *e)
{
	const json_t *g = json_object_get(e, "group");
	if (strcmp(text_of(g, "default"), "deny") != 0)
		return;
	bool denied = strcmp(text_of(json_object_get(e, "verdict"), "by"), "default") == 0;
	fprintf(out, "   %-8s %-9s default: deny\n", denied ? "WINS" : "loses",
	        text_of(g, "deny_action"));
	fprintf(out, "%*s%s\n", MATCH_INDENT, "",
	        denied ? "no rule of this group decides for the name"
	               : "a rule decides for the name");
}

void api_print_explain(FILE *out, const json_t *reply)
{
	const json_t *e = json_object_get(reply, "explain");
	const json_t *stages = json_object_get(e, "stages");
	fprintf(out, "%s %s, asked by %s\n\n", text_of(e, "name"), text_of(e, "type"),
	        text_of(e, "client"));
	print_group(out, e);
	print_field(out, "Order", text_of(e, "order"));
	print_domain(out, e);
	print_local(out, e);
	print_cache(out, e);
	for (size_t i = 0; i < json_array_size(stages); i++) {
		const json_t *stage = json_array_get(stages, i);
		print_stage(out, (unsigned)i + 1, stage);
		if (i == 0)
			print_default(out, e);
	}
	const json_t *facts = json_object_get(e, "detectors");
	for (size_t i = 0; i < json_array_size(facts); i++) {
		const json_t *fact = json_array_get(facts, i);
		fprintf(out, "%sDetector %s: %s\n", i == 0 ? "\n" : "", text_of(fact, "detector"),
		        text_of(fact, "text"));
	}
	fputc('\n', out);
	print_field(out, "Verdict", text_of(json_object_get(e, "verdict"), "sentence"));
	if (json_is_object(json_object_get(e, "strict")))
		print_field(out, "Strict", text_of(json_object_get(e, "strict"), "sentence"));
}
