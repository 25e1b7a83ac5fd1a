/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/remote.h - what the subcommands that talk to a running server share.
 *
 * What:      finding its control socket (--socket, or `control:` of the configuration), sending
 *            one request, and saying why it failed in words that help.
 * Not here:  the protocol -> api/api.h, docs/control.md.
 * Threads:   main thread.
 * Memory:    requests are taken, replies are the caller's.
 * Cost:      none that matters.
 * Limits:    those of api/api.h.
 * Tests:     tests/unit/weir/remote_test.py
 */
#pragma once

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

#include "base/must.h"

/* Where the server is, and how the reply is shown. */
struct remote {
	const char *argv0;
	const char *config_path; /* NULL: the default */
	const char *socket_path; /* NULL: what the configuration says */
	bool as_json;
};

/* The options of all of them, for getopt_long(): -c FILE, -s SOCKET, --json. */
enum {
	REMOTE_OPTION_JSON = 1000
};
#define REMOTE_OPTIONS                                                                          \
	{ "config", required_argument, NULL, 'c' }, { "socket", required_argument, NULL, 's' }, \
	{                                                                                       \
		"json", no_argument, NULL, REMOTE_OPTION_JSON                                   \
	}
#define REMOTE_HELP                                                                        \
	"  -c, --config=FILE    the configuration that the server runs with\n"             \
	"  -s, --socket=PATH    its control socket, if not the one in the configuration\n" \
	"      --json           the server's reply as JSON (docs/control.md)\n"            \
	"  -h, --help           show this help\n"

/* false: not one of these. */
bool remote_take_option(struct remote *r, int option, char *value);

/*
 * A name as the user wrote it, in ASCII: other letters become A-labels (IDNA). NULL, and a word
 * on standard error, when that cannot be. The caller frees it.
 */
char *remote_name(const struct remote *r, const char *text);

/*
 * Send `request` (taken). COMMAND_OK: *ret_reply is a reply with "ok": true, the caller's.
 * Otherwise the reason has been said (with --json, a refusal as JSON on standard output).
 */
MUST_USE int remote_call(const struct remote *r, json_t *request, int timeout_ms,
                         json_t **ret_reply);
/* The same, then the reply is shown by `print` or as JSON. */
MUST_USE int remote_show(const struct remote *r, json_t *request, int timeout_ms,
                         void (*print)(FILE *out, const json_t *reply));
void remote_print_json(const json_t *reply);
