/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir check: what is wrong with the configuration and its lists, all of it at once. */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "local/local.h"
#include "weir/command.h"
#include "weir/specs.h"
#include "weir/trust.h"

int cmd_check(int argc, char **argv);
extern const char cmd_check_help[];

const char cmd_check_help[] =
	"Usage: weir check [OPTION]... [FILE]\n"
	"Read the configuration FILE and say everything that is wrong with it, each with\n"
	"file, line and column and what would be right; so with local records and zone files.\n"
	"When it is good, read its lists too: how many rules each gives, and which lines are\n"
	"skipped and why. Nothing is started or changed.\n"
	"\n"
	"  -c, --config=FILE  the configuration; the same as FILE\n"
	"      --no-lists     look whether the files of the lists can be read, but not into them\n"
	"      --print        when it is good, print it as it would be in force: every option\n"
	"                     with its value\n"
	"      --defaults     print all options with their defaults and what they mean\n"
	"  -q, --quiet        say only what is wrong\n"
	"  -h, --help         show this help\n"
	"\n"
	"Exit status is 0 if all is good (there may be warnings, and lines of lists that are\n"
	"skipped), 1 if it is not, 2 if the command line is wrong.\n";

struct check_wish {
	const char *path;
	bool print, defaults, quiet, no_lists;
};

/* Returns how many lists are of no use. */
static unsigned check_lists(const struct check_wish *wish, const struct config *config,
                            const struct specs *specs)
{
	struct feeds_report *report = malloc(sizeof *report); /* some KiB of examples */
	unsigned n_bad = 0;
	must(report != NULL);
	for (unsigned i = 0; i < specs->n_lists; i++) {
		const struct config_place place = config->lists.at[i].place;
		memset(report, 0, sizeof *report);
		if (specs->feeds[i].is_fetched && access(specs->lists[i].path, F_OK) != 0) {
			if (!wish->quiet && !wish->print)
				printf("list %s: not fetched yet, weir serve does\n",
				       specs->lists[i].name);
			continue;
		}
		int e = feeds_check(&specs->feeds[i], 0, report);
		if (e != 0) {
			fprintf(stderr, "%s:%u:%u: ", wish->path, place.line, place.column);
			if (report->message[0] != 0)
				fprintf(stderr, "%s\n", report->message);
			else
				fprintf(stderr, "list '%s' cannot be used: %s\n",
				        specs->lists[i].name, strerror(-e));
			n_bad++;
		} else if (!wish->quiet && !wish->print) {
			feeds_report_print(report, stdout);
		}
	}
	free(report);
	return n_bad;
}

static unsigned check_all_lists(const struct check_wish *wish, const struct config *config)
{
	struct specs *specs;
	must(specs_new(config, &specs) == 0);
	unsigned n_bad = check_lists(wish, config, specs);
	specs_free(specs);
	return n_bad;
}

static bool check_anchors(const struct config *config)
{
	struct answer_rr *rrs = NULL;
	unsigned n;
	int e = trust_read(config, stderr, &rrs, &n);
	free(rrs);
	return e == 0;
}

static void print_line(void *arg, const char *line)
{
	fprintf(stderr, "%s\n", line);
	++*(unsigned *)arg;
}

/* Local records, zone files and the hosts file. Returns how many lines are no good. */
static unsigned check_local(const struct config *config)
{
	unsigned n_bad = 0;
	const struct local_listener listener = { .say = print_line, .arg = &n_bad };
	struct local *local = NULL;
	int e = local_new(config, &listener, &local);
	local_free(local);
	return e != 0 && n_bad == 0 ? 1 : n_bad;
}

static int check_file(const struct check_wish *wish)
{
	struct config *config = NULL;
	struct config_problems problems = { 0 };
	int e = config_load(wish->path, &config, &problems);
	unsigned n_bad = problems.n_errors + problems.n_missing;
	bool is_good = e == 0 && n_bad == 0;
	config_problems_print(&problems, stderr);
	if (is_good && !check_anchors(config)) {
		n_bad = 1;
		is_good = false;
	}
	if (is_good) {
		n_bad = check_local(config);
		is_good = n_bad == 0;
	}
	if (is_good && !wish->no_lists) {
		n_bad = check_all_lists(wish, config);
		is_good = n_bad == 0;
	}
	if (is_good && wish->print)
		config_print(config, stdout);
	else if (is_good && !wish->quiet)
		printf("%s: good; lists: %u, groups: %u, warnings: %u\n", wish->path,
		       config->lists.n, config->groups.n, problems.n_warnings);
	else if (!is_good)
		fprintf(stderr, "%s: not good; errors: %u, warnings: %u\n", wish->path, n_bad,
		        problems.n_warnings);
	config_problems_done(&problems);
	config_free(config);
	return is_good ? COMMAND_OK : COMMAND_FAILED;
}

/* False: getopt_long() has said what is wrong. */
static bool read_options(int argc, char **argv, struct check_wish *ret)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "print", no_argument, NULL, 'p' },
		{ "defaults", no_argument, NULL, 'd' },     { "quiet", no_argument, NULL, 'q' },
		{ "no-lists", no_argument, NULL, 'n' },     { NULL, 0, NULL, 0 },
	};
	for (int c; (c = getopt_long(argc, argv, "c:q", options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			ret->path = optarg;
			break;
		case 'p':
			ret->print = true;
			break;
		case 'd':
			ret->defaults = true;
			break;
		case 'q':
			ret->quiet = true;
			break;
		case 'n':
			ret->no_lists = true;
			break;
		default:
			return false;
		}
	}
	return true;
}

int cmd_check(int argc, char **argv)
{
	struct check_wish wish = { 0 };
	if (!read_options(argc, argv, &wish))
		return command_usage_again(argv[0]);
	if (optind < argc && wish.path == NULL)
		wish.path = argv[optind++];
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'", argv[optind]);
	if (wish.path == NULL)
		wish.path = command_config_path();
	if (wish.defaults) {
		config_print_defaults(stdout);
		return COMMAND_OK;
	}
	return check_file(&wish);
}
