/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/responder.h - answering other servers on a worker.
 *
 * What:      the steps (serve/) hand over what is no question to a resolver: NOTIFY, and SOA, IXFR
 *            and AXFR of zones that are published. NOTIFY and SOA are answered at once; for a
 *            transfer the connection is given to a thread (transfer/outgoing.h).
 * Threads:   any worker.
 * Memory:    the stack.
 * Cost:      some us; a signature costs a HMAC. Not on the path of clients' questions.
 * Standards: RFC 1995 2; RFC 1996 3, 4; RFC 5936 2.2, 4.2; RFC 8945 5.2, 5.3; RFC 9103 8
 * Tests:     tests/unit/transfer/responder_test.c
 */
#pragma once

#include "serve/serve.h"
#include "transfer/keyring.h"
#include "transfer/request.h"

struct responder {
	struct loop *loop; /* is woken when there is something to do */
	struct outgoing *outgoing;
};

/* For struct serve_zones; arg: struct responder. */
bool responder_wants(void *arg, const struct query *q);
void responder_write(void *arg, struct query *q);

/* The same without a worker. */
struct responder_message {
	const uint8_t *bytes;
	size_t n;
	struct addr client;
	bool is_stream;
	int (*detach)(void *arg); /* NULL: a transfer cannot be had; else as in struct origin */
	/*
	 * Over TLS, in place of detach: the caller sends the zone when responder_answer() has returned.
	 * folder and ring are borrowed until then. 0, or -EBUSY: SERVFAIL.
	 */
	int (*transfer)(void *arg, const struct request *r, const char *folder,
	                struct keyring *ring);
	bool (*is_named)(void *arg, const char *name); /* over TLS: is the other side this? */
	void *arg;
};
/* The answer's bytes into out (at least 1400); 0: not for us, or the connection was given away. */
size_t responder_answer(const struct responder *home, const struct responder_message *m,
                        uint8_t *out, size_t room);
