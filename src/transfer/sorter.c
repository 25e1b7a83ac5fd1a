/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/sorter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FIRST_BYTES = 64 << 10,
};

/* A line in memory. */
struct piece {
	const char *p;
	size_t n;
};

/* A sorted file that is being read. */
struct run {
	FILE *file;
	char *line;
	size_t room;
	ssize_t n; /* of the line at hand; -1: none left */
};

struct sorter {
	const char *folder;
	char *text;
	size_t n_text, room;
	struct piece *pieces;
	size_t n_pieces, pieces_room;
	struct run runs[SORTER_MAX_RUNS];
	unsigned n_runs;
	uint64_t n_equal;
};

static int compare(const char *a, size_t na, const char *b, size_t nb)
{
	int c = memcmp(a, b, na < nb ? na : nb);
	return c != 0 ? c : (na > nb) - (na < nb);
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	return compare(x->p, x->n, y->p, y->n);
}

int sorter_new(const char *folder, struct sorter **ret)
{
	struct sorter *s = calloc(1, sizeof *s);
	if (s == NULL)
		return -ENOMEM;
	s->folder = folder;
	*ret = s;
	return 0;
}

void sorter_free(struct sorter *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n_runs; i++) {
		if (s->runs[i].file != NULL)
			fclose(s->runs[i].file);
		free(s->runs[i].line);
	}
	free(s->pieces);
	free(s->text);
	free(s);
}

static int open_unnamed(const char *folder, FILE **ret)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		char path[4200];
		snprintf(path, sizeof path, "%s/.sort-XXXXXX", folder);
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0)
		return -errno;
	*ret = fdopen(fd, "w+");
	if (*ret == NULL) {
		int e = -errno;
		close(fd);
		return e;
	}
	return 0;
}

static int write_run(struct sorter *s)
{
	FILE *f = NULL;
	if (s->n_pieces == 0)
		return 0;
	if (s->n_runs == SORTER_MAX_RUNS)
		return -EFBIG;
	int e = open_unnamed(s->folder, &f);
	if (e != 0 || f == NULL)
		return e != 0 ? e : -EIO;
	s->runs[s->n_runs++].file = f;
	qsort(s->pieces, s->n_pieces, sizeof *s->pieces, compare_pieces);
	errno = 0;
	for (size_t i = 0; i < s->n_pieces; i++) {
		fwrite(s->pieces[i].p, 1, s->pieces[i].n, f);
		putc_unlocked('\n', f);
	}
	if (fflush(f) != 0 || ferror(f) != 0)
		return errno != 0 ? -errno : -EIO;
	s->n_pieces = 0;
	s->n_text = 0;
	return 0;
}

/* Lines point into the text, so the text does not move while there are any. */
static int make_text(struct sorter *s, size_t n)
{
	if (s->n_text + n <= s->room)
		return 0;
	size_t room = s->room == 0 ? FIRST_BYTES : 2 * s->room;
	while (room < s->n_text + n)
		room *= 2;
	if (room > SORTER_BYTES && s->n_pieces > 0) {
		int e = write_run(s);
		if (e != 0 || n <= s->room)
			return e;
	}
	char *text = malloc(room);
	if (text == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_pieces; i++)
		s->pieces[i].p = text + (s->pieces[i].p - s->text);
	if (s->n_text > 0)
		memcpy(text, s->text, s->n_text);
	free(s->text);
	s->text = text;
	s->room = room;
	return 0;
}

int sorter_add(struct sorter *s, const char *line, size_t n)
{
	int e = make_text(s, n);
	if (e != 0)
		return e;
	if (s->n_pieces == s->pieces_room) {
		size_t room = s->pieces_room == 0 ? 1024 : 2 * s->pieces_room;
		struct piece *more = reallocarray(s->pieces, room, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		s->pieces = more;
		s->pieces_room = room;
	}
	memcpy(s->text + s->n_text, line, n);
	s->pieces[s->n_pieces++] = (struct piece){ s->text + s->n_text, n };
	s->n_text += n;
	return 0;
}

/* ---- merging ---- */

static int next_line(struct run *r)
{
	errno = 0;
	r->n = getline(&r->line, &r->room, r->file);
	if (r->n < 0)
		return ferror(r->file) != 0 ? -EIO : errno == ENOMEM ? -ENOMEM : 0;
	if (r->n > 0 && r->line[r->n - 1] == '\n')
		r->n--;
	return 0;
}

static bool is_before(const struct run *a, const struct run *b)
{
	return compare(a->line, (size_t)a->n, b->line, (size_t)b->n) < 0;
}

/* A heap of runs, the smallest line first. */
static void sink(struct run **heap, size_t n, size_t at)
{
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++) {
			if (is_before(heap[child], heap[least]))
				least = child;
		}
		if (least == at)
			return;
		struct run *r = heap[at];
		heap[at] = heap[least];
		heap[least] = r;
		at = least;
	}
}

/* The line before, of which equal ones are left out. */
struct last {
	char *p;
	size_t n, room;
	bool is_set;
};

static int take_once(struct sorter *s, struct last *last, const struct run *r,
                     int (*take)(void *arg, const char *line, size_t n), void *arg)
{
	if (last->is_set && compare(last->p, last->n, r->line, (size_t)r->n) == 0) {
		s->n_equal++;
		return 0;
	}
	if ((size_t)r->n + 1 > last->room) {
		char *bigger = realloc(last->p, 2 * (size_t)r->n + 64);
		if (bigger == NULL)
			return -ENOMEM;
		last->p = bigger;
		last->room = 2 * (size_t)r->n + 64;
	}
	must(last->p != NULL);
	memcpy(last->p, r->line, (size_t)r->n);
	last->n = (size_t)r->n;
	last->is_set = true;
	return take(arg, r->line, (size_t)r->n);
}

static int merge(struct sorter *s, int (*take)(void *arg, const char *line, size_t n), void *arg)
{
	struct run *heap[SORTER_MAX_RUNS];
	struct last last = { 0 };
	size_t n = 0;
	int e = 0;
	for (unsigned i = 0; i < s->n_runs && e == 0; i++) {
		rewind(s->runs[i].file);
		e = next_line(&s->runs[i]);
		if (e == 0 && s->runs[i].n >= 0)
			heap[n++] = &s->runs[i];
	}
	for (size_t i = n / 2; i > 0; i--)
		sink(heap, n, i - 1);
	while (n > 0 && e == 0) {
		e = take_once(s, &last, heap[0], take, arg);
		if (e == 0)
			e = next_line(heap[0]);
		if (heap[0]->n < 0)
			heap[0] = heap[--n];
		sink(heap, n, 0);
	}
	free(last.p);
	return e;
}

/* Everything is in memory. */
static int give(struct sorter *s, int (*take)(void *arg, const char *line, size_t n), void *arg)
{
	int e = 0;
	if (s->n_pieces > 0)
		qsort(s->pieces, s->n_pieces, sizeof *s->pieces, compare_pieces);
	for (size_t i = 0; i < s->n_pieces && e == 0; i++) {
		if (i == 0 || compare_pieces(&s->pieces[i - 1], &s->pieces[i]) != 0)
			e = take(arg, s->pieces[i].p, s->pieces[i].n);
		else
			s->n_equal++;
	}
	return e;
}

uint64_t sorter_n_equal(const struct sorter *s)
{
	return s->n_equal;
}

int sorter_finish(struct sorter *s, int (*take)(void *arg, const char *line, size_t n), void *arg)
{
	if (s->n_runs == 0)
		return give(s, take, arg);
	int e = write_run(s);
	free(s->text);
	free(s->pieces);
	s->text = NULL;
	s->pieces = NULL;
	s->n_pieces = s->pieces_room = s->n_text = s->room = 0;
	return e == 0 ? merge(s, take, arg) : e;
}
