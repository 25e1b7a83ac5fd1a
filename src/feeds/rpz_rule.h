/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/rpz_rule.h - what the records of a policy zone (RPZ) mean.
 *
 * What:      an owner below the zone's apex says what is matched (the trigger), its records say what
 *            is done:
 *
 *                bad.example.<apex>                     the question bad.example
 *                *.bad.example.<apex>                   what is below it
 *                24.0.2.0.192.rpz-ip.<apex>             answers with addresses in 192.0.2.0/24
 *                ... .rpz-client-ip, .rpz-nsdname, .rpz-nsip
 *
 *                CNAME .            nxdomain            CNAME rpz-passthru.   allow
 *                CNAME *.           nodata              CNAME rpz-drop.       drop
 *                CNAME *.garden.    redirect            CNAME rpz-tcp-only.   truncate
 *                CNAME other.       redirect            other types           records
 *
 *            All records of one owner make one rule; feeds/rpz_owner.h collects them.
 * Not here:  rules to records -> feeds/rpz_write.h; master files -> feeds/format_rpz.c; transfers
 *            -> transfer/
 * Threads:   pure.
 * Memory:    never allocates; what is returned points into what was given.
 * Cost:      some 50 ns a record.
 * Limits:    a name's 255 bytes.
 * Standards: draft-vixie-dnsop-dns-rpz-00 2-4, 10; RFC 1035 3.1; RFC 4592 2.1.1
 * Tests:     tests/unit/feeds/rpz_rule_test.c, tests/fuzz/rpz_rule_fuzz.c
 */
#pragma once

#include "feeds/feeds.h"

enum {
	RPZ_TYPE_A = 1,
	RPZ_TYPE_NS = 2,
	RPZ_TYPE_CNAME = 5,
	RPZ_TYPE_SOA = 6,
	RPZ_TYPE_AAAA = 28,
	RPZ_TYPE_DNAME = 39,
};

enum {
	RPZ_PREFIX_TEXT_MAX = 48, /* "128.", eight words and dots, NUL */
	RPZ_ITEM_HEAD = POLICY_RECORD_HEAD_BYTES,
};

/* What an owner stands for. */
struct rpz_trigger {
	enum policy_match match; /* what is compared */
	bool is_prefix;
	struct name name;        /* !is_prefix: without star and rpz- label, lower case */
	enum policy_scope scope; /* of the name: EXACT or BELOW */
	struct addr_prefix prefix;
	bool is_odd; /* a legal spelling of the prefix, but not the canonical one */
};

/*
 * rpz_trigger_read - what an owner means.
 *
 * @owner: wire form, whole, any case
 * @apex:  of the zone, wire form
 *
 * Returns FEEDS_SKIP_NONE, or why it means nothing: RPZ_OUTSIDE, RPZ_APEX (the apex itself),
 * RPZ_TRIGGER (an unknown label rpz-...), RPZ_ADDRESS (no prefix and address before rpz-ip and the
 * like), HOST_BITS, STAR (a star that is not the first label), ROOT (rpz-nsdname alone).
 */
enum feeds_skip rpz_trigger_read(const uint8_t *owner, const uint8_t *apex,
                                 struct rpz_trigger *ret);

/* Does a type mean something as local data? Not SOA, NS, DNAME, those of DNSSEC and transport. */
bool rpz_type_is_data(uint16_t type);

/*
 * rpz_target_read - what a CNAME record asks for.
 *
 * @owner, @apex: as above
 * @target:       the record's data, wire form, any case
 * @ret_rule:     action and own_match are set; scope too; data points to ret_data
 * @ret_data:     has_ttl and ttl_s are set; for a redirect target points into ret_target
 *
 * Returns FEEDS_SKIP_NONE, or RPZ_TARGET: a target rpz-... that is no action.
 */
enum feeds_skip rpz_target_read(const struct rpz_trigger *trigger, const uint8_t *owner,
                                const uint8_t *apex, const uint8_t *target, uint32_t ttl_s,
                                struct policy_rule *ret_rule, struct policy_data *ret_data,
                                struct name *ret_target);

/* The labels of a prefix in canonical spelling: "24.0.2.0.192", "48.zz.1.db8.2001". */
void rpz_prefix_text(const struct addr_prefix *prefix, char *ret_text);

/* One record of a policy zone. */
struct rpz_record {
	const uint8_t *owner; /* wire form, with the apex */
	uint16_t type;        /* class IN */
	uint32_t ttl_s;
	const uint8_t *data; /* wire form, names in it not compressed */
	uint16_t n;
};

/* Write a record as policy_data's `records` hold it; `to` has room for RPZ_ITEM_HEAD + n bytes, and the
 * data may lie in it. Returns how many bytes were written. */
size_t rpz_item_put(uint8_t *to, const struct policy_record *item);
