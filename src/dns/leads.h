/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns/leads.h - where a record leads: to another name, or to addresses.
 *
 * What:      the alias that a CNAME record, or an SVCB or HTTPS record in AliasMode, makes of its owner;
 *            and the addresses that SVCB and HTTPS records hint at.
 * Not here:  reading records -> dns/message.h; what follows from an address -> serve/judge.c, local/rebinding.c
 * Threads:   pure.
 * Memory:    never allocates; borrows the record.
 * Cost:      hot path; as long as the record.
 * Limits:    none of its own.
 * Standards: RFC 1034 3.6.2, RFC 9460 2.4.2, 7.3
 * Tests:     tests/unit/dns/leads_test.c
 */
#pragma once

#include "base/addr.h"
#include "dns/message.h"

/*
 * The alias that a record makes of its owner: in the record, NULL: none. asked: the question's type; who
 * asks for CNAME or ANY is not led on by CNAME.
 */
const uint8_t *rr_alias(const struct rr *rr, uint16_t asked);

typedef bool address_visitor(void *arg, const struct addr *a);
/*
 * Each address of ipv4hint (4) and ipv6hint (6) in the RDATA of an SVCB or HTTPS record, until visit says
 * true: true. What is cut off ends it.
 */
bool svcb_hints(const uint8_t *rdata, size_t n, address_visitor *visit, void *arg);
