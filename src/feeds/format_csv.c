/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "feeds/value.h"

enum {
	FIELD_MAX = VALUE_MAX,
	NO_COLUMN = -1,
};

struct csv {
	struct scan *s;
	char separator;
	const char *title; /* of the column; NULL: its number is known */
	int column;        /* from 0; NO_COLUMN: not found yet */
	bool has_data;     /* the first record was read */
};

/* One field off the line. Quoted ones (RFC 4180 2) may hold separators; "" is a quote. */
static enum feeds_skip next_field(struct word *rest, char separator, char *ret, size_t *ret_n)
{
	size_t out = 0;
	while (rest->n > 0 && *rest->p == ' ' && separator != ' ') {
		rest->p++;
		rest->n--;
	}
	bool is_quoted = rest->n > 0 && *rest->p == '"', is_open = is_quoted;
	size_t i = is_quoted;
	for (; i < rest->n; i++) {
		char c = rest->p[i];
		if (is_open && c == '"' && i + 1 < rest->n && rest->p[i + 1] == '"')
			i++;
		else if (is_open && c == '"') {
			is_open = false;
			continue;
		} else if (!is_open && c == separator)
			break;
		if (out < FIELD_MAX)
			ret[out] = c;
		out++;
	}
	bool has_more = i < rest->n;
	rest->p += has_more ? i + 1 : i;
	rest->n -= has_more ? i + 1 : i;
	if (!has_more)
		rest->p = NULL; /* the line is over */
	*ret_n = out < FIELD_MAX ? out : FIELD_MAX;
	return is_open ? FEEDS_SKIP_QUOTE : FEEDS_SKIP_NONE;
}

/* The field with this number; false: there are fewer. */
static bool find_field(const struct csv *c, const char *text, size_t n, int wanted, char *ret,
                       size_t *ret_n, enum feeds_skip *ret_why)
{
	struct word rest = { text, n };
	for (int i = 0; rest.p != NULL; i++) {
		*ret_why = next_field(&rest, c->separator, ret, ret_n);
		if (*ret_why != FEEDS_SKIP_NONE || i == wanted)
			return true;
	}
	return false;
}

/* Is there a field with the column's title? */
static bool read_titles(struct csv *c, const char *text, size_t n)
{
	char field[FIELD_MAX];
	size_t field_n;
	struct word rest = { text, n };
	for (int i = 0; rest.p != NULL; i++) {
		if (next_field(&rest, c->separator, field, &field_n) != FEEDS_SKIP_NONE)
			return false;
		struct word w = scan_trim(field, field_n);
		if (w.n == strlen(c->title) && strncasecmp(w.p, c->title, w.n) == 0) {
			c->column = i;
			return true;
		}
	}
	return false;
}

static void read_comment(struct csv *c, struct word w)
{
	scan_comment(c->s);
	/* Some publishers hide the titles in a comment: "# id,dateadded,url". */
	while (w.n > 0 && (*w.p == '#' || scan_is_blank(*w.p))) {
		w.p++;
		w.n--;
	}
	if (c->title != NULL && c->column == NO_COLUMN && memchr(w.p, c->separator, w.n) != NULL)
		(void)read_titles(c, w.p, w.n);
}

static int read_line(struct csv *c, const char *text, size_t n)
{
	static const struct policy_rule rule;
	char field[FIELD_MAX];
	size_t field_n = 0;
	enum feeds_skip why = FEEDS_SKIP_NONE;
	struct word w = c->separator == '\t' ? (struct word){ text, n } : scan_trim(text, n);
	if (scan_trim(text, n).n == 0) {
		c->s->report->comments++;
		return 0;
	}
	if (*w.p == '#' || *w.p == ';') {
		read_comment(c, w);
		return 0;
	}
	if (memchr(w.p, 0, w.n) != NULL) {
		scan_skip(c->s, FEEDS_SKIP_NUL, NULL);
		return 0;
	}
	if (c->title != NULL && c->column == NO_COLUMN) {
		if (!read_titles(c, w.p, w.n))
			return -ENOKEY;
		scan_comment(c->s);
		return 0;
	}
	if (!find_field(c, w.p, w.n, c->column, field, &field_n, &why))
		why = FEEDS_SKIP_NO_COLUMN;
	if (why != FEEDS_SKIP_NONE) {
		scan_skip(c->s, why, NULL);
		return 0;
	}
	/* Titles above a column that was given by number are no values, though "host" might be a
	 * top-level domain. */
	bool is_first = !c->has_data;
	c->has_data = true;
	if (is_first &&
	    ((memchr(field, '.', field_n) == NULL && memchr(field, ':', field_n) == NULL) ||
	     !value_is_good(c->s, field, field_n))) {
		scan_comment(c->s);
		return 0;
	}
	value_add(c->s, field, field_n, VALUE_ANY, &rule);
	return 0;
}

int format_csv_read(struct scan *s, struct reader *r)
{
	static const struct feeds_options none;
	const struct feeds_options *o = s->options != NULL ? s->options : &none;
	const char *text, *column = o->column != NULL ? o->column : "1";
	char *end;
	size_t n;
	int e = 0;
	long number = strtol(column, &end, 10);
	struct csv c = {
		.s = s,
		.separator = ',',
		.title = *end != 0 || number < 1 || number > 10000 ? column : NULL,
	};
	if (o->separator != 0)
		c.separator = o->separator;
	c.column = c.title != NULL ? NO_COLUMN : (int)number - 1;
	while (e == 0 && scan_next_line(s, r, &text, &n) == READER_LINE)
		e = read_line(&c, text, n);
	return e;
}
