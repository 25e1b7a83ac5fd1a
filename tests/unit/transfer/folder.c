/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char folder[64];

int folder_make(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/transfer_test.XXXXXX");
	return mkdtemp(folder) != NULL ? 0 : -1;
}

int folder_remove_at(const char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	return rmdir(path);
}

int folder_remove(void **state)
{
	(void)state;
	return folder_remove_at(folder);
}

unsigned folder_count(const char *suffix)
{
	unsigned n = 0;
	DIR *d = opendir(folder);
	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		size_t k = strlen(e->d_name), m = strlen(suffix);
		n += k >= m && strcmp(e->d_name + k - m, suffix) == 0;
	}
	if (d != NULL)
		closedir(d);
	return n;
}
