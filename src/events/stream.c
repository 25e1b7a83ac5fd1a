/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Standard output, pipes and devices: a reader that stalls must stall nobody. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "events/sink.h"

struct stream {
	struct sink sink;
	enum {
		STREAM_OWN,    /* a description of our own: not blocking, or a plain file */
		STREAM_SOCKET, /* send() can be told not to block */
		STREAM_SHARED, /* others use it as it is: ask first, then write little */
	} way;
	char path[]; /* "-": standard output */
};

static bool is_below(const char *path, const char *folder)
{
	return strncmp(path, folder, strlen(folder)) == 0;
}

/* Below /dev and /proc nothing is renamed or cut, whatever /dev/stdout may lead to. */
static bool stream_takes(const char *path)
{
	struct stat st;
	if (is_below(path, "/dev/shm/"))
		return false;
	return strcmp(path, "-") == 0 || is_below(path, "/dev/") || is_below(path, "/proc/") ||
	       (stat(path, &st) == 0 && !S_ISREG(st.st_mode));
}

/*
 * O_NONBLOCK belongs to the open file description, which standard output shares with the shell
 * and with other programs. So open the pipe or terminal once more, for ourselves.
 */
static int open_stdout(struct stream *s)
{
	struct stat st;
	if (fstat(STDOUT_FILENO, &st) != 0)
		return -errno;
	s->sink.fd = -1;
	s->way = STREAM_OWN;
	if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		s->sink.fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (s->sink.fd >= 0)
		return 0;
	if (S_ISSOCK(st.st_mode))
		s->way = STREAM_SOCKET;
	else if (!S_ISREG(st.st_mode))
		s->way = STREAM_SHARED;
	s->sink.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return s->sink.fd >= 0 ? 0 : -errno;
}

static int open_path(struct stream *s)
{
	struct stat st;
	/* A named pipe opened for writing alone would want a reader now, and EPIPE later. */
	bool is_fifo = stat(s->path, &st) == 0 && S_ISFIFO(st.st_mode);
	int flags = (is_fifo ? O_RDWR : O_WRONLY) | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	s->way = STREAM_OWN;
	s->sink.fd = open(s->path, flags);
	return s->sink.fd >= 0 ? 0 : -errno;
}

static int open_any(struct stream *s)
{
	return strcmp(s->path, "-") == 0 ? open_stdout(s) : open_path(s);
}

static int stream_open(const struct events_config *config, struct sink **ret)
{
	size_t n = strlen(config->path) + 1;
	struct stream *s = calloc(1, sizeof *s + n);
	if (s == NULL)
		return -ENOMEM;
	s->sink.kind = &sink_stream;
	memcpy(s->path, config->path, n);
	int e = open_any(s);
	if (e != 0) {
		free(s);
		return e;
	}
	*ret = &s->sink;
	return 0;
}

static ssize_t write_some(const struct stream *s, const char *bytes, size_t n)
{
	if (s->way == STREAM_SOCKET)
		return send(s->sink.fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (s->way == STREAM_SHARED) {
		/* pipe(7): after POLLOUT a write of at most PIPE_BUF does not block. */
		struct pollfd p = { .fd = s->sink.fd, .events = POLLOUT };
		if (poll(&p, 1, 0) != 1) {
			errno = EAGAIN;
			return -1;
		}
		return write(s->sink.fd, bytes, n < PIPE_BUF ? n : PIPE_BUF);
	}
	return write(s->sink.fd, bytes, n);
}

static int stream_write(struct sink *sink, const char *lines, size_t n, size_t *ret_taken)
{
	const struct stream *s = CONTAINER_OF(sink, struct stream, sink);
	*ret_taken = 0;
	while (*ret_taken < n) {
		ssize_t k = write_some(s, lines + *ret_taken, n - *ret_taken);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k < 0 ? -errno : -EIO;
		*ret_taken += (size_t)k;
	}
	return 0;
}

static int stream_reopen(struct sink *sink)
{
	struct stream *s = CONTAINER_OF(sink, struct stream, sink);
	int old = sink->fd;
	int e = open_any(s);
	if (e != 0)
		sink->fd = old;
	else
		close(old);
	return e;
}

static void stream_close(struct sink *sink)
{
	struct stream *s = CONTAINER_OF(sink, struct stream, sink);
	close(sink->fd);
	free(s);
}

const struct sink_kind sink_stream = {
	.takes = stream_takes,
	.open = stream_open,
	.write = stream_write,
	.reopen = stream_reopen,
	.close = stream_close,
};
