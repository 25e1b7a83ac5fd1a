/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir alerts: where alerts go, what waits, what failed last; a test. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_alerts(int argc, char **argv);
extern const char cmd_alerts_help[];

enum {
	TIMEOUT_MS = 15000,
	LOOK_MS = 200,
	LOOKS = 75, /* a test waits 15 s */
};

const char cmd_alerts_help[] =
	"Usage: weir alerts [list] [OPTION]...\n"
	"       weir alerts test [OPTION]...\n"
	"list shows each destination of alerts: what was sent, what waits, what failed last.\n"
	"test sends an alert to all of them, waits until each has taken it or failed, and shows\n"
	"the same.\n"
	"\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if a destination did not take the test, 2 if the\n"
	"command line is wrong, 3 if no server answered.\n";

static json_t *request(const char *action)
{
	return json_pack("{s:s, s:s}", "command", "alerts", "action", action);
}

static bool is_waiting(const json_t *d)
{
	return json_integer_value(json_object_get(d, "waiting")) > 0;
}

static bool has_failed(const json_t *d)
{
	return json_integer_value(json_object_get(d, "failures")) > 0;
}

/* Send, and look until every destination has done or failed. */
static int test(const struct remote *r)
{
	static const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	json_t *reply;
	bool is_bad = false, is_under_way = true;
	int rc = remote_call(r, request("test"), TIMEOUT_MS, &reply);
	for (unsigned i = 0; rc == COMMAND_OK && is_under_way; i++) {
		is_under_way = is_bad = false;
		json_decref(reply);
		nanosleep(&pause, NULL);
		rc = remote_call(r, request("list"), TIMEOUT_MS, &reply);
		if (rc != COMMAND_OK)
			break;
		const json_t *list =
			json_object_get(json_object_get(reply, "alerts"), "destinations");
		for (size_t k = 0; k < json_array_size(list); k++) {
			const json_t *d = json_array_get(list, k);
			is_bad |= has_failed(d) || is_waiting(d);
			is_under_way |= is_waiting(d) && !has_failed(d) && i < LOOKS;
		}
		is_bad |= json_array_size(list) == 0;
	}
	if (rc != COMMAND_OK)
		return rc;
	if (r->as_json)
		remote_print_json(reply);
	else
		api_print_alerts(stdout, reply);
	json_decref(reply);
	return is_bad ? COMMAND_FAILED : COMMAND_OK;
}

int cmd_alerts(int argc, char **argv)
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
	const char *action = optind < argc ? argv[optind++] : "list";
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	if (strcmp(action, "test") == 0)
		return test(&r);
	if (strcmp(action, "list") != 0)
		return command_usage(argv[0], "there is no '%s': list or test", action);
	return remote_show(&r, request("list"), TIMEOUT_MS, api_print_alerts);
}
