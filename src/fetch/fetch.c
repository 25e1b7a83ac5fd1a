/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch/fetch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "fetch/job.h"
#include "fetch/mail.h"
#include "fetch/schedule.h"

enum {
	WAIT_MAX_MS = 60000,
	START_SPREAD_MS = 2000, /* so that a machine full of lists does not begin with a burst */
};

/* One source and its schedule. */
struct feed {
	struct fetch_source source; /* its texts belong to fetch->sources */
	struct fetch_status status;
	uint64_t next_ns; /* monotonic */
	struct job *job;  /* under way, or ended and not put away yet */
	struct job_outcome outcome;
	bool has_outcome;
	bool is_again; /* asked for while it was under way: what it brings may be of before */
	struct fetch *fetch;
};

struct fetch {
	char *state_dir;
	struct fetch_plan plan;
	pthread_t thread;
	struct mail_box inbox;
	struct mail *stop;                 /* had at the start: stopping cannot fail */
	_Atomic(struct fetch_news *) news; /* the newest first */
	/* the thread's own */
	struct net net;
	struct fetch_sources *sources;
	struct feed *feeds;
	unsigned n_feeds, n_running;
	bool is_stopping;
};

/* ---- news ---- */

static void tell(struct fetch *f, struct fetch_news *n)
{
	n->next = atomic_load_explicit(&f->news, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&f->news, &n->next, n, memory_order_release,
	                                              memory_order_relaxed))
		;
	f->plan.wake(f->plan.arg);
}

struct fetch_news *fetch_take_news(struct fetch *f)
{
	struct fetch_news *n = atomic_exchange_explicit(&f->news, NULL, memory_order_acquire);
	struct fetch_news *ordered = NULL;
	while (n != NULL) {
		struct fetch_news *next = n->next;
		n->next = ordered;
		ordered = n;
		n = next;
	}
	return ordered;
}

static void tell_status(struct feed *d, bool has_new_version, bool is_failure)
{
	struct fetch_news *n = calloc(1, sizeof *n);
	if (n == NULL)
		return; /* the next one tells as much; the list itself is read at the next load */
	n->kind = FETCH_STATUS;
	n->has_new_version = has_new_version;
	n->is_failure = is_failure;
	n->status = d->status;
	tell(d->fetch, n);
}

static void ask_main(void *arg, uint64_t token, const char *host)
{
	struct fetch *f = arg;
	struct fetch_news *n = calloc(1, sizeof *n);
	if (n == NULL)
		return; /* the request ends with its time */
	n->kind = FETCH_ASK;
	n->token = token;
	snprintf(n->host, sizeof n->host, "%s", host);
	tell(f, n);
}

/* ---- jobs ---- */

static uint64_t wall_s(void)
{
	return clock_wall_ns() / NS_PER_S;
}

static void set_next(struct feed *d, uint64_t wait_ms)
{
	d->next_ns = clock_mono_ns() + wait_ms * NS_PER_MS;
	d->status.next_s = wall_s() + wait_ms / 1000;
}

static void job_done(void *arg, const struct job_outcome *o)
{
	struct feed *d = arg;
	d->outcome = *o;
	d->has_outcome = true;
}

static void begin(struct feed *d)
{
	struct job_plan plan = { .net = &d->fetch->net,
		                 .source = &d->source,
		                 .state_dir = d->fetch->state_dir,
		                 .done = job_done,
		                 .arg = d };
	d->status.is_running = true;
	d->status.tried_s = wall_s();
	d->fetch->n_running++;
	int e = job_start(&plan, &d->job);
	if (e != 0) {
		d->outcome = (struct job_outcome){ 0 };
		snprintf(d->outcome.why, sizeof d->outcome.why, "%s", strerrordesc_np(-e));
		d->has_outcome = true;
	}
	tell_status(d, false, false);
}

static void take_version(struct feed *d, const struct validators *v)
{
	d->status.bytes = v->bytes;
	d->status.fetched_s = v->fetched_s;
	d->status.changed_s = v->changed_s;
}

static void put_away(struct feed *d)
{
	const struct job_outcome *o = &d->outcome;
	/* One that failed may have put its version in place, and only its folder was not synced. */
	bool is_new = o->is_new || (o->is_good && d->status.n_failures > 0);
	job_free(d->job);
	d->job = NULL;
	d->has_outcome = false;
	d->fetch->n_running--;
	d->status.is_running = false;
	snprintf(d->status.url, sizeof d->status.url, "%s", o->url);
	memcpy(d->status.why, o->why, sizeof d->status.why);
	d->status.n_failures = o->is_good ? 0 : d->status.n_failures + 1;
	if (o->is_ready)
		take_version(d, &o->version);
	uint64_t wait_ms = d->is_again ? 0
	                               : schedule_next_ms(d->source.refresh_s, d->status.n_failures,
	                                                  o->retry_after_s, random_u32());
	set_next(d, wait_ms);
	d->is_again = false;
	if (!o->is_good)
		log_warning("list '%s': %s; next attempt in %u s", d->source.name, o->why,
		            (unsigned)(wait_ms / 1000));
	else if (o->is_new)
		log_info("list '%s': a new version from %s, %llu bytes", d->source.name, o->url,
		         (unsigned long long)o->version.bytes);
	tell_status(d, is_new, !o->is_good);
}

/* Begin what is due, put away what has ended. Returns when something is due next. */
static uint64_t look_after_jobs(struct fetch *f)
{
	uint64_t next_ns = UINT64_MAX, now_ns = clock_mono_ns();
	for (unsigned i = 0; i < f->n_feeds; i++) {
		struct feed *d = &f->feeds[i];
		if (d->has_outcome)
			put_away(d);
		if (d->status.is_running)
			continue;
		if (d->next_ns <= now_ns && f->n_running < FETCH_PARALLEL) {
			begin(d);
			if (d->has_outcome)
				next_ns = now_ns;
		} else if (d->next_ns > now_ns && d->next_ns < next_ns) {
			next_ns = d->next_ns;
		}
	}
	return next_ns;
}

/* ---- what the main thread wants ---- */

static struct feed *find(struct feed *feeds, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(feeds[i].source.name, name) == 0)
			return &feeds[i];
	}
	return NULL;
}

/* What the last process knew: a restart asks no earlier than it would have. */
static void remember(struct feed *d)
{
	struct place p;
	struct validators v;
	uint64_t now_s = wall_s();
	if (place_of(d->fetch->state_dir, d->source.name, &p) != 0 || place_known(&p, &v) != 0)
		return;
	take_version(d, &v);
	snprintf(d->status.url, sizeof d->status.url, "%s", v.url);
	bool is_configured = strcmp(v.url, d->source.urls[0]) == 0;
	uint64_t age_s = now_s > v.fetched_s ? now_s - v.fetched_s : 0;
	if (is_configured && v.fetched_s <= now_s && age_s < d->source.refresh_s)
		set_next(d, (d->source.refresh_s - age_s) * 1000);
}

static void give_up(struct feed *d)
{
	if (!d->status.is_running)
		return;
	job_free(d->job);
	d->job = NULL;
	d->has_outcome = false;
	d->status.is_running = false;
	d->fetch->n_running--;
}

/* The feed as it was, or a new one. Only idle feeds move: a job points to its feed. */
static void set_up(struct fetch *f, struct feed *d, const struct fetch_source *s)
{
	struct feed *old = find(f->feeds, f->n_feeds, s->name);
	bool is_same = old != NULL && source_is_same(&old->source, s);
	*d = (struct feed){ .source = *s, .fetch = f };
	snprintf(d->status.name, sizeof d->status.name, "%s", s->name);
	if (is_same) {
		d->status = old->status;
		d->next_ns = old->next_ns;
		return;
	}
	set_next(d, f->n_feeds == 0 ? random_below(START_SPREAD_MS) : 0);
	if (old == NULL)
		remember(d);
}

static void take_sources(struct fetch *f, struct fetch_sources *sources)
{
	struct feed *feeds = calloc(sources->n + 1U, sizeof *feeds);
	if (feeds == NULL) {
		log_error("downloads stay as they were: out of memory");
		sources_free(sources);
		return;
	}
	for (unsigned i = 0; i < f->n_feeds; i++) {
		struct feed *d = &f->feeds[i];
		if (d->status.is_running)
			d->next_ns = 0; /* begins anew */
		give_up(d);
	}
	for (unsigned i = 0; i < sources->n; i++)
		set_up(f, &feeds[i], &sources->at[i]);
	free(f->feeds);
	sources_free(f->sources);
	f->feeds = feeds;
	f->n_feeds = sources->n;
	f->sources = sources;
	place_prune(f->state_dir, sources);
	for (unsigned i = 0; i < f->n_feeds; i++)
		tell_status(&f->feeds[i], false, false);
}

static void update(struct fetch *f, const char *name)
{
	for (unsigned i = 0; i < f->n_feeds; i++) {
		struct feed *d = &f->feeds[i];
		if (name[0] != 0 && strcmp(d->source.name, name) != 0)
			continue;
		d->next_ns = 0;
		d->is_again = d->status.is_running;
	}
}

static void read_mail(struct fetch *f)
{
	for (struct mail *m = mail_take_all(&f->inbox), *next; m != NULL; m = next) {
		next = m->next;
		switch (m->kind) {
		case MAIL_STOP:
			f->is_stopping = true;
			break;
		case MAIL_SOURCES:
			take_sources(f, m->sources);
			m->sources = NULL;
			break;
		case MAIL_UPDATE:
			update(f, m->name);
			break;
		case MAIL_RESOLVED:
			request_resolved(&f->net, m->token, m->addrs, m->n_addrs);
			break;
		}
		mail_free(m);
	}
}

/* ---- the thread ---- */

static void read_ended(struct fetch *f)
{
	int n_left;
	for (CURLMsg *m; (m = curl_multi_info_read(f->net.multi, &n_left)) != NULL;) {
		struct request *r = NULL;
		if (m->msg != CURLMSG_DONE)
			continue;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &r);
		request_ended(r, code);
	}
}

static int wait_ms(uint64_t until_ns)
{
	uint64_t now_ns = clock_mono_ns();
	if (until_ns <= now_ns)
		return 0;
	uint64_t ms = (until_ns - now_ns) / NS_PER_MS + 1;
	return ms < WAIT_MAX_MS ? (int)ms : WAIT_MAX_MS;
}

static void *run(void *arg)
{
	struct fetch *f = arg;
	int n_running;
	pthread_setname_np(pthread_self(), "weir/fetch");
	for (;;) {
		read_mail(f);
		if (f->is_stopping)
			break;
		uint64_t due_ns = look_after_jobs(f);
		curl_multi_perform(f->net.multi, &n_running);
		read_ended(f);
		uint64_t over_ns = requests_expire(&f->net, clock_mono_ns());
		for (unsigned i = 0; i < f->n_feeds; i++) {
			if (f->feeds[i].has_outcome)
				due_ns = 0;
		}
		curl_multi_poll(f->net.multi, NULL, 0, wait_ms(due_ns < over_ns ? due_ns : over_ns),
		                NULL);
	}
	for (unsigned i = 0; i < f->n_feeds; i++)
		give_up(&f->feeds[i]);
	return NULL;
}

/* ---- the main thread ---- */

static void free_fetch(struct fetch *f)
{
	for (struct mail *m = mail_take_all(&f->inbox), *next; m != NULL; m = next) {
		next = m->next;
		mail_free(m);
	}
	for (struct fetch_news *n = fetch_take_news(f), *next; n != NULL; n = next) {
		next = n->next;
		free(n);
	}
	if (f->net.multi != NULL)
		curl_multi_cleanup(f->net.multi);
	mail_free(f->stop);
	sources_free(f->sources);
	free(f->feeds);
	free(f->state_dir);
	free(f);
	curl_global_cleanup();
}

int fetch_start(const struct fetch_plan *plan, struct fetch **ret)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	struct fetch *f = calloc(1, sizeof *f);
	if (f == NULL) {
		curl_global_cleanup();
		return -ENOMEM;
	}
	f->plan = *plan;
	f->state_dir = strdup(plan->state_dir);
	f->net = (struct net){ .multi = curl_multi_init(), .ask = ask_main, .arg = f };
	f->stop = calloc(1, sizeof *f->stop);
	int e = f->state_dir == NULL || f->net.multi == NULL || f->stop == NULL ? ENOMEM : 0;
	if (e == 0)
		e = pthread_create(&f->thread, NULL, run, f);
	if (e != 0) {
		free_fetch(f);
		return -e;
	}
	*ret = f;
	return 0;
}

static void post(struct fetch *f, struct mail *m)
{
	mail_put(&f->inbox, m);
	curl_multi_wakeup(f->net.multi);
}

void fetch_stop(struct fetch *f)
{
	if (f == NULL)
		return;
	struct mail *m = f->stop;
	f->stop = NULL;
	m->kind = MAIL_STOP;
	post(f, m);
	pthread_join(f->thread, NULL);
	free_fetch(f);
}

int fetch_configure(struct fetch *f, const struct fetch_source *sources, unsigned n)
{
	struct mail *m = calloc(1, sizeof *m);
	if (m == NULL)
		return -ENOMEM;
	m->kind = MAIL_SOURCES;
	m->sources = sources_copy(sources, n);
	if (m->sources == NULL) {
		mail_free(m);
		return -ENOMEM;
	}
	post(f, m);
	return 0;
}

int fetch_update(struct fetch *f, const char *name)
{
	struct mail *m = calloc(1, sizeof *m);
	if (m == NULL)
		return -ENOMEM;
	m->kind = MAIL_UPDATE;
	if (name != NULL)
		snprintf(m->name, sizeof m->name, "%s", name);
	post(f, m);
	return 0;
}

void fetch_resolved(struct fetch *f, uint64_t token, const struct addr *addrs, unsigned n)
{
	struct mail *m = calloc(1, sizeof *m);
	if (m == NULL)
		return; /* the request ends with its time */
	m->kind = MAIL_RESOLVED;
	m->token = token;
	m->n_addrs = n < FETCH_MAX_ADDRS ? n : FETCH_MAX_ADDRS;
	memcpy(m->addrs, addrs, m->n_addrs * sizeof *addrs);
	post(f, m);
}
