/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/change_layers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/layers.h"

/* Lines that follow each other. */
struct lines {
	struct text text;
	uint64_t first; /* number of the first in its text, from 1; of none: where it would be */
};

struct side {
	struct layers *layers;
	const char *head;
	size_t n_head;
	uint64_t head_lines;
	struct lines unit; /* of an owner */
	uint64_t line;     /* behind what was told last */
};

struct change {
	const struct change_layers_plan *plan;
	struct side old, now;
	char *owner; /* with the blank behind it */
	size_t n_owner, owner_room;
	uint32_t next; /* of what is asked for */
	uint64_t n_lines;
	bool is_apex_first; /* the apex' records follow the SOA record, and are told with it */
};

/* ---- lines ---- */

static int append(struct lines *l, const char *line, size_t n)
{
	return l->text.n + n + 1 > CHANGE_WINDOW ? -ENOTSUP : text_add_line(&l->text, line, n);
}

static size_t owner_length(const char *line, size_t n)
{
	size_t i = 0;
	while (i < n && (unsigned char)line[i] > ' ')
		i++;
	return i < n ? i + 1 : n;
}

static bool has_owner(const struct change *c, const char *line, size_t n)
{
	return n >= c->n_owner && memcmp(line, c->owner, c->n_owner) == 0;
}

static int set_owner(struct change *c, const char *line, size_t n)
{
	size_t length = owner_length(line, n);
	if (length > c->owner_room) {
		char *more = realloc(c->owner, 2 * length);
		if (more == NULL)
			return -ENOMEM;
		c->owner = more;
		c->owner_room = 2 * length;
	}
	memcpy(c->owner, line, length);
	c->n_owner = length;
	return 0;
}

/* The lines of the owner in one of the texts. */
static int load_unit(const struct change *c, struct side *s)
{
	const char *line;
	size_t n;
	uint64_t number = 0;
	struct lines *u = &s->unit;
	text_clear(&u->text);
	int e = layers_seek(s->layers, c->owner, c->n_owner);
	if (e != 0)
		return e;
	int got = layers_next(s->layers, &line, &n, &number);
	u->first = s->head_lines + number + 1;
	while (got == 1 && has_owner(c, line, n)) {
		e = append(u, line, n);
		if (e != 0)
			return e;
		got = layers_next(s->layers, &line, &n, NULL);
	}
	return got < 0 ? got : 0;
}

/* ---- telling ---- */

static int tell(struct change *c, struct side *s, const char *text, size_t n, uint64_t n_lines,
                int (*what)(void *arg, const struct change_piece *p))
{
	if (n_lines == 0)
		return 0;
	const struct change_piece p = { .text = text,
		                        .n = n,
		                        .n_lines = n_lines,
		                        .old_line = c->old.line,
		                        .new_line = c->now.line };
	s->line += n_lines;
	c->n_lines += n_lines;
	return c->n_lines > c->plan->change.max_lines ? -EFBIG : what(c->plan->change.arg, &p);
}

static int tell_units(struct change *c)
{
	const struct lines *o = &c->old.unit, *n = &c->now.unit;
	c->old.line = o->first;
	c->now.line = n->first;
	int e = tell(c, &c->old, o->text.p, o->text.n, o->text.n_lines, c->plan->change.goes);
	return e == 0 ? tell(c, &c->now, n->text.p, n->text.n, n->text.n_lines,
	                     c->plan->change.comes)
	              : e;
}

/* The owners of the lines that are asked for, up to a line of the old text. */
static int tell_asked(struct change *c, uint64_t before)
{
	const struct change_layers_plan *p = c->plan;
	const char *line = NULL;
	size_t n = 0;
	while (c->next < p->n_asked && p->asked[c->next] < before) {
		if (p->asked[c->next] <= c->old.head_lines) { /* told */
			c->next++;
			continue;
		}
		int e = layers_select(c->old.layers, p->asked[c->next] - c->old.head_lines - 1);
		if (e != 0)
			return e;
		int got = layers_next(c->old.layers, &line, &n, NULL);
		if (got < 1)
			return got < 0 ? got : -EBADMSG;
		e = set_owner(c, line, n);
		if (e == 0)
			e = load_unit(c, &c->old);
		if (e == 0)
			e = load_unit(c, &c->now);
		if (e != 0)
			return e;
		const struct change_piece piece = { .text = c->old.unit.text.p,
			                            .n = c->old.unit.text.n,
			                            .n_lines = c->old.unit.text.n_lines,
			                            .old_line = c->old.unit.first,
			                            .new_line = c->now.unit.first };
		e = p->change.stays(p->change.arg, &piece);
		if (e != 0)
			return e;
		while (c->next < p->n_asked && p->asked[c->next] < piece.old_line + piece.n_lines)
			c->next++;
	}
	return 0;
}

/* ---- the heads ---- */

static size_t comments_length(const char *text, size_t n, uint64_t *ret_lines)
{
	size_t at = 0;
	*ret_lines = 0;
	while (at < n && text[at] == ';') {
		const char *lf = memchr(text + at, '\n', n - at);
		at = (size_t)(lf - text) + 1; /* a head ends with one */
		(*ret_lines)++;
	}
	return at;
}

static void count_head(struct side *s)
{
	s->head_lines = 0;
	for (size_t i = 0; i < s->n_head; i++)
		s->head_lines += s->head[i] == '\n';
}

/* The SOA record and what stands there of its owner. */
static int load_soa(struct change *c, struct side *s, uint64_t *ret_comments, size_t *ret_at)
{
	struct lines *u = &s->unit;
	struct lines body = { 0 };
	*ret_at = comments_length(s->head, s->n_head, ret_comments);
	const char *soa = s->head + *ret_at;
	size_t n = s->n_head - *ret_at;
	if (s->head_lines != *ret_comments + 1 || n < 2)
		return -ENOTSUP;
	int e = set_owner(c, soa, n - 1);
	if (e == 0)
		e = load_unit(c, s);
	if (e != 0)
		return e;
	c->is_apex_first = u->text.n_lines > 0 && u->first == s->head_lines + 1;
	if (!c->is_apex_first)
		text_clear(&u->text);
	e = append(&body, soa, n - 1);
	if (e == 0 && u->text.n > 0) {
		e = append(&body, u->text.p, u->text.n - 1);
		body.text.n_lines = 1 + u->text.n_lines;
	}
	text_done(&u->text);
	*u = body;
	u->first = s->head_lines;
	return e;
}

static int tell_heads(struct change *c)
{
	uint64_t old_comments, now_comments;
	size_t old_at, now_at;
	int e = load_soa(c, &c->old, &old_comments, &old_at);
	bool is_first = c->is_apex_first;
	if (e == 0)
		e = load_soa(c, &c->now, &now_comments, &now_at);
	if (e != 0)
		return e;
	/* What is before the first owner's records must not be behind them. */
	if (is_first != c->is_apex_first)
		return -ENOTSUP;
	c->old.line = c->now.line = 1;
	e = tell(c, &c->old, c->old.head, old_at, old_comments, c->plan->change.goes);
	if (e == 0)
		e = tell(c, &c->now, c->now.head, now_at, now_comments, c->plan->change.comes);
	if (e == 0)
		e = tell_units(c);
	while (c->next < c->plan->n_asked && c->plan->asked[c->next] < c->old.line)
		c->next++;
	return e;
}

/* ---- the whole ---- */

/* An owner of which something differs, behind those before it that are asked for. */
static int tell_owner(struct change *c, const struct layer_entry *x)
{
	int e = set_owner(c, x->line, x->n);
	if (e == 0)
		e = load_unit(c, &c->old);
	uint64_t first = c->old.unit.first;
	if (e == 0 && c->next < c->plan->n_asked && c->plan->asked[c->next] < first) {
		e = tell_asked(c, first);
		if (e == 0)
			e = set_owner(c, x->line, x->n);
		if (e == 0)
			e = load_unit(c, &c->old);
	}
	if (e == 0)
		e = load_unit(c, &c->now);
	if (e == 0)
		e = tell_units(c);
	while (c->next < c->plan->n_asked && c->plan->asked[c->next] < c->old.line)
		c->next++;
	return e;
}

static bool is_of_apex(const struct change *c, const struct layer_entry *x)
{
	uint64_t lines;
	size_t at = comments_length(c->old.head, c->old.n_head, &lines);
	size_t n = owner_length(c->old.head + at, c->old.n_head - at);
	return x->n >= n && memcmp(x->line, c->old.head + at, n) == 0;
}

/* What an entry is told of lies in the layers of the difference until the next. */
static int tell_changed(struct change *c, struct layers_diff *d)
{
	struct layer_entry x;
	int got = layers_diff_next(d, &x), e = 0;
	while (e == 0 && got == 1) {
		bool is_told = c->is_apex_first && is_of_apex(c, &x);
		e = is_told ? set_owner(c, x.line, x.n) : tell_owner(c, &x);
		do
			got = e == 0 ? layers_diff_next(d, &x) : 0;
		while (got == 1 && has_owner(c, x.line, x.n));
	}
	if (e == 0)
		e = got;
	return e == 0 ? tell_asked(c, UINT64_MAX) : e;
}

int change_layers_run(const struct change_layers_plan *plan)
{
	struct change c = { .plan = plan };
	struct layers_diff *d = NULL;
	c.old.layers = reader_layers(plan->change.old, &c.old.head, &c.old.n_head);
	c.now.layers = reader_layers(plan->change.now, &c.now.head, &c.now.n_head);
	if (c.old.layers == NULL || c.now.layers == NULL || !plan->change.by_owner ||
	    plan->n_asked > CHANGE_LAYERS_ASKED)
		return -ENOTSUP;
	count_head(&c.old);
	count_head(&c.now);
	int e = layers_diff_open(plan->old_path, layers_head(c.old.layers), plan->path,
	                         layers_head(c.now.layers), &d);
	if (e == 0)
		e = tell_heads(&c);
	if (e == 0)
		e = tell_changed(&c, d);
	layers_diff_close(d);
	free(c.owner);
	text_done(&c.old.unit.text);
	text_done(&c.now.unit.text);
	return e;
}
