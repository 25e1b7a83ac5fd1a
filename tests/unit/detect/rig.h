/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tests of detectors need: a configuration, questions from text, a clock. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "detect/detect.h"

static inline struct config *rig_config(const char *text)
{
	struct config *c = NULL;
	struct config_problems problems = { 0 };
	if (config_load_text("weir.yaml", text, strlen(text), &c, &problems) != 0) {
		config_problems_print(&problems, stderr);
		fail_msg("the configuration is no good");
	}
	config_problems_done(&problems);
	return c;
}

/* A packet that shows `name` to the servers of `zone`; the servers are told apart by a number. */
struct rig_packet {
	struct addr client, server;
	struct name name, zone;
	struct detect_question q;
};

static inline void rig_packet(struct rig_packet *p, const char *client, const char *name,
                              const char *zone, uint16_t type, uint64_t servers, uint64_t now_ns)
{
	assert_int_equal(addr_from_text(client, strlen(client), &p->client), 0);
	assert_int_equal(name_from_text(name, strlen(name), &p->name), 0);
	assert_int_equal(name_from_text(zone, strlen(zone), &p->zone), 0);
	p->server = addr_v4((uint32_t)(0xc6336400 + servers * 256));
	p->q = (struct detect_question){
		.client = &p->client,
		.question = p->name.wire,
		.name = p->name.wire,
		.type = type,
		.sent_type = type,
		.is_first = true,
		.zone = { .name = p->zone.wire, .servers_hash = servers, .server = &p->server },
		.now_ns = now_ns
	};
}

/* Leave what one detector said, and told. */
static inline void rig_only(struct detect_result *r, enum detector_id id)
{
	unsigned n = 0;
	for (unsigned i = 0; i < r->findings.n; i++) {
		if (r->findings.at[i].detector == id)
			r->findings.at[n++] = r->findings.at[i];
	}
	r->findings.n = n;
}

static inline void rig_only_facts(struct detect_facts *f, enum detector_id id)
{
	unsigned n = 0;
	for (unsigned i = 0; i < f->n; i++) {
		if (f->at[i].detector == id)
			f->at[n++] = f->at[i];
	}
	f->n = n;
}
