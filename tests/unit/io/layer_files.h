/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder with texts in layers, for tests: in memory, since thousands of files are brought to the disk. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
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

#include "io/layers_merge.h"

static char folder[64];
static char head_path[128];    /* of the text */
static char layers_folder[80]; /* of its layers */

static inline void empty_folder(const char *path)
{
	char file[512];
	DIR *d = opendir(path);
	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		snprintf(file, sizeof file, "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.')
			(void)unlink(file);
	}
	closedir(d);
}

static inline int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/dev/shm/weir-layers-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		snprintf(folder, sizeof folder, "/tmp/weir-layers-XXXXXX");
		assert_non_null(mkdtemp(folder));
	}
	snprintf(head_path, sizeof head_path, "%s/zones", folder);
	assert_int_equal(mkdir(head_path, 0700), 0);
	snprintf(head_path, sizeof head_path, "%s/zones/a", folder);
	snprintf(layers_folder, sizeof layers_folder, "%s/layers", folder);
	return 0;
}

static inline int folder_remove(void **state)
{
	char path[128];
	(void)state;
	empty_folder(layers_folder);
	(void)rmdir(layers_folder);
	snprintf(path, sizeof path, "%s/zones", folder);
	empty_folder(path);
	(void)rmdir(path);
	return rmdir(folder);
}

/* A layer of entries such as "+a" and "-b"; its name. */
static inline uint64_t put_layer(const char *const *entries, struct layer_totals *ret_totals)
{
	struct layer_writer w;
	char path[PATH_MAX];
	uint64_t name;
	assert_int_equal(layers_new_name(head_path, &name, path, sizeof path), 0);
	assert_int_equal(layer_writer_open(&w, path), 0);
	for (; *entries != NULL; entries++) {
		const char *x = *entries;
		assert_int_equal(layer_writer_add(&w, *x == '+', x + 1, strlen(x) - 1), 0);
	}
	if (ret_totals != NULL)
		*ret_totals = w.totals;
	assert_int_equal(layer_writer_commit(&w), 0);
	return name;
}

static inline void layer_file(uint64_t name, char *ret, size_t room)
{
	snprintf(ret, room, "%s/%016llx", layers_folder, (unsigned long long)name);
}

static inline void flip_byte(const char *path, long at)
{
	FILE *f = fopen(path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	int c = fgetc(f);
	assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
	assert_int_equal(fputc(c ^ 1, f), c ^ 1);
	assert_int_equal(fclose(f), 0);
}
