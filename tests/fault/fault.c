/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fault.c - for LD_PRELOAD: the N-th call that writes, below a folder, fails.
 *
 * FAULT_UNDER  paths that count: those below this folder (descriptors by what they were opened as)
 * FAULT_AT     which call, from 1; 0: none, they are only counted
 * FAULT_HOW    ENOSPC or EIO: the call fails so, and every one after it (a full disk stays full) when
 *              FAULT_STAYS is set; KILL: the process is killed there
 * FAULT_LOG    where the count is written, "N NAME" for each call
 *
 * The calls: open for writing, write, pwrite, fsync, fdatasync, ftruncate, rename, link, unlink, mkdir,
 * copy_file_range, futimens, and mmap of such a descriptor.
 */
/* Both names of each call are wanted here, and nothing inline in their place. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long n_calls;

static const char *setting(const char *name)
{
	const char *v = getenv(name);
	return v != NULL ? v : "";
}

static void note(long n, const char *call)
{
	static ssize_t (*real)(int, const void *, size_t);
	static int fd = -2;
	char line[64];
	if (real == NULL)
		real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
	if (fd == -2) {
		int (*real_open)(const char *, int, ...) =
			(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
		fd = real_open(setting("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		               0600);
	}
	int len = snprintf(line, sizeof line, "%ld %s\n", n, call);
	if (fd >= 0)
		(void)!real(fd, line, (size_t)len);
}

/* 0: go on; else errno. */
static int fault(const char *call)
{
	long n = atomic_fetch_add(&n_calls, 1) + 1;
	long at = strtol(setting("FAULT_AT"), NULL, 10);
	const char *how = setting("FAULT_HOW");
	note(n, call);
	if (at == 0 || n < at || (n > at && setting("FAULT_STAYS")[0] == 0))
		return 0;
	if (strcmp(how, "KILL") == 0)
		kill(getpid(), SIGKILL);
	return strcmp(how, "EIO") == 0 ? EIO : ENOSPC;
}

static int is_below(const char *path)
{
	const char *under = setting("FAULT_UNDER");
	size_t n = strlen(under);
	return n > 0 && path != NULL && strncmp(path, under, n) == 0;
}

static int fd_is_below(int fd)
{
	char link[40], path[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0)
		return 0;
	path[n] = 0;
	return is_below(path);
}

#define REAL(type, name)  \
	static type real; \
	if (real == NULL) \
	real = (type)dlsym(RTLD_NEXT, name)

#define FAIL_IF(cond, name, result)                         \
	do {                                                \
		int fault_error = (cond) ? fault(name) : 0; \
		if (fault_error != 0) {                     \
			errno = fault_error;                \
			return result;                      \
		}                                           \
	} while (0)

typedef int (*open_fn)(const char *, int, ...);
int open(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	REAL(open_fn, "open");
	FAIL_IF((flags & O_ACCMODE) != O_RDONLY && is_below(path), "open", -1);
	return real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	REAL(open_fn, "open64");
	FAIL_IF((flags & O_ACCMODE) != O_RDONLY && is_below(path), "open", -1);
	return real(path, flags, mode);
}

typedef ssize_t (*write_fn)(int, const void *, size_t);
ssize_t write(int fd, const void *bytes, size_t n)
{
	REAL(write_fn, "write");
	FAIL_IF(fd_is_below(fd), "write", -1);
	return real(fd, bytes, n);
}

typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	REAL(pwrite_fn, "pwrite64");
	FAIL_IF(fd_is_below(fd), "pwrite", -1);
	return real(fd, bytes, n, at);
}

typedef int (*fd_fn)(int);
int fsync(int fd)
{
	REAL(fd_fn, "fsync");
	FAIL_IF(fd_is_below(fd), "fsync", -1);
	return real(fd);
}

int fdatasync(int fd)
{
	REAL(fd_fn, "fdatasync");
	FAIL_IF(fd_is_below(fd), "fdatasync", -1);
	return real(fd);
}

typedef int (*truncate_fn)(int, off_t);
int ftruncate64(int fd, off_t n)
{
	REAL(truncate_fn, "ftruncate64");
	FAIL_IF(fd_is_below(fd), "ftruncate", -1);
	return real(fd, n);
}

typedef int (*two_fn)(const char *, const char *);
int rename(const char *from, const char *to)
{
	REAL(two_fn, "rename");
	FAIL_IF(is_below(to), "rename", -1);
	return real(from, to);
}

int link(const char *from, const char *to)
{
	REAL(two_fn, "link");
	FAIL_IF(is_below(to), "link", -1);
	return real(from, to);
}

typedef int (*path_fn)(const char *);
int unlink(const char *path)
{
	REAL(path_fn, "unlink");
	FAIL_IF(is_below(path), "unlink", -1);
	return real(path);
}

typedef int (*mkdir_fn)(const char *, mode_t);
int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir_fn, "mkdir");
	FAIL_IF(is_below(path), "mkdir", -1);
	return real(path, mode);
}

typedef ssize_t (*copy_fn)(int, off64_t *, int, off64_t *, size_t, unsigned);
ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t n,
                        unsigned flags)
{
	REAL(copy_fn, "copy_file_range");
	FAIL_IF(fd_is_below(to), "copy_file_range", -1);
	return real(from, from_at, to, to_at, n, flags);
}

typedef int (*times_fn)(int, const struct timespec *);
int futimens(int fd, const struct timespec times[2])
{
	REAL(times_fn, "futimens");
	FAIL_IF(fd_is_below(fd), "futimens", -1);
	return real(fd, times);
}

typedef void *(*mmap_fn)(void *, size_t, int, int, int, off_t);
void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	REAL(mmap_fn, "mmap64");
	FAIL_IF(fd >= 0 && fd_is_below(fd), "mmap", MAP_FAILED);
	return real(at, n, protection, flags, fd, offset);
}
