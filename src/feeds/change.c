/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
	UNITS_MAX = 16384,
	TABLE = 2 * UNITS_MAX, /* a power of two */
	FIRST_LOOK = 8,        /* units on each side; then eight times as many, and so on */
	COMPARE_STEP = 4096,
};

struct unit {
	uint64_t hash;
	uint32_t at, n; /* in the window, from its start */
};

struct side {
	struct reader *reader;
	char *text;
	size_t start, end;
	uint64_t line; /* of what begins at start */
	bool is_end;   /* nothing follows */
	struct unit *units;
	unsigned n_units;
};

struct change {
	const struct change_plan *plan;
	struct side old, now;
	uint32_t *table;  /* units of the old text by hash: index + 1 */
	uint64_t n_lines; /* that differ */
};

/* ---- windows ---- */

static int side_init(struct side *s, struct reader *r)
{
	*s = (struct side){ .reader = r, .line = 1 };
	s->text = malloc(CHANGE_WINDOW);
	s->units = calloc(UNITS_MAX, sizeof *s->units);
	return s->text != NULL && s->units != NULL ? 0 : -ENOMEM;
}

static size_t left(const struct side *s)
{
	return s->end - s->start;
}

static const char *at(const struct side *s)
{
	return s->text + s->start;
}

/* As much as there is room for. The reader gives 128 KiB at most. */
static int fill(struct side *s)
{
	const char *text, *why;
	size_t n;
	memmove(s->text, at(s), left(s));
	s->end = left(s);
	s->start = 0;
	while (!s->is_end && CHANGE_WINDOW - s->end >= 2 * READER_LINE_MAX) {
		enum reader_got got = reader_read(s->reader, &text, &n);
		if (got == READER_FAILED)
			return reader_error(s->reader, &why);
		s->is_end = got == READER_END;
		if (got != READER_LINE)
			continue;
		memcpy(s->text + s->end, text, n);
		s->end += n;
	}
	return 0;
}

/* Both windows have something to compare, or all there is. */
static int refill(struct change *c)
{
	int e = 0;
	if (left(&c->old) < CHANGE_WINDOW / 2 && !c->old.is_end)
		e = fill(&c->old);
	if (e == 0 && left(&c->now) < CHANGE_WINDOW / 2 && !c->now.is_end)
		e = fill(&c->now);
	return e;
}

static uint64_t count_lines(const char *text, size_t n)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7fULL, lf = 0x0a0a0a0a0a0a0a0aULL;
	uint64_t lines = 0;
	size_t i = 0;
	for (; n - i >= sizeof low; i += sizeof low) {
		uint64_t x;
		memcpy(&x, text + i, sizeof x);
		x ^= lf; /* bytes that are LF are zero now; the next line marks just those */
		x = ~(((x & low) + low) | x | low) >> 7;
		lines += x * 0x0101010101010101ULL >> 56; /* the sum of all bytes */
	}
	for (; i < n; i++)
		lines += text[i] == '\n';
	return lines + (n > 0 && text[n - 1] != '\n');
}

/* ---- units ---- */

static bool has_same_owner(const char *a, const char *b, const char *end)
{
	while (b < end && *a == *b && (unsigned char)*a > ' ') {
		a++;
		b++;
	}
	return b < end && (unsigned char)*a <= ' ' && (unsigned char)*b <= ' ';
}

static size_t line_end(const char *text, size_t from, size_t n)
{
	const char *lf = memchr(text + from, '\n', n - from);
	return lf != NULL ? (size_t)(lf - text) + 1 : 0;
}

size_t change_unit(const char *text, size_t n, bool is_end, bool by_owner)
{
	size_t to = line_end(text, 0, n);
	while (by_owner && to > 0 && to < n) {
		size_t next = line_end(text, to, n);
		if (next == 0 && !is_end)
			return 0; /* whether it belongs here is not known yet */
		if (!has_same_owner(text, text + to, text + (next != 0 ? next : n)))
			return to;
		to = next;
	}
	if (to == 0)
		return is_end ? n : 0;
	return by_owner && to == n && !is_end ? 0 : to;
}

/* Where the last whole unit of the text begins, which ends where the text does. */
static size_t last_unit(const char *text, size_t n, bool by_owner)
{
	size_t from = n;
	do {
		const char *lf = from > 1 ? memrchr(text, '\n', from - 1) : NULL;
		size_t line = lf != NULL ? (size_t)(lf - text) + 1 : 0;
		if (by_owner && from < n && !has_same_owner(text + line, text + from, text + n))
			return from;
		from = line;
	} while (by_owner && from > 0);
	return from;
}

/* Up to max units of the window, whole ones. */
static void cut(struct side *s, unsigned max, bool by_owner)
{
	size_t from = s->n_units > 0 ? s->units[s->n_units - 1].at + s->units[s->n_units - 1].n : 0;
	while (s->n_units < max && from < left(s)) {
		size_t n = change_unit(at(s) + from, left(s) - from, s->is_end, by_owner);
		if (n == 0)
			return;
		s->units[s->n_units++] = (struct unit){ .hash = XXH3_64bits(at(s) + from, n),
			                                .at = (uint32_t)from,
			                                .n = (uint32_t)n };
		from += n;
	}
}

static bool is_same(const struct change *c, unsigned i, unsigned k)
{
	const struct unit *a = &c->old.units[i], *b = &c->now.units[k];
	return a->hash == b->hash && a->n == b->n &&
	       memcmp(at(&c->old) + a->at, at(&c->now) + b->at, a->n) == 0;
}

/* A blank line is everywhere: what follows must be the same too, as far as it is known. */
static bool is_anchor(const struct change *c, unsigned i, unsigned k)
{
	if (!is_same(c, i, k))
		return false;
	return i + 1 >= c->old.n_units || k + 1 >= c->now.n_units || is_same(c, i + 1, k + 1);
}

/* The nearest place where both are the same again. False: there is none among these. */
static bool meet(struct change *c, unsigned *ret_old, unsigned *ret_now)
{
	unsigned best = UINT32_MAX, mask = TABLE - 1;
	memset(c->table, 0, TABLE * sizeof *c->table);
	for (unsigned i = 0; i < c->old.n_units; i++) {
		unsigned slot = (unsigned)c->old.units[i].hash & mask;
		while (c->table[slot] != 0)
			slot = (slot + 1) & mask;
		c->table[slot] = i + 1;
	}
	for (unsigned k = 0; k < c->now.n_units && k < best; k++) {
		unsigned slot = (unsigned)c->now.units[k].hash & mask;
		for (; c->table[slot] != 0; slot = (slot + 1) & mask) {
			unsigned i = c->table[slot] - 1;
			if (i + k >= best || !is_anchor(c, i, k))
				continue;
			best = i + k;
			*ret_old = i;
			*ret_now = k;
		}
	}
	return best != UINT32_MAX;
}

/* The same for the first few, without a table. */
static bool meet_near(const struct change *c, unsigned *ret_old, unsigned *ret_now)
{
	for (unsigned sum = 1; sum < 2 * FIRST_LOOK; sum++) {
		for (unsigned k = 0; k <= sum && k < c->now.n_units; k++) {
			if (sum - k >= c->old.n_units || !is_anchor(c, sum - k, k))
				continue;
			*ret_old = sum - k;
			*ret_now = k;
			return true;
		}
	}
	return false;
}

/* ---- telling ---- */

static int tell(struct change *c, struct side *s, unsigned n,
                int (*what)(void *arg, const struct change_piece *p))
{
	int e = 0;
	size_t bytes = 0;
	for (unsigned i = 0; e == 0 && i < n; i++) {
		const struct unit *u = &s->units[i];
		struct change_piece p = { .text = at(s) + u->at,
			                  .n = u->n,
			                  .n_lines = count_lines(at(s) + u->at, u->n),
			                  .old_line = c->old.line,
			                  .new_line = c->now.line };
		s->line += p.n_lines;
		c->n_lines += p.n_lines;
		bytes += u->n;
		if (c->n_lines > c->plan->max_lines)
			return -EFBIG;
		e = what(c->plan->arg, &p);
	}
	s->start += bytes;
	return e;
}

/* Both begin with the same n bytes, which are whole units. */
static int tell_same(struct change *c, size_t n)
{
	struct change_piece p = {
		.text = at(&c->old), .n = n, .old_line = c->old.line, .new_line = c->now.line
	};
	p.n_lines = count_lines(p.text, p.n);
	int e = c->plan->stays(c->plan->arg, &p);
	c->old.start += p.n;
	c->now.start += p.n;
	c->old.line += p.n_lines;
	c->now.line += p.n_lines;
	return e;
}

static int differ(struct change *c)
{
	unsigned i = 0, k = 0;
	bool has_met = false;
	bool by_owner = c->plan->by_owner;
	c->old.n_units = c->now.n_units = 0;
	for (unsigned look = FIRST_LOOK; !has_met && look <= UNITS_MAX; look *= 8) {
		unsigned n_old = c->old.n_units, n_now = c->now.n_units;
		cut(&c->old, look < UNITS_MAX ? look : UNITS_MAX, by_owner);
		cut(&c->now, look < UNITS_MAX ? look : UNITS_MAX, by_owner);
		if (look > FIRST_LOOK && n_old == c->old.n_units && n_now == c->now.n_units)
			break; /* that was all */
		unsigned n_same = 0;
		while (n_same < c->old.n_units && n_same < c->now.n_units &&
		       is_same(c, n_same, n_same))
			n_same++;
		if (n_same > 0) { /* an owner's last record was still to come */
			const struct unit *last = &c->old.units[n_same - 1];
			return tell_same(c, (size_t)last->at + last->n);
		}
		has_met = look == FIRST_LOOK ? meet_near(c, &i, &k) : meet(c, &i, &k);
	}
	if (!has_met) {
		i = c->old.n_units;
		k = c->now.n_units;
	}
	if (i + k == 0)
		return -ENOTSUP; /* neither has a whole unit, or they meet where they do not differ */
	int e = tell(c, &c->old, i, c->plan->goes);
	return e == 0 ? tell(c, &c->now, k, c->plan->comes) : e;
}

static size_t common(const char *a, const char *b, size_t n)
{
	size_t i = 0;
	while (n - i >= COMPARE_STEP && memcmp(a + i, b + i, COMPARE_STEP) == 0)
		i += COMPARE_STEP;
	while (n - i >= sizeof(uint64_t) && memcmp(a + i, b + i, sizeof(uint64_t)) == 0)
		i += sizeof(uint64_t);
	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/* What both windows begin with, in whole units. 0: none. */
static size_t equal_units(const struct change *c)
{
	const char *text = at(&c->old);
	size_t n = left(&c->old) < left(&c->now) ? left(&c->old) : left(&c->now);
	size_t same = common(text, at(&c->now), n);
	if (same == left(&c->old) && same == left(&c->now) && c->old.is_end && c->now.is_end)
		return same;
	const char *lf = same > 0 ? memrchr(text, '\n', same) : NULL;
	size_t whole = lf != NULL ? (size_t)(lf - text) + 1 : 0;
	/* Whether the last owner goes on in both is not known: it waits. */
	return c->plan->by_owner && whole > 0 ? last_unit(text, whole, true) : whole;
}

static int run(struct change *c)
{
	for (;;) {
		int e = refill(c);
		if (e != 0)
			return e;
		if (left(&c->old) == 0 && left(&c->now) == 0)
			return 0;
		size_t n = equal_units(c);
		e = n == 0 ? differ(c) : tell_same(c, n);
		if (e != 0)
			return e;
	}
}

int change_run(const struct change_plan *plan)
{
	struct change c = { .plan = plan, .table = calloc(TABLE, sizeof *c.table) };
	int e = side_init(&c.old, plan->old), e_now = side_init(&c.now, plan->now);
	if (e == 0)
		e = e_now;
	if (c.table == NULL)
		e = -ENOMEM;
	if (e == 0)
		e = run(&c);
	free(c.table);
	free(c.old.text);
	free(c.old.units);
	free(c.now.text);
	free(c.now.units);
	return e;
}
