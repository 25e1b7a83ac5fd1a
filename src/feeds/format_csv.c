/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feeds/value.h"

enum {
	FIELD_MAX = VALUE_MAX,
	NO_COLUMN = -1,
	/* A record of more lines is taken for lines with a stray quote. */
	RECORD_LINES = 64,
	RECORD_BYTES = READER_LINE_MAX,
};

/* A line that was read ahead: where it is in the text, and its number. */
struct ahead {
	size_t at, n;
	uint64_t number;
};

struct csv {
	struct scan *s;
	char separator;
	const char *title; /* of the column; NULL: its number is known */
	int column;        /* from 0; NO_COLUMN: not found yet */
	bool has_data;     /* the first record was read */
	/* Lines that may be one record, one behind the other with a LF between; read ahead. */
	struct ahead ahead[RECORD_LINES];
	unsigned n_ahead;
	unsigned n_open; /* of them, the first so many end within quotes */
	char *text;      /* RECORD_BYTES */
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

/* ---- records of several lines ---- */

enum quotes {
	QUOTES_CLOSED,
	QUOTES_OPEN,
	QUOTES_STRAY, /* one closes where no field can end */
};

/* Where a line ends that begins in a quoted field, or not (is_open). Whoever writes line ends in quotes quotes well. */
static enum quotes look_at_quotes(const char *text, size_t n, char separator, bool is_open)
{
	bool is_start = true;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (is_open && c == '"' && i + 1 < n && text[i + 1] == '"') {
			i++;
		} else if (is_open && c == '"') {
			is_open = false;
			while (i + 1 < n && scan_is_blank(text[i + 1]) && text[i + 1] != separator)
				i++;
			if (i + 1 < n && text[i + 1] != separator)
				return QUOTES_STRAY;
		} else if (!is_open && c == separator) {
			is_start = true;
			continue;
		} else if (!is_open && is_start && c == '"') {
			is_open = true;
		}
		is_start = is_start && c == ' ';
	}
	return is_open ? QUOTES_OPEN : QUOTES_CLOSED;
}

/* Does the line end within quotes? */
static bool begins_record(const struct csv *c, const char *text, size_t n)
{
	return memchr(text, '"', n) != NULL && *text != '#' && *text != ';' &&
	       look_at_quotes(text, n, c->separator, false) == QUOTES_OPEN;
}

/* false: no room. */
static bool keep_ahead(struct csv *c, const char *text, size_t n)
{
	const struct ahead *last = c->n_ahead > 0 ? &c->ahead[c->n_ahead - 1] : NULL;
	size_t at = last != NULL ? last->at + last->n + 1 : 0;
	if (c->text == NULL)
		c->text = malloc(RECORD_BYTES);
	if (c->text == NULL || c->n_ahead == RECORD_LINES || n + at > RECORD_BYTES)
		return false;
	if (at > 0)
		c->text[at - 1] = '\n';
	memcpy(c->text + at, text, n);
	c->ahead[c->n_ahead++] = (struct ahead){ at, n, c->s->line };
	return true;
}

/* The first n lines have been read. */
static void drop_ahead(struct csv *c, unsigned n)
{
	c->n_ahead -= n;
	c->n_open = 0;
	if (c->n_ahead == 0)
		return;
	size_t by = c->ahead[n].at;
	const struct ahead *last = &c->ahead[n + c->n_ahead - 1];
	memmove(c->text, c->text + by, last->at + last->n - by);
	memmove(c->ahead, c->ahead + n, c->n_ahead * sizeof *c->ahead);
	for (unsigned i = 0; i < c->n_ahead; i++)
		c->ahead[i].at -= by;
}

/* How many of the lines are one record; 1: none goes with the first. 0: another one is needed. */
static unsigned count_lines(struct csv *c)
{
	for (unsigned i = c->n_open; i < c->n_ahead; i++, c->n_open++) {
		const struct ahead *a = &c->ahead[i];
		enum quotes q = look_at_quotes(c->text + a->at, a->n, c->separator, i > 0);
		if (q == QUOTES_CLOSED)
			return i + 1;
		if (q == QUOTES_STRAY)
			return 1;
	}
	return 0;
}

static int read_ahead(struct csv *c, unsigned n)
{
	const struct ahead *last = &c->ahead[n - 1];
	uint64_t line = c->s->line;
	c->s->line = c->ahead[0].number;
	c->s->text = c->text;
	c->s->n = last->at + last->n;
	int e = read_line(c, c->s->text, c->s->n);
	c->s->line = line;
	drop_ahead(c, n);
	return e;
}

/* What begins with the first line that was read ahead, alone or with those that follow. */
static int read_record(struct csv *c, struct reader *r)
{
	const char *text;
	size_t n;
	unsigned n_lines = count_lines(c);
	while (n_lines == 0) {
		if (scan_next_line(c->s, r, &text, &n) != READER_LINE) {
			n_lines = 1;
			break;
		}
		if (keep_ahead(c, text, n)) {
			n_lines = count_lines(c);
			continue;
		}
		/* Too long: these are lines, and so is the one that has just come. */
		int e = 0;
		while (e == 0 && c->n_ahead > 0)
			e = read_ahead(c, 1);
		return e == 0 ? read_line(c, text, n) : e;
	}
	return read_ahead(c, n_lines);
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
	while (e == 0) {
		if (c.n_ahead > 0)
			e = read_record(&c, r);
		else if (scan_next_line(s, r, &text, &n) != READER_LINE)
			break;
		else if (!begins_record(&c, text, n))
			e = read_line(&c, text, n);
		else if (!keep_ahead(&c, text, n))
			e = c.text == NULL ? -ENOMEM : read_line(&c, text, n);
	}
	free(c.text);
	return e;
}
