/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/file.h"

#include <errno.h>
#include <stdlib.h>

#include "base/disk.h"

int file_read(const char *path, size_t max_bytes, struct config_memory *m, char **ret_text,
              size_t *ret_n)
{
	char *text;
	size_t n;
	int e = disk_read(path, max_bytes, &text, &n);
	if (e != 0)
		return e;
	char *copy = config_copy_text(m, text, n);
	free(text);
	if (copy == NULL)
		return -ENOMEM;
	*ret_text = copy;
	*ret_n = n;
	return 0;
}
