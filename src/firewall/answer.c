/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses in a reply of our own, without laying its names down. */
#include "dns/message.h"
#include "firewall/table.h"

enum {
	RR_FIXED = 10,
	HINT_V4 = 4, /* RFC 9460 7.3 */
	HINT_V6 = 6,
};

/* Behind a name, which may end in a pointer; 0: cut off. */
static size_t pass_name(const uint8_t *p, size_t n, size_t at)
{
	while (at < n) {
		if ((p[at] & 0xc0) == 0xc0)
			return at + 2 <= n ? at + 2 : 0;
		if (p[at] == 0)
			return at + 1;
		at += 1U + p[at];
	}
	return 0;
}

void answer_walk(struct answer_walk *it, const uint8_t *message, size_t n)
{
	*it = (struct answer_walk){ .message = message, .n = n };
	if (n < DNS_HEADER_BYTES || load16(message + 4) != 1)
		return;
	size_t at = pass_name(message, n, DNS_HEADER_BYTES);
	if (at == 0 || at + 4 > n)
		return;
	it->at = at + 4;
	it->left = load16(message + 6);
}

/* The list of hints of the key, behind SvcPriority and TargetName, if there is one. */
static void find_hints(struct answer_walk *it, unsigned wanted)
{
	size_t p = pass_name(it->message, it->data_end, it->data + 2);
	it->hint_bytes = 0;
	while (p != 0 && p + 4 <= it->data_end) {
		unsigned key = load16(it->message + p);
		size_t len = load16(it->message + p + 2);
		p += 4;
		if (len > it->data_end - p)
			return;
		if (key == wanted) {
			it->hint_at = p;
			it->hint_end = p + len;
			it->hint_bytes = wanted == HINT_V4 ? 4 : 16;
			return;
		}
		p += len;
	}
}

static bool next_hint(struct answer_walk *it, struct addr *ret)
{
	if (it->hint_bytes == 0 || it->hint_at + it->hint_bytes > it->hint_end)
		return false;
	const uint8_t *p = it->message + it->hint_at;
	*ret = it->hint_bytes == 4 ? addr_from_bytes4(p) : addr_from_bytes16(p);
	it->hint_at += it->hint_bytes;
	return true;
}

static bool next_record(struct answer_walk *it)
{
	if (it->left == 0)
		return false;
	it->left--;
	size_t at = pass_name(it->message, it->n, it->at);
	if (at == 0 || at + RR_FIXED > it->n)
		return false;
	size_t len = load16(it->message + at + 8);
	it->type = load16(it->message + at);
	it->ttl_s = load32(it->message + at + 4);
	it->data = at + RR_FIXED;
	if (len > it->n - it->data)
		return false;
	it->data_end = it->at = it->data + len;
	it->phase = 0;
	it->hint_bytes = 0;
	return true;
}

bool answer_next(struct answer_walk *it, struct addr *ret, uint32_t *ret_ttl_s)
{
	for (;;) {
		*ret_ttl_s = it->ttl_s;
		if (next_hint(it, ret))
			return true;
		if (it->phase == 1) {
			it->phase = 2;
			find_hints(it, HINT_V6);
			continue;
		}
		if (!next_record(it)) {
			it->left = 0;
			return false;
		}
		*ret_ttl_s = it->ttl_s;
		size_t len = it->data_end - it->data;
		if (it->type == DNS_A && len == 4) {
			*ret = addr_from_bytes4(it->message + it->data);
			return true;
		}
		if (it->type == DNS_AAAA && len == 16) {
			*ret = addr_from_bytes16(it->message + it->data);
			return true;
		}
		if ((it->type == DNS_SVCB || it->type == DNS_HTTPS) && len >= 3) {
			it->phase = 1;
			find_hints(it, HINT_V4);
		}
	}
}
