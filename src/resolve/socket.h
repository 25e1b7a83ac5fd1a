/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/socket.h - UDP sockets on random ports, for the exchange.
 *
 * What:      a pool for one family. Sockets are opened as they are drawn, on ports drawn from the
 *            whole range, and wear out soon: whoever finds an open port by probing (SAD DNS,
 *            CVE-2020-25705) finds one that is about to close. They are not connected: one
 *            serves many servers (docs/hardening.md).
 * Threads:   worker-local.
 * Memory:    a socket some 100 bytes and the kernel's buffers.
 * Cost:      drawing is an index at random; opening five system calls.
 * Limits:    2048 to 6143 questions, 5 to 10 seconds, 100 responses that nobody waits for: then
 *            another one takes its place, and it is closed when its last response is in.
 * Standards: RFC 5452 9.2, RFC 6056 3 (ports)
 * Tests:     tests/unit/resolve/exchange_test.c
 */
#pragma once

#include "base/addr.h"
#include "io/loop.h"

struct ask;
struct exchange;

struct udp_socket {
	struct watcher watcher;
	struct exchange *x;
	uint64_t opened_ns, max_age_ns;
	uint32_t serial; /* of all sockets ever opened by the pool's exchange */
	unsigned n_waiting, n_used, max_used;
	unsigned n_wrong;        /* responses that were nobody's */
	struct ask *asks;        /* that wait here */
	struct udp_socket *next; /* retired ones */
};

struct socket_pool {
	struct exchange *x;
	struct loop *loop;
	bool is_v4;
	unsigned n;
	unsigned n_sources; /* 0: the kernel chooses */
	const struct addr *sources;
	uint32_t *next_serial;
	void (*ready)(struct watcher *w, uint32_t events);
	struct udp_socket **at;
	struct udp_socket *retired; /* no longer drawn, responses are still to come */
};

/* The rest of the pool is set. 0 or -ENOMEM. */
MUST_USE int socket_pool_init(struct socket_pool *p);
void socket_pool_done(struct socket_pool *p);

/* One of the pool, at random. 0, or -errno when none can be had. */
MUST_USE int socket_draw(struct socket_pool *p, struct udp_socket **ret);
/* Close the retired ones that nothing waits on. */
void socket_close_retired(struct socket_pool *p);
/* One of the pool's source addresses, at random; NULL: the kernel chooses. */
const struct addr *socket_source(const struct socket_pool *p);
