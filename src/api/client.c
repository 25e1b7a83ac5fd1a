/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "api/listen.h"
#include "api/text.h"
#include "base/clock.h"

enum {
	REPLY_ROOM = 64 * 1024,
	CONNECT_PAUSE_MS = 20
};

/* 0, -ETIMEDOUT, or another -errno. A hang-up counts as ready: reading tells. */
static int wait_ready(int fd, short events, uint64_t until_ns)
{
	for (;;) {
		uint64_t now = clock_mono_ns();
		if (now >= until_ns)
			return -ETIMEDOUT;
		struct pollfd p = { .fd = fd, .events = events };
		int n = poll(&p, 1, (int)((until_ns - now + NS_PER_MS - 1) / NS_PER_MS));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_all(int fd, const char *bytes, size_t n, uint64_t until_ns)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return -errno;
		int rc = wait_ready(fd, POLLOUT, until_ns);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Read up to the newline. ret_line is malloc()ed; the newline is not counted. */
static int read_line(int fd, uint64_t until_ns, char **ret_line, size_t *ret_n)
{
	size_t room = REPLY_ROOM, n = 0;
	char *line = malloc(room);
	int rc = line != NULL ? 0 : -ENOMEM;
	while (rc == 0) {
		ssize_t got = recv(fd, line + n, room - n, MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
			rc = wait_ready(fd, POLLIN, until_ns);
			continue;
		}
		if (got <= 0) {
			rc = got == 0 ? -EPROTO : -errno;
			break;
		}
		char *end = memchr(line + n, '\n', (size_t)got);
		n += (size_t)got;
		if (end != NULL) {
			*ret_line = line;
			*ret_n = (size_t)(end - line);
			return 0;
		}
		if (n == room) {
			char *more = n < CONTROL_MAX_REPLY ? realloc(line, room * 2) : NULL;
			rc = more != NULL ? 0 : -EPROTO;
			line = more != NULL ? more : line;
			room *= 2;
		}
	}
	free(line);
	return rc;
}

/* A full queue of the listener (EAGAIN) empties itself: it is waited for. */
static int connect_until(const char *path, uint64_t until_ns)
{
	for (;;) {
		int fd = listen_connect(path);
		if (fd != -EAGAIN)
			return fd;
		if (clock_mono_ns() >= until_ns)
			return -ETIMEDOUT;
		poll(NULL, 0, CONNECT_PAUSE_MS);
	}
}

int api_call(const char *path, const json_t *request, int timeout_ms, json_t **ret_reply)
{
	uint64_t until = clock_mono_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	int fd = connect_until(path, until);
	if (fd < 0)
		return fd;
	char *asked = json_dumps(request, JSON_COMPACT | JSON_ENSURE_ASCII);
	int rc = asked != NULL ? 0 : -ENOMEM;
	if (rc == 0) {
		size_t n = strlen(asked);
		asked[n] = '\n'; /* in place of the NUL: the length goes with it */
		rc = send_all(fd, asked, n + 1, until);
	}
	free(asked);
	/* A server that turns us away does so before it reads: look for its word even then. */
	char *line = NULL;
	size_t n = 0;
	if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET) {
		int read_rc = read_line(fd, until, &line, &n);
		rc = read_rc == 0 || rc == 0 ? read_rc : rc;
	}
	close(fd);
	if (rc != 0)
		return rc;
	json_t *reply = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	free(line);
	if (!json_is_object(reply)) {
		json_decref(reply);
		return -EPROTO;
	}
	*ret_reply = reply;
	return 0;
}

void api_print_failure(FILE *out, const char *path, int error)
{
	char shown[TEXT_SHOWN_MAX];
	text_show(path, shown, sizeof shown);
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		fprintf(out,
		        "no running server answers on the control socket %s\n"
		        "Start it (systemctl start weir, or weir serve -c FILE), or name the\n"
		        "configuration that it runs with: -c FILE\n",
		        shown);
		break;
	case -EACCES:
	case -EPERM:
		fprintf(out,
		        "the control socket %s may not be used by this user\n"
		        "Run the command as root or as a member of the socket's group.\n",
		        shown);
		break;
	case -ETIMEDOUT:
		fprintf(out, "the server on %s did not answer in time\n", shown);
		break;
	case -ENAMETOOLONG:
		fprintf(out, "the path of the control socket, %s, is longer than %d bytes\n", shown,
		        CONTROL_PATH_MAX);
		break;
	case -EPROTO:
		fprintf(out, "the server on %s hung up or did not answer in JSON\n", shown);
		break;
	default:
		fprintf(out, "the control socket %s: %s\n", shown, strerror(-error));
	}
}
