/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/detect.h - the front door of the detectors: what looks for malware in misses and answers.
 *
 * What:      one `struct detect` for the process. Two hooks on the path of a miss, and none on that of
 *            a hit: detect_question() before each packet to a server, detect_answer() when
 *            an answer has come. Each asks the detectors of config/detectors.def in turn; a
 *            detector that finds something says how sure it is, with evidence in numbers; what is
 *            done about it is the client's group's to say (allow, alert, throttle, block).
 *
 *                resolve/send.c -> detect_question() -> NAME.c: question() -> detector_found()
 *                serve/judge.c  -> detect_answer()   -> NAME.c: answer()   -> detector_found()
 *
 * Not here:  what a detector is made of -> detect/detector.h; the actions' names and the table ->
 *            config/config.h; rules, which win over detectors -> policy/.
 * Threads:   the hooks: any worker; all share one state by relaxed atomics. Settings and mutes are
 *            immutable and published under RCU by the housekeeping thread, which calls the rest.
 * Memory:    process; fixed from detect_new() on, 64 MiB at most for 10,000 clients. The hooks
 *            allocate nothing.
 * Cost:      3 us a miss at most on average, all detectors together.
 * Limits:    DETECT_FINDINGS_MAX findings of one packet or answer, the surest; DETECT_MUTES_MAX mutes.
 * Standards: none
 * Tests:     tests/unit/detect/
 */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "config/config.h"
#include "dns/message.h"
#include "dns/name.h"

struct detect;

enum {
	DETECT_EVIDENCE_MAX = 6,
	DETECT_FINDINGS_MAX = 4,
	DETECT_TEXT_MAX = 127,
	DETECT_MUTES_MAX = 10000,
	DETECT_RECORDS_MAX = 64, /* of an answer */
};

/* ---- what a detector says ---- */

struct detect_evidence {
	const char *name; /* static: "bits", "budget" */
	int64_t value;
};

struct detect_finding {
	uint8_t detector;   /* enum detector_id */
	uint8_t confidence; /* enum detect_confidence */
	uint8_t action;     /* enum detect_action, of the client's group */
	bool is_muted;      /* the action is ALLOW because of it */
	uint8_t n_evidence;
	struct detect_evidence evidence[DETECT_EVIDENCE_MAX];
	char text[DETECT_TEXT_MAX + 1]; /* a sentence: what, not why it matters */
};

struct detect_findings {
	unsigned n;
	struct detect_finding at[DETECT_FINDINGS_MAX];
};

/* The one whose action is the strongest, the surest of those; NULL: none. */
const struct detect_finding *detect_strongest(const struct detect_findings *f);
/* Add what is in `from` (NULL: nothing); when there is no room the weakest goes. */
void detect_findings_add(struct detect_findings *f, const struct detect_findings *from);

enum detect_outcome {
	DETECT_PASS,
	DETECT_WAIT,    /* ask again in wait_ms, then it may go */
	DETECT_REFUSED, /* throttled for longer than anybody waits: it may go in wait_ms */
	DETECT_BLOCKED,
};

/* Written whole. */
struct detect_result {
	enum detect_outcome outcome;
	uint64_t wait_ms;
	struct detect_findings findings; /* those of action ALERT and above, and muted ones */
};

/* ---- the hooks; pointers are borrowed during the call ---- */

/* Where something would go, or came from: a delegation. */
struct detect_zone {
	const uint8_t *name; /* of the zone, lower case; the root for a forwarder of everything */
	uint64_t
		servers_hash; /* of the names of its servers, whatever their order; 0: a forwarder */
	const struct addr *server; /* the one asked; NULL: not known */
	bool is_forward;           /* its servers are the operator's forwarders */
};

struct detect_question {
	const struct addr *client;
	uint16_t group; /* as policy/ counts them, which is the order in the configuration */
	const uint8_t *question; /* what the client asked for, or where an alias led; lower case */
	const uint8_t *name;     /* what the packet shows of it: its last labels (RFC 9156) */
	uint16_t type;           /* of the question */
	uint16_t sent_type;      /* of the packet */
	bool is_first;           /* the first packet for this name */
	bool is_again;           /* the same has been sent to this zone a moment ago: a retry */
	struct detect_zone zone;
	uint64_t now_ns; /* monotonic */
};
void detect_question(struct detect *d, const struct detect_question *q, struct detect_result *ret);

struct detect_answer {
	const struct addr *client;
	uint16_t group;
	const uint8_t *question; /* lower case */
	uint16_t type;
	uint8_t rcode;
	bool is_failure;      /* no answer came: rcode is SERVFAIL */
	bool is_cached;       /* it has been looked at before: nothing is to be counted */
	const struct rr *rrs; /* its answer section, in order */
	unsigned n_rrs;
	unsigned n_more;  /* records behind these, DETECT_RECORDS_MAX are looked at */
	uint32_t n_bytes; /* of the whole section */
	bool has_age;     /* it is known when the registered domain was first asked for here: */
	uint32_t age_s;
	/* One that the public DNS should not give (local/), no exempt name's; NULL: there is none. */
	const struct addr *private_addr;
	struct detect_zone first; /* of the question itself; name NULL: not known */
	struct detect_zone zone;  /* of the last alias's target; name NULL: not known */
	uint64_t now_ns;
};
/* The outcome is PASS or BLOCKED. */
void detect_answer(struct detect *d, const struct detect_answer *a, struct detect_result *ret);

/* ---- the state and its settings: the housekeeping thread ---- */

/* *ret stays NULL where detection is switched off. 0, -ENOMEM. */
MUST_USE int detect_new(const struct config *c, struct detect **ret);
/* After the workers have ended. NULL is fine. */
void detect_free(struct detect *d);
/* A new configuration is in force; the old settings are retired. 0 or -ENOMEM: all stays. */
MUST_USE int detect_configure(struct detect *d, const struct config *c);
/* Once a second; NULL is fine. now_s: wall clock. */
void detect_tick(struct detect *d, uint64_t now_s);
/* Bytes of the state, all detectors together. */
size_t detect_bytes(const struct detect *d);

/* clang-format off */
#define DETECT_COUNTERS(X) \
	X(asked, "packets and answers looked at") \
	X(low, "found, hardly sure") \
	X(medium, "found, fairly sure") \
	X(high, "found, sure") \
	X(alerted, "of these, alerts") \
	X(throttled, "of these, packets that had to wait or were refused") \
	X(blocked, "of these, blocked") \
	X(muted, "of these, passed because somebody muted the detector")
/* clang-format on */

struct detect_counts {
#define X(name, help) uint64_t name;
	DETECT_COUNTERS(X)
#undef X
};
void detect_count(const struct detect *d, enum detector_id id, struct detect_counts *ret);

/* ---- what is known, for explain ---- */

enum {
	DETECT_FACTS_MAX = 24,
	DETECT_FACT_MAX = 159
};
struct detect_fact {
	enum detector_id detector;
	char text[DETECT_FACT_MAX + 1];
};
struct detect_facts {
	unsigned n;
	struct detect_fact at[DETECT_FACTS_MAX];
};
/*
 * What the detectors know that matters for a client that asks for a name whose servers are
 * `zone`'s (name NULL: not known). Nothing is counted or charged.
 */
void detect_explain(struct detect *d, const struct detect_question *q, struct detect_facts *ret);

/* ---- mutes: a detector says nothing about a client or a zone ---- */

struct detect_mute {
	enum detector_id detector; /* N_DETECTORS: all */
	bool has_client;
	struct addr_prefix client;
	struct name zone;   /* it and what is below it; len 0: all */
	uint64_t made_s;    /* wall clock */
	uint64_t expires_s; /* wall clock; 0: never */
	char who[64];
	char reason[256];
};
/*
 * Put all mutes in force, in the place of those before; copied. 0, -ENOMEM, -E2BIG.
 * Expired ones are the caller's to leave out.
 */
MUST_USE int detect_set_mutes(struct detect *d, const struct detect_mute *mutes, unsigned n);

/* ---- ceilings that the leak budget has learned (docs/detection.md): the housekeeping thread ---- */

struct detect_ceiling {
	struct name domain;
	uint32_t factor;    /* in force: so many times the budget of a client; 1: none */
	uint32_t all;       /* and so many times that of all clients */
	unsigned n_clients; /* that it was found to need more for; it takes three */
	uint32_t third_bits, most_bits; /* an hour: what the third of them, and the first, needs */
	bool is_confirmed;              /* by the operator */
	uint64_t made_s, used_s;        /* wall clock */
};
/* Until when it learns, or did; 0: it does not. */
uint64_t detect_learns_until_s(const struct detect *d);
/* Those in use, `max` at most; returns how many there are. */
unsigned detect_ceilings(const struct detect *d, struct detect_ceiling *at, unsigned max);
/* Raise a domain's to what its greediest client has needed so far. 0, -ENOENT. */
MUST_USE int detect_confirm_ceiling(struct detect *d, const uint8_t *domain);
/* domain NULL: all of them, and learn anew. 0, -ENOENT. */
MUST_USE int detect_forget_ceiling(struct detect *d, const uint8_t *domain);
/* Another number: something has changed that is worth keeping. */
uint64_t detect_ceilings_version(const struct detect *d);
/* As text for a file: the caller's, free(). 0, -ENOMEM. */
MUST_USE int detect_save_ceilings(const struct detect *d, char **ret_text, size_t *ret_n);

enum {
	DETECT_WHY_MAX = 160
};
/*
 * What was saved, before the first question. 0; -EBADMSG: it is no such text, and nothing is taken.
 * @why: "", or what is wrong with it, or with the first line that was left out
 */
MUST_USE int detect_load_ceilings(struct detect *d, const char *text, size_t n,
                                  char why[DETECT_WHY_MAX]);
