/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feeds/probe.h"

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
	DEPTH_MAX = 1000,
	HEAP_KIB = 1024,
};

struct probe {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

struct probe *probe_open(const char *regex)
{
	int error;
	PCRE2_SIZE at;
	struct probe *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	p->code = pcre2_compile((PCRE2_SPTR)regex, strlen(regex),
	                        PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
	                                PCRE2_NO_AUTO_CAPTURE,
	                        &error, &at, NULL);
	p->match = pcre2_match_data_create(1, NULL);
	p->limits = pcre2_match_context_create(NULL);
	if (p->code == NULL || p->match == NULL || p->limits == NULL) {
		probe_close(p);
		return NULL;
	}
	pcre2_set_match_limit(p->limits, PROBE_STEPS_MAX);
	pcre2_set_depth_limit(p->limits, DEPTH_MAX);
	pcre2_set_heap_limit(p->limits, HEAP_KIB);
	return p;
}

void probe_close(struct probe *p)
{
	if (p == NULL)
		return;
	pcre2_match_context_free(p->limits);
	pcre2_match_data_free(p->match);
	pcre2_code_free(p->code);
	free(p);
}

bool probe_matches(const struct probe *p, const uint8_t *lower)
{
	char text[NAME_TEXT_MAX];
	size_t n = name_to_text(lower, text);
	return pcre2_match(p->code, (PCRE2_SPTR)text, n, 0, 0, p->match, p->limits) !=
	       PCRE2_ERROR_NOMATCH;
}
