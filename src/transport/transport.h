/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transport/transport.h - the sockets that clients talk to: UDP and TCP.
 *
 * What:      a worker's own sockets on every listen address (SO_REUSEPORT). UDP goes in and out
 *            in batches (recvmmsg, sendmmsg); answers leave from the address that was asked,
 *            also on wildcard binds. TCP connections are pipelined and answered out of order.
 * Not here:  what is answered -> serve/serve.h.
 * Threads:   worker-local; transport_open() may run before the worker's thread does.
 * Memory:    a UDP socket has 64 queries and 64 answer buffers; connections are bounded in
 *            number, each with at most pipeline_max questions and 256 KiB of unsent answers.
 * Cost:      UDP: two system calls a batch of 64.
 * Limits:    transport_limits. At max_connections the longest idle connection makes room.
 * Standards: RFC 1035 4.2; RFC 7766 6; RFC 5452 (asked address); RFC 9715 3.1
 * Tests:     tests/system/serving_test.py
 */
#pragma once

#include "serve/serve.h"

struct transport;

struct transport_limits {
	unsigned max_connections; /* TCP, this worker */
	unsigned pipeline_max;    /* questions in flight on one connection; more wait */
	uint32_t idle_ms;         /* a connection on which nothing moves is closed after this */
};

/*
 * Open the sockets on all `listen` addresses and attach them to the loop.
 * Returns 0 or -errno; *ret_failed is then the address that could not be opened.
 */
MUST_USE int transport_open(struct loop *loop, struct serve *serve, const struct endpoint *listen,
                            unsigned n_listen, const struct transport_limits *limits,
                            struct transport **ret, unsigned *ret_failed);

/* Take no more questions: sockets stop reading; what is in flight is still answered. */
void transport_stop(struct transport *t);
/* Everything closed; parked queries are abandoned. */
void transport_free(struct transport *t);

/* ---- inside transport/ ---- */

struct udp_socket;
struct tcp_listener;

struct transport {
	struct loop *loop;
	struct serve *serve;
	struct transport_limits limits;
	struct udp_socket **udp;
	struct tcp_listener **tcp;
	unsigned n_udp, n_tcp;
	struct turn_hook hook;
	/* TCP, all listeners together */
	struct tcp_connection *oldest, *newest; /* by last activity */
	struct tcp_connection *dead;            /* freed at the end of the turn */
	unsigned n_connections;
};

MUST_USE int udp_open(struct transport *t, const struct endpoint *local, struct udp_socket **ret);
void udp_stop(struct udp_socket *u);
void udp_close(struct udp_socket *u);
void udp_flush(struct udp_socket *u);

MUST_USE int tcp_open(struct transport *t, const struct endpoint *local, struct tcp_listener **ret);
void tcp_stop(struct tcp_listener *l);
void tcp_close(struct tcp_listener *l);
void tcp_bury(struct transport *t); /* free the dead connections */
void tcp_close_all(struct transport *t);
