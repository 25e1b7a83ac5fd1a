/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir flush: the cache forgets a name. */
#include <stdio.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_flush(int argc, char **argv);
extern const char cmd_flush_help[];

enum {
	TIMEOUT_MS = 30000
};

const char cmd_flush_help[] =
	"Usage: weir flush NAME [OPTION]...\n"
	"       weir flush --all [OPTION]...\n"
	"Have the running server forget what it has learned of a name and of all names below it: answers,\n"
	"also those of aliases that lead there; that it does not exist; zones, their servers and keys; and\n"
	"that it could not be resolved. It asks anew then. Rules, edits and detectors keep what they know.\n"
	"\n"
	"  -a, --all            everything, and what is known of name servers, too\n" REMOTE_HELP
	"\n"
	"Exit status is 0, 1 if the server refused, 2 if the command line is wrong, 3 if no\n"
	"server answered.\n";

int cmd_flush(int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = { .argv0 = argv[0] };
	const char *name = NULL;
	for (int c; (c = getopt_long(argc, argv, "c:s:a", options, NULL)) != -1;) {
		if (remote_take_option(&r, c, optarg))
			continue;
		if (c != 'a')
			return command_usage_again(argv[0]);
		name = ".";
	}
	if (name == NULL && optind == argc)
		return command_usage(argv[0], "a NAME is missing; --all forgets everything");
	if (name == NULL)
		name = argv[optind++];
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	json_t *request = json_pack("{s:s, s:s}", "command", "flush", "name", name);
	if (request == NULL)
		return command_usage(argv[0], "the name is no UTF-8");
	return remote_show(&r, request, TIMEOUT_MS, api_print_flushed);
}
