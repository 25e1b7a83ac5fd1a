/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir status: how the running server is doing. */
#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_status(int argc, char **argv);
extern const char cmd_status_help[];

enum {
	TIMEOUT_MS = 10000
};

const char cmd_status_help[] =
	"Usage: weir status [OPTION]...\n"
	"Show how the running server is doing: lists with their size, age and problems,\n"
	"groups, questions and what became of them, the resolver, the cache, events.\n"
	"\n" REMOTE_HELP "\n"
	"Exit status is 0, 1 if the server refused, 2 if the command line is wrong, 3 if no\n"
	"server answered.\n";

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = { .argv0 = argv[0] };
	for (int c; (c = getopt_long(argc, argv, "c:s:", options, NULL)) != -1;)
		if (!remote_take_option(&r, c, optarg))
			return command_usage_again(argv[0]);
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	return remote_show(&r, json_pack("{s:s}", "command", "status"), TIMEOUT_MS,
	                   api_print_status);
}
