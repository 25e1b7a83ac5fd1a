/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of {name, type, what it is}, for tests of tools.h. */
#pragma once

#include "detect/tools.h"
#include "rig.h"

struct tools_row {
	const char *name;
	uint16_t type;
	enum tool_sureness sureness;
	enum tool tool;
};

static inline void tools_check(const struct tools_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct name name;
		struct tool_match m;
		const char *text = rows[i].name;
		assert_int_equal(name_from_text(text, strlen(text), &name), 0);
		struct name lower;
		name_set(&lower, name.wire);
		tools_match(lower.wire, rows[i].type, &m);
		if (m.sureness != rows[i].sureness)
			fail_msg("%s: %d, %s", text, (int)m.sureness, tool_name(m.tool));
		if (m.sureness != TOOL_NO && m.tool != rows[i].tool)
			fail_msg("%s: %s", text, tool_name(m.tool));
		if (m.sureness != TOOL_NO)
			assert_non_null(m.what);
	}
}
