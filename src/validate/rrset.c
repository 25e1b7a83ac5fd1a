/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "validate/rrset.h"

#include <errno.h>
#include <string.h>

unsigned rrset_owner_labels(const uint8_t *owner)
{
	unsigned n = name_labels(owner);
	return owner[0] == 1 && owner[1] == '*' ? n - 1 : n;
}

int rrsig_read(const struct answer_rr *rrsig, struct rrsig_fields *ret)
{
	const uint8_t *p = rrsig->rdata;
	if (rrsig->rdata_len <= RRSIG_FIXED_BYTES)
		return -EBADMSG;
	size_t left = rrsig->rdata_len - (size_t)RRSIG_FIXED_BYTES;
	size_t signer = name_check(p + RRSIG_FIXED_BYTES, left);
	if (signer == 0 || signer == left) /* no signature behind it */
		return -EBADMSG;
	*ret = (struct rrsig_fields){ .covers = load16(p),
		                      .algorithm = p[2],
		                      .labels = p[3],
		                      .original_ttl_s = load32(p + 4),
		                      .expires_s = load32(p + 8),
		                      .begins_s = load32(p + 12),
		                      .tag = load16(p + 16),
		                      .signer = p + RRSIG_FIXED_BYTES };
	return 0;
}

/* ---- grouping ---- */

static uint16_t set_type(const struct answer_rr *rr)
{
	return rr->type == DNS_RRSIG && rr->rdata_len >= 2 ? load16(rr->rdata) : rr->type;
}

static bool is_same_set(const struct rrset *set, const struct answer_rr *rr, uint64_t hash,
                        uint16_t type)
{
	return set->hash == hash && set->type == type && set->in_authority == rr->in_authority &&
	       (set->owner == rr->owner || name_equal(set->owner, rr->owner));
}

static struct rrset *find_or_add(struct rrsets *s, const struct answer_rr *rr, uint64_t hash)
{
	uint16_t type = set_type(rr);
	uint16_t *bucket = &s->buckets[(hash ^ type) % RRSETS_BUCKETS];
	for (uint16_t i = *bucket; i != RRSET_NONE; i = s->sets[i].chain) {
		if (is_same_set(&s->sets[i], rr, hash, type))
			return &s->sets[i];
	}
	if (s->n == RRSETS_MAX)
		return NULL;
	struct rrset *set = &s->sets[s->n];
	*set = (struct rrset){ .owner = rr->owner,
		               .hash = hash,
		               .type = type,
		               .in_authority = rr->in_authority,
		               .first = RRSET_NONE,
		               .last = RRSET_NONE,
		               .first_sig = RRSET_NONE,
		               .last_sig = RRSET_NONE,
		               .chain = *bucket };
	*bucket = (uint16_t)s->n++;
	return set;
}

static void link_rr(struct rrsets *s, uint16_t i, uint16_t *first, uint16_t *last, uint16_t *n)
{
	s->next[i] = RRSET_NONE;
	if (*last == RRSET_NONE)
		*first = i;
	else
		s->next[*last] = i;
	*last = i;
	(*n)++;
}

int rrsets_group(struct rrsets *s, const struct answer_rr *rrs, unsigned n)
{
	uint64_t hash = 0;
	const uint8_t *owner = NULL;
	if (n > RRSETS_RRS_MAX)
		return -E2BIG;
	s->rrs = rrs;
	s->n = 0;
	memset(s->buckets, 0xff, sizeof s->buckets);
	for (unsigned i = 0; i < n; i++) {
		if (rrs[i].owner != owner) { /* records of one name mostly follow each other */
			owner = rrs[i].owner;
			hash = name_hash(owner);
		}
		struct rrset *set = find_or_add(s, &rrs[i], hash);
		if (set == NULL)
			return -E2BIG;
		if (rrs[i].type == DNS_RRSIG)
			link_rr(s, (uint16_t)i, &set->first_sig, &set->last_sig, &set->n_sigs);
		else
			link_rr(s, (uint16_t)i, &set->first, &set->last, &set->n);
	}
	return 0;
}

struct rrset *rrsets_find(struct rrsets *s, const uint8_t *owner, uint16_t type, bool in_authority)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct rrset *set = &s->sets[i];
		if (set->type == type && set->n > 0 && set->in_authority == in_authority &&
		    name_equal(set->owner, owner))
			return set;
	}
	return NULL;
}

/* ---- canonical form ---- */

/*
 * RFC 4034 6.2 as RFC 6840 5.1 has it: the types with names that become lower case, where these
 * begin in the record data, and how many there are. NAPTR and A6 have parts of varying length.
 */
static const struct lowered {
	uint8_t type, at, n_names;
} lowered[] = {
	{ 2, 0, 1 },   /* NS */
	{ 3, 0, 1 },   /* MD */
	{ 4, 0, 1 },   /* MF */
	{ 5, 0, 1 },   /* CNAME */
	{ 6, 0, 2 },   /* SOA */
	{ 7, 0, 1 },   /* MB */
	{ 8, 0, 1 },   /* MG */
	{ 9, 0, 1 },   /* MR */
	{ 12, 0, 1 },  /* PTR */
	{ 14, 0, 2 },  /* MINFO */
	{ 15, 2, 1 },  /* MX */
	{ 17, 0, 2 },  /* RP */
	{ 18, 2, 1 },  /* AFSDB */
	{ 21, 2, 1 },  /* RT */
	{ 24, 18, 1 }, /* SIG */
	{ 26, 2, 2 },  /* PX */
	{ 30, 0, 1 },  /* NXT */
	{ 33, 6, 1 },  /* SRV */
	{ 35, 4, 1 },  /* NAPTR */
	{ 36, 2, 1 },  /* KX */
	{ 38, 1, 1 },  /* A6 */
	{ 39, 0, 1 },  /* DNAME */
};
enum {
	TYPE_NAPTR = 35,
	TYPE_A6 = 38,
	NAPTR_STRINGS = 3,
	A6_BITS = 128,
};

static const struct lowered *find_lowered(uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(lowered) && lowered[i].type <= type; i++) {
		if (lowered[i].type == type)
			return &lowered[i];
	}
	return NULL;
}

/* Where the first name begins; n if there is none. */
static size_t first_name_at(const struct lowered *l, const uint8_t *rdata, size_t n)
{
	size_t at = l->at;
	if (l->type == TYPE_NAPTR) {
		for (unsigned i = 0; i < NAPTR_STRINGS && at < n; i++)
			at += rdata[at] + 1U;
	} else if (l->type == TYPE_A6 && n > 0) {
		if (rdata[0] > A6_BITS)
			return n;
		at += (A6_BITS - rdata[0] + 7U) / 8U;
	}
	return at < n ? at : n;
}

/* Record data that does not hold the names it should stays as it is. */
static void lower_names(const struct lowered *l, uint8_t *rdata, size_t n)
{
	size_t at = first_name_at(l, rdata, n);
	for (unsigned i = 0; i < l->n_names && at < n; i++) {
		size_t len = name_check(rdata + at, n - at);
		if (len == 0)
			return;
		name_copy_lower(rdata + at, rdata + at);
		at += len;
	}
}

static uint16_t canonical_len(const struct canonical *c, uint32_t at)
{
	uint16_t len;
	memcpy(&len, c->rdata + at, sizeof len);
	return len;
}

/* RFC 4034 6.3: as left-justified bytes; what ends first comes first. */
static int compare(const struct canonical *c, uint32_t a, uint32_t b)
{
	uint16_t len_a = canonical_len(c, a);
	uint16_t len_b = canonical_len(c, b);
	int d = memcmp(c->rdata + a + 2, c->rdata + b + 2, len_a < len_b ? len_a : len_b);
	return d != 0 ? d : (int)len_a - (int)len_b;
}

/* Put it where it belongs among those in order; RFC 4034 6.3: a repeated one counts once. */
static void insert(struct canonical *c, uint32_t at)
{
	unsigned low = 0;
	unsigned high = c->n;
	while (low < high) {
		unsigned mid = (low + high) / 2;
		int d = compare(c, c->at[mid], at);
		if (d == 0)
			return;
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	memmove(&c->at[low + 1], &c->at[low], (c->n - low) * sizeof c->at[0]);
	c->at[low] = at;
	c->n++;
}

int rrset_canonical(const struct rrsets *s, const struct rrset *set, struct canonical *c)
{
	const struct lowered *l = find_lowered(set->type);
	c->n = 0;
	c->rdata_bytes = 0;
	for (uint16_t i = set->first; i != RRSET_NONE; i = s->next[i]) {
		const struct answer_rr *rr = &s->rrs[i];
		uint32_t at = c->rdata_bytes;
		if (at + 2U + rr->rdata_len > sizeof c->rdata)
			return -E2BIG;
		memcpy(c->rdata + at, &rr->rdata_len, 2);
		if (rr->rdata_len > 0)
			memcpy(c->rdata + at + 2, rr->rdata, rr->rdata_len);
		if (l != NULL)
			lower_names(l, c->rdata + at + 2, rr->rdata_len);
		c->rdata_bytes = at + 2U + rr->rdata_len;
		insert(c, at);
	}
	return 0;
}

/* RFC 4035 5.3.2: the owner's last `labels` labels, behind a star if the owner has more. */
static size_t signed_owner(const struct rrset *set, unsigned labels, uint8_t *ret)
{
	unsigned own = rrset_owner_labels(set->owner);
	if (labels >= own)
		return name_copy_lower(ret, set->owner);
	ret[0] = 1;
	ret[1] = '*';
	return 2 +
	       name_copy_lower(ret + 2, name_skip(set->owner, name_labels(set->owner) - labels));
}

int rrset_signed_data(const struct rrset *set, const struct answer_rr *rrsig,
                      const struct rrsig_fields *fields, struct canonical *c)
{
	uint8_t head[NAME_MAX_BYTES + 8];
	size_t owner_bytes = signed_owner(set, fields->labels, head);
	size_t head_bytes = owner_bytes + 8;
	store16(head + owner_bytes, set->type);
	store16(head + owner_bytes + 2, DNS_CLASS_IN);
	store32(head + owner_bytes + 4, fields->original_ttl_s);

	uint8_t *p = c->data;
	memcpy(p, rrsig->rdata, RRSIG_FIXED_BYTES);
	p += RRSIG_FIXED_BYTES;
	p += name_copy_lower(p, fields->signer);
	const uint8_t *end = c->data + CANONICAL_DATA_BYTES;
	for (unsigned i = 0; i < c->n; i++) {
		uint16_t len = canonical_len(c, c->at[i]);
		if ((size_t)(end - p) < head_bytes + 2U + len)
			return -E2BIG;
		memcpy(p, head, head_bytes);
		p += head_bytes;
		store16(p, len);
		memcpy(p + 2, c->rdata + c->at[i] + 2, len);
		p += 2U + len;
	}
	c->data_bytes = (size_t)(p - c->data);
	return 0;
}
