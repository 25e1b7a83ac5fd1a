/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir block: block a name now. */
#include "weir/command.h"
#include "weir/edit.h"
#include "weir/remote.h"

int cmd_block(int argc, char **argv);
extern const char cmd_block_help[];

const char cmd_block_help[] =
	"Usage: weir block NAME [OPTION]...\n"
	"Block NAME and everything below it in the running server, from the next question on.\n"
	"'*.NAME' is everything below NAME, but not NAME itself. The edit survives restarts\n"
	"and goes before lists at the same depth; it is taken back by 'weir undo NAME'.\n"
	"\n"
	"  -g, --group=GROUP    for the clients of this group only\n"
	"  -f, --for=TIME       take it back by itself after TIME: 30m, 2h, 1d\n"
	"  -r, --reason=TEXT    kept with the edit and shown by explain and in events\n"
	"      --exact          NAME only, not what is below it\n"
	"  -a, --action=ACTION  nxdomain (default), nodata, refused, drop or truncate\n" REMOTE_HELP
	"\n"
	"Exit status is 0 if the edit is in force, 1 if it was refused, 2 if the command line\n"
	"is wrong, 3 if no server answered.\n";

int cmd_block(int argc, char **argv)
{
	return edit_run("block", argc, argv);
}
