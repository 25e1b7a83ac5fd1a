/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file as a whole: lines, words, blocks. */
#include "reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script_piece {
	struct script_piece *next;
	_Alignas(16) char bytes[];
};

void *script_alloc(struct script *s, size_t n)
{
	struct script_piece *p = calloc(1, sizeof *p + n);
	must(p != NULL); /* a test: what it reads is bounded */
	p->next = s->memory;
	s->memory = p;
	return p->bytes;
}

void script_free(struct script *s)
{
	if (s == NULL)
		return;
	while (s->memory != NULL) {
		struct script_piece *p = s->memory;
		s->memory = p->next;
		free(p);
	}
	free(s->config);
	free(s);
}

__attribute__((format(printf, 3, 0))) static void note(struct script *s, unsigned line,
                                                       const char *format, va_list args)
{
	if (s->n_problems < SCRIPT_MAX_PROBLEMS) {
		struct script_problem *p = &s->problems[s->n_problems];
		p->line = line;
		vsnprintf(p->text, sizeof p->text, format, args);
		for (char *c = p->text; *c != 0; c++) /* the file's own bytes may be in it */
			*c = *c >= ' ' && *c < 127 ? *c : '?';
	}
	s->n_problems++;
}

void script_problem(struct script *s, unsigned line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	note(s, line, format, args);
	va_end(args);
}

void reader_problem(struct reader *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	note(r->s, r->line, format, args);
	va_end(args);
	r->at = r->n_words; /* one problem a line is enough */
}

struct script_key *script_find_key(const struct script *s, const char *label)
{
	for (struct script_key *k = s->keys; k != NULL; k = k->next) {
		if (strcmp(k->label, label) == 0)
			return k;
	}
	return NULL;
}

/* ---- words ---- */

/* Cut the comment off, and split what is left. */
static void split(struct reader *r, char *raw)
{
	bool is_quoted = false;
	r->raw = raw;
	r->n_words = r->at = 0;
	for (char *c = raw; *c != 0; c++) {
		is_quoted ^= *c == '"';
		if (*c == '#' && !is_quoted)
			*c = 0;
		if (*c == 0)
			break;
	}
	memcpy(r->text, raw, strlen(raw) + 1);
	for (char *c = r->text; *c != 0;) {
		c += strspn(c, " \t\r");
		if (*c == 0)
			break;
		if (r->n_words == SCRIPT_MAX_WORDS - 1) {
			reader_problem(r, "more than %d words", SCRIPT_MAX_WORDS - 1);
			break;
		}
		bool has_quote = *c == '"';
		r->words[r->n_words++] = c + has_quote;
		c += has_quote;
		c += strcspn(c, has_quote ? "\"" : " \t\r");
		if (*c != 0)
			*c++ = 0;
	}
	r->words[r->n_words] = NULL;
}

char *reader_word(struct reader *r)
{
	return r->at < r->n_words ? r->words[r->at++] : NULL;
}

bool reader_take(struct reader *r, const char *word)
{
	if (r->at == r->n_words || strcmp(r->words[r->at], word) != 0)
		return false;
	r->at++;
	return true;
}

char *reader_copy(struct reader *r, const char *text)
{
	size_t n = strlen(text) + 1;
	return memcpy(script_alloc(r->s, n), text, n);
}

/* ---- the blocks ---- */

static void add_config(struct reader *r, const char *raw, size_t n)
{
	struct script *s = r->s;
	char *more = realloc(s->config, s->config_bytes + n + 2);
	must(more != NULL);
	s->config = more;
	memcpy(s->config + s->config_bytes, raw, n);
	s->config_bytes += n;
	s->config[s->config_bytes++] = '\n';
	s->config[s->config_bytes] = 0;
}

static void read_config(struct reader *r)
{
	if (r->s->config != NULL)
		reader_problem(r, "a second config block");
	r->s->config_line = r->line;
	r->block = IN_CONFIG;
}

static void read_seed(struct reader *r)
{
	unsigned seed;
	if (reader_number(r, UINT32_MAX, &seed))
		r->s->seed = seed;
}

static void read_hint(struct reader *r)
{
	struct script_hint *h = script_alloc(r->s, sizeof *h);
	if (!reader_name(r, &h->name))
		return;
	while (r->at < r->n_words && h->n_addrs < ARRAY_LEN(h->addrs)) {
		if (!reader_addr(r, &h->addrs[h->n_addrs++]))
			return;
	}
	if (h->n_addrs == 0)
		reader_problem(r, "a hint needs an address");
	*r->s->hints_end = h;
	r->s->hints_end = &h->next;
}

static void read_anchor(struct reader *r)
{
	struct script_anchor *a = script_alloc(r->s, sizeof *a);
	a->line = r->line;
	if (!reader_name(r, &a->zone))
		return;
	const char *key = reader_word(r);
	if (key == NULL || key[0] != '@') {
		reader_problem(r, "an anchor is a zone and @KEY");
		return;
	}
	a->key = reader_copy(r, key + 1);
	a->next = r->s->anchors;
	r->s->anchors = a;
}

static void read_follow(struct reader *r)
{
	if (!reader_take(r, "anchors"))
		reader_problem(r, "follow anchors");
	r->s->follows_anchors = true;
}

static const struct {
	const char *word;
	void (*read)(struct reader *r);
} directives[] = {
	{ "config", read_config }, { "seed", read_seed },     { "hint", read_hint },
	{ "anchor", read_anchor }, { "key", read_key },       { "zone", read_zone },
	{ "server", read_server }, { "follow", read_follow },
};

static void end_line(struct reader *r)
{
	if (r->at < r->n_words)
		reader_problem(r, "what is '%s' here?", r->words[r->at]);
}

static void read_directive(struct reader *r)
{
	if (read_step_line(r))
		return;
	const char *word = reader_word(r);
	for (size_t i = 0; i < ARRAY_LEN(directives); i++) {
		if (strcmp(word, directives[i].word) != 0)
			continue;
		r->block_line = r->line;
		directives[i].read(r);
		return;
	}
	reader_problem(r, "'%s' begins nothing that is known", word);
}

static void end_block(struct reader *r)
{
	r->block = IN_NOTHING;
	r->rule = NULL;
	r->step = NULL;
}

static void read_line(struct reader *r, char *raw, size_t n)
{
	r->line++;
	if (memchr(raw, 0, n) != NULL || n >= SCRIPT_LINE_BYTES) {
		reader_problem(r, "a zero byte, or more than %d bytes", SCRIPT_LINE_BYTES - 1);
		return;
	}
	raw[n] = 0;
	if (r->block == IN_CONFIG && strncmp(raw, "end", 3) != 0) {
		add_config(r, raw, n);
		return;
	}
	split(r, raw);
	if (r->n_words == 0)
		return;
	if (r->block != IN_NOTHING && reader_take(r, "end"))
		end_block(r);
	else if (r->block == IN_ZONE)
		read_zone_line(r);
	else if (r->block == IN_SERVER)
		read_server_line(r);
	else
		read_directive(r);
	end_line(r);
}

/* ---- what only the whole file tells ---- */

static void check_label(struct script *s, unsigned line, const char *label)
{
	if (script_find_key(s, label) == NULL)
		script_problem(s, line, "no key is called '%s'", label);
}

static void check_keys(struct script *s)
{
	for (struct script_zone *z = s->zones; z != NULL; z = z->next) {
		for (struct script_key_use *u = z->keys; u != NULL; u = u->next)
			check_label(s, u->line, u->label);
		for (struct script_record *rr = z->records; rr != NULL; rr = rr->next) {
			if (rr->ds_key != NULL)
				check_label(s, rr->line, rr->ds_key);
		}
	}
	for (struct script_anchor *a = s->anchors; a != NULL; a = a->next)
		check_label(s, a->line, a->key);
}

static void check_serves(struct script *s)
{
	for (struct script_server *v = s->servers; v != NULL; v = v->next) {
		for (struct script_serves *e = v->serves; e != NULL; e = e->next) {
			struct script_zone *z = s->zones;
			while (z != NULL && strcmp(z->label, e->label) != 0)
				z = z->next;
			if (z == NULL)
				script_problem(s, e->line, "no zone is called '%s'", e->label);
		}
	}
}

static int by_line(const void *a, const void *b)
{
	const struct script_problem *x = a, *y = b;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void check_whole(struct reader *r)
{
	struct script *s = r->s;
	s->n_lines = r->line;
	if (r->block != IN_NOTHING)
		script_problem(s, r->block_line, "this block has no end");
	check_keys(s);
	check_serves(s);
	for (struct script_step *step = s->steps; step != NULL; step = step->next) {
		if (step->kind == STEP_DISTRUST && !s->follows_anchors)
			script_problem(s, step->line, "distrust needs 'follow anchors'");
	}
	if (s->follows_anchors && s->anchors == NULL)
		script_problem(s, r->line, "there is no anchor to follow");
	if (s->steps == NULL)
		script_problem(s, r->line, "nothing is asked or expected");
	if (s->hints == NULL)
		script_problem(s, r->line, "there is no hint: where is the root?");
	unsigned n = s->n_problems < SCRIPT_MAX_PROBLEMS ? s->n_problems : SCRIPT_MAX_PROBLEMS;
	qsort(s->problems, n, sizeof s->problems[0], by_line);
}

static void read_all(struct reader *r, char *text, size_t n)
{
	char *end = text + n;
	for (char *c = text; c < end && r->line < SCRIPT_MAX_LINES;) {
		char *eol = memchr(c, '\n', (size_t)(end - c));
		size_t len = eol != NULL ? (size_t)(eol - c) : (size_t)(end - c);
		read_line(r, c, len);
		c += len + 1;
	}
	check_whole(r);
}

struct script *script_read(const char *text, size_t n)
{
	struct reader *r = calloc(1, sizeof *r);
	struct script *s = calloc(1, sizeof *s);
	zs_scanner_t *scanner = calloc(1, sizeof *scanner);
	char *copy = malloc(n + 1);
	bool is_good = r != NULL && s != NULL && scanner != NULL && copy != NULL &&
	               n <= SCRIPT_MAX_BYTES && zs_init(scanner, ".", 1, 1) == 0;
	if (is_good) {
		memcpy(copy, text, n);
		s->keys_end = &s->keys;
		s->hints_end = &s->hints;
		s->zones_end = &s->zones;
		s->servers_end = &s->servers;
		s->steps_end = &s->steps;
		r->s = s;
		r->scanner = scanner;
		read_all(r, copy, n);
		zs_deinit(scanner);
	} else {
		free(s);
		s = NULL;
	}
	free(copy);
	free(scanner);
	free(r);
	return s;
}
