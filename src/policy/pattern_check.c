/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy/pattern_check.c - is an expression fit for the database?
 *
 * Tests:     tests/unit/policy/patterns_test.c, tests/fuzz/pattern_fuzz.c
 */
#include <ctype.h>
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/pattern_flags.h"
#include "policy/patterns.h"

/* ---- how large is it when all repeats are written out? ---- */

/* What was counted of each group that is open. */
struct count {
	uint32_t sums[PATTERN_DEPTH_MAX + 1];
	unsigned depth;
	uint32_t last; /* the size of what a repeat would repeat */
};

static void add(struct count *c, uint32_t n)
{
	c->last = n;
	c->sums[c->depth] += n;
	if (c->sums[c->depth] > PATTERN_NODES_MAX)
		c->sums[c->depth] = PATTERN_NODES_MAX + 1;
}

/* Behind the "[" of a class: where it ends. */
static const char *class_end(const char *p)
{
	p += *p == '^';
	p += *p == ']';
	for (; *p != 0 && *p != ']'; p++) {
		if (*p == '\\' && p[1] != 0) {
			p++;
		} else if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
			const char *end = strstr(p + 2, ":]");
			p = end != NULL ? end + 1 : p;
		}
	}
	return *p == ']' ? p + 1 : p;
}

static const char *number(const char *p, uint32_t *ret)
{
	uint32_t n = 0;
	for (; isdigit((uint8_t)*p); p++)
		n = n < PATTERN_NODES_MAX ? n * 10 + (uint32_t)(*p - '0') : n;
	*ret = n;
	return p;
}

/* Behind a "{": "3}", "3,}" and "3,5}" repeat; anything else is text. */
static const char *repeat_end(struct count *c, const char *p)
{
	uint32_t least, most;
	const char *at = number(p, &least);
	most = least;
	if (at == p)
		return p;
	if (*at == ',') {
		const char *more = number(at + 1, &most);
		if (more == at + 1)
			most = least + 1;
		at = more;
	}
	if (*at != '}')
		return p;
	if (most > 1 && c->last > 0) {
		uint64_t all = (uint64_t)c->last * (most - 1);
		uint32_t last = c->last;
		add(c, all > PATTERN_NODES_MAX ? PATTERN_NODES_MAX + 1 : (uint32_t)all);
		c->last += last;
	}
	return at + 1;
}

/* More than PATTERN_NODES_MAX: too many, or nested too deep. */
static uint32_t count_nodes(const char *p)
{
	struct count c = { .depth = 0 };
	while (*p != 0) {
		char at = *p++;
		if (at == '\\') {
			p += *p != 0;
			add(&c, 1);
		} else if (at == '[') {
			p = class_end(p);
			add(&c, 1);
		} else if (at == '(') {
			if (c.depth == PATTERN_DEPTH_MAX)
				return PATTERN_NODES_MAX + 1;
			c.sums[++c.depth] = 0;
		} else if (at == ')' && c.depth > 0) {
			c.depth--;
			add(&c, c.sums[c.depth + 1]);
		} else if (at == '{') {
			p = repeat_end(&c, p);
		} else if (strchr("*+?|^$", at) == NULL) {
			add(&c, 1);
		}
	}
	uint32_t all = 0;
	for (unsigned i = 0; i <= c.depth; i++)
		all += c.sums[i];
	return all;
}

/* ---- the check ---- */

static enum policy_pattern_fault say(char *ret_why, enum policy_pattern_fault fault,
                                     const char *why)
{
	snprintf(ret_why, POLICY_PATTERN_WHY_MAX, "%s", why);
	return fault;
}

enum policy_pattern_fault policy_pattern_check(const char *regex,
                                               char ret_why[POLICY_PATTERN_WHY_MAX])
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *error = NULL;
	size_t n = strlen(regex);
	if (n > POLICY_PATTERN_MAX)
		return say(ret_why, POLICY_PATTERN_BUDGET, "longer than 512 bytes");
	for (size_t i = 0; i < n; i++) {
		if (regex[i] < ' ' || regex[i] > '~')
			return say(ret_why, POLICY_PATTERN_SYNTAX, "not printable ASCII");
	}
	if (count_nodes(regex) > PATTERN_NODES_MAX)
		return say(ret_why, POLICY_PATTERN_BUDGET,
		           "more than 1000 characters when its repeats are written out");
	if (hs_expression_info(regex, PATTERN_FLAGS, &info, &error) != HS_SUCCESS) {
		say(ret_why, POLICY_PATTERN_SYNTAX, error != NULL ? error->message : "");
		if (error != NULL)
			hs_free_compile_error(error);
		return POLICY_PATTERN_SYNTAX;
	}
	unsigned width = info->min_width;
	free(info);
	if (width == 0)
		return say(ret_why, POLICY_PATTERN_EVERYTHING,
		           "matches the empty text, and so every name");
	ret_why[0] = 0;
	return POLICY_PATTERN_GOOD;
}
