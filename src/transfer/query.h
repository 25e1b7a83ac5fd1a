/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * transfer/query.h - writing the messages that transfers need.
 *
 * What:      queries for SOA, IXFR and AXFR, and NOTIFY.
 * Not here:  answers to those -> transfer/responder.c, transfer/send.c.
 * Threads:   pure.
 * Memory:    the caller's.
 * Cost:      some 100 bytes.
 * Standards: RFC 1035 4.1; RFC 1995 3; RFC 1996 3
 * Tests:     tests/unit/transfer/request_test.c
 */
#pragma once

#include "dns/message.h"

enum {
	QUERY_MAX = 1024, /* with a signature */
	QUERY_OPCODE_MASK = 0x7800,
	QUERY_OPCODE_NOTIFY = 4 << 11,
};

/*
 * Write a query into msg (QUERY_MAX bytes). serial: the version that is here, for IXFR, or of the
 * new one, for NOTIFY (type DNS_SOA, flags QUERY_OPCODE_NOTIFY | FLAG_AA). Returns its length.
 */
size_t query_write(uint8_t *msg, uint16_t id, uint16_t flags, const struct name *zone,
                   uint16_t type, uint32_t serial);
