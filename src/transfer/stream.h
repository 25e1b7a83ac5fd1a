/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/stream.h - DNS messages over TCP, TLS or UDP, waited for.
 *
 * What:      transfers have threads of their own, so these calls block: until it is done, the time
 *            is over, or the stop descriptor becomes readable.
 * Not here:  what is in the messages -> transfer/refresh.c, transfer/send.c; TLS -> io/tls.h.
 * Threads:   a stream belongs to one thread.
 * Memory:    64 KiB each way.
 * Cost:      blocks. Never on a worker.
 * Limits:    messages of 64 KiB; nothing moves for STREAM_IDLE_MS: the end.
 * Standards: RFC 1035 4.2.2; RFC 7766; RFC 9103 7 (ALPN "dot")
 * Tests:     tests/unit/transfer/stream_test.c, tests/system/transfer_test.py
 */
#pragma once

#include "base/addr.h"
#include "dns/message.h"
#include "io/tls_server.h"

enum {
	STREAM_IDLE_MS = 30000,
	STREAM_CONNECT_MS = 5000,
	STREAM_LINGER_MS = 2000,
	STREAM_UDP_TRIES = 3,
	STREAM_UDP_MS = 1500,
};

struct stream;

struct stream_plan {
	struct endpoint to;
	const struct addr *source;    /* NULL: the kernel chooses */
	const struct tls_client *tls; /* NULL: in clear text */
	int stop_fd;                  /* readable: give up (-ECANCELED); -1: none */
	uint64_t deadline_ns;         /* monotonic; of all calls together */
};

/*
 * Connect, with TLS if planned. Returns 0; -ETIMEDOUT; -ECANCELED; -EKEYREJECTED (the server is not
 * who it should be, *ret_why says why); -EPROTO (no TLS); -errno. *ret_why: static, may be "".
 */
MUST_USE int stream_open(const struct stream_plan *plan, struct stream **ret, const char **ret_why);
/* Over a socket that is connected, which is taken. first: bytes that were read already. */
MUST_USE int stream_adopt(int fd, const uint8_t *first, size_t n_first, int stop_fd,
                          uint64_t deadline_ns, struct stream **ret);
/*
 * The same with TLS, we being the server; tls is kept. Returns 0; -EPROTO, -EKEYREJECTED (*ret_why says why);
 * -ETIMEDOUT; -ECANCELED; -errno. fd is taken in any case.
 */
MUST_USE int stream_accept(int fd, struct tls_server *tls, int stop_fd, uint64_t deadline_ns,
                           struct stream **ret, const char **ret_why);
const struct tls *stream_tls(const struct stream *s); /* NULL: in clear text */
void stream_close(struct stream *s);
/* The same when the last message was sent: the other side is given time to read it. */
void stream_finish(struct stream *s);

/* A whole message with its length before it. 0, -ETIMEDOUT, -ECANCELED, -errno. */
MUST_USE int stream_send(struct stream *s, const uint8_t *msg, size_t n);
/*
 * The next message, in the stream until the next call. 0; -ENODATA: the other side has ended;
 * -EBADMSG: shorter than a header; -ETIMEDOUT; -ECANCELED; -errno.
 */
MUST_USE int stream_receive(struct stream *s, uint8_t **ret_msg, size_t *ret_n);
void stream_set_deadline(struct stream *s, uint64_t deadline_ns);

/*
 * One question over UDP: sent again when nothing comes. Only what has the query's id and comes
 * from that address is an answer. ret: DNS_MAX_MESSAGE bytes. 0, -ETIMEDOUT, -ECANCELED, -errno.
 */
MUST_USE int stream_ask_udp(const struct stream_plan *plan, const uint8_t *query, size_t n,
                            uint8_t *ret, size_t *ret_n);
