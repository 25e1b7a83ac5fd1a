/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in a zone's file in layers, and its folder. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/layers.h"

/* The first letters of all lines. */
static inline void layers_letters(const char *path, char *ret, size_t room)
{
	char text[LAYERS_HEAD_MAX];
	struct layers_head h;
	struct layers *l;
	const char *line;
	size_t n, at = 0;
	int fd = open(path, O_RDONLY), got;
	assert_true(fd >= 0);
	assert_int_equal(layers_head_read(fd, text, &n, &h), 0);
	close(fd);
	assert_int_equal(layers_open(path, &h, &l), 0);
	while ((got = layers_next(l, &line, &n, NULL)) == 1 && at + 1 < room)
		ret[at++] = line[0];
	assert_int_equal(got, 0);
	ret[at] = 0;
	layers_close(l);
}

/* Empty a folder and remove it; how many files it had, of those that are unfinished only. */
static inline unsigned layers_folder_remove(const char *folder)
{
	char path[512];
	unsigned unfinished = 0;
	DIR *d = opendir(folder);
	if (d == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		unfinished += strstr(e->d_name, ".new") != NULL;
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		(void)unlink(path);
	}
	closedir(d);
	(void)rmdir(folder);
	return unfinished;
}
