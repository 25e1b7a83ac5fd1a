/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * feeds/rpz_write.h - rules to records of a policy zone: what a publisher sends.
 *
 * What:      the reverse of feeds/rpz_rule.h: a rule to wire-form records, and a record to a line of
 *            a master file. What is written and read again is the same rule.
 * Not here:  which rules are published, serials, transfers -> transfer/
 * Threads:   pure.
 * Memory:    never allocates; records point into what was given and into the stack of the call.
 * Cost:      some 100 ns a rule.
 * Limits:    a name's 255 bytes: a rule that does not fit below the apex is refused.
 * Standards: draft-vixie-dnsop-dns-rpz-00 2-4; RFC 3597 5 (unknown types as text)
 * Tests:     tests/unit/feeds/rpz_write_test.c, tests/fuzz/rpz_rule_fuzz.c
 */
#pragma once

#include "feeds/rpz_rule.h"
#include "feeds/scan.h"

/*
 * rpz_rule_write - a rule as records of a policy zone: what a publisher sends.
 *
 * @rule:   the name or prefix and what is done; action NONE and data NULL are the list's, which
 *          the caller has filled in. own_match 0 is taken as NAME (names) or ANSWER (prefixes)
 * @apex:   wire form, lower case
 * @ttl_s:  of the records, where the rule has none of its own
 * @record: called for each record; not 0 ends with it
 *
 * A rule of scope TREE becomes two owners, name and *.name. Returns 0; -ENOTSUP (an action that
 * policy zones do not know: refused, log); -ENAMETOOLONG; -EINVAL (prefix of length 0); or what
 * `record` returned.
 */
MUST_USE int rpz_rule_write(const struct feeds_rule *rule, const uint8_t *apex, uint32_t ttl_s,
                            int (*record)(void *arg, const struct rpz_record *r), void *arg);

enum {
	/* A line: owner, "4294967295 IN TYPE65535 \# 65535 ", hex digits, LF, NUL. */
	RPZ_RECORD_TEXT_MAX = NAME_TEXT_MAX + 48 + 2 * 65535 + 2,
};

/*
 * A record as one line of a master file, with its LF: CNAME, A and AAAA in the usual form, others
 * as RFC 3597 writes unknown types. Returns the length; ret_text: RPZ_RECORD_TEXT_MAX bytes for
 * any record, NAME_TEXT_MAX * 2 + 64 for CNAME, A, AAAA.
 */
size_t rpz_record_text(const struct rpz_record *r, char *ret_text);
