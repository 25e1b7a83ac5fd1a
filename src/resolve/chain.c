/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chain of aliases, and the answer that is made at its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolve/task.h"

enum {
	GOOD_KEPT_S = 86400 /* after it expired: as long as it may be served by default */
};

void chain_release(struct task *t)
{
	for (unsigned i = 0; i < t->n_hops; i++)
		cut_put(t->hop_cuts[i]);
	t->n_hops = 0;
	if (t->chain == NULL)
		return;
	t->chain->next = t->r->free_chains;
	t->r->free_chains = t->chain;
	t->chain = NULL;
}

static struct chain *chain_of(struct task *t)
{
	if (t->chain != NULL)
		return t->chain;
	struct chain *c = t->r->free_chains;
	if (c != NULL)
		t->r->free_chains = c->next;
	else
		c = malloc(sizeof *c);
	if (c == NULL)
		return NULL;
	c->n_rrs = 0;
	c->used = 0;
	c->ttl_s = UINT32_MAX;
	t->chain = c;
	return c;
}

static const uint8_t *copy(struct chain *c, const uint8_t *bytes, size_t n)
{
	uint8_t *p = c->bytes + c->used;
	memcpy(p, bytes, n);
	c->used += n;
	return p;
}

/* The records just read are kept until the end of the chain is there. */
static bool append(struct task *t, const struct response *w)
{
	struct chain *c = chain_of(t);
	if (c == NULL)
		return false;
	for (unsigned i = 0; i < w->n_kept; i++) {
		const struct answer_rr *rr = &w->kept[i];
		size_t owner_len = name_len(rr->owner);
		if (c->n_rrs == CHAIN_MAX_RRS || c->used + owner_len + rr->rdata_len > CHAIN_BYTES)
			return false;
		struct answer_rr *mine = &c->rrs[c->n_rrs++];
		*mine = *rr;
		mine->owner = copy(c, rr->owner, owner_len);
		mine->rdata = copy(c, rr->rdata, rr->rdata_len);
	}
	if (w->ttl_s < c->ttl_s)
		c->ttl_s = w->ttl_s;
	return true;
}

/* ---- answers ---- */

/* An NXDOMAIN is true for every type: it is kept under type 0 (RFC 2308 5, RFC 8020). */
static uint16_t key_type(const struct task *t, const struct response *w)
{
	bool is_sound = t->r->judged.security != SECURITY_BOGUS;
	return w->kind == RESPONSE_NXDOMAIN && w->n_aliases == 0 && is_sound ? 0 : t->type;
}

/*
 * Bad data is kept for a short time (RFC 4035 4.7), but not in the place of good data that may
 * still be served while the servers fail (RFC 8767): then it is only handed to those who wait,
 * and the question is not asked again for a moment.
 */
static void put_answer(struct task *t, struct answer *item, uint64_t hash)
{
	struct resolver *r = t->r;
	if (item->security == SECURITY_BOGUS) {
		uint32_t now_s = loop_now_s(r->loop);
		const struct answer *old =
			cache_find_answer(r->cache, hash, item->name, item->type);
		if (old != NULL && old->security > SECURITY_BOGUS &&
		    item_age_s(&old->item, now_s) < (uint64_t)old->item.ttl_s + GOOD_KEPT_S) {
			item->item.ttl_s = 0;
			failure_note(hash, item->type, loop_now_ns(r->loop), item->ede_code);
		}
	}
	cache_put_answer(r->cache, item);
}

/*
 * Each CNAME by itself: the next question about it, of any type, goes on behind it at once.
 * Not from a bogus response: what was bad may be the end of the aliases, for this type only.
 */
static void put_aliases(struct task *t, const struct response *w)
{
	const struct judged *hop = &t->r->judged;
	if (hop->security == SECURITY_BOGUS)
		return;
	for (unsigned i = 0; i < w->n_aliases; i++) {
		const struct alias *a = &w->aliases[i];
		struct answer *item;
		if (!a->is_cname || t->type == DNS_CNAME)
			continue;
		uint32_t ttl_s = CACHE_TTL_MAX_S;
		for (unsigned k = a->first_kept; k < a->end_kept; k++) {
			if (w->kept[k].ttl_s < ttl_s)
				ttl_s = w->kept[k].ttl_s;
		}
		const struct answer_plan plan = { .name = a->owner,
			                          .hash = name_hash(a->owner),
			                          .type = DNS_CNAME,
			                          .rcode = RCODE_NOERROR,
			                          .now_s = loop_now_s(t->r->loop),
			                          .ttl_s = ttl_s,
			                          .rrs = &w->kept[a->first_kept],
			                          .n_rrs = a->end_kept - a->first_kept,
			                          .cuts = &t->cut,
			                          .n_cuts = 1,
			                          .security = hop->security,
			                          .ede_code = hop->ede_code,
			                          .ede_text = hop->text };
		if (ttl_s > 0 && answer_new(&plan, &item) == 0)
			put_answer(t, item, plan.hash);
	}
}

/* What was asked for the last hop, by its own name: other aliases lead there too. */
static void put_tail(struct task *t, const struct response *w, const struct cut *const *cuts,
                     unsigned n_cuts)
{
	struct answer *item;
	const struct judged *hop = &t->r->judged;
	const struct answer_plan plan = { .name = t->hop.wire,
		                          .hash = t->hop_hash,
		                          .type = key_type(t, w),
		                          .rcode = w->rcode,
		                          .now_s = loop_now_s(t->r->loop),
		                          .ttl_s = w->ttl_s,
		                          .rrs = w->kept,
		                          .n_rrs = w->n_kept,
		                          .cuts = cuts,
		                          .n_cuts = n_cuts,
		                          .security = hop->security,
		                          .ede_code = hop->ede_code,
		                          .ede_text = hop->text };
	if (w->ttl_s > 0 && answer_new(&plan, &item) == 0)
		put_answer(t, item, plan.hash);
}

/* Chain and last response as one list of records. */
static const struct answer_rr *join_rrs(struct task *t, const struct response *w, unsigned *ret_n)
{
	const struct chain *c = t->chain;
	*ret_n = w->n_kept;
	if (c == NULL)
		return w->kept;
	struct answer_rr *all = t->r->plan_rrs;
	memcpy(all, c->rrs, c->n_rrs * sizeof all[0]);
	memcpy(all + c->n_rrs, w->kept, w->n_kept * sizeof all[0]);
	*ret_n += c->n_rrs;
	return all;
}

/* The answer to the question, in the cache and to those who wait. */
static void finish(struct task *t, struct response *w, const struct cut *const *tail_cuts,
                   unsigned n_tail_cuts, uint16_t type)
{
	const struct cut *cuts[ANSWER_MAX_CUTS];
	struct answer *answer;
	if (t->n_hops + n_tail_cuts > ANSWER_MAX_CUTS) {
		iterate_note(t, EDE_INVALID_DATA, "too many aliases", false);
		task_fail(t);
		return;
	}
	memcpy(cuts, t->hop_cuts, t->n_hops * sizeof(const struct cut *));
	memcpy(cuts + t->n_hops, tail_cuts, n_tail_cuts * sizeof(const struct cut *));
	secure_add_hop(t);
	struct answer_plan plan = { .name = t->question.wire,
		                    .hash = t->hash,
		                    .type = type,
		                    .rcode = w->rcode,
		                    .now_s = loop_now_s(t->r->loop),
		                    .ttl_s = w->ttl_s,
		                    .cuts = cuts,
		                    .n_cuts = t->n_hops + n_tail_cuts,
		                    .security = t->whole.security,
		                    .ede_code = t->whole.ede_code,
		                    .ede_text = t->whole.text };
	if (t->chain != NULL && t->chain->ttl_s < plan.ttl_s)
		plan.ttl_s = t->chain->ttl_s;
	plan.rrs = join_rrs(t, w, &plan.n_rrs);
	int e = answer_new(&plan, &answer);
	if (e != 0) {
		bool is_ours = e == -ENOMEM;
		iterate_note(t, is_ours ? EDE_OTHER : EDE_INVALID_DATA,
		             is_ours ? "out of memory" : "answer too large", !is_ours);
		task_fail(t);
		return;
	}
	put_answer(t, answer, t->hash);
	struct resolve_result result = { .status = RESOLVE_ANSWERED, .answer = answer };
	task_finish(t, &result);
}

void chain_finish(struct task *t, struct response *w)
{
	const struct cut *cuts[ANSWER_MAX_CUTS];
	unsigned n_cuts = w->n_aliases + 1;
	for (unsigned i = 0; i < n_cuts; i++)
		cuts[i] = t->cut;
	if (w->n_aliases > 0)
		put_aliases(t, w);
	if (t->n_hops > 0)
		put_tail(t, w, cuts, n_cuts);
	finish(t, w, cuts, n_cuts, t->n_hops > 0 ? t->type : key_type(t, w));
}

void chain_finish_cached(struct task *t, struct response *w, const struct answer *found)
{
	secure_found(t, found);
	finish(t, w, found->cuts, found->n_cuts, t->type);
}

/* ---- going on behind aliases ---- */

/* One hop out of the cache: the servers of its zone are judged as if they were asked now. */
static bool judge_found(struct task *t, const struct policy *p, uint16_t group,
                        const struct cut *cut, struct verdict *ret)
{
	if (!resolve_judge_cut(p, group, cut, ret))
		return false;
	t->is_allowed = ret->action == POLICY_ALLOW;
	return true;
}

static bool judge_target(struct task *t, const struct policy *p, uint16_t group,
                         const uint8_t *target, struct verdict *ret)
{
	struct name_hashes hashes;
	name_hash_all(target, &hashes);
	const struct policy_terms terms = { .type = t->type, .ns_dots = UINT8_MAX };
	policy_judge_name_on(p, group, POLICY_TRIGGER_ALIAS, target, &hashes, &terms, ret);
	name_set(&ret->name, target);
	t->is_allowed = ret->action == POLICY_ALLOW;
	return !verdict_is_block(ret);
}

/* Who asks for CNAME or DNAME records is not led on: targets are no stages (RPZ draft 5.1). */
static bool has_stages(const struct task *t, const struct policy *p, uint16_t group)
{
	struct policy_group_view view;
	if (t->type != DNS_DNAME)
		return true;
	policy_group_view(p, group, &view);
	return !view.has_zones;
}

/*
 * Policy on what was passed, in the order of policy/policy.h: for each hop the servers of its
 * zone, then the alias's target. An allow that wins ends the walk, for all that follows: so the
 * servers just asked are judged here too, though the guard has let the packet to them pass.
 */
static bool judge_hops(struct task *t, const struct response *w, const struct answer *found)
{
	const uint8_t *name = t->hop.wire;
	const struct policy *p = policy_current();
	struct verdict v;
	bool is_fine = true;
	if (p == NULL || t->is_lookup || t->is_late)
		return true;
	/* A group that is gone: the packets were guarded, and who waits is judged anew. */
	uint16_t group = policy_group_of_id(p, t->group);
	if (group == POLICY_NO_GROUP || !has_stages(t, p, group))
		return true;
	for (unsigned i = 0; i < w->n_aliases && is_fine && !t->is_allowed; i++) {
		name = i == 0 ? t->hop.wire : w->aliases[i - 1].target.wire;
		if (found == NULL)
			is_fine = judge_found(t, p, group, t->cut, &v);
		else if (i < found->n_cuts)
			is_fine = judge_found(t, p, group, found->cuts[i], &v);
		if (!is_fine || t->is_allowed)
			break;
		name = w->aliases[i].target.wire;
		is_fine = judge_target(t, p, group, name, &v);
	}
	if (is_fine)
		return true;
	count_up(&t->r->counts.guard_refused);
	v.policy = p;
	task_block(t, &v, name);
	return false;
}

/* Has the chain been at this name before? */
static bool was_passed(const struct task *t, const uint8_t *name)
{
	if (name_equal(t->question.wire, name))
		return true;
	for (unsigned i = 0; i < t->chain->n_rrs; i++) {
		const struct answer_rr *rr = &t->chain->rrs[i];
		if (rr->type == DNS_CNAME && !rr->in_authority && name_equal(rr->owner, name))
			return true;
	}
	return false;
}

static bool fail(struct task *t, const char *what)
{
	iterate_note(t, EDE_INVALID_DATA, what, false);
	task_fail(t);
	return false;
}

bool chain_follow(struct task *t, struct response *w, const struct answer *found)
{
	if (found == NULL)
		put_aliases(t, w);
	else
		secure_found(t, found);
	secure_add_hop(t);
	if (t->n_hops + w->n_aliases > ANSWER_MAX_HOPS)
		return fail(t, "too many aliases");
	if (!append(t, w))
		return fail(t, "the records of its aliases are too many");
	for (unsigned i = 0; i < w->n_aliases; i++) {
		const struct cut *cut = found == NULL       ? t->cut
		                        : i < found->n_cuts ? found->cuts[i]
		                                            : found->cuts[found->n_cuts - 1];
		t->hop_cuts[t->n_hops++] = cut_get(cut);
	}
	if (was_passed(t, w->target))
		return fail(t, "aliases go in a circle");
	if (!judge_hops(t, w, found))
		return false;
	t->hop.len = (uint8_t)name_len(w->target);
	memcpy(t->hop.wire, w->target, t->hop.len);
	return true;
}
