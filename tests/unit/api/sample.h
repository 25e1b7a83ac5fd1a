/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/unit/api/sample.h - a small policy, in force, with its list files in a folder of its own.
 *
 * What:      the lists and groups that sample.c writes as a configuration, read by config/,
 *            compiled by feeds/ and published; a cache with an answer of two hops.
 * Threads:   the test's only thread, registered with base/rcu.h.
 * Memory:    sample_done() gives all back.
 * Cost:      some ms.
 * Tests:     itself
 */
#pragma once

#include <jansson.h>

#include "api/api.h"

struct sample {
	char folder[64];
	struct config *config;
	struct cache *cache;
	struct api_context context; /* without reload and ask */
};

void sample_init(struct sample *s);
void sample_done(struct sample *s);

/* api_run() of a request given as text; must be a JSON object. */
json_t *sample_run(struct sample *s, const char *request);
/* The same, which must be refused with this code. */
void sample_refused(struct sample *s, const char *request, const char *code);

/* "a.b.0.c" into nested objects and arrays; NULL when there is no such thing. */
json_t *sample_at(json_t *root, const char *path);
const char *sample_text(json_t *root, const char *path); /* "" when absent */
