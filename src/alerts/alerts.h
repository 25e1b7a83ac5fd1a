/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alerts/alerts.h - the front door of alerts: what somebody should look at, sent to where they look.
 *
 * What:      alerts_put() writes an alert into a spool in the state folder; each destination has a
 *            thread that reads it from there at its own pace, and a place in it that outlives the
 *            process. Delivery is at least once: an alert has an id, by which a receiver knows one
 *            that came twice.
 *
 *                STATE/alerts/SEQUENCE.alerts   lines: number, checksum, severity, JSON
 *                STATE/alerts/positions         how far each destination has come
 *
 *            An alert that was taken is either delivered or counted as lost, also over a kill and a
 *            full disk: docs/alerts.md says how.
 * Not here:  when there is an alert -> incidents/incidents.h, weir/alerting.c.
 * Threads:   alerts_start, _stop, _configure: the main thread. alerts_put, _views: any but
 *            workers. A lock is held for microseconds (docs/why/010-locks-off-the-path.md).
 * Memory:    heap; TAIL bytes at most while the disk is full, some 100 KiB a destination.
 * Cost:      alerts_put is one write() of about a KiB; nothing on the path of questions.
 * Limits:    the numbers below. At the spool's limit the oldest alerts go, counted for each
 *            destination that had not read them. With a full disk ALERTS_TAIL_BYTES wait in memory;
 *            then alerts_put refuses, and who calls keeps the alert, or counts it (alerts_lost).
 * Standards: RFC 5424, 5426, 6587 3.4.1, 5425 (syslog); RFC 2104 (HMAC); RFC 9110 10.2.3
 * Tests:     tests/unit/alerts/, tests/fuzz/spool_fuzz.c, tests/fuzz/positions_fuzz.c,
 *            tests/system/alerts_test.py
 */
#pragma once

#include "base/addr.h"
#include "base/must.h"
#include "config/config.h"

enum {
	ALERTS_MAX = CONFIG_MAX_ALERTS,
	ALERTS_NAME_MAX = CONFIG_LABEL_MAX,
	ALERTS_LINE_MAX = 16 * 1024,     /* of an alert in the spool */
	ALERTS_TAIL_BYTES = 1024 * 1024, /* that wait in memory while the disk takes nothing */
	ALERTS_WHY_MAX = 256,
	ALERTS_REASONS_MAX = 6, /* that an alert tells */
	ALERTS_MAX_ADDRS = 16,  /* of a host */
};

enum alert_severity {
	ALERT_LOW = 0,
	ALERT_MEDIUM,
	ALERT_HIGH,
	ALERT_CRITICAL,
};

struct alert_reason {
	const char *text;   /* "3 names of list urlhaus (malware), such as evil.example" */
	const char *source; /* the list or detector; NULL */
	const char *name;   /* an example; NULL */
	uint64_t count;
	double score;
};

/* All pointers are borrowed during alerts_put(); NULL and 0: not told. */
struct alert {
	uint64_t wall_ns;
	enum alert_severity severity;
	const char *action;   /* "incident-opened"; a keyword */
	const char *message;  /* a sentence for people */
	const char *client;   /* "192.0.2.7" or, of several, "2001:db8::/64" */
	const char *group;    /* of the client */
	const char *incident; /* its id */
	const char *state;    /* "suspicious" */
	double score;
	uint64_t first_s, last_s; /* evidence */
	struct alert_reason reasons[ALERTS_REASONS_MAX];
	unsigned n_reasons;
};

struct alerts;

struct alerts_plan {
	const char *state_dir; /* NULL: what waits is in memory only */
	uint64_t spool_bytes;
	void (*wake)(void *arg); /* there is a host to be looked up; on a thread of ours */
	void *arg;
};

/* Read what the spool has; nothing is sent before alerts_configure(). 0 or -errno. */
MUST_USE int alerts_start(const struct alerts_plan *plan, struct alerts **ret);
/* Deliveries under way are given up, and come again with the next start. NULL is fine. */
void alerts_stop(struct alerts *a);

/*
 * These destinations from now on. One that is as it was goes on undisturbed; a new one gets what
 * comes from now on; what waits for one that is gone is dropped. 0 or -ENOMEM.
 */
MUST_USE int alerts_configure(struct alerts *a, const struct config_alerts *to);

/*
 * alerts_put - take an alert.
 *
 * Returns 0: it is written down, or there is nobody to send it to; -ENOBUFS: the disk takes nothing
 * and memory is full, come again later; -ENOMEM.
 */
MUST_USE int alerts_put(struct alerts *a, const struct alert *alert);
/* n alerts were given up by who could not put them. */
void alerts_lost(struct alerts *a, uint64_t n);

struct alerts_view {
	char name[ALERTS_NAME_MAX + 1];
	char to[320];             /* scheme, host and port: the rest may be secret */
	char why[ALERTS_WHY_MAX]; /* the last failure; "" after a success */
	uint64_t waiting;
	uint64_t sent;                     /* since the spool was made */
	uint64_t lost;                     /* given up for want of room, or spoilt on the disk */
	uint64_t refused;                  /* the receiver did not want them */
	uint64_t failures;                 /* attempts since the last success */
	uint64_t sent_s, failed_s, next_s; /* wall clock; 0: never */
};
struct alerts_counts {
	uint64_t put, lost;           /* taken; given up before they could be put */
	uint64_t bytes, max_bytes;    /* of the spool */
	uint64_t in_memory;           /* alerts that are not on the disk yet */
	char trouble[ALERTS_WHY_MAX]; /* why not; "" all is well */
};
/* Into room for ALERTS_MAX. Returns how many. */
unsigned alerts_view(struct alerts *a, struct alerts_view *ret, struct alerts_counts *ret_counts);

/* ---- hosts: looked up by the main thread, as with downloads ---- */

struct alerts_ask {
	uint64_t token;
	char host[256];
};
/* The next host that somebody wants to know. false: none. */
bool alerts_next_ask(struct alerts *a, struct alerts_ask *ret);
void alerts_resolved(struct alerts *a, uint64_t token, const struct addr *addrs, unsigned n);

const char *alert_severity_name(enum alert_severity s);
enum alert_severity alert_severity_from(const char *word); /* one of alerts[].severity */
