/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/kernel_calls.h - a descriptor that is ours, and the calls that take one; between
 *                           kernel.c (time, waiting) and kernel_socket.c only.
 *
 * What:      the names that ld --wrap gives the replaced calls.
 * Memory:    a socket is one entry of a table, and what waits in it.
 * Tests:     tests/scenario/selftest/
 */
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/must.h"
#include "kernel.h"

enum kernel_kind {
	KERNEL_CLOSED,
	KERNEL_EPOLL,
	KERNEL_EVENT,
	KERNEL_DATAGRAM,
	KERNEL_STREAM
};

struct kernel_packet {
	struct kernel_packet *next;
	struct endpoint from;
	size_t n, at;
	uint8_t bytes[];
};

struct kernel_socket {
	enum kernel_kind kind;
	int fd;
	uint64_t serial;
	bool is_v4, is_watched, is_connecting, is_connected, is_ended;
	int error; /* to be told, positive */
	struct endpoint local, peer;
	struct epoll_event event;
	uint64_t n_events;
	struct kernel_packet *in, **in_end;
};

int socket_new(enum kernel_kind kind);
struct kernel_socket *socket_find(int fd);
int socket_ready(struct epoll_event *ret, int max);
const struct kernel_net *kernel_net(void);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
time_t __wrap_time(time_t *ret);
ssize_t __wrap_getrandom(void *ret, size_t n, unsigned flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *ret, int max, int timeout_ms);
int __wrap_eventfd(unsigned count, int flags);
int __wrap_socket(int family, int type, int protocol);
int __wrap_bind(int fd, const struct sockaddr *sa, socklen_t n);
int __wrap_connect(int fd, const struct sockaddr *sa, socklen_t n);
int __wrap_getsockname(int fd, struct sockaddr *ret, socklen_t *ret_n);
int __wrap_getsockopt(int fd, int level, int name, void *ret, socklen_t *ret_n);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __wrap_shutdown(int fd, int how);
int __wrap_close(int fd);
int __wrap_sendmmsg(int fd, struct mmsghdr *out, unsigned n, int flags);
int __wrap_recvmmsg(int fd, struct mmsghdr *in, unsigned n, int flags, struct timespec *timeout);
ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *ret, size_t n, int flags);
ssize_t __wrap___recv_chk(int fd, void *ret, size_t n, size_t room, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_read(int fd, void *ret, size_t n);
ssize_t __wrap___read_chk(int fd, void *ret, size_t n, size_t room);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);

int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

int __real_close(int fd);
ssize_t __real_read(int fd, void *ret, size_t n);
ssize_t __real_write(int fd, const void *bytes, size_t n);
