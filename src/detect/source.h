/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/source.h - whose an answer is, and what else of it several detectors want; inside detect/.
 *
 * What:      source_of(): the registered domain whose servers answered, and of what kind it is. A
 *            forwarder of everything shows nothing of delegations: the registered domain of the
 *            question stands for it. source_client(): the key of a client.
 * Threads:   any.
 * Memory:    pointers into the answer.
 * Cost:      detector_zone() once; source_ends_of() nothing the second time.
 * Limits:    none.
 * Tests:     tests/unit/detect/source_test.c
 */
#pragma once

#include "detect/detector.h"

struct source {
	const uint8_t *registered; /* a pointer into the zone's name, or the question's */
	enum zone_kind kind;
	uint64_t domain_key;  /* of the registered domain */
	uint64_t servers_key; /* of the servers by their names; of the domain, where not known */
	bool has_servers;     /* they are known */
};

/* False: the operator's own servers, or a registry's. @zone: NULL or without a name: not known. */
bool source_of(struct detect_call *call, const struct detect_zone *zone, const uint8_t *question,
               struct source *ret);
/* The same of both ends of an answer: of the question itself, and of where its last alias leads. */
struct source_ends {
	struct source first, last;
	bool has_first, has_last;
};
/* Found out once an answer, for all detectors; until the call ends. */
const struct source_ends *source_ends_of(struct detect_call *call);
/* Neither end is anybody known: no list, no vendor, nothing popular. */
bool source_is_anybodys(const struct source_ends *e);
/* Not 0. IPv4 whole, IPv6 its network of 64 bits. */
uint64_t source_client(const struct detect_call *call, const struct addr *client);
