/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An alert as a message of syslog (RFC 5424): a datagram (RFC 5426), or counted octets in a stream
 * (RFC 6587 3.4.1), over TLS too (RFC 5425).
 *
 * Syslog has no receipts. Over a stream, an alert counts as arrived when the receiver's kernel has
 * acknowledged all of it; and what was sent in the last seconds before a connection breaks is sent
 * again (alerts/destination.c), as the receiver may have died with it unread.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "alerts/sender.h"
#include "base/clock.h"
#include "io/tls.h"

enum {
	ACK_POLL_MS = 5,
	DATAGRAM_MAX = 65000,
	UDP_PAUSE_MS = 1, /* datagrams come no faster than a receiver can take them */
};

struct sender {
	const struct sender_plan *plan;
	struct tls_client *client;
	struct tls *tls;
	int fd;          /* -1: not connected */
	const char *why; /* static: what TLS said when the last connection ended, or NULL */
	uint64_t deadline_ns;
};

static void hang_up(struct sender *s)
{
	s->why = s->tls != NULL ? tls_why(s->tls) : NULL;
	tls_close(s->tls);
	s->tls = NULL;
	tls_client_free(s->client); /* the next connection reads the certificates anew */
	s->client = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* 0: ready; -ETIMEDOUT; -ECANCELED: it is time to stop. */
static int wait_for(struct sender *s, short events, int ms)
{
	struct pollfd p[2] = { { .fd = s->plan->stop_fd, .events = POLLIN },
		               { .fd = s->fd, .events = events } };
	uint64_t now_ns = clock_mono_ns();
	if (now_ns >= s->deadline_ns)
		return -ETIMEDOUT;
	uint64_t left_ms = (s->deadline_ns - now_ns) / NS_PER_MS + 1;
	int n = poll(p, events != 0 ? 2 : 1, ms >= 0 ? ms : (int)left_ms);
	if (n < 0 && errno != EINTR)
		return -errno;
	return p[0].revents != 0 ? -ECANCELED : 0;
}

/* ---- connecting ---- */

static int connect_to(struct sender *s, const struct endpoint *to)
{
	struct sockaddr_storage sa;
	int error = 0;
	socklen_t n = endpoint_to_sockaddr(to, &sa), n_error = sizeof error;
	bool is_udp = s->plan->target.kind == CONFIG_TARGET_UDP;
	s->fd = socket(sa.ss_family,
	               (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	if (connect(s->fd, (struct sockaddr *)&sa, n) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	int e = wait_for(s, POLLOUT, -1);
	if (e == 0 && clock_mono_ns() >= s->deadline_ns)
		e = -ETIMEDOUT;
	if (e == 0 && getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n_error) != 0)
		e = -errno;
	return e != 0 ? e : -error;
}

static int shake_hands(struct sender *s)
{
	int e = tls_open(s->client, s->fd, NULL, &s->tls);
	while (e == 0 && (e = tls_handshake(s->tls)) == -EAGAIN)
		e = wait_for(s, tls_wants(s->tls) == EPOLLOUT ? POLLOUT : POLLIN, -1);
	return e;
}

static int make_client(struct sender *s, const char **ret_why)
{
	struct tls_pin pins[TLS_MAX_PINS];
	struct tls_client_plan plan = { .ca_file = s->plan->ca,
		                        .pins = pins,
		                        .certificate_file = s->plan->certificate,
		                        .key_file = s->plan->key };
	/* With pins alone the name need not be right: they need no authority. */
	if (s->plan->tls_name != NULL || s->plan->n_pins == 0)
		plan.name = s->plan->tls_name != NULL ? s->plan->tls_name : s->plan->target.host;
	for (unsigned i = 0; i < s->plan->n_pins && i < TLS_MAX_PINS; i++) {
		const char *text = s->plan->pins[i];
		must(tls_pin_from_text(text, strlen(text), &pins[i]) == 0); /* checked when read */
		plan.n_pins++;
	}
	return tls_client_new(&plan, &s->client, ret_why);
}

static bool open_connection(struct sender *s, const struct addr *addr, struct send_result *ret)
{
	const struct config_target *t = &s->plan->target;
	struct endpoint to = { .addr = *addr, .port = t->port };
	char text[ADDR_TEXT_MAX];
	endpoint_to_text(&to, text);
	int e = connect_to(s, &to);
	const char *why = NULL;
	if (e != 0)
		send_fail(ret, SEND_FAILED, "%s: %s", text, strerrordesc_np(-e));
	if (e == 0 && t->kind == CONFIG_TARGET_TLS) {
		e = make_client(s, &why);
		if (e == 0)
			e = shake_hands(s);
		if (e != 0 && s->tls != NULL && tls_why(s->tls) != NULL)
			why = tls_why(s->tls);
		if (e != 0)
			send_fail(ret, SEND_FAILED, "%s: TLS: %s", text,
			          why != NULL ? why : strerrordesc_np(-e));
	}
	if (e != 0)
		hang_up(s);
	return e == 0;
}

static bool connect_any(struct sender *s, struct send_result *ret)
{
	const struct config_target *t = &s->plan->target;
	struct addr addrs[ALERTS_MAX_ADDRS];
	unsigned n = 1;
	if (addr_from_text(t->host, strlen(t->host), &addrs[0]) != 0)
		n = s->plan->resolve(s->plan->arg, t->host, addrs);
	if (n == 0)
		send_fail(ret, SEND_FAILED,
		          "%.200s has no address, or nobody could be asked for it", t->host);
	for (unsigned i = 0; i < n; i++) {
		if (open_connection(s, &addrs[i], ret))
			return true;
	}
	return false;
}

/* ---- sending ---- */

static int write_all(struct sender *s, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t k = s->tls != NULL ? tls_write(s->tls, bytes, n)
		                           : send(s->fd, bytes, n, MSG_NOSIGNAL);
		if (k < 0 && s->tls == NULL)
			k = -errno;
		if (k == -EAGAIN || k == -EINTR) {
			int e = wait_for(s, POLLOUT, -1);
			if (e != 0)
				return e;
			continue;
		}
		if (k <= 0)
			return k < 0 ? (int)k : -EPIPE;
		bytes += k;
		n -= (size_t)k;
	}
	return 0;
}

/* Until the other side's kernel has all of it. */
static int wait_for_acks(struct sender *s)
{
	int n = 0;
	while (ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0) {
		int e = wait_for(s, 0, ACK_POLL_MS);
		if (e != 0)
			return e;
	}
	return 0;
}

/* A receiver says nothing; when there is something to read it has hung up. */
static bool syslog_is_well(struct sender *s)
{
	char byte;
	if (s->fd < 0)
		return false;
	if (s->plan->target.kind == CONFIG_TARGET_UDP)
		return true;
	ssize_t n =
		s->tls != NULL ? tls_read(s->tls, &byte, 1) : recv(s->fd, &byte, 1, MSG_DONTWAIT);
	if (n < 0 && s->tls == NULL)
		n = -errno;
	if (n > 0 || n == -EAGAIN || n == -EINTR)
		return true;
	hang_up(s);
	return false;
}

/* "123 <36>1 2026-11-22T..." */
static int send_stream(struct sender *s, const char *message)
{
	char *framed;
	int n = asprintf(&framed, "%zu %s", strlen(message), message);
	if (n < 0)
		return -ENOMEM;
	int e = write_all(s, framed, (size_t)n);
	free(framed);
	if (e == 0)
		e = wait_for_acks(s);
	if (e == 0 && !syslog_is_well(s))
		e = -EPIPE;
	return e;
}

static int send_datagram(struct sender *s, const char *message)
{
	size_t n = strlen(message);
	if (n > DATAGRAM_MAX)
		return -EMSGSIZE;
	/* An error of the datagram before is told now: it says nothing of this one, but that the
	   receiver is not there. */
	if (send(s->fd, message, n, MSG_NOSIGNAL) < 0)
		return -errno;
	int e = wait_for(s, 0, UDP_PAUSE_MS);
	if (e != 0 && e != -ETIMEDOUT)
		return e;
	int error = 0;
	socklen_t n_error = sizeof error;
	return getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n_error) == 0 ? -error : 0;
}

static void syslog_send(struct sender *s, const json_t *ecs, const char *line,
                        struct send_result *ret)
{
	s->deadline_ns = clock_mono_ns() + s->plan->timeout_ms * NS_PER_MS;
	if (s->fd >= 0 && !syslog_is_well(s))
		hang_up(s);
	if (s->fd < 0 && !connect_any(s, ret))
		return;
	char *text = render_body(s->plan->format, ecs, line);
	char *message = text != NULL ? render_syslog(ecs, text) : NULL;
	int e = message == NULL                             ? -ENOMEM
	        : s->plan->target.kind == CONFIG_TARGET_UDP ? send_datagram(s, message)
	                                                    : send_stream(s, message);
	free(message);
	free(text);
	ret->outcome = SEND_DONE;
	if (e == 0)
		return;
	if (s->fd >= 0)
		hang_up(s);
	send_fail(ret, SEND_FAILED, "%s: %s", s->plan->target.host,
	          s->why != NULL ? s->why : strerrordesc_np(-e));
}

static void syslog_close(struct sender *s)
{
	hang_up(s);
	free(s);
}

static int syslog_open(const struct sender_plan *plan, struct sender **ret)
{
	struct sender *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	s->plan = plan;
	s->fd = -1;
	*ret = s;
	return 0;
}

const struct sender_kind sender_syslog = {
	.open = syslog_open,
	.send = syslog_send,
	.is_well = syslog_is_well,
	.close = syslog_close,
};
