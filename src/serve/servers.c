/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses of name servers that policy zones have rules about and that nobody knows yet. Those that
 * are waited for (ns-wait) are looked up all at once, before the question is answered; the others in
 * the background, for the next question. Nobody's policy holds for them: they are our own questions.
 *
 * Tests:     tests/unit/serve/servers_test.c, tests/rpz/
 */
#include <stdlib.h>

#include "serve/serve.h"

enum {
	FETCH_AGAIN_S = 10, /* what could not be found in the background */
};

struct ns_lookup {
	struct resolve_request request;
	struct servers_wait *wait;
	uint64_t mark;
	struct name name;
	struct name_hashes hashes;
};

/* What one question waits for; there from the first look-up to the last. */
struct servers_wait {
	struct query *q;
	struct timer deadline;
	unsigned n, n_open;
	bool is_starting; /* what is answered at once must not resume the question */
	struct ns_lookup at[NS_LOOKUPS_MAX];
};

static void release(struct query *q)
{
	struct servers_wait *w = q->servers_wait;
	if (w == NULL)
		return;
	for (unsigned i = 0; i < w->n; i++)
		resolve_cancel(q->serve->resolver, &w->at[i].request);
	timer_cancel(q->serve->loop, &w->deadline);
	free(w);
	q->servers_wait = NULL;
}

/* It will not be looked up again for this question. */
static void note_unknown(struct query *q, uint64_t mark)
{
	if (q->n_ns_unknown < NS_LOOKUPS_MAX)
		q->ns_unknown[q->n_ns_unknown++] = mark;
}

static void go_on(struct query *q)
{
	release(q);
	q->is_waiting = false;
	q->is_resolved = false; /* what was found for the question was valid in its turn only */
	query_resume(q);
}

static void lookup_done(struct resolve_request *request, const struct resolve_result *r)
{
	struct ns_lookup *l = CONTAINER_OF(request, struct ns_lookup, request);
	struct servers_wait *w = l->wait;
	/* An answer that does not keep would be asked for again and again. */
	if (r->status != RESOLVE_ANSWERED || r->answer->item.ttl_s == 0)
		note_unknown(w->q, l->mark);
	if (--w->n_open == 0 && !w->is_starting)
		go_on(w->q);
}

static void is_late(struct timer *t)
{
	struct servers_wait *w = CONTAINER_OF(t, struct servers_wait, deadline);
	w->q->n_ns_lookups = NS_LOOKUPS_MAX;
	go_on(w->q);
}

static void start(struct servers_wait *w, const struct cut_missing *m)
{
	struct ns_lookup *l = &w->at[w->n++];
	l->wait = w;
	l->mark = m->mark;
	l->name = m->name;
	name_hash_all(l->name.wire, &l->hashes);
	l->request = (struct resolve_request){ .name = l->name.wire,
		                               .hashes = &l->hashes,
		                               .type = m->type,
		                               .group = 0,
		                               .is_allowed = true,
		                               .done = lookup_done };
	w->n_open++;
	resolve_start(w->q->serve->resolver, &l->request);
}

/* Once in a while, however many questions there are. A mark that another one overwrites may be early. */
static void fetch(struct serve *s, const struct cut_missing *m)
{
	struct servers_fetched *f = &s->fetched[m->mark % SERVERS_FETCHED];
	uint32_t now_s = loop_now_s(s->loop);
	if (f->mark == m->mark && now_s - f->at_s < FETCH_AGAIN_S)
		return;
	*f = (struct servers_fetched){ .mark = m->mark, .at_s = now_s };
	const struct resolve_request what = { .name = m->name.wire,
		                              .type = m->type,
		                              .is_allowed = true };
	resolve_refresh(s->resolver, &what);
}

static bool may_wait(const struct query *q)
{
	return q->n_ns_lookups < NS_LOOKUPS_MAX && !q->is_stale &&
	       (q->n_ns_lookups == 0 || loop_now_ns(q->serve->loop) < q->ns_deadline_ns);
}

static bool is_unknown(const struct query *q, uint64_t mark)
{
	for (unsigned i = 0; i < q->n_ns_unknown; i++) {
		if (q->ns_unknown[i] == mark)
			return true;
	}
	return false;
}

/* The look-ups of what is waited for; NULL: there are none. */
static struct servers_wait *start_all(struct query *q, const struct cut_missing *missing,
                                      unsigned n)
{
	struct servers_wait *w = malloc(sizeof *w);
	if (w == NULL)
		return NULL; /* as if they were late */
	w->q = q;
	w->n = w->n_open = 0;
	w->is_starting = true;
	w->deadline = (struct timer){ .fire = is_late };
	for (unsigned i = 0; i < n && q->n_ns_lookups < NS_LOOKUPS_MAX; i++) {
		if (!missing[i].is_waited || is_unknown(q, missing[i].mark))
			continue;
		q->n_ns_lookups++;
		start(w, &missing[i]);
	}
	w->is_starting = false;
	return w;
}

enum servers_found servers_find(struct query *q, const struct cut_missing *missing, unsigned n)
{
	bool is_wanted = false;
	for (unsigned i = 0; i < n; i++) {
		if (missing[i].is_waited)
			is_wanted |= !is_unknown(q, missing[i].mark);
		else
			fetch(q->serve, &missing[i]);
	}
	if (!is_wanted || !may_wait(q))
		return SERVERS_UNKNOWN;
	if (q->n_ns_lookups == 0)
		q->ns_deadline_ns = loop_now_ns(q->serve->loop) + NS_WAIT_MS * NS_PER_MS;
	struct servers_wait *w = q->servers_wait = start_all(q, missing, n);
	if (w == NULL)
		return SERVERS_UNKNOWN;
	if (w->n_open == 0) {
		release(q);
		return SERVERS_FOUND;
	}
	q->is_waiting = true;
	timer_set(q->serve->loop, &w->deadline, q->ns_deadline_ns);
	return SERVERS_WAIT;
}

void servers_abandon(struct query *q)
{
	release(q);
}

void servers_forget(struct query *q)
{
	free(q->servers_wait);
	q->servers_wait = NULL;
}
