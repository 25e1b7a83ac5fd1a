/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small text files: read whole, replaced whole. */
#include "validate/anchors_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "validate/anchors_read.h"

/* The file may grow or shrink under us: what is read counts, not what stat() said. */
static int read_all(int fd, char *text, size_t max, size_t *ret_n)
{
	size_t n = 0;
	while (n < max) {
		ssize_t got = read(fd, text + n, max - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_n = n;
	return 0;
}

int anchors_load(const char *path, char **ret_text, size_t *ret_n)
{
	struct stat st;
	size_t n = 0;
	char *text = NULL;
	int e = 0;
	/* O_NONBLOCK: a FIFO in place of the file must not make us wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		e = -errno;
	else if (!S_ISREG(st.st_mode))
		e = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size > ANCHORS_TEXT_MAX)
		e = -EFBIG;
	if (e == 0) {
		text = malloc((size_t)st.st_size + 2);
		e = text == NULL ? -ENOMEM : read_all(fd, text, (size_t)st.st_size + 1, &n);
	}
	close(fd);
	if (e != 0) {
		free(text);
		return e;
	}
	text[n] = 0;
	*ret_text = text;
	*ret_n = n;
	return 0;
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, text, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		n -= (size_t)written;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

/* So that the new name is on the disk too. */
static int sync_folder(const char *path)
{
	char folder[ANCHORS_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;
	snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)n : 1,
	         slash != NULL ? path : ".");
	int fd = open(n == 0 && slash != NULL ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int e = fsync(fd) == 0 ? 0 : -errno;
	close(fd);
	return e;
}

int anchors_save(const char *path, const char *text, size_t n)
{
	char new_path[ANCHORS_PATH_MAX];
	if (snprintf(new_path, sizeof new_path, "%s.new", path) >= (int)sizeof new_path)
		return -ENAMETOOLONG;
	int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	int e = write_all(fd, text, n);
	if (close(fd) != 0 && e == 0)
		e = -errno;
	if (e == 0 && rename(new_path, path) != 0)
		e = -errno;
	if (e != 0) {
		unlink(new_path);
		return e;
	}
	return sync_folder(path);
}
