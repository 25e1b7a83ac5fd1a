/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * firewall/firewall.h - the addresses that clients were given, in sets of nftables.
 *
 * What:      each worker has a writer with a netlink socket of its own. The addresses of an
 *            answer become elements of a set, with the TTL as timeout, before the answer leaves:
 *            one transaction for all answers of a turn's batch. What was added a while ago and
 *            lasts long enough is not added again.
 *
 *                serve/record.c -> firewall_add() ... firewall_flush() -> kernel; then sendmmsg()
 *
 *            A set whose key is one address holds destinations; one whose key is two of a family
 *            (ipv4_addr . ipv4_addr) holds clients and their destinations.
 * Not here:  the rules that use the sets: the operator's -> docs/firewall.md.
 * Threads:   struct firewall: the housekeeping thread, its state is read by writers (atomic);
 *            struct firewall_writer: worker-local.
 * Memory:    600 KiB a writer.
 * Cost:      an answer whose addresses are known: a hash and a look for each. Others: one
 *            sendmsg() a batch, which the kernel works off at once: it waits while somebody
 *            else changes the ruleset (tests/bench/firewall_bench.c).
 * Limits:    FIREWALL_BATCH elements a transaction; 32768 elements remembered, what is forgotten
 *            is added again.
 * Standards: linux/netfilter/nf_tables.h
 * Tests:     tests/unit/firewall/, tests/system/firewall_test.py
 */
#pragma once

#include "base/addr.h"

enum {
	FIREWALL_BATCH = 256,
	FIREWALL_NAME_MAX = 255,
	FIREWALL_TIMEOUT_MAX_S = 7 * 86400,
};

struct firewall;
struct firewall_writer;

struct firewall_plan {
	const char *table;           /* "inet weir": a family (inet, ip, ip6) and a name */
	const char *set_v4, *set_v6; /* NULL or "": none */
	uint32_t timeout_min_s;
	bool replaces; /* for tests: as on kernels whose elements cannot be given more time */
};

/* 0; -EINVAL: the table's text; -ENOMEM; -EPERM and others: no netlink. Sets may come later. */
MUST_USE int firewall_new(const struct firewall_plan *plan, struct firewall **ret);
void firewall_free(struct firewall *f);
/* Is the text of a table good? */
bool firewall_table_is_good(const char *table);
/*
 * Look at the sets again: every few seconds. What has changed is logged: a set that is missing,
 * one that has no timeouts, errors of writers. A set that was made anew is filled anew.
 */
void firewall_check(struct firewall *f);

MUST_USE int firewall_writer_new(struct firewall *f, struct firewall_writer **ret);
void firewall_writer_free(struct firewall_writer *w);
/* Take the addresses of a reply's answer section. */
void firewall_add(struct firewall_writer *w, const struct addr *client, const uint8_t *message,
                  size_t n, uint64_t now_ms);
/* Put what was taken into the sets, before the replies leave. */
void firewall_flush(struct firewall_writer *w);

struct firewall_counts {
	uint64_t added;   /* elements, also once more with a later end */
	uint64_t known;   /* addresses that were there and last long enough */
	uint64_t unbound; /* the client's family is not the address's: no pair can be made */
	uint64_t failed;  /* elements that the kernel refused */
	uint64_t batches;
};
void firewall_count(const struct firewall_writer *w,
                    struct firewall_counts *ret); /* adds up; any thread */
