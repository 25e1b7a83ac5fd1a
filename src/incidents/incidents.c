/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "incidents/incidents.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "incidents/saved.h"
#include "incidents/table.h"
#include "incidents/watch.h"
#include "incidents/wording.h"

enum {
	TICK_MS = 1000,
	CLOSE_EVERY = 10, /* ticks between two looks at who is quiet */
	SAVE_S = 60,      /* when there was evidence */
	SAVE_SOON_S = 10, /* when an incident was told */
	SETTLE_S = 5,     /* a suspicion waits so long, as it may be worse in a moment */
	WARN_S = 3600,    /* between two words on a table that is full */
	PATH_ROOM = 4200,
};

struct incidents {
	pthread_mutex_t lock;
	pthread_t thread;
	pthread_cond_t wake; /* with the lock */
	bool is_stopping;
	struct table table; /* lock */
	struct watch watch; /* lock */
	struct alerts *alerts;
	char *path;             /* NULL: nothing is kept */
	bool is_dirty, is_soon; /* lock: there is something to save; an incident was told */
	bool said_save;
	/* the thread's own */
	uint64_t saved_ns, warned_ns, said_untracked;
	unsigned n_ticks;
};

static void lock(struct incidents *s)
{
	pthread_mutex_lock(&s->lock);
}

static void unlock(struct incidents *s)
{
	pthread_mutex_unlock(&s->lock);
}

/* ---- saving ---- */

/* A client at a time: nobody waits for more than a copy. */
static int write_clients(struct incidents *s, int fd)
{
	struct client *c = malloc(sizeof *c);
	int e = c == NULL ? -ENOMEM : 0;
	for (unsigned i = 0; e == 0; i++) {
		lock(s);
		bool is_end = i >= s->table.n_clients;
		bool is_used = !is_end && table_is_used(&s->table.clients[i]);
		if (is_used)
			*c = s->table.clients[i];
		unlock(s);
		if (is_end)
			break;
		char *line = is_used ? saved_client(c) : NULL;
		if (line != NULL) {
			e = disk_write(fd, line, strlen(line));
			if (e == 0)
				e = disk_write(fd, "\n", 1);
		}
		free(line);
	}
	free(c);
	return e;
}

static int save(struct incidents *s)
{
	lock(s);
	char *head = saved_head(&s->table);
	s->is_dirty = s->is_soon = false;
	unlock(s);
	int fd = disk_create_beside(s->path, 0640);
	if (head == NULL || fd < 0) {
		free(head);
		if (fd >= 0)
			disk_abandon(fd, s->path);
		return fd < 0 ? fd : -ENOMEM;
	}
	int e = disk_write(fd, head, strlen(head));
	if (e == 0)
		e = disk_write(fd, "\n", 1);
	free(head);
	if (e == 0)
		e = write_clients(s, fd);
	if (e == 0)
		return disk_replace(fd, s->path);
	disk_abandon(fd, s->path);
	return e;
}

static void save_and_say(struct incidents *s)
{
	if (s->path == NULL)
		return;
	int e = save(s);
	s->saved_ns = clock_mono_ns();
	if (e != 0) {
		lock(s);
		s->is_dirty = true;
		unlock(s);
	}
	if (e != 0 && !s->said_save)
		log_error("incidents: %s cannot be written: %s; it is tried again", s->path,
		          strerrordesc_np(-e));
	if (e == 0 && s->said_save)
		log_info("incidents: %s is written again", s->path);
	s->said_save = e != 0;
}

/* ---- telling ---- */

static bool is_ripe(const struct client *c, uint32_t now_s)
{
	return c->pending != PENDING_OPENED || c->state == CLIENT_INFECTED ||
	       now_s - c->pending_s >= SETTLE_S;
}

/* Is it still the same incident? The lock was not held meanwhile. */
static bool is_same(const struct client *a, const struct client *b)
{
	return table_is_used(b) && a->incident == b->incident && a->bits == b->bits &&
	       addr_equal(&a->addr, &b->addr);
}

/*
 * With the lock, which is let go while the alert is written: the events' writer waits for a copy at
 * most. false: the alerts have no room; it is told with a later tick.
 */
static bool tell_one(struct incidents *s, struct client *c, uint64_t wall_ns)
{
	struct wording room;
	struct alert alert;
	struct client copy = *c;
	/* Opened and closed before anybody was told: nobody is. */
	bool is_over = (copy.pending & PENDING_OPENED) != 0 && (copy.pending & PENDING_CLOSED) != 0;
	wording_alert(&s->table, &copy, wall_ns, &room, &alert);
	unlock(s);
	int e = is_over ? 0 : alerts_put(s->alerts, &alert);
	if (e == 0)
		log_write(alert.severity == ALERT_HIGH ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		          "incidents: %s", alert.message);
	lock(s);
	if (e != 0)
		return false;
	if (is_same(&copy, c))
		table_told(&s->table, c, copy.pending, (uint32_t)(wall_ns / NS_PER_S));
	s->is_dirty = s->is_soon = true;
	return true;
}

/* With the lock. */
static void tell(struct incidents *s, uint64_t wall_ns)
{
	uint32_t now_s = (uint32_t)(wall_ns / NS_PER_S);
	for (unsigned i = 0; i < s->table.n_clients && s->table.n_pending > 0; i++) {
		struct client *c = &s->table.clients[i];
		if (table_is_used(c) && c->pending != 0 && is_ripe(c, now_s) &&
		    !tell_one(s, c, wall_ns))
			return;
	}
}

/* Somebody who makes clients up to have his own evidence forgotten is told of. */
static void warn_of_flood(struct incidents *s, uint64_t wall_ns)
{
	char text[300];
	uint64_t now_ns = clock_mono_ns();
	const struct table *t = &s->table;
	bool is_flood = t->evicted_score >= (float)t->settings.suspicious / 2;
	if ((!is_flood && t->n_untracked == s->said_untracked) ||
	    (s->warned_ns != 0 && now_ns - s->warned_ns < WARN_S * NS_PER_S))
		return;
	snprintf(text, sizeof text,
	         "The table of clients is full (%d): %" PRIu64
	         " went that were not suspicious yet, "
	         "the worst with a score of %.0f, and %" PRIu64 " pieces of evidence had no room",
	         INCIDENTS_CLIENTS_MAX, t->n_evicted, (double)t->evicted_score, t->n_untracked);
	const struct alert alert = { .wall_ns = wall_ns,
		                     .severity = ALERT_HIGH,
		                     .action = "clients-full",
		                     .message = text };
	if (alerts_put(s->alerts, &alert) != 0)
		return;
	log_warning("incidents: %s", text);
	s->warned_ns = now_ns;
	s->said_untracked = t->n_untracked;
	s->table.evicted_score = 0;
}

static bool is_time_to_save(const struct incidents *s)
{
	uint64_t age_ns = clock_mono_ns() - s->saved_ns;
	return (s->is_dirty && age_ns >= SAVE_S * NS_PER_S) ||
	       (s->is_soon && age_ns >= SAVE_SOON_S * NS_PER_S);
}

static void *run(void *arg)
{
	struct incidents *s = arg;
	lock(s);
	while (!s->is_stopping) {
		uint64_t until_ns = clock_mono_ns() + TICK_MS * NS_PER_MS;
		struct timespec t = { .tv_sec = (time_t)(until_ns / NS_PER_S),
			              .tv_nsec = (long)(until_ns % NS_PER_S) };
		/* An idle machine is not woken each second. */
		if (s->table.n_used == 0)
			pthread_cond_wait(&s->wake, &s->lock);
		else
			pthread_cond_timedwait(&s->wake, &s->lock, &t);
		uint64_t wall_ns = clock_wall_ns();
		if (++s->n_ticks % CLOSE_EVERY == 0)
			table_tick(&s->table, (uint32_t)(wall_ns / NS_PER_S));
		tell(s, wall_ns);
		warn_of_flood(s, wall_ns);
		bool is_time = is_time_to_save(s);
		if (!is_time)
			continue;
		unlock(s);
		save_and_say(s);
		lock(s);
	}
	unlock(s);
	return NULL;
}

/* ---- life ---- */

static struct table_settings settings_of(const struct config *c)
{
	return (struct table_settings){ .suspicious = c->incidents.suspicious,
		                        .infected = c->incidents.infected,
		                        .half_life_s = c->incidents.half_life_s,
		                        .quiet_s = c->incidents.quiet_s };
}

static int open_path(struct incidents *s, const char *state_dir)
{
	char *text;
	size_t n;
	if (state_dir == NULL)
		return 0;
	if (asprintf(&s->path, "%s/incidents", state_dir) < 0) {
		s->path = NULL;
		return -ENOMEM;
	}
	int e = disk_read(s->path, SAVED_BYTES_MAX, &text, &n);
	if (e == -ENOENT)
		return 0;
	if (e != 0) {
		log_error("incidents: %s cannot be read: %s; the evidence of before is lost",
		          s->path, strerrordesc_np(-e));
		return 0;
	}
	unsigned n_bad = saved_read(&s->table, text, n);
	free(text);
	if (n_bad > 0)
		log_error("incidents: %u lines of %s do not hold; the others do", n_bad, s->path);
	return 0;
}

static int start_thread(struct incidents *s)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = -pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (e == 0)
		pthread_setname_np(s->thread, "weir-incidents");
	return e;
}

static void free_all(struct incidents *s)
{
	table_done(&s->table);
	watch_done(&s->watch);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

int incidents_start(const struct incidents_plan *plan, const struct config *c,
                    struct incidents **ret)
{
	pthread_condattr_t monotonic;
	struct incidents *s = calloc(1, sizeof *s);
	const struct table_settings settings = settings_of(c);
	if (s == NULL)
		return -ENOMEM;
	s->alerts = plan->alerts;
	s->saved_ns = clock_mono_ns();
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int e = table_init(&s->table, &settings);
	if (e == 0)
		e = watch_init(&s->watch, c);
	if (e == 0)
		e = open_path(s, plan->state_dir);
	if (e == 0)
		e = start_thread(s);
	if (e != 0) {
		log_error("incidents cannot be kept: %s", strerrordesc_np(-e));
		free_all(s);
		return e;
	}
	*ret = s;
	return 0;
}

void incidents_stop(struct incidents *s)
{
	if (s == NULL)
		return;
	lock(s);
	s->is_stopping = true;
	pthread_cond_broadcast(&s->wake);
	unlock(s);
	pthread_join(s->thread, NULL);
	if (s->is_dirty)
		save_and_say(s);
	free_all(s);
}

void incidents_configure(struct incidents *s, const struct config *c)
{
	struct watch now;
	if (s == NULL)
		return;
	if (watch_init(&now, c) != 0) {
		log_error("incidents: out of memory; the categories of before are in use");
		return;
	}
	lock(s);
	struct watch before = s->watch;
	s->watch = now;
	s->table.settings = settings_of(c);
	unlock(s);
	watch_done(&before);
}

void incidents_seen(struct incidents *s, const struct event_seen *e)
{
	struct watch_room room;
	struct evidence evidence;
	lock(s);
	bool was_empty = s->table.n_used == 0, has_any = false;
	if (watch_evidence(&s->watch, e, &room, &evidence)) {
		(void)table_add(&s->table, &evidence);
		has_any = true;
	}
	for (unsigned i = 0; i < e->n_findings; i++) {
		if (!watch_finding(e, i, &room, &evidence))
			continue;
		(void)table_add(&s->table, &evidence);
		has_any = true;
	}
	s->is_dirty |= has_any;
	if (has_any && was_empty)
		pthread_cond_signal(&s->wake);
	unlock(s);
}

/* ---- what is asked for ---- */

struct ranked {
	uint8_t state;
	float score;
	uint32_t last_s;
	uint16_t which;
};

/* The worst first. */
static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->state != y->state)
		return x->state < y->state ? 1 : -1;
	if (x->score < y->score || x->score > y->score)
		return x->score < y->score ? 1 : -1;
	return (x->last_s < y->last_s) - (x->last_s > y->last_s);
}

/* With the lock. How many; counts by state. */
static unsigned rank(const struct table *t, uint32_t now_s, struct ranked *ret, unsigned counts[3])
{
	unsigned n = 0;
	for (unsigned i = 0; i < t->n_clients; i++) {
		const struct client *c = &t->clients[i];
		if (!table_is_used(c))
			continue;
		ret[n++] = (struct ranked){ c->state, table_score(t, c, now_s), c->last_s,
			                    (uint16_t)i };
		counts[c->state]++;
	}
	qsort(ret, n, sizeof *ret, compare_ranked);
	return n;
}

json_t *incidents_clients(struct incidents *s, uint64_t now_s, unsigned from, unsigned limit)
{
	struct ranked *ranked = calloc(INCIDENTS_CLIENTS_MAX, sizeof *ranked);
	unsigned counts[3] = { 0 };
	if (ranked == NULL)
		return NULL;
	json_t *list = json_array();
	lock(s);
	unsigned n = rank(&s->table, (uint32_t)now_s, ranked, counts);
	for (unsigned i = from; i < n && i - from < limit; i++)
		json_array_append_new(list,
		                      wording_json(&s->table, &s->table.clients[ranked[i].which],
		                                   (uint32_t)now_s, false));
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "total", (json_int_t)n, "infected",
	                      (json_int_t)counts[CLIENT_INFECTED], "suspicious",
	                      (json_int_t)counts[CLIENT_SUSPICIOUS], "evicted",
	                      (json_int_t)s->table.n_evicted, "untracked",
	                      (json_int_t)s->table.n_untracked, "clients", list);
	unlock(s);
	free(ranked);
	return o;
}

json_t *incidents_client(struct incidents *s, uint64_t now_s, const struct addr *client)
{
	lock(s);
	const struct client *c = table_find(&s->table, client);
	json_t *o = c != NULL ? wording_json(&s->table, c, (uint32_t)now_s, true) : NULL;
	unlock(s);
	return o;
}

int incidents_clear(struct incidents *s, uint64_t now_s, const struct addr *client, const char *who,
                    const char *reason)
{
	lock(s);
	struct client *c = table_find(&s->table, client);
	if (c != NULL) {
		table_clear(&s->table, c, (uint32_t)now_s, who, reason);
		s->is_dirty = s->is_soon = true;
		pthread_cond_signal(&s->wake);
	}
	unlock(s);
	return c != NULL ? 0 : -ENOENT;
}
