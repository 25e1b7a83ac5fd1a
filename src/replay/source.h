/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay/source.h - what the readers of recordings share.
 *
 * What:      a reader is a struct replay_reader, and a file read_NAME.c; source.c opens the file,
 *            finds the reader and counts what is skipped.
 * Threads:   one thread.
 * Memory:    as in replay/replay.h.
 * Tests:     tests/unit/replay/source_test.c
 */
#pragma once

#include "dns/message.h"
#include "replay/input.h"
#include "replay/pending.h"
#include "replay/replay.h"

enum {
	SOURCE_SCRATCH_BYTES = 4 * DNS_MAX_MESSAGE + 1024
};

struct replay_reader {
	enum replay_format format;
	/* 0 or -errno with a text; NULL: there is nothing to do. */
	int (*open)(struct replay_source *s, char *ret_why);
	/* ITEM, END or FAILED (with s->why set, or the input's own reason). */
	enum replay_got (*next)(struct replay_source *s, struct replay_item *ret);
	/* Instead of next, where a line is a question or none. s: NULL when a line is only looked at. */
	bool (*parse)(const struct replay_source *s, const char *line, size_t n,
	              struct replay_item *ret, enum replay_skip *ret_why);
	void (*close)(struct replay_source *s);
	/* Text: does this line tell of a question? NULL: not a form of text. */
	bool (*is_mine)(const char *line, size_t n);
};

struct replay_source {
	const struct replay_reader *reader;
	struct input *in;
	void *own;               /* the reader's; freed by its close() */
	struct pending *pending; /* queries whose response has not come; NULL: not used */
	bool is_draining;
	bool no_servers; /* replay_leave_out_servers() */
	uint64_t at;     /* lines, frames, packets so far */
	const char *why;
	uint64_t skips[REPLAY_N_SKIPS], first_skip[REPLAY_N_SKIPS];
	uint8_t *scratch; /* SOURCE_SCRATCH_BYTES, for messages; NULL: not used */
};

extern const struct replay_reader replay_read_events, replay_read_dnstap, replay_read_pcap,
	replay_read_bind, replay_read_unbound, replay_read_dnsmasq;

void source_skip(struct replay_source *s, enum replay_skip why);
/* The next line; false: END or FAILED in *ret_got. */
bool source_line(struct replay_source *s, const char **ret_line, size_t *ret_n,
                 enum replay_got *ret_got);
/* pending and scratch for readers of messages. */
MUST_USE int source_want_messages(struct replay_source *s);
/*
 * A message that a client sent or got. True: *ret is to be given out. False: there is nothing yet
 * (it waits for its response), or it was skipped.
 */
bool source_take_message(struct replay_source *s, const struct endpoint *client, uint64_t wall_ns,
                         const uint8_t *bytes, size_t n, struct replay_item *ret);
/* At the end: the queries that nothing answered, one after the other. */
enum replay_got source_drain(struct replay_source *s, struct replay_item *ret);

/* An empty item. */
void item_clear(struct replay_item *i);
void item_copy(struct replay_item *to, const struct replay_item *from); /* what is set of it */
/* Name and type from text; false: it is none. */
bool item_set_name(struct replay_item *i, const char *text, size_t n);
bool item_set_type(struct replay_item *i, const char *text, size_t n);
void item_add_alias(struct replay_item *i, const uint8_t *wire);
void item_add_alias_text(struct replay_item *i, const char *text, size_t n);
void item_add_addr(struct replay_item *i, const struct addr *a);
/* False: it is no address. */
bool item_add_addr_text(struct replay_item *i, const char *text, size_t n);

/* The rest of a line behind a word; NULL: the word is not in it. Words of text readers. */
const char *text_behind(const char *line, size_t n, const char *word);
/* The length of the word that begins at p, up to a blank or the end. */
size_t text_word(const char *p, const char *end);
