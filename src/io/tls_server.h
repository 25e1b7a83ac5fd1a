/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/tls_server.h - TLS over a connected, non-blocking socket: the server's side.
 *
 * What:      struct tls_server is who we are: a certificate and its key, and the authorities whose
 *            clients are believed. A session is a struct tls, with all that io/tls.h has for it.
 *
 *                tls_server_new() -> tls_accept() -> tls_handshake()* -> tls_read(), tls_write()
 *
 *            A client need not show a certificate; one that is shown must be good, or the
 *            handshake fails. Who it is for is asked afterwards (tls_peer_is).
 * Not here:  sockets, threads -> transfer/tls_door.h.
 * Threads:   a tls_server is immutable but for its count of references, and shared by threads; a
 *            session belongs to one.
 * Memory:    heap, by GnuTLS: a session some 20 KiB.
 * Cost:      a handshake is 1 to 2 ms of processor time. Never blocks.
 * Limits:    TLS 1.2 and 1.3; no tickets: those who come stay connected or come rarely.
 * Standards: RFC 8446, 5246; 7301 (ALPN); 6125 (names); 9103 9.3.3 (mutual TLS)
 * Tests:     tests/unit/io/tls_server_test.c
 */
#pragma once

#include "io/tls.h"

enum {
	TLS_WHY_MAX = 200
};

struct tls_server;

struct tls_server_plan {
	const char *certificate_file; /* PEM: ours first, then those between it and the authority */
	const char *key_file;         /* PEM */
	const char *client_ca_file;   /* PEM; NULL: clients are asked for no certificate */
	const char *alpn;             /* "dot"; a client must offer it */
};

/* 0; -ENOMEM; -EINVAL, and ret_why says what is wrong with which file. */
MUST_USE int tls_server_new(const struct tls_server_plan *plan, struct tls_server **ret,
                            char ret_why[static TLS_WHY_MAX]);
struct tls_server *tls_server_get(struct tls_server *s); /* another reference; NULL is fine */
void tls_server_put(struct tls_server *s);               /* NULL is fine */

/* A session over fd (borrowed; connected, non-blocking), which keeps s. */
MUST_USE int tls_accept(struct tls_server *s, int fd, struct tls **ret);
/* After the handshake: has the client offered the protocol of the plan? */
bool tls_is_agreed(const struct tls *t);
/* After the handshake: has the client shown a certificate for this name? */
bool tls_peer_is(const struct tls *t, const char *name);
