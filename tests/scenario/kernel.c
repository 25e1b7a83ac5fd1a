/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel_calls.h"

enum {
	START_MONO_S = 1000000, /* far from zero: a time of zero would hide mistakes */
};

static struct {
	struct kernel_net net;
	uint64_t now_ns, limit_ns;
	int64_t shift_s;
	uint64_t random;
	bool is_idle;
} k = { .limit_ns = UINT64_MAX };

void kernel_start(const struct kernel_net *net, uint64_t seed)
{
	k.net = *net;
	k.random = seed * 2 + 1;
}

uint64_t kernel_now_ns(void)
{
	return k.now_ns;
}

void kernel_set_limit(uint64_t at_ns)
{
	k.limit_ns = at_ns;
}

void kernel_pass_to(uint64_t at_ns)
{
	if (at_ns > k.now_ns)
		k.now_ns = at_ns;
}

bool kernel_is_idle(void)
{
	return k.is_idle;
}

void kernel_shift_wall(int64_t s)
{
	k.shift_s += s;
}

uint32_t kernel_wall_s(void)
{
	return (uint32_t)(KERNEL_START_WALL_S + k.now_ns / NS_PER_S + (uint64_t)k.shift_s);
}

const struct kernel_net *kernel_net(void)
{
	return &k.net;
}

/* ---- time ---- */

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	uint64_t ns = k.now_ns;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ns += (KERNEL_START_WALL_S + (uint64_t)k.shift_s) * NS_PER_S;
	else
		ns += START_MONO_S * NS_PER_S;
	*ret = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
		                  .tv_nsec = (long)(ns % NS_PER_S) };
	return 0;
}

time_t __wrap_time(time_t *ret)
{
	time_t t = (time_t)(KERNEL_START_WALL_S + (uint64_t)k.shift_s + k.now_ns / NS_PER_S);
	if (ret != NULL)
		*ret = t;
	return t;
}

/* ---- randomness: splitmix64, so that a seed plays the same scenario again ---- */

static uint64_t next_random(void)
{
	uint64_t x = k.random += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

uint32_t kernel_random_u32(void)
{
	return (uint32_t)next_random();
}

ssize_t __wrap_getrandom(void *ret, size_t n, unsigned flags)
{
	(void)flags;
	uint8_t *p = ret;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)next_random();
	return (ssize_t)n;
}

/* ---- waiting ---- */

int __wrap_epoll_create1(int flags)
{
	(void)flags;
	return socket_new(KERNEL_EPOLL);
}

int __wrap_eventfd(unsigned count, int flags)
{
	(void)count;
	(void)flags;
	return socket_new(KERNEL_EVENT);
}

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	struct kernel_socket *s = socket_find(fd);
	must(socket_find(epoll) != NULL);
	if (s == NULL) {
		errno = EBADF;
		return -1;
	}
	s->is_watched = op != EPOLL_CTL_DEL;
	if (s->is_watched)
		s->event = *event;
	return 0;
}

int __wrap_epoll_wait(int epoll, struct epoll_event *ret, int max, int timeout_ms)
{
	(void)epoll;
	int n = socket_ready(ret, max);
	k.is_idle = false;
	if (n > 0 || timeout_ms == 0)
		return n;
	uint64_t next_ns = k.net.next_ns();
	uint64_t at_ns = next_ns;
	if (timeout_ms > 0 && k.now_ns + (uint64_t)timeout_ms * NS_PER_MS < at_ns)
		at_ns = k.now_ns + (uint64_t)timeout_ms * NS_PER_MS;
	if (k.limit_ns < at_ns)
		at_ns = k.limit_ns;
	k.is_idle = at_ns == UINT64_MAX;
	if (k.is_idle)
		return 0;
	if (at_ns > k.now_ns)
		k.now_ns = at_ns;
	k.net.deliver(k.now_ns);
	return socket_ready(ret, max);
}
