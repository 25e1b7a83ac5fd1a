/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/command.h - what a subcommand is, and what they share.
 *
 * What:      commands.def is the table: a line COMMAND(NAME, SUMMARY) there, and a file
 *            cmd_NAME.c that defines cmd_NAME() and cmd_NAME_help[]; nothing else. main.c looks
 *            the command up, answers --help from cmd_NAME_help, and otherwise calls cmd_NAME()
 *            with argv[0] set to "weir NAME", so that getopt_long()'s messages read well.
 *            A name with a dash, help-options, has functions with an underscore.
 * Not here:  what the configuration means to the other folders -> weir/specs.h.
 * Threads:   main thread, before any other is started.
 * Memory:    none.
 * Cost:      none that matters.
 * Limits:    none.
 * Tests:     tests/unit/weir/command_test.py
 */
#pragma once

#include "base/must.h"

/* What `weir` exits with; documented in `weir --help` and weir(8). */
enum command_exit {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1,      /* it could not be done, or something was found wrong */
	COMMAND_USAGE = 2,       /* the command line is wrong */
	COMMAND_UNREACHABLE = 3, /* no running server answered on the control socket */
	COMMAND_CHANGES = 4,     /* weir replay: something would change */
};

struct command {
	const char *name;
	const char *summary; /* one line for `weir --help` */
	const char *help;    /* the whole text of `weir NAME --help` */
	int (*run)(int argc, char **argv);
};

/*
 * The configuration to use when no -c FILE was given: SYSCONFDIR/weir/weir.yaml of this
 * installation if it exists, otherwise /etc/weir/weir.yaml.
 */
const char *command_config_path(void);

/*
 * Say "weir NAME: TEXT", and where help is, on standard error. argv0 is the command's argv[0].
 * Returns COMMAND_USAGE, so that a command can `return command_usage(argv[0], ...)`.
 */
MUST_USE int command_usage(const char *argv0, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same without a text of ours: after getopt_long() has printed its own. */
MUST_USE int command_usage_again(const char *argv0);
