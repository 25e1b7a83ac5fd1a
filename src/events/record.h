/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events/record.h - an event as it lies in a ring: a fixed head and the parts that it has.
 *
 * What:      everything an event points to is copied, so that the worker's memory may change the
 *            moment events_put() returns:
 *
 *                | struct record ... part_len[] | name | group | list | ... | message |
 *
 * Not here:  what becomes of it -> events/json.h
 * Threads:   pure.
 * Memory:    never allocates.
 * Cost:      hot path: about a copy of 250 bytes for a blocked question.
 * Limits:    texts are cut at their maximum; 8 server names, 8 server addresses, 1 KiB message.
 * Tests:     tests/unit/events/json_test.c
 */
#pragma once

#include "events/events.h"

enum {
	RECORD_GROUP_MAX = POLICY_LIST_NAME_MAX,
	RECORD_RULE_MAX = NAME_TEXT_MAX + 8, /* verdict_rule_text() */
	RECORD_EDE_MAX = 255,
	RECORD_OWN_MAX = 255,
	RECORD_WHO_MAX = 64,
	RECORD_REASON_MAX = 256,
	RECORD_SERVERS_MAX = 8,
	RECORD_MESSAGE_MAX = 1024,
};

enum record_part {
	PART_NAME = 0,
	PART_GROUP,
	PART_LIST,
	PART_RULE,
	PART_LOGGED_LIST,
	PART_LOGGED_RULE,
	PART_SHADOW_LIST,
	PART_SHADOW_RULE,
	PART_STRICT_LIST,
	PART_EDE,
	PART_OWN,
	PART_WHO,
	PART_REASON,
	PART_MATCHED_NAME,
	PART_MATCHED_ADDR, /* a struct addr */
	PART_DOMAIN,       /* of event.domain */
	PART_ZONE,
	PART_SERVER_NAMES, /* wire names, one behind the other */
	PART_SERVER_ADDRS, /* struct addr, one behind the other */
	PART_FINDINGS,     /* struct detect_finding, one behind the other */
	PART_MESSAGE,      /* its first bytes, if it has an answer section */
	RECORD_PARTS,
};

/* A notice lies in a ring as a record whose action, name and text stand in three of its parts. */
#define NOTICE_PART_NAME   PART_NAME
#define NOTICE_PART_ACTION PART_RULE
#define NOTICE_PART_TEXT   PART_REASON

struct record {
	uint64_t wall_ns;
	uint32_t latency_us;
	uint32_t n_packets;
	struct addr client, server;
	uint16_t client_port, server_port;
	uint16_t type, class, id;
	uint16_t flags;        /* as asked */
	uint16_t answer_flags; /* of the message sent; valid with has_answer_flags */
	uint16_t ede_code;
	uint8_t protocol; /* enum event_protocol */
	uint8_t rcode;
	uint8_t action;        /* enum policy_action; POLICY_NONE without a verdict */
	uint8_t trigger;       /* enum policy_trigger */
	uint8_t dnssec;        /* enum event_dnssec */
	uint8_t shadow_action; /* enum policy_action; NONE without a shadow list */
	uint8_t strict_action; /* enum policy_action; with has_strict */
	bool has_strict, has_serial;
	uint32_t serial;
	uint64_t domain_first_s; /* with PART_DOMAIN */
	uint32_t domain_clients;
	bool is_do, is_answered, is_cached, is_stale, is_throttled, is_edit, has_answer_flags;
	bool has_alert;                  /* a detector's, of action ALERT and above */
	bool is_notice, is_alert;        /* events_put_notice() */
	int32_t key_tag;                 /* of a notice; -1: none */
	uint16_t part_len[RECORD_PARTS]; /* bytes of each part; 0: not there */
};

/* The parts of an event, found and measured but not copied yet. */
struct record_plan {
	const void *parts[RECORD_PARTS]; /* NULL for the two that are gathered */
	uint16_t len[RECORD_PARTS];
	size_t bytes; /* of the whole record */
};

/* Measure, then write into plan->bytes bytes, aligned to 8. */
void record_plan(const struct event *e, struct record_plan *ret);
void record_write(const struct event *e, const struct record_plan *plan, void *ret_record);

static inline const uint8_t *record_parts(const struct record *r)
{
	return (const uint8_t *)(r + 1);
}
