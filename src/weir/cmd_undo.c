/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir undo: take an edit back. */
#include <stdlib.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_undo(int argc, char **argv);
extern const char cmd_undo_help[];

enum {
	TIMEOUT_MS = 15000
};

const char cmd_undo_help[] =
	"Usage: weir undo NAME [OPTION]...\n"
	"Take back what 'weir block NAME' or 'weir allow NAME' did, from the next question on.\n"
	"Edits for NAME alone, for NAME and below, and for what is below it all go.\n"
	"\n"
	"  -g, --group=GROUP    the edit that was made for this group\n" REMOTE_HELP "\n"
	"Exit status is 0 if an edit was taken back, 1 if there was none, 2 if the command\n"
	"line is wrong, 3 if no server answered.\n";

int cmd_undo(int argc, char **argv)
{
	static const struct option options[] = {
		{ "group", required_argument, NULL, 'g' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = { .argv0 = argv[0] };
	const char *group = NULL;
	for (int c; (c = getopt_long(argc, argv, "c:s:g:", options, NULL)) != -1;) {
		if (c == 'g')
			group = optarg;
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
	json_t *request =
		json_pack("{s:s, s:s, s:s*}", "command", "undo", "name", name, "group", group);
	free(name);
	return remote_show(&r, request, TIMEOUT_MS, api_print_edit);
}
