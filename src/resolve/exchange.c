/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "dns/reply.h"

enum {
	IN_BYTES = 2048,
	RECEIVE_ROUNDS = 4,
	PORT_TRIES = 16,
	PORT_MIN = 1024,
	USES_MIN = 2048,
	USES_SPREAD = 4096,
	IDLE_MAX_S = 60,
	BUFFER_BYTES = 1 << 19,
	FLUSH_ROUNDS = 8,
	UNSENT_MAX = 256, /* more are found out by their timeouts */
};

struct udp_socket {
	struct watcher watcher;
	struct exchange *x;
	uint64_t opened_ns;
	uint32_t serial; /* of all sockets ever opened here */
	unsigned n_waiting, n_used, max_used;
	struct udp_socket *next; /* in x->retired */
};

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* One family's sockets, and what is to be sent at the end of this turn. */
struct family {
	struct udp_socket **pool;
	struct udp_socket *socket; /* this turn's; NULL: not drawn yet */
	unsigned n_out;
	struct mmsghdr out[EXCHANGE_BATCH];
	struct iovec out_iov[EXCHANGE_BATCH];
	union sockaddr_any out_to[EXCHANGE_BATCH];
	uint16_t out_id[EXCHANGE_BATCH];
	uint8_t out_bytes[EXCHANGE_BATCH][EXCHANGE_OUT_BYTES];
};

/* A datagram that the kernel would not take. */
struct unsent {
	uint32_t serial;
	uint16_t id;
	int error;
};

struct exchange {
	struct exchange_config config;
	struct ask **slots;
	uint32_t slot_mask;
	uint32_t next_serial;
	unsigned n_streams;
	struct exchange_counts counts;
	unsigned n_unsent;
	struct unsent unsent[UNSENT_MAX];
	struct udp_socket *retired; /* no longer drawn, responses are still to come */
	struct mmsghdr in[EXCHANGE_BATCH];
	struct iovec in_iov[EXCHANGE_BATCH];
	union sockaddr_any in_from[EXCHANGE_BATCH];
	uint8_t in_bytes[EXCHANGE_BATCH][IN_BYTES];
	struct family families[2]; /* IPv4, IPv6 */
};

static void count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}

int exchange_new(const struct exchange_config *config, struct exchange **ret)
{
	struct exchange *x = calloc(1, sizeof *x);
	if (x == NULL)
		return -ENOMEM;
	x->config = *config;
	/* Twice as many slots as asks: an id that is in use is drawn again, and seldom is. */
	uint32_t n_slots = 1024;
	while (n_slots < 2 * config->max_asks)
		n_slots *= 2;
	x->slot_mask = n_slots - 1;
	x->slots = calloc(n_slots, sizeof *x->slots);
	for (int f = 0; f < 2; f++)
		x->families[f].pool = calloc(config->n_sockets, sizeof *x->families[f].pool);
	if (x->slots == NULL || x->families[0].pool == NULL || x->families[1].pool == NULL) {
		exchange_free(x);
		return -ENOMEM;
	}
	for (int i = 0; i < EXCHANGE_BATCH; i++) {
		x->in_iov[i] = (struct iovec){ x->in_bytes[i], IN_BYTES };
		x->in[i].msg_hdr = (struct msghdr){ .msg_name = &x->in_from[i],
			                            .msg_namelen = sizeof x->in_from[i],
			                            .msg_iov = &x->in_iov[i],
			                            .msg_iovlen = 1 };
		for (int f = 0; f < 2; f++) {
			struct family *y = &x->families[f];
			y->out_iov[i].iov_base = y->out_bytes[i];
			y->out[i].msg_hdr = (struct msghdr){ .msg_name = &y->out_to[i],
				                             .msg_iov = &y->out_iov[i],
				                             .msg_iovlen = 1 };
		}
	}
	*ret = x;
	return 0;
}

/* ---- sockets ---- */

static void socket_close(struct udp_socket *s)
{
	if (s == NULL)
		return;
	loop_remove(s->x->config.loop, &s->watcher);
	close(s->watcher.fd);
	free(s);
}

void exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	for (int f = 0; f < 2; f++) {
		for (unsigned i = 0; x->families[f].pool != NULL && i < x->config.n_sockets; i++)
			socket_close(x->families[f].pool[i]);
		free(x->families[f].pool);
	}
	while (x->retired != NULL) {
		struct udp_socket *s = x->retired;
		x->retired = s->next;
		socket_close(s);
	}
	free(x->slots);
	free(x);
}

const struct addr *exchange_source(const struct exchange *x, bool is_v4)
{
	return is_v4 ? x->config.source_v4 : x->config.source_v6;
}

/* Our own choice of port (RFC 5452 9.2: of all that may be used), not the kernel's next one. */
static int bind_random(const struct exchange *x, int fd, bool is_v4)
{
	const struct addr *source = exchange_source(x, is_v4);
	struct sockaddr_storage ss;
	struct endpoint e = { .addr = { .is_v4 = is_v4 } };
	if (is_v4)
		e.addr = addr_v4(INADDR_ANY);
	if (source != NULL)
		e.addr = *source;
	for (int tries = 0; tries < PORT_TRIES; tries++) {
		e.port = (uint16_t)(PORT_MIN + random_below(65536 - PORT_MIN));
		socklen_t n = endpoint_to_sockaddr(&e, &ss);
		if (bind(fd, (struct sockaddr *)&ss, n) == 0)
			return 0;
		if (errno != EADDRINUSE && errno != EACCES)
			return -errno;
	}
	e.port = 0;
	socklen_t n = endpoint_to_sockaddr(&e, &ss);
	return bind(fd, (struct sockaddr *)&ss, n) == 0 ? 0 : -errno;
}

static void receive(struct watcher *w, uint32_t events);

static int socket_open(struct exchange *x, bool is_v4, struct udp_socket **ret)
{
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int on = 1;
	int size = BUFFER_BYTES;
	if (!is_v4)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	/* Best effort: the kernel's own sizes do too. */
	/* Questions fit every path: no news of its MTU is believed, and none gets fragmented. */
	int probe = IP_PMTUDISC_PROBE;
	if (is_v4)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	struct udp_socket *s = calloc(1, sizeof *s);
	int e = s == NULL ? -ENOMEM : bind_random(x, fd, is_v4);
	if (e == 0) {
		s->watcher = (struct watcher){ .fd = fd, .ready = receive };
		e = loop_add(x->config.loop, &s->watcher, EPOLLIN);
	}
	if (e != 0) {
		close(fd);
		free(s);
		return e;
	}
	s->x = x;
	s->serial = x->next_serial++;
	s->opened_ns = loop_now_ns(x->config.loop);
	s->max_used = USES_MIN + random_below(USES_SPREAD);
	*ret = s;
	return 0;
}

static bool is_worn(const struct exchange *x, const struct udp_socket *s)
{
	uint64_t age_ns = loop_now_ns(x->config.loop) - s->opened_ns;
	return s->n_used >= s->max_used ||
	       (s->n_waiting == 0 && s->n_used > 0 && age_ns > IDLE_MAX_S * NS_PER_S);
}

/* This turn's socket of a family: one of the pool, at random. */
static int draw_socket(struct exchange *x, struct family *y, bool is_v4)
{
	unsigned n = x->config.n_sockets;
	unsigned at = random_below(n);
	struct udp_socket *old = y->pool[at];
	struct udp_socket *fresh = NULL;
	int e = 0;
	if (old == NULL || is_worn(x, old))
		e = socket_open(x, is_v4, &fresh);
	if (fresh != NULL) {
		y->pool[at] = fresh;
		if (old != NULL) { /* closed when its last response is in */
			old->next = x->retired;
			x->retired = old;
		}
	}
	/* Out of descriptors: any that is open will do. */
	for (unsigned i = 0; y->pool[at] == NULL && i < n; i++)
		at = (at + 1) % n;
	y->socket = y->pool[at];
	return y->socket != NULL ? 0 : e;
}

static void close_retired(struct exchange *x)
{
	struct udp_socket **at = &x->retired;
	while (*at != NULL) {
		struct udp_socket *s = *at;
		if (s->n_waiting == 0) {
			*at = s->next;
			socket_close(s);
		} else {
			at = &s->next;
		}
	}
}

/* ---- asking ---- */

static struct ask **slot_of(struct exchange *x, uint32_t serial, uint16_t id)
{
	return &x->slots[(serial * 0x9e3779b1U + id) & x->slot_mask];
}

static struct ask *find_ask(struct exchange *x, const struct udp_socket *s, uint16_t id)
{
	struct ask *a = *slot_of(x, s->serial, id);
	return a != NULL && a->socket == s && a->id == id ? a : NULL;
}

static void forget(struct exchange *x, struct ask *a)
{
	*slot_of(x, a->socket->serial, a->id) = NULL;
	a->socket->n_waiting--;
	a->socket = NULL;
}

void exchange_cancel(struct exchange *x, struct ask *a)
{
	if (a->socket != NULL)
		forget(x, a);
	if (a->stream != NULL) {
		stream_close(a->stream);
		a->stream = NULL;
	}
}

static void send_batch(struct exchange *x, struct family *y);

/* As endpoint_to_sockaddr(), but without a whole sockaddr_storage: this is the hot path. */
static socklen_t write_address(union sockaddr_any *to, const struct endpoint *e)
{
	if (e->addr.is_v4) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(e->port);
		memcpy(&to->v4.sin_addr, e->addr.bytes + 12, 4);
		return sizeof to->v4;
	}
	to->v6.sin6_family = AF_INET6; /* flow and scope stay zero: each family has its own array */
	to->v6.sin6_port = htons(e->port);
	memcpy(&to->v6.sin6_addr, e->addr.bytes, 16);
	return sizeof to->v6;
}

size_t exchange_write(const struct ask *a, uint8_t *buf)
{
	return reply_write_query(buf, a->id, a->name, a->type, a->rd, false, a->with_edns);
}

int exchange_send(struct exchange *x, struct ask *a)
{
	bool is_v4 = a->server.addr.is_v4;
	struct family *y = &x->families[is_v4 ? 0 : 1];
	if (y->n_out == EXCHANGE_BATCH)
		send_batch(x, y);
	int e = y->socket == NULL ? draw_socket(x, y, is_v4) : 0;
	if (e != 0)
		return e;
	struct ask **slot = NULL;
	for (int tries = 0; tries < 64; tries++) {
		a->id = random_u16();
		slot = slot_of(x, y->socket->serial, a->id);
		if (*slot == NULL)
			break;
	}
	if (*slot != NULL)
		return -EAGAIN;
	*slot = a;
	a->socket = y->socket;
	a->socket->n_waiting++;
	a->socket->n_used++;
	a->sent_ns = loop_now_ns(x->config.loop);
	unsigned i = y->n_out++;
	y->out_id[i] = a->id;
	y->out_iov[i].iov_len = exchange_write(a, y->out_bytes[i]);
	y->out[i].msg_hdr.msg_namelen = write_address(&y->out_to[i], &a->server);
	count(&x->counts.out, 1);
	return 0;
}

/* Send what waits. What the kernel would not take is told its ask at the end of the turn. */
static void send_batch(struct exchange *x, struct family *y)
{
	struct udp_socket *s = y->socket;
	unsigned n = y->n_out;
	for (unsigned i = 0; i < n;) {
		int k = sendmmsg(s->watcher.fd, y->out + i, n - i, 0);
		if (k > 0) {
			i += (unsigned)k;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			break; /* as good as lost on the way: they are asked again */
		if (x->n_unsent < UNSENT_MAX)
			x->unsent[x->n_unsent++] = (struct unsent){ .serial = s->serial,
				                                    .id = y->out_id[i],
				                                    .error = -errno };
		i++;
	}
	y->n_out = 0;
	y->socket = NULL;
}

static void tell_unsent(struct exchange *x)
{
	struct unsent unsent[UNSENT_MAX];
	unsigned n = x->n_unsent;
	memcpy(unsent, x->unsent, n * sizeof unsent[0]);
	x->n_unsent = 0;
	for (unsigned i = 0; i < n; i++) {
		struct ask *a = *slot_of(x, unsent[i].serial, unsent[i].id);
		/* It may have gone on meanwhile. */
		if (a == NULL || a->id != unsent[i].id || a->socket == NULL ||
		    a->socket->serial != unsent[i].serial)
			continue;
		forget(x, a);
		x->config.failed(a, unsent[i].error);
	}
}

void exchange_flush(struct exchange *x)
{
	for (int round = 0; round < FLUSH_ROUNDS; round++) {
		for (int f = 0; f < 2; f++) {
			if (x->families[f].n_out > 0)
				send_batch(x, &x->families[f]);
		}
		if (x->n_unsent == 0)
			break;
		tell_unsent(x);
	}
	if (x->retired != NULL)
		close_retired(x);
}

/* ---- responses ---- */

static bool is_from(const union sockaddr_any *from, const struct endpoint *e)
{
	if (e->addr.is_v4)
		return from->sa.sa_family == AF_INET && from->v4.sin_port == htons(e->port) &&
		       memcmp(&from->v4.sin_addr, e->addr.bytes + 12, 4) == 0;
	return from->sa.sa_family == AF_INET6 && from->v6.sin6_port == htons(e->port) &&
	       memcmp(&from->v6.sin6_addr, e->addr.bytes, 16) == 0;
}

bool exchange_accept(struct exchange *x, const struct ask *a, const uint8_t *bytes, size_t n,
                     struct message *ret)
{
	struct message m;
	if (message_open(bytes, n, x->config.scratch, x->config.scratch_bytes, &m) != 0)
		return false;
	if (m.id != a->id || (m.flags & FLAG_QR) == 0 || (m.flags >> 11 & 0xf) != 0)
		return false;
	if (m.question == NULL) {
		/* Old servers send back a bare header for what they cannot read, e.g. EDNS. */
		unsigned rcode = m.flags & 0xf;
		if (rcode != RCODE_FORMERR && rcode != RCODE_NOTIMP)
			return false;
	} else if (m.type != a->type || m.class != DNS_CLASS_IN ||
	           !name_equal(m.question_lower, a->name)) {
		return false;
	}
	*ret = m;
	return true;
}

static void take(struct exchange *x, struct udp_socket *s, unsigned i)
{
	const uint8_t *bytes = x->in_bytes[i];
	size_t n = x->in[i].msg_len;
	struct ask *a = n >= DNS_HEADER_BYTES ? find_ask(x, s, load16(bytes)) : NULL;
	struct message m;
	count(&x->counts.in, 1);
	if (a == NULL || !is_from(&x->in_from[i], &a->server) ||
	    !exchange_accept(x, a, bytes, n, &m)) {
		count(&x->counts.dropped, 1);
		return;
	}
	if ((x->in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0)
		m.flags |= FLAG_TC;
	forget(x, a);
	x->config.answered(a, &m, false);
}

static void receive(struct watcher *w, uint32_t events)
{
	(void)events;
	struct udp_socket *s = CONTAINER_OF(w, struct udp_socket, watcher);
	struct exchange *x = s->x;
	for (int round = 0; round < RECEIVE_ROUNDS; round++) {
		int n = recvmmsg(w->fd, x->in, EXCHANGE_BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			take(x, s, (unsigned)i);
			x->in[i].msg_hdr.msg_namelen = sizeof x->in_from[i];
		}
		if (n < EXCHANGE_BATCH)
			break;
	}
}

/* ---- for stream.c ---- */

int exchange_send_stream(struct exchange *x, struct ask *a)
{
	if (x->n_streams == EXCHANGE_MAX_STREAMS)
		return -EAGAIN;
	a->id = random_u16();
	a->sent_ns = loop_now_ns(x->config.loop);
	int e = stream_open(x, a);
	if (e != 0)
		return e;
	x->n_streams++;
	count(&x->counts.connections, 1);
	count(&x->counts.out, 1);
	return 0;
}

struct loop *exchange_loop(const struct exchange *x)
{
	return x->config.loop;
}

void exchange_stream_done(struct exchange *x)
{
	x->n_streams--;
}

void exchange_deliver(struct exchange *x, struct ask *a, struct message *m)
{
	count(&x->counts.in, 1);
	x->config.answered(a, m, true);
}

void exchange_fail(struct exchange *x, struct ask *a, int error)
{
	x->config.failed(a, error);
}

const struct exchange_counts *exchange_counts(const struct exchange *x)
{
	return &x->counts;
}
