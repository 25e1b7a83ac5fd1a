/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/table.h - what workers must know of zones that are held here.
 *
 * What:      for each zone that is followed: who may send NOTIFY; for each that is published: who
 *            may have it, and its version. A worker finds the zone of a message here, and leaves
 *            marks that the housekeeping thread reads.
 * Not here:  answering -> transfer/responder.c.
 * Threads:   immutable but for marks and versions; read under RCU (table_current), published and retired by
 *            the housekeeping thread.
 * Memory:    heap; holds the keys.
 * Cost:      O(zones) a look-up: of NOTIFY, and of SOA and transfer queries only.
 * Limits:    4096 zones.
 * Tests:     tests/unit/transfer/responder_test.c
 */
#pragma once

#include <stdatomic.h>

#include "base/addr.h"
#include "io/tls_server.h"
#include "transfer/keyring.h"

struct table_followed {
	struct name zone;
	const struct endpoint *primaries; /* owned by the table */
	unsigned n_primaries;
	const struct tsig_key *key; /* NULL: none */
	_Atomic bool is_notified;
	_Atomic unsigned notifier; /* which primary it was; n_primaries: none of them */
};

struct table_published {
	struct name zone;
	char *folder;
	struct addr_prefix *allow; /* n_allow 0: no address is asked for */
	unsigned n_allow;
	const struct tsig_key *key; /* not NULL: it must be signed so */
	bool is_tls_only;
	struct name *names; /* n_names > 0: the certificate must be for one of them */
	unsigned n_names;
	_Atomic uint64_t version; /* 2^32 + serial; 0: there is none yet */
};

struct table {
	struct keyring *ring;
	struct tls_server *tls; /* a reference; NULL: nothing goes over TLS */
	unsigned n_published;
	struct table_published *published;
	unsigned n_followed;
	struct table_followed *followed;
};

/* ring: another reference is taken. 0 or -ENOMEM. */
MUST_USE int table_new(struct keyring *ring, unsigned n_followed, struct table **ret);
/* Set one entry; the addresses are copied. 0 or -ENOMEM. */
MUST_USE int table_follow(struct table *t, unsigned i, const struct name *zone,
                          const struct endpoint *primaries, unsigned n_primaries,
                          const struct tsig_key *key);

/* What is known of a zone that is published; copied. */
struct table_terms {
	const struct name *zone;
	const char *folder;
	const struct addr_prefix *allow;
	unsigned n_allow;
	const struct tsig_key *key;
	bool is_tls_only;
	const struct name *names;
	unsigned n_names;
	uint64_t version;
};
/* Room for n of them, once; then each. 0 or -ENOMEM. */
MUST_USE int table_publications(struct table *t, unsigned n);
MUST_USE int table_publish_zone(struct table *t, unsigned i, const struct table_terms *terms);
/* The zone of that name, or NULL. */
struct table_published *table_find_published(const struct table *t, const struct name *zone);
void table_set_version(const struct table *t, const struct name *zone, uint64_t version);
void table_free(struct table *t);

const struct table *table_current(void); /* NULL: none */
void table_publish(struct table *t);     /* taken; NULL: at exit */
