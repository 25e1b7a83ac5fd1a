/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "world.h"

/*
 * Parts: "n0" is the question's name with the client, "n1" the first alias, "s0" the servers of the first
 * name's zone, "a" the addresses. A part with a number behind '=' is won by the zone of that number; one
 * with "=log2" is reported by it.
 */
struct row {
	const char *why;
	bool is_strict;
	unsigned n_targets;
	const char *parts, *looked_at;
	int winner; /* -1: none */
};

static const struct row rows[] = {
	/* clang-format off */
	{ "nothing: all is looked at",          false, 1, "", "n0 s0 n1 s1 a", -1 },
	{ "nothing, strict",                    true,  1, "", "n0 s0 n1 s1 a", -1 },
	{ "early: the name decides at once",    false, 1, "n0=3 s0=1", "n0", 3 },
	{ "strict: with the servers of its stage", true, 1, "n0=3 s0=1 n1=0", "n0 s0", 1 },
	{ "strict: the first zone of a stage",  true,  0, "n0=2 s0=3 a=1", "n0 s0 a", 1 },
	{ "strict: the name, if its zone is first", true, 0, "n0=0 s0=3 a=1", "n0 s0 a", 0 },
	{ "early: servers before the alias",    false, 1, "s0=3 n1=0", "n0 s0", 3 },
	{ "early: the alias before its servers", false, 1, "n1=3 s1=0 a=0", "n0 s0 n1", 3 },
	{ "early: servers before addresses",    false, 0, "s0=3 a=0", "n0 s0", 3 },
	{ "strict: the last stage has the addresses", true, 1, "n1=3 s1=2 a=1", "n0 s0 n1 s1 a", 1 },
	{ "strict: an earlier stage goes before", true, 2, "s0=3 n1=0 a=0", "n0 s0", 3 },
	{ "what reports decides nothing",       false, 0, "n0=log2 a=3", "n0 s0 a", 3 },
	{ "what reports decides nothing, strict", true, 1, "n0=log2 s1=3", "n0 s0 n1 s1 a", 3 },
	/* clang-format on */
};

struct taken {
	const struct row *row;
	struct policy_stages *stages;
	char looked_at[128];
};

static void take(struct taken *t, const char *part)
{
	struct verdict v = { .list = POLICY_NO_LIST };
	char key[16];
	size_t n = strlen(t->looked_at);
	snprintf(t->looked_at + n, sizeof t->looked_at - n, "%s%s", n > 0 ? " " : "", part);
	snprintf(key, sizeof key, "%s=", part);
	const char *at = strstr(t->row->parts, key);
	if (at != NULL && strncmp(at + strlen(key), "log", 3) == 0) {
		v.logged[v.n_logged++] = 2;
	} else if (at != NULL) {
		v.action = POLICY_NXDOMAIN;
		v.tier = (uint16_t)(at[strlen(key)] - '0');
	}
	policy_stages_take(t->stages, &v);
}

static void take_hop(struct taken *t, char letter, unsigned hop)
{
	const char part[] = { letter, (char)('0' + hop), 0 };
	take(t, part);
}

static void take_name(void *arg, unsigned hop)
{
	take_hop(arg, 'n', hop);
}

static void take_servers(void *arg, unsigned hop)
{
	take_hop(arg, 's', hop);
}

static void take_addresses(void *arg)
{
	take(arg, "a");
}

static void the_order(void **state)
{
	(void)state;
	struct world w;
	world_start(&w);
	world_write(&w);
	struct policy_group_spec g;
	world_group(&w, &g, "all", "", NULL);
	world_snapshot(&w, &g, 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct verdict best = { .list = POLICY_NO_LIST };
		struct taken t = { .row = r };
		struct policy_stages s = { .policy = w.policy,
			                   .is_strict = r->is_strict,
			                   .n_targets = r->n_targets,
			                   .take_name = take_name,
			                   .take_servers = take_servers,
			                   .take_addresses = take_addresses,
			                   .arg = &t,
			                   .best = &best };
		t.stages = &s;
		bool is_decided = policy_stages_run(&s);
		if (is_decided != (r->winner >= 0) || strcmp(t.looked_at, r->looked_at) != 0 ||
		    (is_decided && best.tier != r->winner))
			fail_msg("%s: looked at '%s', zone %u", r->why, t.looked_at, best.tier);
		if (best.n_logged != (strstr(r->parts, "log") != NULL))
			fail_msg("%s: %u reported", r->why, best.n_logged);
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
