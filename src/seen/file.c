/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seen/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"
#include "base/random.h"

enum {
	VERSION = 1,
	MODE = 0600, /* the key is in it */
	BUFFER = 64 << 10,
	LOG_MIN = 1 << 20,
	RETRY_TICKS = 60,
};

struct head {
	char magic[8];
	uint64_t version;
	struct siphash_key key;
	uint64_t since_s;
};

struct log_head {
	char magic[8];
	uint64_t which;
};

struct log_record {
	struct seen_entry entry;
	uint64_t check;
};

/* A snapshot being written. */
struct job {
	int fd; /* -1: none */
	uint64_t at;
	off_t bytes;
	XXH3_state_t *sum;
};

struct seen_file {
	char path[SEEN_PATH_MAX], log_path[SEEN_PATH_MAX], old_path[SEEN_PATH_MAX];
	int log_fd; /* -1: none */
	uint64_t log_bytes;
	bool is_due;    /* the log does not have everything */
	bool has_old;   /* and there is an old one */
	bool is_broken; /* no snapshot was written yet: a log would have no key */
	unsigned wait;  /* ticks before the next try */
	struct job job;
};

static const char magic[8] = "WEIRSEEN", log_magic[8] = "WEIRSLOG";

static uint64_t which_log(const struct seen *s)
{
	return siphash13(&s->key, log_magic, sizeof log_magic);
}

static uint64_t check_of(const struct seen *s, const struct seen_entry *e)
{
	return siphash13(&s->key, e, sizeof *e);
}

/* ---- reading ---- */

struct input {
	int fd;
	size_t at, n;
	uint8_t bytes[BUFFER];
};

/* True: n bytes (at most BUFFER) were there. */
static bool input_take(struct input *in, void *ret, size_t n)
{
	if (in->n - in->at < n) {
		memmove(in->bytes, in->bytes + in->at, in->n - in->at);
		in->n -= in->at;
		in->at = 0;
	}
	while (in->n - in->at < n) {
		ssize_t got = read(in->fd, in->bytes + in->n, sizeof in->bytes - in->n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		in->n += (size_t)got;
	}
	memcpy(ret, in->bytes + in->at, n);
	in->at += n;
	return true;
}

static int open_regular(const char *path, uint64_t *ret_bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int e = fstat(fd, &st) != 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (e != 0) {
		close(fd);
		return e;
	}
	*ret_bytes = (uint64_t)st.st_size;
	return fd;
}

static const char *read_entries(struct seen *s, struct input *in, uint64_t n, const struct head *h)
{
	const char *why = NULL;
	struct seen_entry e;
	uint64_t sum;
	XXH3_state_t *state = XXH3_createState();
	if (state == NULL)
		return "no memory";
	XXH3_64bits_reset(state);
	XXH3_64bits_update(state, h, sizeof *h);
	for (uint64_t i = 0; i < n && why == NULL; i++) {
		if (!input_take(in, &e, sizeof e)) {
			why = "it is cut off";
			break;
		}
		XXH3_64bits_update(state, &e, sizeof e);
		seen_put(s, &e);
	}
	if (why == NULL && (!input_take(in, &sum, sizeof sum) || sum != XXH3_64bits_digest(state)))
		why = "it is damaged";
	XXH3_freeState(state);
	return why;
}

/* NULL, or what is wrong. */
static const char *read_snapshot(struct seen *s, int fd, uint64_t bytes)
{
	struct head h;
	struct input *in = malloc(sizeof *in);
	const char *why = NULL;
	if (in == NULL)
		return "no memory";
	in->fd = fd;
	in->at = in->n = 0;
	if (!input_take(in, &h, sizeof h) || memcmp(h.magic, magic, sizeof magic) != 0)
		why = "it is no such file";
	else if (h.version != VERSION)
		why = "another version of Weir wrote it";
	else if (bytes < sizeof h + sizeof(uint64_t) ||
	         (bytes - sizeof h - sizeof(uint64_t)) % sizeof(struct seen_entry) != 0)
		why = "it is cut off";
	if (why == NULL) {
		s->key = h.key;
		s->since_s = h.since_s;
		why = read_entries(
			s, in, (bytes - sizeof h - sizeof(uint64_t)) / sizeof(struct seen_entry),
			&h);
	}
	free(in);
	return why;
}

/* How many bytes of the log are good; 0: none. */
static uint64_t read_log(struct seen *s, const char *path)
{
	uint64_t bytes, good = 0;
	struct log_head h;
	struct log_record r;
	int fd = open_regular(path, &bytes);
	if (fd < 0)
		return 0;
	struct input *in = malloc(sizeof *in);
	if (in != NULL) {
		in->fd = fd;
		in->at = in->n = 0;
	}
	if (in != NULL && input_take(in, &h, sizeof h) &&
	    memcmp(h.magic, log_magic, sizeof log_magic) == 0 && h.which == which_log(s)) {
		good = sizeof h;
		while (input_take(in, &r, sizeof r) && r.check == check_of(s, &r.entry)) {
			seen_put(s, &r.entry);
			good += sizeof r;
		}
	}
	free(in);
	close(fd);
	return good;
}

/* Everything is forgotten; the table begins now. */
static void begin_anew(struct seen *s, uint64_t now_s)
{
	madvise(s->places, s->n_places * sizeof *s->places, MADV_DONTNEED);
	atomic_store_explicit(&s->domains, 0, memory_order_relaxed);
	random_bytes(&s->key, sizeof s->key);
	s->since_s = now_s;
}

/* ---- the log ---- */

static void log_close(struct seen_file *f)
{
	if (f->log_fd >= 0)
		close(f->log_fd);
	f->log_fd = -1;
}

/* Go on behind `good` bytes of it; 0: anew. */
static int log_open(struct seen_file *f, const struct seen *s, uint64_t good)
{
	struct log_head h = { .which = which_log(s) };
	memcpy(h.magic, log_magic, sizeof h.magic);
	log_close(f);
	int fd = open(f->log_path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, MODE);
	if (fd < 0)
		return -errno;
	int e = ftruncate(fd, (off_t)good) != 0 ? -errno : 0;
	if (e == 0 && good == 0)
		e = disk_write(fd, &h, sizeof h);
	if (e != 0) {
		close(fd);
		return e;
	}
	f->log_fd = fd;
	f->log_bytes = good > 0 ? good : sizeof h;
	return 0;
}

/* A record that was written in part would hide those behind it. */
static int log_write(struct seen_file *f, const struct log_record *r, size_t n)
{
	if (f->log_fd < 0)
		return -EBADF;
	int e = disk_write(f->log_fd, r, n * sizeof *r);
	if (e != 0) {
		if (ftruncate(f->log_fd, (off_t)f->log_bytes) != 0)
			log_close(f);
		return e;
	}
	f->log_bytes += n * sizeof *r;
	return 0;
}

/* ---- the snapshot ---- */

static void job_end(struct job *j)
{
	XXH3_freeState(j->sum);
	j->sum = NULL;
	j->fd = -1;
}

static int job_write(struct job *j, const void *bytes, size_t n)
{
	int e = disk_write(j->fd, bytes, n);
	if (e != 0)
		return e;
	XXH3_64bits_update(j->sum, bytes, n);
	disk_settle(j->fd, j->bytes, n);
	j->bytes += (off_t)n;
	return 0;
}

static int job_fail(struct seen_file *f, int e)
{
	disk_abandon(f->job.fd, f->path);
	job_end(&f->job);
	f->wait = RETRY_TICKS;
	f->is_due = true;
	return e;
}

static int job_start(struct seen_file *f, const struct seen *s)
{
	struct head h = { .version = VERSION, .key = s->key, .since_s = s->since_s };
	memcpy(h.magic, magic, sizeof h.magic);
	f->job = (struct job){ .fd = -1, .sum = XXH3_createState() };
	if (f->job.sum == NULL)
		return -ENOMEM;
	XXH3_64bits_reset(f->job.sum);
	int fd = disk_create_beside(f->path, MODE);
	if (fd < 0) {
		job_end(&f->job);
		f->wait = RETRY_TICKS;
		return fd;
	}
	f->job.fd = fd;
	/* What changes from now on goes to a new log, if an earlier try has not begun one. */
	int e = job_write(&f->job, &h, sizeof h);
	if (e == 0 && !f->has_old && !f->is_broken && rename(f->log_path, f->old_path) == 0) {
		f->has_old = true;
		e = log_open(f, s, 0);
	}
	f->is_due = false;
	return e != 0 ? job_fail(f, e) : 0;
}

static int job_finish(struct seen_file *f, const struct seen *s)
{
	uint64_t sum = XXH3_64bits_digest(f->job.sum);
	int e = disk_write(f->job.fd, &sum, sizeof sum);
	if (e != 0)
		return job_fail(f, e);
	e = disk_replace(f->job.fd, f->path); /* closes and removes what it cannot rename */
	job_end(&f->job);
	if (e != 0) {
		f->wait = RETRY_TICKS;
		f->is_due = true;
		return e;
	}
	if (f->has_old && (unlink(f->old_path) == 0 || errno == ENOENT))
		f->has_old = false;
	f->is_broken = false;
	return f->log_fd < 0 ? log_open(f, s, 0) : 0;
}

/* Some more of it. */
static int job_go_on(struct seen_file *f, const struct seen *s, size_t piece)
{
	struct seen_entry entries[BUFFER / sizeof(struct seen_entry)];
	for (size_t done = 0; done < piece && f->job.at < s->n_places;) {
		size_t n = 0;
		for (; n < ARRAY_LEN(entries) && f->job.at < s->n_places; f->job.at++) {
			struct seen_place *p = &s->places[f->job.at];
			uint64_t first = atomic_load_explicit(&p->first, memory_order_acquire);
			if (first == 0)
				continue;
			entries[n++] = (struct seen_entry){
				first, atomic_load_explicit(&p->rest, memory_order_acquire)
			};
		}
		int e = job_write(&f->job, entries, n * sizeof *entries);
		if (e != 0)
			return job_fail(f, e);
		done += n * sizeof *entries + sizeof *entries;
	}
	return f->job.at < s->n_places ? 0 : job_finish(f, s);
}

/* ---- the whole ---- */

static bool paths_fill(struct seen_file *f, const char *state_dir)
{
	int n = snprintf(f->path, sizeof f->path, "%s/seen", state_dir);
	int m = snprintf(f->log_path, sizeof f->log_path, "%s/seen.log", state_dir);
	int o = snprintf(f->old_path, sizeof f->old_path, "%s/seen.log.old", state_dir);
	return n > 0 && m > 0 && o > 0 && (size_t)o < sizeof f->old_path;
}

/* What cannot be used is kept for somebody to look at; its logs say nothing without it. */
static void put_aside(const struct seen_file *f, const char *why, bool is_read_only,
                      char ret_why[SEEN_WHY_MAX])
{
	char aside[SEEN_PATH_MAX + 8];
	snprintf(ret_why, SEEN_WHY_MAX, "%.160s: %.60s", f->path, why);
	if (is_read_only)
		return;
	snprintf(aside, sizeof aside, "%s.bad", f->path);
	(void)rename(f->path, aside);
	unlink(f->log_path);
	unlink(f->old_path);
}

static void load(struct seen *s, struct seen_file *f, const struct seen_plan *plan,
                 char ret_why[SEEN_WHY_MAX])
{
	uint64_t bytes = 0, good = 0;
	const char *why = NULL;
	int fd = open_regular(f->path, &bytes);
	if (fd >= 0) {
		why = read_snapshot(s, fd, bytes);
		close(fd);
	} else if (fd != -ENOENT) {
		why = strerror(-fd);
	}
	if (why != NULL)
		put_aside(f, why, plan->is_read_only, ret_why);
	if (why != NULL || fd < 0) {
		begin_anew(s, plan->now_s);
		f->is_broken = true;
		f->is_due = true;
		return;
	}
	f->has_old = access(f->old_path, F_OK) == 0;
	f->is_due = f->has_old;
	if (f->has_old)
		(void)read_log(s, f->old_path);
	good = read_log(s, f->log_path);
	if (!plan->is_read_only && log_open(f, s, good) != 0)
		f->is_due = true;
}

int seen_file_load(struct seen *s, const struct seen_plan *plan, char ret_why[SEEN_WHY_MAX])
{
	ret_why[0] = 0;
	if (plan->state_dir == NULL) {
		begin_anew(s, plan->now_s);
		return 0;
	}
	struct seen_file *f = calloc(1, sizeof *f);
	if (f == NULL)
		return -ENOMEM;
	f->log_fd = f->job.fd = -1;
	if (paths_fill(f, plan->state_dir)) {
		load(s, f, plan, ret_why);
	} else {
		snprintf(ret_why, SEEN_WHY_MAX, "the path of the state folder is too long");
		f->path[0] = 0;
		begin_anew(s, plan->now_s);
	}
	if (plan->is_read_only || f->path[0] == 0) {
		seen_file_free(f);
		f = NULL;
	}
	s->file = f;
	return 0;
}

void seen_file_free(struct seen_file *f)
{
	if (f == NULL)
		return;
	log_close(f);
	if (f->job.fd >= 0) {
		disk_abandon(f->job.fd, f->path);
		job_end(&f->job);
	}
	free(f);
}

void seen_file_set_due(struct seen_file *f)
{
	f->is_due = true;
}

/*
 * At the end of a step: nothing that was first seen before may turn out to be new afterwards. Nothing
 * to learn: the first step counts, too.
 */
static uint64_t learns_until(uint64_t since_s, uint32_t learn_s)
{
	uint64_t end_s = since_s + learn_s + SEEN_STEP_S - 1;
	return learn_s == 0 ? 0 : end_s - (end_s - SEEN_EPOCH_S) % SEEN_STEP_S;
}

int seen_new(const struct seen_plan *plan, struct seen **ret, char ret_why[SEEN_WHY_MAX])
{
	struct seen *s;
	int e = seen_table_new(plan->size_bytes, &s);
	if (e != 0)
		return e;
	e = seen_file_load(s, plan, ret_why);
	if (e != 0) {
		seen_table_free(s);
		return e;
	}
	s->learns_until_s = learns_until(s->since_s, plan->learn_s);
	/* What was put from files is no news. */
	atomic_store_explicit(&s->evicted, 0, memory_order_relaxed);
	atomic_store_explicit(&s->refused, 0, memory_order_relaxed);
	*ret = s;
	return 0;
}

void seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	seen_file_free(s->file);
	seen_table_free(s);
}

static int write_changes(struct seen *s, struct seen_changes *c)
{
	struct log_record records[256];
	size_t n = 0;
	int e = 0;
	for (unsigned i = 0; i < SEEN_CHANGES_MAX; i++) {
		bool has = seen_changes_take(c, &records[n].entry);
		if (has) {
			records[n].check = check_of(s, &records[n].entry);
			n++;
		}
		if (n == ARRAY_LEN(records) || (!has && n > 0)) {
			/* After the first failure the rest is taken from the ring all the same. */
			if (e == 0 && s->file != NULL)
				e = log_write(s->file, records, n);
			n = 0;
		}
		if (!has)
			break;
	}
	if (n > 0 && e == 0 && s->file != NULL)
		e = log_write(s->file, records, n);
	if (atomic_exchange_explicit(&c->lost, 0, memory_order_relaxed) > 0 && s->file != NULL)
		s->file->is_due = true;
	return e;
}

static bool log_is_long(const struct seen_file *f, const struct seen *s)
{
	uint64_t domains = atomic_load_explicit(&s->domains, memory_order_relaxed);
	return f->log_bytes > LOG_MIN + domains * sizeof(struct seen_entry) / 4 * 3;
}

static int tick(struct seen *s, struct seen_changes *const *changes, unsigned n_changes,
                size_t piece)
{
	struct seen_file *f = s->file;
	int e = 0;
	for (unsigned i = 0; i < n_changes; i++) {
		int failed = changes[i] != NULL ? write_changes(s, changes[i]) : 0;
		e = e == 0 ? failed : e;
	}
	if (f == NULL)
		return 0;
	if (e != 0)
		f->is_due = true;
	/* Without a first snapshot there is no log, which is no failure of the disk. */
	if (e == -EBADF)
		e = 0;
	if (f->wait > 0)
		f->wait--;
	if (f->job.fd >= 0) {
		int failed = job_go_on(f, s, piece);
		return e == 0 ? failed : e;
	}
	if ((!f->is_due && !log_is_long(f, s)) || f->wait > 0)
		return e;
	int failed = job_start(f, s);
	if (failed == 0)
		failed = job_go_on(f, s, piece);
	return e == 0 ? failed : e;
}

int seen_tick(struct seen *s, struct seen_changes *const *changes, unsigned n_changes)
{
	return tick(s, changes, n_changes, SEEN_FILE_PIECE);
}

int seen_sync(struct seen *s, struct seen_changes *const *changes, unsigned n_changes)
{
	struct seen_file *f = s->file;
	if (f == NULL)
		return 0;
	f->wait = 0;
	int e = tick(s, changes, n_changes, SIZE_MAX);
	if (e == 0 && f->log_fd >= 0 && fdatasync(f->log_fd) != 0)
		e = -errno;
	return e;
}
