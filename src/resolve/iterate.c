/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of one question: look in the cache, begin at the closest cut, ask (send.c), step down
 * referrals, follow aliases, end.
 */
#include <string.h>

#include "resolve/root_copy.h"
#include "resolve/task.h"

void iterate_note(struct task *t, uint16_t code, const char *what, bool has_server)
{
	t->trouble = (struct trouble){
		.code = code, .what = what, .has_server = has_server, .server = t->ask.server
	};
}

/* ---- beginning ---- */

enum look {
	LOOK_NOTHING,
	LOOK_ALIAS,
	LOOK_GONE
};

/* What only a look-up of addresses needed was perhaps not checked. */
static bool is_usable(const struct task *t, const struct answer *a)
{
	return a->security != SECURITY_UNCHECKED || t->is_lookup || anchors_current() == NULL;
}

static const struct answer *find_fresh(struct task *t, uint64_t hash, const uint8_t *name,
                                       uint16_t type)
{
	const struct answer *a = cache_find_answer(t->r->cache, hash, name, type);
	return a != NULL && item_is_fresh(&a->item, loop_now_s(t->r->loop)) && is_usable(t, a)
	               ? a
	               : NULL;
}

static bool read_found(struct task *t, const struct answer *a)
{
	struct resolver *r = t->r;
	return response_from_answer(r->response, a, loop_now_s(r->loop), r->cached_bytes) == 0;
}

/*
 * RFC 8020: what is below a name that does not exist does not exist. Looked for below the cut
 * only; and not in forwarding zones, where private zones answer beside public ones.
 */
static const struct answer *find_nxdomain(struct task *t, const struct name_hashes *hashes)
{
	const uint8_t *name = t->hop.wire;
	unsigned n = t->forward != NULL ? 1 : t->n_labels - t->known_labels;
	for (unsigned i = 0; i < n; i++, name += *name + 1) {
		const struct answer *a = find_fresh(t, hashes->h[i], name, 0);
		if (a != NULL && a->security != SECURITY_BOGUS)
			return a;
	}
	return NULL;
}

static bool failed_lately(struct task *t)
{
	uint32_t left_s;
	uint16_t code;
	if (t->is_priming || t->is_keys ||
	    !failure_find(t->hop_hash, t->type, loop_now_ns(t->r->loop), &left_s, &code))
		return false;
	t->was_held_back = true;
	iterate_note(t, code, "failed a moment ago, not asked again yet", false);
	task_fail(t);
	return true;
}

static enum look look_in_cache(struct task *t, const struct name_hashes *hashes)
{
	struct response *w = t->r->response;
	const struct answer *a = NULL;
	if (failed_lately(t))
		return LOOK_GONE;
	/* Of a zone's keys everything was looked at before they were asked for. */
	if ((t->is_refresh || t->is_keys) && t->n_hops == 0)
		return LOOK_NOTHING;
	/* For a client's first hop, serving has looked already. */
	if (t->is_lookup || t->n_hops > 0)
		a = find_fresh(t, t->hop_hash, t->hop.wire, t->type);
	if (a == NULL)
		a = find_nxdomain(t, hashes);
	if (a != NULL && read_found(t, a)) {
		chain_finish_cached(t, w, a);
		return LOOK_GONE;
	}
	if (secure_deny(t, hashes))
		return LOOK_GONE;
	if (t->type == DNS_CNAME || t->type == DNS_ANY)
		return LOOK_NOTHING;
	a = find_fresh(t, t->hop_hash, t->hop.wire, DNS_CNAME);
	if (a == NULL || !read_found(t, a) || !response_as_alias(w))
		return LOOK_NOTHING;
	return chain_follow(t, w, a) ? LOOK_ALIAS : LOOK_GONE;
}

void iterate_begin(struct task *t, const struct name_hashes *hashes)
{
	struct name_hashes own;
	enum look look = LOOK_ALIAS;
	while (look == LOOK_ALIAS) {
		if (hashes == NULL) {
			name_hash_all(t->hop.wire, &own);
			hashes = &own;
		}
		cache_prefetch_answer(t->r->cache, hashes->h[0], DNS_CNAME);
		cache_prefetch_answer(t->r->cache, hashes->h[0], 0);
		t->hop_hash = hashes->h[0];
		t->n_labels = (uint8_t)hashes->n;
		t->n_minimised = 0;
		secure_begin_hop(t);
		cut_begin(t, t->hop.wire, hashes);
		look = look_in_cache(t, hashes);
		hashes = NULL;
	}
	if (look == LOOK_NOTHING)
		iterate_ask(t);
}

/* ---- what came ---- */

/* This address is of no use for the question; the next one. */
static void drop_server(struct task *t, uint16_t code, const char *what)
{
	iterate_note(t, code, what, true);
	/* Servers that are strange about minimised names get the whole one (RFC 9156 2.3). */
	if (task_is_minimised(t)) {
		t->is_plain = true;
		t->tried &= ~(1ULL << t->at_addr);
	} else {
		t->excluded |= 1ULL << t->at_addr;
	}
	iterate_ask(t);
}

static void drop_lame(struct task *t, const struct response *w, const char *what)
{
	t->has_recursive |= w->is_recursive;
	/* A forwarder refuses names, not zones; a resolver may be all there is. */
	if (!task_is_minimised(t) && t->forward == NULL && !w->is_recursive)
		server_mark_lame(t->ask.server_tag, t->cut->item.hash, loop_now_s(t->r->loop),
		                 SERVER_LAME_S);
	drop_server(t, EDE_NO_REACHABLE_AUTHORITY, what);
}

/* A minimised name was answered: one step further down the name. */
static void go_down(struct task *t, const struct response *w)
{
	if (w->kind == RESPONSE_NXDOMAIN) {
		/* Some servers deny names that have others below them: the whole name decides. */
		t->is_plain = true;
	} else {
		t->known_labels = t->asked_labels;
		t->n_minimised++;
	}
	t->tried = 0;
	t->round = 0;
	iterate_ask(t);
}

/* It is judged what it is worth. */
static void take_judged(struct task *t, struct response *w)
{
	if (t->is_keys && w->n_aliases > 0) {
		secure_finish_alias(t);
	} else if (w->kind == RESPONSE_ALIAS) {
		if (chain_follow(t, w, NULL))
			iterate_begin(t, NULL);
	} else {
		if (t->is_priming && w->kind == RESPONSE_ANSWER)
			cut_primed(t, w);
		chain_finish(t, w);
	}
}

void iterate_take(struct task *t, struct response *w)
{
	if (task_is_minimised(t)) {
		go_down(t, w);
		return;
	}
	switch (secure_judge(t, w)) {
	case SECURE_TAKE:
		take_judged(t, w);
		return;
	case SECURE_WAITS:
		return;
	case SECURE_TRY_NEXT:
		if (t->is_of_copy)
			t->skips_copy = true;
		else
			t->excluded |= 1ULL << t->at_addr;
		iterate_ask(t);
		return;
	case SECURE_FAILED:
		iterate_give_up(t);
		return;
	}
}

static void act(struct task *t, struct response *w, bool over_tcp)
{
	switch (w->kind) {
	case RESPONSE_ANSWER:
	case RESPONSE_ALIAS:
	case RESPONSE_NXDOMAIN:
	case RESPONSE_NODATA:
		iterate_take(t, w);
		return;
	case RESPONSE_REFERRAL:
		if (cut_descend(t, w) != 0)
			iterate_note(t, EDE_OTHER, "out of memory", false);
		iterate_ask(t);
		return;
	case RESPONSE_TRUNCATED:
		if (over_tcp)
			drop_server(t, EDE_INVALID_DATA, "truncated over TCP");
		else
			iterate_ask_again(t, t->ask.with_edns ? ASK_TCP : ASK_TCP | ASK_PLAIN);
		return;
	case RESPONSE_NO_EDNS:
		if (t->ask.with_edns)
			iterate_ask_again(t, over_tcp ? ASK_PLAIN | ASK_TCP : ASK_PLAIN);
		else
			drop_server(t, EDE_NO_REACHABLE_AUTHORITY,
			            "does not understand the question");
		return;
	case RESPONSE_SERVFAIL:
		drop_server(t, EDE_NO_REACHABLE_AUTHORITY, "SERVFAIL");
		return;
	case RESPONSE_REFUSED:
		drop_lame(t, w, w->rcode == RCODE_REFUSED ? "REFUSED" : "an error code");
		return;
	case RESPONSE_LAME:
		drop_lame(t, w, w->why);
		return;
	case RESPONSE_BAD:
		drop_server(t, EDE_INVALID_DATA, w->why);
		return;
	}
}

void iterate_read(struct task *t, struct message *m, struct response *w)
{
	const struct response_question q = { .name = t->ask.name,
		                             .type = t->ask.type,
		                             .zone = t->cut->zone,
		                             .forwards = t->r->forwards,
		                             .forward = t->forward,
		                             .given_up = t->given_up,
		                             .takes_recursive = t->takes_recursive };
	t->r->reading = m;
	response_read(w, m, &q);
}

void iterate_answered(struct ask *a, struct message *m, bool over_tcp)
{
	struct task *t = CONTAINER_OF(a, struct task, ask);
	struct response *w = t->r->response;
	iterate_read(t, m, w);
	iterate_learn(t, w, over_tcp);
	act(t, w, over_tcp);
}

/* Could it be what the root has to say? Else its servers are asked. */
static bool is_of_use(const struct response *w)
{
	return w->kind <= RESPONSE_REFERRAL;
}

void iterate_read_copy(struct task *t)
{
	const struct root_copy *c = root_copy_current();
	struct resolver *r = t->r;
	struct response *w = r->response;
	struct message m;
	t->asks_copy = false;
	t->is_of_copy = true;
	size_t n = c == NULL ? 0
	                     : root_copy_answer(c, t->ask.name, t->ask.type, r->copy_bytes,
	                                        DNS_MAX_MESSAGE);
	if (n != 0 && message_open(r->copy_bytes, n, w->scratch, RESPONSE_SCRATCH_BYTES, &m) == 0) {
		iterate_read(t, &m, w);
		if (is_of_use(w)) {
			count_up(&r->counts.root_copy);
			act(t, w, false);
			return;
		}
	}
	t->skips_copy = true;
	iterate_ask(t);
}
