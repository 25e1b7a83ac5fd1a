/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * local/block.h - the records of an answer's answer section where they lie.
 *
 * What:      a walk that copies nothing and reads no owner names: for questions about types and
 *            addresses, on every miss.
 * Not here:  with names -> dns/message.h.
 * Threads:   pure.
 * Memory:    none; pointers into the answer.
 * Cost:      some ns a record.
 * Limits:    none of its own: the answer is at most 64 KiB.
 * Tests:     tests/unit/local/rebinding_test.c
 */
#pragma once

#include "cache/cache.h"

struct block_rr {
	size_t next; /* offset; 0 at first */
	uint16_t type, rdata_len;
	const uint8_t *rdata;
};

/* Bytes of an owner name as it stands in a block: labels, then the root or a pointer. */
static inline size_t block_owner_bytes(const uint8_t *p, size_t n)
{
	size_t at = 0;
	while (at < n) {
		if (p[at] >= 0xc0)
			return at + 2;
		if (p[at] == 0)
			return at + 1;
		at += p[at] + 1U;
	}
	return n + 1;
}

static inline bool block_next(const struct answer *a, struct block_rr *rr)
{
	const uint8_t *p = a->blocks;
	size_t n = a->an_bytes;
	if (rr->next >= n)
		return false;
	size_t at = rr->next + block_owner_bytes(p + rr->next, n - rr->next);
	if (at + 10 > n || n - at - 10 < load16(p + at + 8))
		return false;
	rr->type = load16(p + at);
	rr->rdata_len = load16(p + at + 8);
	rr->rdata = p + at + 10;
	rr->next = at + 10 + rr->rdata_len;
	return true;
}
