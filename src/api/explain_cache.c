/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the cache knows of a question. The order of the stages is that of serve/judge.c, which
 * judges the same facts when it serves them.
 */
#include <stdlib.h>
#include <string.h>

#include "api/explain.h"
#include "base/clock.h"
#include "dns/leads.h"
#include "dns/text.h"

enum {
	ZONES_MAX = 128, /* of one cut upwards: a name has at most 127 labels */
	HOPS_MAX = 32    /* more than the resolver follows */
};

/* The way along the aliases: one cut a hop. */
struct trail {
	const struct cut *cuts[HOPS_MAX];
	unsigned n_cuts, hop;
};

/* ---- zone cuts ---- */

static json_t *servers_to_json(const struct cut *cut)
{
	json_t *servers = json_array();
	for (unsigned i = 0; i < cut->n_servers; i++) {
		const struct cut_server *s = &cut->servers[i];
		char text[NAME_TEXT_MAX];
		json_t *addrs = json_array();
		for (unsigned k = 0; k < s->n_addrs; k++) {
			addr_to_text(&cut->addrs[s->first_addr + k], text);
			json_array_append_new(addrs, json_string(text));
		}
		name_to_text(s->name, text);
		json_array_append_new(servers,
		                      json_pack("{s:s, s:o}", "name", text, "addresses", addrs));
	}
	return servers;
}

/* Names first, then addresses, as resolve_judge_cut() does. */
static void judge_servers(struct walk *w, const struct cut *cut, json_t *matches)
{
	for (unsigned i = 0; i < cut->n_servers; i++) {
		const struct subject s = { .trigger = POLICY_TRIGGER_SERVER_NAME,
			                   .lower = cut->servers[i].name,
			                   .zone = cut->zone };
		walk_judge(w, &s, matches);
	}
	for (unsigned i = 0; i < cut->n_addrs; i++) {
		const struct subject s = { .trigger = POLICY_TRIGGER_SERVER_ADDRESS,
			                   .addr = &cut->addrs[i],
			                   .zone = cut->zone };
		walk_judge(w, &s, matches);
	}
}

static void add_zone(struct walk *w, const struct cut *cut, unsigned hop)
{
	bool was_decided = w->is_decided;
	char zone[NAME_TEXT_MAX];
	name_to_text(cut->zone, zone);
	json_t *stage =
		json_pack("{s:s, s:s, s:i, s:b, s:o}", "stage", "servers", "zone", zone, "hop",
	                  (int)hop, "forwarded", cut->is_forward, "servers", servers_to_json(cut));
	json_t *matches = json_array();
	if (!cut->is_forward) /* the operator's own choice is not judged */
		judge_servers(w, cut, matches);
	walk_end_step(w);
	walk_add_stage(w, stage, matches, was_decided);
}

static bool is_above(const struct cut *above, const struct cut *cut)
{
	for (; cut != NULL; cut = cut->parent)
		if (cut == above)
			return true;
	return false;
}

/* A cut and those above it, from the root down; what an earlier hop has shown is left out. */
static void add_zones(struct walk *w, struct trail *t, const struct cut *cut)
{
	const struct cut *chain[ZONES_MAX], *lowest = cut;
	unsigned n = 0;
	for (; cut != NULL && n < ZONES_MAX; cut = cut->parent) {
		bool is_known = false;
		for (unsigned i = 0; i < t->n_cuts; i++)
			is_known = is_known || is_above(cut, t->cuts[i]);
		if (!is_known)
			chain[n++] = cut;
	}
	while (n > 0)
		add_zone(w, chain[--n], t->hop);
	if (t->n_cuts < HOPS_MAX)
		t->cuts[t->n_cuts++] = lowest;
}

/* ---- the answer's records ---- */

struct laid_out {
	uint8_t *bytes, *scratch;
	size_t n, scratch_bytes;
};

/* As a message, so that the walker of dns/message.h reads it. */
static bool lay_out(const struct answer *a, struct laid_out *ret)
{
	size_t question = name_len(a->name) + 4;
	ret->n = DNS_HEADER_BYTES + question + a->an_bytes;
	ret->scratch_bytes = 4 * ret->n + 1024;
	ret->bytes = calloc(1, ret->n);
	ret->scratch = malloc(ret->scratch_bytes);
	if (ret->bytes == NULL || ret->scratch == NULL)
		return false;
	store16(ret->bytes + 4, 1);
	store16(ret->bytes + 6, a->n_an);
	memcpy(ret->bytes + DNS_HEADER_BYTES, a->name, question - 4);
	store16(ret->bytes + DNS_HEADER_BYTES + question - 4, a->type);
	store16(ret->bytes + DNS_HEADER_BYTES + question - 2, DNS_CLASS_IN);
	memcpy(ret->bytes + DNS_HEADER_BYTES + question, a->blocks, a->an_bytes);
	return true;
}

static void laid_out_done(struct laid_out *l)
{
	free(l->bytes);
	free(l->scratch);
}

/* The next record; the scratch of the one before is used again, so it is never used up. */
static bool next_rr(struct message *m, const struct message *opened, struct rr *ret)
{
	m->scratch = opened->scratch;
	m->scratch_left = opened->scratch_left;
	return message_next(m, ret) == 1;
}

static void add_alias(struct walk *w, const struct rr *rr, const uint8_t *target, unsigned hop)
{
	bool was_decided = w->is_decided;
	struct name lower;
	name_set(&lower, target);
	char owner[NAME_TEXT_MAX], name[NAME_TEXT_MAX], type[DNS_TYPE_TEXT_MAX];
	name_to_text(rr->owner, owner);
	name_to_text(lower.wire, name);
	walk_end_stage(w); /* of the name before */
	was_decided = w->is_decided;
	json_t *matches = json_array();
	const struct subject s = { .trigger = POLICY_TRIGGER_ALIAS, .lower = lower.wire };
	walk_judge(w, &s, matches);
	walk_end_step(w);
	walk_add_stage(w,
	               json_pack("{s:s, s:s, s:s, s:s, s:i}", "stage", "alias", "owner", owner,
	                         "type", dns_type_text(rr->type, type), "name", name, "hop",
	                         (int)hop),
	               matches, was_decided);
}

struct addresses {
	struct walk *w;
	json_t *addrs, *matches;
};

static bool judge_address(void *arg, const struct addr *a)
{
	struct addresses *to = arg;
	char text[ADDR_TEXT_MAX];
	addr_to_text(a, text);
	json_array_append_new(to->addrs, json_string(text));
	const struct subject s = { .trigger = POLICY_TRIGGER_ANSWER, .addr = a };
	walk_judge(to->w, &s, to->matches);
	return false;
}

static void add_addresses(struct walk *w, const struct message *opened)
{
	bool was_decided = w->is_decided;
	struct addresses to = { w, json_array(), json_array() };
	struct message m = *opened;
	struct rr rr;
	while (next_rr(&m, opened, &rr)) {
		struct addr a;
		if (rr.type == DNS_A && rr.rdata_len == 4) {
			a = addr_from_bytes4(rr.rdata);
			(void)judge_address(&to, &a);
		} else if (rr.type == DNS_AAAA && rr.rdata_len == 16) {
			a = addr_from_bytes16(rr.rdata);
			(void)judge_address(&to, &a);
		} else if (!w->is_strict && (rr.type == DNS_SVCB || rr.type == DNS_HTTPS)) {
			(void)svcb_hints(rr.rdata, rr.rdata_len, judge_address, &to);
		}
	}
	walk_end_stage(w);
	if (json_array_size(to.addrs) == 0) {
		json_decref(to.addrs);
		json_decref(to.matches);
		return;
	}
	walk_add_stage(w, json_pack("{s:s, s:o}", "stage", "answer", "addresses", to.addrs),
	               to.matches, was_decided);
}

/* The stages of one answer. ret_end: where its aliases lead to; its own name if it has none. */
static void add_answer(struct walk *w, const struct answer *a, struct trail *t, bool is_end,
                       struct name *ret_end)
{
	struct laid_out l = { 0 };
	struct message opened, m;
	unsigned at = 0;
	name_set(ret_end, a->name);
	if (a->n_cuts > 0)
		add_zones(w, t, a->cuts[0]);
	if (!lay_out(a, &l) || message_open(l.bytes, l.n, l.scratch, l.scratch_bytes, &opened) != 0)
		goto out;
	struct rr rr;
	m = opened;
	while (next_rr(&m, &opened, &rr)) {
		const uint8_t *target = rr_alias(&rr, w->type);
		if (target == NULL)
			continue;
		add_alias(w, &rr, target, t->hop + 1);
		if (rr.type != DNS_CNAME)
			continue;
		name_set(ret_end, target);
		t->hop++;
		if (++at < a->n_cuts)
			add_zones(w, t, a->cuts[at]);
	}
	if (is_end)
		add_addresses(w, &opened);
out:
	laid_out_done(&l);
}

/* ---- the cache as a whole ---- */

static json_t *add_closest_zone(struct walk *w, uint32_t now_s)
{
	const struct cut *cut =
		cache_closest_cut(w->context->cache, w->name.wire, &w->hashes, now_s);
	if (cut == NULL)
		return json_pack("{s:s}", "state", "none");
	struct trail t = { 0 };
	add_zones(w, &t, cut);
	char zone[NAME_TEXT_MAX];
	name_to_text(cut->zone, zone);
	return json_pack("{s:s, s:s}", "state", "none", "closest_zone", zone);
}

static const char *dnssec_word(const struct answer *a)
{
	static const char *const words[] = { [SECURITY_UNCHECKED] = NULL,
		                             [SECURITY_BOGUS] = "bogus",
		                             [SECURITY_INSECURE] = "insecure",
		                             [SECURITY_SECURE] = "secure" };
	return words[a->security];
}

/*
 * What there is of a name: an answer of the type asked, that there is no such name (kept under type
 * 0), or an alias, which is kept by itself when where it leads was never asked for: because a
 * rule has stopped it. The first that is fresh, else the first.
 */
static const struct answer *find_answer(const struct walk *w, const struct name *name,
                                        uint32_t now_s)
{
	const uint16_t types[] = { w->type, 0, DNS_CNAME };
	unsigned n = w->type == DNS_CNAME || w->type == DNS_ANY ? 2 : 3;
	const struct answer *first = NULL;
	for (unsigned i = 0; i < n; i++) {
		const struct answer *a = cache_find_answer(w->context->cache, name_hash(name->wire),
		                                           name->wire, types[i]);
		if (a != NULL && item_is_fresh(&a->item, now_s))
			return a;
		first = first != NULL ? first : a;
	}
	return first;
}

static bool is_bare_alias(const struct walk *w, const struct answer *a)
{
	return a->type == DNS_CNAME && w->type != DNS_CNAME && w->type != DNS_ANY;
}

json_t *walk_cache(struct walk *w)
{
	if (w->context->cache == NULL)
		return json_pack("{s:s}", "state", "unknown");
	uint32_t now_s = (uint32_t)(clock_mono_ns() / NS_PER_S);
	const struct answer *first = find_answer(w, &w->name, now_s), *last = first;
	if (first == NULL)
		return add_closest_zone(w, now_s);
	struct trail t = { 0 };
	struct name end;
	int n_records = 0;
	uint32_t age_s = 0, ttl_s = UINT32_MAX;
	bool is_fresh = true;
	for (const struct answer *a = first; a != NULL && t.hop < HOPS_MAX;) {
		bool is_end = !is_bare_alias(w, a);
		uint32_t old_s = item_age_s(&a->item, now_s);
		uint32_t left_s = item_is_fresh(&a->item, now_s) ? a->item.ttl_s - old_s : 0;
		is_fresh = is_fresh && left_s > 0;
		age_s = old_s > age_s ? old_s : age_s;
		ttl_s = left_s < ttl_s ? left_s : ttl_s;
		n_records += a->n_an;
		last = a;
		add_answer(w, a, &t, is_end, &end);
		a = is_end ? NULL : find_answer(w, &end, now_s);
	}
	const char *state = !is_fresh ? "expired" : is_bare_alias(w, last) ? "partial" : "fresh";
	json_t *o = json_pack("{s:s, s:s, s:i, s:I, s:I, s:b, s:s?}", "state", state, "rcode",
	                      dns_rcode_text(last->rcode), "records", n_records, "age_s",
	                      (json_int_t)age_s, "ttl_s", (json_int_t)ttl_s, "secure",
	                      last->security == SECURITY_SECURE, "dnssec", dnssec_word(last));
	if (last->ede_code != 0)
		json_object_set_new(o, "dnssec_reason", json_string(last->ede_text));
	return o;
}
