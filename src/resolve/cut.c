/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zone cuts: where a question begins, how it steps down, what becomes known of the servers. */
#include <errno.h>
#include <string.h>

#include "resolve/task.h"

enum {
	PRIME_AGAIN_S = 5,   /* while the root does not answer */
	ADDR_TTL_MIN_S = 60, /* a looked-up address is used at least so long */
};

void cut_clear(struct task *t)
{
	lookup_drop(t);
	task_leave_zone(t);
	cut_put(t->cut);
	t->cut = NULL;
	t->forward = NULL;
}

void cut_set(struct task *t, const struct cut *taken)
{
	cut_clear(t);
	t->cut = taken;
	t->tried = t->excluded = 0;
	t->round = 0;
	t->looked_up = 0;
	t->has_recursive = t->takes_recursive = false;
	t->known_labels = (uint8_t)name_labels(taken->zone);
	t->is_plain = !t->r->config.qname_minimisation || t->n_hops > MINIMISE_HOPS;
}

static const struct cut *closest(struct resolver *r, const uint8_t *lower,
                                 const struct name_hashes *hashes)
{
	const struct cut *cut = cache_closest_cut(r->cache, lower, hashes, loop_now_s(r->loop));
	if (cut != NULL)
		return cut;
	cut_prime(r);
	return r->root;
}

static void begin(struct task *t, const uint8_t *lower, const struct name_hashes *hashes)
{
	struct resolver *r = t->r;
	struct name_hashes above;
	/* RFC 4035 3.1.4.1: DS is found at the parent's side of the cut. */
	if (t->type == DNS_DS && hashes->n > 0) {
		lower = name_skip(lower, 1);
		above.n = hashes->n - 1;
		memcpy(above.h, hashes->h + 1, hashes->n * sizeof above.h[0]);
		hashes = &above;
	}
	const struct forward_zone *forward = forward_find(r->forwards, lower);
	if (forward == t->given_up)
		forward = NULL;
	if (t->is_priming)
		cut_set(t, cut_get(r->root));
	else if (forward != NULL)
		cut_set(t, cut_get(forward->cut));
	else
		cut_set(t, cut_get(closest(r, lower, hashes)));
	t->forward = t->is_priming ? NULL : forward;
	if (t->forward != NULL)
		t->is_plain = true;
}

void cut_begin(struct task *t, const uint8_t *lower, const struct name_hashes *hashes)
{
	t->given_up = NULL;
	begin(t, lower, hashes);
}

bool cut_fall_back(struct task *t)
{
	struct name_hashes hashes;
	if (t->forward == NULL || !t->forward->is_first)
		return false;
	name_hash_all(t->hop.wire, &hashes);
	t->given_up = t->forward;
	t->n_minimised = 0;
	begin(t, t->hop.wire, &hashes);
	return true;
}

static int put_cut(struct resolver *r, const struct cut_plan *plan, const struct cut **ret)
{
	struct cut *cut;
	int e = cut_new(plan, &cut);
	if (e != 0)
		return e;
	*ret = cut_get(cut);
	cache_put_cut(r->cache, cut);
	return 0;
}

/* A zone that its parent took back could live on by delegations of its own ("phoenix domains"): so
   none outlives the cut it was learnt from. The root is not taken back. */
static uint32_t bounded_ttl_s(const struct cut *parent, uint32_t ttl_s, uint32_t now_s)
{
	if (parent->zone[0] == 0)
		return ttl_s;
	uint32_t age_s = item_age_s(&parent->item, now_s);
	uint32_t left_s = age_s < parent->item.ttl_s ? parent->item.ttl_s - age_s : 1;
	return ttl_s < left_s ? ttl_s : left_s;
}

int cut_descend(struct task *t, const struct response *w)
{
	const struct cut *cut;
	uint32_t now_s = loop_now_s(t->r->loop);
	/* The parent's NS TTL bounds its life, and only the parent renews it: a name that was
	   taken back cannot keep itself alive ("ghost domains"). */
	const struct cut_plan plan = { .zone = w->cut_zone,
		                       .hash = name_hash(w->cut_zone),
		                       .now_s = now_s,
		                       .ttl_s = bounded_ttl_s(t->cut, w->cut_ttl_s, now_s),
		                       .parent = t->cut,
		                       .n_ds_rrs = anchors_current() != NULL ? w->n_kept : 0,
		                       .ds_rrs = w->kept,
		                       .n_servers = w->n_servers,
		                       .servers = w->servers };
	int e = put_cut(t->r, &plan, &cut);
	if (e == 0) {
		secure_begin_hop(t); /* what the servers above said of the name is no matter */
		cut_set(t, cut);
	}
	return e;
}

/* ---- addresses that were looked up ---- */

static bool has_addr(const struct addr *addrs, unsigned n, const struct addr *a)
{
	for (unsigned i = 0; i < n; i++) {
		if (addr_equal(&addrs[i], a))
			return true;
	}
	return false;
}

/* The marks of the old cut's addresses, at their places in the new one. */
static uint64_t move_marks(uint64_t marks, const struct cut *from, const struct cut *to)
{
	uint64_t moved = 0;
	for (unsigned i = 0; i < from->n_addrs; i++) {
		for (unsigned k = 0; (marks >> i & 1) != 0 && k < to->n_addrs; k++) {
			if (addr_equal(&from->addrs[i], &to->addrs[k]))
				moved |= 1ULL << k;
		}
	}
	return moved;
}

/* The records of the old cut count from when they came. */
static void age_ds(const struct cut *cut, uint32_t now_s, struct answer_rr ret[CUT_MAX_DS_RRS])
{
	uint32_t age_s = item_age_s(&cut->item, now_s);
	for (unsigned i = 0; i < cut->n_ds_rrs; i++) {
		ret[i] = cut->ds_rrs[i];
		ret[i].ttl_s = ret[i].ttl_s > age_s ? ret[i].ttl_s - age_s : 0;
	}
}

static uint32_t filled_ttl_s(const struct cut *cut, uint32_t now_s, uint32_t addr_ttl_s)
{
	uint32_t age_s = item_age_s(&cut->item, now_s);
	uint32_t left_s = age_s < cut->item.ttl_s ? cut->item.ttl_s - age_s : 0;
	if (addr_ttl_s < ADDR_TTL_MIN_S)
		addr_ttl_s = ADDR_TTL_MIN_S;
	return left_s < addr_ttl_s ? left_s : addr_ttl_s;
}

void cut_fill(struct task *t, const struct lookup *l)
{
	const struct cut *old = t->cut;
	const struct cut *cut;
	struct addr addrs[CUT_MAX_ADDRS];
	struct cut_plan_server servers[CUT_MAX_SERVERS];
	unsigned n = 0;
	for (unsigned i = 0; i < old->n_servers; i++) {
		const struct cut_server *s = &old->servers[i];
		servers[i] = (struct cut_plan_server){ .name = s->name,
			                               .n_addrs = s->n_addrs,
			                               .addrs = &old->addrs[s->first_addr] };
		if (i != l->server)
			continue;
		for (unsigned k = 0; k < s->n_addrs; k++)
			addrs[n++] = old->addrs[s->first_addr + k];
		for (unsigned k = 0; k < l->n_addrs && n < CUT_MAX_ADDRS; k++) {
			if (!has_addr(addrs, n, &l->addrs[k]))
				addrs[n++] = l->addrs[k];
		}
		servers[i].addrs = addrs;
		servers[i].n_addrs = n;
	}
	struct answer_rr ds[CUT_MAX_DS_RRS];
	uint32_t now_s = loop_now_s(t->r->loop);
	age_ds(old, now_s, ds);
	const struct cut_plan plan = { .zone = old->zone,
		                       .hash = name_hash(old->zone),
		                       .now_s = now_s,
		                       .ttl_s = filled_ttl_s(old, now_s, l->ttl_s),
		                       .parent = old->parent,
		                       .is_primed = old->is_primed,
		                       .n_ds_rrs = old->n_ds_rrs,
		                       .ds_rrs = ds,
		                       .n_servers = old->n_servers,
		                       .servers = servers };
	if (put_cut(t->r, &plan, &cut) != 0)
		return;
	uint64_t asked = 1ULL << t->at_addr;
	/* What was tried to the end without success is not tried again beside the new ones. */
	t->excluded = move_marks(t->is_waiting ? ~0ULL : t->excluded, old, cut);
	t->tried = move_marks(t->tried, old, cut);
	asked = move_marks(asked, old, cut);
	t->at_addr = asked != 0 ? (uint8_t)__builtin_ctzll(asked) : 0;
	if (t->is_waiting)
		t->round = 0;
	t->cut = cut;
	cut_put(old);
}

/* ---- the root ---- */

static const uint8_t root_name[1] = { 0 };

int cut_new_hints(const struct resolve_config *config, const struct cut **ret)
{
	const struct cut_plan plan = { .zone = root_name,
		                       .hash = name_hash_root(),
		                       .n_servers = config->n_hints,
		                       .servers = config->hints };
	struct cut *cut;
	int e = cut_new(&plan, &cut);
	if (e == 0)
		*ret = cut;
	return e;
}

void cut_prime(struct resolver *r)
{
	uint64_t now_ns = loop_now_ns(r->loop);
	if (now_ns < r->prime_after_ns)
		return;
	r->prime_after_ns = now_ns + PRIME_AGAIN_S * NS_PER_S;
	struct name_hashes hashes;
	name_hash_all(root_name, &hashes);
	const struct task_plan plan = { .name = root_name,
		                        .hashes = &hashes,
		                        .type = DNS_NS,
		                        .group = 0,
		                        .is_refresh = true,
		                        .is_priming = true };
	struct task *t = task_find(r, &plan) == NULL ? task_new(r, &plan) : NULL;
	if (t != NULL)
		task_set_ready(t);
}

/* RFC 8109 4.2: servers whose addresses did not fit into the response keep the known ones. */
static unsigned complete(const struct cut *known, struct response *w)
{
	unsigned n = 0;
	for (unsigned i = 0; i < w->n_servers; i++) {
		struct cut_plan_server *s = &w->servers[i];
		for (unsigned k = 0; s->n_addrs == 0 && k < known->n_servers; k++) {
			if (!name_equal(known->servers[k].name, s->name))
				continue;
			s->addrs = &known->addrs[known->servers[k].first_addr];
			s->n_addrs = known->servers[k].n_addrs;
		}
		n += s->n_addrs;
	}
	return n;
}

void cut_primed(struct task *t, struct response *w)
{
	struct resolver *r = t->r;
	const struct cut *cut;
	if (response_read_servers(w, root_name) != 0 || complete(r->root, w) == 0)
		return;
	const struct cut_plan plan = { .zone = root_name,
		                       .hash = name_hash_root(),
		                       .now_s = loop_now_s(r->loop),
		                       .ttl_s = w->cut_ttl_s,
		                       .is_primed = true,
		                       .n_servers = w->n_servers,
		                       .servers = w->servers };
	if (put_cut(r, &plan, &cut) != 0)
		return;
	cut_put(r->root);
	r->root = cut;
}
