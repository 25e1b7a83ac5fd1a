/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records as the observer sees them. */
#include <string.h>

#include "base/clock.h"
#include "events/json.h"
#include "events/writer.h"

enum {
	LOSSES_MS = 1000,
};

static struct event_text text_of(const uint8_t *const parts[RECORD_PARTS], const struct record *r,
                                 enum record_part part)
{
	return (struct event_text){ (const char *)parts[part], r->part_len[part] };
}

static void show(const struct event_observer *o, const struct record *r)
{
	const uint8_t *parts[RECORD_PARTS];
	const uint8_t *p = record_parts(r);
	for (unsigned i = 0; i < RECORD_PARTS; i++) {
		parts[i] = p;
		p += r->part_len[i];
	}
	if (r->is_notice) {
		const struct event_noticed n = {
			.wall_ns = r->wall_ns,
			.is_alert = r->is_alert,
			.action = text_of(parts, r, NOTICE_PART_ACTION),
			.text = text_of(parts, r, NOTICE_PART_TEXT),
		};
		o->notice(o->arg, &n);
		return;
	}
	/* In the record they may lie at any byte. */
	struct detect_finding findings[DETECT_FINDINGS_MAX];
	unsigned n_findings = r->part_len[PART_FINDINGS] / sizeof findings[0];
	n_findings = n_findings < DETECT_FINDINGS_MAX ? n_findings : DETECT_FINDINGS_MAX;
	if (n_findings > 0)
		memcpy(findings, parts[PART_FINDINGS], n_findings * sizeof findings[0]);
	const struct event_seen e = {
		.wall_ns = r->wall_ns,
		.client = &r->client,
		.name = r->part_len[PART_NAME] > 0 ? parts[PART_NAME] : NULL,
		.type = r->type,
		.action = r->action,
		.trigger = r->trigger,
		.is_edit = r->is_edit,
		.group = text_of(parts, r, PART_GROUP),
		.list = text_of(parts, r, PART_LIST),
		.logged_list = text_of(parts, r, PART_LOGGED_LIST),
		.findings = findings,
		.n_findings = n_findings,
	};
	o->question(o->arg, &e);
}

void observe_next(struct events *e, struct event_ring *r)
{
	const void *record;
	size_t n;
	while (e->observer.question != NULL && r->seen <= ring_tail(&r->ring) &&
	       (record = ring_look(&r->ring, &r->seen, &n)) != NULL)
		show(&e->observer, record);
}

void observe_ahead(struct events *e)
{
	const void *record;
	size_t n;
	uint64_t given_up = 0;
	for (unsigned i = 0; e->observer.question != NULL && i < e->n_rings; i++) {
		struct event_ring *r = &e->rings[i];
		uint64_t size = r->ring.mask + 1;
		while ((record = ring_look(&r->ring, &r->seen, &n)) != NULL)
			show(&e->observer, record);
		if (ring_used(&r->ring) < size / 2)
			continue;
		while (ring_used(&r->ring) > size / 4 && ring_peek(&r->ring, &n) != NULL) {
			observe_next(e, r);
			ring_pop(&r->ring);
			given_up++;
		}
	}
	if (given_up > 0)
		atomic_fetch_add_explicit(&e->lost_at_stop, given_up, memory_order_relaxed);
	uint64_t in_rings, on_disk;
	writer_lost(e, &in_rings, &on_disk);
	observe_losses(e, in_rings, on_disk, clock_mono_ns());
}

void observe_losses(struct events *e, uint64_t in_rings, uint64_t on_disk, uint64_t now_ns)
{
	bool is_new = in_rings != e->said.shown_ring || on_disk != e->said.shown_disk;
	if (e->observer.lost == NULL || !is_new || now_ns < e->said.show_at_ns)
		return;
	e->observer.lost(e->observer.arg, in_rings - e->said.shown_ring,
	                 on_disk - e->said.shown_disk);
	e->said.shown_ring = in_rings;
	e->said.shown_disk = on_disk;
	e->said.show_at_ns = now_ns + LOSSES_MS * NS_PER_MS;
}
