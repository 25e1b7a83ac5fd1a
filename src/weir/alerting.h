/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weir/alerting.h - what becomes an alert, and the main thread's side of sending them.
 *
 * What:      watches the events (struct event_observer): what is about the server itself, and what
 *            was lost, becomes an alert here. Looks the hosts of receivers up for the threads that
 *            send.
 * Not here:  sending -> alerts/alerts.h; clients that seem infected -> incidents/incidents.h.
 * Threads:   the main thread; the observer is called by the events' writer.
 * Memory:    that of alerts/alerts.h.
 * Cost:      nothing on the path of clients' questions.
 * Limits:    losses of events are told once in ALERTING_LOSS_S.
 * Tests:     tests/system/alerts_test.py
 */
#pragma once

#include "alerts/alerts.h"
#include "config/config.h"
#include "events/events.h"
#include "incidents/incidents.h"
#include "io/loop.h"

enum {
	ALERTING_LOSS_S = 600
};

struct alerting;
struct hosts;

/* Before the events are started; nothing is sent yet. 0 or -errno (said in the log). */
MUST_USE int alerting_start(struct loop *loop, const struct config *c, struct alerting **ret);
/* When the workers run. */
void alerting_run(struct alerting *a, struct hosts *hosts);
/* A configuration has come into force. */
void alerting_configure(struct alerting *a, const struct config *c);
void alerting_woken(struct alerting *a); /* when the loop was woken */
void alerting_tick(struct alerting *a);  /* once a second */
const struct event_observer *alerting_observer(const struct alerting *a);
struct alerts *alerting_alerts(const struct alerting *a);
struct incidents *alerting_incidents(const struct alerting *a); /* NULL: switched off */
/* When the events have stopped, and before the hosts go. NULL is fine. */
void alerting_stop(struct alerting *a);
