/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events/json.h - a record as one line of JSON.
 *
 * What:      the fields of docs/events.md, after the Elastic Common Schema. The answer section
 *            is read here, in the writer's thread, and not where the question was answered.
 * Not here:  strings and numbers -> events/json_text.h; where the line goes -> events/sink.h.
 * Threads:   a struct json_line belongs to one thread.
 * Memory:    never allocates.
 * Cost:      about 200 ns for a blocked question.
 * Limits:    a line is at most JSON_LINE_MAX bytes; of the answer section the first 8 records
 *            that lie within the first KiB of the message.
 * Standards: RFC 8259; RFC 3339; RFC 3597 5 (data that cannot be read)
 * Tests:     tests/unit/events/json_test.c, tests/fuzz/event_json_fuzz.c
 */
#pragma once

#include "dns/text.h"
#include "events/json_text.h"
#include "events/record.h"

enum {
	JSON_ANSWERS_MAX = 8,
	JSON_DATA_MAX = 4096, /* an answer's data as text; longer data is given by its size */
	/* One answer: name, type, ttl, data, and itself once more in dns.resolved_ip. */
	JSON_ANSWER_MAX = JSON_NAME_MAX + JSON_TEXT_FACTOR * JSON_DATA_MAX + 256,
	JSON_TEXTS_MAX = JSON_TEXT_FACTOR *
	                 (RECORD_GROUP_MAX + 4 * POLICY_LIST_NAME_MAX + 4 * RECORD_RULE_MAX +
	                  RECORD_EDE_MAX + RECORD_OWN_MAX + RECORD_WHO_MAX + RECORD_REASON_MAX +
	                  DETECT_FINDINGS_MAX * (DETECT_TEXT_MAX + DETECT_EVIDENCE_MAX * 16 + 32)),
	JSON_NAMES_MAX = JSON_NAME_MAX * (4 + RECORD_SERVERS_MAX),
	JSON_FIXED_MAX = 4096, /* field names, numbers, addresses */
	JSON_LINE_MAX = 128 * 1024,
};

_Static_assert(JSON_TEXTS_MAX + JSON_NAMES_MAX + JSON_FIXED_MAX + 2 * JSON_ANSWER_MAX <=
                       JSON_LINE_MAX,
               "a record must fit a line, with two of the longest answers");

/* What a thread that writes lines keeps between them. */
struct json_line {
	uint64_t second; /* the one that second_text is of; UINT64_MAX at first */
	char second_text[JSON_SECOND_BYTES];
	struct {
		char text[DNS_TYPE_TEXT_MAX];
		size_t len;
	} types[260]; /* of the types up to CAA and their neighbours */
	uint8_t scratch[4 * RECORD_MESSAGE_MAX + 1024]; /* for walking the answer section */
};

void json_line_init(struct json_line *j);

/* Write the line, newline included, into JSON_LINE_MAX bytes; return its length. */
size_t json_line_event(struct json_line *j, const struct record *r, char *ret_line);

/* The event that says how many records were lost since the last such event. */
size_t json_line_loss(struct json_line *j, uint64_t wall_ns, uint64_t lost_ring, uint64_t lost_disk,
                      char *ret_line);

/* ---- json.c, notice.c ---- */

/* {"@timestamp":"...","event":{"kind":" */
char *json_line_timestamp(struct json_line *j, char *p, uint64_t wall_ns);
size_t json_line_notice(struct json_line *j, const struct record *r, char *ret_line);

/* ---- json_answers.c ---- */

/* ,"answers":[...],"resolved_ip":[...] of a message (at least a header), or nothing. */
char *json_line_answers(struct json_line *j, char *p, const char *end, const uint8_t *msg,
                        size_t n);
char *json_line_type(struct json_line *j, char *p, uint16_t type); /* room: DNS_TYPE_TEXT_MAX */
