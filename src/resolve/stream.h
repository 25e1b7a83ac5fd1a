/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/stream.h - connections to servers, over TCP and TLS, each for many questions.
 *
 * What:      streams.c keeps a worker's connections: an ask goes to one that is open to its
 *            server, or opens one. stream.c is one connection: it sends the asks of a turn in
 *            one write, matches responses by id and question in whatever order they come
 *            (RFC 7766 6.2.1.1, 7), and stays open for the next while it is idle.
 *
 *                CONNECTING -> SHAKING (TLS) -> OPEN <-> idle -> closed
 *
 *            A connection that breaks gives its asks back. Those of one that had answered
 *            something are asked once more over a fresh one: the server may just have closed an
 *            idle connection. A server that closes after the first of several answers is
 *            remembered, and asked one question a connection.
 *            Over TLS the queries are padded; a server that was not to be authenticated or does
 *            not speak TLS is left alone for some seconds, and the operator told why.
 * Not here:  how long to wait for a response, whom to ask -> iterate.c; TLS -> io/tls.h;
 *            the length before each message -> frame.h.
 * Threads:   worker-local.
 * Memory:    6 KiB a connection and some 20 more with TLS, the response that is coming in
 *            (64 KiB at most), a read buffer of 64 KiB a worker.
 * Cost:      one system call a turn and connection to send, one or two to receive. The path of
 *            UDP does not come here.
 * Limits:    the enums below. At STREAMS_MAX the connection that is idle longest goes; if none
 *            is, the ask fails with -EAGAIN.
 * Standards: RFC 7766 6.2 (reuse, pipelining), 8; RFC 9210 4; RFC 7828 3.2.1 (keepalive);
 *            RFC 7858 3.3, 3.4; RFC 7830, 8467 4.1 (padding)
 * Tests:     tests/unit/resolve/stream_test.c, tests/unit/resolve/tls_stream_test.c
 */
#pragma once

#include "io/tls.h"
#include "resolve/exchange.h"
#include "resolve/frame.h"

enum {
	STREAMS_MAX = EXCHANGE_MAX_STREAMS, /* a worker */
	STREAMS_PER_SERVER = 8,
	STREAMS_PER_SERIAL_SERVER = 64, /* of a server that takes one question a connection */
	STREAM_ASKS = 128,              /* that wait on one connection */
	STREAM_STRAYS = 16,     /* messages nobody asked for, and then it is closed; beside those
	                          that came too late */
	STREAM_RETRIES = 2,     /* over fresh connections, of one ask */
	STREAM_IDLE_MS = 10000, /* without word from the server */
	STREAM_TLS_IDLE_MS = 30000, /* a handshake costs more */
	STREAM_IDLE_MAX_MS = 60000, /* whatever the server's keepalive says */
	STREAM_CONNECT_MS = 1500,   /* the default; a TLS handshake has as much again */
	STREAM_OUT_BYTES = 4096,
	STREAM_QUERY_BYTES = 512,
	STREAM_PADDING = 128, /* RFC 8467 4.1 */
};

struct streams;

enum stream_state {
	STREAM_CONNECTING,
	STREAM_SHAKING,
	STREAM_OPEN
};

struct stream {
	struct watcher watcher;
	struct timer timer; /* to be open by; idle until; or a turn soon */
	struct streams *pool;
	struct stream *next; /* in its bucket */
	struct stream *next_dirty;
	struct endpoint server;
	const struct tls_client *tls_client; /* NULL: no TLS */
	struct tls *tls;
	enum stream_state state;
	uint32_t wanted_events;
	unsigned n, n_sent; /* asks; the first ones are sent */
	unsigned n_heard, n_stray, n_late;
	uint64_t heard_ns, idle_ns; /* last response; idle since */
	uint32_t idle_ms;           /* how long it may be */
	int error;                  /* found while sending: told in the next turn */
	bool is_dirty;              /* has asks to be sent at the end of this turn */
	bool is_idle;               /* nobody waits */
	bool is_busy;               /* is being read: not to be closed */
	bool is_suspect;            /* takes no more asks, closed when the last is gone */
	bool is_serial;             /* the same after its first */
	struct frame frame;
	size_t n_out, n_written;
	uint16_t ids[STREAM_ASKS]; /* of asks[], for matching */
	struct ask *asks[STREAM_ASKS];
	uint8_t out[STREAM_OUT_BYTES];
};

/* ---- streams.c: all of a worker ---- */

MUST_USE int streams_new(struct exchange *x, uint32_t connect_ms, struct streams **ret);
void streams_free(struct streams *p);

/* Have a->server asked, over TLS if a->tls is set. 0 or -errno, then a->why may tell more. */
MUST_USE int streams_ask(struct streams *p, struct ask *a);
/* At the end of a turn. Calls nobody back. */
void streams_flush(struct streams *p);

struct exchange *streams_exchange(const struct streams *p);
uint8_t *streams_in(const struct streams *p, size_t *ret_n); /* to read into */
uint32_t streams_connect_ms(const struct streams *p);
void streams_set_dirty(struct stream *s);

/* It is open; a ticket may have come. */
void streams_opened(struct stream *s);
void streams_keep_ticket(struct stream *s);
/* It is over. Its asks are asked anew, or fail. why: static text for the operator, or NULL. */
void streams_broke(struct stream *s, int error, const char *why);
/* It is over, and nobody waits. */
void streams_close(struct stream *s);

/* ---- stream.c: one ---- */

MUST_USE int stream_connect(struct streams *p, const struct ask *a, const struct tls_ticket *ticket,
                            struct stream **ret);
/* Let go of the socket. */
void stream_free(struct stream *s);
void stream_add(struct stream *s, struct ask *a); /* there is room */
void stream_cancel(struct ask *a);
/* Its last one, which waits no longer. */
struct ask *stream_take_back(struct stream *s);
/* Send what waits. */
void stream_write(struct stream *s);
