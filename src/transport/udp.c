/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transport/transport.h"

enum {
	BATCH = 64,
	BATCHES_A_TURN = 4,      /* then others have their turn */
	SOCKET_BUFFER = 4 << 20, /* some 10,000 small datagrams: a burst while a core is busy */
	CONTROL_BYTES = 64,      /* one in_pktinfo or in6_pktinfo with its head */
};

/* An answer waiting to be sent. */
struct outgoing {
	struct sockaddr_storage to;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_BYTES];
	uint8_t bytes[QUERY_OUT_MIN];
};

struct udp_socket {
	struct watcher watcher;
	struct transport *transport;
	struct endpoint local;
	bool is_wildcard;
	unsigned n_out;
	struct query *in[BATCH];
	struct mmsghdr in_heads[BATCH];
	struct iovec in_vecs[BATCH];
	_Alignas(struct cmsghdr) uint8_t in_control[BATCH][CONTROL_BYTES];
	struct mmsghdr out_heads[BATCH];
	struct iovec out_vecs[BATCH];
	struct outgoing out[BATCH];
};

/* ---- sending ---- */

void udp_flush(struct udp_socket *u)
{
	unsigned at = 0;
	if (u->n_out > 0)
		serve_before_send(u->transport->serve);
	while (at < u->n_out) {
		int n = sendmmsg(u->watcher.fd, u->out_heads + at, u->n_out - at, MSG_DONTWAIT);
		if (n > 0)
			at += (unsigned)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break; /* the kernel's buffer is full: as if lost on the way */
		else
			at++; /* this one cannot be sent (no route, forbidden): the others can */
	}
	u->n_out = 0;
}

static uint8_t *udp_buffer(struct query *q, size_t *ret_room)
{
	struct udp_socket *u = q->transport;
	if (u->n_out == BATCH)
		udp_flush(u);
	*ret_room = QUERY_OUT_MIN;
	return u->out[u->n_out].bytes;
}

/* Answer from the address that was asked, or clients and their firewalls drop the answer. */
static void set_source(struct udp_socket *u, const struct query *q, unsigned i)
{
	struct msghdr *h = &u->out_heads[i].msg_hdr;
	struct cmsghdr *c = (struct cmsghdr *)u->out[i].control;
	h->msg_control = c;
	if (q->local.addr.is_v4) {
		struct in_pktinfo info = { .ipi_ifindex = 0 };
		memcpy(&info.ipi_spec_dst, q->local.addr.bytes + 12, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof info);
		memcpy(CMSG_DATA(c), &info, sizeof info);
		h->msg_controllen = CMSG_SPACE(sizeof info);
	} else {
		struct in6_pktinfo info = { .ipi6_ifindex = q->local_interface };
		memcpy(&info.ipi6_addr, q->local.addr.bytes, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof info);
		memcpy(CMSG_DATA(c), &info, sizeof info);
		h->msg_controllen = CMSG_SPACE(sizeof info);
	}
}

static void udp_finish(struct query *q)
{
	struct udp_socket *u = q->transport;
	if (q->out_bytes > 0) {
		unsigned i = u->n_out++;
		memcpy(&u->out[i].to, &q->peer, q->peer_bytes);
		u->out_vecs[i].iov_len = q->out_bytes;
		u->out_heads[i].msg_hdr.msg_namelen = q->peer_bytes;
		if (u->is_wildcard)
			set_source(u, q, i);
	}
	if (q->is_parked)
		query_free(q); /* else it stays in its place of the batch */
}

static const struct origin udp_origin = {
	.name = "udp",
	.protocol = EVENT_UDP,
	.is_stream = false,
	.buffer = udp_buffer,
	.finish = udp_finish,
};

/* ---- receiving ---- */

static void read_destination(struct query *q, struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			q->local.addr = addr_from_bytes4((const uint8_t *)&info.ipi_spec_dst);
			q->local_interface = (uint32_t)info.ipi_ifindex;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			q->local.addr = addr_from_bytes16((const uint8_t *)&info.ipi6_addr);
			q->local_interface = info.ipi6_ifindex;
		}
	}
}

/* Make the places ready to receive into; returns how many there are. */
static unsigned prepare_batch(struct udp_socket *u)
{
	unsigned n = 0;
	for (; n < BATCH; n++) {
		if (u->in[n] == NULL && (u->in[n] = query_new(u->transport->serve)) == NULL)
			break;
		struct query *q = u->in[n];
		struct msghdr *h = &u->in_heads[n].msg_hdr;
		u->in_vecs[n].iov_base = q->in;
		h->msg_name = &q->peer;
		h->msg_namelen = sizeof q->peer;
		h->msg_controllen = u->is_wildcard ? CONTROL_BYTES : 0;
	}
	return n;
}

/* Fill in what came, read the question. False: nobody could be answered there. */
static bool begin_query(struct udp_socket *u, unsigned i)
{
	struct query *q = u->in[i];
	struct msghdr *h = &u->in_heads[i].msg_hdr;
	q->origin = &udp_origin;
	q->transport = u;
	q->peer_bytes = h->msg_namelen;
	q->in_bytes = (uint16_t)u->in_heads[i].msg_len;
	q->is_cut = (h->msg_flags & MSG_TRUNC) != 0;
	q->local = u->local;
	q->local_interface = 0;
	endpoint_from_sockaddr((const struct sockaddr *)&q->peer, &q->client);
	if (q->client.port == 0)
		return false;
	if (u->is_wildcard)
		read_destination(q, h);
	serve_begin(q);
	return true;
}

static void run_batch(struct udp_socket *u, unsigned n)
{
	bool is_begun[BATCH];
	for (unsigned i = 0; i < n; i++)
		is_begun[i] = begin_query(u, i);
	for (unsigned i = 0; i < n; i++) {
		if (!is_begun[i])
			continue;
		serve_go_on(u->in[i]);
		if (u->in[i]->is_parked)
			u->in[i] = NULL; /* it waits; the place gets another */
	}
	udp_flush(u);
}

static void udp_ready(struct watcher *w, uint32_t events)
{
	(void)events;
	struct udp_socket *u = CONTAINER_OF(w, struct udp_socket, watcher);
	for (int b = 0; b < BATCHES_A_TURN; b++) {
		unsigned places = prepare_batch(u);
		int n = places > 0 ? recvmmsg(w->fd, u->in_heads, places, MSG_DONTWAIT, NULL) : 0;
		if (n <= 0)
			return;
		run_batch(u, (unsigned)n);
		if ((unsigned)n < BATCH)
			return;
	}
}

/* ---- opening ---- */

/*
 * Forged news of a path's MTU must not fragment our answers. Those of the usual size fit every
 * path, so they say so (DF, RFC 9715 3.1), which also spares the kernel an id for each; larger
 * ones, if configured, may be fragmented on their way.
 */
static int mtu_discovery(size_t udp_size)
{
	return udp_size <= REPLY_UDP_SIZE ? IP_PMTUDISC_PROBE : IP_PMTUDISC_OMIT;
}

static int set_options(int fd, const struct endpoint *local, bool is_wildcard, size_t udp_size)
{
	int on = 1;
	int size = SOCKET_BUFFER;
	int discovery = mtu_discovery(udp_size);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
		return -errno;
	/* Beyond net.core.rmem_max only root may go; without, what the system allows. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (local->addr.is_v4) {
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discovery, sizeof discovery);
		if (is_wildcard && setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0)
			return -errno;
		return 0;
	}
	setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discovery, sizeof discovery);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
		return -errno;
	if (is_wildcard && setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0)
		return -errno;
	return 0;
}

static bool is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];
	return a->is_v4 ? memcmp(a->bytes + 12, zero, 4) == 0 : memcmp(a->bytes, zero, 16) == 0;
}

int udp_open(struct transport *t, const struct endpoint *local, struct udp_socket **ret)
{
	struct sockaddr_storage sa;
	socklen_t sa_bytes = endpoint_to_sockaddr(local, &sa);
	struct udp_socket *u = calloc(1, sizeof *u);
	if (u == NULL)
		return -ENOMEM;
	u->transport = t;
	u->local = *local;
	u->is_wildcard = is_unspecified(&local->addr);
	u->watcher.ready = udp_ready;
	for (unsigned i = 0; i < BATCH; i++) {
		u->in_vecs[i].iov_len = QUERY_IN_MAX;
		u->in_heads[i].msg_hdr.msg_iov = &u->in_vecs[i];
		u->in_heads[i].msg_hdr.msg_iovlen = 1;
		if (u->is_wildcard)
			u->in_heads[i].msg_hdr.msg_control = u->in_control[i];
		u->out_vecs[i].iov_base = u->out[i].bytes;
		u->out_heads[i].msg_hdr.msg_iov = &u->out_vecs[i];
		u->out_heads[i].msg_hdr.msg_iovlen = 1;
		u->out_heads[i].msg_hdr.msg_name = &u->out[i].to;
	}
	u->watcher.fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int e = u->watcher.fd < 0 ? -errno
	                          : set_options(u->watcher.fd, local, u->is_wildcard,
	                                        atomic_load(&t->serve->options)->udp_size);
	if (e == 0 && bind(u->watcher.fd, (struct sockaddr *)&sa, sa_bytes) != 0)
		e = -errno;
	if (e == 0)
		e = loop_add(t->loop, &u->watcher, EPOLLIN);
	if (e != 0) {
		udp_close(u);
		return e;
	}
	*ret = u;
	return 0;
}

void udp_stop(struct udp_socket *u)
{
	loop_remove(u->transport->loop, &u->watcher);
}

void udp_close(struct udp_socket *u)
{
	if (u->watcher.fd >= 0) {
		loop_remove(u->transport->loop, &u->watcher);
		close(u->watcher.fd);
	}
	for (unsigned i = 0; i < BATCH; i++) {
		if (u->in[i] != NULL)
			query_free(u->in[i]);
	}
	free(u);
}
