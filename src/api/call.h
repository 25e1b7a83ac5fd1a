/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api/call.h - one request under way: what a command's handler is given and what it leaves.
 *
 * What:      the table of commands (commands.def), the call a handler works on, and the few
 *            ways to end one. A handler either leaves a reply and returns CALL_DONE, or has
 *            started something in the background and returns CALL_WAIT: the reply then comes
 *            through control_finish_call() with the call's token.
 * Not here:  bytes and sockets -> control.c.
 * Threads:   housekeeping thread.
 * Memory:    a call lives on the caller's stack; the reply is a reference the caller drops.
 * Cost:      not on the path of a question.
 * Limits:    see api/api.h.
 * Standards: RFC 8259
 * Tests:     tests/unit/api/dispatch_test.c, tests/fuzz/control_fuzz.c
 */
#pragma once

#include <jansson.h>

#include "api/api.h"

enum {
	CALL_WHO_MAX = 64
};

enum call_outcome {
	CALL_DONE, /* call->reply is set */
	CALL_WAIT, /* control_finish_call() will be called with call->token */
};

struct api_call {
	const struct api_context *context;
	struct control *control; /* NULL: api_run(), nothing can be waited for */
	json_t *request;         /* an object; borrowed */
	const char *who;         /* "alice (1000)" */
	uint64_t token;          /* of the waiting client */
	json_t *reply;           /* NULL until the handler sets it */
};

/*
 * Carry out one line. `call` has context, control, who and token set. CALL_DONE leaves a reply
 * (NULL when memory is out: the client is hung up on).
 */
enum call_outcome call_dispatch(struct api_call *call, const char *line, size_t n);

/* {"ok": false, "error": {"code": code, "text": ...}}; for handlers: return call_fail(...). */
enum call_outcome call_fail(struct api_call *call, const char *code, const char *format, ...)
	PRINTF_LIKE(3, 4);
json_t *call_error(const char *code, const char *text);

/* {"ok": true, "command": ..., member: taken}; a NULL `taken` becomes "out of memory". */
enum call_outcome call_done(struct api_call *call, const char *member, json_t *taken);

/* End a call whose reply is set and names rules: their lines are filled in first. */
enum call_outcome call_with_lines(struct api_call *call);

/* ---- what handlers may start in the background (control.c) ---- */

enum call_wait {
	WAIT_NOTHING = 0,
	WAIT_RELOAD,       /* the reload under way was started for this call */
	WAIT_RELOAD_AGAIN, /* another one is under way; ours comes after it */
	WAIT_ANSWER,       /* of the pipeline */
	WAIT_LINES,        /* line numbers are being looked for */
};

/* Give the waiting client its reply (taken). Nothing happens when it has hung up. */
void control_finish_call(struct control *c, uint64_t token, json_t *taken);
/* What the client with this token waits for. */
void control_set_wait(struct control *c, uint64_t token, enum call_wait wait);
/* Have the line numbers filled in behind the scenes, then finish the call. `reply` is taken. */
void control_find_lines(struct control *c, uint64_t token, json_t *reply);

/* The token of a client that waits so; 0: none. */
uint64_t control_next_waiting(struct control *c, enum call_wait wait);

/* ---- handlers, one a line in commands.def ---- */

#define CONTROL_COMMAND(name, help) enum call_outcome command_##name(struct api_call *call);
#include "api/commands.def"
#undef CONTROL_COMMAND
