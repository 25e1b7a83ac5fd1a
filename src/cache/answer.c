/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "cache/item.h"

enum {
	BLOCKS_MAX_BYTES = 65535 - 512, /* leaves room for header, question and OPT */
	RRS_MAX = 4096,
	RR_FIXED_BYTES = 10,
	ANCHORS_MAX = ANSWER_MAX_HOPS + 1,
	POINTER_MAX = 0x3fff,
};

/* Where names stand in the message that later owners can point to. */
struct anchor {
	const uint8_t *name;
	size_t at; /* offset in the message */
};

/* An answer being laid out; the parts are copied into one block of the right size. */
struct layout {
	size_t n;    /* bytes written */
	size_t base; /* offset of the blocks in the message */
	unsigned n_ttls, n_anchors;
	struct anchor anchors[ANCHORS_MAX];
	uint16_t ttl_at[RRS_MAX];
	uint8_t blocks[BLOCKS_MAX_BYTES];
};

static _Thread_local struct layout layout;

static size_t write_owner(struct layout *l, uint8_t *p, const uint8_t *owner)
{
	unsigned best = 0;
	const struct anchor *to = NULL;
	unsigned labels = name_labels(owner);
	for (unsigned i = 0; i < l->n_anchors && best < labels; i++) {
		unsigned common = name_common_labels(owner, l->anchors[i].name);
		if (common > best) {
			best = common;
			to = &l->anchors[i];
		}
	}
	size_t n = 0;
	for (unsigned i = 0; i < labels - best; i++, owner += *owner + 1) {
		memcpy(p + n, owner, *owner + 1U);
		n += *owner + 1U;
	}
	if (to == NULL) {
		p[n] = 0;
		return n + 1;
	}
	const uint8_t *suffix = name_skip(to->name, name_labels(to->name) - best);
	store16(p + n, (uint16_t)(0xc000 | (to->at + (size_t)(suffix - to->name))));
	return n + 2;
}

/* Later owners may point to an alias target, if pointers reach so far (RFC 1035 4.1.4). */
static void add_anchor(struct layout *l, const uint8_t *name, size_t at)
{
	if (l->n_anchors < ANCHORS_MAX && at + NAME_MAX_BYTES <= POINTER_MAX)
		l->anchors[l->n_anchors++] = (struct anchor){ .name = name, .at = at };
}

static int lay_rr(struct layout *l, const struct answer_rr *rr, uint32_t ttl_s)
{
	if (l->n + NAME_MAX_BYTES + RR_FIXED_BYTES + rr->rdata_len > BLOCKS_MAX_BYTES ||
	    l->n_ttls == RRS_MAX)
		return -EMSGSIZE;
	uint8_t *p = l->blocks + l->n;
	size_t n = write_owner(l, p, rr->owner);
	store16(p + n, rr->type);
	store16(p + n + 2, DNS_CLASS_IN);
	store32(p + n + 4, ttl_s);
	store16(p + n + 8, rr->rdata_len);
	l->ttl_at[l->n_ttls++] = (uint16_t)(l->n + n + 4);
	n += RR_FIXED_BYTES;
	memcpy(p + n, rr->rdata, rr->rdata_len);
	if (rr->type == DNS_CNAME && !rr->in_authority)
		add_anchor(l, rr->rdata, l->base + l->n + n);
	l->n += n + rr->rdata_len;
	return 0;
}

/* Records that only a client that set DO gets (RFC 4035 3.2.1), unless it asked for them. */
static bool is_dnssec_rr(const struct answer_rr *rr, uint16_t asked)
{
	if (!rr->in_authority && (rr->type == asked || asked == DNS_ANY))
		return false;
	return rr->type == DNS_RRSIG || rr->type == DNS_NSEC || rr->type == DNS_NSEC3;
}

/* Lay out the records of one block; gives their number and bytes. */
static int lay_block(struct layout *l, const struct answer_plan *plan, bool in_authority,
                     bool is_dnssec, uint16_t *ret_n, uint16_t *ret_bytes)
{
	size_t start = l->n;
	unsigned count = 0;
	for (unsigned i = 0; i < plan->n_rrs; i++) {
		const struct answer_rr *rr = &plan->rrs[i];
		if (rr->in_authority != in_authority || is_dnssec_rr(rr, plan->type) != is_dnssec)
			continue;
		uint32_t cap = in_authority ? plan->ttl_s : CACHE_TTL_MAX_S;
		int e = lay_rr(l, rr, rr->ttl_s < cap ? rr->ttl_s : cap);
		if (e != 0)
			return e;
		count++;
	}
	*ret_n = (uint16_t)count;
	*ret_bytes = (uint16_t)(l->n - start);
	return 0;
}

static bool drop_cut_ref(struct cut *c)
{
	return atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1;
}

/* The last reference is gone: free it, and what of the cuts above it hung on it alone. */
static void free_cut(void *object)
{
	struct cut *c = object;
	while (c != NULL) {
		struct cut *parent = c->parent;
		free(c);
		c = parent != NULL && drop_cut_ref(parent) ? parent : NULL;
	}
}

static void release_answer(void *object)
{
	struct answer *a = object;
	for (unsigned i = 0; i < a->n_cuts; i++) {
		struct cut *c = (struct cut *)a->cuts[i];
		if (drop_cut_ref(c))
			free_cut(c);
	}
	free(a);
}

static void release_cut(void *object)
{
	if (drop_cut_ref(object))
		free_cut(object);
}

static struct answer *make_block(const struct layout *l, const struct answer_plan *plan)
{
	size_t cuts_bytes = plan->n_cuts * sizeof(struct cut *);
	size_t ttls_bytes = l->n_ttls * sizeof(uint16_t);
	size_t name_bytes = name_len(plan->name);
	size_t ede_bytes = plan->ede_text != NULL ? strnlen(plan->ede_text, EDE_KEPT_MAX) : 0;
	size_t bytes =
		sizeof(struct answer) + cuts_bytes + ttls_bytes + name_bytes + ede_bytes + 1 + l->n;
	struct answer *a = malloc(bytes);
	if (a == NULL)
		return NULL;
	memset(a, 0, sizeof *a);
	uint8_t *p = (uint8_t *)(a + 1);
	const struct cut **cuts = (const struct cut **)p;
	for (unsigned i = 0; i < plan->n_cuts; i++)
		cuts[i] = cut_get(plan->cuts[i]);
	a->cuts = cuts;
	p += cuts_bytes;
	a->ttl_at = memcpy(p, l->ttl_at, ttls_bytes);
	p += ttls_bytes;
	a->name = memcpy(p, plan->name, name_bytes);
	p += name_bytes;
	a->ede_text = memcpy(p, ede_bytes > 0 ? plan->ede_text : "", ede_bytes);
	p[ede_bytes] = 0;
	p += ede_bytes + 1;
	a->blocks = memcpy(p, l->blocks, l->n);
	a->item.bytes = (uint32_t)(bytes + 16); /* malloc's own head */
	return a;
}

int answer_new(const struct answer_plan *plan, struct answer **ret)
{
	struct layout *l = &layout;
	must(plan->n_cuts <= ANSWER_MAX_CUTS);
	l->n = 0;
	l->n_ttls = 0;
	l->base = DNS_HEADER_BYTES + name_len(plan->name) + 4;
	l->anchors[0] = (struct anchor){ .name = plan->name, .at = DNS_HEADER_BYTES };
	l->n_anchors = 1;
	struct answer head;
	int e = lay_block(l, plan, false, false, &head.n_an, &head.an_bytes);
	if (e == 0)
		e = lay_block(l, plan, false, true, &head.n_an_sigs, &head.an_sig_bytes);
	if (e == 0)
		e = lay_block(l, plan, true, false, &head.n_ns, &head.ns_bytes);
	if (e == 0)
		e = lay_block(l, plan, true, true, &head.n_ns_sigs, &head.ns_sig_bytes);
	if (e != 0)
		return e;
	struct answer *a = make_block(l, plan);
	if (a == NULL)
		return -ENOMEM;
	a->item.hash = item_key(plan->hash, plan->type);
	a->item.stored_s = plan->now_s;
	a->item.ttl_s = plan->ttl_s;
	a->item.kind = ITEM_ANSWER;
	a->item.release = release_answer;
	a->type = plan->type;
	a->rcode = plan->rcode;
	a->security = (uint8_t)plan->security;
	a->ede_code = plan->ede_code;
	a->n_cuts = (uint8_t)plan->n_cuts;
	a->n_ttls = (uint16_t)l->n_ttls;
	a->n_an = head.n_an;
	a->n_an_sigs = head.n_an_sigs;
	a->n_ns = head.n_ns;
	a->n_ns_sigs = head.n_ns_sigs;
	a->an_bytes = head.an_bytes;
	a->an_sig_bytes = head.an_sig_bytes;
	a->ns_bytes = head.ns_bytes;
	a->ns_sig_bytes = head.ns_sig_bytes;
	*ret = a;
	return 0;
}

int answer_write(const struct answer *a, uint32_t now_s, uint32_t stale_ttl_s, bool with_dnssec,
                 uint8_t *ret, size_t room, uint16_t ret_counts[2])
{
	const size_t sizes[4] = { a->an_bytes, with_dnssec ? a->an_sig_bytes : 0U, a->ns_bytes,
		                  with_dnssec ? a->ns_sig_bytes : 0U };
	const size_t skips[4] = { 0, with_dnssec ? 0U : a->an_sig_bytes, 0,
		                  with_dnssec ? 0U : a->ns_sig_bytes };
	size_t total = sizes[0] + sizes[1] + sizes[2] + sizes[3];
	if (total > room)
		return -EMSGSIZE;
	bool is_stale = !item_is_fresh(&a->item, now_s) && a->item.ttl_s != 0;
	uint32_t age_s = item_age_s(&a->item, now_s);
	size_t from = 0;
	size_t to = 0;
	unsigned t = 0;
	for (int k = 0; k < 4; k++) {
		memcpy(ret + to, a->blocks + from, sizes[k]);
		size_t end = from + sizes[k];
		for (; t < a->n_ttls && a->ttl_at[t] < end; t++) {
			uint8_t *p = ret + to + (a->ttl_at[t] - from);
			uint32_t ttl = load32(p);
			store32(p, is_stale ? stale_ttl_s : ttl > age_s ? ttl - age_s : 0);
		}
		to += sizes[k];
		from = end + skips[k];
		while (t < a->n_ttls && a->ttl_at[t] < from)
			t++;
	}
	ret_counts[0] = (uint16_t)(a->n_an + (with_dnssec ? a->n_an_sigs : 0));
	ret_counts[1] = (uint16_t)(a->n_ns + (with_dnssec ? a->n_ns_sigs : 0));
	return (int)total;
}

/* ---- cuts ---- */

bool answer_is_due_to(const struct answer *a, const uint8_t *lower)
{
	if (a->rcode == RCODE_NXDOMAIN && name_is_within(lower, a->name))
		return true;
	for (unsigned i = 0; i < a->n_cuts; i++) {
		if (name_is_within(a->cuts[i]->zone, lower))
			return true;
	}
	for (unsigned i = 0; i < a->n_an && i < a->n_ttls; i++) {
		const uint8_t *ttl = a->blocks + a->ttl_at[i];
		struct name target;
		if (load16(ttl - 4) != DNS_CNAME)
			continue;
		name_set(&target, ttl + 6);
		if (name_is_within(target.wire, lower))
			return true;
	}
	return false;
}

size_t answer_rr_bytes(const struct answer_rr *rr)
{
	return name_len(rr->owner) + rr->rdata_len;
}

uint8_t *answer_rr_copy(struct answer_rr *to, const struct answer_rr *from, uint8_t *bytes)
{
	*to = *from;
	to->owner = bytes;
	bytes += name_copy_lower(bytes, from->owner);
	to->rdata = memcpy(bytes, from->rdata, from->rdata_len);
	return bytes + from->rdata_len;
}

/* Bytes that the DS records take in the cut's block; 0: none are kept. */
static size_t ds_bytes(const struct cut_plan *plan)
{
	size_t n = 0;
	if (plan->n_ds_rrs > CUT_MAX_DS_RRS)
		return 0;
	for (unsigned i = 0; i < plan->n_ds_rrs; i++)
		n += answer_rr_bytes(&plan->ds_rrs[i]);
	return n <= CUT_DS_BYTES ? n : 0;
}

/* Behind the names, where alignment asks for it. */
static void copy_ds(struct cut *c, const struct cut_plan *plan, uint8_t *p)
{
	struct answer_rr *rrs = (struct answer_rr *)p;
	p += plan->n_ds_rrs * sizeof *rrs;
	for (unsigned i = 0; i < plan->n_ds_rrs; i++)
		p = answer_rr_copy(&rrs[i], &plan->ds_rrs[i], p);
	c->ds_rrs = rrs;
	c->n_ds_rrs = plan->n_ds_rrs;
}

int cut_new(const struct cut_plan *plan, struct cut **ret)
{
	size_t names_bytes = name_len(plan->zone);
	unsigned n_servers = plan->n_servers < CUT_MAX_SERVERS ? plan->n_servers : CUT_MAX_SERVERS;
	for (unsigned i = 0; i < n_servers; i++)
		names_bytes += name_len(plan->servers[i].name);
	size_t ds = ds_bytes(plan);
	size_t ds_at = (sizeof(struct cut) + names_bytes + _Alignof(struct answer_rr) - 1) /
	               _Alignof(struct answer_rr) * _Alignof(struct answer_rr);
	size_t bytes = ds == 0 ? sizeof(struct cut) + names_bytes
	                       : ds_at + plan->n_ds_rrs * sizeof(struct answer_rr) + ds;
	struct cut *c = calloc(1, bytes);
	if (c == NULL)
		return -ENOMEM;
	c->item.hash = item_key(plan->hash, KEY_TYPE_CUT);
	c->item.bytes = (uint32_t)(bytes + 16);
	c->item.stored_s = plan->now_s;
	c->item.ttl_s = plan->ttl_s;
	c->item.kind = ITEM_CUT;
	c->item.release = release_cut;
	atomic_init(&c->refs, 1);
	c->parent = plan->parent != NULL ? (struct cut *)cut_get(plan->parent) : NULL;
	c->is_forward = plan->is_forward;
	c->is_primed = plan->is_primed;
	uint8_t *p = c->names;
	c->zone = p;
	p += name_copy_lower(p, plan->zone);
	for (unsigned i = 0; i < n_servers; i++) {
		const struct cut_plan_server *from = &plan->servers[i];
		struct cut_server *s = &c->servers[c->n_servers++];
		s->name = p;
		p += name_copy_lower(p, from->name);
		c->servers_hash += name_hash(s->name) * 0x9e3779b97f4a7c15ULL;
		s->first_addr = c->n_addrs;
		for (unsigned k = 0; k < from->n_addrs && c->n_addrs < CUT_MAX_ADDRS; k++) {
			c->addrs[c->n_addrs++] = from->addrs[k];
			s->n_addrs++;
		}
	}
	if (ds > 0)
		copy_ds(c, plan, (uint8_t *)c + ds_at);
	*ret = c;
	return 0;
}

const struct cut *cut_get(const struct cut *c)
{
	atomic_fetch_add_explicit(&((struct cut *)c)->refs, 1, memory_order_relaxed);
	return c;
}

void cut_put(const struct cut *c)
{
	struct cut *mine = (struct cut *)c;
	if (mine != NULL && drop_cut_ref(mine))
		rcu_retire(mine, free_cut);
}
