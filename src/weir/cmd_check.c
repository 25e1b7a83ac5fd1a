/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir check: what is wrong with the configuration, all of it at once. */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

#include "config/config.h"
#include "weir/command.h"

int cmd_check(int argc, char **argv);
extern const char cmd_check_help[];

const char cmd_check_help[] =
	"Usage: weir check [OPTION]... [FILE]\n"
	"Read the configuration FILE and say everything that is wrong with it, each with\n"
	"file, line and column and what would be right. Nothing is started or changed.\n"
	"\n"
	"  -c, --config=FILE  the configuration; the same as FILE\n"
	"      --print        when it is good, print it as it would be in force: every option\n"
	"                     with its value\n"
	"      --defaults     print all options with their defaults and what they mean\n"
	"  -q, --quiet        say nothing when all is well\n"
	"  -h, --help         show this help\n"
	"\n"
	"Exit status is 0 if the configuration is good (there may be warnings), 1 if it is\n"
	"not, 2 if the command line is wrong.\n";

struct check_wish {
	const char *path;
	bool print, defaults, quiet;
};

static int check_file(const struct check_wish *wish)
{
	struct config *config = NULL;
	struct config_problems problems = { 0 };
	int e = config_load(wish->path, &config, &problems);
	bool is_good = e == 0 && problems.n_missing == 0;
	config_problems_print(&problems, stderr);
	if (is_good && wish->print)
		config_print(config, stdout);
	else if (is_good && !wish->quiet)
		printf("%s: good; lists: %u, groups: %u, warnings: %u\n", wish->path,
		       config->lists.n, config->groups.n, problems.n_warnings);
	else if (!is_good)
		fprintf(stderr, "%s: not good; errors: %u, warnings: %u\n", wish->path,
		        problems.n_errors + problems.n_missing, problems.n_warnings);
	config_problems_done(&problems);
	config_free(config);
	return is_good ? COMMAND_OK : COMMAND_FAILED;
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "print", no_argument, NULL, 'p' },
		{ "defaults", no_argument, NULL, 'd' },
		{ "quiet", no_argument, NULL, 'q' },
		{ NULL, 0, NULL, 0 },
	};
	struct check_wish wish = { 0 };
	for (int c; (c = getopt_long(argc, argv, "c:q", options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			wish.path = optarg;
			break;
		case 'p':
			wish.print = true;
			break;
		case 'd':
			wish.defaults = true;
			break;
		case 'q':
			wish.quiet = true;
			break;
		default:
			return command_usage_again(argv[0]);
		}
	}
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
