/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What jansson takes for a JSON object is walked, and the text of a member is the same. (The other
 * way round it is not so: what nobody wants is not looked at.)
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "replay/json_scan.h"

enum {
	NODE_NAME = 2
};

struct found {
	char text[4096];
	long n; /* -1: not met; below: an error */
};

static void take(void *arg, uint8_t node, const struct json_text *t)
{
	struct found *f = arg;
	must(node == NODE_NAME);
	f->n = json_text_plain(t, f->text, sizeof f->text);
}

static unsigned depth_of(const uint8_t *data, size_t n)
{
	unsigned depth = 0;
	for (size_t i = 0; i < n; i++)
		depth += data[i] == '{' || data[i] == '[';
	return depth;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct json_member members[] = {
		JSON_MEMBER(JSON_SCAN_ROOT, NODE_NAME, "name"),
	};
	struct found f = { .n = -1 };
	const struct json_scan scan = {
		.members = members, .n_members = 1, .text = take, .arg = &f
	};
	int e = json_scan(&scan, (const char *)data, n);
	json_error_t error;
	json_t *tree = json_loadb((const char *)data, n, JSON_REJECT_DUPLICATES, &error);
	must(e == 0 || e == -EBADMSG);
	if (json_is_object(tree) && depth_of(data, n) < JSON_SCAN_DEPTH) {
		must(e == 0);
		const json_t *name = json_object_get(tree, "name");
		size_t len = json_string_length(name);
		if (json_is_string(name) && len < sizeof f.text - 4)
			must(f.n == (long)len && memcmp(f.text, json_string_value(name), len) == 0);
	}
	json_decref(tree);
	return 0;
}
