/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "api/call.h"

enum call_outcome command_learn(struct api_call *call)
{
	static const char *const actions[] = { "save", "enforce", "resume" };
	const char *command, *action, *group = NULL;
	json_error_t error;
	bool is_known = false;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s, s?s !}", "command", &command,
	                   "action", &action, "group", &group) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		is_known |= strcmp(action, actions[i]) == 0;
	if (!is_known)
		return call_fail(call, "bad-request", "there is no action \"%.64s\"", action);
	if (strcmp(action, "save") != 0 && group == NULL)
		return call_fail(call, "bad-request", "a group is missing");
	if (call->context->learn == NULL)
		return call_fail(call, "not-available", "there is no running server that learns");
	int e = call->context->learn(call->context->arg, action, group);
	if (e == -ENOENT)
		return call_fail(call, "no-group", "there is no group \"%.63s\" that learns",
		                 group != NULL ? group : "");
	if (e != 0)
		return call_fail(call, "failed", "what %.63s has learned could not be saved: %s",
		                 group != NULL ? group : "every group", strerror(-e));
	return call_done(call, "learn", json_pack("{s:s, s:s?}", "action", action, "group", group));
}
