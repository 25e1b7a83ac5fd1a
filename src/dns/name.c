/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/name.h"

#include <errno.h>
#include <string.h>

/* A-Z to a-z, all else unchanged (RFC 4343 3). */
static inline uint8_t lower(uint8_t c)
{
	return (uint8_t)(c | ((uint8_t)(c - 'A') < 26 ? 0x20 : 0));
}

size_t name_len(const uint8_t *wire)
{
	size_t at = 0;
	while (wire[at] != 0)
		at += wire[at] + 1U;
	return at + 1;
}

unsigned name_labels(const uint8_t *wire)
{
	unsigned n = 0;
	for (; *wire != 0; wire += *wire + 1)
		n++;
	return n;
}

size_t name_check(const uint8_t *wire, size_t n)
{
	if (n > NAME_MAX_BYTES)
		n = NAME_MAX_BYTES;
	size_t at = 0;
	while (at < n) {
		if (wire[at] == 0)
			return at + 1;
		if (wire[at] > 63)
			return 0;
		at += wire[at] + 1U;
	}
	return 0;
}

size_t name_copy_lower(uint8_t *dst, const uint8_t *wire)
{
	/* Length bytes are at most 63, below 'A', so they pass through lower() unchanged. */
	size_t n = name_len(wire);
	for (size_t i = 0; i < n; i++)
		dst[i] = lower(wire[i]);
	return n;
}

void name_set(struct name *ret, const uint8_t *wire)
{
	ret->len = (uint8_t)name_copy_lower(ret->wire, wire);
}

static bool bytes_equal_nocase(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
	size_t n = name_len(a);
	return n == name_len(b) && bytes_equal_nocase(a, b, n);
}

bool name_is_within(const uint8_t *name, const uint8_t *ancestor)
{
	unsigned have = name_labels(name);
	unsigned want = name_labels(ancestor);
	return have >= want && name_equal(name_skip(name, have - want), ancestor);
}

const uint8_t *name_skip(const uint8_t *wire, unsigned n)
{
	while (n-- > 0)
		wire += *wire + 1;
	return wire;
}

unsigned name_common_labels(const uint8_t *a, const uint8_t *b)
{
	unsigned na = name_labels(a);
	unsigned nb = name_labels(b);
	if (na > nb)
		a = name_skip(a, na - nb);
	else
		b = name_skip(b, nb - na);
	unsigned common = 0;
	for (; *a != 0; a += *a + 1, b += *b + 1)
		common = *a == *b && bytes_equal_nocase(a, b, *a + 1U) ? common + 1 : 0;
	return common;
}

int name_compare(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *at_a[NAME_MAX_LABELS + 1];
	const uint8_t *at_b[NAME_MAX_LABELS + 1];
	unsigned na = 0;
	unsigned nb = 0;
	for (; *a != 0; a += *a + 1)
		at_a[na++] = a;
	for (; *b != 0; b += *b + 1)
		at_b[nb++] = b;
	while (na > 0 && nb > 0) {
		const uint8_t *x = at_a[--na];
		const uint8_t *y = at_b[--nb];
		unsigned n = *x < *y ? *x : *y;
		for (unsigned i = 1; i <= n; i++) {
			int d = (int)lower(x[i]) - (int)lower(y[i]);
			if (d != 0)
				return d;
		}
		if (*x != *y)
			return (int)*x - (int)*y;
	}
	return (int)na - (int)nb;
}

bool name_substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target,
                     struct name *ret)
{
	size_t front = name_len(name) - name_len(owner);
	if (front + name_len(target) > NAME_MAX_BYTES)
		return false;
	memcpy(ret->wire, name, front);
	ret->len = (uint8_t)(front + name_copy_lower(ret->wire + front, target));
	return true;
}

bool name_is_root(const uint8_t *wire)
{
	return *wire == 0;
}

/* One character of presentation form; returns how many text bytes it took, 0 if it is bad. */
static size_t unescape(const char *text, size_t n, uint8_t *ret)
{
	if (text[0] != '\\') {
		*ret = (uint8_t)text[0];
		return 1;
	}
	if (n < 2)
		return 0;
	if (text[1] < '0' || text[1] > '9') {
		*ret = (uint8_t)text[1];
		return 2;
	}
	if (n < 4 || text[2] < '0' || text[2] > '9' || text[3] < '0' || text[3] > '9')
		return 0;
	int x = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
	if (x > 255)
		return 0;
	*ret = (uint8_t)x;
	return 4;
}

int name_from_text(const char *text, size_t n, struct name *ret)
{
	uint8_t wire[NAME_MAX_BYTES];
	size_t label = 0; /* where the current label's length byte is */
	size_t out = 1;
	if (n == 1 && text[0] == '.') {
		ret->wire[0] = 0;
		ret->len = 1;
		return 0;
	}
	for (size_t at = 0; at < n;) {
		if (text[at] == '.') {
			if (out - label - 1 == 0 || out >= NAME_MAX_BYTES)
				return -EINVAL;
			wire[label] = (uint8_t)(out - label - 1);
			label = out++;
			at++;
			continue;
		}
		uint8_t c;
		size_t took = unescape(text + at, n - at, &c);
		if (took == 0 || out - label > 63 || out >= NAME_MAX_BYTES)
			return -EINVAL;
		wire[out++] = lower(c);
		at += took;
	}
	size_t last = out - label - 1;
	if (n == 0)
		return -EINVAL;
	wire[label] = (uint8_t)last;
	if (last > 0) { /* no trailing dot: the root label is still to come */
		if (out >= NAME_MAX_BYTES)
			return -EINVAL;
		wire[out++] = 0;
	}
	memcpy(ret->wire, wire, out);
	ret->len = (uint8_t)out;
	return 0;
}

/* A bit for each byte: letters, digits, and what is harmless in logs and terminals. */
static bool is_plain(uint8_t c)
{
	static const uint64_t plain[4] = { 0xa7ffbc6a00000000ULL, 0x7ffffffeefffffffULL, 0, 0 };
	return (plain[c >> 6] >> (c & 63) & 1) != 0;
}

size_t name_to_text(const uint8_t *wire, char *ret_text)
{
	char *p = ret_text;
	if (*wire == 0)
		*p++ = '.';
	for (; *wire != 0; wire += *wire + 1) {
		if (p != ret_text)
			*p++ = '.';
		for (unsigned i = 1; i <= *wire; i++) {
			uint8_t c = wire[i];
			if (is_plain(c)) {
				*p++ = (char)c;
				continue;
			}
			*p++ = '\\';
			*p++ = (char)('0' + c / 100);
			*p++ = (char)('0' + c / 10 % 10);
			*p++ = (char)('0' + c % 10);
		}
	}
	*p = 0;
	return (size_t)(p - ret_text);
}

/* ---- hashing ---- */

static struct siphash_key hash_key;

void name_set_hash_key(const struct siphash_key *key)
{
	hash_key = *key;
}

struct siphash_key name_hash_key(void)
{
	return hash_key;
}

uint64_t name_hash_root(void)
{
	return hash_key.k1;
}

uint64_t name_hash_step(uint64_t rest, const uint8_t *label, size_t n)
{
	struct siphash_key key = { .k0 = hash_key.k0 ^ rest, .k1 = hash_key.k1 };
	return siphash13(&key, label, n);
}

void name_hash_all(const uint8_t *lower_name, struct name_hashes *ret)
{
	const uint8_t *labels[NAME_MAX_LABELS];
	unsigned n = 0;
	for (const uint8_t *p = lower_name; *p != 0; p += *p + 1)
		labels[n++] = p;
	ret->n = n;
	uint64_t h = name_hash_root();
	ret->h[n] = h;
	while (n-- > 0) {
		h = name_hash_step(h, labels[n] + 1, *labels[n]);
		ret->h[n] = h;
	}
}

uint64_t name_hash(const uint8_t *lower_name)
{
	const uint8_t *labels[NAME_MAX_LABELS];
	unsigned n = 0;
	for (const uint8_t *p = lower_name; *p != 0; p += *p + 1)
		labels[n++] = p;
	uint64_t h = name_hash_root();
	while (n-- > 0)
		h = name_hash_step(h, labels[n] + 1, *labels[n]);
	return h;
}
