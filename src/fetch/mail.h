/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fetch/mail.h - what the main thread and the fetching thread say to each other.
 *
 * What:      a box that anybody may put a letter into, and its owner empties at once.
 * Threads:   mail_put: any; mail_take_all: the box's owner.
 * Memory:    a letter is heap, made by the sender and freed by the receiver.
 * Cost:      one exchange of a pointer.
 * Limits:    none; who sends is ourselves.
 * Tests:     tests/unit/fetch/mail_test.c
 */
#pragma once

#include <stdatomic.h>

#include "fetch/fetch.h"

enum mail_kind {
	MAIL_STOP,
	MAIL_SOURCES, /* these are to be fetched from now on */
	MAIL_UPDATE,  /* fetch `name` now; "": all */
	MAIL_RESOLVED,
};

struct mail {
	struct mail *next;
	enum mail_kind kind;
	char name[FETCH_NAME_MAX + 1];
	struct fetch_sources *sources; /* taken by who reads it */
	uint64_t token;
	unsigned n_addrs;
	struct addr addrs[FETCH_MAX_ADDRS];
};

struct mail_box {
	_Atomic(struct mail *) first;
};

void mail_put(struct mail_box *box, struct mail *m);
/* Everything in it, the oldest first; NULL when it is empty. */
struct mail *mail_take_all(struct mail_box *box);
void mail_free(struct mail *m); /* one letter, with what it holds */
