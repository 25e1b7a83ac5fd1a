/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config/option.h - options.def as a table, with what can be asked of it.
 *
 * What:      sections (server, lists[], ...) and their options: type, range, default, help, and
 *            where the value lies in the section's struct.
 * Not here:  from the file to a value -> config/value.h; back to text -> config/print.c.
 * Threads:   constant.
 * Memory:    none.
 * Cost:      looking a key up is O(options of the section).
 * Limits:    OPTION_SECTION_MAX options a section.
 * Tests:     tests/unit/config/load_test.c, tests/unit/config/doc_test.py
 */
#pragma once

#include <stdio.h>

#include "config/config.h"

enum option_type {
	OPTION_TYPE_FLAG,
	OPTION_TYPE_COUNT,
	OPTION_TYPE_SIZE,
	OPTION_TYPE_MS,
	OPTION_TYPE_SECONDS,
	OPTION_TYPE_WORD,
	OPTION_TYPE_LABEL,
	OPTION_TYPE_TEXT,
	OPTION_TYPE_PATH,
	OPTION_TYPE_INPUT,
	OPTION_TYPE_DOMAIN,
	OPTION_TYPE_ENDPOINTS,
	OPTION_TYPE_ADDRESSES,
	OPTION_TYPE_PREFIXES,
	OPTION_TYPE_LABELS,
	OPTION_TYPE_TEXTS,
	OPTION_TYPE_DOMAINS,
	OPTION_TYPE_LISTS,
	OPTION_TYPE_GROUPS,
	OPTION_TYPE_FORWARDS,
	OPTION_TYPE_ZONES,
	OPTION_TYPE_KEYS,
	OPTION_TYPE_PUBLICATIONS,
	OPTION_TYPE_ALERTS,
};

enum option_section {
	SECTION_SERVER,
	SECTION_RESOLVER,
	SECTION_CACHE,
	SECTION_EVENTS,
	SECTION_INCIDENTS,
	SECTION_LOCAL,
	SECTION_DNS64,
	SECTION_REBINDING,
	SECTION_FIREWALL,
	SECTION_SEEN,
	SECTION_PUBLISH_TLS,
	SECTION_DETECT,
	SECTION_TOP,
	SECTION_LIST,
	SECTION_GROUP,
	SECTION_FORWARD,
	SECTION_ZONE,
	SECTION_KEY,
	SECTION_PUBLISH,
	SECTION_ALERT,
	N_SECTIONS,
	N_MAP_SECTIONS = SECTION_TOP, /* those that are one map, in struct config */
};

enum {
	OPTION_SECTION_MAX = 256,
	OPTION_EXPECTED_MAX = 256
};

/* What `weir check --print` does not show of a text. */
enum option_disguise {
	OPTION_PLAIN = 0,
	OPTION_SECRET, /* nothing is shown */
	OPTION_HEADER, /* "Name: value": the value is not */
	OPTION_URL,    /* a user and password, and what looks like a key in the query, are not */
	OPTION_HOOK,   /* a URL: its path is a password, often */
};

struct option {
	const char *key;
	enum option_type type;
	enum option_section section;
	size_t offset;            /* of the field in the section's struct */
	const char *default_text; /* NULL: a value is required */
	uint64_t min, max;        /* numbers, in the unit kept */
	const char *words;        /* "a|b"; NULL: none */
	enum option_disguise disguise;
	bool is_reloadable;
	const char *help;
};

struct section {
	const char *name; /* as in messages: "server", "lists[]", "" for the top */
	const struct option *options;
	unsigned n_options;
	size_t offset;    /* of a map section in struct config */
	size_t size;      /* of the section's struct */
	const char *noun; /* an entry of it in messages: "list", "group", "forward zone" */
};

const struct section *option_section(enum option_section s);

/* The option with this key, or NULL. */
const struct option *option_find(enum option_section s, const char *key);

bool option_is_entries(const struct option *o);                   /* LISTS, GROUPS, ... */
enum option_section option_entry_section(const struct option *o); /* of such an option */
bool option_is_list(const struct option *o); /* written as a YAML list of texts */

/* "server.workers", "lists[].file", "control"; ret_text holds 64 bytes; it is returned. */
const char *option_full_name(const struct option *o, char *ret_text);

/* "a whole number from 0 to 256": what would be right. OPTION_EXPECTED_MAX bytes; returned. */
const char *option_expected(const struct option *o, char *ret_text);

/* Is text one of o->words? */
bool option_has_word(const struct option *o, const char *text, size_t n);
