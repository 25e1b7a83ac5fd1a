/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	N_SEEN = 8192, /* of keys; the daemon has some hundred */
	KEY_MAX = CALL_SUBJECT_MAX + 64
};

struct seen {
	char *key;
	unsigned n;
};

static struct {
	pthread_mutex_t mutex;
	pid_t pid;
	int listener;
	struct seen seen[N_SEEN];
	struct timespec last; /* call to a file */
	int n_children;

	bool is_armed, stays;
	unsigned at, n_hits;
	enum plan_verb verb;
	int error;
	char key[KEY_MAX];
} plan = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* clang-format off */
static const struct { const char *name; int error; } errors[] = {
	{ "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EINTR", EINTR }, { "ENOMEM", ENOMEM }, { "EMFILE", EMFILE },
	{ "EAGAIN", EAGAIN }, { "ECONNRESET", ECONNRESET }, { "ECONNREFUSED", ECONNREFUSED }, { "EROFS", EROFS },
	{ "ETIMEDOUT", ETIMEDOUT }, { "EACCES", EACCES }, { "EDQUOT", EDQUOT }, { "ENOBUFS", ENOBUFS },
	{ "EOPNOTSUPP", EOPNOTSUPP }, { "ENETUNREACH", ENETUNREACH }, { "EBADF", EBADF },
};
/* clang-format on */

static unsigned hash(const char *text)
{
	unsigned h = 2166136261u;
	for (; *text != 0; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

static unsigned *counter(const char *key)
{
	for (unsigned i = hash(key) % N_SEEN, tries = 0; tries < N_SEEN; tries++) {
		struct seen *s = &plan.seen[(i + tries) % N_SEEN];
		if (s->key == NULL)
			s->key = strdup(key);
		if (s->key != NULL && strcmp(s->key, key) == 0)
			return &s->n;
	}
	fprintf(stderr, "fault: more than %d kinds of calls\n", N_SEEN);
	exit(2);
}

/* Once hit, does it hold for this call too? */
static bool still_holds(const char *thread, const struct call *c)
{
	size_t n = strlen(thread);
	if (strstr(plan.key, " memory") != NULL)
		return c->is_memory && strncmp(plan.key, thread, n) == 0 && plan.key[n] == ' ';
	if (plan.error == ENOSPC)
		return c->is_file && c->takes_space;
	return c->is_file;
}

enum plan_verb plan_judge(const char *thread, const struct call *c, int *ret_errno)
{
	char key[KEY_MAX];
	enum plan_verb verb = PLAN_GO_ON;
	snprintf(key, sizeof key, "%s %s %s", thread, c->name, c->subject);
	pthread_mutex_lock(&plan.mutex);
	unsigned n = ++*counter(key);
	if (c->is_file)
		clock_gettime(CLOCK_MONOTONIC, &plan.last);
	bool is_hit = plan.is_armed && n == plan.at && strcmp(key, plan.key) == 0;
	if (is_hit || (plan.is_armed && plan.stays && plan.n_hits > 0 && still_holds(thread, c))) {
		plan.n_hits++;
		verb = plan.verb;
		*ret_errno = plan.error;
	}
	pthread_mutex_unlock(&plan.mutex);
	return verb;
}

void plan_count_children(int change)
{
	pthread_mutex_lock(&plan.mutex);
	plan.n_children += change;
	clock_gettime(CLOCK_MONOTONIC, &plan.last);
	pthread_mutex_unlock(&plan.mutex);
}

/* ---- what is told ---- */

static bool set_how(char *how)
{
	size_t n = strlen(how);
	plan.stays = n > 0 && how[n - 1] == '+';
	if (plan.stays)
		how[n - 1] = 0;
	plan.error = 0;
	plan.verb = PLAN_FAIL;
	if (strcmp(how, "SHORT") == 0)
		plan.verb = PLAN_SHORT;
	else if (strcmp(how, "KILL") == 0)
		plan.verb = PLAN_KILL;
	else if (strcmp(how, "KILLED") == 0)
		plan.verb = PLAN_KILL_AFTER;
	for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		if (strcmp(how, errors[i].name) == 0)
			plan.error = errors[i].error;
	}
	return plan.verb != PLAN_FAIL || plan.error != 0;
}

/* "K HOW KEY" */
static bool arm(const char *text)
{
	char how[32];
	int at = 0;
	unsigned k;
	if (sscanf(text, "%u %31s %n", &k, how, &at) != 2 || at == 0 ||
	    strlen(text + at) >= KEY_MAX)
		return false;
	for (unsigned i = 0; i < N_SEEN; i++)
		plan.seen[i].n = 0;
	snprintf(plan.key, sizeof plan.key, "%s", text + at);
	plan.at = k;
	plan.n_hits = 0;
	plan.is_armed = set_how(how);
	return plan.is_armed;
}

static void command(char *line, FILE *out)
{
	pthread_mutex_lock(&plan.mutex);
	if (strncmp(line, "arm ", 4) == 0) {
		fputs(arm(line + 4) ? "ok\n" : "no such fault\n", out);
	} else if (strcmp(line, "disarm") == 0) {
		plan.is_armed = false;
		fprintf(out, "hit %u\n", plan.n_hits);
	} else if (strcmp(line, "hits") == 0) {
		fprintf(out, "hit %u\n", plan.n_hits);
	} else if (strcmp(line, "counts") == 0) {
		for (unsigned i = 0; i < N_SEEN; i++) {
			if (plan.seen[i].n > 0)
				fprintf(out, "%u %s\n", plan.seen[i].n, plan.seen[i].key);
		}
		fputs(".\n", out);
	} else if (strcmp(line, "idle") == 0) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		fprintf(out, "%ld\n",
		        plan.n_children > 0 ? 0
		                            : (long)(now.tv_sec - plan.last.tv_sec) * 1000 +
		                                      (now.tv_nsec - plan.last.tv_nsec) / 1000000);
	} else if (strcmp(line, "pid") == 0) {
		fprintf(out, "%d\n", (int)plan.pid);
	} else {
		fputs("what?\n", out);
	}
	pthread_mutex_unlock(&plan.mutex);
	fflush(out);
}

static void *serve(void *arg)
{
	(void)arg;
	for (;;) {
		char line[KEY_MAX + 64];
		int fd = accept(plan.listener, NULL, NULL);
		FILE *in = fd < 0 ? NULL : fdopen(fd, "r"),
		     *out = in == NULL ? NULL : fdopen(dup(fd), "w");
		if (out == NULL)
			return NULL;
		while (fgets(line, sizeof line, in) != NULL) {
			line[strcspn(line, "\n")] = 0;
			command(line, out);
		}
		fclose(in);
		fclose(out);
	}
}

bool plan_start(const char *path, pid_t pid, const char *text)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	pthread_t thread;
	plan.pid = pid;
	if (text != NULL && !arm(text)) {
		errno = EINVAL;
		return false;
	}
	if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) >=
	    (int)sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	unlink(path);
	plan.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (plan.listener < 0 ||
	    bind(plan.listener, (struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(plan.listener, 4) != 0)
		return false;
	errno = pthread_create(&thread, NULL, serve, NULL);
	return errno == 0;
}
