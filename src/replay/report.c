/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a comparison has found, as JSON (docs/replay.md) and as people read it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "replay/compare.h"

static const struct {
	const char *key, *text;
} changes[] = {
#define X(constant, key, text) { key, text },
	COMPARE_CHANGES(X)
#undef X
};

enum {
	TIME_TEXT_MAX = 32
};

static const char *time_text(uint64_t wall_ns, char ret[TIME_TEXT_MAX])
{
	time_t s = (time_t)(wall_ns / NS_PER_S);
	struct tm tm;
	if (gmtime_r(&s, &tm) == NULL ||
	    strftime(ret, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		ret[0] = 0;
	return ret;
}

static json_t *table(struct tally *t, const char *key, bool has_note, unsigned top)
{
	struct tally_entry *e = calloc(top + 1UL, sizeof *e);
	json_t *entries = json_array();
	unsigned n = e != NULL ? tally_top(t, e, top) : 0;
	for (unsigned i = 0; i < n; i++) {
		json_t *o = json_pack("{s:s, s:I}", key, e[i].text, "questions",
		                      (json_int_t)e[i].count);
		if (has_note && e[i].note[0] != 0)
			json_object_set_new(o, "rule", json_string(e[i].note));
		json_array_append_new(entries, o);
	}
	free(e);
	return json_pack("{s:I, s:b, s:I, s:o}", "different", (json_int_t)tally_count(t),
	                 "approximate", tally_error(t) > 0, "short_by_at_most",
	                 (json_int_t)tally_error(t), "top", entries);
}

static json_t *skips_json(const struct replay_comparison *c)
{
	json_t *skips = json_array();
	for (unsigned i = 0; i < REPLAY_N_SKIPS; i++) {
		if (c->skips[i] > 0)
			json_array_append_new(skips,
			                      json_pack("{s:s, s:I}", "why", replay_skip_text(i),
			                                "count", (json_int_t)c->skips[i]));
	}
	return skips;
}

json_t *replay_report(const struct replay_comparison *c, unsigned top)
{
	char first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];
	json_t *formats = json_array();
	for (unsigned i = 1; i < ARRAY_LEN(c->has_format); i++) {
		if (c->has_format[i])
			json_array_append_new(formats, json_string(replay_format_name(i)));
	}
	json_t *o = json_pack(
		"{s:I, s:I, s:o, s:o, s:s, s:b}", "questions", (json_int_t)c->questions, "files",
		(json_int_t)c->n_sources, "formats", formats, "skipped", skips_json(c), "against",
		c->has_before ? "policy" : "recording", "changed", replay_has_changes(c));
	if (c->first_ns != 0) {
		json_object_set_new(o, "first", json_string(time_text(c->first_ns, first)));
		json_object_set_new(o, "last", json_string(time_text(c->last_ns, last)));
	}
	json_object_set_new(
		o, "totals",
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "passed",
	                  (json_int_t)c->passed, "blocked", (json_int_t)c->blocked, "same_passed",
	                  (json_int_t)c->same_passed, "same_blocked", (json_int_t)c->same_blocked,
	                  "in_no_group", (json_int_t)c->strangers, "without_client",
	                  (json_int_t)c->without_client, "outcome_unknown", (json_int_t)c->unknown,
	                  "newly_blocked_without_name", (json_int_t)c->blocked_missing));
	for (unsigned i = 0; i < COMPARE_N_CHANGES; i++) {
		const struct compare_tables *t = &c->changes[i];
		json_object_set_new(o, changes[i].key,
		                    json_pack("{s:I, s:o, s:o, s:o}", "questions",
		                              (json_int_t)t->questions, "names",
		                              table(t->names, "name", true, top), "clients",
		                              table(t->clients, "client", false, top), "rules",
		                              table(t->rules, "rule", false, top)));
	}
	return o;
}

/* ---- for people ---- */

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* Texts came from files: names are escaped already, rules are of the policy's own making; what
 * events say of themselves is not. */
static void print_safe(FILE *out, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != 0; p++) {
		if (*p < 0x20 || *p >= 0x7f)
			fprintf(out, "\\x%02x", *p);
		else
			fputc(*p, out);
	}
}

static void print_table(FILE *out, const json_t *t, const char *key, const char *title)
{
	const json_t *top = json_object_get(t, "top");
	if (json_array_size(top) == 0)
		return;
	fprintf(out, "  by %s", title);
	if (json_is_true(json_object_get(t, "approximate")))
		fprintf(out,
		        " (approximate: there are more than %d; counts may be short by up to "
		        "%" JSON_INTEGER_FORMAT ")",
		        REPLAY_TALLY_MAX, number(t, "short_by_at_most"));
	else if ((size_t)number(t, "different") > json_array_size(top))
		fprintf(out, " (the first %zu of %" JSON_INTEGER_FORMAT ")", json_array_size(top),
		        number(t, "different"));
	fputc('\n', out);
	for (size_t i = 0; i < json_array_size(top); i++) {
		const json_t *e = json_array_get(top, i);
		const char *rule = json_string_value(json_object_get(e, "rule"));
		fprintf(out, "  %10" JSON_INTEGER_FORMAT "  ", number(e, "questions"));
		print_safe(out, json_string_value(json_object_get(e, key)));
		if (rule != NULL && strcmp(key, "rule") != 0) {
			fputs("    ", out);
			print_safe(out, rule);
		}
		fputc('\n', out);
	}
}

static void print_head(FILE *out, const json_t *r)
{
	const json_t *skipped = json_object_get(r, "skipped");
	const char *first = json_string_value(json_object_get(r, "first"));
	fprintf(out, "%" JSON_INTEGER_FORMAT " questions", number(r, "questions"));
	if (first != NULL)
		fprintf(out, ", %s to %s", first, json_string_value(json_object_get(r, "last")));
	fputc('\n', out);
	for (size_t i = 0; i < json_array_size(skipped); i++) {
		const json_t *s = json_array_get(skipped, i);
		fprintf(out, "%10" JSON_INTEGER_FORMAT " passed over: %s\n", number(s, "count"),
		        json_string_value(json_object_get(s, "why")));
	}
}

static void print_totals(FILE *out, const json_t *r)
{
	const json_t *t = json_object_get(r, "totals");
	static const struct {
		const char *key, *text;
	} rows[] = {
		{ "same_passed", "pass as before" },
		{ "same_blocked", "are blocked as before" },
		{ "in_no_group", "are of clients in no group, which would be refused" },
		{ "without_client", "have no client's address: say --group" },
		{ "outcome_unknown", "have no answer in the recording: they count as passed" },
		{ "newly_blocked_without_name",
		  "of those that would be blocked did not exist (NXDOMAIN) anyway" },
	};
	fprintf(out, "\nAgainst %s:\n",
	        strcmp(json_string_value(json_object_get(r, "against")), "policy") == 0
	                ? "the other policy"
	                : "what was recorded");
	for (unsigned i = 0; i < COMPARE_N_CHANGES; i++)
		fprintf(out, "%10" JSON_INTEGER_FORMAT "  %s\n",
		        number(json_object_get(r, changes[i].key), "questions"), changes[i].text);
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		if (i < 2 || number(t, rows[i].key) > 0)
			fprintf(out, "%10" JSON_INTEGER_FORMAT "  %s\n", number(t, rows[i].key),
			        rows[i].text);
	}
}

void replay_print_report(FILE *out, const json_t *r)
{
	print_head(out, r);
	print_totals(out, r);
	for (unsigned i = 0; i < COMPARE_N_CHANGES; i++) {
		const json_t *change = json_object_get(r, changes[i].key);
		if (number(change, "questions") == 0)
			continue;
		fprintf(out, "\nWhat %s\n", changes[i].text);
		print_table(out, json_object_get(change, "names"), "name", "name");
		print_table(out, json_object_get(change, "clients"), "client", "client");
		print_table(out, json_object_get(change, "rules"), "rule", "rule");
	}
}
