/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir clients: which clients seem to be infected. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "weir/command.h"
#include "weir/remote.h"

int cmd_clients(int argc, char **argv);
extern const char cmd_clients_help[];

enum {
	TIMEOUT_MS = 15000
};

const char cmd_clients_help[] =
	"Usage: weir clients [OPTION]...\n"
	"Show the clients with evidence of an infection, the worst first: state, score, when there\n"
	"was evidence first and last, and what it is. weir client ADDRESS shows more of one.\n"
	"\n"
	"  -n, --limit=N        at most so many (default: 100, at most 1000)\n"
	"  -f, --from=N         the first N are left out\n" REMOTE_HELP "\n"
	"Exit status is 0 if it was done, 1 if no evidence is gathered, 2 if the command line is\n"
	"wrong, 3 if no server answered.\n";

/* -1: no such number. */
static json_int_t number_from_text(const char *text, unsigned long most)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(text, &end, 10);
	bool is_number = text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0;
	return is_number && n <= most ? (json_int_t)n : -1;
}

int cmd_clients(int argc, char **argv)
{
	static const struct option options[] = {
		{ "limit", required_argument, NULL, 'n' },
		{ "from", required_argument, NULL, 'f' },
		REMOTE_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	struct remote r = { .argv0 = argv[0] };
	json_int_t limit = 100, from = 0;
	for (int c; (c = getopt_long(argc, argv, "c:s:n:f:", options, NULL)) != -1;) {
		if (remote_take_option(&r, c, optarg))
			continue;
		if (c != 'n' && c != 'f')
			return command_usage_again(argv[0]);
		json_int_t n = number_from_text(optarg,
		                                c == 'n' ? API_MAX_CLIENTS : INCIDENTS_CLIENTS_MAX);
		if (n < (c == 'n' ? 1 : 0))
			return command_usage(argv[0], "'%s' is no number that fits", optarg);
		*(c == 'n' ? &limit : &from) = n;
	}
	if (optind < argc)
		return command_usage(argv[0], "extra operand '%s'; weir client ADDRESS shows one",
		                     argv[optind]);
	return remote_show(
		&r,
		json_pack("{s:s, s:I, s:I}", "command", "clients", "from", from, "limit", limit),
		TIMEOUT_MS, api_print_clients);
}
