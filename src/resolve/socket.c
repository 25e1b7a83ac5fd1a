/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"

enum {
	PORT_TRIES = 16,
	PORT_MIN = 1024,
	USES_MIN = 2048,
	USES_SPREAD = 4096,
	/* At the thousand ICMP errors a second that Linux sends at most, a port in 64 thousand
	   takes a minute to find. */
	AGE_MIN_MS = 5000,
	AGE_SPREAD_MS = 5000,
	WRONG_MAX = 100,
	BUFFER_BYTES = 1 << 19,
};

int socket_pool_init(struct socket_pool *p)
{
	p->at = calloc(p->n, sizeof *p->at);
	return p->at != NULL ? 0 : -ENOMEM;
}

static void socket_close(struct socket_pool *p, struct udp_socket *s)
{
	if (s == NULL)
		return;
	loop_remove(p->loop, &s->watcher);
	close(s->watcher.fd);
	free(s);
}

void socket_pool_done(struct socket_pool *p)
{
	for (unsigned i = 0; p->at != NULL && i < p->n; i++)
		socket_close(p, p->at[i]);
	free(p->at);
	while (p->retired != NULL) {
		struct udp_socket *s = p->retired;
		p->retired = s->next;
		socket_close(p, s);
	}
}

const struct addr *socket_source(const struct socket_pool *p)
{
	return p->n_sources > 0 ? &p->sources[random_below(p->n_sources)] : NULL;
}

/* Our own choice of port (RFC 5452 9.2: of all that may be used), not the kernel's next one. */
static int bind_random(const struct socket_pool *p, int fd)
{
	const struct addr *source = socket_source(p);
	struct sockaddr_storage ss;
	struct endpoint e = { .addr = { .is_v4 = p->is_v4 } };
	if (p->is_v4)
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

/* Best effort: the kernel's own ways do too. */
static void set_options(const struct socket_pool *p, int fd)
{
	int on = 1;
	int size = BUFFER_BYTES;
	/* Questions fit every path: no news of its MTU is believed, and none gets fragmented. */
	int probe = IP_PMTUDISC_PROBE;
	int probe6 = IPV6_PMTUDISC_PROBE;
	if (p->is_v4) {
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe6, sizeof probe6);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static int socket_open(struct socket_pool *p, struct udp_socket **ret)
{
	int fd =
		socket(p->is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	set_options(p, fd);
	struct udp_socket *s = calloc(1, sizeof *s);
	int e = s == NULL ? -ENOMEM : bind_random(p, fd);
	if (e == 0) {
		s->watcher = (struct watcher){ .fd = fd, .ready = p->ready };
		e = loop_add(p->loop, &s->watcher, EPOLLIN);
	}
	if (e != 0) {
		close(fd);
		free(s);
		return e;
	}
	s->x = p->x;
	s->serial = (*p->next_serial)++;
	s->opened_ns = loop_now_ns(p->loop);
	s->max_age_ns = (AGE_MIN_MS + random_below(AGE_SPREAD_MS)) * NS_PER_MS;
	s->max_used = USES_MIN + random_below(USES_SPREAD);
	*ret = s;
	return 0;
}

static bool is_worn(const struct socket_pool *p, const struct udp_socket *s)
{
	return s->n_used >= s->max_used || s->n_wrong >= WRONG_MAX ||
	       loop_now_ns(p->loop) - s->opened_ns > s->max_age_ns;
}

int socket_draw(struct socket_pool *p, struct udp_socket **ret)
{
	unsigned at = random_below(p->n);
	struct udp_socket *old = p->at[at];
	struct udp_socket *fresh = NULL;
	int e = 0;
	if (old == NULL || is_worn(p, old))
		e = socket_open(p, &fresh);
	if (fresh != NULL) {
		p->at[at] = fresh;
		if (old != NULL) { /* closed when its last response is in */
			old->next = p->retired;
			p->retired = old;
		}
	}
	/* Out of descriptors: any that is open will do. */
	for (unsigned i = 0; p->at[at] == NULL && i < p->n; i++)
		at = (at + 1) % p->n;
	if (p->at[at] == NULL)
		return e;
	*ret = p->at[at];
	return 0;
}

void socket_close_retired(struct socket_pool *p)
{
	struct udp_socket **at = &p->retired;
	while (*at != NULL) {
		struct udp_socket *s = *at;
		if (s->n_waiting == 0) {
			*at = s->next;
			socket_close(p, s);
		} else {
			at = &s->next;
		}
	}
}
