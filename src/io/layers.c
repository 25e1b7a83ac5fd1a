/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/layers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "io/layers_merge.h"

enum {
	NEAR_LINES = 1000, /* so far it is shorter to go than to look */
};

static const char mark[] = "; weir-layers 1 ";

/* ---- heads ---- */

static int parse_line(const char *at, const char *end, struct layers_head *ret)
{
	struct layers_head h = { 0 };
	if (!text_read_number(&at, end, 10, &h.lines) ||
	    !text_read_number(&at, end, 10, &h.bytes) || !text_read_number(&at, end, 16, &h.sum))
		return -EBADMSG;
	while (at < end) {
		if (h.n == LAYERS_MAX || !text_read_number(&at, end, 16, &h.names[h.n++]))
			return -EBADMSG;
	}
	if (h.lines > INT64_MAX || h.bytes > INT64_MAX)
		return -EBADMSG;
	*ret = h;
	return 0;
}

int layers_head_parse(const char *text, size_t n, struct layers_head *ret)
{
	const char *end = text + n;
	while (text < end && *text == ';') {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		if (lf == NULL)
			return -ENOENT;
		if ((size_t)(lf - text) >= sizeof mark - 1 &&
		    memcmp(text, mark, sizeof mark - 1) == 0)
			return parse_line(text + sizeof mark - 1, lf, ret);
		text = lf + 1;
	}
	return -ENOENT;
}

void layers_head_format(const struct layers_head *h, char *ret)
{
	int n = snprintf(ret, LAYERS_LINE_ROOM, "%s%" PRIu64 " %" PRIu64 " %016" PRIx64, mark,
	                 h->lines, h->bytes, h->sum);
	for (unsigned i = 0; i < h->n; i++)
		n += snprintf(ret + n, LAYERS_LINE_ROOM - (size_t)n, " %016" PRIx64, h->names[i]);
}

int layers_head_read(int fd, char *ret_text, size_t *ret_n, struct layers_head *ret)
{
	char text[LAYERS_HEAD_MAX];
	ssize_t n = pread(fd, text, sizeof text, 0);
	if (n < 0)
		return -errno;
	int e = layers_head_parse(text, (size_t)n, ret);
	if (e != 0)
		return e;
	if (n == sizeof text || text[n - 1] != '\n')
		return -EBADMSG; /* cut off, or no head of ours */
	memcpy(ret_text, text, (size_t)n);
	*ret_n = (size_t)n;
	return 0;
}

/* ---- opening ---- */

struct layers {
	struct layers_head head;
	struct layer at[LAYERS_MAX];
	struct merge merge;
	bool is_ready;    /* the merge stands at a line that was not given out yet */
	const char *line; /* the rest of a line that layers_read() had no room for */
	size_t n_line;
	bool has_rest;
};

/* In the folder beside the head's, or in the one beside that. */
static int layer_path(const char *path, const char *way, uint64_t name, char *ret, size_t room)
{
	const char *slash = strrchr(path, '/');
	int n = slash != NULL ? (int)(slash - path) : 1;
	int k = snprintf(ret, room, "%.*s/%slayers/%016" PRIx64, n, slash != NULL ? path : ".", way,
	                 name);
	return k > 0 && (size_t)k < room ? 0 : -ENAMETOOLONG;
}

int layers_path(const char *path, uint64_t name, char *ret, size_t room)
{
	return layer_path(path, "../", name, ret, room);
}

enum {
	N_UP = 2
};
static const char *const up[N_UP] = { "../", "../../" };

int layers_open_one(const char *path, uint64_t name, struct layer *ret)
{
	char at[PATH_MAX];
	int e = -ENOENT;
	for (int i = 0; e == -ENOENT && i < N_UP; i++) {
		e = layer_path(path, up[i], name, at, sizeof at);
		if (e == 0)
			e = layer_open(at, ret);
	}
	return e;
}

int layers_size(const char *path, uint64_t name, uint64_t *ret)
{
	char at[PATH_MAX];
	struct stat st;
	int e = -ENOENT;
	for (int i = 0; e == -ENOENT && i < N_UP; i++) {
		e = layer_path(path, up[i], name, at, sizeof at);
		if (e == 0 && stat(at, &st) != 0)
			e = -errno;
	}
	if (e == 0)
		*ret = (uint64_t)st.st_size;
	return e;
}

/* Do the layers together come to what the head says? */
static bool is_whole(const struct layers *l)
{
	uint64_t lines = 0, bytes = 0, sum = 0;
	for (unsigned i = 0; i < l->head.n; i++) {
		lines += (uint64_t)l->at[i].totals.lines;
		bytes += (uint64_t)l->at[i].totals.bytes;
		sum += l->at[i].totals.sum;
	}
	return lines == l->head.lines && bytes == l->head.bytes && sum == l->head.sum;
}

/* Layers from the `first` on. */
static int open_from(const char *path, const struct layers_head *h, unsigned first,
                     struct layers **ret)
{
	struct layers *l = calloc(1, sizeof *l);
	int e = 0;
	if (l == NULL)
		return -ENOMEM;
	l->head = *h;
	for (unsigned i = 0; i < h->n; i++)
		l->at[i].fd = -1;
	for (unsigned i = first; e == 0 && i < h->n; i++) {
		e = layers_open_one(path, h->names[i], &l->at[i]);
		l->merge.at[l->merge.n++] = &l->at[i];
	}
	if (e == 0 && first == 0 && !is_whole(l))
		e = -EBADMSG;
	if (e != 0)
		layers_close(l);
	else
		*ret = l;
	return e;
}

int layers_open(const char *path, const struct layers_head *h, struct layers **ret)
{
	struct layers *l;
	int e = open_from(path, h, 0, &l);
	if (e != 0)
		return e;
	e = layers_first(l);
	if (e != 0)
		layers_close(l);
	else
		*ret = l;
	return e;
}

void layers_close(struct layers *l)
{
	if (l == NULL)
		return;
	for (unsigned i = 0; i < l->head.n; i++)
		layer_close(&l->at[i]);
	free(l);
}

const struct layers_head *layers_head(const struct layers *l)
{
	return &l->head;
}

int layers_verify(struct layers *l)
{
	int e = 0;
	l->has_rest = l->is_ready = false;
	for (unsigned i = 0; e == 0 && i < l->head.n; i++)
		e = layer_verify(&l->at[i]);
	return e;
}

/* ---- lines ---- */

int layers_first(struct layers *l)
{
	l->has_rest = l->is_ready = false;
	return merge_first(&l->merge);
}

int layers_seek(struct layers *l, const char *line, size_t n)
{
	l->has_rest = l->is_ready = false;
	return merge_seek(&l->merge, line, n);
}

/* To the next line that is there. */
static int step(struct layers *l)
{
	int got;
	do
		got = merge_step(&l->merge);
	while (got == 1 && l->merge.is_first_add && !l->merge.is_last_add);
	return got == 1 && !l->merge.is_first_add ? -EBADMSG : got; /* one that never came goes */
}

int layers_next(struct layers *l, const char **ret_line, size_t *ret_n, uint64_t *ret_number)
{
	int got = l->is_ready ? 1 : step(l);
	l->is_ready = false;
	if (got < 0)
		return got;
	if (ret_number != NULL)
		*ret_number = (uint64_t)merge_net(&l->merge);
	if (got == 1) {
		*ret_line = l->merge.line;
		*ret_n = l->merge.n_line;
	}
	return got;
}

/* The number of the next line, which waits then. */
static int number_here(struct layers *l, uint64_t *ret)
{
	int got = step(l);
	l->is_ready = got == 1;
	*ret = (uint64_t)merge_net(&l->merge);
	return got < 0 ? got : 0;
}

/* To a block of the lowest layer; *ret: the number of the line there. */
static int go_to_block(struct layers *l, size_t block, uint64_t *ret)
{
	const char *line;
	size_t n;
	int e = layer_block_line(&l->at[0], block, &line, &n);
	char *copy = e == 0 ? malloc(n + 1) : NULL;
	if (copy == NULL)
		return e != 0 ? e : -ENOMEM;
	memcpy(copy, line, n);
	e = layers_seek(l, copy, n);
	free(copy);
	return e != 0 ? e : number_here(l, ret);
}

int layers_select(struct layers *l, uint64_t number)
{
	uint64_t here = 0;
	size_t low = 0, high = l->head.n > 0 ? l->at[0].n_blocks : 0;
	const char *line;
	size_t n;
	int e = 0;
	if (l->is_ready)
		here = (uint64_t)merge_net(&l->merge);
	if (l->is_ready && here <= number && number - here < NEAR_LINES)
		high = 0;
	else
		l->is_ready = false;
	while (e == 0 && high - low > 1 && high > 0) {
		size_t middle = low + (high - low) / 2;
		e = go_to_block(l, middle, &here);
		if (e == 0 && here <= number)
			low = middle;
		else
			high = middle;
	}
	if (e == 0 && high > 0) {
		e = low > 0 ? go_to_block(l, low, &here) : layers_first(l);
		here = low > 0 ? here : 0;
	} else if (e == 0 && !l->is_ready) {
		e = layers_first(l);
		here = 0;
	}
	int got = 1;
	for (; e == 0 && got == 1 && here < number; here++) {
		got = layers_next(l, &line, &n, NULL);
		e = got < 0 ? got : 0;
	}
	return e != 0 || l->is_ready ? e : number_here(l, &here);
}

int layers_read(struct layers *l, char *ret_text, size_t room, size_t *ret_n)
{
	size_t n = 0;
	while (n < room) {
		if (!l->has_rest) {
			int got = layers_next(l, &l->line, &l->n_line, NULL);
			if (got < 0)
				return got;
			if (got == 0)
				break;
			l->has_rest = true;
		}
		size_t part = l->n_line < room - n ? l->n_line : room - n;
		memcpy(ret_text + n, l->line, part);
		l->line += part;
		l->n_line -= part;
		n += part;
		if (l->n_line == 0 && n < room) {
			ret_text[n++] = '\n';
			l->has_rest = false;
		}
	}
	*ret_n = n;
	return 0;
}

/* ---- what differs ---- */

struct layers_diff {
	struct layers *old, *now; /* what they do not have in common */
	int has_old, has_now;     /* 1: a line is at hand; 0: there is none; -1: look */
};

int layers_diff_open(const char *old_path, const struct layers_head *old, const char *path,
                     const struct layers_head *now, struct layers_diff **ret)
{
	struct layers_diff *d = calloc(1, sizeof *d);
	unsigned common = 0;
	if (d == NULL)
		return -ENOMEM;
	while (common < old->n && common < now->n && old->names[common] == now->names[common])
		common++;
	int e = open_from(old_path, old, common, &d->old);
	if (e == 0)
		e = open_from(path, now, common, &d->now);
	if (e == 0)
		e = merge_first(&d->old->merge);
	if (e == 0)
		e = merge_first(&d->now->merge);
	d->has_old = d->has_now = -1;
	if (e != 0)
		layers_diff_close(d);
	else
		*ret = d;
	return e;
}

void layers_diff_close(struct layers_diff *d)
{
	if (d == NULL)
		return;
	layers_close(d->old);
	layers_close(d->now);
	free(d);
}

/* Both at a line, or at their end. 1: one of them has one. */
static int diff_step(struct layers_diff *d)
{
	if (d->has_old < 0)
		d->has_old = merge_step(&d->old->merge);
	if (d->has_now < 0)
		d->has_now = merge_step(&d->now->merge);
	if (d->has_old < 0 || d->has_now < 0)
		return d->has_old < 0 ? d->has_old : d->has_now;
	return d->has_old == 1 || d->has_now == 1;
}

static int diff_compare(const struct layers_diff *d)
{
	const struct merge *o = &d->old->merge, *n = &d->now->merge;
	if (d->has_old == 0 || d->has_now == 0)
		return d->has_old == 0 ? 1 : -1;
	return layer_compare(o->line, o->n_line, n->line, n->n_line);
}

/* The line that one of them is at, or both. 1: it differs; 0; -EBADMSG. */
static int diff_line(struct layers_diff *d, struct layer_entry *ret)
{
	const struct merge *o = &d->old->merge, *n = &d->now->merge;
	int c = diff_compare(d);
	const struct merge *at = c <= 0 ? o : n;
	/* Below both it is there if the first thing that is said of it is that it goes. */
	bool was_below = !at->is_first_add;
	if (c == 0 && o->is_first_add != n->is_first_add)
		return -EBADMSG;
	bool in_old = c <= 0 ? o->is_last_add : was_below;
	bool in_now = c >= 0 ? n->is_last_add : was_below;
	*ret = (struct layer_entry){ in_now, at->line, at->n_line };
	if (c <= 0)
		d->has_old = -1;
	if (c >= 0)
		d->has_now = -1;
	return in_old != in_now;
}

int layers_diff_next(struct layers_diff *d, struct layer_entry *ret)
{
	int got, differs = 0;
	do {
		got = diff_step(d);
		if (got == 1)
			differs = diff_line(d, ret);
	} while (got == 1 && differs == 0);
	return got == 1 ? differs : got;
}
