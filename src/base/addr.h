/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/addr.h - an IP address, a prefix, and an address with a port.
 *
 * What:      one 16-byte form for both families: IPv4 is kept as IPv4-mapped (::ffff:a.b.c.d),
 *            so that equality and hashing are one comparison; the family is kept beside it.
 * Threads:   pure.
 * Memory:    never allocates.
 * Limits:    text without scope ids, but for link-local listen addresses nobody needs them.
 * Standards: RFC 4291 2.2, RFC 5952 4 (text out)
 * Tests:     tests/unit/base/addr_test.c
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/must.h"

enum {
	ADDR_TEXT_MAX = 64
}; /* "[v6]@65535" and "v6/128" with the final NUL */

struct addr {
	uint8_t bytes[16];
	bool is_v4;
};

struct addr_prefix {
	struct addr addr; /* host bits are zero */
	uint8_t length;   /* in the family's own count: 0-32 or 0-128 */
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host byte order */
};

struct addr addr_v4(uint32_t host_order);
struct addr addr_from_bytes4(const uint8_t bytes[4]);
struct addr addr_from_bytes16(const uint8_t bytes[16]); /* a mapped address becomes IPv4 */
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
bool addr_is_private(const struct addr *a); /* RFC 1918, 4193, 6598, loopback, link-local */

/* All return 0 or -EINVAL. Text need not end in NUL. No DNS look-up is made. */
MUST_USE int addr_from_text(const char *text, size_t n, struct addr *ret);
/* "10.0.0.0/8", "2001:db8::/32", or a bare address (full length). Host bits set: -EDOM. */
MUST_USE int addr_prefix_from_text(const char *text, size_t n, struct addr_prefix *ret);
/* "192.0.2.1@53", "2001:db8::1@53", "[::1]:53", "192.0.2.1:53", "::1" (default_port). */
MUST_USE int endpoint_from_text(const char *text, size_t n, uint16_t default_port,
                                struct endpoint *ret);

/* Write NUL-terminated text, at most ADDR_TEXT_MAX bytes; return its length. */
size_t addr_to_text(const struct addr *a, char *ret_text);
size_t addr_prefix_to_text(const struct addr_prefix *p, char *ret_text);
size_t endpoint_to_text(const struct endpoint *e, char *ret_text); /* "addr@port" */

bool addr_prefix_covers(const struct addr_prefix *p, const struct addr *a);
/* The first `length` bits of a, the rest zero. length in the family's own count. */
struct addr addr_masked(const struct addr *a, unsigned length);

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ret);
void endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *ret);
