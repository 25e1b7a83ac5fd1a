/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alerts/destination.h - one destination: its thread, its place in the spool, when it tries again.
 *
 * What:      the thread reads the next alert that is severe enough, has it sent, and goes on; when
 *            that fails it waits, twice as long each time up to DESTINATION_RETRY_MAX_MS, a quarter
 *            more or less, or as long as the receiver asks for. Alerts are sent one by one, in
 *            their order.
 *
 *            Over a connection without receipts what was sent in the last DESTINATION_DOUBT_MS
 *            before it breaks is sent again.
 * Not here:  one attempt -> alerts/sender.h; all of them -> alerts/alerts.c.
 * Threads:   its own; `lock` of struct alerts protects what is marked so.
 * Memory:    heap; some 100 KiB with libcurl and TLS.
 * Cost:      nothing while there is nothing to send.
 * Limits:    an alert that the receiver refuses DESTINATION_REFUSALS times is counted and passed
 *            over, so that the others get through.
 * Tests:     tests/system/alerts_test.py, tests/unit/alerts/destination_test.c
 */
#pragma once

#include <pthread.h>

#include "alerts/positions.h"
#include "alerts/sender.h"
#include "alerts/spool.h"

enum {
	DESTINATION_RETRY_FIRST_MS = 1000,
	DESTINATION_RETRY_MAX_MS = 60000,
	DESTINATION_REFUSALS = 3,
	DESTINATION_DOUBT_MS = 2000,
	DESTINATION_ASK_MS = 10000, /* for the addresses of a host */
};

/* What all destinations share. */
struct shared {
	pthread_mutex_t lock;
	struct spool *spool; /* lock */
	bool has_moved;      /* lock: a position has changed and is not on the disk */
	uint64_t next_token; /* lock */
	void (*wake)(void *arg);
	void *arg;
	void (*moved)(void *arg); /* with the lock: a position is to be kept */
	void *moved_arg;
};

struct destination {
	struct shared *shared;
	struct sender_plan plan;
	char *settings; /* all of them as text: is it still the same after a reload? */
	enum alert_severity least;
	pthread_t thread;
	pthread_cond_t wake;          /* with the lock: something has changed */
	bool is_stopping, is_sending; /* lock */
	struct position at;           /* lock; at.next: all before it have arrived */
	struct spool_place place;     /* lock; what is read next */
	uint64_t failures, sent_s, failed_s, retry_ns, next_s; /* lock */
	unsigned n_refusals;
	char why[ALERTS_WHY_MAX]; /* lock */
	/* What may not have arrived: numbers from at.next to place.seq. Of these, the first were sent
	   before mark_ns, up to mark_seq. */
	uint64_t mark_seq, mark_ns, n_doubtful, n_marked;
	uint64_t seen_seq; /* losses up to here are counted */
	struct {
		uint64_t token; /* lock; 0: nothing is asked */
		char host[256];
		struct addr addrs[ALERTS_MAX_ADDRS];
		unsigned n;
		bool is_told, is_answered;
	} ask;
};

/* Copies what it needs. at: where it goes on. 0 or -errno. */
MUST_USE int destination_start(struct shared *shared, const struct config_alert *c,
                               const struct position *at, struct destination **ret);
/* End the thread, within some milliseconds; d->at is final then. The lock is not held. */
void destination_halt(struct destination *d);
void destination_free(struct destination *d); /* after that */
/* All settings as text, the caller's; NULL: no memory. */
char *destination_settings(const struct config_alert *c);

/* How long until the next attempt after so many failures, before chance is added. */
uint32_t destination_delay_ms(uint64_t failures);
