/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir flush: what was learned of a name is forgotten. */
#include <errno.h>
#include <string.h>

#include "api/call.h"

enum call_outcome command_flush(struct api_call *call)
{
	const char *command, *text;
	char name_text[NAME_TEXT_MAX];
	json_error_t error;
	struct name name;
	if (json_unpack_ex(call->request, &error, 0, "{s:s, s:s !}", "command", &command, "name",
	                   &text) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (strchr(text, '*') != NULL || name_from_text(text, strlen(text), &name) != 0)
		return call_fail(call, "bad-name",
		                 "\"%.300s\" is not a domain name; all names below one are "
		                 "forgotten with it",
		                 text);
	if (call->context->flush == NULL)
		return call_fail(call, "not-available", "there is no cache here");
	int64_t n = call->context->flush(call->context->arg, name.wire);
	if (n == -EBUSY)
		return call_fail(call, "busy",
		                 "a worker is too busy to answer; it may still know something: try "
		                 "again");
	if (n < 0)
		return call_fail(call, "failed", "it cannot be done: %s", strerror((int)-n));
	name_to_text(name.wire, name_text);
	return call_done(call, "flushed",
	                 json_pack("{s:s, s:I}", "name", name_text, "items", (json_int_t)n));
}

void api_print_flushed(FILE *out, const json_t *reply)
{
	const json_t *o = json_object_get(reply, "flushed");
	const char *name = json_string_value(json_object_get(o, "name"));
	json_int_t n = json_integer_value(json_object_get(o, "items"));
	bool is_all = name != NULL && strcmp(name, ".") == 0;
	fprintf(out, "%s%s forgotten: %lld item%s of the cache.\n",
	        is_all         ? "Everything"
	        : name != NULL ? name
	                       : "?",
	        is_all ? " is" : " and all names below it are", (long long)n, n == 1 ? "" : "s");
}
