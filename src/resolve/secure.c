/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Judging responses before anything is taken from them (DNSSEC). A response whose zones' keys are
 * not known yet is kept while a task of its own asks for them; what that learns is in the cache,
 * so the response is simply read and judged again. Bogus data is taken for what it is when other
 * servers have no better.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "resolve/task.h"

enum {
	KEPT_MAX_BYTES = 16 << 20, /* of a worker's kept responses */
	BOGUS_TTL_S = 60,          /* RFC 4035 4.7: bad data is kept for a short time */
	BOGUS_TTL_MIN_S = 5,
	NAME_IN_TEXT = 100, /* of a long name in an error text */
};

/* ---- kept responses ---- */

static void forget(struct task *t)
{
	t->r->kept_bytes -= t->kept.n;
	free(t->kept.bytes);
	t->kept = (struct kept_response){ .bytes = NULL };
}

/* Keep what is being read. False: there is no memory for it. */
static bool keep(struct task *t, bool is_bogus)
{
	const struct message *m = t->r->reading;
	if (m->bytes != t->kept.bytes) {
		uint8_t *bytes =
			t->r->kept_bytes - t->kept.n + m->n <= KEPT_MAX_BYTES ? malloc(m->n) : NULL;
		if (bytes == NULL)
			return false;
		memcpy(bytes, m->bytes, m->n);
		forget(t);
		t->kept.bytes = bytes;
		t->kept.n = (uint32_t)m->n;
		t->r->kept_bytes += m->n;
	}
	t->kept.is_bogus = is_bogus;
	return true;
}

/* Read the kept response again, as it was read when it came. False: the task is gone. */
static void read_again(struct task *t)
{
	struct response *w = t->r->response;
	struct message m;
	/* Not reached: it was read once. */
	if (bug_if(message_open(t->kept.bytes, t->kept.n, w->scratch, sizeof w->scratch, &m) !=
	           0)) {
		task_fail(t);
		return;
	}
	iterate_read(t, &m, w);
	if (w->kind == RESPONSE_ANSWER || w->kind == RESPONSE_ALIAS ||
	    w->kind == RESPONSE_NXDOMAIN || w->kind == RESPONSE_NODATA)
		iterate_take(t, w);
	else
		iterate_give_up(t);
}

void secure_begin_hop(struct task *t)
{
	forget(t);
	t->n_bogus = 0;
	t->is_settling = false;
	t->keys.is_answered = false;
}

void secure_finish_alias(struct task *t)
{
	struct trust *no_cut;
	uint32_t now_s = loop_now_s(t->r->loop);
	if (t->type == DNS_DS && t->r->judged.security == SECURITY_SECURE &&
	    trust_new(t->question.wire, TRUST_NO_CUT, 0, NULL, now_s, t->r->response->ttl_s,
	              &no_cut) == 0)
		cache_put_zone(t->r->cache, &no_cut->head, t->hash);
	struct resolve_result result = { .status = RESOLVE_ANSWERED };
	task_finish(t, &result);
}

void secure_drop(struct task *t)
{
	struct key_question *k = &t->keys;
	if (k->request.done != NULL && k->request.task != NULL)
		resolve_cancel(t->r, &k->request);
	k->request.done = NULL;
	forget(t);
}

/* ---- asking for keys ---- */

static void keys_done(struct resolve_request *request, const struct resolve_result *result)
{
	struct key_question *k = CONTAINER_OF(request, struct key_question, request);
	struct task *t = CONTAINER_OF(k, struct task, keys);
	k->request.done = NULL;
	switch (result->status) {
	case RESOLVE_ANSWERED:
		k->is_answered = true;
		break;
	case RESOLVE_BLOCKED:
		k->is_blocked = true;
		cut_put(t->blocked_cut);
		t->blocked_cut = result->cut != NULL ? cut_get(result->cut) : NULL;
		break;
	case RESOLVE_FAILED:
		/* Somebody else's limit: it is asked again, on this question's own budget. */
		k->is_limited = result->is_limited && !k->is_joined;
		if (!result->is_limited)
			zone_trust_fail(t->r, t->key_zone.wire, k->type);
		break;
	}
	task_set_ready(t);
}

static bool limit(struct task *t, const char *what)
{
	t->is_limited = true;
	iterate_note(t, EDE_INDETERMINATE, what, false);
	return false;
}

static bool ask_for_keys(struct task *t, const struct trust_path *p)
{
	struct resolver *r = t->r;
	struct name_hashes hashes;
	struct key_question *k = &t->keys;
	name_hash_all(p->want.wire, &hashes);
	const struct task_plan plan = { .name = p->want.wire,
		                        .hashes = &hashes,
		                        .type = p->want_type,
		                        .group = t->group,
		                        .is_allowed =
		                                t->is_allowed || (t->is_late && t->n_hops > 0),
		                        .is_late = t->is_late,
		                        .is_keys = true,
		                        .depth = t->depth,
		                        .key_depth = (uint8_t)(t->key_depth + 1),
		                        .budget = t->budget };
	struct task *child = task_find(r, &plan);
	*k = (struct key_question){ .request = { .done = keys_done },
		                    .type = p->want_type,
		                    .is_joined = child != NULL };
	t->key_zone = p->want;
	bool is_fine = true;
	if (child != NULL && task_reaches(child, t))
		is_fine = limit(t, "the keys of its zones depend on each other");
	else if (plan.key_depth > KEY_DEPTH_MAX)
		is_fine = limit(t, "too deep a chain of look-ups for keys");
	else if (t->budget->n_keys >= KEY_QUESTIONS_MAX)
		is_fine = limit(t, "too many look-ups for keys");
	else if (child == NULL && (child = task_new(r, &plan)) == NULL)
		is_fine = limit(t, "too many questions at the same time");
	if (!is_fine) {
		k->request.done = NULL;
		return false;
	}
	t->budget->n_keys++;
	if (!k->is_joined) {
		count_up(&r->counts.key_questions);
		task_set_ready(child);
	}
	task_add_request(child, &k->request);
	return true;
}

static enum secure wait_for_keys(struct task *t, const struct trust_path *p)
{
	if (p->want_type == 0 || !keep(t, false)) {
		limit(t, "too many answers wait for keys");
		return SECURE_FAILED;
	}
	if (!ask_for_keys(t, p))
		return SECURE_FAILED;
	t->is_securing = true;
	timer_set(t->r->loop, &t->timer, t->budget->deadline_ns);
	return SECURE_WAITS;
}

void secure_resume(struct task *t)
{
	if (t->keys.request.done != NULL)
		return; /* something else came */
	t->is_securing = false;
	if (t->keys.is_limited || t->keys.is_blocked) {
		limit(t, "the keys of its zones cannot be had");
		iterate_give_up(t);
		return;
	}
	read_again(t);
}

bool secure_settle(struct task *t)
{
	if (!t->kept.is_bogus || t->is_settling)
		return false;
	t->is_settling = true;
	timer_cancel(t->r->loop, &t->timer);
	read_again(t);
	return true;
}

/* ---- judging ---- */

/* "www.example.com: signature expired" */
static void write_text(struct judged *j, const struct name *where, const char *why)
{
	char name[NAME_TEXT_MAX] = "";
	if (where->len > 0)
		name_to_text(where->wire, name);
	snprintf(j->text, sizeof j->text, "%.*s%s%s", NAME_IN_TEXT, name,
	         where->len > 0 ? ": " : "", why != NULL ? why : "");
}

/* A resolver between that takes the signatures away makes everything look forged. */
static const char *why_of(const struct task *t, const struct validate_result *v)
{
	bool is_missing = v->ede_code == EDE_RRSIGS_MISSING || v->ede_code == EDE_NSEC_MISSING;
	return t->forward != NULL && is_missing ? "the forwarder gave no signatures" : v->why;
}

static enum secure take_bogus(struct task *t, struct response *w, const struct trust_path *p,
                              const struct validate_result *v, bool *ret_again)
{
	struct judged *j = &t->r->judged;
	bool is_last = t->is_settling || p->is_broken || t->n_bogus >= BOGUS_RETRIES ||
	               t->budget->work.is_exhausted;
	const char *why = why_of(t, v);
	if (!is_last && keep(t, true)) {
		t->n_bogus++;
		iterate_note(t, v->ede_code, why != NULL ? why : "bogus", true);
		return SECURE_TRY_NEXT;
	}
	if (t->type == DNS_DNSKEY && !t->is_settling && !p->is_broken && keep(t, true)) {
		/* Judged once more, now that what it says of the zone's keys is the last word. */
		t->is_settling = true;
		*ret_again = true;
		return SECURE_TAKE;
	}
	*j = (struct judged){ .security = SECURITY_BOGUS, .ede_code = v->ede_code };
	write_text(j, &v->where, why);
	uint32_t max_s = p->is_brief ? BOGUS_TTL_MIN_S : BOGUS_TTL_S;
	w->ttl_s = w->ttl_s < BOGUS_TTL_MIN_S ? BOGUS_TTL_MIN_S
	           : w->ttl_s > max_s         ? max_s
	                                      : w->ttl_s;
	for (unsigned i = 0; i < w->n_kept; i++) {
		if (w->kept[i].ttl_s > w->ttl_s)
			w->kept[i].ttl_s = w->ttl_s;
	}
	count_up(&t->r->counts.bogus);
	if (t->budget->work.is_exhausted)
		count_up(&t->r->counts.overworked);
	return SECURE_TAKE;
}

static enum secure take(struct task *t, struct response *w, const struct validate_result *v)
{
	struct judged *j = &t->r->judged;
	bool is_secure = v->security == SECURITY_SECURE;
	*j = (struct judged){ .security = v->security, .ede_code = v->ede_code };
	if (v->ede_code != 0)
		write_text(j, &v->where, v->why);
	if (v->ttl_s < w->ttl_s)
		w->ttl_s = v->ttl_s;
	count_up(is_secure ? &t->r->counts.secure : &t->r->counts.insecure);
	bool is_denial = w->kind == RESPONSE_NXDOMAIN || w->kind == RESPONSE_NODATA;
	if (is_secure && is_denial && !v->is_opt_out && v->zone.len > 0 && t->r->denials != NULL)
		denials_learn(t->r->denials, v->zone.wire, w->kept, w->n_kept, w->ttl_s,
		              loop_now_s(t->r->loop));
	return SECURE_TAKE;
}

static enum secure judge(struct task *t, struct response *w, bool *ret_again)
{
	struct resolver *r = t->r;
	const struct anchors *anchors = anchors_current();
	struct trust_path p;
	struct validate_result v;
	r->judged = (struct judged){ .security = SECURITY_UNCHECKED };
	if (anchors == NULL || t->is_priming)
		return SECURE_TAKE;
	if (t->forward != NULL && t->forward->is_unvalidated) {
		r->judged.security = SECURITY_INSECURE;
		return SECURE_TAKE;
	}
	trust_path_init(&p, t, w, anchors);
	const struct validate_response q = {
		.name = t->hop.wire,
		.type = t->type,
		.rcode = w->rcode,
		.kind = w->kind == RESPONSE_ANSWER  ? VALIDATE_ANSWER
		        : w->kind == RESPONSE_ALIAS ? VALIDATE_ALIAS
		                                    : VALIDATE_DENIAL,
		.target = w->target,
		.rrs = w->kept,
		.n_rrs = w->n_kept,
		.wall_s = (uint32_t)p.wall_s,
	};
	if (validate_response(r->validator, &q, &p.source, &t->budget->work, &v) == VALIDATE_WAIT) {
		/* Servers' addresses are checked as far as that costs no packet: keys that are
		   looked up to find a server of keys would be a circle. */
		return t->is_lookup ? SECURE_TAKE : wait_for_keys(t, &p);
	}
	return v.security == SECURITY_BOGUS ? take_bogus(t, w, &p, &v, ret_again) : take(t, w, &v);
}

enum secure secure_judge(struct task *t, struct response *w)
{
	bool is_again = false;
	enum secure s = judge(t, w, &is_again);
	return is_again ? judge(t, w, &is_again) : s;
}

bool secure_deny(struct task *t, const struct name_hashes *hashes)
{
	struct resolver *r = t->r;
	const struct anchors *anchors = anchors_current();
	const struct denial_question q = { .name = t->hop.wire,
		                           .hashes = hashes,
		                           .type = t->type,
		                           .above = t->cut->zone,
		                           .now_s = loop_now_s(r->loop) };
	if (r->denials == NULL || anchors == NULL ||
	    (t->forward != NULL && t->forward->is_unvalidated) ||
	    !denials_answer(r->denials, &q, r->response) ||
	    anchors_is_negative(anchors, t->hop.wire, clock_wall_ns() / NS_PER_S))
		return false;
	r->judged = (struct judged){ .security = SECURITY_SECURE };
	count_up(&r->counts.denied);
	chain_finish(t, r->response);
	return true;
}

void secure_found(struct task *t, const struct answer *a)
{
	struct judged *j = &t->r->judged;
	*j = (struct judged){ .security = a->security, .ede_code = a->ede_code };
	if (a->ede_code != 0)
		snprintf(j->text, sizeof j->text, "%s", a->ede_text);
}

void secure_add_hop(struct task *t)
{
	const struct judged *hop = &t->r->judged;
	if (hop->security < t->whole.security)
		t->whole = *hop;
}
