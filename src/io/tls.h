/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io/tls.h - TLS over a connected, non-blocking socket: the client's side.
 *
 * What:      struct tls_client is whom to believe: a name with CA certificates, or pins of
 *            public keys, or nobody in particular. struct tls is one session over one socket,
 *            which answers -EAGAIN and says by tls_wants() what it waits for, as a socket does.
 *
 *                tls_client_new() -> tls_open() -> tls_handshake()* -> tls_read(), tls_write()
 *
 *            A ticket of an earlier session with the same client and server saves the next one
 *            the certificates (RFC 8446 2.2). It is used once (C.4).
 * Not here:  the socket and its time limits -> who opens it; DNS framing -> resolve/frame.h.
 * Threads:   a tls_client is immutable and shared by threads; a session is worker-local.
 * Memory:    heap, by GnuTLS: a session some 20 KiB; a tls_client with the system's CAs 2 MiB.
 * Cost:      a full handshake is 1 to 2 ms of processor time. Never blocks.
 * Limits:    TLS 1.2 and 1.3; 32 pins; certificate chains of 16; no renegotiation.
 * Standards: RFC 8446, 5246, 6066 3 (SNI), 7301 (ALPN), 6125 (names); RFC 7858 4.2 (pins),
 *            8310 8 (profiles)
 * Tests:     tests/unit/io/tls_test.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/must.h"

enum {
	TLS_MAX_PINS = 32
};

struct tls;
struct tls_client;
struct tls_ticket;

/* SHA-256 of a SubjectPublicKeyInfo (RFC 7858 4.2). */
struct tls_pin {
	uint8_t sha256[32];
};

/* From base64, as RFC 7469 2.4 writes it. 0 or -EINVAL. */
MUST_USE int tls_pin_from_text(const char *text, size_t n, struct tls_pin *ret);

struct tls_client_plan {
	const char *name;    /* that the certificate must be for; NULL: any */
	const char *ca_file; /* PEM; NULL: the system's. Used with a name only */
	const struct tls_pin *pins;
	unsigned n_pins;                         /* with a name too: both must hold */
	const char *alpn;                        /* "dot"; NULL: none */
	const char *certificate_file, *key_file; /* PEM; shown to servers that ask. NULL: none */
};

/*
 * tls_client_new - without name and pins whoever answers is believed (RFC 8310 5, opportunistic).
 *
 * Returns 0; -ENOMEM; -EINVAL with *ret_why set to a static text (CA file not readable, ...).
 */
MUST_USE int tls_client_new(const struct tls_client_plan *plan, struct tls_client **ret,
                            const char **ret_why);
void tls_client_free(struct tls_client *c); /* no session may be left */
/* Does it authenticate servers? false: it takes any. */
bool tls_client_is_strict(const struct tls_client *c);

/* A session over fd (borrowed; connected, non-blocking). ticket: NULL, or one to resume. */
MUST_USE int tls_open(const struct tls_client *c, int fd, const struct tls_ticket *ticket,
                      struct tls **ret);
/* Says goodbye, if that can be done without waiting. t may be NULL. */
void tls_close(struct tls *t);

/* 0: done; -EAGAIN; -EKEYREJECTED: the server is not who it should be; -EPROTO: no TLS, or an
   alert; another -errno of the socket. tls_why() tells, for all but the last. */
MUST_USE int tls_handshake(struct tls *t);
/* Bytes; 0: the server has ended (read); -EAGAIN, -EPROTO, -ECONNRESET. A write that returned
   -EAGAIN must be repeated with the same bytes. */
MUST_USE ssize_t tls_read(struct tls *t, void *ret, size_t n);
MUST_USE ssize_t tls_write(struct tls *t, const void *bytes, size_t n);
/* Has read more from the socket than it handed out: do not wait for the socket. */
bool tls_has_more(const struct tls *t);
/* After -EAGAIN: EPOLLIN or EPOLLOUT. */
uint32_t tls_wants(const struct tls *t);
/* After -EKEYREJECTED or -EPROTO, of reading and writing too: static; NULL: nothing to say. */
const char *tls_why(const struct tls *t);
bool tls_is_resumed(const struct tls *t);

/* A ticket for the next session; NULL: there is none (yet), or no memory. The caller's. */
struct tls_ticket *tls_ticket_take(struct tls *t);
void tls_ticket_free(struct tls_ticket *k);
