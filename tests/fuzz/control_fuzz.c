/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A line of the control socket, with a small policy in force. Whatever comes in, one reply goes
 * out: a JSON object with "ok", and with an error's code and text when that is false. Edits made
 * on the way are listed and taken back, so that memory does not grow.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/rcu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	EDITS_KEPT = 50
};

static struct api_context context;

static void put_policy(void)
{
	static struct addr_prefix clients[2];
	static uint16_t lists[] = { 0 };
	must(addr_prefix_from_text("127.0.0.0/8", 11, &clients[0]) == 0);
	must(addr_prefix_from_text("::/0", 4, &clients[1]) == 0);
	const struct policy_list_spec list = { .name = "bad",
		                               .action = POLICY_NXDOMAIN,
		                               .ede_code = 15 };
	const struct policy_group_spec groups[] = {
		{ .name = "default",
		  .clients = &clients[0],
		  .n_clients = 1,
		  .lists = lists,
		  .n_lists = 1 },
		{ .name = "deny",
		  .clients = &clients[1],
		  .n_clients = 1,
		  .is_default_deny = true,
		  .deny_action = POLICY_REFUSED },
	};
	struct policy *p;
	must(policy_new(NULL, &list, 1, groups, 2, &p) == 0);
	policy_publish(p);
	must(policy_edits_open("") == 0);
}

static void start(void)
{
	static const struct siphash_key key = { 1, 2 };
	rcu_thread_start();
	name_set_hash_key(&key);
	put_policy();
	must(cache_new(1 << 20, &context.cache) == 0);
}

static json_t *run(const char *line, size_t n)
{
	json_t *reply = api_run(&context, line, n, "fuzzer (0)");
	must(json_is_object(reply));
	/* What is sent is text: it must read back as the same. */
	char *sent = json_dumps(reply, JSON_COMPACT | JSON_ENSURE_ASCII);
	must(sent != NULL && strchr(sent, '\n') == NULL && strlen(sent) < CONTROL_MAX_REPLY);
	json_t *again = json_loads(sent, JSON_REJECT_DUPLICATES, NULL);
	must(json_equal(reply, again));
	json_decref(again);
	free(sent);
	return reply;
}

/* Every print function takes every reply, and writes nothing that steers a terminal. */
static void print_all(const json_t *reply)
{
	static void (*const prints[])(FILE * out, const json_t *reply) = {
		api_print_error,  api_print_explain, api_print_edit,  api_print_edits,
		api_print_reload, api_print_status,  api_print_query,
	};
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	must(out != NULL);
	for (size_t i = 0; i < ARRAY_LEN(prints); i++)
		prints[i](out, reply);
	must(fclose(out) == 0);
	for (size_t i = 0; i < n; i++)
		must((unsigned char)text[i] >= 0x20 || text[i] == '\n');
	free(text);
}

static void take_back(void)
{
	static const char list[] = "{\"command\":\"edits\"}";
	json_t *reply = run(list, strlen(list));
	json_t *edits = json_object_get(reply, "edits"), *e;
	size_t i;
	must(json_is_array(edits));
	print_all(reply);
	json_array_foreach(json_array_size(edits) < EDITS_KEPT ? NULL : edits, i, e)
	{
		struct name name;
		const char *text = json_string_value(json_object_get(e, "name"));
		const char *group = json_string_value(json_object_get(e, "group"));
		must(text != NULL && name_from_text(text, strlen(text), &name) == 0);
		/* Gone already: one for the same name in another scope took it along. */
		int rc = policy_edit_remove(name.wire, group != NULL ? group : "");
		must(rc == 0 || rc == -ENOENT);
	}
	json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool is_started;
	if (!is_started)
		start();
	is_started = true;
	if (n > CONTROL_MAX_REQUEST)
		return 0;
	json_t *reply = run((const char *)data, n);
	json_t *ok = json_object_get(reply, "ok"), *error = json_object_get(reply, "error");
	must(json_is_boolean(ok));
	if (json_is_true(ok)) {
		must(error == NULL && json_is_string(json_object_get(reply, "command")));
		take_back();
	} else {
		must(json_string_length(json_object_get(error, "code")) > 0);
		must(json_string_length(json_object_get(error, "text")) > 0);
	}
	print_all(reply);
	json_decref(reply);
	rcu_flush();
	rcu_quiet();
	return 0;
}
