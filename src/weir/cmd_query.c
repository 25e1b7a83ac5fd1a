/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir query: ask the running server a question as if a client had sent it. */
#include <stdlib.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_query(int argc, char **argv);
extern const char cmd_query_help[];

enum {
	TIMEOUT_MS = 30000
};

const char cmd_query_help[] =
	"Usage: weir query NAME [OPTION]...\n"
	"Ask the running server for NAME as if a client had sent the question, and show the\n"
	"answer. It goes through everything that a client's question goes through.\n"
	"\n"
	"  -t, --type=TYPE      the record type; default A\n"
	"      --client=IP      the client's address; default 127.0.0.1\n"
	"      --dnssec         show signatures and other DNSSEC records too (DO)\n"
	"      --unchecked      show data even if DNSSEC says that it is bad (CD)\n" REMOTE_HELP
	"\n"
	"Exit status is 0 if there was an answer, whatever it says; 1 if there was none; 2 if\n"
	"the command line is wrong; 3 if no server answered on the control socket.\n";

int cmd_query(int argc, char **argv)
{
	static const struct option options[] = {
		{ "type", required_argument, NULL, 't' },
		{ "client", required_argument, NULL, 'C' },
		{ "dnssec", no_argument, NULL, 'D' },
		{ "unchecked", no_argument, NULL, 'U' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = { .argv0 = argv[0] };
	const char *type = NULL, *client = NULL;
	bool is_do = false, is_cd = false;
	for (int c; (c = getopt_long(argc, argv, "c:s:t:", options, NULL)) != -1;) {
		if (c == 't')
			type = optarg;
		else if (c == 'C')
			client = optarg;
		else if (c == 'D')
			is_do = true;
		else if (c == 'U')
			is_cd = true;
		else if (!remote_take_option(&r, c, optarg))
			return command_usage_again(argv[0]);
	}
	if (optind == argc)
		return command_usage(argv[0], "a NAME is missing");
	if (optind + 1 < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind + 1]);
	char *name = remote_name(&r, argv[optind]);
	if (name == NULL)
		return COMMAND_FAILED;
	json_t *request = json_pack("{s:s, s:s, s:s*, s:s*, s:b, s:b}", "command", "query", "name",
	                            name, "type", type, "client", client, "do", is_do, "cd", is_cd);
	free(name);
	return remote_show(&r, request, TIMEOUT_MS, api_print_query);
}
