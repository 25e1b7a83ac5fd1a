/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/pattern_build.c - many expressions into one database, within a budget.
 *
 * Vectorscan compiles in one call that cannot be interrupted, and what it takes cannot be told
 * from the expression. So a child process does it: it can be given limits and be killed, and what
 * goes wrong in it costs nothing but the pattern that did it.
 *
 * Tests:     tests/unit/policy/patterns_test.c, tests/fuzz/pattern_fuzz.c
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "policy/pattern_flags.h"
#include "policy/patterns.h"

const struct pattern_budget pattern_budget_usual = {
	.all_ms = PATTERNS_MAKE_MS,
	.one_ms = PATTERNS_ONE_MS,
	.make_bytes = PATTERNS_MAKE_BYTES,
	.database_bytes = PATTERNS_DATABASE_MAX,
};

enum {
	LOOK_EVERY_MS = 2,
	TRIES_MAX = 16, /* a whole compile each: after that every expression is tried alone */
	NOBODY = -1,
	PROBE_BYTES = 1 << 20,
	BUSY = 4, /* times as long by the clock as by the processor: others want it too */
};

/* What the child says, in memory that both have. */
struct report {
	_Atomic uint32_t at;    /* SIFT: the one that is being tried; n when done */
	_Atomic uint64_t at_ns; /* since when */
	bool is_made;
	bool is_denied; /* for want of memory, which is not the patterns' fault */
	int32_t bad;    /* NOBODY, or the expression that Vectorscan blames */
	uint64_t n_bytes;
	char why[POLICY_PATTERN_WHY_MAX];
};

struct making {
	const struct pattern_budget *budget;
	const char *const *regexes;
	uint32_t n;
	struct pattern_dropped *dropped;
	struct report *report;
	int fd; /* where the child puts the database */
	uint64_t end_ns;
	/* those that are not dropped */
	const char **left;
	unsigned *flags, *numbers;
	uint32_t n_left;
};

/* ---- in the child ---- */

static void limit(int what, uint64_t value)
{
	struct rlimit r = { .rlim_cur = value, .rlim_max = value };
	(void)setrlimit(what, &r);
}

/* Not for good: is_denied() looks without it. */
static void limit_data(uint64_t value)
{
	struct rlimit r;
	if (getrlimit(RLIMIT_DATA, &r) != 0)
		return;
	r.rlim_cur = value < r.rlim_max ? value : r.rlim_max;
	(void)setrlimit(RLIMIT_DATA, &r);
}

/* Something could not be made. Is it the machine that has no memory, whatever the patterns need? */
static bool is_denied(void)
{
	limit_data(RLIM_INFINITY);
	void *p =
		mmap(NULL, PROBE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return true;
	munmap(p, PROBE_BYTES);
	return false;
}

/* What this process has already: copied pages are not the child's doing. */
static uint64_t data_bytes(void)
{
	char line[160];
	uint64_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f == NULL)
		return 0;
	char *at = fgets(line, sizeof line, f);
	fclose(f);
	for (unsigned i = 0; at != NULL && i < 6; i++) /* size resident shared text lib data */
		pages = strtoul(at, &at, 10);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void child_begin(const struct making *m, pid_t parent)
{
	sigset_t all;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* A signal to the group is for the daemon, and its handlers are not ours. */
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	uint64_t have = data_bytes();
	if (have > 0)
		limit_data(have + m->budget->make_bytes);
	limit(RLIMIT_CPU, m->budget->all_ms / 1000 + 1);
	limit(RLIMIT_CORE, 0);
}

static bool write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		n -= (size_t)done;
	}
	return true;
}

/* All that are left, into one. */
static void child_make(const struct making *m)
{
	struct report *r = m->report;
	hs_database_t *database = NULL;
	hs_compile_error_t *error = NULL;
	char *bytes = NULL;
	size_t n = 0;
	r->bad = NOBODY;
	if (hs_compile_multi(m->left, m->flags, m->numbers, m->n_left, HS_MODE_BLOCK, NULL,
	                     &database, &error) != HS_SUCCESS) {
		r->is_denied = is_denied();
		snprintf(r->why, sizeof r->why, "%s", error != NULL ? error->message : "");
		if (error != NULL && error->expression >= 0)
			r->bad = (int32_t)m->numbers[error->expression];
		return;
	}
	if (hs_serialize_database(database, &bytes, &n) != HS_SUCCESS)
		snprintf(r->why, sizeof r->why, "no memory");
	else if (n > m->budget->database_bytes)
		snprintf(r->why, sizeof r->why, "the database is too large");
	else if (write_all(m->fd, bytes, n))
		r->is_made = true;
	else
		r->is_denied = true;
	r->n_bytes = n;
}

/* Each alone, from report->at on, saying which. Ends at the first that cannot be compiled. */
static void child_sift(const struct making *m)
{
	struct report *r = m->report;
	for (uint32_t i = r->at; i < m->n; i++) {
		hs_database_t *database = NULL;
		hs_compile_error_t *error = NULL;
		atomic_store(&r->at_ns, clock_mono_ns());
		atomic_store(&r->at, i);
		if (m->dropped[i].fault != POLICY_PATTERN_GOOD)
			continue;
		if (hs_compile(m->regexes[i], PATTERN_FLAGS, HS_MODE_BLOCK, NULL, &database,
		               &error) != HS_SUCCESS) {
			r->is_denied = is_denied();
			snprintf(r->why, sizeof r->why, "%s", error != NULL ? error->message : "");
			r->bad = (int32_t)i;
			return;
		}
		hs_free_database(database);
	}
	atomic_store(&r->at, m->n);
}

/* Is there memory? A crash says no. */
static void child_probe(const struct making *m)
{
	m->report->is_denied = true;
	m->report->is_denied = is_denied();
}

/* ---- the parent ---- */

/* Wait until it ends, or its time is over: then it is killed. False: it crashed. */
static bool wait_for(const struct making *m, pid_t pid, uint32_t one_ms)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * (long)NS_PER_MS };
	for (;;) {
		int status;
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid)
			return !WIFSIGNALED(status) || WTERMSIG(status) == SIGKILL;
		if (got < 0 && errno != EINTR)
			return true;
		uint64_t now_ns = clock_mono_ns();
		bool is_late = now_ns > m->end_ns;
		if (one_ms > 0)
			is_late |=
				now_ns > atomic_load(&m->report->at_ns) + BUSY * one_ms * NS_PER_MS;
		if (is_late)
			(void)kill(pid, SIGKILL);
		(void)nanosleep(&pause, NULL);
	}
}

/* Run one of them. 0, or -errno: there is no child, or no memory for it. What came of it is in the report. */
/* NOLINTNEXTLINE(misc-no-recursion): once, for the probe */
static int run_child(struct making *m, void (*task)(const struct making *m), uint32_t one_ms)
{
	pid_t parent = getpid();
	m->report->bad = NOBODY;
	m->report->is_made = m->report->is_denied = false;
	m->report->why[0] = 0;
	atomic_store(&m->report->at_ns, clock_mono_ns());
	if (ftruncate(m->fd, 0) != 0 || lseek(m->fd, 0, SEEK_SET) != 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		child_begin(m, parent);
		task(m);
		_exit(0);
	}
	if (!wait_for(m, pid, one_ms) && task != child_probe) {
		/* C++ without memory. Another child says whether there is any. */
		int e = run_child(m, child_probe, 0);
		m->report->is_made = false;
		return e;
	}
	return m->report->is_denied ? -ENOMEM : 0;
}

static void drop(struct making *m, uint32_t number, enum policy_pattern_fault fault,
                 const char *why)
{
	struct pattern_dropped *d = &m->dropped[number];
	if (d->fault != POLICY_PATTERN_GOOD)
		return;
	d->fault = fault;
	snprintf(d->why, sizeof d->why, "%s", why);
}

static void collect_left(struct making *m)
{
	m->n_left = 0;
	for (uint32_t i = 0; i < m->n; i++) {
		if (m->dropped[i].fault != POLICY_PATTERN_GOOD)
			continue;
		m->left[m->n_left] = m->regexes[i];
		m->flags[m->n_left] = PATTERN_FLAGS;
		m->numbers[m->n_left++] = i;
	}
}

/* Which of them does not compile alone? Those are dropped. */
static int sift(struct making *m)
{
	atomic_store(&m->report->at, 0);
	while (atomic_load(&m->report->at) < m->n && clock_mono_ns() < m->end_ns) {
		int e = run_child(m, child_sift, m->budget->one_ms);
		if (e != 0)
			return e;
		uint32_t at = atomic_load(&m->report->at);
		if (at >= m->n)
			break;
		if (m->report->bad >= 0)
			drop(m, at, POLICY_PATTERN_SYNTAX, m->report->why);
		else
			drop(m, at, POLICY_PATTERN_BUDGET,
			     "takes too much time or memory to compile");
		atomic_store(&m->report->at, at + 1);
	}
	return 0;
}

/* Too much together: the second half of those that are left goes. */
static void drop_half(struct making *m)
{
	for (uint32_t i = m->n_left / 2; i < m->n_left; i++)
		drop(m, m->numbers[i], POLICY_PATTERN_BUDGET,
		     "all patterns together take too much time or memory to compile");
}

static int make(struct making *m)
{
	bool was_sifted = false;
	for (unsigned i = 0;; i++) {
		collect_left(m);
		if (m->n_left == 0)
			return 0;
		int e = run_child(m, child_make, 0);
		if (e != 0 || m->report->is_made)
			return e;
		if (m->report->bad >= 0 && i < TRIES_MAX) {
			drop(m, (uint32_t)m->report->bad, POLICY_PATTERN_SYNTAX, m->report->why);
			continue;
		}
		/* Half of the patterns in half of the time, and so on: it ends. */
		m->end_ns = clock_mono_ns() + BUSY * m->budget->all_ms * NS_PER_MS / 2;
		if (!was_sifted)
			e = sift(m);
		else
			drop_half(m);
		if (e != 0)
			return e;
		m->end_ns = clock_mono_ns() + BUSY * m->budget->all_ms * NS_PER_MS / 2;
		was_sifted = true;
	}
}

static int take(const struct making *m, uint8_t **ret, size_t *ret_n)
{
	size_t n = (size_t)m->report->n_bytes, done = 0;
	uint8_t *bytes = malloc(n);
	if (bytes == NULL)
		return -ENOMEM;
	while (done < n) {
		ssize_t got = pread(m->fd, bytes + done, n - done, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			int e = got < 0 ? -errno : -EIO;
			free(bytes);
			return e;
		}
		done += (size_t)got;
	}
	*ret = bytes;
	*ret_n = n;
	return 0;
}

int pattern_build(const char *const *regexes, uint32_t n, const struct pattern_budget *budget,
                  struct pattern_dropped *dropped, uint8_t **ret_bytes, size_t *ret_n_bytes)
{
	struct making m = {
		.budget = budget,
		.regexes = regexes,
		.n = n,
		.dropped = dropped,
		.end_ns = clock_mono_ns() + BUSY * budget->all_ms * NS_PER_MS,
		.left = calloc(n + 1U, sizeof *m.left),
		.flags = calloc(n + 1U, sizeof *m.flags),
		.numbers = calloc(n + 1U, sizeof *m.numbers),
	};
	uint8_t *bytes = NULL;
	size_t n_bytes = 0;
	m.fd = memfd_create("weir-patterns", MFD_CLOEXEC);
	int e = m.fd < 0 ? -errno : 0;
	m.report = mmap(NULL, sizeof *m.report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                -1, 0);
	if (e == 0 &&
	    (m.report == MAP_FAILED || m.left == NULL || m.flags == NULL || m.numbers == NULL))
		e = -ENOMEM;
	if (e == 0)
		e = make(&m);
	if (e == 0 && m.n_left > 0)
		e = take(&m, &bytes, &n_bytes);
	if (m.report != MAP_FAILED)
		munmap(m.report, sizeof *m.report);
	if (m.fd >= 0)
		close(m.fd);
	free(m.left);
	free(m.flags);
	free(m.numbers);
	if (e != 0)
		return e;
	*ret_bytes = bytes;
	*ret_n_bytes = n_bytes;
	return 0;
}
