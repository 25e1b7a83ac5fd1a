/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir edits: what was blocked and allowed by hand. */
#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_edits(int argc, char **argv);
extern const char cmd_edits_help[];

enum {
	TIMEOUT_MS = 15000
};

const char cmd_edits_help[] =
	"Usage: weir edits [OPTION]...\n"
	"List what 'weir block' and 'weir allow' have put in force: the name, for whom, until\n"
	"when, by whom and why.\n"
	"\n" REMOTE_HELP "\n"
	"Exit status is 0, 1 if the server refused, 2 if the command line is wrong, 3 if no\n"
	"server answered.\n";

static json_t *request_from(size_t from)
{
	return json_pack("{s:s, s:I}", "command", "edits", "from", (json_int_t)from);
}

/* The server gives a thousand at a time: the rest is put behind the first reply's. */
static int take_rest(const struct remote *r, json_t *first)
{
	json_t *edits = json_object_get(first, "edits");
	json_int_t total = json_integer_value(json_object_get(first, "total"));
	while ((json_int_t)json_array_size(edits) < total) {
		json_t *more;
		int rc = remote_call(r, request_from(json_array_size(edits)), TIMEOUT_MS, &more);
		if (rc != COMMAND_OK)
			return rc;
		json_t *page = json_object_get(more, "edits");
		bool is_end = json_array_size(page) == 0;
		json_array_extend(edits, page);
		json_decref(more);
		if (is_end)
			break; /* some were taken back meanwhile */
	}
	return COMMAND_OK;
}

int cmd_edits(int argc, char **argv)
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
	int rc = remote_call(&r, request_from(0), TIMEOUT_MS, &reply);
	if (rc != COMMAND_OK)
		return rc;
	rc = take_rest(&r, reply);
	if (rc == COMMAND_OK && r.as_json)
		remote_print_json(reply);
	else if (rc == COMMAND_OK)
		api_print_edits(stdout, reply);
	json_decref(reply);
	return rc;
}
