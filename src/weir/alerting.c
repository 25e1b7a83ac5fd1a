/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/alerting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "weir/hosts.h"

struct alerting {
	struct event_observer observer;
	struct alerts *alerts;
	struct incidents *incidents; /* NULL: switched off */
	struct hosts *hosts;         /* NULL: the workers do not run yet */
	/* the events' writer's */
	uint64_t lost_rings, lost_disk, lost_next_ns;
	bool said_trouble; /* of the state folder */
};

static void put(struct alerting *a, enum alert_severity severity, const char *action,
                const char *message)
{
	const struct alert alert = { .wall_ns = clock_wall_ns(),
		                     .severity = severity,
		                     .action = action,
		                     .message = message };
	int e = alerts_put(a->alerts, &alert);
	if (e == 0)
		return;
	alerts_lost(a->alerts, 1);
	log_error("alerts: %s is lost: %s", action,
	          e == -ENOBUFS ? "the disk takes nothing and memory is full"
	                        : strerrordesc_np(-e));
}

/* ---- what is watched; on the events' writer's thread ---- */

static bool is(struct event_text t, const char *word)
{
	return t.n == strlen(word) && memcmp(t.at, word, t.n) == 0;
}

static bool begins(struct event_text t, const char *word)
{
	return t.n >= strlen(word) && memcmp(t.at, word, strlen(word)) == 0;
}

static void take_notice(void *arg, const struct event_noticed *n)
{
	struct alerting *a = arg;
	char action[80], text[320];
	/* A feed that was mended is worth telling who was told that it broke. */
	if (!n->is_alert && !is(n->action, "feed-good"))
		return;
	snprintf(action, sizeof action, "%.*s", (int)n->action.n, n->action.at);
	snprintf(text, sizeof text, "%.*s", (int)n->text.n, n->text.at);
	enum alert_severity severity = !n->is_alert                 ? ALERT_LOW
	                               : begins(n->action, "feed-") ? ALERT_MEDIUM
	                                                            : ALERT_HIGH;
	put(a, severity, action, text);
}

static void take_losses(void *arg, uint64_t in_rings, uint64_t on_disk)
{
	struct alerting *a = arg;
	char text[256];
	uint64_t now_ns = clock_mono_ns();
	a->lost_rings += in_rings;
	a->lost_disk += on_disk;
	if (now_ns < a->lost_next_ns)
		return;
	snprintf(text, sizeof text,
	         "%llu events were lost: %llu because the writer was too slow, %llu because the "
	         "file did not take them (is the disk full?)",
	         (unsigned long long)(a->lost_rings + a->lost_disk),
	         (unsigned long long)a->lost_rings, (unsigned long long)a->lost_disk);
	put(a, ALERT_MEDIUM, "events-lost", text);
	a->lost_rings = a->lost_disk = 0;
	a->lost_next_ns = now_ns + ALERTING_LOSS_S * NS_PER_S;
}

static void take_question(void *arg, const struct event_seen *e)
{
	struct alerting *a = arg;
	if (a->incidents != NULL)
		incidents_seen(a->incidents, e);
}

/* ---- the main thread ---- */

static void wake_main(void *arg)
{
	loop_wake(arg);
}

int alerting_start(struct loop *loop, const struct config *c, struct alerting **ret)
{
	struct alerting *a = calloc(1, sizeof *a);
	struct alerts_plan plan = { .state_dir =
		                            c->state != NULL && *c->state != 0 ? c->state : NULL,
		                    .spool_bytes = c->alert_spool_bytes,
		                    .wake = wake_main,
		                    .arg = loop };
	int e = a != NULL ? alerts_start(&plan, &a->alerts) : -ENOMEM;
	if (e != 0) {
		log_error("alerts cannot be sent: %s", strerrordesc_np(-e));
		free(a);
		return e;
	}
	const struct incidents_plan watched = { .state_dir = plan.state_dir, .alerts = a->alerts };
	e = c->incidents.enable ? incidents_start(&watched, c, &a->incidents) : 0;
	if (e != 0) {
		alerts_stop(a->alerts);
		free(a);
		return e;
	}
	a->observer = (struct event_observer){
		.question = take_question, .notice = take_notice, .lost = take_losses, .arg = a
	};
	*ret = a;
	return 0;
}

void alerting_run(struct alerting *a, struct hosts *hosts)
{
	a->hosts = hosts;
}

void alerting_configure(struct alerting *a, const struct config *c)
{
	int e = alerts_configure(a->alerts, &c->alerts);
	incidents_configure(a->incidents, c);
	if (e != 0)
		log_error("not all destinations of alerts are in use: %s", strerrordesc_np(-e));
}

static void resolved(void *arg, uint64_t token, const struct addr *addrs, unsigned n)
{
	struct alerting *a = arg;
	alerts_resolved(a->alerts, token, addrs, n);
}

void alerting_woken(struct alerting *a)
{
	struct alerts_ask ask;
	while (a != NULL && a->hosts != NULL && alerts_next_ask(a->alerts, &ask))
		hosts_ask(a->hosts, ask.token, ask.host, resolved, a);
}

void alerting_tick(struct alerting *a)
{
	struct alerts_view views[ALERTS_MAX];
	struct alerts_counts counts;
	char text[ALERTS_WHY_MAX + 80];
	(void)alerts_view(a->alerts, views, &counts);
	bool has_trouble = counts.trouble[0] != 0;
	if (has_trouble == a->said_trouble)
		return;
	a->said_trouble = has_trouble;
	snprintf(text, sizeof text,
	         has_trouble ? "The state folder cannot be written: %s"
	                     : "The state folder can be written again%s",
	         counts.trouble);
	put(a, has_trouble ? ALERT_HIGH : ALERT_LOW, has_trouble ? "disk-trouble" : "disk-good",
	    text);
}

const struct event_observer *alerting_observer(const struct alerting *a)
{
	return &a->observer;
}

struct incidents *alerting_incidents(const struct alerting *a)
{
	return a->incidents;
}

struct alerts *alerting_alerts(const struct alerting *a)
{
	return a->alerts;
}

void alerting_stop(struct alerting *a)
{
	if (a == NULL)
		return;
	hosts_forget(a->hosts, a);
	incidents_stop(a->incidents);
	alerts_stop(a->alerts);
	free(a);
}
