/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weir serve: puts everything together, starts it, and keeps house until it is told to end. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rcu.h"
#include "local/local.h"
#include "weir/command.h"
#include "weir/manager.h"
#include "weir/privileges.h"
#include "weir/server.h"

int cmd_serve(int argc, char **argv);
extern const char cmd_serve_help[];

const char cmd_serve_help[] =
	"Usage: weir serve [OPTION]...\n"
	"Answer questions until told to stop. Runs in the foreground; messages go to standard error.\n"
	"\n"
	"  -c, --config=FILE   the configuration (default: see weir check --help)\n"
	"  -h, --help          show this help\n"
	"\n"
	"Signals: SIGHUP reads configuration and lists anew and reopens the event file;\n"
	"SIGTERM and SIGINT answer what is in flight, then end.\n"
	"\n"
	"Exit status: 0 after a signal to end, 1 when it could not start, 2 for a wrong option.\n";

enum {
	GRACE_MS = 3000,
	EVENT_RING_BYTES = 4 << 20, /* some 15,000 events: over 100 ms of them at full speed */
	FIREWALL_CHECK_S = 5,
	TRANSFER_RETRY_S = 5,
	REACH_LOOK_MS = 500,
	REACH_GIVE_UP_MS = 6000,
};

/* ---- starting ---- */

static int make_folder(const char *path)
{
	if (path == NULL || *path == 0 || mkdir(path, 0750) == 0 || errno == EEXIST)
		return 0;
	log_error("the state folder %s cannot be made: %s", path, strerror(errno));
	return -errno;
}

static int start_policy(struct server *s, const struct config *c, bool *ret_is_current)
{
	char journal[4200] = "";
	int e = make_folder(c->state);
	if (e != 0)
		return e;
	if (c->state != NULL && *c->state != 0)
		snprintf(journal, sizeof journal, "%s/edits.jsonl", c->state);
	else
		log_warning("no `state:` folder is configured: edits and compiled lists will not "
		            "outlive this process");
	e = loader_start(s->loader, ret_is_current);
	if (e != 0)
		return e;
	e = policy_edits_open(journal);
	if (e != 0)
		log_error("the edits in %s cannot be used: %s", journal, strerror(-e));
	return e;
}

static int start_events(struct server *s, const struct config *c, unsigned n_workers)
{
	bool has_file = c->events.file != NULL && *c->events.file != 0;
	if (!has_file && !c->incidents.enable && c->alerts.n == 0)
		return 0;
	struct events_config config = {
		.path = has_file ? c->events.file : NULL,
		.observer = alerting_observer(s->alerting),
		.max_bytes = c->events.max_bytes,
		.keep = c->events.keep,
		.n_rings = n_workers + 1, /* the last is the main thread's */
		.ring_bytes = EVENT_RING_BYTES,
	};
	int e = events_start(&config, &s->events);
	if (e != 0)
		log_error("events cannot be written to %s: %s",
		          has_file ? c->events.file : "memory", strerror(-e));
	return e;
}

static int start_trust(struct server *s, const struct config *c)
{
	struct trust_plan plan = {
		.config = c,
		.cache = s->cache,
		.loop = s->loop,
		.ring = s->events != NULL ? events_ring(s->events, s->n_workers) : NULL,
		.workers = s->workers,
		.n_workers = s->n_workers,
	};
	return trust_start(&plan, &s->trust);
}

static int start_learning(struct server *s, const struct config *c)
{
	struct learn_notes *notes[WORKERS_MAX];
	struct learning_plan plan = {
		.config = c,
		.notes = notes,
		.n_notes = s->n_workers,
		.ring = s->events != NULL ? events_ring(s->events, s->n_workers) : NULL,
	};
	for (unsigned i = 0; i < s->n_workers; i++)
		notes[i] = worker_notes(s->workers[i]);
	return learning_start(&plan, &s->learning);
}

static void add_seen(struct server *s)
{
	for (unsigned i = 0; i < s->n_workers; i++)
		seeing_add(s->seeing, worker_seen(s->workers[i]));
}

static uint64_t transferred_s(void *arg, const char *list)
{
	const struct server *s = arg;
	struct transfer_view v;
	return transfer_find(s->transfer, list, &v) ? v.last_success_s : 0;
}

static int start_fetching(struct server *s, const struct config *c)
{
	struct fetching_plan plan = { .loop = s->loop,
		                      .loader = s->loader,
		                      .ring = s->events != NULL
		                                      ? events_ring(s->events, s->n_workers)
		                                      : NULL,
		                      .hosts = s->hosts,
		                      .transferred_s = transferred_s,
		                      .arg = s };
	int e = fetching_start(&plan, &s->fetching);
	if (e == 0)
		fetching_configure(s->fetching, c);
	return e;
}

static int start_firewall(struct server *s, const struct config *c)
{
	const struct firewall_plan plan = { .table = c->firewall.table,
		                            .set_v4 = c->firewall.set_v4,
		                            .set_v6 = c->firewall.set_v6,
		                            .timeout_min_s = c->firewall.timeout_min_s };
	if (plan.table == NULL || plan.table[0] == 0)
		return 0;
	int e = firewall_new(&plan, &s->firewall);
	if (e != 0)
		log_error("firewall.table: %s cannot be filled: %s", plan.table, strerror(-e));
	return e;
}

static int open_workers(struct server *s, const struct config *c, unsigned n)
{
	int e = parts_resolve(c, &s->resolve);
	if (e != 0)
		return e;
	s->resolve.config.detect = s->detecting.detect;
	for (unsigned i = 0; i < n && e == 0; i++) {
		struct worker_plan plan = {
			.config = c,
			.cache = s->cache,
			.options = s->options,
			.zones = transfer_zones(s->transfer),
			.resolve = &s->resolve.config,
			.firewall = s->firewall,
			.detect = s->detecting.detect,
		};
		const struct endpoint *failed;
		char text[ADDR_TEXT_MAX];
		e = worker_open(&plan, &s->workers[i], &failed);
		if (e == 0) {
			s->counters[s->n_workers] = worker_counters(s->workers[i]);
			s->list_counts[s->n_workers] = worker_list_counts(s->workers[i]);
			s->n_workers++;
			continue;
		}
		if (failed != NULL) {
			endpoint_to_text(failed, text);
			log_error("cannot listen on %s: %s%s", text, strerror(-e),
			          e == -EADDRINUSE ? "; is another DNS server running there?"
			          : e == -EACCES   ? "; ports below 1024 need root or "
			                             "CAP_NET_BIND_SERVICE"
			                           : "");
		} else {
			log_error("a worker cannot be made: %s", strerror(-e));
		}
	}
	return e;
}

/* ---- keeping house ---- */

/* Lists that hold at some hours only. */
static void wake_lists(const struct config *c)
{
	time_t now = time(NULL);
	for (unsigned i = 0; i < c->lists.n; i++) {
		const struct config_list *l = &c->lists.at[i];
		if (l->hours.n > 0)
			policy_list_set_asleep(l->name, !config_list_holds(l, now));
	}
}

/* On a closed network nothing resolves: say so within seconds, and what to write. */
static void look_upstream(struct timer *t)
{
	struct server *s = CONTAINER_OF(t, struct server, reach);
	int state = resolver_upstream_state(worker_resolver(s->workers[0]));
	uint64_t now_ns = loop_now_ns(s->loop);
	if (state == 1) {
		log_info("servers on the Internet can be reached: ready to resolve");
		return;
	}
	if (state == -1 && now_ns - s->reach_since_ns < REACH_GIVE_UP_MS * NS_PER_MS) {
		timer_set(s->loop, t, now_ns + REACH_LOOK_MS * NS_PER_MS);
		return;
	}
	if (loader_config(s->loader)->resolver.forwards.n > 0)
		log_warning("no forwarder answers: names cannot be resolved now; look at "
		            "resolver.forward in %s",
		            s->config_path);
	else
		log_warning("no root server answers: this network does not let DNS out, so names "
		            "cannot be resolved from the root. Listed names are still blocked. To "
		            "ask another resolver instead, write into %s:\n\n"
		            "    resolver:\n"
		            "      forward:\n"
		            "        - zone: \".\"\n"
		            "          to: [\"ADDRESS-OF-YOUR-RESOLVER@53\"]\n",
		            s->config_path);
}

static void reload(struct server *s)
{
	if (loader_begin(s->loader, true) == -EBUSY)
		log_info("a reload is under way; another follows it");
}

static void read_signals(struct watcher *w, uint32_t events)
{
	(void)events;
	struct server *s = CONTAINER_OF(w, struct server, signals);
	struct signalfd_siginfo info;
	while (read(w->fd, &info, sizeof info) == sizeof info) {
		if (info.ssi_signo == SIGHUP) {
			log_info("reload, as SIGHUP asks");
			if (s->events != NULL)
				events_reopen(s->events);
			reload(s);
		} else {
			log_info("ending, as %s asks",
			         info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
			loop_stop(s->loop);
		}
	}
}

static void set_options(struct server *s, const struct config *c)
{
	struct serve_options *old = s->options, *made = parts_serve(c);
	if (made == NULL) {
		log_error(
			"no memory for the options of the server: those of before hold until the next reload");
		return;
	}
	s->options = made;
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_set_options(s->workers[i], s->options);
	rcu_retire(old, free);
	rcu_flush();
}

static void set_log_level(const struct config *c)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(names[i], c->server.log_level) == 0)
			log_set_level((enum log_level)i);
	}
}

static void tell_answers(struct server *s)
{
	for (struct asking *a = asking_take_all(&s->answered), *next; a != NULL; a = next) {
		next = a->next;
		if (s->control != NULL)
			control_ask_finished(s->control, a->token, a->error,
			                     a->error == 0 ? a->message : NULL, a->n);
		free(a);
	}
}

/* A zone has come: its file is read like any list's. */
static void zone_updated(void *arg, const char *list)
{
	struct server *s = arg;
	(void)list;
	int e = loader_begin(s->loader, false);
	if (e != 0 && e != -EBUSY)
		log_error("a reload could not be started: %s", strerror(-e));
}

/* What fails now is tried again soon. */
static void configure_transfer(struct server *s, const struct config *c)
{
	unsigned n;
	const struct feeds_list *feeds = loader_feeds(s->loader, &n);
	int e = transfer_configure(s->transfer, c, feeds, n);
	s->transfer_wait_s = e != 0 ? TRANSFER_RETRY_S : 0;
	if (e != 0)
		log_warning(
			"policy zones are followed and published as before: %s; next attempt in %u s",
			strerror(-e), s->transfer_wait_s);
}

static int start_transfer(struct server *s, const struct config *c)
{
	const struct transfer_plan plan = {
		.loop = s->loop,
		.updated = zone_updated,
		.arg = s,
		.tls_listen = c->publish_tls.listen.at,
		.n_tls_listen = c->publish_tls.listen.n,
	};
	int e = transfer_new(&plan, &s->transfer);
	if (e != 0)
		log_error("zone transfers cannot be set up: %s", strerror(-e));
	return e;
}

static void woken(void *arg)
{
	struct server *s = arg;
	struct loader_outcome o;
	tell_answers(s);
	trust_woken(s->trust);
	hosts_woken(s->hosts);
	fetching_woken(s->fetching);
	alerting_woken(s->alerting);
	transfer_woken(s->transfer);
	if (loader_is_finished(s->loader))
		transfer_pause(s->transfer); /* the lists of before may go */
	if (!loader_finish(s->loader, &o))
		return;
	for (unsigned i = 0; i < o.n_messages; i++)
		log_warning("%s", o.messages[i]);
	fetching_loaded(s->fetching, o.is_in_force);
	if (o.is_in_force) {
		set_log_level(o.config);
		set_options(s, o.config);
		/* It reads files: not for each list that is new. */
		if (o.has_new_config && detect_configure(s->detecting.detect, o.config) != 0)
			log_warning(
				"the detectors go on with their settings of before: out of memory");
		if (o.has_new_config)
			configure_transfer(s, o.config);
		transfer_reloaded(s->transfer);
		if (o.has_new_config)
			fetching_configure(s->fetching, o.config);
		if (o.has_new_config)
			alerting_configure(s->alerting, o.config);
		log_info("reloaded in %u ms", o.took_ms);
	} else {
		log_error("reload refused: %s", o.error);
	}
	struct api_reload_result result = {
		.is_in_force = o.is_in_force,
		.error = o.is_in_force ? NULL : o.error,
		.messages = o.messages,
		.n_messages = o.n_messages,
		.took_ms = o.took_ms,
	};
	if (s->control != NULL)
		control_reload_finished(s->control, &result);
}

static void every_second(struct timer *t)
{
	struct server *s = CONTAINER_OF(t, struct server, second);
	woken(s); /* a thread that could not wake us has its turn now */
	if (s->transfer_wait_s > 0 && --s->transfer_wait_s == 0)
		configure_transfer(s, loader_config(s->loader));
	policy_edits_expire(clock_wall_ns() / NS_PER_S);
	resolve_root_zone_tick(loader_config(s->loader)->resolver.root_zone,
	                       clock_wall_ns() / NS_PER_S);
	loader_tick(s->loader, clock_wall_ns() / NS_PER_S);
	wake_lists(loader_config(s->loader));
	trust_tick(s->trust);
	detecting_tick(&s->detecting, clock_wall_ns() / NS_PER_S);
	learning_tick(s->learning, loader_config(s->loader), clock_wall_ns() / NS_PER_S);
	seeing_tick(s->seeing, s->events != NULL ? events_ring(s->events, s->n_workers) : NULL);
	fetching_tick(s->fetching);
	alerting_tick(s->alerting);
	if (++s->n_seconds % FIREWALL_CHECK_S == 0)
		firewall_check(s->firewall);
	timer_set(s->loop, t, loop_now_ns(s->loop) + NS_PER_S);
}

/* ---- the whole ---- */

static int start_signals(struct server *s)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* inherited by all threads */
	signal(SIGPIPE, SIG_IGN);
	s->signals.ready = read_signals;
	s->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signals.fd < 0 ? -errno : loop_add(s->loop, &s->signals, EPOLLIN);
}

static unsigned count_workers(const struct config *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = c->server.workers != 0 ? c->server.workers : (unsigned)(cores > 0 ? cores : 1);
	return n < WORKERS_MAX ? n : WORKERS_MAX;
}

static void tell_start(const struct server *s, const struct config *c)
{
	char text[ADDR_TEXT_MAX];
	for (unsigned i = 0; i < c->server.listen.n; i++) {
		endpoint_to_text(&c->server.listen.at[i], text);
		log_info("listening on %s, UDP and TCP", text);
	}
	log_info("weir %s answers, %u worker%s", WEIR_VERSION, s->n_workers,
	         s->n_workers == 1 ? "" : "s");
}

static int start(struct server *s, const struct config *c)
{
	bool is_current;
	unsigned n_workers = count_workers(c);
	set_log_level(c);
	policy_set_threads(n_workers + 2); /* this one and the loader */
	s->options = parts_serve(c);
	int e = s->options == NULL ? -ENOMEM : start_signals(s);
	if (e == 0)
		e = start_transfer(s, c);
	if (e == 0)
		e = privileges_leave_root(c->server.user);
	if (e == 0)
		e = start_policy(s, c, &is_current);
	if (e == 0)
		e = cache_new(c->cache.size_bytes, &s->cache);
	if (e == 0)
		e = start_firewall(s, c);
	if (e == 0)
		e = seeing_start(c, &s->seeing);
	if (e == 0)
		e = detecting_start(&s->detecting, c);
	if (e == 0)
		e = open_workers(s, c, n_workers);
	add_seen(s);
	if (e == 0)
		e = privileges_drop(
			s->firewall !=
			NULL); /* before any thread is started: they belong to threads */
	if (e == 0)
		e = alerting_start(s->loop, c, &s->alerting);
	if (e == 0)
		e = start_events(s, c, n_workers);
	if (e == 0)
		e = start_trust(s, c);
	if (e == 0)
		e = start_learning(s, c);
	if (e == 0)
		e = hosts_new(s->loop, s->workers, s->n_workers, &s->hosts);
	if (e == 0)
		e = server_start_control(s, c);
	if (e == 0)
		resolve_root_zone_tick(c->resolver.root_zone, clock_wall_ns() / NS_PER_S);
	for (unsigned i = 0; i < s->n_workers && e == 0; i++)
		e = worker_start(s->workers[i], i,
		                 s->events != NULL ? events_ring(s->events, i) : NULL);
	if (e != 0)
		return e;
	loop_on_wake(s->loop, woken, s);
	alerting_run(s->alerting, s->hosts);
	alerting_configure(s->alerting, c);
	configure_transfer(s, c);
	e = start_fetching(s, c); /* the last good copies are in force */
	if (e == 0 && !is_current)
		e = loader_begin(s->loader, false);
	s->second.fire = every_second;
	timer_set(s->loop, &s->second, clock_mono_ns() + NS_PER_S);
	s->reach.fire = look_upstream;
	s->reach_since_ns = clock_mono_ns();
	timer_set(s->loop, &s->reach, s->reach_since_ns + REACH_LOOK_MS * NS_PER_MS);
	tell_start(s, c);
	manager_notify("READY=1");
	return e;
}

static void stop(struct server *s)
{
	manager_notify("STOPPING=1");
	control_free(s->control);
	s->control = NULL;
	fetching_stop(s->fetching);
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_stop_begin(s->workers[i], GRACE_MS);
	rcu_sleep();
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_stop_wait(s->workers[i]);
	rcu_wake();
	tell_answers(s); /* nobody is left to be told: they are freed */
	trust_stop(s->trust);
	learning_stop(s->learning);
	seeing_stop(s->seeing);
	fetching_free(s->fetching);
	if (events_stop(s->events) == 0)
		alerting_stop(s->alerting);
	hosts_free(s->hosts);
	for (unsigned i = 0; i < s->n_workers; i++)
		worker_free(s->workers[i]);
	transfer_free(s->transfer);
	rcu_drain();
	seeing_free(s->seeing);
	detecting_stop(&s->detecting);
	firewall_free(s->firewall);
	cache_free(s->cache);
	policy_edits_close();
	local_publish(NULL);
	resolve_root_zone_stop();
	free(s->options);
	parts_resolve_done(&s->resolve);
	if (s->signals.fd > 0)
		close(s->signals.fd);
}

static int serve(const char *config_path, struct config *config)
{
	static struct server s;
	s.config_path = config_path;
	rcu_thread_start();
	int e = loop_new(&s.loop);
	if (e == 0)
		e = loader_new(config_path, config, s.loop, &s.loader);
	if (e != 0) {
		log_error("cannot start: %s", strerror(-e));
		config_free(config);
		return COMMAND_FAILED;
	}
	e = start(&s, config);
	if (e == 0)
		loop_run(s.loop);
	stop(&s);
	loader_free(s.loader);
	loop_free(s.loop);
	rcu_drain();
	rcu_thread_stop();
	log_write(e == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "%s%s",
	          e == 0 ? "ended" : "cannot start: ", e == 0 ? "" : strerror(-e));
	return e == 0 ? COMMAND_OK : COMMAND_FAILED;
}

int cmd_serve(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = command_config_path();
	for (int c; (c = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
		if (c != 'c')
			return command_usage_again(argv[0]);
		path = optarg;
	}
	if (optind < argc)
		return command_usage(argv[0], "unexpected argument '%s'", argv[optind]);
	struct config *config = NULL;
	struct config_problems problems = { 0 };
	int e = config_load(path, &config, &problems);
	config_problems_print(&problems, stderr);
	config_problems_done(&problems);
	if (e != 0)
		return COMMAND_FAILED;
	return serve(path, config);
}
