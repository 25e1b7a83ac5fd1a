/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"

enum {
	TIME_MAX_S = 5
}; /* a reply; rules not found by then have no line */

/* What goes through the pipes: whole or not at all, for it is shorter than PIPE_BUF. */
struct job {
	uint64_t token;
	json_t *reply;
};

struct lines {
	struct loop *loop;
	struct watcher back;
	void (*found)(void *arg, uint64_t token, json_t *reply);
	void *arg;
	pthread_t thread;
	atomic_bool is_stopping;
	int to[2], from[2]; /* pipes: to the thread, from it */
	unsigned n_out;     /* jobs that are not back; the loop's thread */
};

/* ---- one rule ---- */

static bool is_member(const json_t *o, const char *member)
{
	return json_is_true(json_object_get(o, member));
}

/* What a rule of a policy zone is compared with, as in struct policy_rule; 0 for other lists. */
static uint8_t own_match(const json_t *match, enum feeds_format format)
{
	const char *trigger = json_string_value(json_object_get(match, "trigger"));
	enum policy_trigger t = POLICY_TRIGGER_QUESTION;
	if (format != FEEDS_RPZ)
		return 0;
	while (trigger != NULL && t <= POLICY_TRIGGER_CLIENT &&
	       strcmp(policy_trigger_name(t), trigger) != 0)
		t++;
	switch (t) {
	case POLICY_TRIGGER_ANSWER:
		return POLICY_MATCH_ANSWER + 1;
	case POLICY_TRIGGER_SERVER_NAME:
	case POLICY_TRIGGER_SERVER_ADDRESS:
		return POLICY_MATCH_NAMESERVER + 1;
	case POLICY_TRIGGER_CLIENT:
		return POLICY_MATCH_CLIENT + 1;
	default:
		return POLICY_MATCH_NAME + 1;
	}
}

/* How the file is read, as the daemon says. The texts are the match's. */
static struct feeds_options options_of(const json_t *match)
{
	const char *separator = json_string_value(json_object_get(match, "separator"));
	return (struct feeds_options){
		.column = json_string_value(json_object_get(match, "column")),
		.path = json_string_value(json_object_get(match, "path")),
		.separator = feeds_separator_from_text(separator != NULL ? separator : ""),
	};
}

static int locate_name(const char *path, enum feeds_format format, const json_t *match,
                       const char *rule, struct feeds_place *ret)
{
	struct name name;
	const char *scope = json_string_value(json_object_get(match, "scope"));
	if (rule[0] == '*' && rule[1] == '.')
		rule += 2;
	if (name_from_text(rule, strlen(rule), &name) != 0)
		return -EINVAL;
	bool is_exact = strcmp(scope, "exact") == 0, is_below = strcmp(scope, "below") == 0;
	const char *action = json_string_value(json_object_get(match, "action"));
	struct feeds_wanted wanted = {
		.lower = name.wire,
		.scope = is_exact   ? POLICY_SCOPE_EXACT
		         : is_below ? POLICY_SCOPE_BELOW
		                    : POLICY_SCOPE_TREE,
		/* An exception in a block list says allow where the list does not. */
		.is_allow = action != NULL && strcmp(action, "allow") == 0 &&
		            (format == FEEDS_RPZ || !is_member(match, "own_action")),
		.own_match = own_match(match, format),
	};
	const struct feeds_options options = options_of(match);
	return feeds_locate(path, format, !is_member(match, "subdomains"), &options, &wanted, ret);
}

static int locate(const json_t *match, struct feeds_place *ret)
{
	const char *path = json_string_value(json_object_get(match, "file"));
	const char *format_text = json_string_value(json_object_get(match, "format"));
	const char *rule = json_string_value(json_object_get(match, "rule"));
	enum feeds_format format;
	if (path == NULL || path[0] == '\0' || format_text == NULL || rule == NULL ||
	    feeds_format_from_text(format_text, &format) != 0)
		return -ENOENT;
	if (json_object_get(match, "scope") != NULL)
		return locate_name(path, format, match, rule, ret);
	struct addr_prefix prefix;
	int rc = addr_prefix_from_text(rule, strlen(rule), &prefix);
	if (rc != 0)
		return rc;
	const struct feeds_wanted wanted = {
		.prefix = &prefix,
		.own_match = own_match(match, format),
	};
	const struct feeds_options options = options_of(match);
	return feeds_locate(path, format, !is_member(match, "subdomains"), &options, &wanted, ret);
}

static bool same_text(const json_t *a, const json_t *b, const char *member)
{
	const char *x = json_string_value(json_object_get(a, member));
	const char *y = json_string_value(json_object_get(b, member));
	return x != NULL && y != NULL && strcmp(x, y) == 0;
}

/* The line of the same rule found before: many name servers match one rule. */
static json_t *line_before(json_t *const *done, unsigned n_done, const json_t *match)
{
	for (unsigned i = 0; i < n_done; i++)
		if (same_text(done[i], match, "list") && same_text(done[i], match, "rule") &&
		    same_text(done[i], match, "action"))
			return done[i];
	return NULL;
}

/* Matches of the group's own lists first: they are what the verdict is made of. */
static void fill_pass(json_t *stages, bool in_group, uint64_t until_ns, json_t **done,
                      unsigned *n_done)
{
	size_t i, k;
	json_t *stage, *match;
	json_array_foreach(stages, i, stage)
	{
		json_array_foreach(json_object_get(stage, "matches"), k, match)
		{
			if (is_member(match, "in_group") != in_group ||
			    json_object_get(match, "list") == NULL ||
			    json_object_get(match, "line") != NULL) /* a pattern's is known */
				continue;
			json_t *before = line_before(done, *n_done, match);
			if (before != NULL) {
				json_object_set(match, "line", json_object_get(before, "line"));
				if (json_object_get(before, "record") != NULL)
					json_object_set(match, "record",
					                json_object_get(before, "record"));
				continue;
			}
			struct feeds_place place;
			if (*n_done == LINES_MAX_RULES || clock_mono_ns() > until_ns ||
			    locate(match, &place) != 0)
				continue;
			json_object_set_new(match, "line", json_integer((json_int_t)place.line));
			if (place.origin[0] != 0)
				json_object_set_new(match, "record", json_string(place.origin));
			done[(*n_done)++] = match;
		}
	}
}

void lines_fill(json_t *reply)
{
	json_t *done[LINES_MAX_RULES];
	unsigned n_done = 0;
	json_t *stages = json_object_get(json_object_get(reply, "explain"), "stages");
	uint64_t until = clock_mono_ns() + TIME_MAX_S * NS_PER_S;
	fill_pass(stages, true, until, done, &n_done);
	fill_pass(stages, false, until, done, &n_done);
}

/* ---- the thread ---- */

static bool read_job(int fd, struct job *ret)
{
	ssize_t n;
	do
		n = read(fd, ret, sizeof *ret);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *ret;
}

static bool write_job(int fd, const struct job *job)
{
	ssize_t n;
	do
		n = write(fd, job, sizeof *job);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *job;
}

static void *run(void *arg)
{
	struct lines *l = arg;
	struct job job;
	pthread_setname_np(pthread_self(), "weir/api");
	while (read_job(l->to[0], &job)) {
		if (!atomic_load_explicit(&l->is_stopping, memory_order_relaxed))
			lines_fill(job.reply);
		if (!write_job(l->from[1], &job))
			json_decref(job.reply);
	}
	return NULL;
}

static void jobs_back(struct watcher *w, uint32_t epoll_events)
{
	(void)epoll_events;
	struct lines *l = CONTAINER_OF(w, struct lines, back);
	struct job job;
	if (!read_job(w->fd, &job))
		return;
	l->n_out--;
	l->found(l->arg, job.token, job.reply);
}

static void close_pipes(struct lines *l)
{
	for (int i = 0; i < 2; i++) {
		if (l->to[i] >= 0)
			close(l->to[i]);
		if (l->from[i] >= 0)
			close(l->from[i]);
	}
}

/* Signals are the main thread's. */
static int start_thread(struct lines *l)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&l->thread, NULL, run, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

int lines_new(struct loop *loop, void (*found)(void *arg, uint64_t token, json_t *reply), void *arg,
              struct lines **ret)
{
	struct lines *l = calloc(1, sizeof *l);
	if (l == NULL)
		return -ENOMEM;
	*l = (struct lines){
		.loop = loop, .found = found, .arg = arg, .to = { -1, -1 }, .from = { -1, -1 }
	};
	int rc = 0;
	if (pipe2(l->to, O_CLOEXEC) != 0 || pipe2(l->from, O_CLOEXEC) != 0)
		rc = -errno;
	l->back = (struct watcher){ .fd = l->from[0], .ready = jobs_back };
	if (rc == 0)
		rc = loop_add(loop, &l->back, EPOLLIN);
	if (rc == 0) {
		rc = start_thread(l);
		if (rc != 0)
			loop_remove(loop, &l->back);
	}
	if (rc != 0) {
		close_pipes(l);
		free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

void lines_free(struct lines *l)
{
	if (l == NULL)
		return;
	atomic_store_explicit(&l->is_stopping, true, memory_order_relaxed);
	close(l->to[1]); /* the thread reads to the end and goes */
	l->to[1] = -1;
	pthread_join(l->thread, NULL);
	loop_remove(l->loop, &l->back);
	close(l->from[1]);
	l->from[1] = -1;
	struct job job;
	while (read_job(l->from[0], &job))
		json_decref(job.reply);
	close_pipes(l);
	free(l);
}

int lines_find(struct lines *l, uint64_t token, json_t *reply)
{
	/* Clients that hang up leave their jobs behind: neither pipe may ever fill. */
	if (l->n_out == CONTROL_MAX_CLIENTS)
		return -EBUSY;
	const struct job job = { .token = token, .reply = reply };
	if (!write_job(l->to[1], &job))
		return -EIO;
	l->n_out++;
	return 0;
}
