/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replies that are not an answer of the cache as it lies there: local records, what stands behind
 * an alias of ours, AAAA records made of A records, one set of records out of many.
 */
#include <string.h>

#include "serve/serve.h"

enum {
	SCRATCH_BYTES = DNS_MAX_MESSAGE + 4 * NAME_MAX_BYTES
};

/* ---- what the cache holds, record by record ---- */

bool open_found(const struct query *q, const struct answer *a, bool with_dnssec,
                struct message *ret)
{
	static _Thread_local uint8_t bytes[DNS_MAX_MESSAGE];
	static _Thread_local uint8_t scratch[SCRATCH_BYTES];
	size_t name = name_len(a->name);
	size_t head = DNS_HEADER_BYTES + name + 4U;
	uint16_t counts[2];
	memset(bytes, 0, head);
	bytes[5] = 1;
	memcpy(bytes + DNS_HEADER_BYTES, a->name, name);
	int n = answer_write(a, loop_now_s(q->serve->loop), STALE_TTL_S, with_dnssec, bytes + head,
	                     sizeof bytes - head, counts);
	if (n < 0)
		return false;
	store16(bytes + 6, counts[0]);
	store16(bytes + 8, counts[1]);
	return message_open(bytes, head + (size_t)n, scratch, sizeof scratch, ret) == 0;
}

bool next_found(struct message *m, const struct message *opened, struct rr *ret)
{
	m->scratch = opened->scratch;
	m->scratch_left = opened->scratch_left;
	return message_next(m, ret) == 1;
}

/* RFC 6147 5.1.7: the lesser TTL of the A record and of the denial of AAAA records. */
static void add_synthesis(const struct query *q, struct reply *r, const uint8_t *owner,
                          const uint8_t v4[4], uint32_t ttl_s)
{
	uint8_t v6[16];
	if (local_dns64_embed(local_current(), v4, v6))
		reply_add(r, SECTION_ANSWER, owner, DNS_AAAA,
		          ttl_s < q->dns64_ttl_s ? ttl_s : q->dns64_ttl_s, v6, sizeof v6);
}

static bool is_signing(uint16_t type)
{
	return type == DNS_RRSIG || type == DNS_NSEC || type == DNS_NSEC3;
}

/* The A answer as an AAAA answer: aliases stay, addresses change, signatures would not hold. */
static void add_dns64(struct query *q, struct reply *r)
{
	struct message opened, m;
	struct rr rr;
	if (!open_found(q, q->found, false, &opened)) {
		r->is_full = true;
		return;
	}
	m = opened;
	while (next_found(&m, &opened, &rr)) {
		if (rr.section == SECTION_ANSWER && rr.type == DNS_A && rr.rdata_len == 4)
			add_synthesis(q, r, rr.owner, rr.rdata, rr.ttl_s);
		else if (!is_signing(rr.type))
			reply_add(r, rr.section, rr.owner, rr.type, rr.ttl_s, rr.rdata,
			          rr.rdata_len);
	}
}

static void add_copy(struct query *q, struct reply *r)
{
	struct message opened, m;
	struct rr rr;
	if (!open_found(q, q->found, q->question.is_do, &opened)) {
		r->is_full = true;
		return;
	}
	m = opened;
	while (next_found(&m, &opened, &rr))
		reply_add(r, rr.section, rr.owner, rr.type, rr.ttl_s, rr.rdata, rr.rdata_len);
}

/* RFC 8482 4.1: one set of records, with its signatures for those who can use them. */
void add_one_set(struct query *q, struct reply *r)
{
	struct message opened, m;
	struct rr rr;
	uint16_t type = 0;
	if (!open_found(q, q->found, q->question.is_do, &opened)) {
		r->is_full = true;
		return;
	}
	m = opened;
	while (next_found(&m, &opened, &rr)) {
		if (rr.section != SECTION_ANSWER)
			continue;
		if (type == 0 && rr.type != DNS_RRSIG)
			type = rr.type;
		bool is_its_signature = q->question.is_do && rr.type == DNS_RRSIG &&
		                        rr.rdata_len >= 2 && load16(rr.rdata) == type;
		if (rr.type == type || is_its_signature)
			reply_add(r, SECTION_ANSWER, rr.owner, rr.type, rr.ttl_s, rr.rdata,
			          rr.rdata_len);
	}
}

/* ---- local data ---- */

/*
 * The aliases from the name asked to the one that was looked up. They are found again rather than
 * kept: false when they are gone, because local data changed while the query was parked.
 */
static bool add_aliases(struct query *q, struct reply *r)
{
	const struct local *l = local_current();
	struct local_found found;
	struct local_alias alias;
	struct name_hashes hashes;
	struct name at;
	uint16_t type;
	query_asked(q, &at, &type);
	bool with_dns64 = query_uses_dns64(q);
	for (unsigned i = 0; i < q->n_aliases; i++) {
		name_hash_all(at.wire, &hashes);
		if (l == NULL || local_find(l, at.wire, &hashes, type, with_dns64, &found,
		                            &alias) != LOCAL_ALIAS)
			return false;
		reply_add(r, SECTION_ANSWER, at.wire, DNS_CNAME, alias.ttl_s, alias.target.wire,
		          alias.target.len);
		memcpy(at.wire, alias.target.wire, alias.target.len);
		at.len = alias.target.len;
	}
	return name_equal(at.wire, q->question.name.wire);
}

static void add_records(struct query *q, struct reply *r)
{
	struct local_record it = { 0 };
	bool is_made = q->own.outcome == LOCAL_SYNTHESIS;
	q->dns64_ttl_s = UINT32_MAX;
	while (local_next(q->own.in, q->own.node, is_made ? DNS_A : q->question.type, &it)) {
		if (is_made)
			add_synthesis(q, r, q->question.name.wire, it.rdata, it.ttl_s);
		else
			reply_add(r, SECTION_ANSWER, q->question.name.wire, it.type, it.ttl_s,
			          it.rdata, it.rdata_len);
	}
}

/* RFC 2308 3: the SOA's TTL in a denial is the lesser of its own and its last field. */
static void add_denial(struct query *q, struct reply *r)
{
	struct local_record soa;
	const uint8_t *owner = local_soa(&q->own, &soa);
	if (owner == NULL || soa.rdata_len < 20)
		return;
	uint32_t minimum_s = load32(soa.rdata + soa.rdata_len - 4);
	reply_add(r, SECTION_AUTHORITY, owner, DNS_SOA,
	          soa.ttl_s < minimum_s ? soa.ttl_s : minimum_s, soa.rdata, soa.rdata_len);
}

static unsigned add_own(struct query *q, struct reply *r)
{
	uint16_t before = r->counts[1];
	r->is_aa = true;
	switch (q->own.outcome) {
	case LOCAL_DATA:
	case LOCAL_SYNTHESIS:
		add_records(q, r);
		if (r->counts[1] == before)
			add_denial(q, r); /* every address is excluded from DNS64 */
		return RCODE_NOERROR;
	case LOCAL_NODATA:
		add_denial(q, r);
		return RCODE_NOERROR;
	case LOCAL_NXDOMAIN:
		add_denial(q, r);
		return RCODE_NXDOMAIN;
	default:
		r->is_aa = false;
		return RCODE_REFUSED;
	}
}

unsigned add_composed(struct query *q, struct reply *r)
{
	bool is_own = q->own.outcome != LOCAL_UNKNOWN;
	if (!is_own && q->found == NULL)
		return q->rcode; /* a failure needs no records */
	if (q->n_aliases > 0 && !add_aliases(q, r))
		return RCODE_SERVFAIL;
	if (is_own)
		return add_own(q, r);
	if (q->is_dns64)
		add_dns64(q, r);
	else
		add_copy(q, r);
	return q->found->rcode;
}
