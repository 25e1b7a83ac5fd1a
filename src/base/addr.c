/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct addr addr_from_bytes4(const uint8_t bytes[4])
{
	struct addr a = { .is_v4 = true };
	memcpy(a.bytes, mapped, 12);
	memcpy(a.bytes + 12, bytes, 4);
	return a;
}

struct addr addr_v4(uint32_t host_order)
{
	uint32_t net = htonl(host_order);
	uint8_t bytes[4];
	memcpy(bytes, &net, 4);
	return addr_from_bytes4(bytes);
}

struct addr addr_from_bytes16(const uint8_t bytes[16])
{
	struct addr a = { .is_v4 = memcmp(bytes, mapped, 12) == 0 };
	memcpy(a.bytes, bytes, 16);
	return a;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->bytes, b->bytes, 16) == 0;
}

bool addr_prefix_covers(const struct addr_prefix *p, const struct addr *a)
{
	if (p->addr.is_v4 != a->is_v4)
		return false;
	struct addr m = addr_masked(a, p->length);
	return addr_equal(&m, &p->addr);
}

struct addr addr_masked(const struct addr *a, unsigned length)
{
	struct addr m = *a;
	unsigned bits = length + (a->is_v4 ? 96U : 0U);
	for (unsigned i = 0; i < 16; i++) {
		unsigned first = i * 8;
		if (first >= bits)
			m.bytes[i] = 0;
		else if (bits - first < 8)
			m.bytes[i] &= (uint8_t)(0xff << (8 - (bits - first)));
	}
	return m;
}

static const uint8_t v6_loopback[16] = { [15] = 1 };

bool addr_is_loopback(const struct addr *a)
{
	return a->is_v4 ? a->bytes[12] == 127 : memcmp(a->bytes, v6_loopback, 16) == 0;
}

static bool is_private_v4(const uint8_t b[4])
{
	switch (b[0]) {
	case 10:
	case 127:
		return true;
	case 100: /* 100.64.0.0/10 */
		return b[1] >> 6 == 64 >> 6;
	case 169:
		return b[1] == 254;
	case 172: /* 172.16.0.0/12 */
		return b[1] >> 4 == 16 >> 4;
	case 192:
		return b[1] == 168;
	default:
		return false;
	}
}

bool addr_is_private(const struct addr *a)
{
	const uint8_t *b = a->bytes;
	if (a->is_v4)
		return is_private_v4(b + 12);
	/* fc00::/7, fe80::/10 */
	return b[0] >> 1 == 0xfc >> 1 || (b[0] == 0xfe && b[1] >> 6 == 0x80 >> 6) ||
	       addr_is_loopback(a);
}

int addr_from_text(const char *text, size_t n, struct addr *ret)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	if (n == 0 || n >= sizeof copy || memchr(text, 0, n) != NULL)
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = 0;
	if (inet_pton(AF_INET, copy, bytes) == 1)
		*ret = addr_from_bytes4(bytes);
	else if (inet_pton(AF_INET6, copy, bytes) == 1)
		*ret = addr_from_bytes16(bytes);
	else
		return -EINVAL;
	return 0;
}

static int number_from_text(const char *text, size_t n, unsigned max, unsigned *ret)
{
	unsigned x = 0;
	if (n == 0 || n > 5)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		x = x * 10 + (unsigned)(text[i] - '0');
	}
	if (x > max)
		return -EINVAL;
	*ret = x;
	return 0;
}

int addr_prefix_from_text(const char *text, size_t n, struct addr_prefix *ret)
{
	const char *slash = memchr(text, '/', n);
	struct addr_prefix p;
	int e = addr_from_text(text, slash != NULL ? (size_t)(slash - text) : n, &p.addr);
	if (e != 0)
		return e;
	/* "::ffff:0:0/96" is all of IPv4, in the notation of IPv6. */
	bool is_mapped = p.addr.is_v4 && memchr(text, ':', n) != NULL;
	unsigned max = p.addr.is_v4 && !is_mapped ? 32 : 128;
	unsigned length = max;
	if (slash != NULL &&
	    number_from_text(slash + 1, n - (size_t)(slash + 1 - text), max, &length) != 0)
		return -EINVAL;
	if (is_mapped) {
		if (length < 96)
			return -EINVAL;
		length -= 96;
	}
	p.length = (uint8_t)length;
	struct addr m = addr_masked(&p.addr, length);
	if (!addr_equal(&m, &p.addr))
		return -EDOM;
	*ret = p;
	return 0;
}

int endpoint_from_text(const char *text, size_t n, uint16_t default_port, struct endpoint *ret)
{
	struct endpoint e = { .port = default_port };
	const char *addr = text;
	size_t addr_len = n;
	const char *port = NULL;
	const char *at = memchr(text, '@', n);
	const char *colon = memchr(text, ':', n);
	if (n > 0 && text[0] == '[') { /* [v6] or [v6]:port */
		const char *close = memchr(text, ']', n);
		if (close == NULL)
			return -EINVAL;
		addr = text + 1;
		addr_len = (size_t)(close - addr);
		if (close + 1 < text + n) {
			if (close[1] != ':' && close[1] != '@')
				return -EINVAL;
			port = close + 2;
		}
	} else if (at != NULL) {
		addr_len = (size_t)(at - text);
		port = at + 1;
	} else if (colon != NULL &&
	           memchr(colon + 1, ':', n - (size_t)(colon + 1 - text)) == NULL) {
		addr_len = (size_t)(colon - text); /* one colon only: v4:port */
		port = colon + 1;
	}
	if (addr_from_text(addr, addr_len, &e.addr) != 0)
		return -EINVAL;
	if (port != NULL) {
		unsigned p;
		if (number_from_text(port, (size_t)(text + n - port), 65535, &p) != 0 || p == 0)
			return -EINVAL;
		e.port = (uint16_t)p;
	}
	*ret = e;
	return 0;
}

static char *put_octet(char *p, unsigned x)
{
	if (x >= 100)
		*p++ = (char)('0' + x / 100);
	if (x >= 10)
		*p++ = (char)('0' + x / 10 % 10);
	*p++ = (char)('0' + x % 10);
	return p;
}

static char *put_group(char *p, unsigned x)
{
	static const char hex[] = "0123456789abcdef";
	if (x >= 0x1000)
		*p++ = hex[x >> 12];
	if (x >= 0x100)
		*p++ = hex[x >> 8 & 15];
	if (x >= 0x10)
		*p++ = hex[x >> 4 & 15];
	*p++ = hex[x & 15];
	return p;
}

/* The longest run of at least two zero groups, the first of equals (RFC 5952 4.2). */
static unsigned longest_zeros(const unsigned groups[8], unsigned *ret_len)
{
	unsigned best = 8;
	unsigned best_len = 1;
	unsigned len = 0;
	for (unsigned i = 0; i < 8; i++) {
		len = groups[i] == 0 ? len + 1 : 0;
		if (len > best_len) {
			best_len = len;
			best = i + 1 - len;
		}
	}
	*ret_len = best_len;
	return best;
}

static char *put_v6(char *p, const uint8_t bytes[16])
{
	unsigned groups[8];
	unsigned zeros_len;
	for (unsigned i = 0; i < 8; i++)
		groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
	unsigned zeros = longest_zeros(groups, &zeros_len);
	for (unsigned i = 0; i < 8; i++) {
		if (i == zeros) {
			*p++ = ':';
			i += zeros_len - 1;
			if (i == 7)
				*p++ = ':';
			continue;
		}
		if (i > 0)
			*p++ = ':';
		p = put_group(p, groups[i]);
	}
	return p;
}

/* By hand: inet_ntop() takes 150 ns, and every event has two or three addresses. */
size_t addr_to_text(const struct addr *a, char *ret_text)
{
	static const uint8_t zeros[10];
	char *p = ret_text;
	if (a->is_v4) {
		for (unsigned i = 12; i < 16; i++) {
			p = put_octet(p, a->bytes[i]);
			*p++ = '.';
		}
		p--;
	} else if (memcmp(a->bytes, zeros, sizeof zeros) == 0) {
		inet_ntop(AF_INET6, a->bytes, ret_text, ADDR_TEXT_MAX); /* has mixed notations */
		return strlen(ret_text);
	} else {
		p = put_v6(p, a->bytes);
	}
	*p = 0;
	return (size_t)(p - ret_text);
}

size_t addr_prefix_to_text(const struct addr_prefix *p, char *ret_text)
{
	size_t n = addr_to_text(&p->addr, ret_text);
	return n + (size_t)snprintf(ret_text + n, ADDR_TEXT_MAX - n, "/%u", p->length);
}

size_t endpoint_to_text(const struct endpoint *e, char *ret_text)
{
	size_t n = addr_to_text(&e->addr, ret_text);
	return n + (size_t)snprintf(ret_text + n, ADDR_TEXT_MAX - n, "@%u", e->port);
}

socklen_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof *ret);
	if (e->addr.is_v4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;
		in->sin_family = AF_INET;
		in->sin_port = htons(e->port);
		memcpy(&in->sin_addr, e->addr.bytes + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(e->port);
	memcpy(&in6->sin6_addr, e->addr.bytes, 16);
	return sizeof *in6;
}

void endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *ret)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
		ret->addr = addr_from_bytes4((const uint8_t *)&in->sin_addr);
		ret->port = ntohs(in->sin_port);
	} else {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
		ret->addr = addr_from_bytes16((const uint8_t *)&in6->sin6_addr);
		ret->port = ntohs(in6->sin6_port);
	}
}
