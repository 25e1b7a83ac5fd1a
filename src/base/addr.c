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

static bool in_prefix(const struct addr *a, const char *text)
{
	struct addr_prefix p;
	return addr_prefix_from_text(text, strlen(text), &p) == 0 && addr_prefix_covers(&p, a);
}

bool addr_is_loopback(const struct addr *a)
{
	return in_prefix(a, "127.0.0.0/8") || in_prefix(a, "::1");
}

bool addr_is_private(const struct addr *a)
{
	static const char *const prefixes[] = { "10.0.0.0/8",    "172.16.0.0/12",  "192.168.0.0/16",
		                                "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
		                                "::1",           "fc00::/7",       "fe80::/10" };
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (in_prefix(a, prefixes[i]))
			return true;
	}
	return false;
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
	unsigned max = p.addr.is_v4 ? 32 : 128;
	unsigned length = max;
	if (slash != NULL &&
	    number_from_text(slash + 1, n - (size_t)(slash + 1 - text), max, &length) != 0)
		return -EINVAL;
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

size_t addr_to_text(const struct addr *a, char *ret_text)
{
	if (a->is_v4)
		inet_ntop(AF_INET, a->bytes + 12, ret_text, ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, a->bytes, ret_text, ADDR_TEXT_MAX);
	return strlen(ret_text);
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
