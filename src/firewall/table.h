/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * firewall/table.h - messages of nf_tables, and the sets as they were last seen.
 *
 * What:      set.c asks what a set is; batch.c writes transactions. Both by libmnl alone, which
 *            lays attributes into our buffer; libnftnl would allocate for every element.
 * Threads:   as in firewall/firewall.h.
 * Memory:    never allocates, but for sockets.
 * Tests:     tests/unit/firewall/firewall_test.c
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdatomic.h>

#include "firewall/firewall.h"

enum {
	FAMILY_V4,
	FAMILY_V6,
	FAMILIES,

	KEY_MAX = 32,
	BUFFER_BYTES = 64 * 1024,
};

struct firewall_set {
	char name[FIREWALL_NAME_MAX + 1]; /* "": none */
	_Atomic uint32_t key_bytes;       /* 0: not there, or of no use */
	uint64_t handle;                  /* of the set that was last seen */
	int told; /* what was logged of it last: 0 or -errno; 1: nothing yet */
};

struct firewall {
	uint8_t family; /* NFPROTO_ */
	char table[FIREWALL_NAME_MAX + 1];
	struct firewall_set sets[FAMILIES];
	uint64_t timeout_min_ms;
	bool can_update;        /* elements take a new timeout: Linux 6.12 */
	_Atomic uint32_t epoch; /* changes when a set was made anew */
	_Atomic int error;      /* the last of any writer, until it is logged */
	struct mnl_socket *socket;
};

struct firewall_element {
	uint8_t key[KEY_MAX];
	uint8_t key_bytes, family; /* FAMILY_V4, FAMILY_V6 */
	uint64_t timeout_ms;
	uint64_t hash;
};

enum batch_mode {
	BATCH_ADD,     /* new ones, and others with another end */
	BATCH_CREATE,  /* -EEXIST where one is there already */
	BATCH_REPLACE, /* taken out and put in: -ENOENT where it is not there */
};

/*
 * Send one transaction with n elements. 0; -errno of the kernel: then none of it was done.
 * `buffer` is BUFFER_BYTES.
 */
MUST_USE int batch_send(const struct firewall *f, struct mnl_socket *socket, uint8_t *buffer,
                        const struct firewall_element *e, unsigned n, enum batch_mode mode);

struct set_seen {
	uint32_t key_bytes;
	bool has_timeout;
	uint64_t handle;
};
/* 0; -ENOENT; another -errno. */
MUST_USE int set_look(struct firewall *f, const char *name, struct set_seen *ret);

/* The next address in the answer section of a reply; it->at starts as 0. */
struct answer_walk {
	const uint8_t *message;
	size_t n, at;
	unsigned left;
	unsigned type; /* of the record that was read last, and its data */
	size_t data, data_end;
	uint32_t ttl_s;
	unsigned phase; /* of a SVCB or HTTPS record: 1: its hints for IPv4, 2: for IPv6 */
	size_t hint_at, hint_end;
	unsigned hint_bytes; /* of an address; 0: no hints */
};
void answer_walk(struct answer_walk *it, const uint8_t *message, size_t n);
bool answer_next(struct answer_walk *it, struct addr *ret, uint32_t *ret_ttl_s);
