/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scenario/reader.h - the reader of scenario files; between its files only.
 *
 * What:      a line is split into words; the first one decides who takes it (reader.c: the
 *            file as a whole, keys and zones; read_server.c: servers; read_step.c: steps).
 * Memory:    pieces of the script.
 * Tests:     tests/fuzz/scenario_fuzz.c
 */
#pragma once

#include <libzscanner/scanner.h>

#include "script.h"

struct reader {
	struct script *s;
	zs_scanner_t *scanner;
	unsigned line;
	char *raw;                     /* the line without comment */
	char text[SCRIPT_LINE_BYTES];  /* the words' bytes */
	char *words[SCRIPT_MAX_WORDS]; /* NULL behind the last */
	unsigned n_words, at;
	enum {
		IN_NOTHING,
		IN_CONFIG,
		IN_ZONE,
		IN_SERVER
	} block;
	unsigned block_line;
	struct script_zone *zone;
	struct script_server *server;
	struct script_rule *rule; /* that takes records */
	struct script_step *step; /* the same */
};

/* The next word, or NULL at the end of the line. */
char *reader_word(struct reader *r);
/* Is the next word this one? Then it is taken. */
bool reader_take(struct reader *r, const char *word);
void reader_problem(struct reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *reader_copy(struct reader *r, const char *text);

/* Each takes the next word; false: a problem is noted. */
bool reader_name(struct reader *r, struct name *ret);
bool reader_type(struct reader *r, uint16_t *ret);
bool reader_addr(struct reader *r, struct addr *ret);
bool reader_number(struct reader *r, unsigned max, unsigned *ret);
bool reader_time(struct reader *r, uint64_t *ret_ns);
bool reader_signed_time(struct reader *r, int64_t *ret_s);
int reader_rcode(const char *word); /* -1: none */

/* The record in `text`, with names below `origin`; NULL: a problem is noted. */
struct script_record *reader_record(struct reader *r, const char *text, const uint8_t *origin,
                                    uint32_t default_ttl_s);
/* A line "answer RECORD" and so on; false: it is none. */
bool reader_section(struct reader *r, struct script_record ***end, bool *ret_has_section);

void read_zone(struct reader *r);
void read_zone_options(struct reader *r);
void read_zone_line(struct reader *r);
void read_key(struct reader *r);
void read_server(struct reader *r);
void read_server_line(struct reader *r);
/* true: the first word begins, or belongs to, a step. */
bool read_step_line(struct reader *r);
