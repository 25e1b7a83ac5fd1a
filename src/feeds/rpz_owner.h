/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/rpz_owner.h - the records of one owner of a policy zone, collected to one rule.
 *
 * What:      start with the owner, add its records in the order of the zone, finish: a rule, or
 *            none if all were skipped. The first record that means something decides: after a
 *            CNAME no other record counts, after other data no CNAME (draft 3.6 calls both invalid; a
 *            zone that has them loads all the same). Records that are there already count once.
 *            Of one type all have the lowest TTL (RFC 2181 5.2), and they stand in order, so that
 *            the same set of records is the same rule however it came together.
 * Not here:  what one record means -> feeds/rpz_rule.h; owners whose records are not together in
 *            the file -> feeds/rpz_zone.h
 * Threads:   worker-local.
 * Memory:    the caller's struct (140 KiB); rules point into it until the next start.
 * Cost:      a CNAME some 100 ns; n records of data n log n.
 * Limits:    64 KiB of records, 4096 records; what does not fit is skipped.
 * Standards: draft-vixie-dnsop-dns-rpz-00 3; RFC 2181 5.2
 * Tests:     tests/unit/feeds/rpz_owner_test.c, tests/fuzz/rpz_rule_fuzz.c
 */
#pragma once

#include "feeds/rpz_rule.h"

enum {
	RPZ_OWNER_BYTES = 64 * 1024,
	RPZ_OWNER_RECORDS = 4096,
};

struct rpz_owner {
	struct name apex, name;
	struct rpz_trigger trigger;
	bool has_rule;           /* `rule` is made: a CNAME came first */
	struct policy_rule rule; /* points into the struct: it must not be moved */
	struct policy_data data;
	struct name target, cname; /* of a redirect; the CNAME's data as it was */
	unsigned n_items;
	size_t n_bytes;
	uint16_t item_at[RPZ_OWNER_RECORDS]; /* where the items begin, in order */
	uint8_t items[RPZ_OWNER_BYTES];      /* as they came */
	uint8_t sorted[RPZ_OWNER_BYTES];     /* what the rule points to */
};

/*
 * Begin with an owner. Returns what rpz_trigger_read() does; on a reason to skip nothing may be
 * added: all the owner's records share it.
 */
enum feeds_skip rpz_owner_start(struct rpz_owner *o, const uint8_t *owner, const uint8_t *apex);

/*
 * Add a record of this owner, class IN, names in the data not compressed. Returns FEEDS_SKIP_NONE
 * or why it does not count: RPZ_TYPE, RPZ_TARGET, RPZ_CONFLICT, RPZ_DATA (too much), DUPLICATE.
 */
enum feeds_skip rpz_owner_add(struct rpz_owner *o, uint16_t type, uint32_t ttl_s,
                              const uint8_t *data, size_t n);

/* The rule of all that was added; false if there is none. Borrowed until the next start. */
bool rpz_owner_finish(struct rpz_owner *o, struct policy_rule *ret);
