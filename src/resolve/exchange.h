/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve/exchange.h - one question to one server, and its response.
 *
 * What:      UDP sockets on random ports (socket.c). The questions of one loop turn share a
 *            socket, drawn afresh each turn, and leave in one sendmmsg() at its end; responses
 *            come in by recvmmsg(). A response counts when address, port, id and question are
 *            those of an ask that waits on that very socket, and it bears the proofs that the
 *            server gives (proof.h); all else is counted and dropped, and the wait goes on.
 *            Over TCP and TLS asks share connections (stream.h).
 *
 *                (socket serial, id) -> slots[]   -> struct ask
 *                (server, question)  -> flights[] -> struct ask -> those who ask the same
 *
 *            Asks for the same of the same server share one packet and its response: the same
 *            question is never outstanding twice, but for the next try after a timeout.
 * Not here:  how long to wait, whom to ask -> send.c, server.c.
 * Threads:   worker-local; the counters may be read by any thread.
 * Memory:    asks are the caller's; buffers fixed, about 200 KiB; a socket some 100 bytes;
 *            connections: stream.h.
 * Cost:      hot path of a miss; no system call but for the two batches, no allocation.
 * Limits:    64 datagrams a batch; datagrams over 2048 bytes count as truncated; 256 TCP
 *            connections; 10 responses on a socket that are nobody's, from the address an ask
 *            waits for, or 50 from anywhere, send it to TCP.
 * Standards: RFC 5452 4 to 6 and 9 (matching, random ports and ids), RFC 7766 6.2, 8
 * Tests:     tests/unit/resolve/exchange_test.c, spoof_test.c
 */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "dns/message.h"
#include "io/loop.h"
#include "resolve/proof.h"
#include "resolve/socket.h"

enum {
	EXCHANGE_BATCH = 64,
	EXCHANGE_MAX_STREAMS = 256,
	EXCHANGE_OUT_BYTES = 512,    /* of a question: 12 + 255 + 4, and an OPT record */
	EXCHANGE_MAX_WRONG = 10,     /* from the server's address */
	EXCHANGE_MAX_WRONG_ANY = 50, /* from anywhere */
};

struct exchange;
struct stream;
struct tls_client;

/* Why a response, or what came beside it, is not taken at its word. */
enum exchange_doubt {
	EXCHANGE_DOUBT_CASE,   /* another case than was sent, and the server may be one of those */
	EXCHANGE_DOUBT_COOKIE, /* no cookie, of a server that used to send one */
	EXCHANGE_DOUBT_BARE,   /* an error without a question */
	EXCHANGE_DOUBT_FLOOD,  /* somebody is guessing */
	EXCHANGE_BAD_COOKIE,   /* no doubt: the server wants the new cookie that came with it */
	EXCHANGE_N_DOUBTS,
};

/* A question that waits for its response. Embedded in a task. */
struct ask {
	struct udp_socket *socket;    /* not NULL: waiting over UDP, by a packet of its own */
	struct stream *stream;        /* not NULL: waiting over TCP */
	const uint8_t *name;          /* lower case; stays as it is while waiting */
	const struct tls_client *tls; /* over a stream: with TLS; NULL: TCP alone */
	const char *why;              /* a stream failed: what to tell; static, or NULL */
	uint64_t sent_ns;
	uint64_t server_tag; /* server_tag() of server */
	struct endpoint server;
	uint16_t id, type;
	uint16_t stream_at;   /* its place there */
	uint8_t stream_tries; /* over fresh connections */
	bool with_edns, rd, cd;
	bool has_wrong_case; /* a response in another case was dropped */
	struct proof proof;  /* prepared by the caller */

	/* the exchange's */
	bool is_stale;
	unsigned n_wrong_before; /* on the socket, when it was sent */
	uint64_t key;
	struct ask *leader;               /* whose packet it waits for */
	struct ask *followers;            /* who wait for its packet */
	struct ask *next, **at;           /* in the list of flights, or of followers */
	struct ask *next_here, **at_here; /* on the socket */
};

struct exchange_config {
	struct loop *loop;
	unsigned n_sockets; /* a family */
	unsigned max_asks;
	unsigned n_sources_v4, n_sources_v6; /* 0: the kernel chooses; else one is drawn a socket */
	const struct addr *sources_v4, *sources_v6;
	uint32_t connect_ms; /* to open a TCP connection; 0: STREAM_CONNECT_MS */
	uint8_t *scratch;    /* messages are opened with it; RESPONSE_SCRATCH_BYTES */
	size_t scratch_bytes;
	/* The ask waits no longer; it may be sent anew from inside. */
	void (*answered)(struct ask *a, struct message *m, bool over_tcp);
	/* It waits no longer, and is to be asked in another way. */
	void (*doubted)(struct ask *a, enum exchange_doubt why);
	/* It could not be sent, or the connection failed: -errno. */
	void (*failed)(struct ask *a, int error);
};

struct exchange_counts {
	_Atomic uint64_t out, in, dropped;
	_Atomic uint64_t joined;                   /* asks that shared another one's packet */
	_Atomic uint64_t wrong_case, wrong_cookie; /* of those dropped */
	_Atomic uint64_t doubts[EXCHANGE_N_DOUBTS];
	_Atomic uint64_t connections; /* begun */
	_Atomic uint64_t reused;      /* asks over one that was open already */
	_Atomic uint64_t tls_opened, tls_resumed;
};

MUST_USE int exchange_new(const struct exchange_config *config, struct exchange **ret);
void exchange_free(struct exchange *x); /* nothing may wait any more */

/*
 * Send an ask whose name, type, server and its tag, with_edns, rd, cd and proof are set. 0, or -errno when no socket
 * can be had (-EAFNOSUPPORT: no such family here) or everything is in use (-EAGAIN). Failures
 * of the sending itself come by failed(), at the end of the turn.
 */
MUST_USE int exchange_send(struct exchange *x, struct ask *a);
MUST_USE int exchange_send_stream(struct exchange *x, struct ask *a);
/* Wait no longer. Does nothing if the ask does not wait. */
void exchange_cancel(struct exchange *x, struct ask *a);
/* The same because nothing came: the next one who asks the same sends a packet again. */
void exchange_timed_out(struct exchange *x, struct ask *a);
/* At the end of a turn. Failures may lead to new asks, so it may send more than once. */
void exchange_flush(struct exchange *x);
const struct exchange_counts *exchange_counts(const struct exchange *x);

/* ---- between exchange.c and stream.c, streams.c ---- */

/* The message of an ask as it goes out; returns its bytes. buf holds EXCHANGE_OUT_BYTES. */
size_t exchange_write(const struct ask *a, uint8_t *buf);
/* Open what came for an ask; true if it is its response. */
bool exchange_accept(struct exchange *x, const struct ask *a, const uint8_t *bytes, size_t n,
                     struct message *ret);
struct loop *exchange_loop(const struct exchange *x);
const struct addr *exchange_source(const struct exchange *x, bool is_v4);
void exchange_count_connection(struct exchange *x);
void exchange_count_reused(struct exchange *x);
void exchange_count_tls(struct exchange *x, bool is_resumed);
void exchange_count_dropped(struct exchange *x);
void exchange_deliver(struct exchange *x, struct ask *a, struct message *m);
void exchange_fail(struct exchange *x, struct ask *a, int error);
