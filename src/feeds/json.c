/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/json.h"

#include <errno.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

enum {
	GO_ON = 1, /* yajl's words */
	STOP = 0
};

/* ---- where we are ---- */

/* The line of what the parser has got to. */
static void count_lines(struct json_walk *w)
{
	size_t at = yajl_get_bytes_consumed(w->parser);
	if (at > w->chunk_n)
		at = w->chunk_n;
	for (; w->counted < at; w->counted++)
		w->s->line += w->chunk[w->counted] == '\n';
	w->quiet = 0;
}

static int give_up(struct json_walk *w, const char *why)
{
	w->why = why;
	return STOP;
}

/* The key under which the value that comes now stands; "" in an array or at the top. */
static const char *key_of_value(const struct json_walk *w)
{
	return w->depth > 0 && !w->levels[w->depth - 1].is_array ? w->levels[w->depth - 1].key : "";
}

static int push(struct json_walk *w, bool is_array)
{
	count_lines(w);
	if (w->depth == JSON_DEPTH_MAX)
		return give_up(w, "is nested deeper than 64 levels");
	struct json_level *l = &w->levels[w->depth++];
	l->is_array = is_array;
	l->key[0] = 0;
	return w->s->error == 0 ? GO_ON : STOP;
}

/* ---- records ---- */

/* Does an object that begins here stand in the right array, or alone? */
static bool is_record(const struct json_walk *w)
{
	if (w->record == NULL || w->record_depth != 0)
		return false;
	if (w->depth == 0)
		return true; /* unless it turns out to hold the array: then it has no value */
	if (!w->levels[w->depth - 1].is_array)
		return false;
	return w->depth == 1 || strcmp(w->levels[w->depth - 2].key, w->record_key) == 0;
}

static void record_begin(struct json_walk *w)
{
	w->record_depth = w->depth + 1;
	w->is_record_long = false;
	w->record_line = w->s->line;
	w->n_bytes = 0;
	memset(w->values, 0, sizeof w->values);
}

static void record_end(struct json_walk *w)
{
	uint64_t line = w->s->line;
	w->record_depth = 0;
	w->s->line = w->record_line;
	w->s->text = w->bytes;
	w->s->n = w->n_bytes;
	if (w->is_record_long)
		scan_skip(w->s, FEEDS_SKIP_TOO_LONG, NULL);
	else
		w->record(w, w->values);
	w->s->line = line;
}

static void append(struct json_walk *w, unsigned field, const char *text, size_t n)
{
	struct word *v = &w->values[field];
	bool has_comma = v->p != NULL;
	if (has_comma && v->p + v->n != w->bytes + w->n_bytes)
		return; /* the same member twice: the first counts */
	if (w->n_bytes + n + has_comma > sizeof w->bytes) {
		w->is_record_long = true;
		return;
	}
	if (!has_comma)
		*v = (struct word){ w->bytes + w->n_bytes, 0 };
	else
		w->bytes[w->n_bytes++] = ',';
	memcpy(w->bytes + w->n_bytes, text, n);
	w->n_bytes += n;
	v->n = (size_t)(w->bytes + w->n_bytes - v->p);
}

static void keep_value(struct json_walk *w, const char *text, size_t n)
{
	const struct json_level *l = NULL;
	if (w->record_depth == 0)
		return;
	if (w->depth == w->record_depth)
		l = &w->levels[w->depth - 1];
	else if (w->depth == w->record_depth + 1 && w->levels[w->depth - 1].is_array)
		l = &w->levels[w->depth - 2];
	for (unsigned i = 0; l != NULL && i < w->n_fields; i++) {
		if (strcmp(l->key, w->fields[i]) == 0)
			append(w, i, text, n);
	}
}

/* ---- what the parser finds ---- */

static int on_scalar(struct json_walk *w, const char *text, size_t n)
{
	count_lines(w);
	keep_value(w, text, n);
	if (w->scalar != NULL) {
		w->s->text = text;
		w->s->n = n;
		w->scalar(w, (struct word){ text, n });
	}
	return w->s->error == 0 ? GO_ON : STOP;
}

static int on_null(void *arg)
{
	count_lines(arg);
	return GO_ON;
}

static int on_boolean(void *arg, int value)
{
	return on_scalar(arg, value ? "true" : "false", value ? 4 : 5);
}

static int on_number(void *arg, const char *text, size_t n)
{
	return on_scalar(arg, text, n);
}

static int on_string(void *arg, const unsigned char *text, size_t n)
{
	return on_scalar(arg, (const char *)text, n);
}

static int on_key(void *arg, const unsigned char *key, size_t n)
{
	struct json_walk *w = arg;
	count_lines(w);
	struct json_level *l = &w->levels[w->depth - 1];
	if (n >= sizeof l->key)
		n = 0; /* no key that anybody looks for */
	memcpy(l->key, key, n);
	l->key[n] = 0;
	return GO_ON;
}

static int on_start_map(void *arg)
{
	struct json_walk *w = arg;
	count_lines(w);
	if (is_record(w))
		record_begin(w);
	return push(w, false);
}

static int on_end_map(void *arg)
{
	struct json_walk *w = arg;
	count_lines(w);
	if (w->record_depth != 0 && w->depth == w->record_depth)
		record_end(w);
	w->depth--;
	return w->s->error == 0 ? GO_ON : STOP;
}

static int on_start_array(void *arg)
{
	struct json_walk *w = arg;
	count_lines(w);
	if (w->array != NULL)
		w->array(w);
	if (w->record != NULL && (w->depth == 0 || strcmp(key_of_value(w), w->record_key) == 0)) {
		w->has_record_array = true;
		if (w->record_depth == 1)
			w->record_depth = 0; /* what was taken for a record holds them */
	}
	return push(w, true);
}

static int on_end_array(void *arg)
{
	struct json_walk *w = arg;
	count_lines(w);
	w->depth--;
	return GO_ON;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* ---- the text ---- */

static int parse(struct json_walk *w, struct reader *r)
{
	yajl_status status = yajl_status_ok;
	while (status == yajl_status_ok) {
		if (w->s->stop != NULL && atomic_load(w->s->stop))
			return -ECANCELED;
		enum reader_got got = reader_read(r, &w->chunk, &w->chunk_n);
		if (got == READER_FAILED)
			return reader_error(r, &w->why);
		w->counted = 0;
		if (got == READER_END) {
			w->chunk_n = 0;
			status = yajl_complete_parse(w->parser);
			break;
		}
		/* A byte that is in no text and in no number ends the walk by itself. */
		if ((w->quiet += w->chunk_n) > JSON_TEXT_MAX + w->chunk_n) {
			w->why = "holds a text of more than 1 MiB";
			return -EBADMSG;
		}
		status = yajl_parse(w->parser, (const unsigned char *)w->chunk, w->chunk_n);
		if (status == yajl_status_ok) {
			uint64_t quiet = w->quiet;
			for (; w->counted < w->chunk_n; w->counted++)
				w->s->line += w->chunk[w->counted] == '\n';
			w->quiet = quiet;
		}
	}
	if (w->s->error != 0)
		return w->s->error;
	if (status == yajl_status_ok)
		return 0;
	if (w->why == NULL)
		w->why = "is not JSON, or is cut off";
	return -EBADMSG;
}

int json_read(struct json_walk *w, struct reader *r)
{
	w->parser = yajl_alloc(&callbacks, NULL, w);
	if (w->parser == NULL)
		return -ENOMEM;
	yajl_config(w->parser, yajl_allow_multiple_values, 1);
	w->s->line = 1;
	int e = parse(w, r);
	yajl_free(w->parser);
	w->s->report->lines = w->s->line;
	w->s->why = w->why;
	/* The right array with nothing in it is an honest, empty list. */
	if (e == 0 && w->has_record_array && w->s->report->skipped == 0 &&
	    w->s->report->names + w->s->report->prefixes == 0) {
		w->s->report->comments = w->s->report->lines;
		w->s->has_comment = true;
	}
	return e;
}

int json_read_records(struct scan *s, struct reader *r, const char *record_key,
                      const char *const *fields, unsigned n_fields,
                      void (*record)(struct json_walk *w, const struct word *values))
{
	struct json_walk *w = calloc(1, sizeof *w);
	if (w == NULL)
		return -ENOMEM;
	w->s = s;
	w->record_key = record_key;
	w->fields = fields;
	w->n_fields = n_fields;
	w->record = record;
	int e = json_read(w, r);
	free(w);
	return e;
}
