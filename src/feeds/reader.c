/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"
#include "io/layers.h"
#include "io/unpack.h"

enum {
	IN_BYTES = 64 * 1024,
	TEXT_BYTES = 2 * READER_LINE_MAX, /* so that a line of the longest kind always fits */
	TRIES = 3,                        /* while what is read is replaced */
};

struct reader {
	int fd;
	struct unpack unpack;
	struct stat stat;
	uint64_t max_bytes, file_bytes, text_bytes, line;
	int error;
	const char *why;
	bool is_file_end, is_text_end, has_started;
	bool is_passing; /* inside a line that is too long */
	bool eat_lf;     /* the last line ended in CR: an LF that follows belongs to it */
	bool has_lone_cr;
	XXH3_state_t *digest;
	struct layers *layers; /* what follows the head; NULL: it is no text in layers */
	char *head_text;
	size_t n_head_text, head_at;
	size_t in_at, in_end;
	size_t start, end; /* text not yet given out */
	size_t lf;         /* the first LF in [start, end), or end */
	char head[READER_HEAD];
	size_t head_n;
	uint8_t in[IN_BYTES];
	char text[TEXT_BYTES];
};

static void fail(struct reader *r, int error, const char *why)
{
	if (r->error != 0)
		return;
	r->error = error;
	r->why = why;
}

/* fd is taken, also when it fails. */
static int open_fd(int fd, uint64_t max_bytes, struct reader **ret, const char **ret_why)
{
	struct reader *r = calloc(1, sizeof *r);
	XXH3_state_t *digest = XXH3_createState();
	int e = 0;
	if (r == NULL || digest == NULL) {
		e = -ENOMEM;
		*ret_why = "no memory to read it";
	} else if (fstat(fd, &r->stat) != 0) {
		e = -errno;
		*ret_why = "cannot be examined";
	} else if (!S_ISREG(r->stat.st_mode)) {
		e = -ENOTSUP;
		*ret_why = S_ISDIR(r->stat.st_mode) ? "is a directory" : "is not a regular file";
	}
	if (e != 0) {
		XXH3_freeState(digest);
		free(r);
		close(fd);
		return e;
	}
	XXH3_64bits_reset(digest);
	r->fd = fd;
	r->digest = digest;
	r->max_bytes = max_bytes;
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*ret = r;
	return 0;
}

/* A text in layers is read as if it were one file. 0; -ENOENT: a layer is not there; -errno. */
static int open_layers(struct reader *r, const char *path, const char **ret_why)
{
	struct layers_head h;
	char *text = malloc(LAYERS_HEAD_MAX);
	if (text == NULL) {
		*ret_why = "no memory to read it";
		return -ENOMEM;
	}
	int e = layers_head_read(r->fd, text, &r->n_head_text, &h);
	if (e == -ENOENT || (e != 0 && e != -EBADMSG)) { /* it cannot be read: that is told then */
		free(text);
		return 0;
	}
	r->head_text = text;
	if (e == 0)
		e = layers_open(path, &h, &r->layers);
	if (e != 0)
		*ret_why = e == -ENOENT    ? "lacks one of its layers"
		           : e == -EBADMSG ? "has a damaged layer"
		                           : "has a layer that cannot be read";
	if (e == 0 && r->n_head_text + h.bytes > r->max_bytes) {
		*ret_why = "is larger than allowed";
		e = -EFBIG;
	}
	return e;
}

static int open_path(const char *path, uint64_t max_bytes, struct reader **ret,
                     const char **ret_why)
{
	struct reader *r;
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		int e = -errno;
		*ret_why = "cannot be opened";
		return e;
	}
	int e = open_fd(fd, max_bytes, &r, ret_why);
	if (e == 0)
		e = open_layers(r, path, ret_why);
	else
		r = NULL;
	if (e != 0)
		reader_close(r);
	else
		*ret = r;
	/* Not to be taken for a file that is not there. */
	return e == -ENOENT && r != NULL ? -ENODATA : e;
}

int reader_open(const char *path, uint64_t max_bytes, struct reader **ret, const char **ret_why)
{
	int e = -ENODATA;
	for (int i = 0; i < TRIES && e == -ENODATA; i++)
		e = open_path(path, max_bytes, ret, ret_why);
	return e;
}

int reader_open_bytes(const void *bytes, size_t n, uint64_t max_bytes, struct reader **ret,
                      const char **ret_why)
{
	int fd = memfd_create("list", MFD_CLOEXEC);
	int e = fd < 0 ? -errno : disk_write(fd, bytes, n);
	if (e == 0 && lseek(fd, 0, SEEK_SET) != 0)
		e = -errno;
	if (e == 0)
		return open_fd(fd, max_bytes, ret, ret_why);
	*ret_why = "cannot be kept in memory";
	if (fd >= 0)
		close(fd);
	return e;
}

void reader_close(struct reader *r)
{
	if (r == NULL)
		return;
	unpack_done(&r->unpack);
	layers_close(r->layers);
	free(r->head_text);
	XXH3_freeState(r->digest);
	close(r->fd);
	free(r);
}

/* More of the file into `in`, which is empty. */
static void read_file(struct reader *r)
{
	ssize_t n;
	do
		n = read(r->fd, r->in, sizeof r->in);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		fail(r, -errno, "cannot be read");
		return;
	}
	if (n == 0)
		r->is_file_end = true;
	r->in_at = 0;
	r->in_end = (size_t)n;
	r->file_bytes += (uint64_t)n;
	/* Compressed files of endless nothing (empty members, padding) end here. */
	if (r->file_bytes > r->max_bytes)
		fail(r, -EFBIG, "is larger than allowed");
}

/* ---- what the first bytes say ---- */

static const struct magic {
	const char *bytes;
	size_t n;
	const char *why;
} magics[] = {
	/* clang-format off */
	{ "\x28\xb5\x2f\xfd",          4, "is compressed with zstd; use gzip or xz" },
	{ "BZh",                       3, "is compressed with bzip2; use gzip or xz" },
	{ "PK\x03\x04",                4, "is a zip archive; use gzip or xz" },
	{ "7z\xbc\xaf\x27\x1c",        6, "is a 7z archive; use gzip or xz" },
	{ "\x04\x22\x4d\x18",          4, "is compressed with lz4; use gzip or xz" },
	/* clang-format on */
};

static void start_file(struct reader *r)
{
	r->has_started = true;
	read_file(r);
	if (unpack_start(&r->unpack, unpack_kind_of(r->in, r->in_end)) != 0)
		fail(r, -ENOMEM, unpack_why(-ENOMEM));
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		const struct magic *m = &magics[i];
		if (r->in_end >= m->n && memcmp(r->in, m->bytes, m->n) == 0)
			fail(r, -EILSEQ, m->why);
	}
}

static void start_text(struct reader *r)
{
	const char *t = r->text;
	if (r->end >= 3 && memcmp(t, "\xef\xbb\xbf", 3) == 0)
		r->start = 3;
	else if (r->end >= 2 && (memcmp(t, "\xff\xfe", 2) == 0 || memcmp(t, "\xfe\xff", 2) == 0))
		fail(r, -EILSEQ, "is UTF-16 text; save it as UTF-8");
}

/* ---- filling the text buffer ---- */

static void fill_plain(struct reader *r)
{
	size_t n = r->in_end - r->in_at;
	if (n > TEXT_BYTES - r->end)
		n = TEXT_BYTES - r->end;
	memcpy(r->text + r->end, r->in + r->in_at, n);
	r->end += n;
	r->in_at += n;
	r->is_text_end = r->is_file_end;
}

static void fill_unpacked(struct reader *r)
{
	struct unpack_step step = { .in = r->in + r->in_at,
		                    .n_in = r->in_end - r->in_at,
		                    .is_last = r->is_file_end,
		                    .out = (uint8_t *)r->text + r->end,
		                    .n_out = TEXT_BYTES - r->end };
	int e = unpack_run(&r->unpack, &step);
	r->in_at = r->in_end - step.n_in;
	r->end = TEXT_BYTES - step.n_out;
	if (e > 0)
		r->is_text_end = true;
	else if (e < 0)
		fail(r, e == -EILSEQ ? -EBADMSG : e, unpack_why(e));
}

static void fill_layered(struct reader *r)
{
	size_t n = r->n_head_text - r->head_at, room = TEXT_BYTES - r->end;
	if (n > 0) {
		n = n < room ? n : room;
		memcpy(r->text + r->end, r->head_text + r->head_at, n);
		r->head_at += n;
	} else {
		int e = layers_read(r->layers, r->text + r->end, room, &n);
		if (e != 0) {
			fail(r, e, e == -EBADMSG ? "has a damaged layer" : "cannot be read");
			return;
		}
		r->is_text_end = n == 0;
	}
	r->end += n;
}

/* Move what is left to the front and fill the buffer as far as it goes. */
static void fill(struct reader *r)
{
	memmove(r->text, r->text + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
	r->lf = r->end;
	size_t old_end = r->end;
	if (!r->has_started && r->layers == NULL)
		start_file(r);
	bool is_first = r->text_bytes == 0;
	while (r->error == 0 && !r->is_text_end && r->end < TEXT_BYTES) {
		if (r->layers != NULL) {
			fill_layered(r);
			continue;
		}
		if (r->in_at == r->in_end && !r->is_file_end)
			read_file(r);
		if (r->error != 0)
			break;
		if (r->unpack.kind != UNPACK_PLAIN)
			fill_unpacked(r);
		else
			fill_plain(r);
	}
	r->text_bytes += r->end - old_end;
	if (r->text_bytes > r->max_bytes)
		fail(r, -EFBIG, "is larger than allowed");
	if (r->layers == NULL)
		XXH3_64bits_update(r->digest, r->text + old_end, r->end - old_end);
	if (is_first)
		start_text(r);
	const char *lf = memchr(r->text + r->lf, '\n', r->end - r->lf);
	r->lf = lf != NULL ? (size_t)(lf - r->text) : r->end;
}

/* ---- lines ---- */

static enum reader_got give(struct reader *r, const char *line, size_t n, const char **ret_line,
                            size_t *ret_n)
{
	r->line++;
	*ret_line = r->is_passing ? r->head : line;
	*ret_n = r->is_passing ? r->head_n : n;
	enum reader_got got = r->is_passing || n > READER_LINE_MAX ? READER_LONG : READER_LINE;
	if (got == READER_LONG && *ret_n > READER_HEAD)
		*ret_n = READER_HEAD;
	r->is_passing = false;
	return got;
}

/* The line that ends at `at`, where an LF or a CR stands. */
static enum reader_got give_until(struct reader *r, size_t at, const char **ret_line, size_t *ret_n)
{
	size_t start = r->start;
	r->eat_lf = r->text[at] == '\r';
	r->start = at + 1;
	if (r->lf < r->start) { /* it was the LF: where is the next? */
		const char *lf = memchr(r->text + r->start, '\n', r->end - r->start);
		r->lf = lf != NULL ? (size_t)(lf - r->text) : r->end;
	}
	return give(r, r->text + start, at - start, ret_line, ret_n);
}

static void eat_lf(struct reader *r)
{
	if (!r->eat_lf || r->start == r->end)
		return;
	r->eat_lf = false;
	if (r->text[r->start] != '\n') {
		r->has_lone_cr = true;
		return;
	}
	r->start++;
	const char *lf = memchr(r->text + r->start, '\n', r->end - r->start);
	r->lf = lf != NULL ? (size_t)(lf - r->text) : r->end;
}

enum reader_got reader_next(struct reader *r, const char **ret_line, size_t *ret_n)
{
	for (;;) {
		eat_lf(r);
		const char *cr = memchr(r->text + r->start, '\r', r->lf - r->start);
		size_t at = cr != NULL ? (size_t)(cr - r->text) : r->lf;
		if (at < r->end)
			return give_until(r, at, ret_line, ret_n);
		size_t left = r->end - r->start;
		if (left > READER_LINE_MAX) {
			if (!r->is_passing) {
				memcpy(r->head, r->text + r->start, READER_HEAD);
				r->head_n = READER_HEAD;
			}
			r->is_passing = true;
			r->start = r->end = r->lf = 0;
			left = 0;
		}
		if (r->error != 0)
			return READER_FAILED;
		if (!r->is_text_end) {
			fill(r);
			continue;
		}
		if (left == 0 && !r->is_passing)
			return READER_END;
		size_t start = r->start;
		r->start = r->lf = r->end;
		return give(r, r->text + start, left, ret_line, ret_n);
	}
}

enum reader_got reader_read(struct reader *r, const char **ret_text, size_t *ret_n)
{
	while (r->start == r->end && r->error == 0 && !r->is_text_end)
		fill(r);
	if (r->error != 0)
		return READER_FAILED;
	if (r->start == r->end)
		return READER_END;
	*ret_text = r->text + r->start;
	*ret_n = r->end - r->start;
	r->start = r->lf = r->end;
	return READER_LINE;
}

bool reader_is_compressed(struct reader *r)
{
	if (!r->has_started && r->layers == NULL)
		fill(r);
	return r->unpack.kind != UNPACK_PLAIN;
}

bool reader_next_bytes(struct reader *r, const char **ret_bytes, size_t *ret_n)
{
	if (r->start == r->end && r->error == 0 && !r->is_text_end)
		fill(r);
	if (r->error != 0 || r->start == r->end)
		return false;
	*ret_bytes = r->text + r->start;
	*ret_n = r->end - r->start;
	r->start = r->lf = r->end;
	return true;
}

uint64_t reader_line(const struct reader *r)
{
	return r->line;
}

uint64_t reader_bytes(const struct reader *r)
{
	return r->text_bytes;
}

int reader_error(const struct reader *r, const char **ret_why)
{
	*ret_why = r->why;
	return r->error;
}

const struct stat *reader_stat(const struct reader *r)
{
	return &r->stat;
}

bool reader_has_lone_cr(const struct reader *r)
{
	return r->has_lone_cr;
}

bool reader_has_changed(const struct reader *r)
{
	struct stat now;
	return fstat(r->fd, &now) != 0 || now.st_size != r->stat.st_size ||
	       now.st_mtim.tv_sec != r->stat.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != r->stat.st_mtim.tv_nsec;
}

/* The head tells the sum of the lines. */
uint64_t reader_digest(const struct reader *r)
{
	if (r->layers != NULL)
		return XXH3_64bits(r->head_text, r->n_head_text);
	return XXH3_64bits_digest(r->digest);
}

uint64_t reader_size(const struct reader *r)
{
	return r->layers != NULL ? r->n_head_text + layers_head(r->layers)->bytes
	                         : (uint64_t)r->stat.st_size;
}

struct layers *reader_layers(const struct reader *r, const char **ret_head, size_t *ret_n)
{
	if (r->layers != NULL) {
		*ret_head = r->head_text;
		*ret_n = r->n_head_text;
	}
	return r->layers;
}
