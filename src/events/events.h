/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events/events.h - one record a question that matters, as JSON lines.
 *
 * What:      a worker puts records into its ring; one writer thread takes them out, formats them
 *            and writes to the sinks (one file each). Field names follow the Elastic Common
 *            Schema: docs/events.md.
 * Threads:   one ring a worker (single producer, single consumer); events_start/stop: main.
 * Memory:    fixed: ring size times workers, and the writer's buffer.
 * Cost:      put: one copy of some hundred bytes, no lock, no system call but for waking a
 *            sleeping writer, at most once a turn (events_turn_end).
 * Limits:    a full ring drops the record and counts it; the loss is said in the log and as an
 *            event of its own when there is room again. An observer goes on seeing records while
 *            the sink takes none: then the oldest in the ring are lost, not the newest. Files
 *            rotate at max_bytes, `keep` old ones stay.
 * Standards: RFC 8259 (JSON), RFC 3339 (time), RFC 8914 (codes)
 * Tests:     tests/unit/events/
 */
#pragma once

#include "base/addr.h"
#include "detect/detect.h"
#include "dns/name.h"
#include "policy/policy.h"

/* A piece of a record; not ended by a NUL. n 0: not there. */
struct event_text {
	const char *at;
	size_t n;
};

/* What an observer is shown of a question. All of it is borrowed during the call. */
struct event_seen {
	uint64_t wall_ns;
	const struct addr *client;
	const uint8_t *name; /* wire, as asked; NULL */
	uint16_t type;
	uint8_t action;  /* of the winning rule: enum policy_action */
	uint8_t trigger; /* enum policy_trigger */
	bool is_edit;    /* it was made by hand */
	struct event_text group, list, logged_list;
	const struct detect_finding *findings; /* n_findings; what detectors said */
	unsigned n_findings;
};

/* And of something about the server itself. */
struct event_noticed {
	uint64_t wall_ns;
	bool is_alert;
	struct event_text action, text;
};

/*
 * Sees every record, on the writer's thread, whether the sink takes it or not. It must not wait for
 * anything but the disk.
 */
struct event_observer {
	void (*question)(void *arg, const struct event_seen *e);
	void (*notice)(void *arg, const struct event_noticed *n);
	/* Events that were lost since the last call, at most once a second. */
	void (*lost)(void *arg, uint64_t in_rings, uint64_t on_disk);
	void *arg;
};

struct events;     /* all rings and the writer */
struct event_ring; /* one worker's */

struct events_config {
	const char *path;                      /* "-": standard output; NULL: nothing is written */
	const struct event_observer *observer; /* copied; NULL: none. With neither: no events */
	uint64_t max_bytes;                    /* rotate at this size; 0: never */
	unsigned keep;                         /* rotated files kept: PATH.1 is the youngest */
	unsigned n_rings;
	size_t ring_bytes; /* each; a power of two */
};

enum event_protocol {
	EVENT_UDP,
	EVENT_TCP,
	EVENT_CONTROL
};

enum event_dnssec {
	EVENT_UNCHECKED, /* not told */
	EVENT_BOGUS,
	EVENT_INSECURE,
	EVENT_SECURE
};

/* The registered domain of a question that a list of new domains matched. */
struct event_domain {
	const uint8_t *name; /* wire, lower case */
	uint64_t first_s;    /* wall clock: when it was first asked for here; 0: not known */
	unsigned n_clients;  /* about */
};

/* Pointers are borrowed during events_put(). */
struct event {
	uint64_t wall_ns;    /* when the question came */
	uint32_t latency_us; /* until the answer was ready */
	struct endpoint client;
	struct endpoint local; /* the address that was asked */
	enum event_protocol protocol;
	const char *group;   /* NULL: none */
	const uint8_t *name; /* wire, as asked */
	uint16_t type;
	uint16_t class; /* 0: IN */
	uint16_t id;
	uint16_t flags; /* as asked: RD, CD, AD */
	bool is_do;
	uint8_t rcode;    /* as answered */
	bool is_answered; /* false: dropped */
	bool is_cached, is_stale;
	bool is_throttled;                      /* a detector refused it for now */
	const struct detect_findings *findings; /* NULL: none */
	uint8_t dnssec;                /* what validation says of the data: enum event_dnssec */
	const struct verdict *verdict; /* NULL or action NONE: nothing matched */
	const char *list;              /* the winning rule's list; NULL: an edit or the default */
	const char *rule;              /* verdict_rule_text(); NULL */
	const char *logged_list;       /* first `log` list that matched beside it; NULL */
	const char *logged_rule;       /* NULL: not known */
	const char *shadow_list;       /* first list in shadow that would have won; NULL */
	const char *shadow_rule;       /* NULL: not known */
	uint8_t shadow_action;         /* what it would have done: enum policy_action */
	const char *
		strict_list; /* evaluation: strict would have decided otherwise, by this list; NULL */
	uint8_t strict_action; /* and so: enum policy_action */
	bool has_strict;       /* strict_* are set; the list may be NULL still */
	bool has_serial;
	uint32_t serial;                   /* of the winner's policy zone */
	const struct event_domain *domain; /* NULL: not told */
	const char *own;   /* "special-use name localhost": answered by ourselves; NULL */
	uint16_t ede_code; /* 0xffff: none */
	const char *ede_text;
	/* The message sent, for its flags and a summary of its answer section; NULL: none. */
	const uint8_t *message;
	size_t message_bytes;
	/* Misses: */
	const uint8_t *zone;                /* the deepest cut, wire; NULL */
	const uint8_t *const *server_names; /* of that cut; the first 8 are told */
	unsigned n_server_names;
	const struct addr *server_addrs;
	unsigned n_server_addrs;
	unsigned n_packets;
};

MUST_USE int events_start(const struct events_config *config, struct events **ret);
/*
 * Write what is in the rings, then stop. The workers must have stopped before. 0; -ETIMEDOUT: the sink
 * holds the writer in a write, it is left behind and may still call the observer.
 */
int events_stop(struct events *e);
struct event_ring *events_ring(struct events *e, unsigned i); /* NULL when there are no events */

/* Put a record; r NULL: nothing happens. */
void events_put(struct event_ring *r, const struct event *e);
/* At the end of a loop turn in which something was put: wake the writer if it sleeps. */
void events_turn_end(struct event_ring *r);
/* Reopen the file (after SIGHUP, for logrotate). Any thread. */
void events_reopen(struct events *e);

/* Something that is about the server itself: a trust anchor has changed. */
struct event_notice {
	uint64_t wall_ns;
	const char *action;  /* "trust-key-revoked" */
	bool is_alert;       /* somebody should look at it */
	const uint8_t *name; /* wire; NULL */
	int32_t key_tag;     /* -1: none */
	const char *text;    /* a sentence; the first 256 bytes are kept */
};
/* As events_put(), by the ring's thread; not on the path of a question. */
void events_put_notice(struct event_ring *r, const struct event_notice *n);

struct events_counts {
	uint64_t put;       /* handed to events_put(): written + lost + still on the way */
	uint64_t lost_ring; /* the ring was full because the writer was too slow */
	uint64_t lost_disk; /* the file did not take them */
	uint64_t written, bytes, rotations;
};
void events_count(const struct events *e, struct events_counts *ret); /* any thread */
