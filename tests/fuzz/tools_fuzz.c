/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names that clients send: two bytes of type, then a name in wire form. Whatever it is, judging it ends, and says
 * nothing of names that are directories' or mail's.
 */
#include "detect/tools.h"

#include "base/must.h"
#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct tool_match m;
	struct name lower;
	if (n < 3 || name_check(data + 2, n - 2) == 0)
		return 0;
	name_set(&lower, data + 2);
	tools_match(lower.wire, (uint16_t)(data[0] << 8 | data[1]), &m);
	must(m.sureness <= TOOL_SURE && m.tool < N_TOOLS);
	must((m.sureness == TOOL_NO) == (m.what == NULL));
	must(m.sureness == TOOL_NO || name_labels(lower.wire) >= 2);
	must(lower.wire[0] == 0 || lower.wire[1] != '_' || m.sureness == TOOL_NO);
	return 0;
}
