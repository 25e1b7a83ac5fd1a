/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"

/* ---- reading ---- */

struct reader {
	char line[EDIT_LINE_MAX];
	size_t n;
	bool is_too_long; /* the rest of this line is skipped */
	uint64_t n_bad;
	journal_take *take;
	void *arg;
};

static void line_end(struct reader *r)
{
	enum edit_op op;
	struct policy_edit e;
	if (r->is_too_long || edit_line_parse(r->line, r->n, &op, &e) != 0)
		r->n_bad++;
	else
		r->take(op, &e, r->arg);
	r->n = 0;
	r->is_too_long = false;
}

static void reader_feed(struct journal *j, struct reader *r, const char *bytes, size_t n,
                        uint64_t at)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			line_end(r);
			j->n_lines++;
			j->good_bytes = at + i + 1;
		} else if (r->n < sizeof r->line) {
			r->line[r->n++] = bytes[i];
		} else {
			r->is_too_long = true;
		}
	}
}

static int fd_load(struct journal *j, int fd, struct reader *r)
{
	char bytes[8192];
	for (uint64_t at = 0;;) {
		ssize_t n = read(fd, bytes, sizeof bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		reader_feed(j, r, bytes, (size_t)n, at);
		at += (uint64_t)n;
	}
}

int journal_load(struct journal *j, const char *path, journal_take *take, void *arg,
                 uint64_t *ret_n_bad)
{
	*j = (struct journal){ .fd = -1 };
	size_t n = strlen(path);
	if (n >= sizeof j->path)
		return -ENAMETOOLONG;
	memcpy(j->path, path, n + 1);
	*ret_n_bad = 0;
	if (path[0] == 0)
		return 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	struct reader r = { .take = take, .arg = arg };
	int e = fd_load(j, fd, &r);
	close(fd);
	if (e == 0)
		*ret_n_bad = r.n_bad;
	return e;
}

/* ---- writing ---- */

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

/* Opened at the first edit: who only reads (weir explain --offline) leaves the file alone. */
static int journal_open(struct journal *j)
{
	int fd = open(j->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int e = disk_sync_folder(j->path);
	if (e != 0) {
		close(fd);
		return e;
	}
	j->fd = fd;
	return 0;
}

int journal_append(struct journal *j, const char *line, size_t n)
{
	if (j->path[0] == 0)
		return 0;
	if (j->fd < 0) {
		int e = journal_open(j);
		if (e != 0)
			return e;
	}
	/* A line that was cut, by a crash or by a full disk, must not run into this one. */
	if (ftruncate(j->fd, (off_t)j->good_bytes) != 0 ||
	    lseek(j->fd, (off_t)j->good_bytes, SEEK_SET) < 0)
		return -errno;
	int e = disk_write(j->fd, line, n);
	if (e == 0 && fdatasync(j->fd) != 0)
		e = -errno;
	if (e != 0) {
		if (ftruncate(j->fd, (off_t)j->good_bytes) != 0)
			journal_close(j); /* the next append tries again before it writes */
		return e;
	}
	j->good_bytes += n;
	j->n_lines++;
	return 0;
}

struct rewriting {
	int fd, error;
	uint64_t n_bytes, n_lines;
};

static void line_rewrite(const struct policy_edit *e, void *arg)
{
	struct rewriting *w = arg;
	char line[EDIT_LINE_MAX];
	if (w->error != 0)
		return;
	int n = edit_line_write(EDIT_ADD, e, line);
	w->error = n < 0 ? n : disk_write(w->fd, line, (size_t)n);
	if (w->error != 0)
		return;
	w->n_bytes += (uint64_t)n;
	w->n_lines++;
}

static bool is_at(int fd, const char *path)
{
	struct stat mine, there;
	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_dev == there.st_dev &&
	       mine.st_ino == there.st_ino;
}

int journal_rewrite(struct journal *j, void (*each)(journal_visit *visit, void *arg))
{
	if (j->path[0] == 0)
		return 0;
	struct rewriting w = { .fd = disk_create_beside(j->path, 0600) };
	if (w.fd < 0)
		return w.fd;
	each(line_rewrite, &w);
	if (w.error != 0) {
		disk_abandon(w.fd, j->path);
		return w.error;
	}
	int fd = dup(w.fd); /* the same file stays open for what comes next */
	if (fd < 0) {
		int e = -errno;
		disk_abandon(w.fd, j->path);
		return e;
	}
	int e = disk_replace(w.fd, j->path);
	if (e != 0 && !is_at(fd, j->path)) {
		close(fd);
		return e;
	}
	/* It has the name now, be its folder on the disk or not: what follows must go there. */
	journal_close(j);
	j->fd = fd;
	j->good_bytes = w.n_bytes;
	j->n_lines = w.n_lines;
	return e;
}
