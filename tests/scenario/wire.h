/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/wire.h - the bytes of a name server's response, and what it reads of a question.
 *
 * What:      owner names are compressed, data is not.
 * Threads:   one.
 * Memory:    the caller's.
 * Standards: RFC 1035 4.1, RFC 6891, RFC 7873 4
 * Tests:     tests/scenario/
 */
#pragma once

#include "zone.h"

enum {
	WIRE_MAX_NAMES = 512,
	COOKIE_CLIENT_BYTES = 8,
	COOKIE_MAX_BYTES = 40,
};

/* What the resolver sent. */
struct wire_question {
	uint16_t id, flags, type;
	uint8_t as_sent[NAME_MAX_BYTES]; /* its case kept */
	struct name name;
	bool has_edns, is_do;
	uint16_t udp_size;
	uint8_t cookie[COOKIE_MAX_BYTES];
	uint8_t cookie_bytes;
};

/* 0 or -EBADMSG. */
MUST_USE int wire_read_question(const uint8_t *bytes, size_t n, struct wire_question *ret);

struct wire {
	uint8_t bytes[DNS_MAX_MESSAGE];
	size_t n;
	bool is_over; /* more than fits */
	uint16_t counts[4];
	unsigned n_names;
	struct {
		const uint8_t *name;
		uint16_t at;
	} names[WIRE_MAX_NAMES];
};

/* question NULL: without one. */
void wire_start(struct wire *w, uint16_t id, const uint8_t *question, uint16_t type);
/* In the order of the sections. `owner` must stay as it is until the end. */
void wire_add(struct wire *w, int section, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
              const uint8_t *data, size_t n);
void wire_add_opt(struct wire *w, uint16_t udp_size, unsigned rcode, bool is_do,
                  const uint8_t *cookie, size_t cookie_bytes);
void wire_finish(struct wire *w, uint16_t flags, unsigned rcode);
