/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/unpack.h"

enum {
	RAW_BYTES = 64 * 1024,
	BUFFER_BYTES = 2 * INPUT_MAX
};

struct input {
	int fd;
	struct unpack unpack;
	bool has_started, is_raw_end, is_end;
	const char *why;
	size_t raw_at, raw_end;
	size_t start, end;
	uint8_t raw[RAW_BYTES];
	uint8_t bytes[BUFFER_BYTES];
};

int input_open(const char *path, struct input **ret)
{
	struct stat st;
	int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
	                                : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	struct input *in = NULL;
	int e = fstat(fd, &st) != 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : 0;
	if (e == 0) {
		in = calloc(1, sizeof *in);
		e = in == NULL ? -ENOMEM : 0;
	}
	if (e != 0) {
		close(fd);
		return e;
	}
	in->fd = fd;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret = in;
	return 0;
}

void input_close(struct input *in)
{
	if (in == NULL)
		return;
	unpack_done(&in->unpack);
	close(in->fd);
	free(in);
}

static void fail(struct input *in, const char *why)
{
	if (in->why == NULL)
		in->why = why;
	in->is_end = true;
}

/* More of the file behind what is in `raw`, which is empty but at the very start. */
static void read_raw(struct input *in)
{
	if (in->raw_at == in->raw_end)
		in->raw_at = in->raw_end = 0;
	ssize_t n;
	do
		n = read(in->fd, in->raw + in->raw_end, RAW_BYTES - in->raw_end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		fail(in, "cannot be read");
	if (n <= 0)
		in->is_raw_end = true;
	else
		in->raw_end += (size_t)n;
}

static void start(struct input *in)
{
	in->has_started = true;
	while (in->raw_end < UNPACK_HEAD && !in->is_raw_end) /* a pipe gives little at once */
		read_raw(in);
	if (unpack_start(&in->unpack, unpack_kind_of(in->raw, in->raw_end)) != 0)
		fail(in, unpack_why(-ENOMEM));
}

/* What was looked at to know that it is plain; the rest comes without a copy. */
static void fill_plain(struct input *in)
{
	if (in->raw_at == in->raw_end) {
		/* No more at once than the processor's cache keeps until it is looked at. */
		size_t room =
			BUFFER_BYTES - in->end < RAW_BYTES ? BUFFER_BYTES - in->end : RAW_BYTES;
		ssize_t got;
		do
			got = read(in->fd, in->bytes + in->end, room);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			fail(in, "cannot be read");
		else if (got == 0)
			in->is_end = true;
		else
			in->end += (size_t)got;
		return;
	}
	size_t n = in->raw_end - in->raw_at;
	if (n > BUFFER_BYTES - in->end)
		n = BUFFER_BYTES - in->end;
	memcpy(in->bytes + in->end, in->raw + in->raw_at, n);
	in->end += n;
	in->raw_at += n;
}

static void fill_unpacked(struct input *in)
{
	struct unpack_step step = { .in = in->raw + in->raw_at,
		                    .n_in = in->raw_end - in->raw_at,
		                    .is_last = in->is_raw_end,
		                    .out = in->bytes + in->end,
		                    .n_out = BUFFER_BYTES - in->end };
	int e = unpack_run(&in->unpack, &step);
	in->raw_at = in->raw_end - step.n_in;
	in->end = BUFFER_BYTES - step.n_out;
	if (e > 0)
		in->is_end = true;
	else if (e < 0)
		fail(in, unpack_why(e));
}

/* More bytes; false when there are no more, or no room for them. */
static bool fill(struct input *in)
{
	if (!in->has_started)
		start(in);
	if (in->start > 0 && in->end > in->start && BUFFER_BYTES - in->end < RAW_BYTES) {
		memmove(in->bytes, in->bytes + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	} else if (in->start == in->end) {
		in->start = in->end = 0;
	}
	size_t before = in->end;
	while (!in->is_end && in->end == before && in->end < BUFFER_BYTES) {
		if (in->unpack.kind != UNPACK_PLAIN && in->raw_at == in->raw_end && !in->is_raw_end)
			read_raw(in);
		if (in->is_end)
			break;
		if (in->unpack.kind != UNPACK_PLAIN)
			fill_unpacked(in);
		else
			fill_plain(in);
	}
	return in->end > before;
}

size_t input_need(struct input *in, size_t n)
{
	while (in->end - in->start < n && fill(in))
		;
	return in->end - in->start;
}

const uint8_t *input_at(const struct input *in)
{
	return in->bytes + in->start;
}

void input_pass(struct input *in, size_t n)
{
	must(n <= in->end - in->start);
	in->start += n;
}

uint64_t input_pass_over(struct input *in, uint64_t n)
{
	uint64_t left = n;
	while (left > 0) {
		size_t have = input_need(in, 1);
		if (have == 0)
			break;
		size_t some = have < left ? have : (size_t)left;
		in->start += some;
		left -= some;
	}
	return n - left;
}

/* Behind the LF of a line that is too long. */
static void pass_line(struct input *in)
{
	size_t have;
	while ((have = input_need(in, 1)) > 0) {
		const uint8_t *lf = memchr(input_at(in), '\n', have);
		in->start += lf != NULL ? (size_t)(lf - input_at(in)) + 1 : have;
		if (lf != NULL)
			return;
	}
}

enum input_got input_line(struct input *in, const char **ret_line, size_t *ret_n)
{
	size_t looked = 0;
	const uint8_t *lf = NULL;
	for (;;) {
		size_t have = in->end - in->start;
		lf = memchr(in->bytes + in->start + looked, '\n', have - looked);
		looked = have;
		if (lf != NULL || have > INPUT_MAX || !fill(in))
			break;
	}
	size_t have = in->end - in->start;
	if (lf == NULL && have == 0)
		return in->why != NULL ? INPUT_FAILED : INPUT_END;
	size_t n = lf != NULL ? (size_t)(lf - in->bytes) - in->start : have;
	if (n > INPUT_MAX) {
		pass_line(in);
		return INPUT_LONG;
	}
	if (lf == NULL && in->why != NULL)
		return INPUT_FAILED; /* half a line */
	const uint8_t *line = in->bytes + in->start;
	in->start += n + (lf != NULL);
	*ret_line = (const char *)line;
	*ret_n = n > 0 && line[n - 1] == '\r' ? n - 1 : n;
	return INPUT_LINE;
}

const char *input_error(const struct input *in)
{
	return in->why;
}
