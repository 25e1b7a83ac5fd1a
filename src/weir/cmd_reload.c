/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir reload: have the server read its configuration and lists again, and wait for it. */
#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_reload(int argc, char **argv);
extern const char cmd_reload_help[];

enum {
	TIMEOUT_MS = 600000
}; /* ten million names on a slow disk */

const char cmd_reload_help[] =
	"Usage: weir reload [OPTION]...\n"
	"Have the running server read its configuration and its lists again, wait until the\n"
	"new policy is in force, and show what was wrong on the way. Answers go on meanwhile;\n"
	"when the configuration cannot be used, what was in force stays so.\n"
	"\n" REMOTE_HELP "\n"
	"Exit status is 0 if the new policy is in force, 1 if it is not, 2 if the command line\n"
	"is wrong, 3 if no server answered.\n";

int cmd_reload(int argc, char **argv)
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
	json_t *reply;
	int rc = remote_call(&r, json_pack("{s:s}", "command", "reload"), TIMEOUT_MS, &reply);
	if (rc != COMMAND_OK)
		return rc;
	bool in_force = json_is_true(json_object_get(json_object_get(reply, "reload"), "in_force"));
	if (r.as_json)
		remote_print_json(reply);
	else
		api_print_reload(in_force ? stdout : stderr, reply);
	json_decref(reply);
	return in_force ? COMMAND_OK : COMMAND_FAILED;
}
