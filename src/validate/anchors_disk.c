/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/anchors_disk.h"

#include "base/disk.h"
#include "validate/anchors_read.h"

enum {
	ANCHORS_MODE = 0640
};

int anchors_load(const char *path, char **ret_text, size_t *ret_n)
{
	return disk_read(path, ANCHORS_TEXT_MAX, ret_text, ret_n);
}

int anchors_save(const char *path, const char *text, size_t n)
{
	return disk_save(path, text, n, ANCHORS_MODE);
}
