/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/secondary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "transfer/zone_file.h"

enum {
	PATH_ROOM = 4200,
	FIRST_LOOK_MS = 1000,
};

/* A look under way: what the thread touches. */
struct job {
	pthread_t thread;
	struct loop *loop;
	struct refresh_plan plan;
	struct refresh_result result;
	int stop_fd;
	_Atomic bool is_finished;
};

struct secondary {
	struct secondary_home *home;
	char list[CONFIG_LABEL_MAX + 1];
	char path[PATH_ROOM], mark_path[PATH_ROOM];
	struct name zone;
	struct endpoint *primaries;
	unsigned n_primaries;
	struct keyring *ring;
	const struct tsig_key *key;
	struct tls_client *tls;
	struct addr sources[2]; /* by is_v4 */
	bool has_source[2];
	uint64_t max_bytes;
	bool is_withdrawn_when_expired;
	uint32_t min_update_ms;

	bool has_soa, is_expired, is_withdrawn, is_stopped;
	bool is_unmarked; /* mark_success() failed, and that was told */
	struct record_soa soa;
	uint64_t last_check_s, last_success_s, next_check_s; /* wall clock */
	uint64_t last_update_ns, last_look_ns;
	unsigned n_failures;
	unsigned first; /* the primary to ask first */
	bool is_again;  /* notified while looking */
	char error[TRANSFER_ERROR_MAX];
	struct timer due;
	struct job *job;
};

static void look(struct timer *t);

/* ---- making ---- */

static int make_tls(const struct config_list *l, struct tls_client **ret)
{
	char name[NAME_TEXT_MAX];
	struct tls_pin pins[TLS_MAX_PINS];
	struct tls_client_plan plan = { .alpn = "dot",
		                        .pins = pins,
		                        .certificate_file = l->tls_certificate,
		                        .key_file = l->tls_key };
	const char *why = "out of memory";
	if (strcmp(l->tls, "false") == 0)
		return 0;
	if (l->tls_name.len > 0) {
		name_to_text(l->tls_name.wire, name);
		plan.name = name;
		plan.ca_file = l->tls_ca;
	}
	for (unsigned i = 0; i < l->tls_pins.n && i < TLS_MAX_PINS; i++) {
		const char *text = l->tls_pins.at[i];
		must(tls_pin_from_text(text, strlen(text), &pins[i]) == 0); /* checked when read */
		plan.n_pins++;
	}
	int e = tls_client_new(&plan, ret, &why);
	if (e != 0)
		log_error("list '%s': no TLS: %s", l->name, why);
	return e;
}

static int copy_terms(struct secondary *s, const struct config_list *l, struct keyring *ring)
{
	s->zone = l->zone;
	s->primaries = calloc(l->primaries.n + 1U, sizeof *s->primaries);
	if (s->primaries == NULL)
		return -ENOMEM;
	memcpy(s->primaries, l->primaries.at, l->primaries.n * sizeof *s->primaries);
	s->n_primaries = l->primaries.n;
	s->ring = keyring_get(ring);
	if (l->tsig_key.len > 0 && (s->key = keyring_find(ring, &l->tsig_key)) == NULL) {
		log_error("list '%s': its key cannot be used, so it is not transferred", l->name);
		return -EINVAL;
	}
	for (unsigned i = 0; i < l->transfer_source.n; i++) {
		const struct addr *a = &l->transfer_source.at[i];
		s->sources[a->is_v4] = *a;
		s->has_source[a->is_v4] = true;
	}
	s->max_bytes = l->max_zone_bytes;
	s->is_withdrawn_when_expired = strcmp(l->expire, "withdraw") == 0;
	s->min_update_ms = l->min_update_ms;
	return make_tls(l, &s->tls);
}

/* The version that is here, and when a primary last answered. */
static void look_at_disk(struct secondary *s)
{
	struct zone_reader r;
	struct stat st;
	if (zone_reader_open(&r, s->path, &s->zone) != 0)
		return;
	s->has_soa = true;
	s->soa = r.numbers;
	zone_reader_close(&r);
	if (stat(s->mark_path, &st) == 0 || stat(s->path, &st) == 0)
		s->last_success_s = (uint64_t)st.st_mtim.tv_sec;
}

int secondary_new(struct secondary_home *home, const struct config *c,
                  const struct config_list *list, struct keyring *ring, struct secondary **ret)
{
	struct secondary *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	s->home = home;
	s->due.fire = look;
	snprintf(s->list, sizeof s->list, "%s", list->name);
	int e = transfer_path(c->state, list->name, s->path, sizeof s->path) ? 0 : -ENAMETOOLONG;
	if (e == 0) {
		const char *slash = strrchr(s->path, '/');
		snprintf(s->mark_path, sizeof s->mark_path, "%.*s.%s.checked",
		         (int)(slash - s->path) + 1, s->path, slash + 1);
		e = copy_terms(s, list, ring);
	}
	if (e != 0) {
		secondary_free(s);
		return e;
	}
	look_at_disk(s);
	*ret = s;
	return 0;
}

void secondary_succeed(struct secondary *s, const struct secondary *old)
{
	s->last_check_s = old->last_check_s;
	if (old->last_success_s > s->last_success_s)
		s->last_success_s = old->last_success_s;
	s->last_update_ns = old->last_update_ns;
	s->is_expired = old->is_expired;
	s->is_withdrawn = old->is_withdrawn;
	if (!s->has_soa && old->has_soa) {
		s->has_soa = true;
		s->soa = old->soa;
	}
	s->n_failures = old->n_failures;
	memcpy(s->error, old->error, sizeof s->error);
}

void secondary_free(struct secondary *s)
{
	if (s == NULL)
		return;
	must(s->job == NULL);
	timer_cancel(s->home->loop, &s->due);
	tls_client_free(s->tls);
	keyring_put(s->ring);
	free(s->primaries);
	free(s);
}

/* ---- when ---- */

uint64_t secondary_interval_ns(uint32_t interval_s)
{
	uint64_t s = interval_s < SECONDARY_MIN_S   ? SECONDARY_MIN_S
	             : interval_s > SECONDARY_MAX_S ? SECONDARY_MAX_S
	                                            : interval_s;
	uint64_t ns = s * NS_PER_S;
	/* Followers that were started together do not ask together. */
	return ns - ns / 10 * random_below(1000) / 1000;
}

static void schedule(struct secondary *s, uint64_t at_ns)
{
	uint64_t now_ns = clock_mono_ns();
	/* Bursts are merged, but the last version is always fetched. */
	uint64_t least_ns =
		s->last_update_ns == 0 ? 0 : s->last_update_ns + s->min_update_ms * NS_PER_MS;
	if (s->last_look_ns + SECONDARY_NOTIFY_MS * NS_PER_MS > least_ns && s->last_look_ns > 0)
		least_ns = s->last_look_ns + SECONDARY_NOTIFY_MS * NS_PER_MS;
	if (at_ns < least_ns)
		at_ns = least_ns;
	timer_set(s->home->loop, &s->due, at_ns);
	uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
	s->next_check_s = (clock_wall_ns() + wait_ns) / NS_PER_S;
}

static uint32_t retry_s(const struct secondary *s)
{
	if (s->has_soa)
		return s->soa.retry_s;
	unsigned shift = s->n_failures > 10 ? 10 : s->n_failures;
	uint32_t wait_s = SECONDARY_FIRST_RETRY_S << shift;
	return wait_s < SECONDARY_LAST_RETRY_S ? wait_s : SECONDARY_LAST_RETRY_S;
}

void secondary_start(struct secondary *s)
{
	schedule(s, clock_mono_ns() + random_below(FIRST_LOOK_MS) * NS_PER_MS);
}

void secondary_check_now(struct secondary *s)
{
	if (s->job != NULL)
		s->is_again = true;
	else if (!s->is_stopped)
		schedule(s, clock_mono_ns());
}

void secondary_notified(struct secondary *s, unsigned from)
{
	if (from < s->n_primaries)
		s->first = from;
	secondary_check_now(s);
}

bool secondary_stop(struct secondary *s)
{
	const uint64_t one = 1;
	s->is_stopped = true;
	timer_cancel(s->home->loop, &s->due);
	if (s->job != NULL && write(s->job->stop_fd, &one, sizeof one) < 0)
		log_debug("a transfer is not told to stop: %s", strerror(errno));
	return s->job == NULL;
}

/* ---- looking ---- */

static void *run(void *arg)
{
	struct job *j = arg;
	pthread_setname_np(pthread_self(), "weir/transfer");
	refresh_run(&j->plan, &j->result);
	atomic_store_explicit(&j->is_finished, true, memory_order_release);
	loop_wake(j->loop);
	return NULL;
}

static void look(struct timer *t)
{
	struct secondary *s = CONTAINER_OF(t, struct secondary, due);
	struct job *j = NULL;
	if (s->is_stopped || s->home->is_stopping || s->job != NULL)
		return;
	if (s->home->n_jobs < TRANSFER_MAX_JOBS)
		j = calloc(1, sizeof *j);
	if (j == NULL) { /* others are at it: a little later */
		timer_set(s->home->loop, t, clock_mono_ns() + FIRST_LOOK_MS / 4 * NS_PER_MS);
		return;
	}
	j->loop = s->home->loop;
	j->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	j->plan = (struct refresh_plan){
		.zone = s->zone,
		.path = s->path,
		.primaries = s->primaries,
		.n_primaries = s->n_primaries,
		.first = s->first,
		.key = s->key,
		.tls = s->tls,
		.source_v4 = s->has_source[1] ? &s->sources[1] : NULL,
		.source_v6 = s->has_source[0] ? &s->sources[0] : NULL,
		.max_bytes = s->max_bytes,
		.stop_fd = j->stop_fd,
		.is_first = s->last_look_ns == 0,
	};
	s->last_look_ns = clock_mono_ns();
	s->is_again = false;
	int e = j->stop_fd < 0 ? errno : pthread_create(&j->thread, NULL, run, j);
	if (e != 0) {
		if (j->stop_fd >= 0)
			close(j->stop_fd);
		free(j);
		timer_set(s->home->loop, t, clock_mono_ns() + NS_PER_S);
		return;
	}
	s->job = j;
	s->home->n_jobs++;
}

/* When a primary last answered is remembered over a restart: for the expiry. */
static void mark_success(struct secondary *s)
{
	int fd = open(s->mark_path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	bool is_marked = fd >= 0 && futimens(fd, NULL) == 0;
	if (!is_marked && !s->is_unmarked)
		log_warning("list '%s': when its primary last answered cannot be kept: %s: %s",
		            s->list, s->mark_path, strerror(errno));
	s->is_unmarked = !is_marked;
	if (fd >= 0)
		close(fd);
}

static void succeed(struct secondary *s, const struct refresh_result *r)
{
	char from[ADDR_TEXT_MAX];
	if (s->n_failures > 0)
		log_info("list '%s': a primary answers again", s->list);
	/* One that is in its place although bringing its folder to the disk failed is current now. */
	bool is_new = r->outcome == REFRESH_NEW || !s->has_soa || s->soa.serial != r->soa.serial;
	s->n_failures = 0;
	s->error[0] = 0;
	s->has_soa = true;
	s->soa = r->soa;
	s->last_success_s = s->last_check_s;
	mark_success(s);
	bool was_expired = s->is_expired;
	s->is_expired = s->is_withdrawn = false;
	if (!is_new) {
		if (was_expired)
			log_info("list '%s': its primary answers again, nothing changed", s->list);
		return;
	}
	s->last_update_ns = clock_mono_ns();
	if (r->outcome != REFRESH_NEW) {
		log_info("list '%s': serial %" PRIu32 " is here", s->list, r->soa.serial);
		s->home->updated(s->home->arg, s->list);
		return;
	}
	endpoint_to_text(&r->primary, from);
	log_info("list '%s': serial %" PRIu32 " by %s from %s: %" PRIu64 " records in %" PRIu64
	         " bytes, %" PRIu64 " now%s%s%s",
	         s->list, r->soa.serial, r->is_delta ? "IXFR" : "AXFR", from, r->n_records,
	         r->n_bytes, r->n_lines, r->why[0] != 0 ? " (after " : "", r->why,
	         r->why[0] != 0 ? ")" : "");
	if (r->n_foreign > 0 || r->n_bad > 0)
		log_warning("list '%s': %" PRIu64 " records are not in the zone, %" PRIu64
		            " are damaged: left out",
		            s->list, r->n_foreign, r->n_bad);
	s->home->updated(s->home->arg, s->list);
}

/* RFC 1034 4.3.5: after `expire` without an answer the data may be wrong. */
static void withdraw(struct secondary *s)
{
	struct zone_writer w;
	int e = zone_writer_open(&w, s->path, "expired: no primary has answered for too long",
	                         NULL);
	if (e == 0)
		e = zone_writer_commit(&w);
	if (e != 0) {
		log_error("list '%s': cannot be withdrawn: %s", s->list, strerrordesc_np(-e));
		return;
	}
	s->is_withdrawn = true; /* its timers still count */
	s->home->updated(s->home->arg, s->list);
}

static void look_at_expiry(struct secondary *s)
{
	uint64_t age_s = s->last_check_s - s->last_success_s;
	if (s->is_expired || !s->has_soa || s->last_check_s < s->last_success_s ||
	    age_s <= s->soa.expire_s)
		return;
	s->is_expired = true;
	log_warning("list '%s': expired: no primary has answered for %" PRIu64
	            " seconds, and its SOA record allows %" PRIu32 "; %s",
	            s->list, age_s, s->soa.expire_s,
	            s->is_withdrawn_when_expired ? "the list is withdrawn"
	                                         : "the last version stays in force");
	if (s->is_withdrawn_when_expired)
		withdraw(s);
}

static void fail(struct secondary *s, const struct refresh_result *r)
{
	s->n_failures++;
	if (s->n_failures == 1 || strcmp(s->error, r->why) != 0)
		log_warning("list '%s': not transferred: %s%s", s->list, r->why,
		            s->has_soa && !s->is_withdrawn
		                    ? "; the version of before stays in force"
		                    : "");
	snprintf(s->error, sizeof s->error, "%s", r->why);
	look_at_expiry(s);
}

bool secondary_finish(struct secondary *s)
{
	struct job *j = s->job;
	if (j == NULL || !atomic_load_explicit(&j->is_finished, memory_order_acquire))
		return false;
	pthread_join(j->thread, NULL);
	s->job = NULL;
	s->home->n_jobs--;
	if (!s->home->is_stopping && !s->is_stopped) {
		s->last_check_s = clock_wall_ns() / NS_PER_S;
		if (j->result.outcome == REFRESH_FAILED)
			fail(s, &j->result);
		else
			succeed(s, &j->result);
	}
	close(j->stop_fd);
	free(j);
	if (s->is_stopped || s->home->is_stopping)
		return true;
	uint64_t wait_ns = secondary_interval_ns(s->n_failures > 0 ? retry_s(s) : s->soa.refresh_s);
	schedule(s, clock_mono_ns() + (s->is_again ? 0 : wait_ns));
	return true;
}

/* ---- being looked at ---- */

const char *secondary_list(const struct secondary *s)
{
	return s->list;
}

const struct name *secondary_zone(const struct secondary *s)
{
	return &s->zone;
}

const struct tsig_key *secondary_key(const struct secondary *s)
{
	return s->key;
}

const struct endpoint *secondary_primaries(const struct secondary *s, unsigned *ret_n)
{
	*ret_n = s->n_primaries;
	return s->primaries;
}

void secondary_view(const struct secondary *s, struct transfer_view *ret)
{
	*ret = (struct transfer_view){
		.list = s->list,
		.zone = &s->zone,
		.has_version = s->has_soa && !s->is_withdrawn,
		.serial = s->soa.serial,
		.last_check_s = s->last_check_s,
		.last_success_s = s->last_success_s,
		.next_check_s = s->next_check_s,
		.is_expired = s->is_expired,
		.is_busy = s->job != NULL,
		.error = s->error,
	};
}
