/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of io/layers.h: new versions, and what is left of old ones. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "io/layers_merge.h"

enum {
	NAME_DIGITS = 16,
	FOLDER_MODE = 0750,
	STALE_S = 86400, /* nobody is still writing that */
	/* Of so small a text it costs less to write it than to look. */
	SMALL_BYTES = 64 << 10,
};

int layers_new_name(const char *path, uint64_t *ret_name, char *ret_path, size_t room)
{
	*ret_name = random_u64();
	int e = layers_path(path, *ret_name, ret_path, room);
	if (e != 0)
		return e;
	char *slash = strrchr(ret_path, '/');
	*slash = 0;
	if (mkdir(ret_path, FOLDER_MODE) != 0 && errno != EEXIST)
		return -errno;
	*slash = '/';
	return 0;
}

struct layers_head layers_of(uint64_t name, const struct layer_totals *t)
{
	return (struct layers_head){ .n = 1,
		                     .names = { name },
		                     .lines = (uint64_t)t->lines,
		                     .bytes = (uint64_t)t->bytes,
		                     .sum = t->sum };
}

/* The layers of a text, and one more. */
struct applying {
	const char *path;
	unsigned n; /* of those before */
	struct layer at[LAYERS_MAX + 1];
	char new_path[2][PATH_MAX]; /* of what changes; of what became of it with others */
	uint64_t new_name[2];
	bool is_made[2];
	struct layer_totals totals; /* of what changes */
};

static int open_all(struct applying *a, const struct layers_head *old)
{
	int e = 0;
	for (unsigned i = 0; i <= LAYERS_MAX; i++)
		a->at[i].fd = -1;
	for (unsigned i = 0; e == 0 && i < old->n; i++)
		e = layers_open_one(a->path, old->names[i], &a->at[i]);
	a->n = old->n;
	return e;
}

/* 1, 0, -errno. */
static int has_line(struct applying *a, const struct layer_entry *x)
{
	for (unsigned i = a->n; i-- > 0;) {
		struct layer *l = &a->at[i];
		int e = layer_seek(l, x->line, x->n);
		if (e != 0)
			return e;
		if (!l->is_end && layer_compare(l->now.line, l->now.n, x->line, x->n) == 0)
			return l->now.is_add;
	}
	return 0;
}

static int fill(struct applying *a, const struct layers_source *delta, struct layer_writer *w)
{
	struct layer_entry x;
	int got;
	while ((got = delta->next(delta->arg, &x)) == 1) {
		int has = has_line(a, &x);
		if (has < 0)
			return has;
		if ((has == 1) == x.is_add)
			return -ESTALE;
		int e = layer_writer_add(w, x.is_add, x.line, x.n);
		if (e != 0)
			return e;
	}
	return got;
}

static int make_new(struct applying *a, unsigned which, struct layer_writer *w)
{
	int e = layers_new_name(a->path, &a->new_name[which], a->new_path[which],
	                        sizeof a->new_path[which]);
	return e == 0 ? layer_writer_open(w, a->new_path[which]) : e;
}

static int finish_new(struct applying *a, unsigned which, struct layer_writer *w)
{
	int e = layer_writer_commit(w);
	a->is_made[which] =
		true; /* it may be there although its folder could not be brought down */
	return e;
}

static int write_delta(struct applying *a, const struct layers_head *old,
                       const struct layers_source *delta, uint64_t max_bytes)
{
	struct layer_writer w;
	int e = make_new(a, 0, &w);
	if (e != 0)
		return e;
	e = fill(a, delta, &w);
	a->totals = w.totals;
	int64_t bytes = (int64_t)old->bytes + a->totals.bytes;
	if (e == 0 && max_bytes != 0 && bytes > 0 && (uint64_t)bytes > max_bytes)
		e = -EFBIG;
	if (e == 0)
		e = finish_new(a, 0, &w);
	layer_writer_abandon(&w);
	return e == 0 ? layer_open(a->new_path[0], &a->at[a->n]) : e;
}

/* From which layer on all become one; a->n: none do. */
static unsigned find_bottom(const struct applying *a)
{
	unsigned from = a->n;
	uint64_t size = a->at[a->n].data_bytes, all = size;
	for (unsigned i = 1; i < a->n; i++)
		all += a->at[i].data_bytes;
	if (a->n == LAYERS_MAX ||
	    (a->n > 0 && all * LAYERS_PART > a->at[0].data_bytes + SMALL_BYTES))
		return 0;
	while (from > 1 && a->at[from - 1].data_bytes < 2 * size)
		size += a->at[--from].data_bytes;
	return from;
}

static int write_merged(struct applying *a, unsigned from, uint64_t *ret_entries)
{
	struct layer_writer w;
	struct merge m = { .n = a->n + 1 - from };
	for (unsigned i = from; i <= a->n; i++)
		m.at[i - from] = &a->at[i];
	int e = make_new(a, 1, &w);
	if (e != 0)
		return e;
	e = merge_first(&m);
	int got = 1;
	while (e == 0 && (got = merge_step(&m)) == 1) {
		if (from == 0 && !m.is_first_add)
			e = -EBADMSG;
		else if (merge_is_change(&m))
			e = layer_writer_add(&w, m.is_first_add, m.line, m.n_line);
	}
	if (e == 0)
		e = got;
	*ret_entries = w.data_bytes + w.n;
	if (e == 0)
		e = finish_new(a, 1, &w);
	layer_writer_abandon(&w);
	return e;
}

static void drop(struct applying *a, unsigned which)
{
	if (a->is_made[which])
		(void)unlink(a->new_path[which]);
}

static int make_head(struct applying *a, const struct layers_head *old, struct layers_head *ret)
{
	struct layers_head h = *old;
	unsigned from = find_bottom(a);
	uint64_t name = a->new_name[0], entries = 1;
	int e = 0;
	if (from < a->n) {
		e = write_merged(a, from, &entries);
		name = a->new_name[1];
		drop(a, 0);
	}
	h.n = from;
	if (entries > 0 || from == 0)
		h.names[h.n++] = name;
	h.lines += (uint64_t)a->totals.lines;
	h.bytes += (uint64_t)a->totals.bytes;
	h.sum += a->totals.sum;
	if (e == 0)
		*ret = h;
	return e;
}

int layers_apply(const char *path, const struct layers_head *old, const struct layers_source *delta,
                 uint64_t max_bytes, struct layers_head *ret)
{
	struct applying *a = calloc(1, sizeof *a);
	if (a == NULL)
		return -ENOMEM;
	a->path = path;
	int e = open_all(a, old);
	if (e == 0)
		e = write_delta(a, old, delta, max_bytes);
	if (e == 0)
		e = make_head(a, old, ret);
	for (unsigned i = 0; i < 2 && e != 0; i++)
		drop(a, i);
	for (unsigned i = 0; i <= LAYERS_MAX; i++)
		layer_close(&a->at[i]);
	free(a);
	return e;
}

/* ---- what no head names ---- */

static int compare_names(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* May it go, if no head names it? Only what is ours, and only when nobody is about to name it. */
static bool is_old(int folder, const char *file, unsigned grace_s, uint64_t *ret_name,
                   bool *ret_is_layer)
{
	struct stat st;
	char *end;
	if (strspn(file, "0123456789abcdef") != NAME_DIGITS)
		return false;
	*ret_name = strtoull(file, &end, 16);
	*ret_is_layer = *end == 0;
	if ((!*ret_is_layer && strcmp(end, ".new") != 0) ||
	    fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	time_t youngest = st.st_ctime > st.st_mtime ? st.st_ctime : st.st_mtime;
	return time(NULL) - youngest >= (*ret_is_layer ? (time_t)grace_s : STALE_S);
}

unsigned layers_prune(const char *folder, uint64_t *names, size_t n_names, unsigned grace_s)
{
	unsigned n = 0;
	DIR *d = opendir(folder);
	if (d == NULL)
		return 0;
	if (n_names > 1)
		qsort(names, n_names, sizeof *names, compare_names);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		uint64_t name = 0;
		bool is_layer = false;
		if (!is_old(dirfd(d), e->d_name, grace_s, &name, &is_layer))
			continue;
		if (is_layer && n_names > 0 &&
		    bsearch(&name, names, n_names, sizeof name, compare_names) != NULL)
			continue;
		n += unlinkat(dirfd(d), e->d_name, 0) == 0;
	}
	closedir(d);
	return n;
}
