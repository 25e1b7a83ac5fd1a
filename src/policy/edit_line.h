/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/edit_line.h - an edit as a line of the journal.
 *
 * What:      {"op":"add","name":"evil.example","action":"nxdomain","scope":"tree",
 *             "group":"kids","made":1795000000,"expires":0,"who":"root (0)","reason":"..."}
 *            {"op":"remove","name":"evil.example","group":"kids"}
 * Threads:   pure.
 * Memory:    jansson's heap during the call.
 * Limits:    EDIT_LINE_MAX bytes.
 * Standards: RFC 8259
 * Tests:     tests/unit/policy/edit_line_test.c, tests/fuzz/edit_line_fuzz.c
 */
#pragma once

#include "policy/policy.h"

enum {
	EDIT_LINE_MAX = 8192
};

enum edit_op {
	EDIT_ADD,
	EDIT_REMOVE
};

/* Is it an edit that can be put in force? 0 or -EINVAL. */
MUST_USE int edit_check(const struct policy_edit *e);

/*
 * The line with its line feed, NUL behind. Returns its length; -EINVAL: not UTF-8, or too long;
 * -ENOMEM.
 */
MUST_USE int edit_line_write(enum edit_op op, const struct policy_edit *e,
                             char ret_line[EDIT_LINE_MAX]);

/* Read a line (without its line feed). 0 or -EINVAL. For EDIT_REMOVE only name and group count. */
MUST_USE int edit_line_parse(const char *line, size_t n, enum edit_op *ret_op,
                             struct policy_edit *ret);
