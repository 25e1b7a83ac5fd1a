/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/transport.h"

enum {
	LENGTH_BYTES = 2, /* RFC 1035 4.2.2 */
	IN_BYTES = 8192,
	UNSENT_MAX_BYTES = 256 << 10,
	BACKLOG = 256,
	ACCEPTS_A_TURN = 64,
};

struct tcp_listener {
	struct watcher watcher;
	struct transport *transport;
	struct endpoint local;
};

struct tcp_connection {
	struct watcher watcher;
	struct transport *transport;
	struct timer idle;
	struct tcp_connection *older, *newer; /* by last activity; newer links the dead */
	struct sockaddr_storage peer;
	socklen_t peer_bytes;
	struct endpoint client, local;
	struct query *waiting; /* parked queries, by q->next */
	unsigned n_waiting;
	bool is_dead, is_eof;
	uint32_t interest; /* epoll events asked for */
	uint8_t *unsent;
	size_t n_unsent, unsent_room;
	size_t n_in;
	uint8_t in[IN_BYTES];
};

/* One answer is written at a time, so one buffer a thread is enough. */
static _Thread_local uint8_t out_buffer[LENGTH_BYTES + DNS_MAX_MESSAGE];

/* ---- the list by last activity ---- */

static void unlink_connection(struct tcp_connection *c)
{
	struct transport *t = c->transport;
	*(c->older != NULL ? &c->older->newer : &t->oldest) = c->newer;
	*(c->newer != NULL ? &c->newer->older : &t->newest) = c->older;
	c->older = c->newer = NULL;
}

static void link_newest(struct tcp_connection *c)
{
	struct transport *t = c->transport;
	c->older = t->newest;
	c->newer = NULL;
	*(t->newest != NULL ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
}

/* Something moved on it. */
static void touch(struct tcp_connection *c)
{
	struct transport *t = c->transport;
	unlink_connection(c);
	link_newest(c);
	timer_set(t->loop, &c->idle, loop_now_ns(t->loop) + t->limits.idle_ms * NS_PER_MS);
}

/* ---- ending ---- */

static void kill_connection(struct tcp_connection *c)
{
	struct transport *t = c->transport;
	if (c->is_dead)
		return;
	c->is_dead = true;
	loop_remove(t->loop, &c->watcher);
	close(c->watcher.fd);
	timer_cancel(t->loop, &c->idle);
	while (c->waiting != NULL) {
		struct query *q = c->waiting;
		c->waiting = q->next;
		serve_abandon(q);
		query_free(q);
	}
	unlink_connection(c);
	t->n_connections--;
	c->newer = t->dead; /* callers up the stack may still hold it: buried at the turn's end */
	t->dead = c;
}

void tcp_bury(struct transport *t)
{
	while (t->dead != NULL) {
		struct tcp_connection *c = t->dead;
		t->dead = c->newer;
		free(c->unsent);
		free(c);
	}
}

void tcp_close_all(struct transport *t)
{
	while (t->oldest != NULL)
		kill_connection(t->oldest);
}

static void idle_too_long(struct timer *timer)
{
	struct tcp_connection *c = CONTAINER_OF(timer, struct tcp_connection, idle);
	struct transport *t = c->transport;
	if (c->n_waiting > 0 && c->n_unsent == 0) /* we are the slow ones */
		timer_set(t->loop, &c->idle, loop_now_ns(t->loop) + t->limits.idle_ms * NS_PER_MS);
	else
		kill_connection(c);
}

/* ---- sending ---- */

/* Read only while there is room for what the answers will need: the client's own pressure. */
static void update_interest(struct tcp_connection *c)
{
	uint32_t want = 0;
	if (!c->is_eof && c->n_waiting < c->transport->limits.pipeline_max &&
	    c->n_unsent < UNSENT_MAX_BYTES)
		want |= EPOLLIN;
	if (c->n_unsent > 0)
		want |= EPOLLOUT;
	if (want != c->interest && loop_change(c->transport->loop, &c->watcher, want) == 0)
		c->interest = want;
}

static bool keep_unsent(struct tcp_connection *c, const uint8_t *p, size_t n)
{
	if (c->n_unsent + n > UNSENT_MAX_BYTES + LENGTH_BYTES + DNS_MAX_MESSAGE)
		return false;
	if (c->n_unsent + n > c->unsent_room) {
		size_t room = 2 * (c->n_unsent + n);
		uint8_t *bigger = realloc(c->unsent, room);
		if (bigger == NULL)
			return false;
		c->unsent = bigger;
		c->unsent_room = room;
	}
	memcpy(c->unsent + c->n_unsent, p, n);
	c->n_unsent += n;
	return true;
}

static void send_answer(struct tcp_connection *c, const uint8_t *p, size_t n)
{
	size_t sent = 0;
	if (c->n_unsent == 0) {
		ssize_t k = send(c->watcher.fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
			kill_connection(c);
			return;
		}
		sent = k > 0 ? (size_t)k : 0;
	}
	if (sent < n && !keep_unsent(c, p + sent, n - sent))
		kill_connection(c);
}

static void send_unsent(struct tcp_connection *c)
{
	ssize_t k = send(c->watcher.fd, c->unsent, c->n_unsent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (k < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			kill_connection(c);
		return;
	}
	c->n_unsent -= (size_t)k;
	memmove(c->unsent, c->unsent + k, c->n_unsent);
	touch(c);
}

static uint8_t *tcp_buffer(struct query *q, size_t *ret_room)
{
	(void)q;
	*ret_room = DNS_MAX_MESSAGE;
	return out_buffer + LENGTH_BYTES;
}

static void forget_waiting(struct tcp_connection *c, struct query *q)
{
	struct query **at = &c->waiting;
	while (*at != NULL && *at != q)
		at = &(*at)->next;
	if (*at == q) {
		*at = q->next;
		c->n_waiting--;
	}
}

/* Nothing more will come, and nothing is left to send. */
static bool is_over(const struct tcp_connection *c)
{
	return c->is_eof && c->n_waiting == 0 && c->n_unsent == 0;
}

static void tcp_finish(struct query *q)
{
	struct tcp_connection *c = q->transport;
	size_t n = q->out_bytes;
	bool was_parked = q->is_parked;
	if (was_parked)
		forget_waiting(c, q);
	query_free(q);
	if (n > 0 && !c->is_dead) {
		store16(out_buffer, (uint16_t)n);
		send_answer(c, out_buffer, LENGTH_BYTES + n);
	}
	if (was_parked && !c->is_dead) {
		touch(c);
		if (is_over(c))
			kill_connection(c);
		else
			update_interest(c);
	}
}

/* Only while nothing else is under way on it: then the next bytes are the new owner's. */
static int tcp_detach(struct query *q)
{
	struct tcp_connection *c = q->transport;
	if (c->is_dead || q->is_parked || c->n_waiting > 0 || c->n_unsent > 0)
		return -EBUSY;
	int fd = fcntl(c->watcher.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	kill_connection(c);
	return fd;
}

static const struct origin tcp_origin = {
	.name = "tcp",
	.protocol = EVENT_TCP,
	.is_stream = true,
	.buffer = tcp_buffer,
	.finish = tcp_finish,
	.detach = tcp_detach,
};

/* ---- receiving ---- */

static void run_message(struct tcp_connection *c, const uint8_t *msg, size_t n)
{
	struct query *q = query_new(c->transport->serve);
	if (q == NULL) {
		kill_connection(c);
		return;
	}
	q->origin = &tcp_origin;
	q->transport = c;
	q->peer = c->peer;
	q->peer_bytes = c->peer_bytes;
	q->client = c->client;
	q->local = c->local;
	q->local_interface = 0;
	q->is_cut = n > QUERY_IN_MAX;
	q->in_bytes = (uint16_t)(q->is_cut ? QUERY_IN_MAX : n);
	memcpy(q->in, msg, q->in_bytes);
	serve_query(q);
	if (c->is_dead || !q->is_parked || q->transport != c)
		return;
	q->next = c->waiting;
	c->waiting = q;
	c->n_waiting++;
}

/* Run the whole messages at hand, as many as may be in flight. */
static void run_messages(struct tcp_connection *c)
{
	size_t at = 0;
	while (!c->is_dead && c->n_in - at >= LENGTH_BYTES &&
	       c->n_waiting < c->transport->limits.pipeline_max && c->n_unsent < UNSENT_MAX_BYTES) {
		size_t n = load16(c->in + at);
		if (n < DNS_HEADER_BYTES || n > IN_BYTES - LENGTH_BYTES) {
			kill_connection(c); /* no question is like this, and we lost our place */
			return;
		}
		if (c->n_in - at - LENGTH_BYTES < n)
			break;
		run_message(c, c->in + at + LENGTH_BYTES, n);
		at += LENGTH_BYTES + n;
	}
	if (c->is_dead)
		return;
	c->n_in -= at;
	memmove(c->in, c->in + at, c->n_in);
}

static void receive(struct tcp_connection *c)
{
	ssize_t k = recv(c->watcher.fd, c->in + c->n_in, IN_BYTES - c->n_in, MSG_DONTWAIT);
	if (k < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			kill_connection(c);
		return;
	}
	if (k == 0) {
		/* The client may have closed its side only and still wait for answers. */
		c->is_eof = true;
		return;
	}
	c->n_in += (size_t)k;
	touch(c);
}

static void connection_ready(struct watcher *w, uint32_t events)
{
	struct tcp_connection *c = CONTAINER_OF(w, struct tcp_connection, watcher);
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		kill_connection(c);
		return;
	}
	if ((events & EPOLLOUT) != 0 && c->n_unsent > 0)
		send_unsent(c);
	if (!c->is_dead && (events & EPOLLIN) != 0 && c->n_in < IN_BYTES)
		receive(c);
	if (!c->is_dead)
		run_messages(c);
	if (c->is_dead)
		return;
	if (is_over(c))
		kill_connection(c);
	else
		update_interest(c);
}

/* ---- accepting ---- */

/* At the limit the longest idle connection goes, if none of its questions is being worked on. */
static bool make_room(struct transport *t)
{
	if (t->n_connections < t->limits.max_connections)
		return true;
	if (t->oldest == NULL || t->oldest->n_waiting > 0)
		return false;
	kill_connection(t->oldest);
	return true;
}

static void admit_connection(struct tcp_listener *l, int fd, const struct sockaddr_storage *peer,
                             socklen_t peer_bytes)
{
	struct transport *t = l->transport;
	struct tcp_connection *c = make_room(t) ? calloc(1, sizeof *c) : NULL;
	if (c == NULL) {
		close(fd);
		return;
	}
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	c->transport = t;
	c->watcher = (struct watcher){ .fd = fd, .ready = connection_ready };
	c->idle.fire = idle_too_long;
	c->peer = *peer;
	c->peer_bytes = peer_bytes;
	endpoint_from_sockaddr((const struct sockaddr *)peer, &c->client);
	struct sockaddr_storage local;
	socklen_t local_bytes = sizeof local;
	c->local = l->local;
	if (getsockname(fd, (struct sockaddr *)&local, &local_bytes) == 0)
		endpoint_from_sockaddr((const struct sockaddr *)&local, &c->local);
	c->interest = EPOLLIN;
	if (loop_add(t->loop, &c->watcher, EPOLLIN) != 0) {
		close(fd);
		free(c);
		return;
	}
	t->n_connections++;
	link_newest(c);
	timer_set(t->loop, &c->idle, loop_now_ns(t->loop) + t->limits.idle_ms * NS_PER_MS);
}

static void listener_ready(struct watcher *w, uint32_t events)
{
	(void)events;
	struct tcp_listener *l = CONTAINER_OF(w, struct tcp_listener, watcher);
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer;
		socklen_t peer_bytes = sizeof peer;
		int fd = accept4(w->fd, (struct sockaddr *)&peer, &peer_bytes,
		                 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if ((errno == EMFILE || errno == ENFILE) && l->transport->oldest != NULL) {
				kill_connection(l->transport->oldest);
				continue;
			}
			return;
		}
		admit_connection(l, fd, &peer, peer_bytes);
	}
}

int tcp_open(struct transport *t, const struct endpoint *local, struct tcp_listener **ret)
{
	struct sockaddr_storage sa;
	socklen_t sa_bytes = endpoint_to_sockaddr(local, &sa);
	int on = 1;
	struct tcp_listener *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->transport = t;
	l->local = *local;
	l->watcher.ready = listener_ready;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	l->watcher.fd = fd;
	int e = 0;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
	    (!local->addr.is_v4 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
	    bind(fd, (struct sockaddr *)&sa, sa_bytes) != 0 || listen(fd, BACKLOG) != 0)
		e = -errno;
	if (e == 0)
		e = loop_add(t->loop, &l->watcher, EPOLLIN);
	if (e != 0) {
		tcp_close(l);
		return e;
	}
	*ret = l;
	return 0;
}

void tcp_stop(struct tcp_listener *l)
{
	loop_remove(l->transport->loop, &l->watcher);
}

void tcp_close(struct tcp_listener *l)
{
	if (l->watcher.fd >= 0) {
		loop_remove(l->transport->loop, &l->watcher);
		close(l->watcher.fd);
	}
	free(l);
}
