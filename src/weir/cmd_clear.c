/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir clear: a machine was cleaned. */
#include <stdio.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_clear(int argc, char **argv);
extern const char cmd_clear_help[];

enum {
	TIMEOUT_MS = 15000
};

const char cmd_clear_help[] =
	"Usage: weir clear ADDRESS [OPTION]...\n"
	"Say that a client is clean: its incident is closed, and new evidence counts from nothing.\n"
	"What was known stays in its timeline, with who said so, and why.\n"
	"\n"
	"  -r, --reason=TEXT    why: \"reinstalled, ticket 4711\"\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if nothing is known against it, 2 if the command line\n"
	"is wrong, 3 if no server answered.\n";

int cmd_clear(int argc, char **argv)
{
	static const struct option options[] = {
		{ "reason", required_argument, NULL, 'r' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = { .argv0 = argv[0] };
	const char *reason = "";
	for (int c; (c = getopt_long(argc, argv, "c:s:r:", options, NULL)) != -1;) {
		if (remote_take_option(&r, c, optarg))
			continue;
		if (c != 'r')
			return command_usage_again(argv[0]);
		reason = optarg;
	}
	if (optind == argc)
		return command_usage(argv[0], "an ADDRESS is missing");
	const char *address = argv[optind++];
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	json_t *request = json_pack("{s:s, s:s, s:s}", "command", "clear", "address", address,
	                            "reason", reason);
	if (request == NULL)
		return command_usage(argv[0], "the reason is no UTF-8");
	return remote_show(&r, request, TIMEOUT_MS, api_print_cleared);
}
