/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "feeds/scan.h"

enum {
	RANGE_PREFIXES_MAX = 16
};

typedef unsigned __int128 addr_number; /* an address as a number: ranges are arithmetic */

static addr_number number_of(const struct addr *a)
{
	addr_number x = 0;
	for (unsigned i = 0; i < 16; i++)
		x = x << 8 | a->bytes[i];
	return x;
}

static struct addr addr_of(addr_number x)
{
	uint8_t bytes[16];
	for (unsigned i = 16; i-- > 0; x >>= 8)
		bytes[i] = (uint8_t)x;
	return addr_from_bytes16(bytes);
}

/* Space that is not on the Internet: blocking it may hurt the operator's own network. */
static bool is_special(const struct addr_prefix *p)
{
	const uint8_t *b = p->addr.bytes;
	if (p->addr.is_v4) {
		b += 12;
		return b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 ||
		       (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254) ||
		       (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168);
	}
	return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || b[0] == 0xff ||
	       number_of(&p->addr) <= 1;
}

static void add(struct scan *s, const struct addr_prefix *p)
{
	if (p->length == 0) {
		scan_skip(s, FEEDS_SKIP_EVERYTHING, NULL);
		return;
	}
	s->report->suspicious += is_special(p);
	scan_rule_prefix(s, p);
}

/* How many low bits a prefix that begins at `first` and ends at or before `last` may span. */
static unsigned span_bits(addr_number first, addr_number last, unsigned max)
{
	unsigned bits = 0;
	while (bits < max && (first >> bits & 1) == 0) {
		addr_number end = first | (((addr_number)2 << bits) - 1);
		if (end > last)
			break;
		bits++;
	}
	return bits;
}

static void read_range(struct scan *s, const struct addr *a, const struct addr *b)
{
	struct addr_prefix prefixes[RANGE_PREFIXES_MAX];
	addr_number first = number_of(a), last = number_of(b);
	unsigned n = 0, max = a->is_v4 ? 32 : 127;
	if (a->is_v4 != b->is_v4 || first > last) {
		scan_skip(s, FEEDS_SKIP_NOT_ADDRESS, NULL);
		return;
	}
	for (;;) {
		if (n == RANGE_PREFIXES_MAX) {
			scan_skip(s, FEEDS_SKIP_RANGE, NULL);
			return;
		}
		unsigned bits = span_bits(first, last, max);
		prefixes[n] = (struct addr_prefix){
			.addr = addr_of(first),
			.length = (uint8_t)((a->is_v4 ? 32 : 128) - bits),
		};
		if (prefixes[n++].addr.is_v4 != a->is_v4) { /* IPv6 that runs into ::ffff:0:0/96 */
			scan_skip(s, FEEDS_SKIP_RANGE, NULL);
			return;
		}
		addr_number end = first | (((addr_number)1 << bits) - 1);
		if (end >= last)
			break;
		first = end + 1;
	}
	for (unsigned i = 0; i < n; i++)
		add(s, &prefixes[i]);
}

void format_addresses_line(struct scan *s, const char *text, size_t n)
{
	if (*text == '#' || *text == ';' || *text == '!') {
		scan_comment(s);
		return;
	}
	struct word w = scan_without_comment(text, n, '#');
	w = scan_without_comment(w.p, w.n, ';');
	struct addr_prefix p;
	struct addr a, b;
	int e = addr_prefix_from_text(w.p, w.n, &p);
	if (e == 0) {
		add(s, &p);
		return;
	}
	const char *dash = memchr(w.p, '-', w.n);
	if (dash == NULL) {
		scan_skip(s, e == -EDOM ? FEEDS_SKIP_HOST_BITS : FEEDS_SKIP_NOT_ADDRESS, NULL);
		return;
	}
	struct word from = scan_trim(w.p, (size_t)(dash - w.p));
	struct word to = scan_trim(dash + 1, (size_t)(w.p + w.n - dash - 1));
	if (addr_from_text(from.p, from.n, &a) != 0 || addr_from_text(to.p, to.n, &b) != 0)
		scan_skip(s, FEEDS_SKIP_NOT_ADDRESS, NULL);
	else
		read_range(s, &a, &b);
}
