/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "dns/reply.h"
#include "resolve/stream.h"

enum {
	IN_BYTES = 2048,
	RECEIVE_ROUNDS = 4,
	FLUSH_ROUNDS = 8,
	UNSENT_MAX = 256, /* more are found out by their timeouts */
};

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* One family's sockets, and what is to be sent at the end of this turn. */
struct family {
	struct socket_pool pool;
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
	struct ask **slots;   /* by (socket, id) */
	struct ask **flights; /* by (server, question): one packet for all who ask the same */
	struct ask *delivering;
	uint32_t slot_mask;
	uint32_t next_serial;
	struct streams *streams;
	struct exchange_counts counts;
	unsigned n_unsent;
	struct unsent unsent[UNSENT_MAX];
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

static void receive(struct watcher *w, uint32_t events);

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
	x->flights = calloc(n_slots, sizeof *x->flights);
	int e = x->slots == NULL || x->flights == NULL ? -ENOMEM : 0;
	for (int f = 0; f < 2; f++) {
		bool is_v4 = f == 0;
		x->families[f].pool = (struct socket_pool){
			.x = x,
			.loop = config->loop,
			.is_v4 = is_v4,
			.n = config->n_sockets,
			.n_sources = is_v4 ? config->n_sources_v4 : config->n_sources_v6,
			.sources = is_v4 ? config->sources_v4 : config->sources_v6,
			.next_serial = &x->next_serial,
			.ready = receive
		};
		if (e == 0)
			e = socket_pool_init(&x->families[f].pool);
	}
	if (e == 0)
		e = streams_new(x, config->connect_ms, &x->streams);
	if (e != 0) {
		exchange_free(x);
		return e;
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

void exchange_free(struct exchange *x)
{
	if (x == NULL)
		return;
	for (int f = 0; f < 2; f++)
		socket_pool_done(&x->families[f].pool);
	streams_free(x->streams);
	free(x->slots);
	free(x->flights);
	free(x);
}

const struct addr *exchange_source(const struct exchange *x, bool is_v4)
{
	return socket_source(&x->families[is_v4 ? 0 : 1].pool);
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

static struct ask **flight_of(struct exchange *x, const struct ask *a)
{
	return &x->flights[(a->key >> 20) & x->slot_mask];
}

static void link_ask(struct ask **head, struct ask *a)
{
	a->next = *head;
	a->at = head;
	if (*head != NULL)
		(*head)->at = &a->next;
	*head = a;
}

static void unlink_ask(struct ask *a)
{
	if (a->at == NULL)
		return;
	*a->at = a->next;
	if (a->next != NULL)
		a->next->at = a->at;
	a->at = NULL;
}

/* The same with the list of a socket's asks. */
static void link_to_socket(struct udp_socket *s, struct ask *a)
{
	a->socket = s;
	a->next_here = s->asks;
	a->at_here = &s->asks;
	if (s->asks != NULL)
		s->asks->at_here = &a->next_here;
	s->asks = a;
	s->n_waiting++;
}

static void unlink_from_socket(struct ask *a)
{
	*a->at_here = a->next_here;
	if (a->next_here != NULL)
		a->next_here->at_here = a->at_here;
	a->socket->n_waiting--;
	a->socket = NULL;
}

/* It waits no longer. Those who wait with it are left to the caller. */
static void forget(struct exchange *x, struct ask *a)
{
	*slot_of(x, a->socket->serial, a->id) = NULL;
	unlink_from_socket(a);
	unlink_ask(a);
}

/* Whoever waited with it waits in its place. */
static void hand_over(struct exchange *x, struct ask *a, struct ask *heir)
{
	struct udp_socket *s = a->socket;
	unlink_ask(heir);
	heir->id = a->id;
	heir->proof = a->proof;
	heir->n_wrong_before = a->n_wrong_before;
	heir->is_stale = a->is_stale;
	heir->leader = NULL;
	heir->followers = a->followers;
	if (heir->followers != NULL)
		heir->followers->at = &heir->followers;
	for (struct ask *f = heir->followers; f != NULL; f = f->next)
		f->leader = heir;
	a->followers = NULL;
	forget(x, a);
	*slot_of(x, s->serial, heir->id) = heir;
	link_to_socket(s, heir);
	if (!heir->is_stale)
		link_ask(flight_of(x, heir), heir);
}

void exchange_cancel(struct exchange *x, struct ask *a)
{
	if (a->socket != NULL && a->followers != NULL)
		hand_over(x, a, a->followers);
	else if (a->socket != NULL)
		forget(x, a);
	else
		unlink_ask(a); /* it waited with another one, or not at all */
	a->leader = NULL;
	if (a->stream != NULL)
		stream_cancel(a);
}

void exchange_timed_out(struct exchange *x, struct ask *a)
{
	struct ask *leader = a->leader != NULL ? a->leader : a;
	/* Its packet is as good as lost: the next one who asks the same sends another. */
	if (leader->socket != NULL && !leader->is_stale) {
		leader->is_stale = true;
		unlink_ask(leader);
	}
	exchange_cancel(x, a);
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
	size_t n = reply_write_query(buf, a->id, a->name, a->type, a->rd, a->cd, a->with_edns);
	return proof_mark(&a->proof, buf, n, name_len(a->name));
}

/*
 * The same question that waits for the same server already. Outstanding twice, it would give a
 * forger two ids to hit at a time (RFC 5452 5).
 */
static struct ask *find_flight(struct exchange *x, const struct ask *a)
{
	struct ask *f = *flight_of(x, a);
	for (; f != NULL; f = f->next) {
		if (f->key == a->key && f->type == a->type && f->with_edns == a->with_edns &&
		    f->rd == a->rd && f->cd == a->cd && f->server.port == a->server.port &&
		    addr_equal(&f->server.addr, &a->server.addr) && name_equal(f->name, a->name))
			return f;
	}
	return NULL;
}

static int find_slot(struct exchange *x, struct ask *a, const struct udp_socket *s)
{
	for (int tries = 0; tries < 64; tries++) {
		a->id = random_u16();
		struct ask **slot = slot_of(x, s->serial, a->id);
		if (*slot == NULL) {
			*slot = a;
			return 0;
		}
	}
	return -EAGAIN;
}

int exchange_send(struct exchange *x, struct ask *a)
{
	bool is_v4 = a->server.addr.is_v4;
	struct family *y = &x->families[is_v4 ? 0 : 1];
	a->key = (name_hash(a->name) ^ a->server_tag) + a->type * 0x9e3779b97f4a7c15ULL;
	a->followers = NULL;
	a->is_stale = a->has_wrong_case = false;
	struct ask *leader = find_flight(x, a);
	if (leader != NULL) {
		a->leader = leader;
		a->sent_ns = leader->sent_ns;
		link_ask(&leader->followers, a);
		count(&x->counts.joined, 1);
		return 0;
	}
	if (y->n_out == EXCHANGE_BATCH)
		send_batch(x, y);
	int e = y->socket == NULL ? socket_draw(&y->pool, &y->socket) : 0;
	if (e == 0)
		e = find_slot(x, a, y->socket);
	if (e != 0)
		return e;
	link_to_socket(y->socket, a);
	link_ask(flight_of(x, a), a);
	a->n_wrong_before = a->socket->n_wrong;
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

/* ---- ends ---- */

/* An ask waits no longer, nor do those who waited with it: next_delivered() gives them. */
static void take_off(struct exchange *x, struct ask *a)
{
	x->delivering = a->followers;
	a->followers = NULL;
	if (x->delivering != NULL)
		x->delivering->at = &x->delivering;
	for (struct ask *f = x->delivering; f != NULL; f = f->next) {
		f->leader = NULL;
		f->id = a->id;
		f->proof = a->proof;
	}
	forget(x, a);
}

/* The list shrinks by itself when what one is told ends another. */
static struct ask *next_delivered(struct exchange *x)
{
	struct ask *a = x->delivering;
	if (a != NULL)
		unlink_ask(a);
	return a;
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
		take_off(x, a);
		do {
			x->config.failed(a, unsent[i].error);
			a = next_delivered(x);
		} while (a != NULL);
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
	for (int f = 0; f < 2; f++)
		socket_close_retired(&x->families[f].pool);
	streams_flush(x->streams);
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

static void doubt(struct exchange *x, struct ask *a, enum exchange_doubt why)
{
	count(&x->counts.doubts[why], 1);
	take_off(x, a);
	do {
		x->config.doubted(a, why);
		a = next_delivered(x);
	} while (a != NULL);
}

/*
 * A response that is nobody's: late, or forged. Who sends many of them while an ask waits for
 * the address they seem to come from is guessing, so that ask goes to TCP. Decoys from elsewhere
 * put it off, but not for long.
 */
static void note_wrong(struct exchange *x, struct udp_socket *s, const union sockaddr_any *from)
{
	count(&x->counts.dropped, 1);
	if (++s->n_wrong % EXCHANGE_MAX_WRONG != 0)
		return;
	for (struct ask *a = s->asks, *next; a != NULL; a = next) {
		next = a->next_here;
		unsigned n = s->n_wrong - a->n_wrong_before;
		bool is_its = is_from(from, &a->server);
		if (n < (is_its ? EXCHANGE_MAX_WRONG : EXCHANGE_MAX_WRONG_ANY))
			continue;
		doubt(x, a, EXCHANGE_DOUBT_FLOOD);
		break; /* what was told may have ended the next one; they have their turn soon */
	}
}

/*
 * The random case has done its work. Names in the records may be pointers to the question: they
 * shall not carry our dice on to clients. The bytes are our own buffer's.
 */
static void settle_case(struct message *m, const struct ask *a)
{
	if (m->question != NULL)
		memcpy((uint8_t *)m->question, a->name, name_len(a->name));
}

static void believe(struct exchange *x, struct ask *a, unsigned i, struct message *m)
{
	const uint8_t *bytes = x->in_bytes[i];
	size_t n = x->in[i].msg_len;
	bool is_cut = (x->in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
	take_off(x, a);
	settle_case(m, a);
	do {
		if (is_cut)
			m->flags |= FLAG_TC;
		x->config.answered(a, m, false);
		a = next_delivered(x);
		/* The one before may have used the scratch up. */
	} while (a != NULL &&
	         message_open(bytes, n, x->config.scratch, x->config.scratch_bytes, m) == 0);
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
		note_wrong(x, s, &x->in_from[i]);
		return;
	}
	switch (proof_check(&a->proof, &m, a->name)) {
	case PROOF_GOOD:
		believe(x, a, i, &m);
		return;
	case PROOF_FORGED_CASE:
		a->has_wrong_case = true;
		count(&x->counts.wrong_case, 1);
		note_wrong(x, s, &x->in_from[i]);
		return;
	case PROOF_FORGED_COOKIE:
		count(&x->counts.wrong_cookie, 1);
		note_wrong(x, s, &x->in_from[i]);
		return;
	case PROOF_DOUBT_CASE:
		doubt(x, a, EXCHANGE_DOUBT_CASE);
		return;
	case PROOF_DOUBT_COOKIE:
		doubt(x, a, EXCHANGE_DOUBT_COOKIE);
		return;
	case PROOF_DOUBT_BARE:
		doubt(x, a, EXCHANGE_DOUBT_BARE);
		return;
	case PROOF_BAD_COOKIE:
		doubt(x, a, EXCHANGE_BAD_COOKIE);
		return;
	}
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

/* ---- streams ---- */

int exchange_send_stream(struct exchange *x, struct ask *a)
{
	a->sent_ns = loop_now_ns(x->config.loop);
	int e = streams_ask(x->streams, a);
	if (e == 0)
		count(&x->counts.out, 1);
	return e;
}

struct loop *exchange_loop(const struct exchange *x)
{
	return x->config.loop;
}

void exchange_count_connection(struct exchange *x)
{
	count(&x->counts.connections, 1);
}

void exchange_count_reused(struct exchange *x)
{
	count(&x->counts.reused, 1);
}

void exchange_count_tls(struct exchange *x, bool is_resumed)
{
	count(&x->counts.tls_opened, 1);
	if (is_resumed)
		count(&x->counts.tls_resumed, 1);
}

void exchange_count_dropped(struct exchange *x)
{
	count(&x->counts.dropped, 1);
}

void exchange_deliver(struct exchange *x, struct ask *a, struct message *m)
{
	count(&x->counts.in, 1);
	(void)proof_check(&a->proof, m, a->name); /* what it shows is learnt, and believed */
	settle_case(m, a);
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
