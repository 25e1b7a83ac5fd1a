/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/detector.h - what a detector is made of; inside detect/ only.
 *
 * What:      a file NAME.c with `const struct detector detector_NAME` and a line in
 *            config/detectors.def. What the file does not need it leaves NULL.
 *
 *                start()    once: the shared state, of fixed size
 *                prepare()  at the start and at each reload: what the options mean, immutable
 *                question() before each packet; answer() for each answer; call detector_found()
 *                foresee_question(), foresee_answer() before all detectors' turns: fetch from memory
 *                           what will be needed
 *                explain()  call detector_tell()
 *                tick()     once a second, on the housekeeping thread
 *
 * Threads:   question(), answer(): any worker, several at once; the state is shared by relaxed
 *            atomics, one slot at a time, nothing is ever locked. Losing a race may cost an
 *            increment, never memory safety. The others: the housekeeping thread.
 * Memory:    state: process. What prepare() made: until no worker can see it. question() and
 *            answer() allocate nothing.
 *            A detector whose prepare() made nothing (*ret_prepared is NULL) is not asked until it
 *            does; explain() is.
 * Cost:      question() and answer(): some 100 ns.
 * Limits:    keys that an outsider chooses are hashed with detector_hash(), whose key nobody knows;
 *            what is kept must not be evicted by whoever wants it forgotten.
 * Tests:     tests/unit/detect/front_test.c
 */
#pragma once

#include "base/clock.h"
#include "detect/detect.h"
#include "detect/zones.h"

struct detector;
struct known;

/* One call of a detector. */
struct detect_call {
	const struct detector *detector;
	void *state;                     /* what start() made */
	const void *prepared;            /* what prepare() made */
	const struct detect_question *q; /* question(), explain() */
	const struct detect_answer *a;   /* answer() */
	/* Others want it throttled (question()): what is charged counts so many times. */
	uint32_t factor;
	struct known *known; /* what it is about, as far as it was found out */
	struct detect_front *front;
};

struct detector {
	/* 0 or -ENOMEM */
	int (*start)(const struct config *c, void **ret_state);
	void (*stop)(void *state);
	size_t (*bytes)(const void *state);
	int (*prepare)(const struct config *c, void **ret_prepared);
	void (*release)(void *prepared); /* on any thread */
	void (*question)(struct detect_call *call);
	void (*answer)(struct detect_call *call);
	/* Before the first of them is asked: what they will look at in memory, have it come. */
	void (*foresee_question)(struct detect_call *call);
	void (*foresee_answer)(struct detect_call *call); /* of names that anybody may have */
	void (*explain)(struct detect_call *call);
	void (*tick)(void *state, const void *prepared, uint64_t now_s); /* wall clock */
};

#define DETECTOR(name, ...) extern const struct detector detector_##name;
#include "config/detectors.def"

/*
 * Something was found: counted, and kept with the action of the client's group. `text` is what
 * happened, as printf() has it. Returns the action that will be taken; *ret is where evidence goes
 * (detector_evidence), and never NULL.
 */
enum detect_action detector_found(struct detect_call *call, enum detect_confidence confidence,
                                  struct detect_finding **ret, const char *text, ...)
	PRINTF_LIKE(4, 5);
/* What would be done about something found at that confidence, mutes aside. */
enum detect_action detector_action(const struct detect_call *call,
                                   enum detect_confidence confidence);
/* `name` is static. What does not fit is left out. */
static inline void detector_evidence(struct detect_finding *f, const char *name, int64_t value)
{
	if (f->n_evidence < DETECT_EVIDENCE_MAX)
		f->evidence[f->n_evidence++] = (struct detect_evidence){ name, value };
}

/*
 * Only the leak budget says when a packet may go. Others find, and where the action is
 * DETECT_THROTTLE the packet is charged tenfold.
 */
void detector_defer(struct detect_call *call, uint64_t wait_ms);

/* explain(): a sentence. */
void detector_tell(struct detect_call *call, const char *text, ...) PRINTF_LIKE(2, 3);

/* What is known of the name that was asked for: found out once a packet or answer, for all detectors. */
struct name_facts {
	const uint8_t
		*registered; /* its registered domain, a pointer into it; NULL: there is none */
	unsigned n_labels, n_registered; /* of both; n_registered may be > 0 in reverse zones too */
	enum zone_kind kind;
	bool may_have_vendors; /* as struct zone_facts has it */
};
const struct name_facts *detector_facts(struct detect_call *call);
/* What detector_facts() will look at, have it come from memory. */
void detector_foresee_facts(struct detect_call *call);
/* The same of the name of a zone, or of any other that lives until the call ends. */
struct zone_facts detector_zone(const struct detect_call *call, const uint8_t *lower);
/* zones_is_vendors(): is a name of that zone below one that is a vendor's? */
bool detector_is_vendors(const struct detect_call *call, const uint8_t *zone, const uint8_t *lower);

/* What start() of a detector made. */
void *detector_state(const struct detect *d, enum detector_id id);

/* A keyed 64-bit hash of a few bytes, never 0; the key is the process's own. */
uint64_t detector_hash(const struct detect_call *call, const void *bytes, size_t n);
/* The same of a name in wire form, which lives until the call ends: hashed once for all detectors. */
uint64_t detector_hash_name(const struct detect_call *call, const uint8_t *lower);
/* Of an address: IPv4 whole, IPv6 its first 64 bits. */
uint64_t detector_hash_network(const struct detect_call *call, const struct addr *a);
/* Of two hashes, in this order: a client and a domain. One of them is from here; the other may be guessed. Never 0. */
uint64_t detector_hash_pair(const struct detect_call *call, uint64_t a, uint64_t b);

/* Are its servers the operator's own: those of a forward zone that is not everything? */
static inline bool detector_is_own(const struct detect_zone *z)
{
	return z->is_forward && z->name != NULL && !name_is_root(z->name);
}

/*
 * Does a label begin with an underscore, of a name up to `end` (a pointer into it; NULL: all)? Such
 * names, of directories, mail and certificates, are asked for by programs, for what people wrote.
 */
static inline bool detector_has_underscore(const uint8_t *name, const uint8_t *end)
{
	for (; name != end && *name != 0; name += *name + 1U) {
		if (name[1] == '_')
			return true;
	}
	return false;
}
