/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stream_server.h - a server over TCP or TLS for tests, in the test's own loop.
 *
 * What:      it accepts, reads queries, and hands each to the test, which answers, stays silent,
 *            breaks off or sends nonsense.
 * Threads:   one.
 * Memory:    stream_server_stop() frees all.
 */
#pragma once

#include <gnutls/gnutls.h>

#include "base/addr.h"
#include "dns/message.h"
#include "io/loop.h"
#include "resolve/frame.h"

struct stream_server;

/* A connection, as the server sees it. */
struct peer {
	struct watcher watcher;
	struct stream_server *server;
	struct peer *next;
	gnutls_session_t tls;
	bool is_shaken;
	bool is_gone; /* the other side has ended, or we have */
	struct frame frame;
	unsigned n_queries;
};

struct stream_server {
	struct watcher watcher;
	struct loop *loop;
	struct endpoint at;
	struct peer *peers; /* the newest first; those that are gone too */
	unsigned n_accepted, n_open, n_queries, n_resumed, n_alpn, n_failed_handshakes;
	size_t last_bytes;                            /* of the last query */
	uint8_t last[600];                            /* and the query */
	gnutls_certificate_credentials_t credentials; /* NULL: plain TCP */
	gnutls_datum_t ticket_key;
	const char *priority;
	void (*asked)(struct peer *p, const uint8_t *query, size_t n);
};

/* addr: "127.0.0.1"; port 0: any. */
void stream_server_start(struct stream_server *s, struct loop *loop, const char *addr,
                         uint16_t port);
void stream_server_stop(struct stream_server *s);

void peer_send(struct peer *p, const void *bytes, size_t n);
/* With its length before it. */
void peer_send_message(struct peer *p, const uint8_t *message, size_t n);
void peer_close(struct peer *p);
/* The query with QR set and nothing more. */
void peer_answer(struct peer *p, const uint8_t *query, size_t n);
