/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "api/call.h"

enum call_outcome command_reload(struct api_call *call)
{
	const char *command;
	json_error_t error;
	if (json_unpack_ex(call->request, &error, 0, "{s:s !}", "command", &command) != 0)
		return call_fail(call, "bad-request", "%s", error.text);
	if (call->control == NULL || call->context->reload == NULL)
		return call_fail(call, "not-available", "there is no running server to reload");
	int rc = call->context->reload(call->context->arg);
	if (rc != 0 && rc != -EBUSY)
		return call_fail(call, "failed", "the reload could not be started: %s",
		                 strerror(-rc));
	/* One that is under way may have read the files before the operator changed them. */
	control_set_wait(call->control, call->token, rc == 0 ? WAIT_RELOAD : WAIT_RELOAD_AGAIN);
	return CALL_WAIT;
}

static json_t *reply_of(const struct api_reload_result *result)
{
	json_t *messages = json_array();
	for (unsigned i = 0; i < result->n_messages; i++)
		json_array_append_new(messages, json_string(result->messages[i]));
	json_t *told = json_pack("{s:b, s:I, s:o}", "in_force", result->is_in_force, "took_ms",
	                         (json_int_t)result->took_ms, "messages", messages);
	if (told != NULL && !result->is_in_force)
		json_object_set_new(told, "error",
		                    json_string(result->error != NULL ? result->error : ""));
	if (told == NULL)
		return call_error("no-memory", "out of memory");
	return json_pack("{s:b, s:s, s:o}", "ok", 1, "command", "reload", "reload", told);
}

void control_reload_finished(struct control *control, const struct api_reload_result *result)
{
	if (control == NULL)
		return;
	/* Taken off the list first: a client may send its next reload from inside the finish. */
	uint64_t done[CONTROL_MAX_CLIENTS];
	unsigned n = 0;
	uint64_t token;
	while (n < CONTROL_MAX_CLIENTS &&
	       (token = control_next_waiting(control, WAIT_RELOAD)) != 0) {
		control_set_wait(control, token, WAIT_NOTHING);
		done[n++] = token;
	}
	while ((token = control_next_waiting(control, WAIT_RELOAD_AGAIN)) != 0)
		control_set_wait(control, token, WAIT_RELOAD);
	for (unsigned i = 0; i < n; i++)
		control_finish_call(control, done[i], reply_of(result));
}
