/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir explain: which rules match a name, which one wins, and why. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/offline.h"
#include "weir/remote.h"

int cmd_explain(int argc, char **argv);
extern const char cmd_explain_help[];

enum {
	TIMEOUT_MS = 60000,
	OPTION_CLIENT = 2000,
	OPTION_OFFLINE
};

const char cmd_explain_help[] =
	"Usage: weir explain NAME [OPTION]...\n"
	"Show what a client that asks for NAME gets, and why: the client's group; every rule\n"
	"that matches the name, the aliases it leads to, the name servers asked and the\n"
	"addresses in the answer, with list, file and line; which one wins, and what the others\n"
	"lose by. Nothing is asked of other servers: what is not in the cache is not known\n"
	"('weir query NAME' asks).\n"
	"\n"
	"  -t, --type=TYPE      the record type; default A\n"
	"      --client=IP      the client's address; default 127.0.0.1\n"
	"  -g, --group=GROUP    as if the client were in this group\n"
	"      --offline        without a running server: read the configuration and the lists\n" REMOTE_HELP
	"\n"
	"Exit status is 0 if the walk could be made, whatever its end; 1 if not; 2 if the\n"
	"command line is wrong; 3 if no server answered.\n";

struct explain_wish {
	struct remote remote;
	const char *type, *client, *group;
	bool is_offline;
};

static const struct config *get_config(void *arg)
{
	return arg;
}

/* The same handler as the server's, on a policy of our own. */
static int explain_offline(const struct explain_wish *w, json_t *request)
{
	const char *path =
		w->remote.config_path != NULL ? w->remote.config_path : command_config_path();
	struct config *config;
	char *line = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (line == NULL || offline_start(w->remote.argv0, path, &config) != 0) {
		free(line);
		return COMMAND_FAILED;
	}
	const struct api_context context = { .arg = config, .config = get_config };
	json_t *reply = api_run(&context, line, strlen(line), "");
	bool is_ok = json_is_true(json_object_get(reply, "ok"));
	if (w->remote.as_json) {
		remote_print_json(reply);
	} else if (is_ok) {
		api_print_explain(stdout, reply);
	} else {
		fprintf(stderr, "%s: ", w->remote.argv0);
		api_print_error(stderr, reply);
	}
	json_decref(reply);
	free(line);
	offline_stop(config);
	return is_ok ? COMMAND_OK : COMMAND_FAILED;
}

static int take_options(struct explain_wish *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "type", required_argument, NULL, 't' },
		{ "client", required_argument, NULL, OPTION_CLIENT },
		{ "group", required_argument, NULL, 'g' },
		{ "offline", no_argument, NULL, OPTION_OFFLINE },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	for (int c; (c = getopt_long(argc, argv, "c:s:t:g:", options, NULL)) != -1;) {
		if (c == 't')
			w->type = optarg;
		else if (c == 'g')
			w->group = optarg;
		else if (c == OPTION_CLIENT)
			w->client = optarg;
		else if (c == OPTION_OFFLINE)
			w->is_offline = true;
		else if (!remote_take_option(&w->remote, c, optarg))
			return command_usage_again(argv[0]);
	}
	return 0;
}

int cmd_explain(int argc, char **argv)
{
	struct explain_wish w = { .remote = { .argv0 = argv[0] } };
	int rc = take_options(&w, argc, argv);
	if (rc != 0)
		return rc;
	if (optind == argc)
		return command_usage(argv[0], "a NAME is missing");
	if (optind + 1 < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind + 1]);
	char *name = remote_name(&w.remote, argv[optind]);
	if (name == NULL)
		return COMMAND_FAILED;
	json_t *request = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "command", "explain", "name",
	                            name, "type", w.type, "client", w.client, "group", w.group);
	free(name);
	if (request == NULL)
		return COMMAND_FAILED;
	if (w.is_offline)
		return explain_offline(&w, request);
	return remote_show(&w.remote, request, TIMEOUT_MS, api_print_explain);
}
