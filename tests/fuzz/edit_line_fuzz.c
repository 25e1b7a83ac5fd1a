/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read from the journal can be put in force and comes back the same when written. */
#include "policy/edit_line.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum edit_op op, again_op;
	struct policy_edit e, again;
	char line[EDIT_LINE_MAX];
	if (edit_line_parse((const char *)data, n, &op, &e) != 0)
		return 0;
	must(name_check(e.name.wire, e.name.len) == e.name.len);
	must(op == EDIT_REMOVE || edit_check(&e) == 0);
	int length = edit_line_write(op, &e, line);
	must(length > 0 && line[length - 1] == '\n');
	must(memchr(line, '\n', (size_t)length) == line + length - 1);
	must(edit_line_parse(line, (size_t)length - 1, &again_op, &again) == 0);
	must(again_op == op && name_equal(again.name.wire, e.name.wire));
	must(strcmp(again.group_name, e.group_name) == 0);
	if (op == EDIT_REMOVE)
		return 0;
	must(again.action == e.action && again.scope == e.scope);
	must(again.made_s == e.made_s && again.expires_s == e.expires_s);
	must(strcmp(again.who, e.who) == 0 && strcmp(again.reason, e.reason) == 0);
	return 0;
}
