/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of answers need: records from text. */
#pragma once

#include "rig.h"

enum {
	RIG_RECORDS = 80,
	RIG_ROOM = 1 << 17
};

struct rig_answer {
	struct rig_packet p; /* client, question, zone */
	struct rr rrs[RIG_RECORDS];
	uint8_t room[RIG_ROOM];
	size_t used;
	struct detect_answer a;
};

/* A question of `client` for `name`, answered by the servers of `zone`. No records yet. */
static inline void rig_answer(struct rig_answer *r, const char *client, const char *name,
                              const char *zone, uint16_t type, uint64_t servers, uint64_t now_ns)
{
	rig_packet(&r->p, client, name, zone, type, servers, now_ns);
	r->used = 0;
	r->a = (struct detect_answer){ .client = &r->p.client,
		                       .question = r->p.name.wire,
		                       .type = type,
		                       .rrs = r->rrs,
		                       .first = r->p.q.zone,
		                       .zone = r->p.q.zone,
		                       .now_ns = now_ns };
}

/* Another record, as bytes; owned by the question. */
static inline void rig_add(struct rig_answer *r, uint16_t type, uint32_t ttl_s, const void *rdata,
                           size_t n)
{
	assert_true(r->a.n_rrs < RIG_RECORDS && r->used + n <= RIG_ROOM);
	memcpy(r->room + r->used, rdata, n);
	r->rrs[r->a.n_rrs++] = (struct rr){ .owner = r->p.name.wire,
		                            .rdata = r->room + r->used,
		                            .type = type,
		                            .class = DNS_CLASS_IN,
		                            .rdata_len = (uint16_t)n,
		                            .ttl_s = ttl_s };
	r->used += n;
	r->a.n_bytes += (uint32_t)n + 12;
}

static inline void rig_add_text(struct rig_answer *r, const char *text, size_t n)
{
	static uint8_t rdata[65536];
	size_t out = 0;
	do {
		size_t len = n < 255 ? n : 255;
		rdata[out++] = (uint8_t)len;
		memcpy(rdata + out, text, len);
		out += len;
		text += len;
		n -= len;
	} while (n > 0);
	rig_add(r, DNS_TXT, 60, rdata, out);
}

static inline void rig_add_name(struct rig_answer *r, uint16_t type, const char *target)
{
	uint8_t rdata[6 + NAME_MAX_BYTES] = { 0 };
	size_t at = type == DNS_MX ? 2 : type == DNS_SRV ? 6 : 0;
	struct name name;
	assert_int_equal(name_from_text(target, strlen(target), &name), 0);
	memcpy(rdata + at, name.wire, name.len);
	rig_add(r, type, 60, rdata, at + name.len);
}

static inline void rig_add_address(struct rig_answer *r, const char *text, uint32_t ttl_s)
{
	struct addr a;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	if (a.is_v4)
		rig_add(r, DNS_A, ttl_s, a.bytes + 12, 4);
	else
		rig_add(r, DNS_AAAA, ttl_s, a.bytes, 16);
}

/* What one detector says of it; NULL: nothing. */
static inline const struct detect_finding *rig_finding(struct detect *d, struct rig_answer *r,
                                                       enum detector_id id)
{
	static struct detect_result result;
	detect_answer(d, &r->a, &result);
	for (unsigned i = 0; i < result.findings.n; i++) {
		if (result.findings.at[i].detector == id)
			return &result.findings.at[i];
	}
	return NULL;
}

static inline int64_t rig_evidence(const struct detect_finding *f, const char *name)
{
	for (unsigned i = 0; i < f->n_evidence; i++) {
		if (strcmp(f->evidence[i].name, name) == 0)
			return f->evidence[i].value;
	}
	fail_msg("no evidence %s", name);
	return 0;
}
