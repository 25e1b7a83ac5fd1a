/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/disk.h"

enum {
	FILE_MODE = 0640,
	BLOCK_MAX = LAYER_BLOCK + LAYER_LINE_MAX + 2,
	PROBE = 1024, /* most lines are shorter */
	FIRST_BLOCKS = 64,
};

static const uint8_t magic[8] = { 'W', 'E', 'I', 'R', 'L', 'Y', 'R', '1' };

/* At the end of the file, behind the index. */
struct tail {
	uint8_t magic[8];
	uint64_t data_bytes, n_blocks;
	struct layer_totals totals;
	uint64_t check; /* of the index and of all above */
};

int layer_compare(const char *a, size_t na, const char *b, size_t nb)
{
	int c = memcmp(a, b, na < nb ? na : nb);
	return c != 0 ? c : (na > nb) - (na < nb);
}

static uint64_t check_of(const struct layer_block *blocks, const struct tail *t)
{
	uint64_t seed = XXH3_64bits(blocks, t->n_blocks * sizeof *blocks);
	return XXH3_64bits_withSeed(t, offsetof(struct tail, check), seed);
}

/* All n bytes. 0; -EBADMSG: it ends before; -errno. */
static int read_at(int fd, void *to, size_t n, uint64_t at)
{
	uint8_t *p = to;
	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* ---- opening ---- */

static bool is_index(const struct layer *l)
{
	for (size_t i = 0; i < l->n_blocks; i++) {
		const struct layer_block *b = &l->blocks[i];
		if (b[1].at <= b->at || b[1].at - b->at > BLOCK_MAX)
			return false;
	}
	return l->blocks[0].at == 0;
}

static int read_index(struct layer *l, const struct tail *t, uint64_t file_bytes)
{
	uint64_t most = file_bytes / sizeof *l->blocks;
	if (memcmp(t->magic, magic, sizeof magic) != 0 || t->n_blocks > most ||
	    t->data_bytes > file_bytes ||
	    t->data_bytes + t->n_blocks * sizeof *l->blocks + sizeof *t != file_bytes)
		return -EBADMSG;
	l->n_blocks = l->block = t->n_blocks;
	l->data_bytes = t->data_bytes;
	l->totals = t->totals;
	l->blocks = calloc(l->n_blocks + 1, sizeof *l->blocks);
	if (l->blocks == NULL)
		return -ENOMEM;
	int e = read_at(l->fd, l->blocks, l->n_blocks * sizeof *l->blocks, t->data_bytes);
	if (e != 0)
		return e;
	l->blocks[l->n_blocks] =
		(struct layer_block){ .at = t->data_bytes, .net = t->totals.lines };
	return check_of(l->blocks, t) == t->check && is_index(l) ? 0 : -EBADMSG;
}

int layer_open(const char *path, struct layer *ret)
{
	struct layer l = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) };
	struct stat st = { 0 };
	struct tail t = { 0 };
	int e = 0;
	if (l.fd < 0 || fstat(l.fd, &st) != 0)
		e = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof t)
		e = -EBADMSG;
	else
		e = read_at(l.fd, &t, sizeof t, (uint64_t)st.st_size - sizeof t);
	if (e == 0)
		e = read_index(&l, &t, (uint64_t)st.st_size);
	l.is_end = true;
	if (e != 0)
		layer_close(&l);
	else
		*ret = l;
	return e;
}

void layer_close(struct layer *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->blocks);
	free(l->text);
	*l = (struct layer){ .fd = -1 };
}

/* ---- moving ---- */

static int load_block(struct layer *l, size_t i)
{
	size_t n = (size_t)(l->blocks[i + 1].at - l->blocks[i].at);
	if (n > l->room) {
		char *more = realloc(l->text, n);
		if (more == NULL)
			return -ENOMEM;
		l->text = more;
		l->room = n;
	}
	l->block = l->n_blocks;
	int e = read_at(l->fd, l->text, n, l->blocks[i].at);
	if (e == 0 && (XXH3_64bits(l->text, n) != l->blocks[i].hash || l->text[n - 1] != '\n'))
		e = -EBADMSG;
	if (e != 0)
		return e;
	l->block = i;
	l->n_text = n;
	return 0;
}

/* The entry at l->at, which is in the block. */
static int read_entry(struct layer *l)
{
	const char *p = l->text + l->at;
	const char *lf = memchr(p, '\n', l->n_text - l->at); /* the block ends with one */
	if ((*p != '+' && *p != '-') || (size_t)(lf - p) - 1 > LAYER_LINE_MAX)
		return -EBADMSG;
	l->now = (struct layer_entry){ *p == '+', p + 1, (size_t)(lf - p) - 1 };
	l->at += l->now.n + 2;
	l->is_end = false;
	return 0;
}

static int first_of(struct layer *l, size_t block)
{
	int e = block == l->block ? 0 : load_block(l, block);
	l->is_end = true;
	if (e != 0)
		return e;
	l->at = 0;
	l->net = l->blocks[block].net;
	return read_entry(l);
}

static void go_to_end(struct layer *l)
{
	l->is_end = true;
	l->net = l->blocks[l->n_blocks].net;
}

int layer_first(struct layer *l)
{
	if (l->n_blocks > 0)
		return first_of(l, 0);
	go_to_end(l);
	return 0;
}

int layer_next(struct layer *l)
{
	l->net += l->now.is_add ? 1 : -1;
	if (l->at < l->n_text)
		return read_entry(l);
	if (l->block + 1 < l->n_blocks)
		return first_of(l, l->block + 1);
	go_to_end(l);
	return 0;
}

int layer_block_line(struct layer *l, size_t block, const char **ret_line, size_t *ret_n)
{
	int e = first_of(l, block);
	if (e != 0)
		return e;
	*ret_line = l->now.line;
	*ret_n = l->now.n;
	return 0;
}

int layer_verify(struct layer *l)
{
	int e = 0;
	l->is_end = true;
	for (size_t i = 0; e == 0 && i < l->n_blocks; i++)
		e = load_block(l, i);
	l->block = l->n_blocks;
	return e;
}

/* Is the first line of the block not behind the line? 1, 0, -errno. */
static int begins_before(struct layer *l, size_t block, const char *line, size_t n)
{
	char probe[PROBE];
	size_t bytes = (size_t)(l->blocks[block + 1].at - l->blocks[block].at);
	size_t want = bytes < sizeof probe ? bytes : sizeof probe;
	int e = read_at(l->fd, probe, want, l->blocks[block].at);
	if (e != 0)
		return e;
	const char *lf = memchr(probe, '\n', want);
	if (lf != NULL && lf > probe)
		return layer_compare(probe + 1, (size_t)(lf - probe) - 1, line, n) <= 0;
	if (lf != NULL)
		return -EBADMSG;
	e = first_of(l, block);
	return e != 0 ? e : layer_compare(l->now.line, l->now.n, line, n) <= 0;
}

/* The entry before what begins at `end` of the block in memory; NULL: there is none in it. */
static const char *line_before(const struct layer *l, size_t end, size_t *ret_n)
{
	if (end == 0)
		return NULL;
	const char *lf = memrchr(l->text, '\n', end - 1);
	const char *entry = lf != NULL ? lf + 1 : l->text;
	*ret_n = (size_t)(l->text + end - 1 - entry);
	if (*ret_n == 0)
		return NULL; /* not even a sign: whoever comes there finds the damage */
	(*ret_n)--;
	return entry + 1;
}

/* Where a line is, seen from the position. */
enum place {
	PLACE_HERE,  /* the position is right */
	PLACE_AHEAD, /* in the block, further on */
	PLACE_BLOCK, /* in the block, or behind it */
	PLACE_FAR,
};

static enum place find_place(const struct layer *l, const char *line, size_t n)
{
	size_t n_before = 0;
	if (l->block >= l->n_blocks)
		return PLACE_FAR;
	if (!l->is_end && layer_compare(l->now.line, l->now.n, line, n) < 0) {
		const char *last = line_before(l, l->n_text, &n_before);
		return last != NULL && layer_compare(last, n_before, line, n) >= 0 ? PLACE_AHEAD
		                                                                   : PLACE_BLOCK;
	}
	size_t start = l->is_end ? l->n_text : (size_t)(l->now.line - 1 - l->text);
	const char *before = line_before(l, start, &n_before);
	if (before == NULL ? start == 0 && l->block == 0
	                   : layer_compare(before, n_before, line, n) < 0)
		return PLACE_HERE;
	return PLACE_FAR;
}

/* The last block that begins at or before the line; the first if none does. From `low`, which does. */
static int find_block(struct layer *l, size_t low, const char *line, size_t n, size_t *ret)
{
	size_t high = l->n_blocks, step = 1;
	int is_before = 1;
	for (; is_before == 1 && low + step < l->n_blocks;
	     step *= 2) { /* the next one is near, mostly */
		is_before = begins_before(l, low + step, line, n);
		if (is_before == 1)
			low += step;
		else
			high = low + step;
	}
	while (is_before >= 0 && high - low > 1) {
		size_t middle = low + (high - low) / 2;
		is_before = begins_before(l, middle, line, n);
		if (is_before == 1)
			low = middle;
		else
			high = middle;
	}
	*ret = low;
	return is_before < 0 ? is_before : 0;
}

int layer_seek(struct layer *l, const char *line, size_t n)
{
	size_t block = 0;
	if (l->n_blocks == 0)
		return layer_first(l);
	enum place place = find_place(l, line, n);
	int e = 0;
	if (place == PLACE_BLOCK || place == PLACE_FAR) {
		e = find_block(l, place == PLACE_BLOCK ? l->block : 0, line, n, &block);
		if (e == 0)
			e = first_of(l, block);
	}
	while (e == 0 && place != PLACE_HERE && !l->is_end &&
	       layer_compare(l->now.line, l->now.n, line, n) < 0)
		e = layer_next(l);
	return e;
}

/* ---- writing ---- */

int layer_writer_open(struct layer_writer *w, const char *path)
{
	*w = (struct layer_writer){ .fd = -1 };
	if (snprintf(w->path, sizeof w->path, "%s", path) >= (int)sizeof w->path)
		return -ENAMETOOLONG;
	int fd = disk_create_beside(path, FILE_MODE);
	if (fd < 0)
		return fd;
	w->fd = fd;
	return 0;
}

static void forget(struct layer_writer *w)
{
	free(w->text);
	free(w->last);
	free(w->blocks);
	*w = (struct layer_writer){ .fd = -1 };
}

void layer_writer_abandon(struct layer_writer *w)
{
	if (w->fd >= 0)
		disk_abandon(w->fd, w->path);
	forget(w);
}

static int grow(char **p, size_t *room, size_t n)
{
	if (n <= *room)
		return 0;
	char *more = realloc(*p, 2 * n);
	if (more == NULL)
		return -ENOMEM;
	*p = more;
	*room = 2 * n;
	return 0;
}

static int end_block(struct layer_writer *w)
{
	if (w->n == 0)
		return 0;
	if (w->n_blocks == w->blocks_room) {
		size_t room = w->blocks_room == 0 ? FIRST_BLOCKS : 2 * w->blocks_room;
		struct layer_block *more = reallocarray(w->blocks, room, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		w->blocks = more;
		w->blocks_room = room;
	}
	w->blocks[w->n_blocks++] = (struct layer_block){ .at = w->data_bytes,
		                                         .net = w->block_net,
		                                         .hash = XXH3_64bits(w->text, w->n) };
	int e = disk_write(w->fd, w->text, w->n);
	w->data_bytes += w->n;
	w->block_net = w->totals.lines;
	w->n = 0;
	return e;
}

int layer_writer_add(struct layer_writer *w, bool is_add, const char *line, size_t n)
{
	int64_t by = is_add ? 1 : -1;
	if (n > LAYER_LINE_MAX || memchr(line, '\n', n) != NULL ||
	    (w->has_last && layer_compare(w->last, w->n_last, line, n) >= 0))
		return -EBADMSG;
	int e = grow(&w->text, &w->room, w->n + n + 2);
	if (e == 0)
		e = grow(&w->last, &w->last_room, n + 1);
	if (e != 0)
		return e;
	memcpy(w->last, line, n);
	w->n_last = n;
	w->has_last = true;
	w->text[w->n] = is_add ? '+' : '-';
	memcpy(w->text + w->n + 1, line, n);
	w->text[w->n + n + 1] = '\n';
	w->n += n + 2;
	uint64_t hash = XXH3_64bits(line, n);
	w->totals.lines += by;
	w->totals.bytes += by * (int64_t)(n + 1);
	w->totals.sum += is_add ? hash : -hash;
	return w->n >= LAYER_BLOCK ? end_block(w) : 0;
}

int layer_writer_commit(struct layer_writer *w)
{
	int e = end_block(w);
	struct tail t = { .data_bytes = w->data_bytes,
		          .n_blocks = w->n_blocks,
		          .totals = w->totals };
	memcpy(t.magic, magic, sizeof magic);
	t.check = check_of(w->blocks, &t);
	if (e == 0)
		e = disk_write(w->fd, w->blocks, w->n_blocks * sizeof *w->blocks);
	if (e == 0)
		e = disk_write(w->fd, &t, sizeof t);
	if (e == 0) {
		e = disk_replace(w->fd, w->path);
		w->fd = -1;
	}
	layer_writer_abandon(w);
	return e;
}
