/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/json_scan.h - walking one JSON text, value by value, without a tree.
 *
 * What:      the caller names the members it wants by a table of (parent, key) -> node; each
 *            string below such a node is given to a function. Everything else is passed over.
 *            An array's elements belong to the array's node. jansson makes a tree of every
 *            line, which costs some ten times as much as all the rest of a replay.
 * Threads:   pure.
 * Memory:    never allocates; texts are borrowed from the line.
 * Cost:      about 1 GB/s; a map of quotes and brackets comes first (json_map.h).
 * Limits:    JSON_SCAN_DEPTH levels. What nobody wants is passed over without a close look.
 * Standards: RFC 8259
 * Tests:     tests/unit/replay/json_scan_test.c, tests/fuzz/replay_json_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

enum {
	JSON_SCAN_DEPTH = 32,
	JSON_SCAN_ROOT = 1, /* the node of the outermost object; 0: nobody wants it */
	JSON_SCAN_NODES = 32,
};

struct json_member {
	uint8_t parent, node, key_n;
	const char *key;
};
#define JSON_MEMBER(parent, node, key)                   \
	{                                                \
		(parent), (node), sizeof(key) - 1, (key) \
	}

/* A string as it stands in the text, between its quotes. */
struct json_text {
	const char *p;
	size_t n;
	bool has_escapes;
};

struct json_scan {
	const struct json_member *members; /* those of one parent together; 255 at most */
	size_t n_members;
	/* A string at a node. */
	void (*text)(void *arg, uint8_t node, const struct json_text *t);
	/* An object at a node ends; NULL: not wanted. */
	void (*end)(void *arg, uint8_t node);
	void *arg;
};

/* 0; -EBADMSG: not JSON, or nested too deep. The outermost value must be an object. */
MUST_USE int json_scan(const struct json_scan *s, const char *text, size_t n);

/*
 * The string itself, in UTF-8. -ENOBUFS: longer than max bytes; -EBADMSG: a bad escape.
 * Returns its length; no NUL is added.
 */
long json_text_plain(const struct json_text *t, char *ret, size_t max);
