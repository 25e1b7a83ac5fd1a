/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as a file that has a name. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct file {
	int fd;
	char path[64];
};

static inline struct file file_of(const void *bytes, size_t n)
{
	struct file f = { .fd = memfd_create("test", MFD_CLOEXEC) };
	assert_true(f.fd >= 0);
	assert_int_equal(write(f.fd, bytes, n), n);
	snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
	return f;
}

static inline void file_done(const struct file *f)
{
	close(f->fd);
}
