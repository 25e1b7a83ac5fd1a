/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir ceilings: which domains may be told more than the leak budget, because that was learned. */
#include <stdlib.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_ceilings(int argc, char **argv);
extern const char cmd_ceilings_help[];

enum {
	TIMEOUT_MS = 15000,
	OPTION_CONFIRM = 2000,
	OPTION_FORGET,
	OPTION_FORGET_ALL
};

const char cmd_ceilings_help[] =
	"Usage: weir ceilings [OPTION]...\n"
	"List the domains that clients of this network were found to tell more than the leak budget\n"
	"allows (detect.leak.learn), and how many times the budget they may be told since.\n"
	"\n"
	"      --confirm=DOMAIN  raise it to what its greediest client has needed, though fewer than\n"
	"                        three clients did\n"
	"      --forget=DOMAIN   as if nothing had been learned of it\n"
	"      --forget-all      forget all of them, and begin to learn anew\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if it was refused, 2 if the command line is wrong,\n"
	"3 if no server answered.\n";

int cmd_ceilings(int argc, char **argv)
{
	static const struct option options[] = {
		{ "confirm", required_argument, NULL, OPTION_CONFIRM },
		{ "forget", required_argument, NULL, OPTION_FORGET },
		{ "forget-all", no_argument, NULL, OPTION_FORGET_ALL },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote remote = { .argv0 = argv[0] };
	json_t *request = json_pack("{s:s}", "command", "ceilings");
	for (int c; (c = getopt_long(argc, argv, "c:s:", options, NULL)) != -1;) {
		if (remote_take_option(&remote, c, optarg))
			continue;
		if (c == OPTION_FORGET_ALL) {
			json_object_set_new(request, "forget_all", json_true());
			continue;
		}
		if (c != OPTION_CONFIRM && c != OPTION_FORGET) {
			json_decref(request);
			return command_usage_again(remote.argv0);
		}
		char *name = remote_name(&remote, optarg);
		if (name == NULL) {
			json_decref(request);
			return COMMAND_FAILED;
		}
		json_object_set_new(request, c == OPTION_CONFIRM ? "confirm" : "forget",
		                    json_string(name));
		free(name);
	}
	if (optind < argc) {
		json_decref(request);
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	}
	return remote_show(&remote, request, TIMEOUT_MS, api_print_ceilings);
}
