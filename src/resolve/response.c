/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/response.h"

#include <errno.h>
#include <string.h>

enum {
	TTL_UNSET = UINT32_MAX,
	SOA_MIN_BYTES = 22, /* two root names and five numbers */
	RRSIG_MIN_BYTES = 18,
};

static bool wire_equal(const uint8_t *a, const uint8_t *b)
{
	if (a == b)
		return true;
	size_t n = name_len(a);
	return n == name_len(b) && memcmp(a, b, n) == 0;
}

static bool is_below(const uint8_t *name, const uint8_t *ancestor)
{
	return name_is_within(name, ancestor) && !wire_equal(name, ancestor);
}

/*
 * Would we have asked these servers about the name? Only then is their word taken for it. Names
 * on the way down to the one asked are theirs also where a forwarding zone covers them, because
 * the zone asked is an exception below it.
 */
static bool is_theirs(const struct response_question *q, const uint8_t *name)
{
	if (!name_is_within(name, q->zone))
		return false;
	const struct forward_zone *z = forward_find(q->forwards, name);
	return z == q->forward || (z != NULL && z == q->given_up) || name_is_within(q->name, name);
}

static uint16_t covers(const struct rr *rr)
{
	return rr->rdata_len >= RRSIG_MIN_BYTES ? load16(rr->rdata) : 0;
}

static void keep(struct response *w, const struct rr *rr, bool in_authority)
{
	if (w->n_kept == ARRAY_LEN(w->kept))
		return;
	w->kept[w->n_kept++] = (struct answer_rr){ .owner = rr->owner,
		                                   .rdata = rr->rdata,
		                                   .type = rr->type,
		                                   .rdata_len = rr->rdata_len,
		                                   .ttl_s = rr->ttl_s,
		                                   .in_authority = in_authority };
	if (rr->ttl_s < w->ttl_s)
		w->ttl_s = rr->ttl_s;
}

/* ---- reading the records ---- */

/* Names in record data that we follow must be names. */
static bool is_sound(const struct rr *rr)
{
	switch (rr->type) {
	case DNS_CNAME:
	case DNS_DNAME:
	case DNS_NS:
		return rr->rdata_len > 0 && name_check(rr->rdata, rr->rdata_len) == rr->rdata_len;
	case DNS_SOA:
		return rr->rdata_len >= SOA_MIN_BYTES;
	default:
		return true;
	}
}

static int collect(struct response *w, struct message *m, unsigned *ret_rcode)
{
	unsigned rcode = m->flags & 0xf;
	w->n_all = 0;
	for (;;) {
		if (w->n_all == RESPONSE_MAX_RRS)
			return -EMSGSIZE;
		struct rr *rr = &w->all[w->n_all];
		int e = message_next(m, rr);
		if (e <= 0) {
			*ret_rcode = rcode;
			return e;
		}
		if (rr->type == DNS_OPT) {
			rcode |= rr->ttl_s >> 24 << 4; /* RFC 6891 6.1.3 */
			w->has_opt = true;
		} else if (rr->class == DNS_CLASS_IN) {
			if (!is_sound(rr))
				return -EBADMSG;
			w->n_all++;
		}
	}
}

/* ---- the answer section ---- */

static bool is_asked(uint16_t type, uint16_t asked)
{
	return type == asked || asked == DNS_ANY;
}

static void keep_signatures(struct response *w, const uint8_t *owner, uint16_t type)
{
	for (unsigned i = 0; i < w->n_all && w->all[i].section == SECTION_ANSWER; i++) {
		const struct rr *rr = &w->all[i];
		if (rr->type == DNS_RRSIG && covers(rr) == type && wire_equal(rr->owner, owner))
			keep(w, rr, false);
	}
}

static bool keep_rrset(struct response *w, const uint8_t *owner, uint16_t type)
{
	bool has_some = false;
	bool has_signatures = false;
	for (unsigned i = 0; i < w->n_all && w->all[i].section == SECTION_ANSWER; i++) {
		const struct rr *rr = &w->all[i];
		if (is_asked(rr->type, type) && wire_equal(rr->owner, owner)) {
			keep(w, rr, false);
			has_some = true;
		} else if (rr->type == DNS_RRSIG) {
			has_signatures = true;
		}
	}
	if (has_some && has_signatures && type != DNS_ANY)
		keep_signatures(w, owner, type);
	return has_some;
}

/* The next alias in w, filled but for its target; NULL when there are too many. */
static struct alias *add_alias(struct response *w, const uint8_t *owner, bool is_cname)
{
	if (w->n_aliases == ANSWER_MAX_HOPS) {
		w->why = "too many aliases";
		return NULL;
	}
	struct alias *a = &w->aliases[w->n_aliases];
	a->owner = owner;
	a->first_kept = w->n_kept;
	a->is_cname = is_cname;
	return a;
}

static const uint8_t *take_dname(struct response *w, const uint8_t *at, const struct rr *dname)
{
	struct alias *a = add_alias(w, at, false);
	if (a == NULL)
		return NULL;
	if (!name_substitute(at, dname->owner, dname->rdata, &a->target)) {
		w->why = "a DNAME makes a name that is too long";
		return NULL;
	}
	keep(w, dname, false);
	keep_signatures(w, dname->owner, DNS_DNAME);
	/* RFC 6672 3.1: the CNAME is made here, whatever came with it; it has no signature. */
	const struct rr cname = { .owner = at,
		                  .rdata = a->target.wire,
		                  .type = DNS_CNAME,
		                  .rdata_len = a->target.len,
		                  .ttl_s = dname->ttl_s };
	keep(w, &cname, false);
	w->n_aliases++;
	return a->target.wire;
}

static const uint8_t *take_cname(struct response *w, const uint8_t *at, const struct rr *cname)
{
	struct alias *a = add_alias(w, at, true);
	if (a == NULL)
		return NULL;
	name_set(&a->target, cname->rdata);
	keep(w, cname, false);
	keep_signatures(w, at, DNS_CNAME);
	a->end_kept = w->n_kept;
	w->n_aliases++;
	return a->target.wire;
}

/* Follow one alias of `at`: its target; NULL if there is none, or (w->why) it is no good. */
static const uint8_t *follow(struct response *w, const struct response_question *q,
                             const uint8_t *at)
{
	const struct rr *cname = NULL;
	for (unsigned i = 0; i < w->n_all && w->all[i].section == SECTION_ANSWER; i++) {
		const struct rr *rr = &w->all[i];
		if (rr->type == DNS_DNAME && is_below(at, rr->owner) && is_theirs(q, rr->owner))
			return take_dname(w, at, rr);
		if (cname == NULL && rr->type == DNS_CNAME && wire_equal(rr->owner, at))
			cname = rr; /* RFC 1034 3.6.2: there is but one */
	}
	return cname != NULL ? take_cname(w, at, cname) : NULL;
}

static bool was_seen(const struct response *w, const struct response_question *q)
{
	const uint8_t *last = w->aliases[w->n_aliases - 1].target.wire;
	if (wire_equal(last, q->name))
		return true;
	for (unsigned i = 0; i + 1 < w->n_aliases; i++) {
		if (wire_equal(last, w->aliases[i].target.wire))
			return true;
	}
	return false;
}

/* Walk the chain. True: the records asked for stand at its end. w->target is where it ends. */
static bool walk_answer(struct response *w, const struct response_question *q)
{
	w->target = q->name;
	while (w->n_all > 0 && w->all[0].section == SECTION_ANSWER && is_theirs(q, w->target)) {
		if (keep_rrset(w, w->target, q->type))
			return true;
		if (q->type == DNS_CNAME || q->type == DNS_ANY)
			return false;
		const uint8_t *next = follow(w, q, w->target);
		if (next == NULL)
			return false;
		w->target = next;
		if (was_seen(w, q)) {
			w->why = "aliases go in a circle";
			return false;
		}
	}
	return false;
}

/* ---- the authority section ---- */

static bool is_proof(uint16_t type)
{
	return type == DNS_NSEC || type == DNS_NSEC3;
}

/* Denials and their signatures; for negative answers, whose `soa` is given, that too. */
static void keep_authority(struct response *w, const struct response_question *q,
                           const struct rr *soa)
{
	for (unsigned i = 0; i < w->n_all; i++) {
		const struct rr *rr = &w->all[i];
		if (rr->section != SECTION_AUTHORITY)
			continue;
		uint16_t type = rr->type == DNS_RRSIG ? covers(rr) : rr->type;
		bool is_soa = soa != NULL && type == DNS_SOA && wire_equal(rr->owner, soa->owner);
		if ((is_soa && (rr->type == DNS_RRSIG || rr == soa)) ||
		    (is_proof(type) && (q->forward != NULL || is_theirs(q, rr->owner))))
			keep(w, rr, true);
	}
}

/* The SOA that proves a denial for `at`; *ret_other: there is one, but of another zone. */
static const struct rr *find_soa(const struct response *w, const struct response_question *q,
                                 const uint8_t *at, bool *ret_other)
{
	*ret_other = false;
	for (unsigned i = 0; i < w->n_all; i++) {
		const struct rr *rr = &w->all[i];
		if (rr->section != SECTION_AUTHORITY || rr->type != DNS_SOA)
			continue;
		/* A forwarder passes on the denial of whichever zone it found the name in. */
		if (name_is_within(at, rr->owner) &&
		    (q->forward != NULL || is_theirs(q, rr->owner)))
			return rr;
		*ret_other = true;
	}
	return NULL;
}

static bool is_wild(const struct addr *a)
{
	static const uint8_t zero[16];
	const uint8_t *b = a->bytes;
	if (a->is_v4)
		return b[12] == 0 || b[12] >= 224;
	return b[0] == 0xff || memcmp(b, zero, 16) == 0;
}

bool response_addr(uint16_t type, const uint8_t *rdata, size_t n, struct addr *ret)
{
	struct addr a;
	if (type == DNS_A && n == 4)
		a = addr_from_bytes4(rdata);
	else if (type == DNS_AAAA && n == 16)
		a = addr_from_bytes16(rdata);
	else
		return false;
	if (is_wild(&a))
		return false;
	*ret = a;
	return true;
}

/*
 * Addresses beside the servers. Believed for names within the zone that was asked only: a
 * server of example.com may not say where ns.example.net is (RFC 2181 5.4.1). They serve to
 * ask this zone, and nothing else.
 */
static void collect_glue(struct response *w, const struct response_question *q)
{
	for (unsigned s = 0; s < w->n_servers; s++) {
		struct cut_plan_server *server = &w->servers[s];
		server->addrs = w->addrs[s];
		if (!name_is_within(server->name, q->zone))
			continue;
		for (unsigned i = 0; i < w->n_all; i++) {
			const struct rr *rr = &w->all[i];
			if (server->n_addrs == RESPONSE_SERVER_ADDRS)
				break;
			if (rr->section == SECTION_ADDITIONAL &&
			    wire_equal(rr->owner, server->name) &&
			    response_addr(rr->type, rr->rdata, rr->rdata_len,
			                  &w->addrs[s][server->n_addrs]))
				server->n_addrs++;
		}
	}
}

static void add_server(struct response *w, const struct rr *ns)
{
	if (w->n_servers == CUT_MAX_SERVERS)
		return;
	struct name *name = &w->server_names[w->n_servers];
	name_set(name, ns->rdata);
	for (unsigned i = 0; i < w->n_servers; i++) {
		if (wire_equal(w->servers[i].name, name->wire))
			return;
	}
	w->servers[w->n_servers++] = (struct cut_plan_server){ .name = name->wire };
	if (ns->ttl_s < w->cut_ttl_s)
		w->cut_ttl_s = ns->ttl_s;
}

static void collect_servers(struct response *w, const struct response_question *q, unsigned section)
{
	w->n_servers = 0;
	w->cut_ttl_s = CACHE_TTL_MAX_S;
	for (unsigned i = 0; i < w->n_all; i++) {
		const struct rr *rr = &w->all[i];
		if (rr->section == section && rr->type == DNS_NS &&
		    wire_equal(rr->owner, w->cut_zone))
			add_server(w, rr);
	}
	collect_glue(w, q);
}

/* What a referral says of the child's keys: DS records, or their denial (RFC 4035 3.1.4). */
static void keep_delegation(struct response *w, const struct response_question *q)
{
	for (unsigned i = 0; i < w->n_all; i++) {
		const struct rr *rr = &w->all[i];
		uint16_t type = rr->type == DNS_RRSIG ? covers(rr) : rr->type;
		if (rr->section != SECTION_AUTHORITY)
			continue;
		if ((type == DNS_DS && wire_equal(rr->owner, w->cut_zone)) ||
		    (is_proof(type) && is_theirs(q, rr->owner)))
			keep(w, rr, true);
	}
}

/* A step down towards the name, and only that, is a referral (RFC 1034 5.3.3 4b). */
static enum response_kind read_referral(struct response *w, const struct response_question *q)
{
	bool has_ns = false;
	for (unsigned i = 0; i < w->n_all; i++) {
		const struct rr *rr = &w->all[i];
		if (rr->section != SECTION_AUTHORITY || rr->type != DNS_NS)
			continue;
		has_ns = true;
		if (q->forward != NULL || !is_below(rr->owner, q->zone) ||
		    !name_is_within(q->name, rr->owner) || !is_theirs(q, rr->owner))
			continue;
		/* RFC 4035 3.1.4.1: DS belongs to the parent, which must not refer to the child. */
		if (q->type == DNS_DS && wire_equal(rr->owner, q->name))
			continue;
		w->cut_zone = rr->owner;
		collect_servers(w, q, SECTION_AUTHORITY);
		keep_delegation(w, q);
		return RESPONSE_REFERRAL;
	}
	/* The zone's own servers beside an empty answer: no data, said without the SOA. */
	if (w->is_aa || (q->forward != NULL && !has_ns))
		return RESPONSE_NODATA;
	w->why = q->forward != NULL ? "refers instead of resolving"
	         : has_ns           ? "refers to where it was asked from"
	                            : "empty answer, not authoritative";
	return RESPONSE_LAME;
}

/* RFC 2308 5: the lesser of the SOA's own TTL and its last field. */
static enum response_kind read_negative(struct response *w, const struct response_question *q,
                                        struct rr *soa, enum response_kind kind)
{
	if (soa == NULL) { /* RFC 2308 5: without SOA it should not be cached */
		w->ttl_s = 0;
		return kind;
	}
	uint32_t ttl_s = load32(soa->rdata + soa->rdata_len - 4);
	if (ttl_s > CACHE_TTL_NEGATIVE_MAX_S)
		ttl_s = CACHE_TTL_NEGATIVE_MAX_S;
	if (ttl_s < soa->ttl_s)
		soa->ttl_s = ttl_s;
	keep_authority(w, q, soa);
	return kind;
}

static enum response_kind judge_denial(struct response *w, const struct response_question *q)
{
	bool has_other_soa;
	bool is_nxdomain = w->rcode == RCODE_NXDOMAIN;
	struct rr *soa = (struct rr *)find_soa(w, q, w->target, &has_other_soa);
	if (w->n_aliases > 0 && (soa == NULL || !is_theirs(q, w->target))) {
		/* The chain leaves what these servers can say: its end is asked for afresh. */
		keep_authority(w, q, NULL);
		return RESPONSE_ALIAS;
	}
	/* RFC 4035 3.1.4.1: of DS records only the zone above can tell. */
	if (soa != NULL && q->type == DNS_DS && soa->owner[0] != 0 &&
	    wire_equal(soa->owner, w->target)) {
		w->why = "answers for the wrong side of the cut";
		return RESPONSE_BAD;
	}
	if (soa == NULL && has_other_soa) {
		w->why = "answers for another zone";
		return RESPONSE_LAME;
	}
	if (soa == NULL && w->n_all > 0 && w->all[0].section == SECTION_ANSWER) {
		w->why = "answers another question";
		return RESPONSE_BAD;
	}
	if (is_nxdomain)
		return read_negative(w, q, soa, RESPONSE_NXDOMAIN);
	if (soa != NULL)
		return read_negative(w, q, soa, RESPONSE_NODATA);
	enum response_kind kind = read_referral(w, q);
	return kind == RESPONSE_NODATA ? read_negative(w, q, NULL, kind) : kind;
}

static enum response_kind classify(struct response *w, const struct message *m,
                                   const struct response_question *q)
{
	if (walk_answer(w, q)) {
		keep_authority(w, q, NULL);
		w->rcode = RCODE_NOERROR;
		w->kind = RESPONSE_ANSWER;
	} else if (w->why != NULL) {
		return RESPONSE_BAD;
	} else {
		w->kind = judge_denial(w, q);
	}
	/* A resolver that answers from its cache is not the zone's server: its data may be old,
	   or anybody's, and is taken when no other server of the zone has any (iterate.c).
	   Servers that forget AA but offer no recursion are taken at their word. */
	if (q->forward == NULL && w->kind != RESPONSE_REFERRAL && !w->is_aa &&
	    (m->flags & FLAG_RA) != 0 && w->kind != RESPONSE_LAME && !q->takes_recursive) {
		w->why = "not authoritative";
		w->is_recursive = true;
		return RESPONSE_LAME;
	}
	return w->kind;
}

void response_read(struct response *w, struct message *m, const struct response_question *q)
{
	unsigned rcode;
	w->is_aa = (m->flags & FLAG_AA) != 0;
	w->has_opt = w->is_recursive = false;
	w->why = NULL;
	w->n_kept = w->n_aliases = w->n_servers = 0;
	w->ttl_s = TTL_UNSET;
	w->target = q->name;
	w->rcode = (uint8_t)(m->flags & 0xf);
	if ((m->flags & FLAG_TC) != 0) {
		w->kind = RESPONSE_TRUNCATED;
		return;
	}
	if (collect(w, m, &rcode) != 0) {
		w->kind = RESPONSE_BAD;
		w->why = "malformed message";
		return;
	}
	w->rcode = (uint8_t)rcode;
	switch (rcode) {
	case RCODE_NOERROR:
	case RCODE_NXDOMAIN:
		w->kind = classify(w, m, q);
		break;
	case RCODE_FORMERR:
	case RCODE_NOTIMP:
	case RCODE_BADVERS:
		w->kind = RESPONSE_NO_EDNS;
		break;
	case RCODE_SERVFAIL:
		w->kind = RESPONSE_SERVFAIL;
		break;
	default:
		w->kind = RESPONSE_REFUSED;
		break;
	}
	if (w->ttl_s > CACHE_TTL_MAX_S)
		w->ttl_s = CACHE_TTL_MAX_S;
}

int response_read_servers(struct response *w, const uint8_t *zone)
{
	const struct response_question q = { .name = zone, .type = DNS_NS, .zone = zone };
	w->cut_zone = zone;
	collect_servers(w, &q, SECTION_ANSWER);
	return w->n_servers > 0 ? 0 : -ENOENT;
}

/* ---- answers out of the cache ---- */

int response_write_cached(const struct answer *a, uint32_t now_s, uint8_t *buf, size_t room)
{
	uint16_t counts[2];
	size_t n = DNS_HEADER_BYTES;
	size_t len = name_len(a->name);
	if (room < n + len + 4)
		return -EMSGSIZE;
	memset(buf, 0, n);
	store16(buf + 2, FLAG_QR);
	buf[5] = 1;
	memcpy(buf + n, a->name, len);
	store16(buf + n + len, a->type);
	store16(buf + n + len + 2, DNS_CLASS_IN);
	n += len + 4;
	int wrote = answer_write(a, now_s, 0, true, buf + n, room - n, counts);
	if (wrote < 0)
		return wrote;
	store16(buf + 6, counts[0]);
	store16(buf + 8, counts[1]);
	return (int)n + wrote;
}

int response_from_answer(struct response *w, const struct answer *a, uint32_t now_s, uint8_t *buf)
{
	struct message m;
	unsigned rcode;
	int n = response_write_cached(a, now_s, buf, DNS_MAX_MESSAGE);
	if (n < 0 || message_open(buf, (size_t)n, w->scratch, sizeof w->scratch, &m) != 0 ||
	    collect(w, &m, &rcode) != 0)
		return -EBADMSG;
	w->n_kept = w->n_aliases = w->n_servers = 0;
	w->ttl_s = TTL_UNSET;
	w->why = NULL;
	w->rcode = a->rcode;
	w->target = a->name;
	bool has_data = false;
	for (unsigned i = 0; i < w->n_all; i++) {
		const struct rr *rr = &w->all[i];
		bool in_authority = rr->section == SECTION_AUTHORITY;
		keep(w, rr, in_authority);
		if (in_authority)
			continue;
		if (is_asked(rr->type, a->type)) {
			has_data = true;
		} else if (rr->type == DNS_CNAME && w->n_aliases < ANSWER_MAX_HOPS) {
			struct alias *alias = &w->aliases[w->n_aliases++];
			alias->owner = rr->owner;
			alias->is_cname = false;
			name_set(&alias->target, rr->rdata);
			w->target = alias->target.wire;
		}
	}
	w->kind = has_data                     ? RESPONSE_ANSWER
	          : a->rcode == RCODE_NXDOMAIN ? RESPONSE_NXDOMAIN
	                                       : RESPONSE_NODATA;
	uint32_t age_s = item_age_s(&a->item, now_s);
	uint32_t left_s = age_s < a->item.ttl_s ? a->item.ttl_s - age_s : 0;
	w->ttl_s = left_s;
	return 0;
}

bool response_as_alias(struct response *w)
{
	for (unsigned i = 0; i < w->n_kept; i++) {
		if (w->kept[i].type != DNS_CNAME || w->kept[i].in_authority)
			continue;
		struct alias *alias = &w->aliases[0];
		alias->owner = w->kept[i].owner;
		alias->is_cname = false; /* it is in the cache already */
		name_set(&alias->target, w->kept[i].rdata);
		w->n_aliases = 1;
		w->target = alias->target.wire;
		w->kind = RESPONSE_ALIAS;
		return true;
	}
	return false;
}
