/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir trust: trust anchors, and names that are not validated for now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "config/config.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_trust(int argc, char **argv);
extern const char cmd_trust_help[];

enum {
	TIMEOUT_MS = 15000
};

const char cmd_trust_help[] =
	"Usage: weir trust list [OPTION]...\n"
	"       weir trust add NAME [OPTION]...\n"
	"       weir trust remove NAME [OPTION]...\n"
	"       weir trust refresh [OPTION]...\n"
	"list shows what DNSSEC validation starts from: each key with its tag and its state\n"
	"(RFC 5011), and the names that are not validated.\n"
	"add switches validation off for NAME and everything below it, for a time: a negative\n"
	"trust anchor (RFC 7646), for a zone whose signatures are broken by mistake. Make sure\n"
	"first that it is a mistake and no attack. remove takes it back.\n"
	"refresh asks the zones of all trust anchors for their keys now.\n"
	"\n"
	"  -f, --for=TIME     how long: 30m, 2h, 1d (default 1h, at most 7d)\n"
	"  -r, --reason=TEXT  kept with it and shown by list\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if it was refused, 2 if the command line is wrong,\n"
	"3 if no server answered.\n";

struct trust_wish {
	struct remote remote;
	const char *reason;
	uint64_t for_s;
};

/* 0, or the exit status. */
static int take_options(struct trust_wish *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, 'f' },
		{ "reason", required_argument, NULL, 'r' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	for (int c; (c = getopt_long(argc, argv, "c:s:f:r:", options, NULL)) != -1;) {
		uint64_t ms;
		if (remote_take_option(&w->remote, c, optarg))
			continue;
		if (c == 'r')
			w->reason = optarg;
		else if (c != 'f')
			return command_usage_again(argv[0]);
		else if (config_duration_from_text(optarg, strlen(optarg), &ms) != 0 || ms == 0)
			return command_usage(
				argv[0], "'%s' is not a time; write 30m, 2h, 1d or 1h30m", optarg);
		else
			w->for_s = (ms + 999) / 1000;
	}
	return 0;
}

static json_t *request_of(const struct trust_wish *w, const char *action, const char *name)
{
	json_t *o = json_pack("{s:s, s:s}", "command", "trust", "action", action);
	if (o == NULL)
		return NULL;
	if (w->for_s != 0)
		json_object_set_new(o, "for_s", json_integer((json_int_t)w->for_s));
	/* Text that is not UTF-8 would vanish without a word. */
	bool is_bad = name != NULL && json_object_set_new(o, "name", json_string(name)) != 0;
	if (w->reason != NULL && json_object_set_new(o, "reason", json_string(w->reason)) != 0)
		is_bad = true;
	if (is_bad) {
		fprintf(stderr, "%s: the name or the reason is not UTF-8 text\n", w->remote.argv0);
		json_decref(o);
		return NULL;
	}
	return o;
}

int cmd_trust(int argc, char **argv)
{
	struct trust_wish w = { .remote = { .argv0 = argv[0] } };
	int rc = take_options(&w, argc, argv);
	if (rc != 0)
		return rc;
	if (optind == argc)
		return command_usage(argv[0], "list, add, remove or refresh is missing");
	const char *action = argv[optind++];
	bool is_add = strcmp(action, "add") == 0;
	bool takes_name = is_add || strcmp(action, "remove") == 0;
	if (!takes_name && strcmp(action, "list") != 0 && strcmp(action, "refresh") != 0)
		return command_usage(argv[0], "there is no '%s': list, add, remove or refresh",
		                     action);
	if (!is_add && (w.for_s != 0 || w.reason != NULL))
		return command_usage(argv[0], "--for and --reason belong to add");
	if (takes_name && optind == argc)
		return command_usage(argv[0], "a NAME is missing");
	if (optind + takes_name < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind + takes_name]);
	char *name = takes_name ? remote_name(&w.remote, argv[optind]) : NULL;
	if (takes_name && name == NULL)
		return COMMAND_FAILED;
	json_t *request = request_of(&w, action, name);
	free(name);
	if (request == NULL)
		return COMMAND_FAILED;
	return remote_show(&w.remote, request, TIMEOUT_MS, api_print_trust);
}
