/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `weir status` as people read it. */
#include <inttypes.h>
#include <string.h>

#include "api/api.h"
#include "api/text.h"
#include "base/clock.h"

enum {
	LABEL_WIDTH = 12
};

static const char *count_of(const json_t *o, const char *member)
{
	enum {
		BUFFERS = 8
	};
	static char buffers[BUFFERS][TEXT_TIME_MAX];
	static unsigned next;
	return text_count(text_number(o, member), buffers[next++ % BUFFERS]);
}

static void print_head(FILE *out, const json_t *s)
{
	char up[TEXT_TIME_MAX], at[TEXT_TIME_MAX];
	fprintf(out, "Weir %s, up %s, since %s\n", text_of(s, "version"),
	        text_duration(text_number(s, "uptime_s"), up),
	        text_time(text_number(s, "started_s"), at));
	if (json_is_string(json_object_get(s, "config")))
		fprintf(out, "%-*s%s\n", LABEL_WIDTH, "Config", text_of(s, "config"));
	const json_t *p = json_object_get(s, "policy");
	if (!json_is_object(p)) {
		fprintf(out, "%-*snone in force yet\n", LABEL_WIDTH, "Policy");
		return;
	}
	fprintf(out, "%-*sgeneration %s, %s reloads", LABEL_WIDTH, "Policy",
	        count_of(p, "generation"), count_of(s, "reloads"));
	if (text_number(s, "loaded_s") != 0)
		fprintf(out, ", the last %s", text_time(text_number(s, "loaded_s"), at));
	fprintf(out, ", %s edits\n", count_of(p, "edits"));
	if (json_is_true(json_object_get(p, "unkept")))
		fprintf(out,
		        "%-*s! not all of it could be written to the state folder (the log says why):\n"
		        "%-*s  a restart would begin with older lists; it is tried again\n",
		        LABEL_WIDTH, "", LABEL_WIDTH, "");
}

static void print_list(FILE *out, const json_t *l, uint64_t now_s)
{
	char age[TEXT_TIME_MAX], rules[64];
	uint64_t loaded_s = text_number(l, "loaded_s"), prefixes = text_number(l, "prefixes");
	uint64_t names = text_number(l, "names");
	int n = 0;
	if (names > 0 || prefixes == 0)
		n = snprintf(rules, sizeof rules, "%s name%s", count_of(l, "names"),
		             names == 1 ? "" : "s");
	if (prefixes > 0)
		snprintf(rules + n, sizeof rules - (size_t)n, "%s%s address%s", n > 0 ? ", " : "",
		         count_of(l, "prefixes"), prefixes == 1 ? "" : "es");
	fprintf(out, "  %-20s %-9s %20s", text_of(l, "name"), text_of(l, "action"), rules);
	if (json_is_true(json_object_get(l, "shadow")))
		fputs("  in shadow", out);
	if (loaded_s != 0)
		fprintf(out, "  file %s old",
		        text_duration(now_s > loaded_s ? now_s - loaded_s : 0, age));
	const json_t *hits = json_object_get(l, "hits");
	static const char *const kinds[] = { "blocked", "allowed", "logged", "shadow" };
	static const char *const words[] = { "blocked", "allowed", "logged", "would have decided" };
	for (unsigned i = 0; i < ARRAY_LEN(kinds); i++) {
		if (text_number(hits, kinds[i]) > 0)
			fprintf(out, ", %s %s", count_of(hits, kinds[i]), words[i]);
	}
	if (text_number(l, "skipped") > 0)
		fprintf(out, ", %s lines skipped", count_of(l, "skipped"));
	fputc('\n', out);
	if (json_object_get(l, "problem") != NULL) {
		fputs("    ! ", out);
		text_wrap(out, 6, 6, text_of(l, "problem"));
	}
}

static void print_groups(FILE *out, const json_t *groups)
{
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *g = json_array_get(groups, i);
		const json_t *lists = json_object_get(g, "lists");
		unsigned column = (unsigned)fprintf(out, "  %-20s default %s", text_of(g, "name"),
		                                    text_of(g, "default"));
		char line[TEXT_SHOWN_MAX];
		size_t at = (size_t)snprintf(line, sizeof line, ";%s",
		                             json_array_size(lists) == 0 ? " no lists" : " lists");
		for (size_t k = 0; k < json_array_size(lists) && at < sizeof line; k++) {
			char shown[128];
			const char *name = json_string_value(json_array_get(lists, k));
			at += (size_t)snprintf(
				line + at, sizeof line - at, " %s",
				text_show(name != NULL ? name : "", shown, sizeof shown));
		}
		text_wrap(out, column, 23, line);
	}
}

static void print_questions(FILE *out, const json_t *s)
{
	const json_t *q = json_object_get(s, "questions");
	fprintf(out, "\n%-*s%s received: %s over UDP, %s over TCP, by %zu worker%s\n", LABEL_WIDTH,
	        "Questions", count_of(q, "questions"), count_of(q, "udp"), count_of(q, "tcp"),
	        json_array_size(json_object_get(s, "workers")),
	        json_array_size(json_object_get(s, "workers")) == 1 ? "" : "s");
	fprintf(out, "%*s%s from the cache, %s after asking servers, %s stale\n", LABEL_WIDTH, "",
	        count_of(q, "cached"), count_of(q, "resolved"), count_of(q, "stale"));
	fprintf(out, "%*s%s blocked, %s allowed by exception, %s logged", LABEL_WIDTH, "",
	        count_of(q, "blocked"), count_of(q, "allowed"), count_of(q, "logged"));
	if (text_number(q, "shadow") > 0)
		fprintf(out, ", %s by lists in shadow if they were not", count_of(q, "shadow"));
	fputc('\n', out);
	fprintf(out, "%*s%s failed, %s refused, %s malformed, %s not answered\n", LABEL_WIDTH, "",
	        count_of(q, "failed"), count_of(q, "refused"), count_of(q, "malformed"),
	        count_of(q, "dropped"));
}

static void print_upstream(FILE *out, const json_t *s)
{
	const json_t *u = json_object_get(s, "upstream");
	const json_t *reachable = json_object_get(u, "reachable");
	fprintf(out, "%-*s%s\n", LABEL_WIDTH, "Upstream",
	        json_is_true(reachable)    ? "reachable"
	        : json_is_false(reachable) ? "NOT REACHABLE: no server has answered"
	                                   : "not asked yet");
	fprintf(out, "%*s%s packets sent, %s received, %s dropped, %s timeouts\n", LABEL_WIDTH, "",
	        count_of(u, "packets_out"), count_of(u, "packets_in"),
	        count_of(u, "packets_dropped"), count_of(u, "timeouts"));
	fprintf(out, "%*s%s TCP connections, used again %s times; %s over TLS, %s resumed\n",
	        LABEL_WIDTH, "", count_of(u, "tcp_connections"), count_of(u, "tcp_reused"),
	        count_of(u, "tls_opened"), count_of(u, "tls_resumed"));
	fprintf(out,
	        "%*s%s questions under way, %s failed, %s refused by the guard, %s at a limit\n",
	        LABEL_WIDTH, "", count_of(u, "tasks_now"), count_of(u, "tasks_failed"),
	        count_of(u, "guard_refused"), count_of(u, "at_limit"));
	fprintf(out, "%*s%s secure, %s insecure, %s bogus responses; keys asked for %s times\n",
	        LABEL_WIDTH, "", count_of(u, "secure"), count_of(u, "insecure"),
	        count_of(u, "bogus"), count_of(u, "key_questions"));
}

static void print_stores(FILE *out, const json_t *s)
{
	const json_t *c = json_object_get(s, "cache"), *e = json_object_get(s, "events");
	char used[TEXT_TIME_MAX], size[TEXT_TIME_MAX];
	if (json_is_object(c))
		fprintf(out, "%-*s%s answers, %s zones, %s of %s, %s evicted\n", LABEL_WIDTH,
		        "Cache", count_of(c, "answers"), count_of(c, "cuts"),
		        text_bytes(text_number(c, "bytes"), used),
		        text_bytes(text_number(c, "size_bytes"), size), count_of(c, "evicted"));
	const json_t *f = json_object_get(s, "firewall");
	if (json_is_object(f))
		fprintf(out,
		        "%-*s%s addresses added in %s batches, %s known, %s of another family, %s "
		        "refused\n",
		        LABEL_WIDTH, "Firewall", count_of(f, "added"), count_of(f, "batches"),
		        count_of(f, "known"), count_of(f, "unbound"), count_of(f, "failed"));
	if (!json_is_object(e)) {
		fprintf(out, "%-*snot written (events.file is not set)\n", LABEL_WIDTH, "Events");
		return;
	}
	uint64_t lost = text_number(e, "lost_ring") + text_number(e, "lost_disk");
	fprintf(out, "%-*s%s written, %s; ", LABEL_WIDTH, "Events", count_of(e, "written"),
	        text_bytes(text_number(e, "bytes"), used));
	fprintf(out, lost == 0 ? "none lost\n" : "LOST: %s for want of room, %s by the disk\n",
	        count_of(e, "lost_ring"), count_of(e, "lost_disk"));
}

static void print_detect(FILE *out, const json_t *s)
{
	const json_t *d = json_object_get(s, "detect"), *counts;
	const char *name;
	if (!json_is_object(d))
		return;
	json_object_foreach((json_t *)json_object_get(d, "detectors"), name, counts)
	{
		char shown[64];
		fprintf(out, "%-*s%s: %s looked at; found %s low, %s medium, %s high; ",
		        LABEL_WIDTH, "Detector", text_show(name, shown, sizeof shown),
		        count_of(counts, "asked"), count_of(counts, "low"),
		        count_of(counts, "medium"), count_of(counts, "high"));
		fprintf(out, "%s alerts, %s throttled, %s blocked, %s muted\n",
		        count_of(counts, "alerted"), count_of(counts, "throttled"),
		        count_of(counts, "blocked"), count_of(counts, "muted"));
	}
	char until[TEXT_TIME_MAX];
	if (text_number(d, "learns_until_s") > clock_wall_ns() / NS_PER_S)
		fprintf(out, "%-*suntil %s; %s domains so far need more than a budget\n",
		        LABEL_WIDTH, "Leak learns",
		        text_time(text_number(d, "learns_until_s"), until),
		        count_of(d, "ceilings"));
}

static void print_seen(FILE *out, const json_t *s)
{
	const json_t *n = json_object_get(s, "seen");
	char at[TEXT_TIME_MAX];
	if (!json_is_object(n))
		return;
	fprintf(out, "%-*s%s registered domains asked for, room for %s; %s had to go, %s refused\n",
	        LABEL_WIDTH, "Domains", count_of(n, "domains"), count_of(n, "room"),
	        count_of(n, "evicted"), count_of(n, "refused"));
	if (text_number(s, "now_s") < text_number(n, "learns_until_s"))
		fprintf(out, "%-*snone counts as new before %s\n", LABEL_WIDTH, "",
		        text_time(text_number(n, "learns_until_s"), at));
}

static void print_published(FILE *out, const json_t *zones)
{
	if (json_array_size(zones) > 0)
		fprintf(out, "Published (%zu)\n", json_array_size(zones));
	for (size_t i = 0; i < json_array_size(zones); i++) {
		const json_t *z = json_array_get(zones, i);
		fprintf(out, "  %-20s ", text_of(z, "zone"));
		if (json_is_string(json_object_get(z, "list")))
			fprintf(out, "list %s", text_of(z, "list"));
		else
			fputs("the edits", out);
		if (json_is_null(json_object_get(z, "serial")))
			fputs(", nothing to give yet", out);
		else
			fprintf(out, ", serial %" PRIu64, text_number(z, "serial"));
		if (text_number(z, "followers") > 0)
			fprintf(out, "; %s of %s that are told have heard of it",
			        count_of(z, "followers_current"), count_of(z, "followers"));
		fputc('\n', out);
		if (json_object_get(z, "problem") != NULL) {
			fputs("    ! ", out);
			text_wrap(out, 6, 6, text_of(z, "problem"));
		}
	}
}

void api_print_status(FILE *out, const json_t *reply)
{
	const json_t *s = json_object_get(reply, "status");
	const json_t *p = json_object_get(s, "policy");
	const json_t *lists = json_object_get(p, "lists");
	print_head(out, s);
	fprintf(out, "\nLists (%zu)\n", json_array_size(lists));
	for (size_t i = 0; i < json_array_size(lists); i++)
		print_list(out, json_array_get(lists, i), text_number(s, "now_s"));
	fprintf(out, "Groups (%zu)\n", json_array_size(json_object_get(p, "groups")));
	print_groups(out, json_object_get(p, "groups"));
	print_published(out, json_object_get(s, "published"));
	print_questions(out, s);
	print_upstream(out, s);
	print_seen(out, s);
	print_detect(out, s);
	print_stores(out, s);
	if (text_number(s, "bugs") > 0)
		fprintf(out, "%-*s%s mistakes of the program itself: please report them\n",
		        LABEL_WIDTH, "Bugs", count_of(s, "bugs"));
}
