/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables for tests, and a folder to keep them in. */
#pragma once

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "seen/file.h"

#define NOW_S (SEEN_EPOCH_S + 1000ULL * SEEN_DAY_S)

static inline const uint8_t *wire(const char *text)
{
	static struct name names[8];
	static unsigned next;
	struct name *n = &names[next++ % 8];
	assert_int_equal(name_from_text(text, strlen(text), n), 0);
	return n->wire;
}

/* The i-th of many domains; one lasts. */
static inline const uint8_t *numbered(const char *kind, unsigned i)
{
	char text[40];
	snprintf(text, sizeof text, "%s%u.example", kind, i);
	return wire(text);
}

static inline struct seen *table_of(uint64_t bytes, const char *dir, uint32_t learn_s)
{
	struct seen *s;
	char why[SEEN_WHY_MAX];
	const struct seen_plan plan = {
		.size_bytes = bytes, .state_dir = dir, .learn_s = learn_s, .now_s = NOW_S
	};
	assert_int_equal(seen_new(&plan, &s, why), 0);
	assert_string_equal(why, "");
	return s;
}

static inline struct seen_domain found(const struct seen *s, const char *domain)
{
	struct seen_domain d;
	seen_find(s, wire(domain), &d);
	return d;
}

static inline void note(struct seen *s, struct seen_changes *c, const char *domain, uint32_t client,
                        uint64_t now_s)
{
	struct addr a = addr_v4(client);
	seen_note(s, c, wire(domain), &a, now_s);
}

struct folder {
	char path[64];
};

static inline void folder_make(struct folder *f)
{
	snprintf(f->path, sizeof f->path, "/tmp/weir-seen-XXXXXX");
	assert_non_null(mkdtemp(f->path));
}

static inline void folder_remove(struct folder *f)
{
	char path[400];
	DIR *d = opendir(f->path);
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", f->path, e->d_name);
		unlink(path);
	}
	closedir(d);
	assert_int_equal(rmdir(f->path), 0);
}
