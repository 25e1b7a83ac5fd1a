/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir feeds: where lists come from, how old they are; fetching and rolling back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_feeds(int argc, char **argv);
extern const char cmd_feeds_help[];

enum {
	TIMEOUT_MS = 15000
};

const char cmd_feeds_help[] =
	"Usage: weir feeds [list] [OPTION]...\n"
	"       weir feeds update [NAME] [OPTION]...\n"
	"       weir feeds rollback NAME [VERSION] [OPTION]...\n"
	"       weir feeds pin NAME [VERSION] [OPTION]...\n"
	"       weir feeds unpin NAME [OPTION]...\n"
	"       weir feeds accept NAME [OPTION]...\n"
	"list shows each list: where it comes from, how old it is, its rules, what is wrong with\n"
	"it, when it is fetched next, and the versions that are kept.\n"
	"update fetches one list, or all, now.\n"
	"rollback puts VERSION in force again, or the one before the newest; pin the newest. It\n"
	"stays until unpin, whatever comes.\n"
	"accept takes the list's file although it was refused (it shrank, it grew, ...).\n"
	"\n"
	"  -u, --until-newer  rollback, pin: only until a newer good version comes\n" REMOTE_HELP
	"\n"
	"Exit status is 0 if it was done, 1 if it was refused, 2 if the command line is wrong,\n"
	"3 if no server answered.\n";

struct feeds_wish {
	struct remote remote;
	bool is_until_newer;
};

static int take_options(struct feeds_wish *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "until-newer", no_argument, NULL, 'u' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	for (int c; (c = getopt_long(argc, argv, "c:s:u", options, NULL)) != -1;) {
		if (remote_take_option(&w->remote, c, optarg))
			continue;
		if (c != 'u')
			return command_usage_again(argv[0]);
		w->is_until_newer = true;
	}
	return 0;
}

static const struct action {
	const char *name;
	int min_operands, max_operands;
} actions[] = {
	{ "list", 0, 0 }, { "update", 0, 1 }, { "rollback", 1, 2 },
	{ "pin", 1, 2 },  { "unpin", 1, 1 },  { "accept", 1, 1 },
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	}
	return NULL;
}

/* 0: no number. */
static json_int_t version_from_text(const char *text)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	bool is_number = text[0] >= '1' && text[0] <= '9' && *end == 0 && errno == 0;
	return is_number && n <= UINT32_MAX ? (json_int_t)n : 0;
}

int cmd_feeds(int argc, char **argv)
{
	struct feeds_wish w = { .remote = { .argv0 = argv[0] } };
	int rc = take_options(&w, argc, argv);
	if (rc != 0)
		return rc;
	const char *name = optind < argc ? argv[optind++] : "list";
	const struct action *action = find_action(name);
	if (action == NULL)
		return command_usage(argv[0],
		                     "there is no '%s': list, update, rollback, pin, unpin, accept",
		                     name);
	int n = argc - optind;
	if (n < action->min_operands)
		return command_usage(argv[0], "the NAME of a list is missing");
	if (n > action->max_operands)
		return command_usage(argv[0], "extra operand '%s'",
		                     argv[optind + action->max_operands]);
	json_t *request = json_pack("{s:s, s:s}", "command", "feeds", "action", action->name);
	if (n > 0)
		json_object_set_new(request, "name", json_string(argv[optind]));
	if (n > 1) {
		json_int_t version = version_from_text(argv[optind + 1]);
		if (version == 0) {
			json_decref(request);
			return command_usage(argv[0], "'%s' is no number of a version",
			                     argv[optind + 1]);
		}
		json_object_set_new(request, "version", json_integer(version));
	}
	if (w.is_until_newer)
		json_object_set_new(request, "until_newer", json_true());
	return remote_show(&w.remote, request, TIMEOUT_MS, api_print_feeds);
}
