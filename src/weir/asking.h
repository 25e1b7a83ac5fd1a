/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/asking.h - a question that goes through the real pipeline although no client sent it
 *                 (weir query).
 *
 * What:      the main thread hands a question to a worker, which runs it like any other, and gets
 *            the answer back. Both ways lead through a box: a list that anybody may put into and
 *            its owner empties at once.
 * Threads:   the box `home`: main thread; asking_run: the worker.
 * Memory:    one block a question, made and freed by the main thread. When the worker ends before
 *            its resolver has answered, a direct one does not come home.
 * Cost:      none on the path of clients' questions.
 * Limits:    the control interface asks one question a client at a time.
 * Tests:     tests/unit/weir/remote_test.py
 */
#pragma once

#include "serve/serve.h"

struct asking {
	struct name name;
	uint16_t type;
	struct addr client;
	uint64_t token;
	bool is_do, is_cd;       /* DNSSEC records are wanted; bad data too */
	bool is_direct;          /* of the resolver, past cache and policy: for trust anchors */
	struct asking_box *home; /* where the answer goes */
	struct loop *home_loop;  /* and who is to be woken */
	struct asking *next;
	struct serve *serve; /* is_direct: the worker's */
	struct name_hashes hashes;
	struct resolve_request request;
	/* the answer */
	int error;
	size_t n;
	uint8_t message[DNS_MAX_MESSAGE];
};

struct asking_box {
	_Atomic(struct asking *) first;
};

void asking_put(struct asking_box *box, struct asking *a);
/* Everything in it, as a list; NULL when it is empty. */
struct asking *asking_take_all(struct asking_box *box);

/* Run it on this worker; it comes back to its home. */
void asking_run(struct serve *serve, struct asking *a);
