/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of lines: appended to, rotated by size, and never left with half a line in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "events/sink.h"

enum {
	KEEP_MAX = 1000,
	SCAN_BYTES = 4096,
	SCAN_MAX = 256 * 1024, /* no line of ours is longer: JSON_LINE_MAX */
	FILE_MODE = 0640,      /* who asked for what is nobody else's business */
};

struct file {
	struct sink sink;
	uint64_t size; /* bytes in the file */
	uint64_t max_bytes;
	unsigned keep;
	size_t torn;     /* bytes of a cut line at the end that could not be taken back yet */
	bool said_stuck; /* that rotation fails */
	char path[];
};

static bool file_takes(const char *path)
{
	return *path != 0;
}

/* ---- opening, and what a crash left behind ---- */

/* Offset behind the last newline in the file; -1 if there is none near its end. */
static off_t find_last_line_end(int fd, off_t size)
{
	char bytes[SCAN_BYTES];
	off_t end = size;
	while (end > 0 && size - end < SCAN_MAX) {
		off_t start = end > SCAN_BYTES ? end - SCAN_BYTES : 0;
		ssize_t n = pread(fd, bytes, (size_t)(end - start), start);
		if (n != end - start)
			return -1;
		const char *newline = memrchr(bytes, '\n', (size_t)n);
		if (newline != NULL)
			return start + (newline - bytes) + 1;
		end = start;
	}
	return end == 0 ? 0 : -1;
}

/*
 * A process killed while it wrote leaves a line without an end. Cut it off, so that the next
 * line is not glued to it; where no earlier line is near, this is no file of ours: only end it.
 */
static int mend_last_line(int fd, off_t *size)
{
	char last = '\n';
	if (*size == 0 || pread(fd, &last, 1, *size - 1) != 1 || last == '\n')
		return 0;
	off_t end = find_last_line_end(fd, *size);
	if (end >= 0) {
		if (ftruncate(fd, end) != 0)
			return -errno;
		*size = end;
		return 0;
	}
	if (write(fd, "\n", 1) != 1)
		return -errno;
	*size += 1;
	return 0;
}

static int open_fd(struct file *f)
{
	struct stat st;
	int fd = open(f->path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
	              FILE_MODE);
	if (fd < 0)
		return -errno;
	int e = fstat(fd, &st) == 0 ? 0 : -errno;
	if (e == 0 && !S_ISREG(st.st_mode))
		e = -EINVAL;
	if (e == 0)
		e = mend_last_line(fd, &st.st_size);
	if (e != 0) {
		close(fd);
		return e;
	}
	f->sink.fd = fd;
	f->size = (uint64_t)st.st_size;
	f->torn = 0;
	return 0;
}

static int file_open(const struct events_config *config, struct sink **ret)
{
	size_t n = strlen(config->path) + 1;
	struct file *f = calloc(1, sizeof *f + n);
	if (f == NULL)
		return -ENOMEM;
	f->sink.kind = &sink_file;
	f->max_bytes = config->max_bytes;
	f->keep = config->keep < KEEP_MAX ? config->keep : KEEP_MAX;
	memcpy(f->path, config->path, n);
	int e = open_fd(f);
	if (e != 0) {
		free(f);
		return e;
	}
	*ret = &f->sink;
	return 0;
}

static int file_reopen(struct sink *sink)
{
	struct file *f = CONTAINER_OF(sink, struct file, sink);
	int old = sink->fd;
	int e = open_fd(f);
	if (e == 0)
		close(old);
	return e;
}

static void file_close(struct sink *sink)
{
	struct file *f = CONTAINER_OF(sink, struct file, sink);
	close(sink->fd);
	free(f);
}

/* ---- rotation ---- */

/*
 * PATH.1 becomes PATH.2 and so on, from the oldest, then PATH becomes PATH.1: whenever this is
 * cut short, nothing but the oldest is lost and the numbers have at most a gap.
 */
static int shift_names(const struct file *f)
{
	size_t room = strlen(f->path) + 16;
	char *from = malloc(room);
	char *to = malloc(room);
	int e = from != NULL && to != NULL ? 0 : -ENOMEM;
	for (unsigned i = f->keep; i > 0 && e == 0; i--) {
		snprintf(to, room, "%s.%u", f->path, i);
		snprintf(from, room, "%s.%u", f->path, i - 1);
		if (rename(i == 1 ? f->path : from, to) != 0 && errno != ENOENT)
			e = -errno;
	}
	free(from);
	free(to);
	return e;
}

static int rotate(struct file *f)
{
	if (f->keep == 0) {
		if (ftruncate(f->sink.fd, 0) != 0)
			return -errno;
		f->size = 0;
		f->sink.rotations++;
		return 0;
	}
	/* Shift only once when opening the new file failed the last time, or all would be lost. */
	int e = access(f->path, F_OK) == 0 ? shift_names(f) : 0;
	if (e == 0)
		e = file_reopen(&f->sink);
	if (e == 0)
		f->sink.rotations++;
	return e;
}

/* Better a file that is too long than no record of what happened; but it is said. */
static void rotate_if_possible(struct file *f)
{
	int e = rotate(f);
	if (e != 0 && !f->said_stuck)
		log_error("events: cannot rotate %s: %s; it grows past its size cap", f->path,
		          strerrordesc_np(-e));
	if (e == 0 && f->said_stuck)
		log_info("events: %s is rotated again", f->path);
	f->said_stuck = e != 0;
}

/* How many of the n bytes, in whole lines, go into the file before it must be rotated. */
static size_t fitting(const struct file *f, const char *lines, size_t n)
{
	if (f->max_bytes == 0 || f->size + n <= f->max_bytes)
		return n;
	size_t room = f->max_bytes > f->size ? (size_t)(f->max_bytes - f->size) : 0;
	const char *newline = room > 0 ? memrchr(lines, '\n', room) : NULL;
	return newline != NULL ? (size_t)(newline + 1 - lines) : 0;
}

static size_t first_line(const char *lines, size_t n)
{
	const char *newline = memchr(lines, '\n', n);
	return newline != NULL ? (size_t)(newline + 1 - lines) : n;
}

/* ---- writing ---- */

/* Take a cut line back. Asks for the size: another program may have emptied the file. */
static int take_back(struct file *f)
{
	struct stat st;
	if (f->torn == 0)
		return 0;
	if (fstat(f->sink.fd, &st) != 0)
		return -errno;
	if (st.st_size >= (off_t)f->torn && ftruncate(f->sink.fd, st.st_size - (off_t)f->torn) != 0)
		return -errno;
	f->torn = 0;
	return 0;
}

/* Append; what is taken ends with a whole line even when the disk is full in the middle. */
static int append(struct file *f, const char *lines, size_t n, size_t *ret_taken)
{
	size_t done = 0;
	int e = 0;
	while (done < n && e == 0) {
		ssize_t k = write(f->sink.fd, lines + done, n - done);
		if (k > 0)
			done += (size_t)k;
		else if (k == 0 || errno != EINTR)
			e = k == 0 ? -EIO : -errno;
	}
	const char *newline = done > 0 ? memrchr(lines, '\n', done) : NULL;
	size_t whole = newline != NULL ? (size_t)(newline + 1 - lines) : 0;
	f->torn = done - whole;
	f->size += whole;
	*ret_taken = whole;
	(void)take_back(f); /* if it fails, it is tried again before the next line */
	return e;
}

static int file_write(struct sink *sink, const char *lines, size_t n, size_t *ret_taken)
{
	struct file *f = CONTAINER_OF(sink, struct file, sink);
	struct stat st;
	*ret_taken = 0;
	int e = take_back(f);
	if (e != 0)
		return e;
	if (fstat(f->sink.fd, &st) == 0)
		f->size = (uint64_t)st.st_size;
	while (*ret_taken < n && e == 0) {
		const char *at = lines + *ret_taken;
		size_t left = n - *ret_taken;
		size_t part = fitting(f, at, left);
		if (part == 0 && f->size > 0) {
			rotate_if_possible(f);
			part = f->said_stuck ? left : fitting(f, at, left);
		}
		if (part == 0) /* a line longer than the cap has a file for itself */
			part = first_line(at, left);
		size_t taken;
		e = append(f, at, part, &taken);
		*ret_taken += taken;
	}
	return e;
}

const struct sink_kind sink_file = {
	.takes = file_takes,
	.open = file_open,
	.write = file_write,
	.reopen = file_reopen,
	.close = file_close,
};
