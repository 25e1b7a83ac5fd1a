/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tools_report [-v] <NAMES: how often names look like a tool's: of lines "NAME [TYPE]" (a number; none: TXT) prints
 * how many there were, and of each tool how many matched, surely, likely and perhaps. With -v each that did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/tools.h"
#include "dns/message.h"
#include "dns/name.h"

int main(int argc, char **argv)
{
	static char line[4096];
	static unsigned long counts[N_TOOLS][TOOL_SURE + 1], n, bad;
	bool is_told = argc > 1 && strcmp(argv[1], "-v") == 0;
	while (fgets(line, sizeof line, stdin) != NULL) {
		struct name wire, lower;
		struct tool_match m;
		size_t len = strcspn(line, " \t\r\n");
		unsigned type = (unsigned)strtoul(line + len, NULL, 10);
		if (len == 0 || name_from_text(line, len, &wire) != 0) {
			bad++;
			continue;
		}
		name_set(&lower, wire.wire);
		tools_match(lower.wire, type != 0 ? (uint16_t)type : DNS_TXT, &m);
		n++;
		if (m.sureness == TOOL_NO)
			continue;
		counts[m.tool][m.sureness]++;
		if (is_told)
			printf("%d %s (%s): %.*s\n", (int)m.sureness, tool_name(m.tool), m.what,
			       (int)len, line);
	}
	printf("%lu names, %lu that are none\n", n, bad);
	for (unsigned t = 0; t < N_TOOLS; t++)
		printf("%-16s sure %lu, likely %lu, perhaps %lu\n", tool_name((enum tool)t),
		       counts[t][TOOL_SURE], counts[t][TOOL_LIKELY], counts[t][TOOL_PERHAPS]);
	return 0;
}
