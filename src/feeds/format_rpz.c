/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Policy zones as master files. libzscanner reads them, one entry at a time: a line, or the lines
 * up to the closing parenthesis. So an entry that is wrong costs itself, wherever it ends, and
 * nothing depends on the file's size. The plain lines that zones mostly consist of, `name CNAME .`
 * and the like, are read here: in less than half the time, and the same (rpz_file_test.c in
 * tests/unit/feeds compares).
 */
#include <errno.h>
#include <libzscanner/scanner.h>
#include <stdlib.h>
#include <xxhash.h>

#include "feeds/rpz_zone.h"

enum {
	CLASS_IN = 1,
	TTL_DEFAULT_S = 300, /* of a record without one, where neither $TTL nor SOA says more */
	ENTRY_MAX = READER_LINE_MAX,
	SOA_TAIL = 20,
};

struct master {
	struct scan *s;
	struct rpz_zone *zone;
	zs_scanner_t *zs;
	int start_state;
	bool has_ttl;   /* there was a $TTL, or a SOA */
	uint64_t line;  /* where the entry begins */
	size_t entry_n; /* lines of an entry that has an open parenthesis, each with its LF */
	char entry[ENTRY_MAX + 1];
};

/* ---- records ---- */

static void take(struct master *m, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
                 const uint8_t *data, size_t n)
{
	const struct rpz_record r = {
		.owner = owner, .type = type, .ttl_s = ttl_s, .data = data, .n = (uint16_t)n
	};
	rpz_zone_add(m->zone, m->s, &r, m->zs->zone_origin);
	/* RFC 2308 4 would have $TTL here; zones without one mean the SOA's last number. */
	if (type != RPZ_TYPE_SOA || m->has_ttl || n < SOA_TAIL)
		return;
	const uint8_t *p = data + n - 4;
	m->has_ttl = true;
	m->zs->default_ttl =
		(uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The scanner's reason in front of the line. */
static void skip_syntax(struct master *m)
{
	char text[FEEDS_EXCERPT_MAX + 1];
	int len = (int)(m->s->n > FEEDS_EXCERPT_MAX ? FEEDS_EXCERPT_MAX : m->s->n);
	int n = snprintf(text, sizeof text, "(%s) %.*s", zs_strerror(m->zs->error.code), len,
	                 m->s->text);
	struct word w = { text, n < (int)sizeof text ? (size_t)n : sizeof text - 1 };
	scan_skip(m->s, FEEDS_SKIP_SYNTAX, &w);
}

/* After an error between parentheses the scanner gives up; here the entry is over anyway. */
static void restart(struct master *m)
{
	m->zs->cs = m->start_state;
	m->zs->top = 0;
	m->zs->multiline = false;
	m->zs->error.fatal = false;
	m->zs->r_owner_length = 0;
}

static int read_entry(struct master *m, const char *text, size_t n)
{
	zs_scanner_t *zs = m->zs;
	if (zs_set_input_string(zs, text, n) != 0)
		return -ENOMEM;
	for (;;) {
		(void)zs_parse_record(zs);
		switch (zs->state) {
		case ZS_STATE_DATA:
			take(m, zs->r_owner, zs->r_type, zs->r_ttl, zs->r_data, zs->r_data_length);
			break;
		case ZS_STATE_INCLUDE:
			scan_skip(m->s, FEEDS_SKIP_INCLUDE, NULL);
			break;
		case ZS_STATE_ERROR:
			skip_syntax(m);
			if (zs->error.fatal || zs->cs == 0) {
				restart(m);
				return 0;
			}
			break;
		default:
			return 0;
		}
	}
}

/* ---- plain lines ---- */

static const struct {
	const char *text;
	uint8_t wire[16];
	uint8_t n;
} plain_targets[] = {
	/* clang-format off */
	{ ".",             { 0 },                                                                       1 },
	{ "*.",            { 1, '*', 0 },                                                               3 },
	{ "rpz-passthru.", { 12, 'r', 'p', 'z', '-', 'p', 'a', 's', 's', 't', 'h', 'r', 'u', 0 },      14 },
	{ "rpz-drop.",     { 8, 'r', 'p', 'z', '-', 'd', 'r', 'o', 'p', 0 },                           10 },
	{ "rpz-tcp-only.", { 12, 'r', 'p', 'z', '-', 't', 'c', 'p', '-', 'o', 'n', 'l', 'y', 0 },      14 },
	/* clang-format on */
};

/* What a plain character is in a name; 0: it is not plain. */
/* clang-format off */
#define SAME(c) [c] = (c)
#define LOWER(c) [c] = (c) | 0x20
static const uint8_t plain[256] = {
	SAME('0'), SAME('1'), SAME('2'), SAME('3'), SAME('4'), SAME('5'), SAME('6'), SAME('7'),
	SAME('8'), SAME('9'), SAME('-'), SAME('_'), SAME('*'),
	SAME('a'), SAME('b'), SAME('c'), SAME('d'), SAME('e'), SAME('f'), SAME('g'), SAME('h'),
	SAME('i'), SAME('j'), SAME('k'), SAME('l'), SAME('m'), SAME('n'), SAME('o'), SAME('p'),
	SAME('q'), SAME('r'), SAME('s'), SAME('t'), SAME('u'), SAME('v'), SAME('w'), SAME('x'),
	SAME('y'), SAME('z'),
	LOWER('A'), LOWER('B'), LOWER('C'), LOWER('D'), LOWER('E'), LOWER('F'), LOWER('G'),
	LOWER('H'), LOWER('I'), LOWER('J'), LOWER('K'), LOWER('L'), LOWER('M'), LOWER('N'),
	LOWER('O'), LOWER('P'), LOWER('Q'), LOWER('R'), LOWER('S'), LOWER('T'), LOWER('U'),
	LOWER('V'), LOWER('W'), LOWER('X'), LOWER('Y'), LOWER('Z'),
};
#undef SAME
#undef LOWER
/* clang-format on */

/* The word as a name, in lower case, into ret; its length, or 0: let the scanner look. */
static size_t plain_owner(const struct master *m, const struct word *w, uint8_t *ret)
{
	size_t out = 1, label = 0;
	if (w->n > NAME_MAX_BYTES - 2)
		return 0;
	for (size_t i = 0; i < w->n; i++) {
		char c = w->p[i];
		uint8_t known = plain[(uint8_t)c];
		if (known != 0) {
			ret[out++] = known;
			continue;
		}
		size_t len = out - label - 1;
		if (c != '.' || len == 0 || len > 63)
			return 0;
		ret[label] = (uint8_t)len;
		label = out++;
	}
	size_t len = out - label - 1;
	if (len > 63)
		return 0;
	if (len == 0) { /* a dot at the end: nothing is put behind */
		ret[label] = 0;
		return label == 0 ? 0 : out;
	}
	ret[label] = (uint8_t)len;
	size_t origin_n = m->zs->zone_origin_length;
	if (out + origin_n > NAME_MAX_BYTES)
		return 0;
	memcpy(ret + out, m->zs->zone_origin, origin_n);
	return out + origin_n;
}

/* A number without unit. */
static bool plain_ttl(const struct word *w, uint32_t *ret)
{
	uint32_t x = 0;
	if (w->n == 0 || w->n > 9)
		return false;
	for (size_t i = 0; i < w->n; i++) {
		if (w->p[i] < '0' || w->p[i] > '9')
			return false;
		x = x * 10 + (uint32_t)(w->p[i] - '0');
	}
	*ret = x;
	return true;
}

static bool take_plain(struct master *m, const char *text, size_t n)
{
	uint8_t owner[2 * NAME_MAX_BYTES];
	struct word rest = { text, n }, w = { text, 0 };
	uint32_t ttl_s = m->zs->default_ttl;
	if (scan_is_blank(*text) || !scan_next_word(&rest, &w))
		return false;
	size_t owner_n = plain_owner(m, &w, owner);
	if (owner_n == 0 || !scan_next_word(&rest, &w))
		return false;
	if (plain_ttl(&w, &ttl_s) && !scan_next_word(&rest, &w))
		return false;
	if (word_is_caseless(&w, "IN") && !scan_next_word(&rest, &w))
		return false;
	if (!word_is_caseless(&w, "CNAME") || !scan_next_word(&rest, &w))
		return false;
	rest = scan_trim(rest.p, rest.n);
	if (rest.n > 0 && *rest.p != ';')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(plain_targets); i++) {
		if (!word_is_caseless(&w, plain_targets[i].text))
			continue;
		/* A line that begins with a blank means this owner. */
		memcpy(m->zs->r_owner, owner, owner_n);
		m->zs->r_owner_length = (uint32_t)owner_n;
		take(m, owner, RPZ_TYPE_CNAME, ttl_s, plain_targets[i].wire, plain_targets[i].n);
		return true;
	}
	return false;
}

/* ---- entries ---- */

/* How a line leaves the parentheses. */
enum parens {
	PARENS_SAME,
	PARENS_OPEN,
	PARENS_CLOSED,
	PARENS_TWICE, /* another one opens inside: the first was never closed */
};

static enum parens look_at_parens(const char *text, size_t n, bool is_open)
{
	bool is_quoted = false, was_open = is_open;
	if (memchr(text, '(', n) == NULL && (!is_open || memchr(text, ')', n) == NULL))
		return PARENS_SAME;
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			is_quoted = !is_quoted;
		else if (is_quoted)
			continue;
		else if (text[i] == ';')
			break;
		else if (text[i] == '(' && is_open)
			return PARENS_TWICE;
		else if (text[i] == '(' || (text[i] == ')' && is_open))
			is_open = text[i] == '(';
	}
	return is_open == was_open ? PARENS_SAME : is_open ? PARENS_OPEN : PARENS_CLOSED;
}

static bool keep(struct master *m, const char *text, size_t n)
{
	if (m->entry_n + n + 1 > ENTRY_MAX)
		return false;
	memcpy(m->entry + m->entry_n, text, n);
	m->entry[m->entry_n + n] = '\n';
	m->entry_n += n + 1;
	return true;
}

static int read_line(struct master *m, const char *text, size_t n)
{
	struct word w = scan_trim(text, n);
	if (w.n == 0) {
		m->s->report->comments++;
		return 0;
	}
	if (*w.p == ';') {
		scan_comment(m->s);
		return 0;
	}
	if (memchr(text, 0, n) != NULL) {
		scan_skip(m->s, FEEDS_SKIP_NUL, NULL);
		return 0;
	}
	if (n >= 4 && strncasecmp(text, "$TTL", 4) == 0)
		m->has_ttl = true;
	return take_plain(m, text, n) ? 0 : read_entry(m, text, n);
}

/* Nothing closes the parenthesis: the line that opens it is lost, those behind it are not. */
static int salvage(struct master *m)
{
	struct scan *s = m->s;
	uint64_t line = s->line;
	const char *text = s->text;
	size_t n = s->n;
	int e = 0;
	s->line = m->line;
	for (size_t at = 0; e == 0 && at < m->entry_n; s->line++) {
		const char *lf = memchr(m->entry + at, '\n', m->entry_n - at);
		s->text = m->entry + at;
		s->n = (size_t)(lf - s->text);
		if (s->line == m->line || look_at_parens(s->text, s->n, false) != PARENS_SAME)
			scan_skip(s, FEEDS_SKIP_UNCLOSED, NULL);
		else
			e = read_line(m, s->text, s->n);
		at += s->n + 1;
	}
	s->line = line;
	s->text = text;
	s->n = n;
	m->entry_n = 0;
	return e;
}

/* An entry of several lines: it is told of where it begins. */
static int read_kept(struct master *m)
{
	struct scan *s = m->s;
	uint64_t line = s->line;
	s->line = m->line;
	s->text = m->entry;
	s->n = strcspn(m->entry, "\n");
	int e = read_entry(m, m->entry, m->entry_n);
	s->line = line;
	m->entry_n = 0;
	return e;
}

static int take_line(struct master *m, const char *text, size_t n)
{
	enum parens parens = look_at_parens(text, n, m->entry_n > 0);
	int e = 0;
	if (m->entry_n > 0 && (parens == PARENS_TWICE || !keep(m, text, n))) {
		e = salvage(m);
		parens = look_at_parens(text, n, false);
		if (e != 0)
			return e;
	} else if (m->entry_n > 0) {
		m->entry[m->entry_n] = 0;
		return parens == PARENS_CLOSED ? read_kept(m) : 0;
	}
	if (parens == PARENS_OPEN && keep(m, text, n)) {
		m->line = m->s->line;
		return 0;
	}
	if (parens == PARENS_SAME)
		return read_line(m, text, n);
	scan_skip(m->s, FEEDS_SKIP_UNCLOSED, NULL);
	return 0;
}

/* ---- the file ---- */

static int set_up(struct master *m, uint64_t bytes)
{
	char origin[NAME_TEXT_MAX + 1] = ".";
	struct name name;
	struct scan *s = m->s;
	const struct name *apex = s->options != NULL ? s->options->zone : NULL;
	const char *list = s->report->name;
	if (s->zone == NULL) {
		int e = rpz_zone_new(bytes, &s->zone);
		if (e != 0)
			return e;
	}
	m->zone = s->zone;
	rpz_zone_begin(m->zone, s, apex);
	/* Where neither option nor file names the zone, it is called like the list. */
	if (apex == NULL && name_from_text(list, strlen(list), &name) == 0)
		apex = &name;
	if (apex != NULL && !name_is_root(apex->wire)) {
		size_t n = name_to_text(apex->wire, origin);
		memcpy(origin + n, ".", 2);
	}
	m->zs = calloc(1, sizeof *m->zs);
	if (m->zs == NULL || zs_init(m->zs, origin, CLASS_IN, TTL_DEFAULT_S) != 0)
		return -ENOMEM;
	m->start_state = m->zs->cs;
	return 0;
}

int rpz_begin(struct scan *s, uint64_t bytes)
{
	struct master *m = calloc(1, sizeof *m);
	if (m == NULL)
		return -ENOMEM;
	m->s = s;
	s->master = m;
	return set_up(m, bytes);
}

/* What takes more than one line, or means something for the next, is told of (rpz_zone.is_plain). */
int rpz_feed(struct scan *s, const char *text, size_t n)
{
	struct master *m = s->master;
	if (m->zone->first_body != 0 && (m->entry_n > 0 || !rpz_is_plain(text, n)))
		m->zone->is_plain = false;
	return take_line(m, text, n);
}

int rpz_end(struct scan *s)
{
	struct master *m = s->master;
	int e = m->entry_n > 0 ? salvage(m) : 0;
	if (e == 0)
		rpz_zone_end(m->zone, s);
	return e;
}

void rpz_done(struct scan *s)
{
	struct master *m = s->master;
	s->master = NULL;
	if (m == NULL)
		return;
	if (m->zs != NULL)
		zs_deinit(m->zs);
	free(m->zs);
	free(m);
}

uint64_t rpz_context(const struct scan *s)
{
	const struct master *m = s->master;
	const zs_scanner_t *zs = m->zs;
	uint64_t d = XXH3_64bits_withSeed(zs->zone_origin, zs->zone_origin_length, zs->default_ttl);
	return m->zone->has_apex ? XXH3_64bits_withSeed(m->zone->apex.wire, m->zone->apex.len, d)
	                         : d;
}

bool rpz_is_plain(const char *text, size_t n)
{
	struct word w = scan_trim(text, n);
	if (w.n == 0 || *w.p == ';')
		return true;
	return w.p == text && *text != '$' && memchr(text, '(', n) == NULL &&
	       memchr(text, ')', n) == NULL;
}

int format_rpz_read(struct scan *s, struct reader *r)
{
	const char *text;
	size_t n;
	/* Compressed lists of names shrink to a fifth. */
	uint64_t bytes = reader_size(r);
	int e = rpz_begin(s, reader_is_compressed(r) ? 5 * bytes : bytes);
	while (e == 0 && scan_next_line(s, r, &text, &n) == READER_LINE)
		e = rpz_feed(s, text, n);
	if (e == 0)
		e = rpz_end(s);
	rpz_done(s);
	return e;
}
