/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alerts/alerts.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "alerts/destination.h"
#include "alerts/positions.h"
#include "alerts/render.h"
#include "alerts/spool.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	KEEP_MS = 1000, /* between two looks at the disk */
	PATH_ROOM = 4200,
};

struct alerts {
	struct shared shared;
	pthread_t keeper;
	pthread_cond_t keep; /* with the lock */
	bool is_stopping, is_wanted;
	bool is_settled; /* the destinations are known; else nothing that waits may go */
	struct destination *at[ALERTS_MAX];
	unsigned n;
	struct positions saved; /* what the file says, or will say */
	int positions_fd;       /* -1: none */
	int said_error;         /* of the disk */
	uint64_t max_bytes;
	bool has_disk;
};

static void lock(struct alerts *a)
{
	pthread_mutex_lock(&a->shared.lock);
}

static void unlock(struct alerts *a)
{
	pthread_mutex_unlock(&a->shared.lock);
}

/* ---- the keeper: the disk ---- */

/* With the lock. */
static void want_keeper(void *arg)
{
	struct alerts *a = arg;
	if (!a->is_wanted)
		pthread_cond_signal(&a->keep);
	a->is_wanted = true;
}

/* With the lock. 0 or -errno. */
static int save_positions(struct alerts *a)
{
	a->shared.has_moved = false;
	a->saved.next = spool_next(a->shared.spool);
	a->saved.n = a->n;
	for (unsigned i = 0; i < a->n; i++)
		a->saved.at[i] = a->at[i]->at;
	return a->positions_fd >= 0 ? positions_save(a->positions_fd, &a->saved) : 0;
}

/* With the lock, from a destination's thread: at once, so that a kill makes it send nothing twice. */
static void keep_position(void *arg)
{
	struct alerts *a = arg;
	if (a->is_settled && a->positions_fd >= 0)
		(void)save_positions(a); /* what fails is tried again by the keeper */
	a->shared.has_moved = true;
	want_keeper(a);
}

static void say_error(struct alerts *a, int e)
{
	if (e == a->said_error)
		return;
	if (e != 0)
		log_error("alerts: the state folder takes no alerts: %s; they wait in memory while "
		          "there is room",
		          strerrordesc_np(-e));
	else
		log_info("alerts: the state folder takes alerts again");
	a->said_error = e;
}

/* With the lock: files that everybody has read go, but only when the disk knows that. */
static void tidy(struct alerts *a)
{
	uint64_t least = spool_next(a->shared.spool);
	int e = 0;
	if (spool_in_memory(a->shared.spool) > 0)
		(void)spool_flush(a->shared.spool);
	if (!a->is_settled)
		return;
	if (a->shared.has_moved)
		e = save_positions(a);
	for (unsigned i = 0; i < a->n; i++)
		least = a->at[i]->at.next < least ? a->at[i]->at.next : least;
	if (e == 0)
		spool_trim(a->shared.spool, least);
	say_error(a, e != 0 ? e : spool_error(a->shared.spool));
}

static void *keep(void *arg)
{
	struct alerts *a = arg;
	lock(a);
	while (!a->is_stopping) {
		uint64_t until_ns = clock_mono_ns() + KEEP_MS * NS_PER_MS;
		struct timespec t = { .tv_sec = (time_t)(until_ns / NS_PER_S),
			              .tv_nsec = (long)(until_ns % NS_PER_S) };
		while (!a->is_wanted && !a->is_stopping)
			pthread_cond_wait(&a->keep, &a->shared.lock);
		while (!a->is_stopping &&
		       pthread_cond_timedwait(&a->keep, &a->shared.lock, &t) == 0)
			; /* what comes within a second is done together */
		a->is_wanted = spool_in_memory(a->shared.spool) > 0 && a->has_disk;
		tidy(a);
		int fd = spool_dirty(a->shared.spool);
		if (fd < 0)
			continue;
		unlock(a);
		(void)fdatasync(fd); /* a power cut: what fails here shows with the next write */
		close(fd);
		lock(a);
	}
	tidy(a);
	if (a->is_settled)
		(void)save_positions(a);
	unlock(a);
	return NULL;
}

/* ---- starting and stopping ---- */

static int open_disk(struct alerts *a, const struct alerts_plan *plan)
{
	char dir[PATH_ROOM], path[PATH_ROOM + 16];
	if (plan->state_dir == NULL)
		return spool_open(NULL, plan->spool_bytes, &a->shared.spool);
	snprintf(dir, sizeof dir, "%s/alerts", plan->state_dir);
	snprintf(path, sizeof path, "%s/positions", dir);
	int e = spool_open(dir, plan->spool_bytes, &a->shared.spool);
	if (e != 0) {
		log_error("alerts: %s cannot be used: %s; alerts are kept in memory only", dir,
		          strerrordesc_np(-e));
		return spool_open(NULL, plan->spool_bytes, &a->shared.spool);
	}
	a->has_disk = true;
	a->positions_fd = positions_open(path, &a->saved);
	if (a->positions_fd < 0)
		log_error("alerts: %s cannot be used: %s; after a crash some alerts come twice",
		          path, strerrordesc_np(-a->positions_fd));
	spool_skip_to(a->shared.spool, a->saved.next);
	if (spool_n_bad(a->shared.spool) > 0)
		log_error("alerts: %llu lines in %s are spoilt",
		          (unsigned long long)spool_n_bad(a->shared.spool), dir);
	return 0;
}

static int start_keeper(struct alerts *a)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = -pthread_create(&a->keeper, NULL, keep, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (e == 0)
		pthread_setname_np(a->keeper, "weir-alerts");
	return e;
}

static void free_all(struct alerts *a)
{
	spool_close(a->shared.spool);
	if (a->positions_fd >= 0)
		close(a->positions_fd);
	pthread_cond_destroy(&a->keep);
	pthread_mutex_destroy(&a->shared.lock);
	free(a);
}

int alerts_start(const struct alerts_plan *plan, struct alerts **ret)
{
	pthread_condattr_t monotonic;
	struct alerts *a = calloc(1, sizeof *a);
	if (a == NULL)
		return -ENOMEM;
	a->positions_fd = -1;
	a->max_bytes = plan->spool_bytes;
	a->shared.wake = plan->wake;
	a->shared.arg = plan->arg;
	a->shared.moved = keep_position;
	a->shared.moved_arg = a;
	pthread_mutex_init(&a->shared.lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->keep, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int e = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? open_disk(a, plan) : -ENOMEM;
	if (e == 0)
		e = start_keeper(a);
	if (e != 0) {
		free_all(a);
		return e;
	}
	*ret = a;
	return 0;
}

void alerts_stop(struct alerts *a)
{
	if (a == NULL)
		return;
	/* A position is final when its thread has ended: stop them, then the keeper saves. */
	for (unsigned i = 0; i < a->n; i++)
		destination_halt(a->at[i]);
	lock(a);
	a->is_stopping = true;
	pthread_cond_broadcast(&a->keep);
	unlock(a);
	pthread_join(a->keeper, NULL);
	for (unsigned i = 0; i < a->n; i++)
		destination_free(a->at[i]);
	free_all(a);
	curl_global_cleanup();
}

/* ---- destinations ---- */

/* With the lock. */
static struct destination *take_out(struct alerts *a, const char *name)
{
	for (unsigned i = 0; i < a->n; i++) {
		struct destination *d = a->at[i];
		if (strcmp(d->at.name, name) != 0)
			continue;
		a->at[i] = a->at[--a->n];
		return d;
	}
	return NULL;
}

/* Where a destination goes on: as it was, as the file says, or with what comes from now on. */
static struct position find_position(struct alerts *a, const char *name)
{
	struct position p = { .next = spool_next(a->shared.spool) };
	for (unsigned i = 0; i < a->saved.n; i++) {
		if (strcmp(a->saved.at[i].name, name) == 0)
			p = a->saved.at[i];
	}
	snprintf(p.name, sizeof p.name, "%s", name);
	return p;
}

static bool is_same(const struct destination *d, const struct config_alert *c)
{
	char *settings = destination_settings(c);
	bool is = settings != NULL && strcmp(settings, d->settings) == 0;
	free(settings);
	return is;
}

/* The old one of this name as it is, or a new one in its place. */
static int configure_one(struct alerts *a, const struct config_alert *c, struct destination **ret)
{
	lock(a);
	struct position p = find_position(a, c->name);
	struct destination *old = take_out(a, c->name);
	unlock(a);
	if (old != NULL && is_same(old, c)) {
		*ret = old;
		return 0;
	}
	if (old != NULL) {
		destination_halt(old);
		p = old->at;
		destination_free(old);
	}
	return destination_start(&a->shared, c, &p, ret);
}

int alerts_configure(struct alerts *a, const struct config_alerts *to)
{
	struct destination *now[ALERTS_MAX];
	unsigned n = 0;
	int e = 0;
	lock(a);
	a->is_settled = false;
	unlock(a);
	for (unsigned i = 0; i < to->n; i++) {
		int failed = configure_one(a, &to->at[i], &now[n]);
		if (failed == 0)
			n++;
		else
			e = failed;
	}
	for (unsigned i = 0; i < a->n; i++) {
		destination_halt(a->at[i]);
		destination_free(a->at[i]);
	}
	lock(a);
	memcpy(a->at, now, n * sizeof *now);
	a->n = n;
	a->is_settled = true;
	a->shared.has_moved = true;
	want_keeper(a);
	/* Those that stayed may have missed an alert, or be waiting for the addresses of a host. */
	for (unsigned i = 0; i < n; i++)
		pthread_cond_broadcast(&a->at[i]->wake);
	unlock(a);
	a->shared.wake(a->shared.arg);
	return e;
}

/* ---- alerts ---- */

int alerts_put(struct alerts *a, const struct alert *alert)
{
	int e = 0;
	char *line = render_ecs(alert);
	if (line == NULL)
		return -ENOMEM;
	lock(a);
	if (a->n > 0 || !a->is_settled) {
		e = spool_append(a->shared.spool, alert->severity, line);
		if (e == 0)
			a->saved.put++;
		/* Not on the disk: its number is, at least, so that a crash cannot hide it. */
		if (e == 0 && a->has_disk && a->is_settled && spool_in_memory(a->shared.spool) > 0)
			(void)save_positions(a);
		for (unsigned i = 0; i < a->n && e == 0; i++)
			pthread_cond_broadcast(&a->at[i]->wake);
		want_keeper(a);
	}
	unlock(a);
	free(line);
	return e;
}

void alerts_lost(struct alerts *a, uint64_t n)
{
	lock(a);
	a->saved.lost += n;
	a->shared.has_moved = true;
	want_keeper(a);
	unlock(a);
}

/* ---- what is seen ---- */

static void tell_target(const struct destination *d, char *ret, size_t n)
{
	static const char *const schemes[] = { "http", "https", "udp", "tcp", "tls" };
	const struct config_target *t = &d->plan.target;
	bool is_v6 = strchr(t->host, ':') != NULL;
	snprintf(ret, n, "%s://%s%s%s:%u", schemes[t->kind], is_v6 ? "[" : "", t->host,
	         is_v6 ? "]" : "", t->port);
}

unsigned alerts_view(struct alerts *a, struct alerts_view *ret, struct alerts_counts *ret_counts)
{
	lock(a);
	unsigned n = a->n;
	for (unsigned i = 0; i < n; i++) {
		const struct destination *d = a->at[i];
		ret[i] = (struct alerts_view){
			.waiting = spool_next(a->shared.spool) - d->place.seq + d->is_sending,
			.sent = d->at.sent + d->n_doubtful,
			.lost = d->at.lost,
			.refused = d->at.refused,
			.failures = d->failures,
			.sent_s = d->sent_s,
			.failed_s = d->failed_s,
			.next_s = d->next_s,
		};
		snprintf(ret[i].name, sizeof ret[i].name, "%s", d->at.name);
		snprintf(ret[i].why, sizeof ret[i].why, "%s", d->why);
		tell_target(d, ret[i].to, sizeof ret[i].to);
	}
	*ret_counts = (struct alerts_counts){
		.put = a->saved.put,
		.lost = a->saved.lost,
		.bytes = spool_bytes(a->shared.spool),
		.max_bytes = a->max_bytes,
		.in_memory = spool_in_memory(a->shared.spool),
	};
	if (a->said_error != 0)
		snprintf(ret_counts->trouble, sizeof ret_counts->trouble, "%s",
		         strerrordesc_np(-a->said_error));
	unlock(a);
	return n;
}

/* ---- hosts ---- */

bool alerts_next_ask(struct alerts *a, struct alerts_ask *ret)
{
	bool has_one = false;
	lock(a);
	for (unsigned i = 0; i < a->n && !has_one; i++) {
		struct destination *d = a->at[i];
		if (d->ask.token == 0 || d->ask.is_told)
			continue;
		d->ask.is_told = has_one = true;
		ret->token = d->ask.token;
		memcpy(ret->host, d->ask.host, sizeof ret->host);
	}
	unlock(a);
	return has_one;
}

void alerts_resolved(struct alerts *a, uint64_t token, const struct addr *addrs, unsigned n)
{
	lock(a);
	for (unsigned i = 0; i < a->n; i++) {
		struct destination *d = a->at[i];
		if (d->ask.token != token || token == 0)
			continue;
		d->ask.n = n < ALERTS_MAX_ADDRS ? n : ALERTS_MAX_ADDRS;
		memcpy(d->ask.addrs, addrs, d->ask.n * sizeof *addrs);
		d->ask.is_answered = true;
		pthread_cond_broadcast(&d->wake);
	}
	unlock(a);
}
