/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets without a network behind them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kernel_calls.h"

static struct kernel_socket table[KERNEL_MAX_SOCKETS];
static int n_table; /* of them were ever used */
static uint64_t last_serial;

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int socket_new(enum kernel_kind kind)
{
	for (int i = 0; i < KERNEL_MAX_SOCKETS; i++) {
		struct kernel_socket *s = &table[i];
		if (s->kind != KERNEL_CLOSED)
			continue;
		*s = (struct kernel_socket){ .kind = kind,
			                     .fd = KERNEL_FD_FIRST + i,
			                     .serial = ++last_serial };
		s->in_end = &s->in;
		n_table = i >= n_table ? i + 1 : n_table;
		return s->fd;
	}
	return fail_with(EMFILE);
}

struct kernel_socket *socket_find(int fd)
{
	if (fd < KERNEL_FD_FIRST || fd >= KERNEL_FD_FIRST + KERNEL_MAX_SOCKETS)
		return NULL;
	struct kernel_socket *s = &table[fd - KERNEL_FD_FIRST];
	return s->kind != KERNEL_CLOSED ? s : NULL;
}

uint64_t kernel_serial(const struct kernel_socket *s)
{
	return s->serial;
}

struct kernel_socket *kernel_socket_of(uint64_t serial)
{
	for (int i = 0; i < n_table; i++) {
		if (table[i].kind != KERNEL_CLOSED && table[i].serial == serial)
			return &table[i];
	}
	return NULL;
}

static uint32_t events_of(const struct kernel_socket *s)
{
	uint32_t e = 0;
	if (s->kind == KERNEL_EVENT)
		return s->n_events > 0 ? EPOLLIN : 0;
	if (s->in != NULL || s->is_ended)
		e |= EPOLLIN;
	if (s->error != 0)
		e |= EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLOUT;
	if (s->kind == KERNEL_DATAGRAM || s->is_connected)
		e |= EPOLLOUT;
	return e & (s->event.events | EPOLLERR | EPOLLHUP);
}

int socket_ready(struct epoll_event *ret, int max)
{
	int n = 0;
	for (int i = 0; i < n_table && n < max; i++) {
		struct kernel_socket *s = &table[i];
		uint32_t e = s->kind > KERNEL_EPOLL && s->is_watched ? events_of(s) : 0;
		if (e != 0)
			ret[n++] = (struct epoll_event){ .events = e, .data = s->event.data };
	}
	return n;
}

/* ---- what the network brings ---- */

static void put(struct kernel_socket *s, const struct endpoint *from, const uint8_t *bytes,
                size_t n)
{
	struct kernel_packet *p = malloc(sizeof *p + n);
	must(p != NULL);
	p->next = NULL;
	p->n = n;
	p->at = 0;
	if (from != NULL)
		p->from = *from;
	memcpy(p->bytes, bytes, n);
	*s->in_end = p;
	s->in_end = &p->next;
}

static void drop_first(struct kernel_socket *s)
{
	struct kernel_packet *p = s->in;
	s->in = p->next;
	if (s->in == NULL)
		s->in_end = &s->in;
	free(p);
}

void kernel_receive(struct kernel_socket *s, const struct endpoint *from, const uint8_t *bytes,
                    size_t n)
{
	put(s, from, bytes, n);
}

void kernel_receive_stream(struct kernel_socket *s, const uint8_t *bytes, size_t n)
{
	put(s, NULL, bytes, n);
}

void kernel_connected(struct kernel_socket *s, int error)
{
	s->is_connecting = false;
	s->is_connected = error == 0;
	s->error = -error;
}

void kernel_end_stream(struct kernel_socket *s, int error)
{
	s->is_ended = true;
	s->error = -error;
}

void kernel_fail(struct kernel_socket *s, int error)
{
	s->error = -error;
}

/* ---- calls ---- */

int __wrap_socket(int family, int type, int protocol)
{
	(void)protocol;
	bool is_stream = (type & 0xf) == SOCK_STREAM;
	int fd = socket_new(is_stream ? KERNEL_STREAM : KERNEL_DATAGRAM);
	if (fd >= 0)
		socket_find(fd)->is_v4 = family == AF_INET;
	return fd;
}

int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t n)
{
	(void)n;
	struct kernel_socket *s = socket_find(fd);
	if (s == NULL)
		return fail_with(EBADF);
	endpoint_from_sockaddr(sa, &s->local);
	for (int i = 0; s->local.port != 0 && i < n_table; i++) {
		const struct kernel_socket *o = &table[i];
		if (o != s && o->kind == s->kind && o->is_v4 == s->is_v4 &&
		    o->local.port == s->local.port) {
			s->local.port = 0;
			return fail_with(EADDRINUSE);
		}
	}
	return 0;
}

int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t n)
{
	(void)n;
	struct kernel_socket *s = socket_find(fd);
	if (s == NULL)
		return fail_with(EBADF);
	endpoint_from_sockaddr(sa, &s->peer);
	if (s->kind != KERNEL_STREAM) {
		s->is_connected = true;
		return 0;
	}
	int e = kernel_net()->connect(s, &s->peer);
	if (e != 0)
		return fail_with(-e);
	s->is_connecting = true;
	return fail_with(EINPROGRESS);
}

int __wrap_getsockname(int fd, struct sockaddr *ret, socklen_t *ret_n)
{
	struct kernel_socket *s = socket_find(fd);
	struct sockaddr_storage ss;
	if (s == NULL)
		return fail_with(EBADF);
	s->local.addr.is_v4 = s->is_v4;
	socklen_t n = endpoint_to_sockaddr(&s->local, &ss);
	memcpy(ret, &ss, n < *ret_n ? n : *ret_n);
	*ret_n = n;
	return 0;
}

int __wrap_getsockopt(int fd, int level, int name, void *ret, socklen_t *ret_n)
{
	struct kernel_socket *s = socket_find(fd);
	int value = 0;
	if (s == NULL)
		return fail_with(EBADF);
	if (level == SOL_SOCKET && name == SO_ERROR) {
		value = s->error;
		s->error = 0;
	}
	memcpy(ret, &value, *ret_n < sizeof value ? *ret_n : sizeof value);
	return 0;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	(void)level;
	(void)name;
	(void)value;
	(void)n;
	return socket_find(fd) != NULL ? 0 : fail_with(EBADF);
}

int __wrap_shutdown(int fd, int how)
{
	(void)how;
	return socket_find(fd) != NULL ? 0 : fail_with(EBADF);
}

int __wrap_close(int fd)
{
	struct kernel_socket *s = socket_find(fd);
	if (s == NULL)
		return fd >= KERNEL_FD_FIRST ? fail_with(EBADF) : __real_close(fd);
	while (s->in != NULL)
		drop_first(s);
	s->kind = KERNEL_CLOSED;
	return 0;
}

/* ---- sending ---- */

static size_t gather(const struct msghdr *m, uint8_t *ret, size_t room)
{
	size_t n = 0;
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		must(m->msg_iov[i].iov_len <= room - n);
		memcpy(ret + n, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
		n += m->msg_iov[i].iov_len;
	}
	return n;
}

static ssize_t send_some(struct kernel_socket *s, const struct sockaddr *to, const uint8_t *bytes,
                         size_t n)
{
	struct endpoint e = s->peer;
	if (s->error != 0) {
		int error = s->error;
		s->error = 0;
		return fail_with(error);
	}
	if (s->kind == KERNEL_STREAM) {
		if (!s->is_connected)
			return fail_with(s->is_connecting ? EAGAIN : ENOTCONN);
		kernel_net()->stream(s, &s->peer, bytes, n);
		return (ssize_t)n;
	}
	if (to != NULL)
		endpoint_from_sockaddr(to, &e);
	int error = kernel_net()->datagram(s, &s->local, &e, bytes, n);
	return error == 0 ? (ssize_t)n : fail_with(-error);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
	static uint8_t bytes[70000];
	(void)flags;
	struct kernel_socket *s = socket_find(fd);
	if (s == NULL)
		return fail_with(EBADF);
	return send_some(s, m->msg_name, bytes, gather(m, bytes, sizeof bytes));
}

int __wrap_sendmmsg(int fd, struct mmsghdr *out, unsigned n, int flags)
{
	for (unsigned i = 0; i < n; i++) {
		ssize_t sent = __wrap_sendmsg(fd, &out[i].msg_hdr, flags);
		if (sent < 0)
			return i > 0 ? (int)i : -1;
		out[i].msg_len = (unsigned)sent;
	}
	return (int)n;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags)
{
	(void)flags;
	struct kernel_socket *s = socket_find(fd);
	return s != NULL ? send_some(s, NULL, bytes, n) : fail_with(EBADF);
}

/* ---- receiving ---- */

static ssize_t take(struct kernel_socket *s, uint8_t *ret, size_t room, struct endpoint *ret_from,
                    bool *ret_is_cut)
{
	struct kernel_packet *p = s->in;
	if (p == NULL) {
		int error = s->error;
		s->error = 0;
		if (error != 0)
			return fail_with(error);
		return s->is_ended ? 0 : fail_with(EAGAIN);
	}
	size_t left = p->n - p->at;
	size_t n = left < room ? left : room;
	memcpy(ret, p->bytes + p->at, n);
	*ret_from = p->from;
	*ret_is_cut = s->kind == KERNEL_DATAGRAM && left > room;
	p->at += n;
	if (s->kind == KERNEL_DATAGRAM || p->at == p->n)
		drop_first(s);
	return (ssize_t)n;
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	(void)flags;
	struct kernel_socket *s = socket_find(fd);
	struct sockaddr_storage ss;
	struct endpoint from;
	bool is_cut;
	if (s == NULL)
		return fail_with(EBADF);
	must(m->msg_iovlen == 1);
	ssize_t n = take(s, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len, &from, &is_cut);
	if (n < 0)
		return n;
	m->msg_flags = is_cut ? MSG_TRUNC : 0;
	m->msg_controllen = 0;
	if (m->msg_name != NULL && s->kind == KERNEL_DATAGRAM) {
		socklen_t len = endpoint_to_sockaddr(&from, &ss);
		memcpy(m->msg_name, &ss, len < m->msg_namelen ? len : m->msg_namelen);
		m->msg_namelen = len;
	}
	return n;
}

int __wrap_recvmmsg(int fd, struct mmsghdr *in, unsigned n, int flags, struct timespec *timeout)
{
	(void)timeout;
	for (unsigned i = 0; i < n; i++) {
		ssize_t got = __wrap_recvmsg(fd, &in[i].msg_hdr, flags);
		if (got < 0)
			return i > 0 ? (int)i : -1;
		in[i].msg_len = (unsigned)got;
	}
	return (int)n;
}

ssize_t __wrap_recv(int fd, void *ret, size_t n, int flags)
{
	(void)flags;
	struct endpoint from;
	bool is_cut;
	struct kernel_socket *s = socket_find(fd);
	return s != NULL ? take(s, ret, n, &from, &is_cut) : fail_with(EBADF);
}

ssize_t __wrap___recv_chk(int fd, void *ret, size_t n, size_t room, int flags)
{
	must(n <= room);
	return __wrap_recv(fd, ret, n, flags);
}

ssize_t __wrap_read(int fd, void *ret, size_t n)
{
	struct kernel_socket *s = socket_find(fd);
	if (s == NULL)
		return fd >= KERNEL_FD_FIRST ? fail_with(EBADF) : __real_read(fd, ret, n);
	if (s->kind != KERNEL_EVENT)
		return __wrap_recv(fd, ret, n, 0);
	must(n >= 8);
	if (s->n_events == 0)
		return fail_with(EAGAIN);
	memcpy(ret, &s->n_events, 8);
	s->n_events = 0;
	return 8;
}

ssize_t __wrap___read_chk(int fd, void *ret, size_t n, size_t room)
{
	must(n <= room);
	return __wrap_read(fd, ret, n);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
	struct kernel_socket *s = socket_find(fd);
	if (s == NULL)
		return fd >= KERNEL_FD_FIRST ? fail_with(EBADF) : __real_write(fd, bytes, n);
	if (s->kind != KERNEL_EVENT)
		return __wrap_send(fd, bytes, n, 0);
	s->n_events++;
	return (ssize_t)n;
}

/* What a scenario writes need not outlive it. */
int __wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_fdatasync(int fd)
{
	(void)fd;
	return 0;
}
