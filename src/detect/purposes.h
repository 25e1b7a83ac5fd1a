/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * detect/purposes.h - texts that TXT records are published for; inside detect/.
 *
 * What:      recognises by their grammar what mail servers, browsers and verifiers ask for: SPF,
 *            DKIM, DMARC, BIMI, MTA-STS, TLS reports, keys and links of DNS-based protocols, service
 *            attributes (DNS-SD), tokens that prove who owns a domain. The first word is not enough:
 *            what follows must look like it too, or it would be the cheapest disguise.
 * Not here:  what other texts are -> detect/carried.h
 * Threads:   pure.
 * Memory:    none.
 * Cost:      a ns a byte.
 * Limits:    none.
 * Standards: RFC 7208 4.5 (SPF), RFC 6376 3.6.1 (DKIM), RFC 7489 6.3 (DMARC), RFC 8461 3.1 (MTA-STS),
 *            RFC 8460 3 (TLSRPT), RFC 6763 6 (DNS-SD), RFC 8555 8.4 (ACME)
 * Tests:     tests/unit/detect/purposes_test.c, tests/fuzz/carried_fuzz.c
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Of a text, its strings put together. What it is for: static, "SPF"; NULL: not known. */
const char *purpose_of(const uint8_t *text, size_t n);
