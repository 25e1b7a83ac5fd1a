/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir mute: a detector says nothing of a client or a zone, for a while. */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_mute(int argc, char **argv);
extern const char cmd_mute_help[];

enum {
	TIMEOUT_MS = 15000,
	OPTION_CLIENT = 2000,
	OPTION_ZONE,
	OPTION_UNDO
};

const char cmd_mute_help[] =
	"Usage: weir mute [DETECTOR [OPTION]...]\n"
	"Have a detector (or 'all' of them) leave a client or a zone alone, for a time and for a\n"
	"reason. What it would have done is still written to the events, as muted. Without\n"
	"DETECTOR, list what is muted. A name that is to be let through for good is 'weir allow'.\n"
	"\n"
	"      --client=ADDRESS  the client, or a prefix: 192.0.2.0/24\n"
	"      --zone=NAME       NAME and what is below it; with --client only for that client\n"
	"  -r, --reason=TEXT     why; needed\n"
	"  -f, --for=TIME        how long: 30m, 2h, 7d; needed, a year at most\n"
	"      --undo            take it back\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if it was refused, 2 if the command line is wrong,\n"
	"3 if no server answered.\n";

struct wish {
	struct remote remote;
	const char *client, *zone, *reason;
	uint64_t for_s;
	bool is_undo;
};

/* 0, or the exit status. */
static int take_option(struct wish *w, int c, char *value)
{
	uint64_t ms;
	if (remote_take_option(&w->remote, c, value))
		return 0;
	switch (c) {
	case OPTION_CLIENT:
		w->client = value;
		return 0;
	case OPTION_ZONE:
		w->zone = value;
		return 0;
	case OPTION_UNDO:
		w->is_undo = true;
		return 0;
	case 'r':
		w->reason = value;
		return 0;
	case 'f':
		if (config_duration_from_text(value, strlen(value), &ms) != 0 || ms == 0)
			return command_usage(w->remote.argv0,
			                     "'%s' is not a time; write 30m, 2h, 1d or 1h30m",
			                     value);
		w->for_s = (ms + 999) / 1000;
		return 0;
	default:
		return command_usage_again(w->remote.argv0);
	}
}

static int check(const struct wish *w, const char *detector)
{
	const char *argv0 = w->remote.argv0;
	if (detector == NULL)
		return w->client != NULL || w->zone != NULL || w->reason != NULL || w->is_undo
		               ? command_usage(argv0, "a DETECTOR is missing")
		               : 0;
	if (w->client == NULL && w->zone == NULL)
		return command_usage(argv0, "whom is it to leave alone? Write --client or --zone");
	if (!w->is_undo && (w->reason == NULL || w->for_s == 0))
		return command_usage(argv0, "write --reason and --for: why, and how long");
	return 0;
}

int cmd_mute(int argc, char **argv)
{
	static const struct option options[] = {
		{ "client", required_argument, NULL, OPTION_CLIENT },
		{ "zone", required_argument, NULL, OPTION_ZONE },
		{ "undo", no_argument, NULL, OPTION_UNDO },
		{ "reason", required_argument, NULL, 'r' },
		{ "for", required_argument, NULL, 'f' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct wish w = { .remote = { .argv0 = argv[0] } };
	for (int c; (c = getopt_long(argc, argv, "c:s:r:f:", options, NULL)) != -1;) {
		int rc = take_option(&w, c, optarg);
		if (rc != 0)
			return rc;
	}
	if (optind + 1 < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind + 1]);
	const char *detector = optind < argc ? argv[optind] : NULL;
	int rc = check(&w, detector);
	if (rc != 0)
		return rc;
	char *zone = w.zone != NULL ? remote_name(&w.remote, w.zone) : NULL;
	if (w.zone != NULL && zone == NULL)
		return COMMAND_FAILED;
	json_t *request = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*}", "command", "mute", "detector",
	                            detector, "client", w.client, "zone", zone, "reason", w.reason);
	free(zone);
	if (w.for_s != 0)
		json_object_set_new(request, "for_s", json_integer((json_int_t)w.for_s));
	if (w.is_undo)
		json_object_set_new(request, "undo", json_true());
	return remote_show(&w.remote, request, TIMEOUT_MS, api_print_mute);
}
