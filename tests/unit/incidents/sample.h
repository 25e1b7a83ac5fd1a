/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table with the usual settings, and evidence. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "incidents/table.h"

enum {
	NOON = 1764324000,
	HOUR = 3600,
	DAY = 86400,
};

static struct table *table;

static inline int table_set_up(void **state)
{
	const struct table_settings usual = {
		.suspicious = 50, .infected = 100, .half_life_s = DAY, .quiet_s = DAY
	};
	(void)state;
	table = malloc(sizeof *table);
	return table != NULL ? table_init(table, &usual) : -1;
}

static inline int table_tear_down(void **state)
{
	(void)state;
	table_done(table);
	free(table);
	return 0;
}

static inline struct addr address(const char *text)
{
	struct addr a;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	return a;
}

static inline struct client *seen(const struct addr *client, enum evidence_class class,
                                  enum evidence_confidence confidence, const char *name,
                                  uint64_t wall_s)
{
	const struct evidence e = { .wall_s = wall_s,
		                    .client = *client,
		                    .class = class,
		                    .confidence = confidence,
		                    .group = "office",
		                    .source = "bad",
		                    .name = name,
		                    .key = name,
		                    .text = "" };
	return table_add(table, &e);
}
