/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/lines.h"

struct command {
	const char *name;
	enum call_outcome (*run)(struct api_call *call);
};

static const struct command commands[] = {
#define CONTROL_COMMAND(name, help) { #name, command_##name },
#include "api/commands.def"
#undef CONTROL_COMMAND
};

json_t *call_error(const char *code, const char *text)
{
	json_t *said = json_string(text);
	if (said == NULL) {
		/* A length limit cut a character in two: what is left must still be UTF-8. */
		char ascii[512];
		snprintf(ascii, sizeof ascii, "%s", text);
		for (char *c = ascii; *c != '\0'; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
		said = json_string(ascii);
	}
	return json_pack("{s:b, s:{s:s, s:o}}", "ok", 0, "error", "code", code, "text", said);
}

enum call_outcome call_fail(struct api_call *call, const char *code, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	call->reply = call_error(code, text);
	return CALL_DONE;
}

enum call_outcome call_done(struct api_call *call, const char *member, json_t *taken)
{
	if (taken == NULL)
		return call_fail(call, "no-memory", "out of memory");
	const char *command = json_string_value(json_object_get(call->request, "command"));
	call->reply = json_pack("{s:b, s:s, s:o}", "ok", 1, "command", command, member, taken);
	return CALL_DONE;
}

enum call_outcome call_with_lines(struct api_call *call)
{
	if (call->reply == NULL || call->context->config == NULL)
		return CALL_DONE;
	if (call->control == NULL) {
		lines_fill(call->reply);
		return CALL_DONE;
	}
	json_t *reply = call->reply;
	call->reply = NULL;
	control_find_lines(call->control, call->token, reply);
	return CALL_WAIT;
}

enum call_outcome call_dispatch(struct api_call *call, const char *line, size_t n)
{
	json_error_t error;
	json_t *request = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
	if (request == NULL)
		return call_fail(call, "bad-request", "the request is not JSON: %s (byte %d)",
		                 error.text, error.position);
	call->request = request;
	const char *name = json_string_value(json_object_get(request, "command"));
	const struct command *found = NULL;
	for (size_t i = 0; name != NULL && i < ARRAY_LEN(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			found = &commands[i];
	enum call_outcome outcome;
	if (name == NULL)
		outcome = call_fail(call, "bad-request",
		                    "the request is not an object with a \"command\"");
	else if (found == NULL)
		outcome = call_fail(call, "unknown-command", "there is no command \"%.64s\"", name);
	else
		outcome = found->run(call);
	call->request = NULL;
	json_decref(request);
	return outcome;
}

json_t *api_run(const struct api_context *context, const char *line, size_t n, const char *who)
{
	struct api_call call = { .context = context, .who = who };
	enum call_outcome outcome = call_dispatch(&call, line, n);
	must(outcome == CALL_DONE); /* without a control nothing can be waited for */
	return call.reply;
}
