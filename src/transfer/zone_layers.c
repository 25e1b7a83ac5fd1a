/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/zone_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/layers.h"

enum {
	COMMENT_ROOM = NAME_TEXT_MAX + 256 + LAYERS_LINE_ROOM
};

/* 0; -ENOENT: there is none, or it has no layers; -EBADMSG; -errno. */
static int read_head(const char *path, struct layers_head *ret)
{
	char text[LAYERS_HEAD_MAX];
	size_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int e = layers_head_read(fd, text, &n, ret);
	close(fd);
	return e;
}

static bool names_layer(const struct layers_head *h, uint64_t name)
{
	for (unsigned i = 0; i < h->n; i++) {
		if (h->names[i] == name)
			return true;
	}
	return false;
}

static void remove_layer(const char *zone_path, uint64_t name)
{
	char path[PATH_MAX];
	if (layers_path(zone_path, name, path, sizeof path) == 0)
		(void)unlink(path);
}

/* The head goes in place of the old one. If it does not, its own layers are of no use. */
static int put_head(const struct zone_layers_terms *t, const struct layers_head *h)
{
	char comment[COMMENT_ROOM], line[LAYERS_LINE_ROOM];
	struct layers_head now = { 0 };
	struct zone_writer w;
	layers_head_format(h, line);
	snprintf(comment, sizeof comment, "%s\n%s", t->comment, line);
	int e = zone_writer_open(&w, t->path, comment, t->soa);
	if (e == 0)
		e = zone_writer_commit(&w);
	if (e == 0)
		return 0;
	/* It may be in its place although its folder could not be brought to the disk. */
	int found = read_head(t->path, &now);
	for (unsigned i = 0; i < h->n && (found == 0 || found == -ENOENT); i++) {
		if (!names_layer(&now, h->names[i]))
			remove_layer(t->path, h->names[i]);
	}
	return e;
}

/* ---- a whole zone ---- */

struct ground {
	struct layer_writer w;
	uint64_t max_bytes;
};

static int add_line(void *arg, const char *line, size_t n)
{
	struct ground *g = arg;
	int e = layer_writer_add(&g->w, true, line, n);
	if (e == 0 && g->max_bytes != 0 && (uint64_t)g->w.totals.bytes > g->max_bytes)
		e = -EFBIG;
	return e;
}

/* What `fill` adds becomes the zone. */
static int put_ground(const struct zone_layers_terms *t, int (*fill)(void *arg, struct ground *g),
                      void *arg, uint64_t *ret_records)
{
	char path[PATH_MAX];
	uint64_t name;
	struct ground *g = malloc(sizeof *g);
	if (g == NULL)
		return -ENOMEM;
	g->max_bytes = t->max_bytes;
	int e = layers_new_name(t->path, &name, path, sizeof path);
	if (e == 0)
		e = layer_writer_open(&g->w, path);
	if (e == 0) {
		e = fill(arg, g);
		const struct layers_head h = layers_of(name, &g->w.totals);
		bool is_written = e == 0;
		if (e == 0)
			e = layer_writer_commit(&g->w);
		if (e != 0 && is_written)
			(void)unlink(path);
		if (e == 0)
			e = put_head(t, &h);
		if (e == 0)
			*ret_records = h.lines;
		layer_writer_abandon(&g->w);
	}
	free(g);
	return e;
}

static int fill_sorted(void *arg, struct ground *g)
{
	return sorter_finish(arg, add_line, g);
}

int zone_layers_put(const struct zone_layers_terms *t, struct sorter *lines, uint64_t *ret_records)
{
	return put_ground(t, fill_sorted, lines, ret_records);
}

/* ---- a delta ---- */

struct applied {
	struct zone_reader old;
	const struct delta *d;
	size_t i;
};

static int next_line(void *arg, struct layer_entry *ret)
{
	struct applied *a = arg;
	if (a->i == a->d->n_lines)
		return 0;
	const struct delta_line *l = &a->d->lines[a->i];
	*ret = (struct layer_entry){ l->is_add, delta_text(a->d, a->i), l->n };
	a->i++;
	return 1;
}

/* Of a file without layers. */
static int fill_applied(void *arg, struct ground *g)
{
	struct applied *a = arg;
	return zone_file_apply(&a->old, a->d, add_line, g);
}

int zone_layers_change(const struct zone_layers_terms *t, uint32_t serial, const struct delta *d,
                       uint64_t *ret_records)
{
	struct layers_head old, now;
	struct applied a = { .d = d };
	const struct layers_source source = { next_line, &a };
	int e = zone_reader_open(&a.old, t->path, t->zone);
	if (e != 0)
		return e;
	if (a.old.numbers.serial != serial)
		e = -ESTALE;
	if (e == 0)
		e = read_head(t->path, &old);
	if (e == -ENOENT) {
		e = put_ground(t, fill_applied, &a, ret_records);
	} else if (e == 0) {
		e = layers_apply(t->path, &old, &source, t->max_bytes, &now);
		if (e == -ENOENT)
			e = -ENODATA;
		if (e == 0)
			e = put_head(t, &now);
		if (e == 0)
			*ret_records = now.lines;
	}
	zone_reader_close(&a.old);
	return e;
}

int zone_layers_check(const char *path, bool is_whole)
{
	struct layers_head h;
	struct layers *l;
	int e = read_head(path, &h);
	if (e != 0)
		return e == -ENOENT ? 0 : e;
	e = layers_open(path, &h, &l);
	if (e != 0)
		return e == -ENOENT ? -ENODATA : e;
	if (is_whole)
		e = layers_verify(l);
	layers_close(l);
	return e;
}
