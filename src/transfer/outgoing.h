/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/outgoing.h - connections on which a zone is being sent.
 *
 * What:      a worker that is asked for AXFR or IXFR gives the connection away (outgoing_put); the
 *            housekeeping thread gives it a thread, OUTGOING_MAX_JOBS at once, others wait.
 * Not here:  what is sent -> transfer/send.c.
 * Threads:   outgoing_put: any worker; the rest: the housekeeping thread.
 * Memory:    2 KiB a connection that waits, 1.5 MiB one that is served.
 * Cost:      a thread a transfer.
 * Limits:    OUTGOING_MAX_WAITING; beyond, the worker answers SERVFAIL.
 * Standards: RFC 5936 4.1
 * Tests:     tests/system/publish_test.py
 */
#pragma once

#include "io/loop.h"
#include "transfer/keyring.h"
#include "transfer/request.h"

enum {
	OUTGOING_MAX_JOBS = 16,
	OUTGOING_MAX_WAITING = 128,
};

struct outgoing;

MUST_USE int outgoing_new(struct loop *loop, int stop_fd, struct outgoing **ret);
/* stop_fd must be readable: ends all transfers. */
void outgoing_free(struct outgoing *o);

/* Is there room for one more? */
bool outgoing_has_room(const struct outgoing *o);
/*
 * Take a connection: fd is taken in any case. folder is copied; ring: another reference is taken, as
 * the request's key is in it. 0 or -ENOMEM.
 */
MUST_USE int outgoing_put(struct outgoing *o, int fd, const struct request *r, const char *folder,
                          const struct addr *client, struct keyring *ring);
/* The main loop was woken: start what waits, end what is done. */
void outgoing_woken(struct outgoing *o);
