/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the zones and records mean for a question. */
#include <string.h>

#include "local/table.h"

/* What stands around a name. */
struct surroundings {
	const struct local_node *exact;    /* the name itself */
	const struct local_node *zone;     /* the closest above it, or at it */
	const struct local_node *encloser; /* the closest name that exists (RFC 4592 2.2.1) */
	const uint8_t *encloser_name;
	uint64_t encloser_hash;
};

static void look_around(const struct local_table *t, const uint8_t *lower,
                        const struct name_hashes *h, uint16_t type, struct surroundings *ret)
{
	const uint8_t *at = lower;
	memset(ret, 0, sizeof *ret);
	for (unsigned i = 0; i <= h->n; i++, at += *at + 1) {
		const struct local_node *n = local_table_find(t, h->h[i], at);
		if (n == NULL)
			continue;
		if (i == 0)
			ret->exact = n;
		if (ret->encloser == NULL) {
			ret->encloser = n;
			ret->encloser_name = at;
			ret->encloser_hash = h->h[i];
		}
		/* DS at the top of a zone is the parent's (RFC 4035 3.1.4.1). */
		if (n->type != ZONE_NONE && !(i == 0 && type == DNS_DS)) {
			ret->zone = n;
			return;
		}
	}
}

static const struct local_node *find_wildcard(const struct local_table *t,
                                              const struct surroundings *s)
{
	uint8_t name[NAME_MAX_BYTES + 2] = { 1, '*' };
	if (s->encloser == NULL || s->exact != NULL)
		return NULL;
	size_t len = name_len(s->encloser_name);
	if (len + 2 > NAME_MAX_BYTES)
		return NULL;
	memcpy(name + 2, s->encloser_name, len);
	return local_table_find(t, name_hash_step(s->encloser_hash, (const uint8_t *)"*", 1), name);
}

/* The records at a node, if they answer the type. */
static enum local_outcome look_at_records(const struct local_table *t, uint16_t type,
                                          bool with_dns64, const struct local_found *f,
                                          struct local_alias *alias)
{
	const struct local_node *n = f->node;
	if (n == NULL || n->n_rrs == 0)
		return LOCAL_UNKNOWN;
	if (type == DNS_ANY || local_table_has_type(t, n, type))
		return LOCAL_DATA;
	const struct local_rr *first = &t->rrs[n->first_rr - 1];
	if (first->type == DNS_CNAME) { /* it stands alone */
		alias->ttl_s = first->ttl_s;
		name_set(&alias->target, t->bytes + first->rdata_at);
		return LOCAL_ALIAS;
	}
	if (with_dns64 && type == DNS_AAAA && local_table_has_type(t, n, DNS_A))
		return LOCAL_SYNTHESIS;
	return LOCAL_UNKNOWN;
}

/* No record answers: what the zone's type says of that. */
static enum local_outcome deny(const struct local_found *f, bool has_name)
{
	switch (f->zone != NULL ? f->zone->type : ZONE_TRANSPARENT) {
	case ZONE_STATIC:
		return has_name ? LOCAL_NODATA : LOCAL_NXDOMAIN;
	case ZONE_NODATA:
	case ZONE_REDIRECT:
		return LOCAL_NODATA;
	case ZONE_REFUSE:
		return LOCAL_REFUSED;
	case ZONE_DROP:
		return LOCAL_DROP;
	case ZONE_TYPETRANSPARENT:
		return LOCAL_UNKNOWN;
	default: /* transparent, resolve, no zone: a name that has records has those only */
		return f->node != NULL && f->node->n_rrs > 0 ? LOCAL_NODATA : LOCAL_UNKNOWN;
	}
}

static enum local_outcome decide(const struct local *l, const struct surroundings *s, uint16_t type,
                                 bool with_dns64, struct local_found *f, struct local_alias *alias)
{
	enum local_type zone = s->zone != NULL ? s->zone->type : ZONE_NONE;
	f->zone = s->zone;
	if (zone == ZONE_NXDOMAIN)
		return LOCAL_NXDOMAIN;
	f->node = zone == ZONE_REDIRECT ? s->zone
	          : s->exact != NULL    ? s->exact
	                                : find_wildcard(&l->table, s);
	enum local_outcome o = look_at_records(&l->table, type, with_dns64, f, alias);
	if (o != LOCAL_UNKNOWN)
		return o;
	bool has_name = f->node != NULL;
	/* The other records at the top of a zone say nothing of what its parent has. */
	if (type == DNS_DS && s->exact != NULL && s->exact->type != ZONE_NONE)
		f->node = NULL;
	return deny(f, has_name);
}

/* ---- DNS64: PTR of the addresses that were made up (RFC 6147 5.3.1, second way) ---- */

static int nibble_of(const uint8_t *label)
{
	if (*label != 1)
		return -1;
	uint8_t c = label[1];
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool address_of_ptr(const uint8_t *lower, uint8_t ret[16])
{
	static const uint8_t end[] = "\3ip6\4arpa";
	memset(ret, 0, 16);
	for (int i = 31; i >= 0; i--, lower += 2) {
		int x = nibble_of(lower);
		if (x < 0)
			return false;
		ret[i / 2] |= (uint8_t)(i % 2 == 0 ? x << 4 : x);
	}
	return memcmp(lower, end, sizeof end) == 0;
}

static bool find_dns64_ptr(const struct local *l, const uint8_t *lower, struct local_alias *ret)
{
	uint8_t v6[16], v4[4];
	if (l->dns64.length == 0 || !address_of_ptr(lower, v6) || !local_dns64_extract(l, v6, v4))
		return false;
	uint8_t *p = ret->target.wire;
	for (int i = 3; i >= 0; i--) {
		uint8_t *len = p++;
		if (v4[i] >= 100)
			*p++ = (uint8_t)('0' + v4[i] / 100);
		if (v4[i] >= 10)
			*p++ = (uint8_t)('0' + v4[i] / 10 % 10);
		*p++ = (uint8_t)('0' + v4[i] % 10);
		*len = (uint8_t)(p - len - 1);
	}
	static const uint8_t end[] = "\7in-addr\4arpa";
	memcpy(p, end, sizeof end);
	ret->target.len = (uint8_t)(p + sizeof end - ret->target.wire);
	ret->ttl_s = l->ttl_s;
	return true;
}

enum local_outcome local_find(const struct local *l, const uint8_t *lower,
                              const struct name_hashes *hashes, uint16_t type, bool with_dns64,
                              struct local_found *ret, struct local_alias *ret_alias)
{
	struct surroundings s;
	ret->in = l;
	ret->node = ret->zone = NULL;
	ret->outcome = LOCAL_UNKNOWN;
	look_around(&l->table, lower, hashes, type, &s);
	if (s.exact != NULL || s.zone != NULL || s.encloser != NULL)
		ret->outcome = decide(l, &s, type, with_dns64, ret, ret_alias);
	/* A prefix out of fd00::/8 is not covered by that block's empty reverse zone. */
	bool is_nothing = ret->outcome == LOCAL_UNKNOWN ||
	                  (ret->outcome == LOCAL_NXDOMAIN && ret->node == NULL);
	if (is_nothing && with_dns64 && type == DNS_PTR && find_dns64_ptr(l, lower, ret_alias))
		ret->outcome = LOCAL_ALIAS;
	return ret->outcome;
}

bool local_next(const struct local *l, const struct local_node *node, uint16_t type,
                struct local_record *it)
{
	const struct local_table *t = &l->table;
	uint32_t i = it->rdata == NULL ? node->first_rr : it->next;
	for (; i != 0; i = t->rrs[i - 1].next) {
		const struct local_rr *rr = &t->rrs[i - 1];
		if (type != DNS_ANY && rr->type != type)
			continue;
		*it = (struct local_record){ .type = rr->type,
			                     .rdata_len = rr->rdata_len,
			                     .ttl_s = rr->ttl_s,
			                     .rdata = t->bytes + rr->rdata_at,
			                     .next = rr->next };
		return true;
	}
	return false;
}

const uint8_t *local_soa(const struct local_found *f, struct local_record *ret)
{
	*ret = (struct local_record){ 0 };
	if (f->zone == NULL || !local_next(f->in, f->zone, DNS_SOA, ret))
		return NULL;
	return local_table_name(&f->in->table, f->zone);
}

const char *local_source(const struct local_found *f, char ret_text[LOCAL_SOURCE_MAX])
{
	const struct local_node *n = f->node != NULL && f->node->source != 0 ? f->node : f->zone;
	const char *text = n != NULL                   ? f->in->sources[n->source]
	                   : f->outcome == LOCAL_ALIAS ? "DNS64: the address behind this one"
	                                               : "";
	size_t len = strnlen(text, LOCAL_SOURCE_MAX - 1);
	memcpy(ret_text, text, len);
	ret_text[len] = 0;
	return ret_text;
}
