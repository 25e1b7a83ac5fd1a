/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/delta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int delta_add(struct delta *d, bool is_add, const char *line, size_t n)
{
	if (d->n_text + n > DELTA_MAX_BYTES || d->n_lines == DELTA_MAX_LINES)
		return -EFBIG;
	if (d->n_text + n > d->room) {
		size_t room = 2 * (d->n_text + n) + 4096;
		char *more = realloc(d->text, room);
		if (more == NULL)
			return -ENOMEM;
		d->text = more;
		d->room = room;
	}
	if (d->n_lines == d->lines_room) {
		size_t room = d->lines_room == 0 ? 256 : 2 * d->lines_room;
		struct delta_line *more = reallocarray(d->lines, room, sizeof *more);
		if (more == NULL)
			return -ENOMEM;
		d->lines = more;
		d->lines_room = room;
	}
	memcpy(d->text + d->n_text, line, n);
	d->lines[d->n_lines] = (struct delta_line){ .at = (uint32_t)d->n_text,
		                                    .n = (uint32_t)n,
		                                    .number = (uint32_t)d->n_lines,
		                                    .is_add = is_add };
	d->n_lines++;
	d->n_text += n;
	return 0;
}

static int compare_text(const char *text, const struct delta_line *x, const struct delta_line *y)
{
	int c = memcmp(text + x->at, text + y->at, x->n < y->n ? x->n : y->n);
	return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static int compare(const void *a, const void *b, void *text)
{
	const struct delta_line *x = a, *y = b;
	int c = compare_text(text, x, y);
	return c != 0 ? c : (x->number > y->number) - (x->number < y->number);
}

int delta_seal(struct delta *d)
{
	size_t out = 0;
	if (d->n_lines > 0)
		qsort_r(d->lines, d->n_lines, sizeof *d->lines, compare, d->text);
	for (size_t i = 0, next; i < d->n_lines; i = next) {
		for (next = i + 1;
		     next < d->n_lines && compare_text(d->text, &d->lines[i], &d->lines[next]) == 0;
		     next++) {
			if (d->lines[next].is_add == d->lines[next - 1].is_add)
				return -ESTALE;
		}
		/* Deleted and added again, or the other way round, is nothing. */
		if (d->lines[i].is_add == d->lines[next - 1].is_add)
			d->lines[out++] = d->lines[i];
	}
	d->n_lines = out;
	return 0;
}

void delta_done(struct delta *d)
{
	free(d->text);
	free(d->lines);
	*d = (struct delta){ 0 };
}
