/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small policy for tests, written as text: lists named after their actions, rules one a line.
 * Each test file that includes this is one program; nothing is shared.
 */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "policy/policy.h"

enum {
	WORLD_LISTS = 32
};

struct world {
	bool are_never_loaded; /* the lists */
	char folder[64];
	char image[128];
	char journal[128];
	struct policy_list_spec *lists;
	unsigned n_lists;
	struct policy_builder *builder;
	struct policy_patterns *patterns;
	unsigned n_pattern_lines;
	struct policy_image *opened;
	struct policy *policy;
};

static const uint8_t world_tag[32] = "what it was built from, 32 bytes";
static const struct addr world_sinkhole = { .bytes = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff,
	                                               192, 0, 2, 66 },
	                                    .is_v4 = true };

static inline struct name world_name(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static inline struct addr_prefix world_prefix(const char *text)
{
	struct addr_prefix p;
	assert_int_equal(addr_prefix_from_text(text, strlen(text), &p), 0);
	return p;
}

static inline struct addr world_addr(const char *text)
{
	struct addr a;
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	return a;
}

static inline void world_start(struct world *w)
{
	memset(w, 0, sizeof *w);
	/* In memory where that is possible: some tests write hundreds of times. */
	snprintf(w->folder, sizeof w->folder, "%s/weir-policy-test-XXXXXX",
	         access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->image, sizeof w->image, "%s/image", w->folder);
	snprintf(w->journal, sizeof w->journal, "%s/edits", w->folder);
	w->lists = calloc(WORLD_LISTS, sizeof *w->lists);
	assert_non_null(w->lists);
	assert_int_equal(policy_builder_new(0, &w->builder), 0);
	assert_int_equal(policy_patterns_new(&w->patterns), 0);
}

static inline void world_end(struct world *w)
{
	char beside[160];
	policy_builder_free(w->builder);
	policy_patterns_free(w->patterns);
	if (policy_current() == w->policy && w->policy != NULL)
		policy_publish(NULL);
	else
		policy_free(w->policy);
	policy_image_put(w->opened);
	free(w->lists);
	unlink(w->image);
	unlink(w->journal);
	snprintf(beside, sizeof beside, "%s.new", w->image);
	unlink(beside);
	snprintf(beside, sizeof beside, "%s.new", w->journal);
	unlink(beside);
	assert_int_equal(rmdir(w->folder), 0);
}

/*
 * A list's name says what it does: "nxdomain", "allow.2" (a second one), "answer-drop" and
 * "server-nodata" (match: answer, nameserver); one that ends in ".shadow" is in shadow.
 * "zone..." is a policy zone.
 */
static inline uint16_t world_list(struct world *w, const char *name)
{
	for (unsigned i = 0; i < w->n_lists; i++) {
		if (strcmp(w->lists[i].name, name) == 0)
			return (uint16_t)i;
	}
	assert_in_range(w->n_lists, 0, WORLD_LISTS - 1);
	struct policy_list_spec *l = &w->lists[w->n_lists++];
	char action[64];
	snprintf(l->name, sizeof l->name, "%s", name);
	snprintf(l->path, sizeof l->path, "/lists/%s", name);
	l->ede_code = 15;
	l->is_shadow = strstr(name, ".shadow") != NULL;
	l->ttl_s = 60;
	if (strncmp(name, "answer-", 7) == 0)
		l->match = POLICY_MATCH_ANSWER;
	else if (strncmp(name, "server-", 7) == 0)
		l->match = POLICY_MATCH_NAMESERVER;
	l->is_rpz = strncmp(name, "zone", 4) == 0;
	snprintf(action, sizeof action, "%s", l->match == POLICY_MATCH_NAME ? name : name + 7);
	action[strcspn(action, ".")] = 0;
	/* "zone.1.disabled": the zone is reported only; "zone.nxdomain": an override. */
	const char *last = strrchr(name, '.');
	if (!l->is_rpz)
		assert_int_equal(policy_action_from_text(action, &l->action), 0);
	else if (last != NULL && strcmp(last, ".disabled") == 0)
		l->action = POLICY_LOG;
	else if (last != NULL)
		(void)!policy_action_from_text(last + 1, &l->action);
	if (l->action == POLICY_ADDRESS)
		l->data = (struct policy_data){ .addrs = &world_sinkhole, .n_addrs = 1 };
	if (l->action == POLICY_REDIRECT)
		l->data = (struct policy_data){ .target = (const uint8_t *)"\6garden\4test" };
	uint16_t list;
	assert_int_equal(policy_builder_add_list(w->builder, l, &list), 0);
	assert_int_equal(list, w->n_lists - 1);
	return list;
}

/*
 * "LIST SCOPE NAME-OR-PREFIX [!] [=ACTION] [@MATCH]"; ! is important; a rule's own match is @name,
 * @answer, @ns or @client. Returns what adding returned.
 */
static inline int world_rule(struct world *w, const char *text)
{
	char list[64] = "", scope[16] = "", subject[256] = "", more[3][32] = { "", "", "" };
	assert_in_range(sscanf(text, "%63s %15s %255s %31s %31s %31s", list, scope, subject,
	                       more[0], more[1], more[2]),
	                3, 6);
	struct policy_rule r = { .scope = scope[0] == 'e'   ? POLICY_SCOPE_EXACT
		                          : scope[0] == 't' ? POLICY_SCOPE_TREE
		                                            : POLICY_SCOPE_BELOW };
	for (unsigned i = 0; i < 3; i++) {
		if (more[i][0] == '@')
			r.own_match = more[i][1] == 'c'   ? POLICY_MATCH_CLIENT + 1
			              : more[i][1] == 'a' ? POLICY_MATCH_ANSWER + 1
			              : more[i][2] == 's' ? POLICY_MATCH_NAMESERVER + 1
			                                  : POLICY_MATCH_NAME + 1;
		else if (more[i][0] == '!')
			r.is_important = true;
		else if (more[i][0] == '=')
			assert_int_equal(policy_action_from_text(more[i] + 1, &r.action), 0);
	}
	uint16_t at = world_list(w, list);
	if (strchr(subject, '/') != NULL) {
		struct addr_prefix p = world_prefix(subject);
		return policy_builder_add_prefix(w->builder, at, &p, &r);
	}
	if (scope[0] == 'p') { /* "LIST pattern REGEX" */
		const struct policy_pattern_rule p = { .text = subject,
			                               .regex = subject,
			                               .line = ++w->n_pattern_lines,
			                               .is_important = r.is_important,
			                               .action = r.action };
		return policy_patterns_add(w->patterns, w->lists[at].name, &p);
	}
	struct name n = world_name(subject);
	return policy_builder_add_name(w->builder, at, n.wire, &r);
}

static inline void world_write(struct world *w)
{
	for (unsigned i = 0; i < w->n_lists; i++)
		policy_builder_end_list(w->builder, (uint16_t)i, 3,
		                        w->are_never_loaded ? 0 : 1795000000);
	assert_int_equal(policy_builder_write(w->builder, w->image, world_tag), 0);
	policy_builder_free(w->builder);
	w->builder = NULL;
	assert_int_equal(policy_image_open(w->image, false, &w->opened), 0);
	struct policy_pattern_set *set;
	assert_int_equal(policy_patterns_make(w->patterns, NULL, NULL, NULL, &set), 0);
	if (set != NULL)
		assert_int_equal(policy_image_attach(w->opened, set), 0);
	policy_pattern_set_put(set);
}

/* The lists of a group: names with blanks between; the named lists are made if need be. */
static inline void world_group(struct world *w, struct policy_group_spec *g, const char *name,
                               const char *lists, const char *client)
{
	static uint16_t numbers[8][WORLD_LISTS];
	static struct addr_prefix clients[8];
	static unsigned next;
	unsigned at = next++ % 8;
	memset(g, 0, sizeof *g);
	snprintf(g->name, sizeof g->name, "%s", name);
	g->lists = numbers[at];
	char copy[512];
	snprintf(copy, sizeof copy, "%s", lists);
	char *rest = NULL;
	for (char *l = strtok_r(copy, " ", &rest); l != NULL; l = strtok_r(NULL, " ", &rest)) {
		for (unsigned i = 0; i < w->n_lists; i++) {
			if (strcmp(w->lists[i].name, l) == 0)
				g->lists[g->n_lists++] = (uint16_t)i;
		}
	}
	if (client != NULL) {
		clients[at] = world_prefix(client);
		g->clients = &clients[at];
		g->n_clients = 1;
	}
}

static inline void world_snapshot(struct world *w, const struct policy_group_spec *groups,
                                  unsigned n)
{
	assert_int_equal(policy_new(w->opened, w->lists, w->n_lists, groups, n, &w->policy), 0);
}

static inline struct verdict world_judge(const struct policy *p, uint16_t group,
                                         enum policy_trigger trigger, const char *subject)
{
	struct verdict v;
	struct name_hashes h;
	if (trigger == POLICY_TRIGGER_ANSWER || trigger == POLICY_TRIGGER_SERVER_ADDRESS ||
	    trigger == POLICY_TRIGGER_CLIENT) {
		struct addr a = world_addr(subject);
		policy_judge_address(p, group, trigger, &a, &v);
		return v;
	}
	struct name n = world_name(subject);
	name_hash_all(n.wire, &h);
	policy_judge_name(p, group, trigger, n.wire, &h, &v);
	return v;
}

static inline const char *world_rule_text(const struct verdict *v, const char *subject)
{
	static char text[NAME_TEXT_MAX + 8];
	if (v->trigger == POLICY_TRIGGER_ANSWER || v->trigger == POLICY_TRIGGER_SERVER_ADDRESS) {
		size_t n = verdict_rule_text(v, NULL, text);
		assert_int_equal(n, strlen(text));
		return text;
	}
	struct name name = world_name(subject);
	size_t n = verdict_rule_text(v, name.wire, text);
	assert_int_equal(n, strlen(text));
	return text;
}

static inline struct policy_edit world_edit(const char *name, enum policy_scope scope,
                                            enum policy_action action, const char *group)
{
	struct policy_edit e = { .name = world_name(name),
		                 .scope = scope,
		                 .action = action,
		                 .group = POLICY_NO_GROUP,
		                 .made_s = 1795000000 };
	snprintf(e.group_name, sizeof e.group_name, "%s", group);
	snprintf(e.who, sizeof e.who, "tester (1000)");
	snprintf(e.reason, sizeof e.reason, "because \"of\" é");
	return e;
}
