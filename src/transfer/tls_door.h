/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/tls_door.h - where zones that are published can be had over TLS.
 *
 * What:      listens on addresses of its own; each connection has a thread, which answers SOA, IXFR,
 *            AXFR and NOTIFY, one after the other, until the other side ends or is silent for
 *            STREAM_IDLE_MS. Everything else is refused.
 *
 *                thread: accept -> thread: stream_accept() -> responder_answer() -> send_zone()
 *
 * Not here:  who may have what -> transfer/responder.c; certificates -> io/tls_server.h, and the
 *            current one in transfer/table.h.
 * Threads:   tls_door_open, start, free: the housekeeping thread. Its own threads are registered with
 *            base/rcu.h.
 * Memory:    200 KiB a connection, 1.5 MiB where a zone is being sent.
 * Cost:      a handshake is 1 to 2 ms of processor time, at a lower priority.
 * Limits:    TLS_DOOR_MAX connections, TLS_DOOR_MAX_EACH of one address, OUTGOING_MAX_JOBS transfers at
 *            once (SERVFAIL beyond). Who may have none of the zones is not let in.
 * Standards: RFC 9103 7, 8, 9.3; RFC 7766 6.2.3
 * Tests:     tests/system/publish_tls_test.py
 */
#pragma once

#include "base/addr.h"
#include "transfer/responder.h"

enum {
	TLS_DOOR_MAX = 64,
	TLS_DOOR_MAX_EACH = 8,
};

struct tls_door;

/* Listen, and take nobody yet. home: borrowed. 0 or -errno, which is logged. */
MUST_USE int tls_door_open(const struct endpoint *listen, unsigned n, const struct responder *home,
                           int stop_fd, struct tls_door **ret);
/* Take those who come. 0 or -errno; nothing if it was called before. */
MUST_USE int tls_door_start(struct tls_door *d);
/* stop_fd must be readable: ends all connections. NULL is fine. */
void tls_door_free(struct tls_door *d);
