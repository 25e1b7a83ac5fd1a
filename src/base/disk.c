/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	REST_MAX_NS = 20000000
};

static int path_beside(const char *path, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s.new", path);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int disk_create_beside(const char *path, mode_t mode)
{
	char beside[PATH_MAX];
	int e = path_beside(path, beside);
	if (e != 0)
		return e;
	int fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
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

int disk_save(const char *path, const void *bytes, size_t n, mode_t mode)
{
	int fd = disk_create_beside(path, mode);
	if (fd < 0)
		return fd;
	int e = disk_write(fd, bytes, n);
	if (e == 0)
		return disk_replace(fd, path);
	disk_abandon(fd, path);
	return e;
}

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

int disk_read(const char *path, size_t max_bytes, char **ret_text, size_t *ret_n)
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
	else if ((uint64_t)st.st_size > max_bytes)
		e = -EFBIG;
	if (e == 0) {
		text = malloc((size_t)st.st_size + 2);
		e = text == NULL ? -ENOMEM : read_all(fd, text, (size_t)st.st_size + 1, &n);
	}
	close(fd);
	if (e == 0 && n > max_bytes)
		e = -EFBIG;
	if (e != 0) {
		free(text);
		return e;
	}
	text[n] = 0;
	*ret_text = text;
	*ret_n = n;
	return 0;
}

/* As long as the piece took: others get half of the core, and of the disk. */
static void rest_after(uint64_t begin_ns)
{
	uint64_t ns = clock_mono_ns() - begin_ns;
	const struct timespec t = { .tv_nsec = (long)(ns < REST_MAX_NS ? ns : REST_MAX_NS) };
	(void)nanosleep(&t, NULL);
}

void disk_settle(int fd, off_t at, size_t n)
{
	uint64_t begin = clock_mono_ns();
	(void)sync_file_range(fd, at, (off_t)n,
	                      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
	                              SYNC_FILE_RANGE_WAIT_AFTER);
	rest_after(begin);
}

void disk_forget(int fd, off_t at, size_t n)
{
	(void)posix_fadvise(fd, at, (off_t)n, POSIX_FADV_DONTNEED);
}

void disk_drop(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	bool is_gone = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0;
	bool is_writable = flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
	off_t left = is_gone ? st.st_size : 0;
	while (left > DISK_PIECE) {
		uint64_t begin = clock_mono_ns();
		left -= DISK_PIECE;
		if (is_writable && ftruncate(fd, left) != 0)
			break;
		if (!is_writable)
			disk_forget(fd, left, DISK_PIECE);
		rest_after(begin);
	}
	close(fd);
}

void disk_unmap(const void *mapped, size_t n)
{
	uint8_t *left = (uint8_t *)(uintptr_t)mapped;
	while (n > DISK_PIECE) {
		munmap(left, DISK_PIECE);
		left += DISK_PIECE;
		n -= DISK_PIECE;
	}
	if (n > 0)
		munmap(left, n);
}
