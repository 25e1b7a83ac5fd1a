/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum {
	LENGTH_BYTES = 2,
	IN_BYTES = LENGTH_BYTES + DNS_MAX_MESSAGE,
};

struct stream {
	int fd, stop_fd;
	uint64_t deadline_ns;
	struct tls *tls;      /* NULL: none */
	size_t n_in, n_taken; /* of it: the message that was handed out */
	uint8_t in[IN_BYTES];
	uint8_t out[IN_BYTES];
};

/* Until the descriptor is ready, for at most limit_ms. 0 or -errno. */
static int wait_for(int fd, short events, int stop_fd, uint64_t deadline_ns, unsigned limit_ms)
{
	struct pollfd p[2] = { { .fd = fd, .events = events },
		               { .fd = stop_fd, .events = POLLIN } };
	uint64_t now_ns = clock_mono_ns();
	uint64_t end_ns = now_ns + limit_ms * NS_PER_MS;
	if (deadline_ns < end_ns)
		end_ns = deadline_ns;
	for (;;) {
		now_ns = clock_mono_ns();
		if (now_ns >= end_ns)
			return -ETIMEDOUT;
		int k = poll(p, 2, (int)((end_ns - now_ns) / NS_PER_MS) + 1);
		if (k < 0 && errno != EINTR)
			return -errno;
		if (k > 0 && p[1].revents != 0)
			return -ECANCELED;
		if (k > 0 && p[0].revents != 0)
			return 0;
	}
}

static int wait_stream(struct stream *s, uint32_t epoll_events, unsigned limit_ms)
{
	short events = (epoll_events & EPOLLOUT) != 0 ? POLLOUT : POLLIN;
	return wait_for(s->fd, events, s->stop_fd, s->deadline_ns, limit_ms);
}

static int new_socket(const struct stream_plan *plan, int type, int *ret)
{
	struct sockaddr_storage sa;
	socklen_t n = endpoint_to_sockaddr(&plan->to, &sa);
	int fd = socket(sa.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int e = fd < 0 ? -errno : 0;
	if (e == 0 && plan->source != NULL) {
		const struct endpoint from = { .addr = *plan->source };
		struct sockaddr_storage local;
		socklen_t n_local = endpoint_to_sockaddr(&from, &local);
		if (bind(fd, (struct sockaddr *)&local, n_local) != 0)
			e = -errno;
	}
	if (e == 0 && connect(fd, (struct sockaddr *)&sa, n) != 0 && errno != EINPROGRESS)
		e = -errno;
	if (e != 0 && fd >= 0)
		close(fd);
	*ret = fd;
	return e;
}

static int finish_connect(struct stream *s)
{
	int error = 0;
	socklen_t n = sizeof error;
	int e = wait_stream(s, EPOLLOUT, STREAM_CONNECT_MS);
	if (e == 0 && getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		e = -errno;
	return e != 0 ? e : -error;
}

static int finish_handshake(struct stream *s, const char **ret_why)
{
	int e;
	while ((e = tls_handshake(s->tls)) == -EAGAIN) {
		e = wait_stream(s, tls_wants(s->tls), STREAM_CONNECT_MS);
		if (e != 0)
			return e;
	}
	if (e != 0 && tls_why(s->tls) != NULL)
		*ret_why = tls_why(s->tls);
	return e;
}

int stream_open(const struct stream_plan *plan, struct stream **ret, const char **ret_why)
{
	int on = 1;
	struct stream *s = calloc(1, sizeof *s);
	*ret_why = "";
	if (s == NULL)
		return -ENOMEM;
	s->stop_fd = plan->stop_fd;
	s->deadline_ns = plan->deadline_ns;
	int e = new_socket(plan, SOCK_STREAM, &s->fd);
	if (e != 0) {
		free(s);
		return e;
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	e = finish_connect(s);
	if (e == 0 && plan->tls != NULL) {
		e = tls_open(plan->tls, s->fd, NULL, &s->tls);
		if (e == 0)
			e = finish_handshake(s, ret_why);
	}
	if (e != 0) {
		stream_close(s);
		return e;
	}
	*ret = s;
	return 0;
}

int stream_adopt(int fd, const uint8_t *first, size_t n_first, int stop_fd, uint64_t deadline_ns,
                 struct stream **ret)
{
	struct stream *s = n_first <= IN_BYTES ? calloc(1, sizeof *s) : NULL;
	if (s == NULL) {
		close(fd);
		return -ENOMEM;
	}
	s->fd = fd;
	s->stop_fd = stop_fd;
	s->deadline_ns = deadline_ns;
	s->n_in = n_first;
	if (n_first > 0)
		memcpy(s->in, first, n_first);
	*ret = s;
	return 0;
}

int stream_accept(int fd, struct tls_server *tls, int stop_fd, uint64_t deadline_ns,
                  struct stream **ret, const char **ret_why)
{
	struct stream *s;
	*ret_why = "";
	int e = stream_adopt(fd, NULL, 0, stop_fd, deadline_ns, &s);
	if (e != 0)
		return e;
	e = tls_accept(tls, fd, &s->tls);
	if (e == 0)
		e = finish_handshake(s, ret_why);
	if (e == 0 && !tls_is_agreed(s->tls)) {
		*ret_why = "it does not offer DNS over TLS (ALPN \"dot\")";
		e = -EPROTO;
	}
	if (e != 0) {
		stream_close(s);
		return e;
	}
	*ret = s;
	return 0;
}

const struct tls *stream_tls(const struct stream *s)
{
	return s->tls;
}

void stream_close(struct stream *s)
{
	if (s == NULL)
		return;
	tls_close(s->tls);
	close(s->fd);
	free(s);
}

/* A close with bytes unread would take back what is still on its way (RFC 1122 4.2.2.13). */
void stream_finish(struct stream *s)
{
	uint64_t end_ns = clock_mono_ns() + STREAM_LINGER_MS * NS_PER_MS;
	ssize_t k = 1;
	shutdown(s->fd, SHUT_WR);
	while (k != 0 && (k > 0 || errno == EAGAIN || errno == EINTR)) {
		if (wait_for(s->fd, POLLIN, s->stop_fd, end_ns, STREAM_LINGER_MS) != 0)
			break;
		k = recv(s->fd, s->in, IN_BYTES, 0);
	}
	stream_close(s);
}

void stream_set_deadline(struct stream *s, uint64_t deadline_ns)
{
	s->deadline_ns = deadline_ns;
}

static ssize_t write_some(struct stream *s, const uint8_t *p, size_t n)
{
	if (s->tls != NULL)
		return tls_write(s->tls, p, n);
	ssize_t k = send(s->fd, p, n, MSG_NOSIGNAL);
	return k >= 0 ? k : errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static ssize_t read_some(struct stream *s, uint8_t *p, size_t n)
{
	if (s->tls != NULL)
		return tls_read(s->tls, p, n);
	ssize_t k = recv(s->fd, p, n, 0);
	return k >= 0 ? k : errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

int stream_send(struct stream *s, const uint8_t *msg, size_t n)
{
	size_t at = 0;
	must(n <= DNS_MAX_MESSAGE);
	store16(s->out, (uint16_t)n);
	memcpy(s->out + LENGTH_BYTES, msg, n);
	n += LENGTH_BYTES;
	while (at < n) {
		ssize_t k = write_some(s, s->out + at, n - at);
		if (k == -EAGAIN) {
			int e = wait_stream(s, s->tls != NULL ? tls_wants(s->tls) : EPOLLOUT,
			                    STREAM_IDLE_MS);
			if (e != 0)
				return e;
		} else if (k < 0) {
			return (int)k;
		} else {
			at += (size_t)k;
		}
	}
	return 0;
}

int stream_receive(struct stream *s, uint8_t **ret_msg, size_t *ret_n)
{
	s->n_in -= s->n_taken;
	memmove(s->in, s->in + s->n_taken, s->n_in);
	s->n_taken = 0;
	for (;;) {
		size_t n = s->n_in >= LENGTH_BYTES ? load16(s->in) : 0;
		if (s->n_in >= LENGTH_BYTES && n < DNS_HEADER_BYTES)
			return -EBADMSG;
		if (s->n_in >= LENGTH_BYTES && s->n_in - LENGTH_BYTES >= n) {
			*ret_msg = s->in + LENGTH_BYTES;
			*ret_n = n;
			s->n_taken = LENGTH_BYTES + n;
			return 0;
		}
		if (clock_mono_ns() >= s->deadline_ns)
			return -ETIMEDOUT; /* however busily bytes come */
		ssize_t k = read_some(s, s->in + s->n_in, IN_BYTES - s->n_in);
		if (k == 0)
			return -ENODATA;
		if (k > 0) {
			s->n_in += (size_t)k;
			continue;
		}
		if (k != -EAGAIN)
			return (int)k;
		int e = wait_stream(s, s->tls != NULL ? tls_wants(s->tls) : EPOLLIN,
		                    STREAM_IDLE_MS);
		if (e != 0)
			return e;
	}
}

/* ---- UDP ---- */

/* Something that has the query's id, within this try. */
static int receive_udp(const struct stream_plan *plan, int fd, const uint8_t *query, uint8_t *ret,
                       size_t *ret_n, uint64_t end_ns)
{
	for (;;) {
		uint64_t now_ns = clock_mono_ns();
		if (now_ns >= end_ns)
			return -ETIMEDOUT;
		int e = wait_for(fd, POLLIN, plan->stop_fd, plan->deadline_ns,
		                 (unsigned)((end_ns - now_ns) / NS_PER_MS) + 1);
		if (e != 0)
			return e;
		ssize_t k = recv(fd, ret, DNS_MAX_MESSAGE, 0);
		if (k < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (k >= DNS_HEADER_BYTES && load16(ret) == load16(query) && (ret[2] & 0x80) != 0) {
			*ret_n = (size_t)k;
			return 0;
		}
	}
}

int stream_ask_udp(const struct stream_plan *plan, const uint8_t *query, size_t n, uint8_t *ret,
                   size_t *ret_n)
{
	int fd = -1, e = new_socket(plan, SOCK_DGRAM, &fd);
	if (e != 0)
		return e;
	e = -ETIMEDOUT;
	for (int i = 0; i < STREAM_UDP_TRIES && e == -ETIMEDOUT; i++) {
		uint64_t end_ns = clock_mono_ns() + STREAM_UDP_MS * NS_PER_MS;
		if (send(fd, query, n, MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			e = -errno;
		else
			e = receive_udp(plan, fd, query, ret, ret_n, end_ns);
	}
	close(fd);
	return e;
}
