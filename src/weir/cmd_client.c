/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir client: one client, the evidence against it, and how it came to be so. */
#include <stdio.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_client(int argc, char **argv);
extern const char cmd_client_help[];

enum {
	TIMEOUT_MS = 15000
};

const char cmd_client_help[] =
	"Usage: weir client ADDRESS [OPTION]...\n"
	"Show what speaks against a client, with numbers, and how it came to be so.\n"
	"\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if nothing is known against it, 2 if the command line\n"
	"is wrong, 3 if no server answered.\n";

int cmd_client(int argc, char **argv)
{
	static const struct option options[] = {
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = { .argv0 = argv[0] };
	for (int c; (c = getopt_long(argc, argv, "c:s:", options, NULL)) != -1;) {
		if (!remote_take_option(&r, c, optarg))
			return command_usage_again(argv[0]);
	}
	if (optind == argc)
		return command_usage(argv[0], "an ADDRESS is missing");
	const char *address = argv[optind++];
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	return remote_show(&r, json_pack("{s:s, s:s}", "command", "client", "address", address),
	                   TIMEOUT_MS, api_print_client);
}
