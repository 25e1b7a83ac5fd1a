/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The front door: asks the detectors in turn, and turns what they find into an outcome. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/rcu.h"
#include "detect/detect.h"
#include "detect/detector.h"
#include "detect/known.h"
#include "detect/mute.h"

enum {
	THROTTLE_FACTOR = 10,
	PATIENCE_MS =
		1500, /* a packet that may go within this waits for it; clients ask again after 2 to 5 s */
};

static const struct detector *const detectors[N_DETECTORS] = {
#define DETECTOR(name, ...) &detector_##name,
#include "config/detectors.def"
};

/*
 * Who is asked about a packet, or an answer, in order; who looks ahead before that; and how many times it ended
 * after how many of them.
 */
struct turns {
	unsigned n, n_foresee;
	uint8_t at[N_DETECTORS], foresee[N_DETECTORS];
	_Atomic uint64_t ended[N_DETECTORS + 1];
};

/* What the configuration says, as it is in force. */
struct settings {
	struct turns questions, answers;
	bool is_on[N_DETECTORS];
	bool is_asked[N_DETECTORS]; /* on, and nothing is missing */
	void *prepared[N_DETECTORS];
	unsigned n_groups;
	/* The last row is of groups that are not in the configuration. */
	uint8_t actions[][N_DETECTORS][DETECT_CONFIDENCES];
};

struct counters {
#define X(name, help) _Atomic uint64_t name;
	DETECT_COUNTERS(X)
#undef X
};

struct detect {
	struct siphash_key key;
	struct zones *zones;
	_Atomic(struct settings *) settings;
	_Atomic(struct mutes *) mutes; /* NULL: none */
	void *states[N_DETECTORS];
	struct counters counters[N_DETECTORS];
};

/* One packet or answer on its way through the detectors. */
struct detect_front {
	struct detect *d;
	struct settings *settings;
	const struct mutes *mutes;
	const struct addr *client;
	const uint8_t *question;
	uint16_t group;
	struct detect_result *result;
	struct detect_facts *facts;
	unsigned at; /* the detector being asked */
	struct known known;
	struct detect_finding last; /* what detector_found() has no room for */
};

static void count(_Atomic uint64_t *c)
{
	atomic_fetch_add_explicit(c, 1, memory_order_relaxed);
}

/* ---- what detectors call ---- */

static enum detect_action action_of(const struct detect_front *f, unsigned detector,
                                    enum detect_confidence confidence)
{
	const struct settings *s = f->settings;
	unsigned group = f->group < s->n_groups ? f->group : s->n_groups;
	return (enum detect_action)s->actions[group][detector][confidence];
}

static unsigned rank_of(unsigned action, unsigned confidence)
{
	return action * DETECT_CONFIDENCES + confidence;
}

static unsigned rank(const struct detect_finding *f)
{
	return rank_of(f->action, f->confidence);
}

const struct detect_finding *detect_strongest(const struct detect_findings *f)
{
	const struct detect_finding *best = NULL;
	for (unsigned i = 0; i < f->n; i++) {
		if (best == NULL || rank(&f->at[i]) > rank(best))
			best = &f->at[i];
	}
	return best;
}

/* A place for a finding of this rank; NULL: the others are all stronger. */
static struct detect_finding *place_for(struct detect_findings *f, unsigned its_rank)
{
	if (f->n < DETECT_FINDINGS_MAX)
		return &f->at[f->n++];
	struct detect_finding *weakest = &f->at[0];
	for (unsigned i = 1; i < f->n; i++) {
		if (rank(&f->at[i]) < rank(weakest))
			weakest = &f->at[i];
	}
	return rank(weakest) < its_rank ? weakest : NULL;
}

static bool is_same(const struct detect_finding *a, const struct detect_finding *b)
{
	return a->detector == b->detector && a->confidence == b->confidence &&
	       a->action == b->action;
}

void detect_findings_add(struct detect_findings *f, const struct detect_findings *from)
{
	for (unsigned i = 0; from != NULL && i < from->n; i++) {
		unsigned k = 0;
		while (k < f->n && !is_same(&f->at[k], &from->at[i]))
			k++;
		struct detect_finding *to = k < f->n ? &f->at[k] : place_for(f, rank(&from->at[i]));
		if (to != NULL)
			*to = from->at[i];
	}
}

static void count_finding(struct counters *c, const struct detect_finding *f)
{
	count(f->confidence == DETECT_LOW      ? &c->low
	      : f->confidence == DETECT_MEDIUM ? &c->medium
	                                       : &c->high);
	if (f->is_muted)
		count(&c->muted);
	else if (f->action == DETECT_ALERT)
		count(&c->alerted);
	else if (f->action == DETECT_THROTTLE)
		count(&c->throttled);
	else if (f->action == DETECT_BLOCK)
		count(&c->blocked);
}

enum detect_action detector_found(struct detect_call *call, enum detect_confidence confidence,
                                  struct detect_finding **ret, const char *text, ...)
{
	struct detect_front *f = call->front;
	enum detect_action action = action_of(f, f->at, confidence);
	bool is_muted = action != DETECT_ALLOW &&
	                mutes_cover(f->mutes, (enum detector_id)f->at, f->client, f->question);
	if (is_muted)
		action = DETECT_ALLOW;
	struct detect_finding *to = NULL;
	if (action != DETECT_ALLOW || is_muted)
		to = place_for(&f->result->findings, rank_of(action, confidence));
	bool is_read = to != NULL;
	if (!is_read)
		to = &f->last;
	to->detector = (uint8_t)f->at;
	to->confidence = (uint8_t)confidence;
	to->action = (uint8_t)action;
	to->is_muted = is_muted;
	to->n_evidence = 0;
	to->text[0] = '\0';
	count_finding(&f->d->counters[f->at], to);
	if (is_read) { /* most of what is found is only counted */
		va_list args;
		va_start(args, text);
		vsnprintf(to->text, sizeof to->text, text, args);
		va_end(args);
	}
	*ret = to;
	return action;
}

enum detect_action detector_action(const struct detect_call *call,
                                   enum detect_confidence confidence)
{
	return action_of(call->front, call->front->at, confidence);
}

void detector_defer(struct detect_call *call, uint64_t wait_ms)
{
	struct detect_result *r = call->front->result;
	r->wait_ms = wait_ms;
	r->outcome = wait_ms <= PATIENCE_MS ? DETECT_WAIT : DETECT_REFUSED;
}

void detector_tell(struct detect_call *call, const char *text, ...)
{
	struct detect_facts *facts = call->front->facts;
	if (facts == NULL || facts->n == DETECT_FACTS_MAX)
		return;
	struct detect_fact *f = &facts->at[facts->n++];
	f->detector = (enum detector_id)call->front->at;
	va_list args;
	va_start(args, text);
	vsnprintf(f->text, sizeof f->text, text, args);
	va_end(args);
}

void *detector_state(const struct detect *d, enum detector_id id)
{
	return d->states[id];
}

/* ---- the hooks ---- */

/* False: there is nobody to say anything of. Field by field: most of the front is written when it is used. */
static bool start_front(struct detect *d, const struct addr *client, const uint8_t *question,
                        uint16_t group, struct detect_front *f, struct detect_result *ret)
{
	ret->outcome = DETECT_PASS;
	ret->wait_ms = 0;
	ret->findings.n = 0;
	f->d = d;
	f->result = ret;
	f->client = client;
	f->question = question;
	f->group = group;
	f->settings = atomic_load_explicit(&d->settings, memory_order_acquire);
	f->mutes = atomic_load_explicit(&d->mutes, memory_order_acquire);
	f->facts = NULL;
	known_begin(&f->known, &d->key, d->zones, client, question);
	return client != NULL;
}

static void settle(struct detect_result *r)
{
	for (unsigned i = 0; i < r->findings.n; i++) {
		if (r->findings.at[i].action == DETECT_BLOCK)
			r->outcome = DETECT_BLOCKED;
	}
}

static void turn_to(struct detect_front *f, unsigned i, struct detect_call *call)
{
	f->at = i;
	call->detector = detectors[i];
	call->state = f->d->states[i];
	call->prepared = f->settings->prepared[i];
	call->factor = 1;
	call->known = &f->known;
	call->front = f;
}

/* Has one of the detectors so far asked for less? */
static uint32_t factor_of(const struct detect_findings *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->at[i].action == DETECT_THROTTLE)
			return THROTTLE_FACTOR;
	}
	return 1;
}

/* What comes from memory meanwhile is not waited for later. Of names that are known little is kept. */
static void foresee(struct detect_front *f, const struct turns *turns, struct detect_call *call)
{
	call->known = &f->known;
	detector_foresee_facts(call);
	if (call->a != NULL && detector_facts(call)->kind != ZONE_ANYBODY)
		return;
	for (unsigned i = 0; i < turns->n_foresee; i++) {
		turn_to(f, turns->foresee[i], call);
		if (call->q != NULL)
			call->detector->foresee_question(call);
		else
			call->detector->foresee_answer(call);
	}
}

/* The detectors' turns, until one of them blocks. */
static void ask_all(struct detect_front *f, const struct detect_question *q,
                    const struct detect_answer *a)
{
	struct detect_result *r = f->result;
	struct turns *turns = q != NULL ? &f->settings->questions : &f->settings->answers;
	struct detect_call call = { .q = q, .a = a };
	unsigned n = 0;
	foresee(f, turns, &call);
	while (n < turns->n && r->outcome != DETECT_BLOCKED) {
		const struct detector *detector = detectors[turns->at[n]];
		turn_to(f, turns->at[n++], &call);
		call.factor = factor_of(&r->findings);
		if (q != NULL)
			detector->question(&call);
		else
			detector->answer(&call);
		if (q == NULL)
			r->outcome = DETECT_PASS; /* only packets can wait */
		settle(r);
	}
	count(&turns->ended[n]);
}

void detect_question(struct detect *d, const struct detect_question *q, struct detect_result *ret)
{
	struct detect_front f;
	if (start_front(d, q->client, q->question, q->group, &f, ret))
		ask_all(&f, q, NULL);
}

void detect_answer(struct detect *d, const struct detect_answer *a, struct detect_result *ret)
{
	struct detect_front f;
	if (start_front(d, a->client, a->question, a->group, &f, ret))
		ask_all(&f, NULL, a);
}

void detect_explain(struct detect *d, const struct detect_question *q, struct detect_facts *ret)
{
	struct detect_result nothing;
	struct detect_front f;
	ret->n = 0;
	if (!start_front(d, q->client, q->question, q->group, &f, &nothing))
		return;
	f.facts = ret;
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		struct detect_call call = { .q = q };
		if (!f.settings->is_on[i])
			continue;
		turn_to(&f, i, &call);
		if (mutes_cover(f.mutes, (enum detector_id)i, q->client, q->question))
			detector_tell(&call, "muted");
		if (detectors[i]->explain != NULL)
			detectors[i]->explain(&call);
	}
}

void detect_tick(struct detect *d, uint64_t now_s)
{
	const struct settings *s =
		d != NULL ? atomic_load_explicit(&d->settings, memory_order_acquire) : NULL;
	for (unsigned i = 0; s != NULL && i < N_DETECTORS; i++) {
		if (s->is_asked[i] && detectors[i]->tick != NULL)
			detectors[i]->tick(d->states[i], s->prepared[i], now_s);
	}
}

/* ---- settings ---- */

static void settings_free(void *object)
{
	struct settings *s = object;
	for (unsigned i = 0; s != NULL && i < N_DETECTORS; i++) {
		if (s->prepared[i] != NULL && detectors[i]->release != NULL)
			detectors[i]->release(s->prepared[i]);
	}
	free(s);
}

static int settings_new(const struct config *c, struct settings **ret)
{
	struct settings *s = calloc(1, sizeof *s + (c->groups.n + 1U) * sizeof s->actions[0]);
	int e = s != NULL ? 0 : -ENOMEM;
	for (unsigned i = 0; i < N_DETECTORS && e == 0; i++) {
		s->is_on[i] = config_detector_is_on(c, (enum detector_id)i);
		if (detectors[i]->prepare != NULL)
			e = detectors[i]->prepare(c, &s->prepared[i]);
		s->is_asked[i] =
			s->is_on[i] && (detectors[i]->prepare == NULL || s->prepared[i] != NULL);
		for (unsigned g = 0; g <= c->groups.n; g++) {
			for (unsigned k = 0; k < DETECT_CONFIDENCES; k++)
				s->actions[g][i][k] = (uint8_t)config_detect_action(
					c, g, (enum detector_id)i, (enum detect_confidence)k);
		}
	}
	if (e != 0) {
		settings_free(s);
		return e;
	}
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		if (s->is_asked[i] && detectors[i]->question != NULL)
			s->questions.at[s->questions.n++] = (uint8_t)i;
		if (s->is_asked[i] && detectors[i]->answer != NULL)
			s->answers.at[s->answers.n++] = (uint8_t)i;
		if (s->is_asked[i] && detectors[i]->foresee_question != NULL)
			s->questions.foresee[s->questions.n_foresee++] = (uint8_t)i;
		if (s->is_asked[i] && detectors[i]->foresee_answer != NULL)
			s->answers.foresee[s->answers.n_foresee++] = (uint8_t)i;
	}
	s->n_groups = c->groups.n;
	*ret = s;
	return 0;
}

/* How often a detector was asked under these settings: whenever it did not end before its turn. */
static uint64_t times_asked(const struct settings *s, unsigned detector)
{
	const struct turns *const both[] = { &s->questions, &s->answers };
	uint64_t n = 0;
	for (unsigned i = 0; i < ARRAY_LEN(both); i++) {
		unsigned turn = 0;
		while (turn < both[i]->n && both[i]->at[turn] != detector)
			turn++;
		for (; turn < both[i]->n; turn++)
			n += atomic_load_explicit(&both[i]->ended[turn + 1], memory_order_relaxed);
	}
	return n;
}

int detect_configure(struct detect *d, const struct config *c)
{
	struct settings *s;
	if (d == NULL)
		return 0;
	int e = settings_new(c, &s);
	if (e != 0)
		return e;
	struct settings *old = atomic_exchange_explicit(&d->settings, s, memory_order_acq_rel);
	/* What workers are at just now may be missing. */
	for (unsigned i = 0; i < N_DETECTORS && old != NULL; i++)
		atomic_fetch_add_explicit(&d->counters[i].asked, times_asked(old, i),
		                          memory_order_relaxed);
	if (old != NULL)
		rcu_retire(old, settings_free);
	return 0;
}

int detect_set_mutes(struct detect *d, const struct detect_mute *mutes, unsigned n)
{
	struct mutes *m = NULL;
	if (n > DETECT_MUTES_MAX)
		return -E2BIG;
	int e = n > 0 ? mutes_new(mutes, n, &m) : 0;
	if (e != 0)
		return e;
	struct mutes *old = atomic_exchange_explicit(&d->mutes, m, memory_order_acq_rel);
	if (old != NULL)
		rcu_retire(old, mutes_free);
	return 0;
}

/* ---- the whole ---- */

int detect_new(const struct config *c, struct detect **ret)
{
	*ret = NULL;
	if (!c->detect.enable)
		return 0;
	struct detect *d = calloc(1, sizeof *d);
	struct settings *s = NULL;
	if (d == NULL)
		return -ENOMEM;
	random_bytes(&d->key, sizeof d->key);
	int e = zones_new(&d->zones);
	for (unsigned i = 0; i < N_DETECTORS && e == 0; i++) {
		if (detectors[i]->start != NULL)
			e = detectors[i]->start(c, &d->states[i]);
	}
	if (e == 0)
		e = settings_new(c, &s);
	atomic_init(&d->settings, s);
	if (e != 0) {
		detect_free(d);
		return e;
	}
	*ret = d;
	return 0;
}

void detect_free(struct detect *d)
{
	if (d == NULL)
		return;
	settings_free(atomic_load(&d->settings));
	mutes_free(atomic_load(&d->mutes));
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		if (d->states[i] != NULL && detectors[i]->stop != NULL)
			detectors[i]->stop(d->states[i]);
	}
	zones_free(d->zones);
	free(d);
}

size_t detect_bytes(const struct detect *d)
{
	size_t n = sizeof *d + zones_bytes(d->zones);
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		if (detectors[i]->bytes != NULL)
			n += detectors[i]->bytes(d->states[i]);
	}
	return n;
}

void detect_count(const struct detect *d, enum detector_id id, struct detect_counts *ret)
{
	const struct counters *c = &d->counters[id];
#define X(name, help) ret->name = atomic_load_explicit(&c->name, memory_order_relaxed);
	DETECT_COUNTERS(X)
#undef X
	ret->asked += times_asked(atomic_load_explicit(&d->settings, memory_order_acquire), id);
}
