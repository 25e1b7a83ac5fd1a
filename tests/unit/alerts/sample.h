/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An alert with everything in it, and one with nothing. */
#pragma once

#include "alerts/alerts.h"

static const struct alert sample_full = {
	.wall_ns = 1764324000123456789ULL,
	.severity = ALERT_HIGH,
	.action = "incident-opened",
	.message = "192.0.2.7 seems to be infected | \"a=b\" <&> \xc3\xa4\x1b[31m",
	.client = "192.0.2.7",
	.group = "office",
	.incident = "i-1",
	.state = "infected",
	.score = 123.456,
	.first_s = 1764320000,
	.last_s = 1764324000,
	.reasons = { { "3 names of list bad (c2)", "bad", "evil.example", 3, 100.04 },
	             { .text = "something else" } },
	.n_reasons = 2,
};
static const struct alert sample_bare = {
	.wall_ns = 1764324000000000000ULL,
	.severity = ALERT_LOW,
	.action = "feed-good",
	.message = "list x is good",
};
