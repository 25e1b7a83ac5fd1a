/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/engine.h - the real detectors on a clock and an Internet of their own.
 *
 * What:      a question of a client at a time goes through a cache of TTLs; what it has not goes as
 *            packets to the servers of its zones, in the steps of QNAME minimisation that resolve/ takes,
 *            each asked about (detect_question) before it goes; what comes back is looked at
 *            (detect_answer); all findings of a question are evidence against the client
 *            (incidents/). All detectors of config/detectors.def, as they are shipped.
 *
 *                engine_ask() -> cache -> detect_question() ... -> truth -> detect_answer() -> incidents
 *                                              `-> held: engine_wait()
 *
 *            A zone is a registered domain (of the registries' part of the public suffix list),
 *            or a cut that was told. Its servers are those of its provider: whoever uses the engine says
 *            which domains have the same one. Delegations are known for a day, what does not exist
 *            for 5 minutes, what nobody answers for 5 seconds.
 * Threads:   one.
 * Memory:    one engine at a time; the detectors' own, 48 MiB for cache and incidents.
 */
#pragma once

#include "detect/detect.h"
#include "incidents/table.h"
#include "seen/seen.h"
#include "truth.h"

enum {
	ENGINE_LEARNS = 400 * 86400,
};

struct engine_question {
	struct addr client;
	struct name name;
	uint16_t type;
	uint64_t now_ns; /* since the beginning of the engine's time */
	uint64_t tag;    /* whatever who asks likes */
};

enum engine_end {
	ENGINE_HIT,
	ENGINE_ANSWERED,
	ENGINE_LOST,
	ENGINE_REFUSED, /* throttled */
	ENGINE_BLOCKED,
	ENGINE_ANSWER_BLOCKED, /* the packets went; the client does not see what came */
	ENGINE_HELD,           /* it goes on in engine_wait() */
};

/* What is told meanwhile; each may be NULL. */
struct engine_watcher {
	void *arg;
	/* A packet has gone to the servers of the zone. */
	void (*packet)(void *arg, const struct engine_question *q, const uint8_t *zone,
	               const uint8_t *name, uint64_t now_ns);
	/* Findings of a packet or answer, those that call for more than DETECT_ALLOW. */
	void (*found)(void *arg, const struct engine_question *q, const struct detect_findings *f,
	              uint64_t now_ns);
	void (*held)(void *arg, const struct engine_question *q, uint64_t now_ns);
	void (*ended)(void *arg, const struct engine_question *q, enum engine_end end,
	              uint64_t now_ns);
	/* A client's incident is told: opened or got worse. */
	void (*alert)(void *arg, const struct client *c, unsigned pending, uint64_t now_ns);
};

struct engine_plan {
	uint64_t seed;
	unsigned clients; /* 0: as shipped */
	uint64_t without; /* a bit for each detector that is off */
	bool is_all_off;  /* no detection at all */
	uint32_t learn_s; /* so long no domain is new; ENGINE_LEARNS: at no time; 0: each is */
	const struct engine_watcher *watcher;
	/* A number for the provider of a domain; NULL: each has one of its own. */
	uint64_t (*provider)(void *arg, const uint8_t *registered);
	void *provider_arg;
};

struct engine_counts {
	uint64_t questions, hits, packets, answers;
};

void engine_start(const struct engine_plan *plan);
void engine_stop(void);

/* A zone below a registered domain that has servers of its own. */
void engine_add_cut(const char *zone);
/* Ends at once, or is held. Times do not go back. */
enum engine_end engine_ask(const struct engine_question *q, const struct truth *t);
/* What was held until then goes on; incidents are told. */
void engine_wait(uint64_t until_ns);

struct engine_counts engine_counts(void);
/* Findings of a detector so far, those of DETECT_ALLOW included. */
uint64_t engine_found(enum detector_id d, enum detect_confidence c);
size_t engine_bytes(void);
struct detect *engine_detect(void);
