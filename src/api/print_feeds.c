/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reply to `feeds` as people read it. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/text.h"

static const char *age(uint64_t now_s, uint64_t then_s, char ret[TEXT_TIME_MAX])
{
	if (then_s == 0)
		return "never";
	return text_duration(now_s > then_s ? now_s - then_s : 0, ret);
}

static void print_versions(FILE *out, const json_t *list, uint64_t now_s)
{
	char when[TEXT_TIME_MAX], rules[TEXT_TIME_MAX], bytes[TEXT_TIME_MAX];
	const json_t *versions = json_object_get(list, "versions");
	for (size_t i = json_array_size(versions); i-- > 0;) {
		const json_t *v = json_array_get(versions, i);
		fprintf(out, "  version %-5llu %s old, %s rules, %s",
		        (unsigned long long)text_number(v, "version"),
		        age(now_s, text_number(v, "came_s"), when),
		        text_count(text_number(v, "rules"), rules),
		        text_bytes(text_number(v, "bytes"), bytes));
		if (json_object_get(v, "serial") != NULL)
			fprintf(out, ", serial %llu", (unsigned long long)text_number(v, "serial"));
		fputs(json_is_true(json_object_get(v, "pinned")) ? ", pinned\n" : "\n", out);
	}
}

static void print_zone(FILE *out, const json_t *l)
{
	const json_t *primaries = json_object_get(l, "primaries");
	fprintf(out, "  zone %s from", text_of(l, "zone"));
	for (size_t i = 0; i < json_array_size(primaries); i++)
		fprintf(out, "%s %s", i > 0 ? "," : "",
		        json_string_value(json_array_get(primaries, i)));
	fputc('\n', out);
}

static void print_source(FILE *out, const json_t *l, uint64_t now_s)
{
	char fetched[TEXT_TIME_MAX], next[TEXT_TIME_MAX];
	if (text_of(l, "file")[0] != 0) {
		fprintf(out, "  file %s\n", text_of(l, "file"));
		return;
	}
	bool is_zone = text_of(l, "zone")[0] != 0;
	if (text_of(l, "url")[0] == 0 && !is_zone)
		return;
	uint64_t fetched_s = text_number(l, "fetched_s"), next_s = text_number(l, "next_s");
	if (is_zone)
		print_zone(out, l);
	else
		fprintf(out, "  %s\n", text_of(l, "url"));
	if (fetched_s == 0)
		fputs(is_zone ? "  never transferred" : "  never fetched", out);
	else
		fprintf(out, "  confirmed %s ago", age(now_s, fetched_s, fetched));
	if (json_is_true(json_object_get(l, "running")))
		fputs(", being asked for now\n", out);
	else if (next_s > now_s)
		fprintf(out, ", next in %s\n", text_duration(next_s - now_s, next));
	else
		fputs(", next now\n", out);
	if (text_number(l, "failures") > 0) {
		fprintf(out, "  %llu failures: ", (unsigned long long)text_number(l, "failures"));
		text_wrap(out, 14, 4, text_of(l, "error"));
		fputc('\n', out);
	}
}

/* Rules that begin or end to hold by themselves. */
static void print_expiry(FILE *out, const json_t *l, uint64_t now_s)
{
	char when[TEXT_TIME_MAX], n[TEXT_TIME_MAX];
	uint64_t changes_s = text_number(l, "changes_s");
	const char *between = "  ";
	static const char *const kinds[] = { "expired", "revoked" };
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (text_number(l, kinds[i]) == 0)
			continue;
		fprintf(out, "%s%s %s", between, text_count(text_number(l, kinds[i]), n), kinds[i]);
		between = ", ";
	}
	if (changes_s > now_s)
		fprintf(out, "%snext rule expires or begins in %s", between,
		        text_duration(changes_s - now_s, when));
	else if (changes_s != 0)
		fprintf(out, "%srules expire now", between);
	if (strcmp(between, ", ") == 0 || changes_s != 0)
		fputc('\n', out);
}

static void print_list(FILE *out, const json_t *l, uint64_t now_s)
{
	char old[TEXT_TIME_MAX], rules[TEXT_TIME_MAX];
	fprintf(out, "%s: %s, %s rules", text_of(l, "name"), text_of(l, "state"),
	        text_count(text_number(l, "rules"), rules));
	if (text_number(l, "loaded_s") > 0)
		fprintf(out, ", %s old", age(now_s, text_number(l, "loaded_s"), old));
	if (json_object_get(l, "serial") != NULL)
		fprintf(out, ", serial %llu", (unsigned long long)text_number(l, "serial"));
	fputs(json_is_true(json_object_get(l, "too_old")) ? ", too old (max-age)\n" : "\n", out);
	print_source(out, l, now_s);
	print_expiry(out, l, now_s);
	if (text_of(l, "problem")[0] != 0) {
		fputs("  ", out);
		text_wrap(out, 2, 4, text_of(l, "problem"));
		fputc('\n', out);
	}
	print_versions(out, l, now_s);
}

static void print_done(FILE *out, const json_t *f, const char *what)
{
	const char *name = text_of(f, "name");
	unsigned long long version = (unsigned long long)text_number(f, "version");
	if (strcmp(what, "updating") == 0 && name[0] == 0)
		fputs("All downloads begin now; weir feeds shows what becomes of them.\n", out);
	else if (strcmp(what, "updating") == 0)
		fprintf(out, "%s is fetched now; weir feeds shows what becomes of it.\n", name);
	else if (strcmp(what, "unpin") == 0)
		fprintf(out, "%s: its newest good version comes into force.\n", name);
	else if (strcmp(what, "accept") == 0)
		fprintf(out, "%s: its file is taken as it is now.\n", name);
	else
		fprintf(out,
		        "%s: version %llu comes into force and stays; weir feeds unpin %s "
		        "ends that.\n",
		        name, version, name);
}

void api_print_feeds(FILE *out, const json_t *reply)
{
	const json_t *f = json_object_get(reply, "feeds");
	const char *what = text_of(f, "done");
	if (what[0] != 0) {
		print_done(out, f, what);
		return;
	}
	const json_t *lists = json_object_get(f, "lists");
	uint64_t now_s = text_number(f, "now_s");
	if (json_array_size(lists) == 0)
		fputs("There are no lists.\n", out);
	for (size_t i = 0; i < json_array_size(lists); i++)
		print_list(out, json_array_get(lists, i), now_s);
}
