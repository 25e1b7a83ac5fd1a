/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/json.h - walking through a JSON text of any size: scalars with where they stand, and records.
 *
 * What:      the text is parsed as it is read (yajl), nothing of it is kept but the keys above the place
 *            where the walk is. Several values may follow each other (JSON lines).
 *
 *            A record is an object in an array of a certain key ("Attribute": [{...}, {...}]), or, where
 *            several values follow each other or an array stands alone, an object at the top. Its
 *            members that the format wants are collected while it is read; members of objects
 *            inside it are not its own.
 * Not here:  what records mean -> feeds/format_stix.c, format_misp.c
 * Threads:   worker-local.
 * Memory:    heap: 100 KiB, and what yajl takes for one text (JSON_TEXT_MAX at most).
 * Cost:      about 100 MB of text a second.
 * Limits:    JSON_DEPTH_MAX levels, JSON_KEY_MAX bytes a key, JSON_TEXT_MAX a text in the file,
 *            JSON_FIELDS_BYTES of wanted members a record; beyond the last the record is skipped,
 *            beyond the others the file is refused.
 * Standards: RFC 8259
 * Tests:     tests/unit/feeds/json_test.c, tests/fuzz/format_fuzz.c
 */
#pragma once

#include "feeds/scan.h"

enum {
	JSON_DEPTH_MAX = 64,
	JSON_KEY_MAX = 128,
	JSON_TEXT_MAX = 1 << 20,
	JSON_FIELDS_MAX = 16,
	JSON_FIELDS_BYTES = 64 * 1024,
};

/* One level above the place where the walk is. */
struct json_level {
	bool is_array;
	char key[JSON_KEY_MAX]; /* objects: of the member that is being read */
};

struct json_walk {
	/* set by the caller */
	struct scan *s;
	/* Every text, number and word; NULL: none wanted. levels[0 .. depth) lead to it. */
	void (*scalar)(struct json_walk *w, struct word text);
	/* An array begins below levels[0 .. depth); may be NULL. */
	void (*array)(struct json_walk *w);
	/* Records; NULL: none wanted. */
	const char *record_key;    /* of the array that holds them */
	const char *const *fields; /* the members that are wanted, at most JSON_FIELDS_MAX */
	unsigned n_fields;
	/* values[i].p is NULL for a member that is not there; several texts in an array: one after
	 * the other, each behind a comma. */
	void (*record)(struct json_walk *w, const struct word *values);
	void *arg;

	/* the walk's own */
	struct json_level levels[JSON_DEPTH_MAX];
	unsigned depth;
	unsigned record_depth; /* where the record's members are; 0: in none */
	bool has_record_array; /* there was an array of the right key */
	bool is_record_long;
	uint64_t record_line;
	const char *why; /* the walk was given up */
	struct word values[JSON_FIELDS_MAX];
	size_t value_at[JSON_FIELDS_MAX], n_bytes;
	char bytes[JSON_FIELDS_BYTES];
	void *parser;
	const char *chunk; /* for the number of the line */
	size_t chunk_n, counted;
	uint64_t quiet; /* bytes since the last token */
};

/*
 * Walk through the reader's text. s->line is right in the calls. 0; -ENOMEM; s->error; -EBADMSG:
 * not JSON, or past a limit (s->why says how, s->line where); what the reader says.
 */
MUST_USE int json_read(struct json_walk *w, struct reader *r);
/* A walk for records alone: what each field of struct json_walk says. As json_read(). */
MUST_USE int json_read_records(struct scan *s, struct reader *r, const char *record_key,
                               const char *const *fields, unsigned n_fields,
                               void (*record)(struct json_walk *w, const struct word *values));
