/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/remote.h"

#include <errno.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "config/config.h"
#include "weir/command.h"

bool remote_take_option(struct remote *r, int option, char *value)
{
	switch (option) {
	case 'c':
		r->config_path = value;
		return true;
	case 's':
		r->socket_path = value;
		return true;
	case REMOTE_OPTION_JSON:
		r->as_json = true;
		return true;
	default:
		return false;
	}
}

char *remote_name(const struct remote *r, const char *text)
{
	bool is_ascii = true;
	for (const char *c = text; *c != '\0'; c++)
		is_ascii = is_ascii && (unsigned char)*c < 0x80;
	if (is_ascii)
		return strdup(text);
	char *ascii = NULL;
	int rc = idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&ascii,
	                        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (rc != IDN2_OK) {
		fprintf(stderr, "%s: the name is not valid: %s\n", r->argv0, idn2_strerror(rc));
		return NULL;
	}
	return ascii;
}

/* The socket's path, malloc()ed; NULL after saying why there is none. */
static char *find_socket(const struct remote *r)
{
	if (r->socket_path != NULL)
		return strdup(r->socket_path);
	const char *path = r->config_path != NULL ? r->config_path : command_config_path();
	struct config *config = NULL;
	struct config_problems problems = { 0 };
	char *found = NULL;
	int e = config_load(path, &config, &problems);
	if (e != 0 && problems.control != NULL && problems.control[0] != '\0') {
		/* The server goes on with the file as it was: an edit must not wait for its repair. */
		fprintf(stderr, "%s: %s has mistakes (weir check shows them)\n", r->argv0, path);
		found = strdup(problems.control);
	} else if (e != 0) {
		config_problems_print(&problems, stderr);
		fprintf(stderr,
		        "%s: the control socket is named in the configuration, which cannot be "
		        "used; name another with -c FILE, or the socket itself with -s PATH\n",
		        r->argv0);
	} else if (config->control == NULL || config->control[0] == '\0') {
		fprintf(stderr,
		        "%s: %s names no control socket (control: PATH), so the server cannot "
		        "be reached\n",
		        r->argv0, path);
	} else {
		found = strdup(config->control);
	}
	config_problems_done(&problems);
	config_free(config);
	return found;
}

void remote_print_json(const json_t *reply)
{
	json_dumpf(reply, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', stdout);
}

int remote_call(const struct remote *r, json_t *request, int timeout_ms, json_t **ret_reply)
{
	char *path = find_socket(r);
	if (path == NULL || request == NULL) {
		free(path);
		json_decref(request);
		return COMMAND_FAILED;
	}
	json_t *reply;
	int rc = api_call(path, request, timeout_ms, &reply);
	json_decref(request);
	if (rc != 0) {
		fprintf(stderr, "%s: ", r->argv0);
		api_print_failure(stderr, path, rc);
		free(path);
		return COMMAND_UNREACHABLE;
	}
	free(path);
	if (json_is_true(json_object_get(reply, "ok"))) {
		*ret_reply = reply;
		return COMMAND_OK;
	}
	if (r->as_json) {
		remote_print_json(reply);
	} else {
		fprintf(stderr, "%s: ", r->argv0);
		api_print_error(stderr, reply);
	}
	json_decref(reply);
	return COMMAND_FAILED;
}

int remote_show(const struct remote *r, json_t *request, int timeout_ms,
                void (*print)(FILE *out, const json_t *reply))
{
	json_t *reply;
	int rc = remote_call(r, request, timeout_ms, &reply);
	if (rc != COMMAND_OK)
		return rc;
	if (r->as_json)
		remote_print_json(reply);
	else
		print(stdout, reply);
	json_decref(reply);
	return COMMAND_OK;
}
