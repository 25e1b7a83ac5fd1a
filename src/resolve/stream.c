/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One ask over TCP: connect, send, read one message, close (RFC 7766). The task's timer bounds
 * how long it may take.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resolve/exchange.h"

struct stream {
	struct watcher watcher;
	struct exchange *x;
	struct ask *ask;
	size_t n_out, sent;
	size_t got;      /* of head and body */
	size_t want;     /* bytes of the body; known when the head is in */
	uint8_t *body;   /* heap; allocated when its size is known */
	uint8_t head[2]; /* RFC 1035 4.2.2: the length */
	uint8_t out[2 + EXCHANGE_OUT_BYTES];
};

void stream_close(struct stream *s)
{
	loop_remove(exchange_loop(s->x), &s->watcher);
	close(s->watcher.fd);
	exchange_stream_done(s->x);
	free(s->body);
	free(s);
}

static void give_up(struct stream *s, int error)
{
	struct exchange *x = s->x;
	struct ask *a = s->ask;
	a->stream = NULL;
	stream_close(s);
	exchange_fail(x, a, error);
}

static void deliver(struct stream *s)
{
	struct exchange *x = s->x;
	struct ask *a = s->ask;
	struct message m;
	if (!exchange_accept(x, a, s->body, s->want, &m)) {
		give_up(s, -EBADMSG);
		return;
	}
	uint8_t *body = s->body; /* the message is read out of it: it goes last */
	s->body = NULL;
	a->stream = NULL;
	stream_close(s);
	exchange_deliver(x, a, &m);
	free(body);
}

/* 0: more to come, 1: all there, or -errno. */
static int read_some(struct stream *s)
{
	for (;;) {
		uint8_t *to = s->got < 2 ? s->head + s->got : s->body + (s->got - 2);
		size_t room = s->got < 2 ? 2 - s->got : s->want + 2 - s->got;
		ssize_t n = recv(s->watcher.fd, to, room, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		s->got += (size_t)n;
		if (s->got == 2) {
			s->want = load16(s->head);
			if (s->want < DNS_HEADER_BYTES)
				return -EBADMSG;
			s->body = malloc(s->want);
			if (s->body == NULL)
				return -ENOMEM;
		}
		if (s->got > 2 && s->got == s->want + 2)
			return 1;
	}
}

/* 0: not all yet, 1: all is out, or -errno. */
static int write_some(struct stream *s)
{
	ssize_t n = send(s->watcher.fd, s->out + s->sent, s->n_out - s->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	s->sent += (size_t)n;
	return s->sent == s->n_out ? 1 : 0;
}

static void ready(struct watcher *w, uint32_t events)
{
	struct stream *s = CONTAINER_OF(w, struct stream, watcher);
	int error = 0;
	socklen_t n = sizeof error;
	if (s->sent < s->n_out) {
		if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error != 0) {
			give_up(s, -error);
			return;
		}
		int e = write_some(s);
		if (e == 1)
			e = loop_change(exchange_loop(s->x), w, EPOLLIN);
		if (e < 0)
			give_up(s, e);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	int e = read_some(s);
	if (e == 1)
		deliver(s);
	else if (e < 0)
		give_up(s, e);
}

static int start_connecting(struct exchange *x, const struct endpoint *to, int *ret_fd)
{
	struct sockaddr_storage ss;
	bool is_v4 = to->addr.is_v4;
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	int e = 0;
	const struct addr *source = exchange_source(x, is_v4);
	if (source != NULL) {
		struct endpoint from = { .addr = *source };
		socklen_t n = endpoint_to_sockaddr(&from, &ss);
		e = bind(fd, (struct sockaddr *)&ss, n) == 0 ? 0 : -errno;
	}
	socklen_t n = endpoint_to_sockaddr(to, &ss);
	if (e == 0 && connect(fd, (struct sockaddr *)&ss, n) != 0 && errno != EINPROGRESS)
		e = -errno;
	if (e != 0) {
		close(fd);
		return e;
	}
	*ret_fd = fd;
	return 0;
}

int stream_open(struct exchange *x, struct ask *a)
{
	int fd = -1;
	int e = start_connecting(x, &a->server, &fd);
	if (e != 0)
		return e;
	struct stream *s = calloc(1, sizeof *s);
	if (s == NULL) {
		close(fd);
		return -ENOMEM;
	}
	s->watcher = (struct watcher){ .fd = fd, .ready = ready };
	s->x = x;
	s->ask = a;
	size_t n = exchange_write(a, s->out + 2);
	store16(s->out, (uint16_t)n);
	s->n_out = n + 2;
	e = loop_add(exchange_loop(x), &s->watcher, EPOLLOUT);
	if (e != 0) {
		close(fd);
		free(s);
		return e;
	}
	a->stream = s;
	return 0;
}
