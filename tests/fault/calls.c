/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calls.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
	OF_FD,     /* a descriptor is argument `at` */
	OF_PATH,   /* a path is argument `at` */
	OF_FOLDER, /* a folder's descriptor, and a path behind it */
	OF_MAP,    /* mmap: a file or memory */
	OF_MEMORY,
	OF_NOTHING /* neither: the subject is "-" */
};

enum {
	SPACE = 1,     /* fails on a full disk */
	SPACE_NEW = 2, /* does when it makes a file: flags are argument at + 1 */
	AFTER = 4
};

struct row {
	int number;
	const char *name;
	enum kind kind;
	int at, length_arg, flags;
};

/* clang-format off */
static const struct row rows[] = {
	{ SYS_openat,          "open",            OF_FOLDER, 0, -1, SPACE_NEW },
	{ SYS_read,            "read",            OF_FD,     0,  2, 0 },
	{ SYS_pread64,         "pread",           OF_FD,     0,  2, 0 },
	{ SYS_readv,           "readv",           OF_FD,     0, -1, 0 },
	{ SYS_preadv,          "preadv",          OF_FD,     0, -1, 0 },
	{ SYS_write,           "write",           OF_FD,     0,  2, SPACE },
	{ SYS_pwrite64,        "pwrite",          OF_FD,     0,  2, SPACE },
	{ SYS_writev,          "writev",          OF_FD,     0, -1, SPACE },
	{ SYS_pwritev,         "pwritev",         OF_FD,     0, -1, SPACE },
	{ SYS_copy_file_range, "copy_file_range", OF_FD,     2,  4, SPACE },
	{ SYS_sendfile,        "sendfile",        OF_FD,     0,  3, SPACE },
	{ SYS_fallocate,       "fallocate",       OF_FD,     0, -1, SPACE },
	{ SYS_ftruncate,       "ftruncate",       OF_FD,     0, -1, SPACE },
	{ SYS_fsync,           "fsync",           OF_FD,     0, -1, SPACE },
	{ SYS_fdatasync,       "fdatasync",       OF_FD,     0, -1, SPACE },
	{ SYS_sync_file_range, "sync_file_range", OF_FD,     0, -1, 0 },
	{ SYS_syncfs,          "syncfs",          OF_FD,     0, -1, 0 },
	{ SYS_lseek,           "lseek",           OF_FD,     0, -1, 0 },
	{ SYS_fstat,           "fstat",           OF_FD,     0, -1, 0 },
	{ SYS_newfstatat,      "stat",            OF_FOLDER, 0, -1, 0 },
	{ SYS_statx,           "statx",           OF_FOLDER, 0, -1, 0 },
	{ SYS_statfs,          "statfs",          OF_PATH,   0, -1, 0 },
	{ SYS_fstatfs,         "fstatfs",         OF_FD,     0, -1, 0 },
	{ SYS_faccessat,       "access",          OF_FOLDER, 0, -1, 0 },
	{ SYS_faccessat2,      "access",          OF_FOLDER, 0, -1, 0 },
	{ SYS_readlinkat,      "readlink",        OF_FOLDER, 0, -1, 0 },
	{ SYS_getdents64,      "getdents",        OF_FD,     0, -1, 0 },
	{ SYS_close,           "close",           OF_FD,     0, -1, AFTER },
	{ SYS_fcntl,           "fcntl",           OF_FD,     0, -1, 0 },
	{ SYS_flock,           "flock",           OF_FD,     0, -1, 0 },
	{ SYS_ioctl,           "ioctl",           OF_FD,     0, -1, 0 },
	{ SYS_dup,             "dup",             OF_FD,     0, -1, 0 },
	{ SYS_dup3,            "dup",             OF_FD,     0, -1, 0 },
	{ SYS_fchmod,          "fchmod",          OF_FD,     0, -1, 0 },
	{ SYS_fchown,          "fchown",          OF_FD,     0, -1, 0 },
	{ SYS_fchmodat,        "fchmod",          OF_FOLDER, 0, -1, 0 },
	{ SYS_fchownat,        "fchown",          OF_FOLDER, 0, -1, 0 },
	{ SYS_utimensat,       "utimens",         OF_FOLDER, 0, -1, SPACE },
	{ SYS_renameat,        "rename",          OF_FOLDER, 2, -1, SPACE },
	{ SYS_renameat2,       "rename",          OF_FOLDER, 2, -1, SPACE },
	{ SYS_linkat,          "link",            OF_FOLDER, 2, -1, SPACE },
	{ SYS_symlinkat,       "symlink",         OF_FOLDER, 1, -1, SPACE },
	{ SYS_unlinkat,        "unlink",          OF_FOLDER, 0, -1, 0 },
	{ SYS_mkdirat,         "mkdir",           OF_FOLDER, 0, -1, SPACE },
	{ SYS_truncate,        "truncate",        OF_PATH,   0, -1, SPACE },
	{ SYS_mmap,            "mmap",            OF_MAP,    4, -1, 0 },
	{ SYS_mremap,          "mremap",          OF_MEMORY, 0, -1, 0 },
	{ SYS_mprotect,        "mprotect",        OF_MEMORY, 0, -1, 0 },
	{ SYS_brk,             "brk",             OF_MEMORY, 0, -1, 0 },
	{ SYS_msync,           "msync",           OF_NOTHING, 0, -1, 0 },
	{ SYS_memfd_create,    "memfd_create",    OF_NOTHING, 0, -1, 0 },
	{ SYS_clone,           "clone",           OF_NOTHING, 0, -1, 0 },
	{ SYS_clone3,          "clone",           OF_NOTHING, 0, -1, 0 },
	{ SYS_wait4,           "wait",            OF_NOTHING, 0, -1, 0 },
	{ SYS_pipe2,           "pipe",            OF_NOTHING, 0, -1, 0 },
	{ SYS_eventfd2,        "eventfd",         OF_NOTHING, 0, -1, 0 },
	{ SYS_epoll_create1,   "epoll_create",    OF_NOTHING, 0, -1, 0 },
	{ SYS_timerfd_create,  "timerfd_create",  OF_NOTHING, 0, -1, 0 },
	{ SYS_socket,          "socket",          OF_NOTHING, 0, -1, 0 },
	{ SYS_socketpair,      "socketpair",      OF_NOTHING, 0, -1, 0 },
	{ SYS_ppoll,           "poll",            OF_NOTHING, 0, -1, 0 },
	{ SYS_pselect6,        "select",          OF_NOTHING, 0, -1, 0 },
	{ SYS_connect,         "connect",         OF_FD,     0, -1, 0 },
	{ SYS_bind,            "bind",            OF_FD,     0, -1, 0 },
	{ SYS_listen,          "listen",          OF_FD,     0, -1, 0 },
	{ SYS_accept4,         "accept",          OF_FD,     0, -1, 0 },
	{ SYS_getsockname,     "getsockname",     OF_FD,     0, -1, 0 },
	{ SYS_getpeername,     "getpeername",     OF_FD,     0, -1, 0 },
	{ SYS_getsockopt,      "getsockopt",      OF_FD,     0, -1, 0 },
	{ SYS_setsockopt,      "setsockopt",      OF_FD,     0, -1, 0 },
	{ SYS_sendto,          "send",            OF_FD,     0,  2, 0 },
	{ SYS_sendmsg,         "sendmsg",         OF_FD,     0, -1, 0 },
	{ SYS_recvfrom,        "recv",            OF_FD,     0,  2, 0 },
	{ SYS_recvmsg,         "recvmsg",         OF_FD,     0, -1, 0 },
	{ SYS_shutdown,        "shutdown",        OF_FD,     0, -1, 0 },
	/* What newer machines no longer have. */
#ifdef SYS_open
	{ SYS_open,            "open",            OF_PATH,   0, -1, SPACE_NEW },
	{ SYS_creat,           "open",            OF_PATH,   0, -1, SPACE },
	{ SYS_stat,            "stat",            OF_PATH,   0, -1, 0 },
	{ SYS_lstat,           "stat",            OF_PATH,   0, -1, 0 },
	{ SYS_access,          "access",          OF_PATH,   0, -1, 0 },
	{ SYS_readlink,        "readlink",        OF_PATH,   0, -1, 0 },
	{ SYS_rename,          "rename",          OF_PATH,   1, -1, SPACE },
	{ SYS_link,            "link",            OF_PATH,   1, -1, SPACE },
	{ SYS_symlink,         "symlink",         OF_PATH,   1, -1, SPACE },
	{ SYS_unlink,          "unlink",          OF_PATH,   0, -1, 0 },
	{ SYS_rmdir,           "rmdir",           OF_PATH,   0, -1, 0 },
	{ SYS_mkdir,           "mkdir",           OF_PATH,   0, -1, SPACE },
	{ SYS_chmod,           "fchmod",          OF_PATH,   0, -1, 0 },
	{ SYS_chown,           "fchown",          OF_PATH,   0, -1, 0 },
	{ SYS_dup2,            "dup",             OF_FD,     0, -1, 0 },
	{ SYS_poll,            "poll",            OF_NOTHING, 0, -1, 0 },
	{ SYS_select,          "select",          OF_NOTHING, 0, -1, 0 },
	{ SYS_pipe,            "pipe",            OF_NOTHING, 0, -1, 0 },
	{ SYS_fork,            "clone",           OF_NOTHING, 0, -1, 0 },
	{ SYS_vfork,           "clone",           OF_NOTHING, 0, -1, 0 },
#endif
};
/* clang-format on */

enum {
	N_ROWS = sizeof rows / sizeof rows[0]
};

unsigned call_numbers(const int **ret)
{
	static int numbers[N_ROWS];
	for (unsigned i = 0; i < N_ROWS; i++)
		numbers[i] = rows[i].number;
	*ret = numbers;
	return N_ROWS;
}

static bool read_text(pid_t tid, uint64_t address, char *ret, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	while (n < size) {
		size_t piece = page - (size_t)((address + n) % page);
		if (piece > size - n)
			piece = size - n;
		struct iovec to = { ret + n, piece };
		struct iovec from = { (void *)(uintptr_t)(address + n), piece };
		if (process_vm_readv(tid, &to, 1, &from, 1, 0) != (ssize_t)piece)
			return false;
		if (memchr(ret + n, 0, piece) != NULL)
			return true;
		n += piece;
	}
	return false;
}

/* What a descriptor is: a path, or "socket:[1]" and the like. */
static bool read_link(pid_t tid, const char *which, int fd, char ret[PATH_MAX])
{
	char link[64];
	if (fd >= 0)
		snprintf(link, sizeof link, "/proc/%d/%s/%d", (int)tid, which, fd);
	else
		snprintf(link, sizeof link, "/proc/%d/%s", (int)tid, which);
	ssize_t n = readlink(link, ret, PATH_MAX - 1);
	if (n < 0)
		return false;
	ret[n] = 0;
	return true;
}

static bool read_path(pid_t tid, int folder_fd, uint64_t address, char ret[PATH_MAX])
{
	char path[PATH_MAX];
	if (!read_text(tid, address, path, sizeof path))
		return false;
	if (path[0] == '/') {
		memcpy(ret, path, strlen(path) + 1);
		return true;
	}
	bool is_found = folder_fd == AT_FDCWD ? read_link(tid, "cwd", -1, ret)
	                                      : read_link(tid, "fd", folder_fd, ret);
	size_t n = is_found ? strlen(ret) : 0;
	if (!is_found || n + 1 + strlen(path) >= PATH_MAX)
		return false;
	if (path[0] != 0) {
		ret[n] = '/';
		memcpy(ret + n + 1, path, strlen(path) + 1);
	}
	return true;
}

/* How many characters of a number begin here: digits, or eight and more of hexadecimal ones. */
static size_t number_length(const char *at, size_t n)
{
	size_t hex = 0, decimal = 0;
	while (hex < n && isxdigit((unsigned char)at[hex]))
		hex++;
	while (decimal < n && isdigit((unsigned char)at[decimal]))
		decimal++;
	return hex >= 8 ? hex : decimal;
}

/* A number is one '#'; what was removed is named as before. */
static void name_subject(const char *from, char ret[CALL_SUBJECT_MAX])
{
	static const char gone[] = " (deleted)";
	size_t n = strlen(from), out = 0;
	if (n > sizeof gone - 1 && strcmp(from + n - (sizeof gone - 1), gone) == 0)
		n -= sizeof gone - 1;
	for (size_t i = 0; i < n && out < CALL_SUBJECT_MAX - 2;) {
		size_t number = number_length(from + i, n - i);
		if (number == 0)
			ret[out++] = from[i] == ' ' ? '_' : from[i];
		else if (out == 0 || ret[out - 1] != '#')
			ret[out++] = '#';
		i += number > 0 ? number : 1;
	}
	ret[out] = 0;
}

static bool is_of_interest(const char *path, const char *under, struct call *ret)
{
	size_t n = strlen(under);
	if (path[0] != '/') { /* socket:[1], pipe:[1], anon_inode:[eventfd] */
		size_t end = strcspn(path, ":");
		if (strncmp(path, "anon_inode:", 11) == 0) {
			path += 11 + (path[11] == '[');
			end = strcspn(path, "]");
		}
		snprintf(ret->subject, sizeof ret->subject, "%.*s", (int)end, path);
		return true;
	}
	if (strncmp(path, under, n) != 0 || (path[n] != '/' && path[n] != 0))
		return false;
	name_subject(path[n] == 0 ? "." : path + n + 1, ret->subject);
	ret->is_file = true;
	return true;
}

static bool describe_memory(struct call *ret)
{
	ret->is_memory = true;
	snprintf(ret->subject, sizeof ret->subject, "memory");
	return true;
}

static bool find_subject(pid_t tid, const struct row *row, const uint64_t args[6],
                         const char *under, struct call *ret)
{
	char path[PATH_MAX];
	switch (row->kind) {
	case OF_FD:
		return read_link(tid, "fd", (int)args[row->at], path) &&
		       is_of_interest(path, under, ret);
	case OF_PATH:
		return read_path(tid, AT_FDCWD, args[row->at], path) &&
		       is_of_interest(path, under, ret);
	case OF_FOLDER:
		return read_path(tid, (int)args[row->at], args[row->at + 1], path) &&
		       is_of_interest(path, under, ret);
	case OF_MAP:
		if ((args[3] & MAP_ANONYMOUS) != 0)
			return describe_memory(ret);
		return read_link(tid, "fd", (int)args[row->at], path) &&
		       is_of_interest(path, under, ret);
	case OF_MEMORY:
		return describe_memory(ret);
	case OF_NOTHING:
		break;
	}
	snprintf(ret->subject, sizeof ret->subject, "-");
	return true;
}

bool call_describe(pid_t tid, int number, const uint64_t args[6], const char *under,
                   struct call *ret)
{
	const struct row *row = rows;
	while (row < rows + N_ROWS && row->number != number)
		row++;
	if (row == rows + N_ROWS)
		return false;
	*ret = (struct call){
		.name = row->name,
		.length_arg = row->length_arg,
		.takes_space = (row->flags & SPACE) != 0,
		.is_after = (row->flags & AFTER) != 0,
	};
	if ((row->flags & SPACE_NEW) != 0) {
		uint64_t flags = args[row->at + (row->kind == OF_FOLDER ? 2 : 1)];
		ret->takes_space = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
		if (ret->takes_space)
			ret->name = "create";
	}
	return find_subject(tid, row, args, under, ret);
}
