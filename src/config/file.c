/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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

int file_read(const char *path, size_t max_bytes, struct config_memory *m, char **ret_text,
              size_t *ret_n)
{
	struct stat st;
	size_t n = 0;
	int e = 0;
	char *text = NULL;
	/* O_NONBLOCK: a FIFO in place of the file must not make us wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		e = -errno;
	else if (!S_ISREG(st.st_mode))
		e = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size < 0 || (uint64_t)st.st_size > max_bytes)
		e = -EFBIG;
	if (e == 0) {
		text = config_alloc(m, (size_t)st.st_size + 2, 1);
		e = text == NULL ? -ENOMEM : read_all(fd, text, (size_t)st.st_size + 1, &n);
	}
	close(fd);
	if (e == 0 && n > max_bytes)
		e = -EFBIG;
	if (e != 0)
		return e;
	*ret_text = text;
	*ret_n = n;
	return 0;
}
