/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * incidents/wording.h - a client and its evidence in words that an operator understands, for alerts
 *                       and for the control interface.
 *
 * What:      struct client as JSON, as an alert, and as sentences.
 * Threads:   pure.
 * Memory:    JSON is the caller's; an alert borrows from struct wording.
 * Cost:      some microseconds.
 * Limits:    WORDING_MAX bytes a sentence.
 * Tests:     tests/unit/incidents/wording_test.c
 */
#pragma once

#include <jansson.h>

#include "alerts/alerts.h"
#include "incidents/table.h"

enum {
	WORDING_MAX = 360,
	WORDING_ID_MAX = 24,
};

/* "asked 3 times for names of malware on list urlhaus (confidence high), such as evil.example" */
void wording_reason(const struct reason *r, char ret[WORDING_MAX]);
/* "W-17": what an incident is called. */
void wording_incident(uint64_t incident, char ret[WORDING_ID_MAX]);

/* Room for what an alert points to. */
struct wording {
	char client[ADDR_TEXT_MAX], incident[WORDING_ID_MAX];
	char message[WORDING_MAX];
	char reasons[TABLE_REASONS][WORDING_MAX];
};
/* The alert that c->pending stands for. */
void wording_alert(const struct table *t, const struct client *c, uint64_t wall_ns,
                   struct wording *room, struct alert *ret);

/* For a table of clients; with the timeline: all that is known. */
json_t *wording_json(const struct table *t, const struct client *c, uint32_t now_s,
                     bool with_timeline);
