/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * alerts/render.h - an alert as text: ECS JSON, CEF, and the bodies that webhooks want.
 *
 * What:      in the spool an alert is ECS JSON; what a destination wants is made from that when
 *            it is sent, so a changed format holds for what waits too. All text is ASCII: what is
 *            not is escaped.
 * Threads:   pure; render_host() any thread.
 * Memory:    heap; what is returned is the caller's.
 * Cost:      some 20 us.
 * Limits:    ALERTS_LINE_MAX; texts of an alert are cut at RENDER_TEXT_MAX bytes.
 * Standards: RFC 8259; RFC 3339; RFC 5424 6; ArcSight Common Event Format 25
 * Tests:     tests/unit/alerts/{ecs,cef,body}_test.c
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "alerts/alerts.h"

enum {
	RENDER_TEXT_MAX = 400,
	RENDER_TIME_MAX = 40,
};

/* ECS JSON in one line without its end; NULL: no memory. */
char *render_ecs(const struct alert *a);
/* "2026-11-22T23:01:57.123456Z" */
const char *render_time(uint64_t wall_ns, char ret[RENDER_TIME_MAX]);
/* This machine's name, as syslog may have it; "-" when it has none. Static. */
const char *render_host(void);

/* The others take the parsed ECS JSON. */
char *render_cef(const json_t *ecs);
enum render_format {
	RENDER_ECS = 0,
	RENDER_CEF,
	RENDER_SLACK,
	RENDER_SPLUNK,
};
enum render_format render_format_from(const char *word); /* one of alerts[].format */
/* The text of an alert in a format; `line` is its ECS JSON. NULL: no memory. */
char *render_body(enum render_format f, const json_t *ecs, const char *line);
/* A syslog message (RFC 5424 6) around `text`. */
char *render_syslog(const json_t *ecs, const char *text);
