/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/edit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "config/config.h"
#include "weir/command.h"
#include "weir/remote.h"

enum {
	TIMEOUT_MS = 15000,
	OPTION_EXACT = 2000
};

struct edit_wish {
	struct remote remote;
	const char *group, *reason, *action;
	uint64_t for_s;
	bool is_exact;
};

/* 0, or the exit status. */
static int take_time(struct edit_wish *w, const char *text)
{
	uint64_t ms;
	if (config_duration_from_text(text, strlen(text), &ms) != 0 || ms == 0)
		return command_usage(w->remote.argv0,
		                     "'%s' is not a time; write 30m, 2h, 1d or 1h30m", text);
	w->for_s = (ms + 999) / 1000;
	return 0;
}

static int take_options(struct edit_wish *w, int argc, char **argv, bool has_action)
{
	static const struct option options[] = {
		{ "group", required_argument, NULL, 'g' },
		{ "for", required_argument, NULL, 'f' },
		{ "reason", required_argument, NULL, 'r' },
		{ "exact", no_argument, NULL, OPTION_EXACT },
		REMOTE_OPTIONS,
		{ "action", required_argument, NULL, 'a' }, /* last: allow has none */
		{ NULL, 0, NULL, 0 },
	};
	struct option table[ARRAY_LEN(options)];
	memcpy(table, options, sizeof table);
	if (!has_action)
		memset(&table[ARRAY_LEN(options) - 2], 0, sizeof table[0]);
	for (int c; (c = getopt_long(argc, argv, has_action ? "c:s:g:f:r:a:" : "c:s:g:f:r:", table,
	                             NULL)) != -1;) {
		if (remote_take_option(&w->remote, c, optarg))
			continue;
		if (c == 'g')
			w->group = optarg;
		else if (c == 'r')
			w->reason = optarg;
		else if (c == 'a')
			w->action = optarg;
		else if (c == OPTION_EXACT)
			w->is_exact = true;
		else if (c != 'f')
			return command_usage_again(argv[0]);
		else if (take_time(w, optarg) != 0)
			return COMMAND_USAGE;
	}
	return 0;
}

static json_t *request_of(const struct edit_wish *w, const char *command, const char *name)
{
	json_t *o = json_pack("{s:s, s:s, s:b}", "command", command, "name", name, "exact",
	                      w->is_exact);
	if (o == NULL)
		return NULL;
	if (w->for_s != 0)
		json_object_set_new(o, "for_s", json_integer((json_int_t)w->for_s));
	if (w->group != NULL)
		json_object_set_new(o, "group", json_string(w->group));
	if (w->action != NULL)
		json_object_set_new(o, "action", json_string(w->action));
	/* Text that is not UTF-8 would vanish without a word. */
	if (w->reason != NULL && json_object_set_new(o, "reason", json_string(w->reason)) != 0) {
		fprintf(stderr, "%s: the reason is not UTF-8 text\n", w->remote.argv0);
		json_decref(o);
		return NULL;
	}
	return o;
}

int edit_run(const char *command, int argc, char **argv)
{
	struct edit_wish w = { .remote = { .argv0 = argv[0] } };
	int rc = take_options(&w, argc, argv, strcmp(command, "block") == 0);
	if (rc != 0)
		return rc;
	if (optind == argc)
		return command_usage(argv[0], "a NAME is missing");
	if (optind + 1 < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind + 1]);
	char *name = remote_name(&w.remote, argv[optind]);
	if (name == NULL)
		return COMMAND_FAILED;
	json_t *request = request_of(&w, command, name);
	free(name);
	if (request == NULL)
		return COMMAND_FAILED;
	return remote_show(&w.remote, request, TIMEOUT_MS, api_print_edit);
}
