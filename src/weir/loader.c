/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/loader.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "local/local.h"
#include "policy/policy.h"
#include "weir/specs.h"

enum {
	LOADER_NICE = 10,
	LOADER_LARGE = 1000000, /* names: from so many on a load takes long enough to be noticed */
	LOADER_PATIENCE_MS = 1000,
	LOADER_LEAST_PART = 5, /* of a core; with less it is not idle any more, only nice */
	MESSAGES_MAX = 200,
	MESSAGE_BYTES = 700,
	/* Rules that expire within so many seconds go together. */
	EXPIRY_EVERY_S = 30,
	EXPIRY_RETRY_MAX_S = 3600,
	/* What failed for want of memory, of disk or of luck is tried again: doubled each time. */
	RETRY_FIRST_S = 1,
	RETRY_MAX_S = 300,
	/* A file that was missing is read when it is there and has not been written for some seconds. */
	MISSING_EVERY_S = 5,
	MISSING_REST_S = 2,
};

struct loader {
	char *config_path;
	struct loop *main_loop;
	struct config *config; /* in force */
	struct specs *specs;   /* of it */
	struct policy_image *image;
	struct feeds_report *reports; /* of the last compile that came into force */
	unsigned n_reports;
	uint64_t n_loads, last_s;
	uint64_t changes_s;     /* of the image: when its lists are to be read again; 0: never */
	uint64_t not_before_ns; /* but no earlier; monotonic */
	unsigned n_failed;      /* loads in a row */
	uint64_t looked_s;      /* for files of lists that are missing */
	unsigned n_missing;     /* then, since the last load */
	bool is_missing_counted;

	/* Somebody said that lists are new, and no load since then is in force. */
	bool is_due;
	bool is_unkept, is_unread; /* of the last one in force: struct feeds_result */
	bool is_behind; /* and one has failed, or could not write what it made: at retry_ns again */
	unsigned n_retries;
	uint64_t retry_ns; /* monotonic */

	/* one load */
	pthread_t thread;
	bool is_running, is_queued, is_queued_with_config, with_config;
	_Atomic bool is_finished;
	_Atomic bool is_idle; /* the thread runs only where nothing else wants to */
	atomic_bool stop;
	struct config *next_config;
	struct specs *next_specs;
	struct local *next_local; /* with the configuration */
	struct feeds_result result;
	bool has_result;
	int error;
	uint64_t start_ns;
	char error_text[512];
	unsigned n_messages;
	const char *messages[MESSAGES_MAX];
	char texts[MESSAGES_MAX][MESSAGE_BYTES];
};

static void say(struct loader *l, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct loader *l, const char *format, ...)
{
	if (l->n_messages == MESSAGES_MAX)
		return;
	char *to = l->texts[l->n_messages];
	va_list args;
	va_start(args, format);
	vsnprintf(to, MESSAGE_BYTES, format, args);
	va_end(args);
	l->messages[l->n_messages++] = to;
}

int loader_new(const char *config_path, struct config *config, struct loop *main_loop,
               struct loader **ret)
{
	struct loader *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	l->config_path = strdup(config_path);
	l->config = config;
	l->main_loop = main_loop;
	int e = l->config_path == NULL ? -ENOMEM : specs_new(config, &l->specs);
	if (e != 0) {
		l->config = NULL; /* stays the caller's */
		loader_free(l);
		return e;
	}
	*ret = l;
	return 0;
}

void loader_free(struct loader *l)
{
	if (l == NULL)
		return;
	if (l->is_running) {
		atomic_store(&l->stop, true);
		pthread_join(l->thread, NULL);
	}
	if (l->has_result)
		feeds_result_done(&l->result);
	specs_free(l->next_specs);
	local_free(l->next_local);
	config_free(l->next_config);
	specs_free(l->specs);
	config_free(l->config);
	policy_image_put(l->image);
	free(l->reports);
	free(l->config_path);
	free(l);
}

static struct feeds_plan plan_of(struct loader *l, const struct config *c, const struct specs *s)
{
	return (struct feeds_plan){
		.lists = s->feeds,
		.n_lists = s->n_lists,
		.state_dir = c->state,
		.keep_versions = c->keep_versions,
		.is_again = l->is_unkept,
		.stop = &l->stop,
	};
}

/*
 * Both or neither; `local` (NULL: as it was) is taken. It goes first: what answers remember of the
 * policy's verdict rests on it too, and is forgotten with the new generation.
 */
static int publish(struct policy_image *image, const struct specs *s, struct local **local)
{
	struct policy *p;
	int e = policy_new(image, s->lists, s->n_lists, s->groups, s->n_groups, &p);
	if (e != 0)
		return e;
	if (*local != NULL)
		local_publish(*local);
	*local = NULL;
	policy_publish(p);
	return 0;
}

static void new_hash_key(void)
{
	struct siphash_key key = { .k0 = random_u64(), .k1 = random_u64() };
	name_set_hash_key(&key);
}

/* What is known of lists that were not read again is what reading them said. */
static void reports_carry(const struct loader *l, struct feeds_result *r)
{
	for (unsigned i = 0; i < r->n_reports; i++) {
		const struct feeds_report *old = loader_report(l, r->reports[i].name);
		if (r->reports[i].is_kept && old != NULL) {
			r->reports[i] = *old;
			r->reports[i].is_kept = true;
		}
	}
}

/* Take what the lists gave: the reports, and the image if there is a new one. */
static void keep_result(struct loader *l)
{
	struct feeds_result *r = &l->result;
	if (!r->is_unchanged) {
		policy_image_put(l->image);
		l->image = r->image;
		r->image = NULL;
		reports_carry(l, r);
		free(l->reports);
		l->reports = r->reports;
		l->n_reports = r->n_reports;
		r->reports = NULL;
		r->n_reports = 0;
	}
	l->is_unkept = r->is_unkept;
	l->is_unread = r->is_unread;
	l->n_loads++;
	l->last_s = clock_wall_ns() / NS_PER_S;
	l->is_missing_counted = false;
}

static void note_changes(struct loader *l)
{
	struct feeds_plan plan = plan_of(l, l->config, l->specs);
	l->changes_s = feeds_changes_s(&plan, l->image);
}

/* Nothing is read: what the image says of its lists is what is known. */
static int report_image(struct loader *l)
{
	struct feeds_plan plan = plan_of(l, l->config, l->specs);
	l->reports = calloc(plan.n_lists + 1U, sizeof *l->reports);
	if (l->reports == NULL)
		return -ENOMEM;
	l->n_reports = plan.n_lists;
	feeds_known(&plan, l->image, l->reports);
	return 0;
}

static void log_line(void *arg, const char *line)
{
	(void)arg;
	log_warning("%s", line);
}

/* Zone files and hosts files are read before the first question. */
static int start_local(struct loader *l)
{
	const struct local_listener listener = { .say = log_line };
	struct local_counts n;
	uint64_t start_ns = clock_mono_ns();
	int e = local_new(l->config, &listener, &l->next_local);
	if (e != 0) {
		log_error("local data cannot be used: %s", strerror(-e));
		return e;
	}
	local_count(l->next_local, &n);
	log_info("local data: %u zones, %u records, read in %u ms", n.zones, n.records,
	         (unsigned)((clock_mono_ns() - start_ns) / NS_PER_MS));
	return 0;
}

/* Returns in how many seconds. */
static unsigned retry_later(struct loader *l)
{
	unsigned wait_s = RETRY_FIRST_S;
	for (unsigned i = 0; i < l->n_retries && wait_s < RETRY_MAX_S; i++)
		wait_s *= 2;
	if (wait_s > RETRY_MAX_S)
		wait_s = RETRY_MAX_S;
	l->n_retries++;
	l->is_behind = true;
	l->retry_ns = clock_mono_ns() + wait_s * NS_PER_S;
	return wait_s;
}

int loader_start(struct loader *l, bool *ret_is_current)
{
	struct feeds_plan plan = plan_of(l, l->config, l->specs);
	bool is_current = false;
	uint64_t start_ns = clock_mono_ns();
	int e = feeds_open(&plan, true, &l->image, &is_current);
	if (e != 0) {
		if (e != -ENOENT)
			log_warning(
				"the compiled policy in %s cannot be used (%s): reading the lists",
				l->config->state, strerror(-e));
		new_hash_key();
		e = feeds_compile(&plan, NULL, &l->result);
		if (e != 0) {
			feeds_result_done(&l->result);
			log_error("the lists could not be compiled: %s", strerror(-e));
			return e;
		}
		is_current = true;
		for (unsigned i = 0; i < l->result.n_reports; i++) {
			if (l->result.reports[i].message[0] != 0)
				log_warning("%s", l->result.reports[i].message);
			feeds_report_log(&l->result.reports[i]);
		}
		keep_result(l);
		feeds_result_done(&l->result);
	} else if (is_current) {
		e = report_image(l);
	}
	if (e == 0)
		e = start_local(l);
	if (e != 0)
		return e;
	note_changes(l);
	e = publish(l->image, l->specs, &l->next_local);
	if (e != 0) {
		log_error("the policy could not be put in force: %s", strerror(-e));
		return e;
	}
	l->last_s = clock_wall_ns() / NS_PER_S;
	if (l->is_unkept || l->is_unread)
		(void)retry_later(l);
	log_info("policy in force after %u ms%s",
	         (unsigned)((clock_mono_ns() - start_ns) / NS_PER_MS),
	         is_current ? "" : " (the last good one; the lists changed and are read now)");
	*ret_is_current = is_current;
	return 0;
}

/* ---- the thread ---- */

static bool load_config(struct loader *l)
{
	struct config_problems problems = { 0 };
	char line[MESSAGE_BYTES];
	int e = config_load(l->config_path, &l->next_config, &problems);
	for (unsigned i = 0; i < problems.n; i++) {
		config_problem_text(&problems, i, line, sizeof line);
		say(l, "%s", line);
	}
	if (e != 0 && e != -EINVAL)
		snprintf(l->error_text, sizeof l->error_text,
		         "%s cannot be read: %s; everything stays as it was", l->config_path,
		         strerror(-e));
	else if (e != 0)
		snprintf(l->error_text, sizeof l->error_text,
		         "%s has %u mistake%s; everything stays as it was", l->config_path,
		         problems.n_errors, problems.n_errors == 1 ? "" : "s");
	config_problems_done(&problems);
	return e == 0;
}

static void say_line(void *arg, const char *line)
{
	say(arg, "%s", line);
}

/* Sets l->error. */
static void load_local(struct loader *l)
{
	const struct local_listener listener = { .say = say_line, .arg = l };
	l->error = local_new(l->next_config, &listener, &l->next_local);
	if (l->error != 0)
		snprintf(l->error_text, sizeof l->error_text,
		         "local data cannot be used: %s; everything stays as it was",
		         strerror(-l->error));
}

/*
 * Where workers have the core to themselves otherwise, answers go before lists. Linux keeps the
 * priority for each thread; without it loading is only ruder. A nice thread still runs to the end of
 * its slice, a millisecond or more, when a packet comes for the worker of its core; one that is idle
 * makes way at once. That is for loads that take long enough to be noticed; see loader_tick().
 */
static void step_back(struct loader *l)
{
	id_t self = (id_t)gettid();
	const struct sched_param none = { 0 };
	uint32_t names = 0, over = 0;
	int nice = getpriority(PRIO_PROCESS, self) + LOADER_NICE;
	(void)setpriority(PRIO_PROCESS, self, nice);
	/* Who may not be less nice again may not come back from being idle either. */
	bool can_return = setpriority(PRIO_PROCESS, self, nice - 1) == 0 &&
	                  setpriority(PRIO_PROCESS, self, nice) == 0;
	if (l->image != NULL)
		policy_image_count(l->image, &names, &over);
	if (names >= LOADER_LARGE && can_return && sched_setscheduler(0, SCHED_IDLE, &none) == 0)
		atomic_store(&l->is_idle, true);
}

static void *run(void *arg)
{
	struct loader *l = arg;
	pthread_setname_np(pthread_self(), "weir/load");
	step_back(l);
	if (l->with_config && !load_config(l)) {
		l->error = -EINVAL;
	} else {
		const struct config *c = l->with_config ? l->next_config : l->config;
		if (l->with_config)
			l->error = specs_new(c, &l->next_specs);
		if (l->error == 0 && l->with_config)
			load_local(l);
		if (l->error == 0) {
			struct feeds_plan plan =
				plan_of(l, c, l->with_config ? l->next_specs : l->specs);
			l->error = feeds_compile(&plan, l->image, &l->result);
			l->has_result = true;
		}
		if (l->error != 0 && l->error_text[0] == 0)
			snprintf(l->error_text, sizeof l->error_text,
			         "the lists could not be compiled: %s; everything stays as it was",
			         strerror(-l->error));
	}
	atomic_store(&l->is_finished, true);
	loop_wake(l->main_loop);
	return NULL;
}

int loader_begin(struct loader *l, bool with_config)
{
	l->is_due |= !with_config;
	if (l->is_running) {
		l->is_queued = true;
		l->is_queued_with_config |= with_config;
		return -EBUSY;
	}
	l->is_queued = l->is_queued_with_config = false; /* this one reads what is there now */
	l->with_config = with_config;
	l->error = 0;
	l->error_text[0] = 0;
	l->n_messages = 0;
	l->start_ns = clock_mono_ns();
	atomic_store(&l->is_finished, false);
	atomic_store(&l->is_idle, false);
	int e = pthread_create(&l->thread, NULL, run, l);
	l->is_running = e == 0;
	if (e != 0 && l->is_due)
		(void)retry_later(l);
	return -e;
}

/* ---- the main thread again ---- */

/*
 * Messages are logged by who takes them. What was said of a list before is not said again when
 * another feed has a new version, only when somebody asks for a reload.
 */
static void tell_reports(struct loader *l)
{
	for (unsigned i = 0; i < l->result.n_reports; i++) {
		const struct feeds_report *r = &l->result.reports[i];
		const struct feeds_report *old = loader_report(l, r->name);
		bool is_said = old != NULL && strcmp(old->message, r->message) == 0;
		feeds_report_log(r);
		if (r->message[0] == 0 || (is_said && !l->with_config))
			continue;
		if (l->n_messages == MESSAGES_MAX)
			log_warning("%s", r->message);
		else
			say(l, "%s", r->message);
	}
}

/* The new configuration takes the old one's place. */
static void keep_config(struct loader *l)
{
	char options[400];
	if (config_needs_restart(l->config, l->next_config, options, sizeof options) > 0)
		say(l, "these options changed and are in force after a restart: %s", options);
	specs_free(l->specs);
	config_free(l->config);
	l->specs = l->next_specs;
	l->config = l->next_config;
	l->next_specs = NULL;
	l->next_config = NULL;
}

static void drop_next(struct loader *l)
{
	specs_free(l->next_specs);
	local_free(l->next_local);
	config_free(l->next_config);
	l->next_specs = NULL;
	l->next_local = NULL;
	l->next_config = NULL;
}

static bool put_in_force(struct loader *l)
{
	const struct specs *s = l->with_config ? l->next_specs : l->specs;
	struct policy_image *image = l->result.is_unchanged ? l->image : l->result.image;
	int e = publish(image, s, &l->next_local);
	if (e != 0) {
		snprintf(l->error_text, sizeof l->error_text,
		         "the policy could not be put in force: %s", strerror(-e));
		return false;
	}
	keep_result(l);
	if (l->with_config)
		keep_config(l);
	return true;
}

/* What was asked for while another load ran. 0, or -errno: it cannot be begun. */
static int begin_queued(struct loader *l)
{
	if (l->is_running || !l->is_queued)
		return 0;
	bool with_config = l->is_queued_with_config;
	l->is_queued = l->is_queued_with_config = false;
	return loader_begin(l, with_config);
}

/* Is there reason to read the lists again by ourselves? */
static void look_back(struct loader *l, bool is_in_force)
{
	size_t n = strlen(l->error_text);
	bool is_hopeless = l->error == -EBADMSG || l->error == -ECANCELED;
	bool is_whole = !l->is_unkept && !l->is_unread;
	if (is_in_force && is_whole) {
		l->is_due = l->is_queued;
		l->is_behind = false;
		l->n_retries = 0;
	} else if (is_in_force) {
		(void)retry_later(l);
	} else if (l->is_due && !is_hopeless) {
		unsigned wait_s = retry_later(l);
		snprintf(l->error_text + n, sizeof l->error_text - n, "; next attempt in %u s",
		         wait_s);
	}
}

/* When expiry may start a load again. A policy that takes long to load is not loaded all the time. */
static void wait_for_expiry(struct loader *l, uint64_t took_ms)
{
	uint64_t wait_s = EXPIRY_EVERY_S + 4 * took_ms / 1000;
	for (unsigned i = 0; i < l->n_failed && wait_s < EXPIRY_RETRY_MAX_S; i++)
		wait_s *= 2;
	if (l->n_failed > 0 && wait_s > EXPIRY_RETRY_MAX_S)
		wait_s = EXPIRY_RETRY_MAX_S;
	l->not_before_ns = clock_mono_ns() + wait_s * NS_PER_S;
}

bool loader_is_finished(const struct loader *l)
{
	return l->is_running && atomic_load(&l->is_finished);
}

bool loader_finish(struct loader *l, struct loader_outcome *ret)
{
	if (!l->is_running || !atomic_load(&l->is_finished)) {
		int e = begin_queued(l);
		if (e == 0)
			return false;
		snprintf(l->error_text, sizeof l->error_text, "it cannot be started: %s",
		         strerror(-e));
		*ret = (struct loader_outcome){ .config = l->config };
		memcpy(ret->error, l->error_text, sizeof ret->error);
		return true;
	}
	pthread_join(l->thread, NULL);
	l->is_running = false;
	if (l->has_result)
		tell_reports(l);
	bool is_in_force = l->error == 0 && put_in_force(l);
	if (!is_in_force)
		drop_next(l);
	if (l->has_result)
		feeds_result_done(&l->result);
	l->has_result = false;
	*ret = (struct loader_outcome){
		.is_in_force = is_in_force,
		.has_new_config = is_in_force && l->with_config,
		.messages = l->messages,
		.n_messages = l->n_messages,
		.took_ms = (uint32_t)((clock_mono_ns() - l->start_ns) / NS_PER_MS),
		.config = l->config,
	};
	look_back(l, is_in_force);
	memcpy(ret->error, l->error_text, sizeof ret->error);
	if (is_in_force)
		note_changes(l);
	if (is_in_force || !l->with_config)
		l->n_failed = is_in_force ? 0 : l->n_failed + 1;
	wait_for_expiry(l, ret->took_ms);
	if (l->is_queued)
		loop_wake(l->main_loop); /* next turn: the messages are read before */
	return true;
}

/* Where others want all of the machine all of the time, an idle thread would never end. */
static void hurry(struct loader *l, uint64_t now_ns)
{
	const struct sched_param none = { 0 };
	uint64_t wall_ns = now_ns - l->start_ns, cpu_ns;
	struct timespec ts;
	clockid_t clock;
	if (!atomic_load(&l->is_idle) || wall_ns < LOADER_PATIENCE_MS * NS_PER_MS ||
	    pthread_getcpuclockid(l->thread, &clock) != 0 || clock_gettime(clock, &ts) != 0)
		return;
	cpu_ns = (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
	if (cpu_ns < wall_ns / LOADER_LEAST_PART &&
	    pthread_setschedparam(l->thread, SCHED_OTHER, &none) == 0)
		atomic_store(&l->is_idle, false);
}

/* Lists whose file was missing: when it was read, and now. */
static void count_missing(const struct loader *l, uint64_t now_s, unsigned *ret_then,
                          unsigned *ret_now)
{
	struct stat st;
	*ret_then = *ret_now = 0;
	for (unsigned i = 0; i < l->specs->n_lists; i++) {
		const struct feeds_list *list = &l->specs->feeds[i];
		const struct feeds_report *r = loader_report(l, list->spec->name);
		if (list->is_fetched || list->is_every || r == NULL || r->error != -ENOENT)
			continue;
		++*ret_then;
		*ret_now += stat(list->spec->path, &st) != 0 ||
		            (uint64_t)st.st_mtime + MISSING_REST_S > now_s;
	}
}

/* One is there now: of a disk that is mounted later. One that is refused is not read again. */
static bool has_come(struct loader *l, uint64_t now_s)
{
	unsigned then, now;
	if (now_s < l->looked_s + MISSING_EVERY_S)
		return false;
	l->looked_s = now_s;
	count_missing(l, now_s, &then, &now);
	unsigned before = l->is_missing_counted ? l->n_missing : then;
	l->n_missing = now;
	l->is_missing_counted = true;
	if (now >= before)
		return false;
	log_info("a file of a list that was missing is there: the lists are read");
	return true;
}

void loader_tick(struct loader *l, uint64_t now_s)
{
	uint64_t now_ns = clock_mono_ns();
	if (l->is_running)
		hurry(l, now_ns);
	bool is_retry = l->is_behind && now_ns >= l->retry_ns;
	bool is_overdue = l->changes_s != 0 && now_s >= l->changes_s && now_ns >= l->not_before_ns;
	if (l->is_running || (!is_retry && !is_overdue && !has_come(l, now_s)))
		return;
	int e = loader_begin(l, false);
	if (e == 0)
		return;
	log_warning("the lists cannot be read again: %s; next attempt in %u s", strerror(-e),
	            (unsigned)((l->retry_ns - now_ns) / NS_PER_S));
	l->n_failed++;
	wait_for_expiry(l, 0);
}

const struct config *loader_config(const struct loader *l)
{
	return l->config;
}

const struct feeds_list *loader_feeds(const struct loader *l, unsigned *ret_n)
{
	*ret_n = l->specs->n_lists;
	return l->specs->feeds;
}

const struct feeds_report *loader_report(const struct loader *l, const char *list_name)
{
	for (unsigned i = 0; i < l->n_reports; i++) {
		if (strcmp(l->reports[i].name, list_name) == 0)
			return &l->reports[i];
	}
	return NULL;
}

bool loader_is_unkept(const struct loader *l)
{
	return l->is_unkept;
}

uint64_t loader_count(const struct loader *l)
{
	return l->n_loads;
}

uint64_t loader_time_s(const struct loader *l)
{
	return l->last_s;
}
