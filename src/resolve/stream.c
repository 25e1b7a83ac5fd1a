/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One connection to a server: queries out, responses in. */
#include "resolve/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "dns/message.h"

enum {
	READ_ROUNDS = 8,
	ID_TRIES = 64,
	EDNS_KEEPALIVE = 11,       /* RFC 7828 3.1 */
	EDNS_PADDING = 12,         /* RFC 7830 3 */
	OPTION_BYTES = 4,          /* of code and length */
	KEEPALIVE_MARGIN_MS = 500, /* we close before the server does */
};

static struct loop *loop_of(const struct stream *s)
{
	return exchange_loop(streams_exchange(s->pool));
}

/* ---- asks ---- */

static void move(struct stream *s, unsigned from, unsigned to)
{
	s->asks[to] = s->asks[from];
	s->ids[to] = s->ids[from];
	s->asks[to]->stream_at = (uint16_t)to;
}

static void remove_at(struct stream *s, unsigned at)
{
	s->asks[at]->stream = NULL;
	s->n--;
	if (at < s->n_sent) { /* the last sent one fills the hole, and the last of all its place */
		s->n_sent--;
		if (at != s->n_sent)
			move(s, s->n_sent, at);
		at = s->n_sent;
	}
	if (at != s->n)
		move(s, s->n, at);
}

static int find_id(const struct stream *s, unsigned n, uint16_t id)
{
	for (unsigned i = 0; i < n; i++) {
		if (s->ids[i] == id)
			return (int)i;
	}
	return -1;
}

void stream_add(struct stream *s, struct ask *a)
{
	for (int tries = 0; tries < ID_TRIES; tries++) {
		a->id = random_u16();
		if (find_id(s, s->n, a->id) < 0)
			break;
	}
	a->stream = s;
	a->stream_at = (uint16_t)s->n;
	a->sent_ns = loop_now_ns(loop_of(s));
	s->asks[s->n] = a;
	s->ids[s->n] = a->id;
	s->n++;
	s->is_idle = false;
	if (s->state == STREAM_OPEN)
		streams_set_dirty(s);
}

struct ask *stream_take_back(struct stream *s)
{
	struct ask *a = s->asks[s->n - 1];
	remove_at(s, s->n - 1);
	return a;
}

/* Nobody waits any more: close it, or keep it for the next ask. */
static void settle(struct stream *s)
{
	if (s->n > 0 || s->is_busy)
		return;
	if (s->is_suspect || s->is_serial || s->idle_ms == 0) {
		streams_close(s);
		return;
	}
	/* The time limit of opening goes on; what comes unasked makes no idle one younger. */
	if (s->state != STREAM_OPEN || s->is_idle)
		return;
	s->is_idle = true;
	s->idle_ns = loop_now_ns(loop_of(s));
	timer_set(loop_of(s), &s->timer, s->idle_ns + s->idle_ms * NS_PER_MS);
}

void stream_cancel(struct ask *a)
{
	struct stream *s = a->stream;
	bool was_sent = a->stream_at < s->n_sent;
	/* Nothing came since: the server, or the way to it, may be gone. */
	if (s->heard_ns <= a->sent_ns)
		s->is_suspect = true;
	s->n_late += was_sent ? 1 : 0;
	remove_at(s, a->stream_at);
	settle(s);
}

/* ---- out ---- */

static void put_option(uint8_t *query, size_t *n, size_t rdlen_at, uint16_t code, size_t len)
{
	store16(query + *n, code);
	store16(query + *n + 2, (uint16_t)len);
	memset(query + *n + OPTION_BYTES, 0, len);
	*n += OPTION_BYTES + len;
	store16(query + rdlen_at, (uint16_t)(load16(query + rdlen_at) + OPTION_BYTES + len));
}

/* A query with its length before it; at most STREAM_QUERY_BYTES in all. */
static size_t write_query(const struct stream *s, const struct ask *a, uint8_t *ret)
{
	uint8_t *query = ret + 2;
	size_t n = exchange_write(a, query);
	if (a->with_edns) {
		/* The OPT record stands behind the question: root, type, class, TTL, length. */
		size_t rdlen_at = DNS_HEADER_BYTES + name_len(a->name) + 4 + 9;
		put_option(query, &n, rdlen_at, EDNS_KEEPALIVE, 0);
		if (s->tls != NULL) {
			size_t over = (n + OPTION_BYTES) % STREAM_PADDING;
			put_option(query, &n, rdlen_at, EDNS_PADDING,
			           over > 0 ? STREAM_PADDING - over : 0);
		}
	}
	store16(ret, (uint16_t)n);
	return n + 2;
}

static void fill_out(struct stream *s)
{
	uint64_t now_ns = loop_now_ns(loop_of(s));
	s->n_out = s->n_written = 0;
	while (s->n_sent < s->n && s->n_out + STREAM_QUERY_BYTES <= sizeof s->out) {
		struct ask *a = s->asks[s->n_sent++];
		a->sent_ns = now_ns; /* the round trip begins now, not with the handshake */
		s->n_out += write_query(s, a, s->out + s->n_out);
	}
}

static ssize_t send_some(struct stream *s, const uint8_t *bytes, size_t n)
{
	if (s->tls != NULL)
		return tls_write(s->tls, bytes, n);
	ssize_t k = send(s->watcher.fd, bytes, n, MSG_NOSIGNAL);
	return k >= 0 ? k : errno == EINTR ? -EAGAIN : -errno;
}

static int want(struct stream *s, uint32_t events)
{
	int e = 0;
	if (events != s->wanted_events)
		e = loop_change(loop_of(s), &s->watcher, events);
	if (e == 0)
		s->wanted_events = events;
	return e;
}

void stream_write(struct stream *s)
{
	int e = 0;
	for (;;) {
		if (s->n_written == s->n_out)
			fill_out(s);
		if (s->n_out == 0) {
			e = want(s, EPOLLIN);
			break;
		}
		ssize_t k = send_some(s, s->out + s->n_written, s->n_out - s->n_written);
		if (k == -EAGAIN) {
			e = want(s, EPOLLIN | EPOLLOUT);
			break;
		}
		if (k < 0) {
			e = (int)k;
			break;
		}
		s->n_written += (size_t)k;
	}
	if (e != 0) { /* its asks are told from the loop, not from inside of whoever sends */
		s->error = e;
		s->is_suspect = true;
		timer_set(loop_of(s), &s->timer, loop_now_ns(loop_of(s)));
	}
}

/* ---- in ---- */

/* RFC 7828 3.2.1: the server says how long it keeps an idle connection. */
static void read_keepalive(struct stream *s, struct message m)
{
	struct rr rr;
	while (message_next(&m, &rr) == 1) {
		if (rr.type != DNS_OPT)
			continue;
		for (size_t at = 0; at + OPTION_BYTES <= rr.rdata_len;) {
			size_t len = load16(rr.rdata + at + 2);
			if (at + OPTION_BYTES + len > rr.rdata_len)
				return;
			if (load16(rr.rdata + at) == EDNS_KEEPALIVE && len == 2) {
				uint32_t ms = load16(rr.rdata + at + OPTION_BYTES) * 100U;
				ms = ms > KEEPALIVE_MARGIN_MS ? ms - KEEPALIVE_MARGIN_MS : 0;
				s->idle_ms = ms < STREAM_IDLE_MAX_MS ? ms : STREAM_IDLE_MAX_MS;
				return;
			}
			at += OPTION_BYTES + len;
		}
	}
}

/* One message. 0, or -EBADMSG when there were too many that nobody asked for. */
static int take(struct stream *s, const uint8_t *bytes, size_t n)
{
	struct exchange *x = streams_exchange(s->pool);
	struct message m;
	int at = find_id(s, s->n_sent, load16(bytes));
	if (at < 0) {
		exchange_count_dropped(x);
		return ++s->n_stray > STREAM_STRAYS + s->n_late ? -EBADMSG : 0;
	}
	struct ask *a = s->asks[at];
	remove_at(s, (unsigned)at);
	s->heard_ns = loop_now_ns(loop_of(s));
	s->n_heard++;
	if (!exchange_accept(x, a, bytes, n, &m)) {
		exchange_fail(x, a, -EBADMSG);
		return 0;
	}
	if (s->n_heard == 1) {
		read_keepalive(s, m);
		streams_keep_ticket(s);
	}
	exchange_deliver(x, a, &m);
	return 0;
}

static ssize_t receive_some(struct stream *s, uint8_t *ret, size_t n)
{
	ssize_t k = s->tls != NULL ? tls_read(s->tls, ret, n) : recv(s->watcher.fd, ret, n, 0);
	if (k == 0)
		return -ECONNRESET;
	if (k > 0 || s->tls != NULL)
		return k;
	return errno == EINTR ? -EAGAIN : -errno;
}

/*
 * Servers that leave Nagle's algorithm on hold the next response back until the last one is
 * acknowledged, and the kernel waits up to 40 ms with that: acknowledge now.
 */
static void acknowledge(const struct stream *s)
{
	int on = 1;
	if (s->n_sent > 0)
		setsockopt(s->watcher.fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static int read_rounds(struct stream *s)
{
	size_t room;
	uint8_t *in = streams_in(s->pool, &room);
	for (int round = 0; round < READ_ROUNDS; round++) {
		ssize_t k = receive_some(s, in, room);
		if (k == -EAGAIN)
			break;
		if (k < 0)
			return (int)k;
		const uint8_t *at = in;
		const uint8_t *message;
		size_t left = (size_t)k;
		size_t n;
		int e;
		while ((e = frame_next(&s->frame, &at, &left, &message, &n)) == 1) {
			e = take(s, message, n);
			if (e != 0)
				return e;
		}
		if (e != 0)
			return e;
		if (s->tls == NULL && (size_t)k < room)
			break;
	}
	acknowledge(s);
	return 0;
}

static void read_in(struct stream *s)
{
	s->is_busy = true; /* those who are answered may cancel others, and ask anew */
	int e = read_rounds(s);
	s->is_busy = false;
	if (e != 0)
		streams_broke(s, e, NULL);
	else if (s->tls != NULL && tls_has_more(s->tls))
		timer_set(loop_of(s), &s->timer, loop_now_ns(loop_of(s)));
	else
		settle(s);
}

/* ---- opening ---- */

static void open_now(struct stream *s)
{
	s->state = STREAM_OPEN;
	timer_cancel(loop_of(s), &s->timer);
	streams_opened(s);
	stream_write(s);
	settle(s);
}

static void shake(struct stream *s)
{
	int e = tls_handshake(s->tls);
	if (e == -EAGAIN)
		e = want(s, tls_wants(s->tls));
	else if (e == 0) {
		open_now(s);
		return;
	}
	if (e != 0)
		streams_broke(s, e, tls_why(s->tls));
}

static void connected(struct stream *s)
{
	int error = 0;
	socklen_t n = sizeof error;
	if (getsockopt(s->watcher.fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error != 0) {
		streams_broke(s, -error, NULL);
		return;
	}
	if (s->tls == NULL) {
		open_now(s);
		return;
	}
	s->state = STREAM_SHAKING;
	shake(s);
}

static void ready(struct watcher *w, uint32_t events)
{
	struct stream *s = CONTAINER_OF(w, struct stream, watcher);
	if (s->state == STREAM_CONNECTING) {
		connected(s);
	} else if (s->state == STREAM_SHAKING) {
		shake(s);
	} else if (s->error == 0) {
		if ((events & EPOLLOUT) != 0)
			stream_write(s);
		if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
			read_in(s);
	}
}

static void timer_fired(struct timer *t)
{
	struct stream *s = CONTAINER_OF(t, struct stream, timer);
	if (s->error != 0)
		streams_broke(s, s->error, NULL);
	else if (s->state == STREAM_CONNECTING)
		streams_broke(s, -ETIMEDOUT, "no connection in time");
	else if (s->state == STREAM_SHAKING)
		streams_broke(s, -ETIMEDOUT, "no TLS handshake in time");
	else if (s->tls != NULL && tls_has_more(s->tls))
		read_in(s);
	else if (s->is_idle)
		streams_close(s);
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

int stream_connect(struct streams *p, const struct ask *a, const struct tls_ticket *ticket,
                   struct stream **ret)
{
	struct exchange *x = streams_exchange(p);
	struct loop *loop = exchange_loop(x);
	int fd = -1;
	int e = start_connecting(x, &a->server, &fd);
	if (e != 0)
		return e;
	struct stream *s = calloc(1, sizeof *s);
	if (s != NULL && a->tls != NULL)
		e = tls_open(a->tls, fd, ticket, &s->tls);
	if (s == NULL || e != 0) {
		close(fd);
		free(s);
		return -ENOMEM;
	}
	s->watcher = (struct watcher){ .fd = fd, .ready = ready };
	s->timer.fire = timer_fired;
	s->pool = p;
	s->server = a->server;
	s->tls_client = a->tls;
	s->idle_ms = a->tls != NULL ? STREAM_TLS_IDLE_MS : STREAM_IDLE_MS;
	s->wanted_events = EPOLLOUT;
	e = loop_add(loop, &s->watcher, EPOLLOUT);
	if (e != 0) {
		tls_close(s->tls);
		close(fd);
		free(s);
		return e;
	}
	uint32_t limit_ms = streams_connect_ms(p) * (a->tls != NULL ? 2 : 1);
	timer_set(loop, &s->timer, loop_now_ns(loop) + limit_ms * NS_PER_MS);
	*ret = s;
	return 0;
}

void stream_free(struct stream *s)
{
	timer_cancel(loop_of(s), &s->timer);
	loop_remove(loop_of(s), &s->watcher);
	tls_close(s->tls);
	close(s->watcher.fd);
	frame_done(&s->frame);
	free(s);
}
