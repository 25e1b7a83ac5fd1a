/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir learn: what a group has learned, as an allow list, and the switch to default deny. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/disk.h"
#include "dns/text.h"
#include "learn/learn.h"
#include "weir/command.h"
#include "weir/offline.h"
#include "weir/remote.h"

int cmd_learn(int argc, char **argv);
extern const char cmd_learn_help[];

enum {
	TIMEOUT_MS = 30000,
	RELOAD_TIMEOUT_MS = 600000,
	TIME_TEXT_MAX = 32,
};

const char cmd_learn_help[] =
	"Usage: weir learn show GROUP [OPTION]...\n"
	"       weir learn diff GROUP [OPTION]...\n"
	"       weir learn write GROUP FILE [OPTION]...\n"
	"       weir learn enforce GROUP [OPTION]...\n"
	"       weir learn resume GROUP [OPTION]...\n"
	"For groups with 'learn:' and 'default: deny' (docs/isolation.md).\n"
	"show proposes an allow list from what the group's clients asked for: names, and whole\n"
	"registered domains where many names below them vary, each with how often it was seen.\n"
	"What has so many names that it may be a tunnel is shown for review and not proposed.\n"
	"diff shows what of it the group's lists do not allow now.\n"
	"write makes FILE of the proposal, a list of the format domains.\n"
	"enforce ends learning: from now on what nothing allows is denied, and told as drift.\n"
	"resume goes back to learning.\n"
	"\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if it was not, 2 if the command line is wrong, 3 if\n"
	"no server answered (show, diff and write do without one: then up to a minute of what\n"
	"was learned last is missing).\n";

struct learn_wish {
	struct remote remote;
	const char *action, *group, *file;
};

/* What is in memory goes to the file first. Without a server the file is as good as it is. */
static void save_now(const struct learn_wish *w, const struct config *c)
{
	json_t *reply = NULL;
	json_t *request = json_pack("{s:s, s:s}", "command", "learn", "action", "save");
	const char *path = w->remote.socket_path != NULL ? w->remote.socket_path : c->control;
	if (path != NULL && path[0] != 0 && api_call(path, request, TIMEOUT_MS, &reply) == 0)
		json_decref(reply);
	json_decref(request);
}

static const char *time_text(uint64_t wall_s, char ret[TIME_TEXT_MAX])
{
	time_t s = (time_t)wall_s;
	struct tm tm;
	if (gmtime_r(&s, &tm) == NULL || strftime(ret, TIME_TEXT_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
		ret[0] = 0;
	return ret;
}

static const char *const kinds[] = {
	[LEARN_NAME] = "name",
	[LEARN_DOMAIN] = "domain",
	[LEARN_REVIEW] = "review",
};

static json_t *names_json(const uint8_t *const *names, unsigned n)
{
	json_t *a = json_array();
	char text[NAME_TEXT_MAX];
	for (unsigned i = 0; i < n; i++) {
		name_to_text(names[i], text);
		json_array_append_new(a, json_string(text));
	}
	return a;
}

static json_t *proposal_json(const struct learn_proposal *p)
{
	char name[NAME_TEXT_MAX], text[DNS_TYPE_TEXT_MAX];
	json_t *types = json_array();
	for (unsigned i = 0; i < p->n_types; i++)
		json_array_append_new(types, json_string(dns_type_text(p->types[i], text)));
	name_to_text(p->name.wire, name);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "kind", kinds[p->kind],
	                 "name", name, "names", (json_int_t)p->n_names, "clients",
	                 (json_int_t)p->n_clients, "first_s", (json_int_t)p->first_s, "last_s",
	                 (json_int_t)p->last_s, "types", types, "aliases",
	                 names_json(p->aliases, p->n_aliases), "examples",
	                 names_json(p->examples, p->n_examples));
}

static void print_names(const char *before, const uint8_t *const *names, unsigned n)
{
	char text[NAME_TEXT_MAX];
	for (unsigned i = 0; i < n; i++) {
		name_to_text(names[i], text);
		printf("%s%s", i == 0 ? before : ", ", text);
	}
	if (n > 0)
		putchar('\n');
}

static void print_proposal(const struct learn_proposal *p)
{
	char name[NAME_TEXT_MAX], first[TIME_TEXT_MAX], last[TIME_TEXT_MAX];
	char type[DNS_TYPE_TEXT_MAX];
	name_to_text(p->name.wire, name);
	printf("%s\n    ", name);
	if (p->kind == LEARN_DOMAIN)
		printf("all below it: %u names vary; ", p->n_names);
	else if (p->kind == LEARN_REVIEW)
		printf("REVIEW, not proposed: %u names and more below it, as a tunnel has; ",
		       p->n_names);
	for (unsigned i = 0; i < p->n_types; i++)
		printf("%s%s", i > 0 ? " " : "", dns_type_text(p->types[i], type));
	if (p->n_types > 0)
		printf("; ");
	if (p->n_clients > 0)
		printf("%u%s client%s; ", p->n_clients,
		       p->n_clients == LEARN_CLIENTS_MAX ? " or more" : "",
		       p->n_clients == 1 ? "" : "s");
	printf("%s to %s\n", time_text(p->first_s, first), time_text(p->last_s, last));
	print_names("    leads to ", p->aliases, p->n_aliases);
	print_names("    such as ", p->examples, p->n_examples);
}

/* ---- the actions on what was learned ---- */

struct proposal_list {
	struct learn_proposal *at;
	unsigned n;
};

static void show(const struct learn_wish *w, const struct learn_store *s,
                 const struct proposal_list *p)
{
	json_t *all = learn_summary(s);
	if (w->remote.as_json) {
		json_t *list = json_array();
		for (unsigned i = 0; i < p->n; i++)
			json_array_append_new(list, proposal_json(&p->at[i]));
		json_object_set_new(all, "proposals", list);
		remote_print_json(all);
		json_decref(all);
		return;
	}
	char since[TIME_TEXT_MAX];
	json_int_t since_s = json_integer_value(json_object_get(all, "since_s"));
	printf("Group %s, learning since %s UTC: %u proposals from %" JSON_INTEGER_FORMAT
	       " names\n",
	       w->group, time_text((uint64_t)since_s, since), p->n,
	       json_integer_value(json_object_get(all, "names")));
	if (json_is_true(json_object_get(all, "full")))
		printf("It is full: more names were asked for, and are not here.\n");
	json_int_t lost = json_integer_value(json_object_get(all, "lost"));
	if (lost > 0)
		printf("%" JSON_INTEGER_FORMAT " notes were lost for want of room.\n", lost);
	putchar('\n');
	for (unsigned i = 0; i < p->n; i++)
		print_proposal(&p->at[i]);
	json_decref(all);
}

static int write_list(const struct learn_wish *w, const struct proposal_list *p)
{
	char name[NAME_TEXT_MAX], *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return -ENOMEM;
	fprintf(f,
	        "# What group %s needs, as weir learn has seen it. Format domains, action allow;\n"
	        "# a name covers everything below it unless the list says subdomains: false.\n",
	        w->group);
	for (unsigned i = 0; i < p->n; i++) {
		name_to_text(p->at[i].name.wire, name);
		if (p->at[i].kind == LEARN_REVIEW)
			fprintf(f, "# REVIEW: %s has more than %d names below it; not allowed\n",
			        name, LEARN_REVIEW_NAMES);
		else
			fprintf(f, "%s\n", name);
	}
	bool is_bad = ferror(f) != 0;
	if (fclose(f) != 0 || is_bad) {
		free(text);
		return -ENOMEM;
	}
	int e = disk_save(w->file, text, n, 0644);
	free(text);
	return e;
}

static bool is_allowed(uint16_t group, const struct name *name)
{
	struct name_hashes hashes;
	struct verdict v;
	name_hash_all(name->wire, &hashes);
	policy_judge_name(policy_current(), group, POLICY_TRIGGER_QUESTION, name->wire, &hashes,
	                  &v);
	return v.action == POLICY_ALLOW;
}

static int diff(const struct learn_wish *w, const struct proposal_list *p, const char *path)
{
	char name[NAME_TEXT_MAX];
	struct config *config;
	unsigned n_new = 0, n_known = 0;
	json_t *list = json_array();
	if (offline_start(w->remote.argv0, path, &config) != 0) {
		json_decref(list);
		return COMMAND_FAILED;
	}
	uint16_t group = policy_group_named(policy_current(), w->group);
	for (unsigned i = 0; i < p->n && group != POLICY_NO_GROUP; i++) {
		bool is_known = is_allowed(group, &p->at[i].name);
		n_known += is_known;
		if (is_known)
			continue;
		n_new += p->at[i].kind != LEARN_REVIEW;
		name_to_text(p->at[i].name.wire, name);
		if (w->remote.as_json)
			json_array_append_new(list, proposal_json(&p->at[i]));
		else
			printf("%c %s%s\n", p->at[i].kind == LEARN_REVIEW ? '?' : '+', name,
			       p->at[i].kind == LEARN_DOMAIN ? "    (all below it)" : "");
	}
	if (w->remote.as_json)
		remote_print_json(list);
	else
		printf("%u to add, %u allowed already\n", n_new, n_known);
	json_decref(list);
	offline_stop(config);
	return COMMAND_OK;
}

static int use_store(const struct learn_wish *w, const struct learn_store *s, const char *path)
{
	struct proposal_list p;
	int status = COMMAND_OK;
	int e = learn_propose(s, &p.at, &p.n);
	if (e != 0) {
		fprintf(stderr, "%s: %s\n", w->remote.argv0, strerror(-e));
		return COMMAND_FAILED;
	}
	if (strcmp(w->action, "show") == 0)
		show(w, s, &p);
	else if (strcmp(w->action, "diff") == 0)
		status = diff(w, &p, path);
	else
		e = write_list(w, &p);
	if (e != 0) {
		fprintf(stderr, "%s: %s cannot be written: %s\n", w->remote.argv0, w->file,
		        strerror(-e));
		status = COMMAND_FAILED;
	}
	free(p.at);
	return status;
}

static const struct config_group *find_group(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->groups.n; i++) {
		if (strcmp(c->groups.at[i].name, name) == 0)
			return &c->groups.at[i];
	}
	return NULL;
}

static int learned(const struct learn_wish *w)
{
	const char *path =
		w->remote.config_path != NULL ? w->remote.config_path : command_config_path();
	struct config *c = NULL;
	struct config_problems problems = { 0 };
	struct learn_store *s;
	char why[LEARN_WHY_MAX];
	if (config_load(path, &c, &problems) != 0) {
		config_problems_print(&problems, stderr);
		config_problems_done(&problems);
		return COMMAND_FAILED;
	}
	config_problems_done(&problems);
	save_now(w, c);
	int status = COMMAND_FAILED;
	const struct config_group *group = find_group(c, w->group);
	int e = learn_load(c->state != NULL ? c->state : "", w->group, &s, why);
	if (e == -ENOENT)
		fprintf(stderr, "%s: %s %s%s\n", w->remote.argv0,
		        group == NULL ? "there is no group" : "group", w->group,
		        group == NULL         ? ""
		        : group->learn_s == 0 ? " does not learn: give it 'learn: 7d'"
		                              : " has learned nothing yet");
	else if (e != 0)
		fprintf(stderr, "%s: what group %s has learned cannot be read: %s\n",
		        w->remote.argv0, w->group, why);
	config_free(c);
	if (e != 0)
		return status;
	status = use_store(w, s, path);
	learn_store_free(s);
	return status;
}

/* enforce, resume: the switch, and a reload that puts it in force. */
static int turn(const struct learn_wish *w)
{
	json_t *reply;
	int rc = remote_call(&w->remote,
	                     json_pack("{s:s, s:s, s:s}", "command", "learn", "action", w->action,
	                               "group", w->group),
	                     TIMEOUT_MS, &reply);
	if (rc != COMMAND_OK)
		return rc;
	json_decref(reply);
	rc = remote_call(&w->remote, json_pack("{s:s}", "command", "reload"), RELOAD_TIMEOUT_MS,
	                 &reply);
	if (rc != COMMAND_OK)
		return rc;
	bool in_force = json_is_true(json_object_get(json_object_get(reply, "reload"), "in_force"));
	if (!in_force)
		api_print_reload(stderr, reply);
	else if (w->remote.as_json)
		remote_print_json(reply);
	else
		printf("Group %s: %s\n", w->group,
		       strcmp(w->action, "enforce") == 0
		               ? "what nothing allows is denied from now on. weir learn diff shows what\n"
		                 "it has learned and its lists do not allow"
		               : "learns again; nothing is denied by default");
	json_decref(reply);
	return in_force ? COMMAND_OK : COMMAND_FAILED;
}

int cmd_learn(int argc, char **argv)
{
	static const struct option options[] = {
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const actions[] = { "show", "diff", "write", "enforce", "resume" };
	struct learn_wish w = { .remote = { .argv0 = argv[0] } };
	for (int c; (c = getopt_long(argc, argv, "c:s:", options, NULL)) != -1;) {
		if (!remote_take_option(&w.remote, c, optarg))
			return command_usage_again(argv[0]);
	}
	if (optind == argc)
		return command_usage(argv[0], "show, diff, write, enforce or resume is missing");
	w.action = argv[optind++];
	unsigned i = 0;
	while (i < ARRAY_LEN(actions) && strcmp(actions[i], w.action) != 0)
		i++;
	if (i == ARRAY_LEN(actions))
		return command_usage(argv[0],
		                     "there is no '%s': show, diff, write, enforce or resume",
		                     w.action);
	if (optind == argc)
		return command_usage(argv[0], "a GROUP is missing");
	w.group = argv[optind++];
	bool is_write = strcmp(w.action, "write") == 0;
	if (is_write && optind == argc)
		return command_usage(argv[0], "a FILE is missing");
	if (is_write)
		w.file = argv[optind++];
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	if (strchr(w.group, '/') != NULL)
		return command_usage(argv[0], "'%s' is no group", w.group);
	return i < 3 ? learned(&w) : turn(&w);
}
