/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/detect/engine/truth.h - what the Internet says about a name, for the offline engine.
 *
 * What:      an answer section with all its aliases, made from text as the data sets have it
 *            ("A/300/192.0.2.1|CNAME/60/www.example.net"), or record by record. Of what a data set
 *            has only the length (TXT, NULL, KEY: "len=48"), hexadecimal digits are made, as many.
 * Threads:   one.
 * Memory:    the caller's; one is some 10 KiB.
 * Limits:    what does not fit is left out.
 */
#pragma once

#include "dns/message.h"
#include "dns/name.h"

enum {
	TRUTH_RECORDS_MAX = 48,
	TRUTH_BYTES_MAX = 8192,
};

struct truth {
	uint8_t rcode;
	bool is_lost;           /* nobody answers */
	bool is_domain_missing; /* NXDOMAIN is from the registry: there is no such domain */
	uint32_t latency_ms;
	unsigned n;
	struct rr rrs[TRUTH_RECORDS_MAX]; /* into bytes */
	size_t n_bytes;
	uint8_t bytes[TRUTH_BYTES_MAX];
};

void truth_init(struct truth *t, uint8_t rcode);
/* Records of its type; the owner is that of the chain so far. False: there was no room. */
bool truth_add(struct truth *t, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
               const void *rdata, size_t n);
/*
 * Records as text, divided by bars; what cannot be read is left out. The first owner is `name`; behind
 * an alias it is its target.
 */
void truth_add_text(struct truth *t, const uint8_t *name, const char *text);
void truth_copy(struct truth *to, const struct truth *from);

/* Where the chain of aliases leads after `hop` of them; NULL: it has no more. */
const struct rr *truth_alias(const struct truth *t, unsigned hop);
/* The least of the TTLs of this owner's records of that type (or alias), `otherwise` if none. */
uint32_t truth_ttl_s(const struct truth *t, const uint8_t *owner, uint16_t type,
                     uint32_t otherwise);
