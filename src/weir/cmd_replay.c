/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir replay: recorded questions through a policy, and what would change. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"
#include "weir/command.h"
#include "weir/offline.h"

int cmd_replay(int argc, char **argv);
extern const char cmd_replay_help[];

enum {
	TOP_DEFAULT = 20,
	TOP_MAX = 10000,
	OPTION_AGAINST = 2000,
	OPTION_POLICY_DIR,
	OPTION_FORMAT,
	OPTION_TOP,
	OPTION_JSON,
};

const char cmd_replay_help[] =
	"Usage: weir replay [OPTION]... FILE...\n"
	"Put recorded questions through the policy of a configuration, without a server, and\n"
	"say what would change for the clients: how often, and the names, clients and rules\n"
	"that are met most. FILE is a recording, plain or compressed by gzip or xz; '-' is\n"
	"standard input. Nothing is asked of anybody: aliases and addresses of answers are\n"
	"judged where the recording has them.\n"
	"\n"
	"  -c, --config=FILE      the configuration to try (default: see weir check --help)\n"
	"      --against=FILE     compare with the policy of this configuration, instead of\n"
	"                         with what was recorded\n"
	"      --policy-dir=DIR   compare with the same configuration, its lists as they stand\n"
	"                         in DIR/NAME: the folder 'lists' of a copy of the state folder\n"
	"      --format=FORMAT    auto (default), events (of Weir), dnstap, pcap, bind, unbound,\n"
	"                         dnsmasq (and Pi-hole)\n"
	"  -g, --group=GROUP      judge all clients by this group\n"
	"      --top=N            how many of each are shown (default 20)\n"
	"      --json             the report as JSON (docs/replay.md)\n"
	"  -h, --help             show this help\n"
	"\n"
	"Exit status is 0 if nothing would change, 4 if something would, 1 if a file could not\n"
	"be read to its end or the policy not be put together, 2 if the command line is wrong.\n";

struct replay_wish {
	const char *argv0, *config_path, *against, *policy_dir, *group;
	enum replay_format format;
	unsigned top;
	bool as_json;
};

static void tell_skips(const struct replay_wish *w, const char *path, const struct replay_source *s)
{
	for (unsigned i = 0; i < REPLAY_N_SKIPS; i++) {
		uint64_t first, n = replay_skipped(s, i, &first);
		/* Other packets and other lines are what a recording is full of. */
		if (n > 0 && i != REPLAY_SKIP_OTHER)
			fprintf(stderr,
			        "%s: %s: %" PRIu64 " passed over, the first is number %" PRIu64
			        ": %s\n",
			        w->argv0, path, n, first, replay_skip_text(i));
	}
}

static void compare_one(void *arg, const struct replay_item *item)
{
	replay_compare(arg, item);
}

/* False: it could not be read to its end. */
static bool replay_file(const struct replay_wish *w, const char *path, struct replay_comparison *c)
{
	struct replay_source *s;
	char why[REPLAY_WHY_MAX];
	if (replay_open(path, w->format, &s, why) != 0) {
		fprintf(stderr, "%s: %s %s\n", w->argv0, path, why);
		return false;
	}
	if (!replay_needs_servers(c))
		replay_leave_out_servers(s);
	enum replay_got got = replay_each(s, compare_one, c);
	if (got == REPLAY_FAILED)
		fprintf(stderr, "%s: %s %s: what came before counts\n", w->argv0, path,
		        replay_error(s));
	tell_skips(w, path, s);
	replay_compare_source(c, s);
	replay_close(s);
	return got == REPLAY_END;
}

static int replay_all(const struct replay_wish *w, char **files, struct replay_comparison *c)
{
	bool is_whole = true;
	for (; *files != NULL; files++)
		is_whole &= replay_file(w, *files, c);
	json_t *report = replay_report(c, w->top);
	if (report == NULL)
		return COMMAND_FAILED;
	if (w->as_json) {
		json_dumpf(report, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		replay_print_report(stdout, report);
	}
	json_decref(report);
	if (!is_whole)
		return COMMAND_FAILED;
	return replay_has_changes(c) ? COMMAND_CHANGES : COMMAND_OK;
}

static int compare(const struct replay_wish *w, const struct config *config,
                   const struct offline_second *second, char **files)
{
	const struct replay_side before = { second->policy, second->local };
	const struct replay_plan plan = {
		.now = { policy_current(), local_current() },
		.before = second->policy != NULL ? &before : NULL,
		.group = w->group,
		.learn_s = config->seen.learn_s,
	};
	struct replay_comparison *c;
	int e = replay_comparison_new(&plan, &c);
	if (e != 0) {
		fprintf(stderr, "%s: %s%s\n", w->argv0,
		        e == -ENOENT ? "there is no group " : strerror(-e),
		        e == -ENOENT ? w->group : "");
		return COMMAND_FAILED;
	}
	int status = replay_all(w, files, c);
	replay_comparison_free(c);
	return status;
}

static int replay(const struct replay_wish *w, char **files)
{
	const char *path = w->config_path != NULL ? w->config_path : command_config_path();
	struct config *config;
	struct offline_second second = { 0 };
	int status = COMMAND_FAILED;
	if (offline_start(w->argv0, path, &config) != 0)
		return COMMAND_FAILED;
	int e = 0;
	if (w->against != NULL)
		e = offline_second_start(w->argv0, w->against, NULL, &second);
	else if (w->policy_dir != NULL)
		e = offline_second_start(w->argv0, path, w->policy_dir, &second);
	if (e == 0)
		status = compare(w, config, &second, files);
	offline_second_stop(&second);
	offline_stop(config);
	return status;
}

static bool read_top(const char *text, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != 0 || n > TOP_MAX)
		return false;
	*ret = (unsigned)n;
	return true;
}

static int take_option(struct replay_wish *w, int c)
{
	switch (c) {
	case 'c':
		w->config_path = optarg;
		return 0;
	case 'g':
		w->group = optarg;
		return 0;
	case OPTION_AGAINST:
		w->against = optarg;
		return 0;
	case OPTION_POLICY_DIR:
		w->policy_dir = optarg;
		return 0;
	case OPTION_JSON:
		w->as_json = true;
		return 0;
	case OPTION_FORMAT:
		if (replay_format_from_text(optarg, &w->format) != 0)
			return command_usage(w->argv0, "'%s' is no format", optarg);
		return 0;
	case OPTION_TOP:
		if (!read_top(optarg, &w->top))
			return command_usage(w->argv0, "--top: '%s' is no number up to %d", optarg,
			                     TOP_MAX);
		return 0;
	default:
		return command_usage_again(w->argv0);
	}
}

int cmd_replay(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "group", required_argument, NULL, 'g' },
		{ "against", required_argument, NULL, OPTION_AGAINST },
		{ "policy-dir", required_argument, NULL, OPTION_POLICY_DIR },
		{ "format", required_argument, NULL, OPTION_FORMAT },
		{ "top", required_argument, NULL, OPTION_TOP },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ NULL, 0, NULL, 0 },
	};
	struct replay_wish w = { .argv0 = argv[0], .top = TOP_DEFAULT };
	for (int c; (c = getopt_long(argc, argv, "c:g:", options, NULL)) != -1;) {
		int rc = take_option(&w, c);
		if (rc != 0)
			return rc;
	}
	if (optind == argc)
		return command_usage(argv[0], "a FILE is missing");
	if (w.against != NULL && w.policy_dir != NULL)
		return command_usage(argv[0], "--against and --policy-dir exclude each other");
	return replay(&w, argv + optind);
}
