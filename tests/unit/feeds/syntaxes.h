/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One list in several syntaxes: do all of them give the same verdicts? Every name that one of them
 * lists is judged with each. Shared by syntaxes_test.c and tests/bench/lists_report.c.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feeds/rpz_zone.h"
#include "feeds/scan.h"

enum {
	SYNTAXES_MAX = 16
};

struct syntax {
	const char *path;
	enum feeds_format format;
};

struct syntaxes_result {
	size_t names;     /* that some syntax lists */
	size_t blocked;   /* by all */
	size_t different; /* judged differently */
	/* Of those: names whose last label is a number. Programs take them for addresses and ask
	 * nobody, so lists of names skip them, but a policy zone says exactly what it says. */
	size_t numbers;
};

struct syntaxes_names {
	struct name *at;
	size_t n, room;
};

static inline int syntaxes_keep(void *arg, const struct feeds_rule *r)
{
	struct syntaxes_names *names = arg;
	if (r->name == NULL)
		return 0;
	if (names->n == names->room) {
		names->room = names->room == 0 ? 4096 : names->room * 2;
		names->at = reallocarray(names->at, names->room, sizeof *names->at);
		if (names->at == NULL)
			return -ENOMEM;
	}
	names->at[names->n++] = *r->name;
	return 0;
}

static inline int syntaxes_compare_names(const void *a, const void *b)
{
	return name_compare(((const struct name *)a)->wire, ((const struct name *)b)->wire);
}

static inline int syntaxes_read(const struct syntax *x, struct syntaxes_names *names)
{
	static struct feeds_report report;
	struct scan s = { .format = x->format, .report = &report };
	const char *why;
	int e = 0;
	for (unsigned pass = SCAN_CHECK; e == 0 && pass <= SCAN_EMIT; pass++) {
		struct reader *r;
		s.pass = pass;
		s.rule = pass == SCAN_EMIT ? syntaxes_keep : NULL;
		s.arg = names;
		e = reader_open(x->path, FEEDS_MAX_BYTES, &r, &why);
		if (e != 0)
			break;
		e = scan_file(&s, r);
		reader_close(r);
	}
	rpz_zone_free(s.zone);
	return e;
}

/* A policy with a group for each syntax. */
static inline int syntaxes_compile(const struct syntax *all, unsigned n, struct policy **ret)
{
	static struct policy_list_spec specs[SYNTAXES_MAX];
	static struct policy_group_spec groups[SYNTAXES_MAX];
	static struct feeds_list lists[SYNTAXES_MAX];
	static struct addr_prefix clients[SYNTAXES_MAX];
	static uint16_t ids[SYNTAXES_MAX];
	struct feeds_plan plan = { .lists = lists, .n_lists = n };
	struct feeds_result result;
	memset(specs, 0, sizeof specs);
	memset(groups, 0, sizeof groups);
	for (unsigned i = 0; i < n; i++) {
		snprintf(specs[i].name, sizeof specs[i].name, "list%u", i);
		snprintf(specs[i].path, sizeof specs[i].path, "%s", all[i].path);
		specs[i].is_rpz = all[i].format == FEEDS_RPZ;
		specs[i].action = specs[i].is_rpz ? POLICY_NONE : POLICY_NXDOMAIN;
		lists[i] = (struct feeds_list){ .spec = &specs[i], .format = all[i].format };
		ids[i] = (uint16_t)i;
		clients[i] = (struct addr_prefix){ .addr = addr_v4(0x0a000000 + i), .length = 32 };
		snprintf(groups[i].name, sizeof groups[i].name, "group%u", i);
		groups[i].clients = &clients[i];
		groups[i].n_clients = 1;
		groups[i].lists = &ids[i];
		groups[i].n_lists = 1;
		groups[i].deny_action = POLICY_NXDOMAIN;
	}
	int e = feeds_compile(&plan, NULL, &result);
	if (e == 0)
		e = policy_new(result.image, specs, n, groups, n, ret);
	feeds_result_done(&result);
	return e;
}

static inline bool syntaxes_is_number(const struct name *name)
{
	const uint8_t *last = name_skip(name->wire, name_labels(name->wire) - 1);
	return last[1] >= '0' && last[1] <= '9';
}

static inline void syntaxes_judge(const struct policy *p, unsigned n, const struct name *name,
                                  struct syntaxes_result *ret, FILE *out)
{
	char text[NAME_TEXT_MAX];
	struct name_hashes hashes;
	struct verdict v;
	unsigned n_blocked = 0;
	name_hash_all(name->wire, &hashes);
	for (unsigned i = 0; i < n; i++) {
		char group[16];
		snprintf(group, sizeof group, "group%u", i);
		policy_judge_name(p, policy_group_named(p, group), POLICY_TRIGGER_QUESTION,
		                  name->wire, &hashes, &v);
		n_blocked += v.action == POLICY_NXDOMAIN;
	}
	ret->names++;
	ret->blocked += n_blocked == n;
	if (n_blocked == n)
		return;
	ret->different++;
	ret->numbers += syntaxes_is_number(name);
	name_to_text(name->wire, text);
	fprintf(out, "  %s: blocked by %u of %u%s\n", text, n_blocked, n,
	        syntaxes_is_number(name) ? " (a number: nobody asks for it)" : "");
}

/* 0 or -errno. Names that are judged differently are printed to `out`. */
static inline int syntaxes_compare(const struct syntax *all, unsigned n, FILE *out,
                                   struct syntaxes_result *ret)
{
	struct syntaxes_names names = { 0 };
	struct policy *p = NULL;
	int e = 0;
	*ret = (struct syntaxes_result){ 0 };
	for (unsigned i = 0; e == 0 && i < n; i++)
		e = syntaxes_read(&all[i], &names);
	if (e == 0)
		e = syntaxes_compile(all, n, &p);
	if (e == 0 && names.n > 0)
		qsort(names.at, names.n, sizeof *names.at, syntaxes_compare_names);
	for (size_t i = 0; e == 0 && i < names.n; i++) {
		if (i == 0 || !name_equal(names.at[i].wire, names.at[i - 1].wire))
			syntaxes_judge(p, n, &names.at[i], ret, out);
	}
	if (p != NULL)
		policy_free(p);
	free(names.at);
	return e;
}
