/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int path_beside(const char *path, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s.new", path);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int disk_create_beside(const char *path)
{
	char beside[PATH_MAX];
	int e = path_beside(path, beside);
	if (e != 0)
		return e;
	int fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

void disk_abandon(int fd, const char *path)
{
	char beside[PATH_MAX];
	close(fd);
	if (path_beside(path, beside) == 0)
		unlink(beside);
}

int disk_sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
	if (n >= sizeof folder)
		return -ENAMETOOLONG;
	memcpy(folder, path, n);
	folder[n] = 0;
	int fd = open(n == 0 ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int e = fsync(fd) != 0 ? -errno : 0;
	close(fd);
	return e;
}

int disk_replace(int fd, const char *path)
{
	char beside[PATH_MAX];
	int e = path_beside(path, beside);
	if (e == 0 && fsync(fd) != 0)
		e = -errno;
	if (e == 0 && rename(beside, path) != 0)
		e = -errno;
	if (e != 0) {
		disk_abandon(fd, path);
		return e;
	}
	close(fd);
	return disk_sync_folder(path);
}

int disk_write(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n > 0) {
		ssize_t took = write(fd, p, n);
		if (took < 0 && errno == EINTR)
			continue;
		if (took < 0)
			return -errno;
		p += took;
		n -= (size_t)took;
	}
	return 0;
}
