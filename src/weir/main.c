/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program: finds the subcommand and runs it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "weir/command.h"

#define COMMAND(name, summary)                 \
	int cmd_##name(int argc, char **argv); \
	extern const char cmd_##name##_help[];
#include "weir/commands.def"
#undef COMMAND

/* clang-format off */
static const struct command commands[] = {
#define COMMAND(name, summary) { #name, summary, cmd_##name##_help, cmd_##name },
#include "weir/commands.def"
#undef COMMAND
};
/* clang-format on */

static void print_help(void)
{
	printf("Usage: weir COMMAND [OPTION]...\n"
	       "Weir is a DNS firewall: it resolves names, looks at every question and answer,\n"
	       "and alerts or blocks.\n"
	       "\n"
	       "Commands:\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  %-14s %s\n", commands[i].name, commands[i].summary);
	printf("\n"
	       "  -h, --help     show this help; 'weir COMMAND --help' shows that of a command\n"
	       "  -V, --version  show the version\n"
	       "\n"
	       "Exit status:\n"
	       "  %d  all is well\n"
	       "  %d  it could not be done, or something was found wrong\n"
	       "  %d  the command line is wrong\n"
	       "  %d  no running server answered on the control socket\n"
	       "\n"
	       "The configuration is %s unless -c FILE says otherwise.\n",
	       COMMAND_OK, COMMAND_FAILED, COMMAND_USAGE, COMMAND_UNREACHABLE,
	       command_config_path());
}

static void print_version(void)
{
	printf("weir %s\n"
	       "License GPL-3.0-or-later: you may change and redistribute it.\n"
	       "There is NO WARRANTY, to the extent permitted by law.\n",
	       WEIR_VERSION);
}

const char *command_config_path(void)
{
	static const char installed[] = WEIR_SYSCONFDIR "/weir/weir.yaml";
	return access(installed, F_OK) == 0 ? installed : "/etc/weir/weir.yaml";
}

int command_usage(const char *argv0, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s: ", argv0);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return command_usage_again(argv0);
}

int command_usage_again(const char *argv0)
{
	fprintf(stderr, "Try '%s --help' for more information.\n", argv0);
	return COMMAND_USAGE;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const char *n = commands[i].name;
		size_t k = 0;
		/* A C name has no dash, a command may: help_options is `weir help-options`. */
		while (n[k] != 0 && (n[k] == name[k] || (n[k] == '_' && name[k] == '-')))
			k++;
		if (n[k] == 0 && name[k] == 0)
			return &commands[i];
	}
	return NULL;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

/* Output that could not be written (a full disk behind a redirection) is a failure too. */
static int finish_output(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("weir: standard output");
		return status != COMMAND_OK ? status : COMMAND_FAILED;
	}
	return status;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	static char full_name[64];
	if (wants_help(argc, argv)) {
		fputs(c->help, stdout);
		return COMMAND_OK;
	}
	snprintf(full_name, sizeof full_name, "weir %s", argv[0]);
	argv[0] = full_name;
	return c->run(argc, argv);
}

int main(int argc, char **argv)
{
	static char own_name[] = "weir";
	if (argc < 2)
		return command_usage(own_name, "a command is missing");
	const char *first = argv[1];
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 ||
	    strcmp(first, "help") == 0) {
		const struct command *about = argc > 2 ? find_command(argv[2]) : NULL;
		if (about != NULL)
			fputs(about->help, stdout);
		else
			print_help();
		return finish_output(COMMAND_OK);
	}
	if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
		print_version();
		return finish_output(COMMAND_OK);
	}
	const struct command *c = find_command(first);
	if (c == NULL && first[0] == '-')
		return command_usage(own_name, "unrecognized option '%s'", first);
	if (c == NULL)
		return command_usage(own_name, "'%s' is not a command", first);
	return finish_output(run_command(c, argc - 1, argv + 1));
}
