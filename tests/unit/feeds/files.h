/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder for the files of a test, and writing them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "feeds/feeds.h"

static char files_folder[64];

static inline const char *files_path(const char *name)
{
	static char paths[8][128];
	static unsigned at;
	char *p = paths[at++ % 8];
	snprintf(p, sizeof paths[0], "%s/%s", files_folder, name);
	return p;
}

static inline void files_put(const char *name, const void *bytes, size_t n)
{
	FILE *f = fopen(files_path(name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void files_put_text(const char *name, const char *text)
{
	files_put(name, text, strlen(text));
}

static inline bool files_exists(const char *name)
{
	return access(files_path(name), F_OK) == 0;
}

static inline int files_set_up(void **state)
{
	(void)state;
	snprintf(files_folder, sizeof files_folder, "/tmp/weir-feeds-XXXXXX");
	return mkdtemp(files_folder) != NULL ? 0 : -1;
}

/* The folder has one level of folders at most: "state", and "state/lists" in it. */
static inline int files_tear_down(void **state)
{
	(void)state;
	static const char *const names[] = {
		"state/lists/a",
		"state/lists/b",
		"state/lists/c",
		"state/lists",
		"state/facts/a",
		"state/facts/b",
		"state/facts/c",
		"state/facts",
		"state/policy.image",
		"state/policy.overlay",
		"state",
		"a",
		"b",
		"c",
		"d",
	};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)remove(files_path(names[i]));
	return rmdir(files_folder);
}

static inline struct feeds_list files_list(struct policy_list_spec *spec, const char *name,
                                           const char *file, enum feeds_format format)
{
	memset(spec, 0, sizeof *spec);
	snprintf(spec->name, sizeof spec->name, "%s", name);
	snprintf(spec->path, sizeof spec->path, "%s", files_path(file));
	spec->action = POLICY_NXDOMAIN;
	return (struct feeds_list){ .spec = spec, .format = format };
}
