/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir allow: let a name through now. */
#include "weir/command.h"
#include "weir/edit.h"
#include "weir/remote.h"

int cmd_allow(int argc, char **argv);
extern const char cmd_allow_help[];

const char cmd_allow_help[] =
	"Usage: weir allow NAME [OPTION]...\n"
	"Let NAME and everything below it pass in the running server, from the next question\n"
	"on, with the aliases, name servers and addresses it leads to. Names below NAME that\n"
	"have a rule of their own keep it: the deepest rule goes first.\n"
	"'*.NAME' is everything below NAME, but not NAME itself. The edit survives restarts\n"
	"and goes before lists at the same depth; it is taken back by 'weir undo NAME'.\n"
	"\n"
	"  -g, --group=GROUP    for the clients of this group only\n"
	"  -f, --for=TIME       take it back by itself after TIME: 30m, 2h, 1d\n"
	"  -r, --reason=TEXT    kept with the edit and shown by explain and in events\n"
	"      --exact          NAME only, not what is below it\n" REMOTE_HELP "\n"
	"Exit status is 0 if the edit is in force, 1 if it was refused, 2 if the command line\n"
	"is wrong, 3 if no server answered.\n";

int cmd_allow(int argc, char **argv)
{
	return edit_run("allow", argc, argv);
}
