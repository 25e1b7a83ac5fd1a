/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alerts/destination.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

static void lock(struct destination *d)
{
	pthread_mutex_lock(&d->shared->lock);
}

static void unlock(struct destination *d)
{
	pthread_mutex_unlock(&d->shared->lock);
}

/* With the lock; 0 ns: until something changes. */
static void wait_until(struct destination *d, uint64_t mono_ns)
{
	struct timespec t = { .tv_sec = (time_t)(mono_ns / NS_PER_S),
		              .tv_nsec = (long)(mono_ns % NS_PER_S) };
	if (mono_ns == 0)
		pthread_cond_wait(&d->wake, &d->shared->lock);
	else
		pthread_cond_timedwait(&d->wake, &d->shared->lock, &t);
}

/* ---- hosts ---- */

/* The main thread looks the host up; it is told by alerts_resolved(). */
static unsigned resolve(void *arg, const char *host, struct addr ret[ALERTS_MAX_ADDRS])
{
	struct destination *d = arg;
	uint64_t until_ns = clock_mono_ns() + DESTINATION_ASK_MS * NS_PER_MS;
	lock(d);
	d->ask.token = ++d->shared->next_token;
	d->ask.is_told = d->ask.is_answered = false;
	d->ask.n = 0;
	snprintf(d->ask.host, sizeof d->ask.host, "%s", host);
	unlock(d);
	d->shared->wake(d->shared->arg);
	lock(d);
	while (!d->ask.is_answered && !d->is_stopping && clock_mono_ns() < until_ns)
		wait_until(d, until_ns);
	unsigned n = d->ask.is_answered ? d->ask.n : 0;
	memcpy(ret, d->ask.addrs, n * sizeof *ret);
	d->ask.token = 0;
	unlock(d);
	return n;
}

/* ---- when ---- */

uint32_t destination_delay_ms(uint64_t failures)
{
	uint32_t ms = DESTINATION_RETRY_FIRST_MS;
	for (uint64_t i = 1; i < failures && ms < DESTINATION_RETRY_MAX_MS; i++)
		ms *= 2;
	return ms < DESTINATION_RETRY_MAX_MS ? ms : DESTINATION_RETRY_MAX_MS;
}

/* A quarter more or less: many machines that lost one receiver must not come back as one. */
static uint32_t with_chance(uint32_t ms)
{
	return ms - ms / 4 + random_below(ms / 2 + 1);
}

/* ---- what came of it ---- */

static void move(struct destination *d)
{
	d->shared->moved(d->shared->moved_arg);
}

/* All that was read has arrived. */
static void confirm(struct destination *d)
{
	d->at.next = d->place.seq;
	d->at.sent += d->n_doubtful;
	d->n_doubtful = d->n_marked = 0;
	move(d);
}

/* What was sent before the mark is old enough now; the mark goes to where we are. */
static void settle(struct destination *d)
{
	uint64_t now_ns = clock_mono_ns();
	if (d->n_doubtful == 0 || now_ns - d->mark_ns < DESTINATION_DOUBT_MS * NS_PER_MS)
		return;
	if (d->n_marked > 0) {
		d->at.next = d->mark_seq;
		d->at.sent += d->n_marked;
		d->n_doubtful -= d->n_marked;
		move(d);
	}
	if (d->n_doubtful == 0)
		confirm(d); /* and what it does not want */
	d->n_marked = d->n_doubtful;
	d->mark_seq = d->place.seq;
	d->mark_ns = now_ns;
}

static void go_back(struct destination *d)
{
	if (d->n_doubtful == 0)
		return;
	log_info("alerts: %s: the connection broke; the last %llu are sent again", d->at.name,
	         (unsigned long long)d->n_doubtful);
	d->place = (struct spool_place){ .seq = d->at.next };
	d->n_doubtful = d->n_marked = 0;
}

static void note_success(struct destination *d)
{
	bool is_stream = d->plan.target.kind == CONFIG_TARGET_TCP ||
	                 d->plan.target.kind == CONFIG_TARGET_TLS;
	if (d->failures > 0)
		log_info("alerts: %s takes alerts again", d->at.name);
	d->failures = d->next_s = d->retry_ns = 0;
	d->n_refusals = 0;
	d->why[0] = 0;
	d->sent_s = clock_wall_ns() / NS_PER_S;
	if (d->n_doubtful++ == 0) {
		d->n_marked = 0;
		d->mark_ns = clock_mono_ns();
	}
	if (is_stream)
		settle(d);
	else
		confirm(d);
}

static void note_failure(struct destination *d, const struct send_result *r)
{
	uint32_t ms = with_chance(destination_delay_ms(d->failures + 1));
	if (r->retry_s > 0)
		ms = r->retry_s * 1000 + random_below(1000);
	if (d->failures == 0)
		log_warning("alerts: %s: %s; alerts wait for it", d->at.name, r->why);
	d->failures++;
	d->failed_s = clock_wall_ns() / NS_PER_S;
	d->next_s = d->failed_s + ms / 1000;
	d->retry_ns = clock_mono_ns() + ms * NS_PER_MS;
	snprintf(d->why, sizeof d->why, "%s", r->why);
	go_back(d);
}

/* A receiver that refuses this alert may like the next one. */
static bool is_given_up(struct destination *d, const struct send_result *r,
                        const struct spool_item *item)
{
	if (r->outcome != SEND_REFUSED || ++d->n_refusals < DESTINATION_REFUSALS)
		return false;
	log_error("alerts: %s refuses alert %llu: %s; it is passed over", d->at.name,
	          (unsigned long long)item->seq, r->why);
	snprintf(d->why, sizeof d->why, "%s", r->why);
	d->at.refused++;
	d->failures = d->next_s = d->retry_ns = 0;
	d->n_refusals = 0;
	confirm(d);
	return true;
}

/* Without the lock. */
static void deliver(const struct sender_kind *kind, struct sender *s, const struct spool_item *item,
                    struct send_result *ret)
{
	*ret = (struct send_result){ .outcome = SEND_FAILED };
	json_t *ecs = json_loads(item->json, 0, NULL);
	if (ecs == NULL)
		send_fail(ret, SEND_FAILED, "out of memory");
	else
		kind->send(s, ecs, item->json, ret);
	json_decref(ecs);
}

/* With the lock, but for the sending itself. */
static void send_one(struct destination *d, const struct sender_kind *kind, struct sender *s,
                     struct spool_item *item)
{
	struct send_result r;
	d->is_sending = true;
	unlock(d);
	deliver(kind, s, item, &r);
	lock(d);
	d->is_sending = false;
	if (r.outcome == SEND_DONE)
		note_success(d);
	else if (!d->is_stopping && !is_given_up(d, &r, item)) {
		d->place = (struct spool_place){ .seq = item->seq };
		note_failure(d, &r);
	}
	free(item->json);
}

/* With the lock: the next alert, or wait for it. */
static bool next_item(struct destination *d, struct spool_item *ret)
{
	uint64_t lost, before = d->place.seq;
	int e = spool_read(d->shared->spool, &d->place, d->least, ret, &lost);
	if (d->place.seq <= d->seen_seq)
		lost = 0; /* on the way again after a broken connection */
	d->seen_seq = d->place.seq > d->seen_seq ? d->place.seq : d->seen_seq;
	if (lost > 0) {
		d->at.lost += lost;
		log_error("alerts: %s: %llu are lost, because they waited for longer than the "
		          "spool has room, or a crash or the disk spoilt them",
		          d->at.name, (unsigned long long)lost);
	}
	if (e == -ENOENT && d->place.seq != before && d->n_doubtful == 0)
		confirm(d); /* only such as it does not want */
	if (e != 0 && e != -ENOENT) {
		struct send_result r = { .outcome = SEND_FAILED };
		send_fail(&r, SEND_FAILED, "the spool cannot be read: %s", strerrordesc_np(-e));
		note_failure(d, &r);
	}
	return e == 0;
}

static void rest(struct destination *d, const struct sender_kind *kind, struct sender *s)
{
	uint64_t now_ns = clock_mono_ns();
	if (d->failures > 0 && now_ns < d->retry_ns) {
		wait_until(d, d->retry_ns);
		return;
	}
	settle(d);
	wait_until(d, d->n_doubtful > 0 ? d->mark_ns + DESTINATION_DOUBT_MS * NS_PER_MS : 0);
	if (d->n_doubtful == 0)
		return;
	unlock(d);
	bool is_well = kind->is_well(s);
	lock(d);
	if (!is_well)
		go_back(d);
}

static void *run(void *arg)
{
	struct destination *d = arg;
	struct sender *s = NULL;
	bool is_web = d->plan.target.kind == CONFIG_TARGET_HTTP ||
	              d->plan.target.kind == CONFIG_TARGET_HTTPS;
	const struct sender_kind *kind = is_web ? &sender_webhook : &sender_syslog;
	if (kind->open(&d->plan, &s) != 0) {
		log_error("alerts: %s: out of memory; nothing is sent there", d->at.name);
		return NULL;
	}
	lock(d);
	while (!d->is_stopping) {
		struct spool_item item;
		bool is_waiting = d->failures > 0 && clock_mono_ns() < d->retry_ns;
		if (!is_waiting && next_item(d, &item))
			send_one(d, kind, s, &item);
		else
			rest(d, kind, s);
	}
	unlock(d);
	bool is_well = kind->is_well(s);
	lock(d);
	if (is_well && d->n_doubtful > 0)
		confirm(d);
	unlock(d);
	kind->close(s);
	return NULL;
}

/* ---- life ---- */

static bool is_given(const char *text)
{
	return text != NULL && *text != 0;
}

static char *copy(const char *text, bool *is_out)
{
	char *to = is_given(text) ? strdup(text) : NULL;
	*is_out |= is_given(text) && to == NULL;
	return to;
}

static char **copy_all(const char *const *from, unsigned n, unsigned *ret_n, bool *is_out)
{
	char **to = n > 0 ? calloc(n, sizeof *to) : NULL;
	*ret_n = to != NULL ? n : 0;
	*is_out |= n > 0 && to == NULL;
	for (unsigned i = 0; to != NULL && i < n; i++)
		to[i] = copy(from[i], is_out);
	return to;
}

static void free_all(char **at, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(at[i]);
	free(at);
}

void destination_free(struct destination *d)
{
	struct sender_plan *p = &d->plan;
	char *texts[] = { p->url,         p->ca,       p->proxy,    p->secret,      p->secret_file,
		          p->header_file, p->tls_name, d->settings, p->certificate, p->key };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	free_all(p->headers, p->n_headers);
	free_all(p->pins, p->n_pins);
	if (p->stop_fd >= 0)
		close(p->stop_fd);
	pthread_cond_destroy(&d->wake);
	free(d);
}

static void put_texts(FILE *f, const struct config_texts *texts)
{
	for (unsigned i = 0; i < texts->n; i++)
		fprintf(f, "%s\n", texts->at[i]);
	fputc('\n', f);
}

char *destination_settings(const struct config_alert *c)
{
	char *text = NULL, name[NAME_TEXT_MAX] = "";
	size_t n;
	FILE *f = open_memstream(&text, &n);
	if (f == NULL)
		return NULL;
	if (c->tls_name.len > 0)
		name_to_text(c->tls_name.wire, name);
	const char *const texts[] = {
		c->name, c->to,    c->format,      c->severity, c->secret,          c->secret_file,
		c->ca,   c->proxy, c->header_file, name,        c->tls_certificate, c->tls_key
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		fprintf(f, "%s\n", texts[i] != NULL ? texts[i] : "");
	put_texts(f, &c->headers);
	put_texts(f, &c->tls_pins);
	fprintf(f, "%u\n", c->timeout_ms);
	bool is_bad = ferror(f) != 0;
	if (fclose(f) != 0 || is_bad) {
		free(text);
		return NULL;
	}
	return text;
}

static bool fill_plan(struct destination *d, const struct config_alert *c)
{
	char name[NAME_TEXT_MAX] = "";
	const char *why;
	bool is_out = false;
	struct sender_plan *p = &d->plan;
	must(config_target_from_text(c->to, &p->target, &why) == 0); /* checked when read */
	if (c->tls_name.len > 0)
		name_to_text(c->tls_name.wire, name);
	p->url = copy(c->to, &is_out);
	p->ca = copy(c->ca, &is_out);
	p->proxy = copy(c->proxy, &is_out);
	p->secret = copy(c->secret, &is_out);
	p->secret_file = copy(c->secret_file, &is_out);
	p->header_file = copy(c->header_file, &is_out);
	p->tls_name = copy(name, &is_out);
	p->certificate = copy(c->tls_certificate, &is_out);
	p->key = copy(c->tls_key, &is_out);
	p->headers = copy_all(c->headers.at, c->headers.n, &p->n_headers, &is_out);
	p->pins = copy_all(c->tls_pins.at, c->tls_pins.n, &p->n_pins, &is_out);
	p->format = render_format_from(c->format);
	p->timeout_ms = c->timeout_ms;
	p->resolve = resolve;
	p->arg = d;
	d->settings = destination_settings(c);
	d->least = alert_severity_from(c->severity);
	return !is_out && d->settings != NULL;
}

int destination_start(struct shared *shared, const struct config_alert *c,
                      const struct position *at, struct destination **ret)
{
	pthread_condattr_t monotonic;
	struct destination *d = calloc(1, sizeof *d);
	sigset_t all, before;
	if (d == NULL)
		return -ENOMEM;
	d->shared = shared;
	d->at = *at;
	d->place.seq = at->next;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&d->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	d->plan.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int e = d->plan.stop_fd < 0 ? -errno : fill_plan(d, c) ? 0 : -ENOMEM;
	if (e == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		e = -pthread_create(&d->thread, NULL, run, d);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (e != 0) {
		destination_free(d);
		return e;
	}
	pthread_setname_np(d->thread, "weir-alert");
	*ret = d;
	return 0;
}

void destination_halt(struct destination *d)
{
	static const uint64_t one = 1;
	lock(d);
	d->is_stopping = true;
	pthread_cond_broadcast(&d->wake);
	unlock(d);
	(void)!write(d->plan.stop_fd, &one, sizeof one);
	pthread_join(d->thread, NULL);
}
