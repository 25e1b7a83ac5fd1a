/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "fake_validate.h"
#include "resolve/failure.h"
#include "resolve/server.h"

/* ---- policy, as the tests want it ---- */

struct rules rules;

const struct policy *policy_current(void)
{
	return (const struct policy *)&rules;
}

uint32_t policy_generation(const struct policy *p)
{
	(void)p;
	return rules.generation;
}

void policy_group_view(const struct policy *p, uint16_t group, struct policy_group_view *ret)
{
	(void)p;
	(void)group;
	*ret = (struct policy_group_view){ .has_server_rules = rules.has_server_rules,
		                           .has_zones = rules.has_zones,
		                           .late_tier = 1,
		                           .has_alias_rules = true };
}

uint16_t policy_group_of_id(const struct policy *p, uint64_t id)
{
	(void)p;
	return id != 0 && id != rules.gone_group ? (uint16_t)(id - 1) : POLICY_NO_GROUP;
}

static bool is_named(const uint8_t *wire, const char *text)
{
	struct name n;
	return text != NULL && name_from_text(text, strlen(text), &n) == 0 &&
	       name_is_within(wire, n.wire);
}

void policy_judge_name_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                          const uint8_t *lower, const struct name_hashes *hashes,
                          const struct policy_terms *terms, struct verdict *ret)
{
	(void)p;
	(void)terms;
	(void)group;
	(void)hashes;
	bool is_server = trigger == POLICY_TRIGGER_SERVER_NAME;
	rules.n_judged++;
	memset(ret, 0, sizeof *ret);
	ret->trigger = trigger;
	if (is_named(lower, is_server ? rules.blocked_server : rules.blocked_alias))
		ret->action = POLICY_NXDOMAIN;
	if (is_named(lower, is_server ? rules.allowed_server : rules.allowed_alias))
		ret->action = POLICY_ALLOW;
	if (is_server && is_named(lower, rules.logged_server)) {
		ret->logged[0] = 7;
		ret->n_logged = 1;
	}
}

void policy_judge_address_on(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                             const struct addr *a, const struct policy_terms *terms,
                             struct verdict *ret)
{
	(void)p;
	(void)terms;
	(void)group;
	char text[ADDR_TEXT_MAX];
	addr_to_text(a, text);
	memset(ret, 0, sizeof *ret);
	ret->trigger = trigger;
	if (rules.blocked_addr != NULL && strcmp(text, rules.blocked_addr) == 0)
		ret->action = POLICY_REFUSED;
}

void policy_judge_name(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                       const uint8_t *lower, const struct name_hashes *hashes, struct verdict *ret)
{
	policy_judge_name_on(p, group, trigger, lower, hashes, NULL, ret);
}

void policy_judge_address(const struct policy *p, uint16_t group, enum policy_trigger trigger,
                          const struct addr *a, struct verdict *ret)
{
	policy_judge_address_on(p, group, trigger, a, NULL, ret);
}

/* Zones' order is tested with the real policy (tests/unit/policy/tiers_test.c). */
bool verdict_goes_before(const struct policy *p, const struct verdict *a, const struct verdict *b)
{
	(void)p;
	return a->action != POLICY_NONE && b->action == POLICY_NONE;
}

void policy_list_view(const struct policy *p, uint16_t list, struct policy_list_view *ret)
{
	(void)p;
	(void)list;
	*ret = (struct policy_list_view){ .is_rpz = rules.has_zones };
}

/* ---- the small internet ---- */

/* clang-format off */
static const struct fake_zone root_zone = { ".",
	". 3600 NS a.root.test\n"
	"a.root.test 3600 A 127.53.0.1\n"
	"test 3600 NS ns.test\n"
	"ns.test 3600 A 127.53.0.2\n"
	"other 3600 NS ns.other\n"
	"ns.other 3600 A 127.53.0.3\n" };
static const struct fake_zone test_zone = { "test",
	"example.test 3600 NS ns1.example.test\n"
	"ns1.example.test 3600 A 127.53.1.1\n"
	"two.test 3600 NS ns1.two.test\n"
	"two.test 3600 NS ns2.two.test\n"
	"ns1.two.test 3600 A 127.53.1.2\n"
	"ns2.two.test 3600 A 127.53.1.3\n"
	"glueless.test 3600 NS ns.far.other\n"
	"circle1.test 3600 NS ns.circle2.test\n"
	"circle2.test 3600 NS ns.circle1.test\n"
	"six.test 3600 NS ns.six.test\n"
	"ns.six.test 3600 AAAA ::1\n"
	"many.test 3600 NS n01.x1.test\nmany.test 3600 NS n02.x2.test\n"
	"many.test 3600 NS n03.x3.test\nmany.test 3600 NS n04.x4.test\n"
	"many.test 3600 NS n05.x5.test\nmany.test 3600 NS n06.x6.test\n"
	"many.test 3600 NS n07.x7.test\nmany.test 3600 NS n08.x8.test\n"
	"many.test 3600 NS n09.x9.test\nmany.test 3600 NS n10.xa.test\n"
	"many.test 3600 NS n11.xb.test\nmany.test 3600 NS n12.xc.test\n"
	"many.test 3600 NS n13.xd.test\nmany.test 3600 NS n14.xe.test\n"
	"many.test 3600 NS n15.xf.test\nmany.test 3600 NS n16.xg.test\n"
	"many.test 3600 NS n17.xh.test\nmany.test 3600 NS n18.xi.test\n"
	"many.test 3600 NS n19.xj.test\nmany.test 3600 NS n20.xk.test\n"
	"dual.test 3600 NS ns.dual.test\n"
	"ns.dual.test 3600 A 127.53.1.2\n"
	"ns.dual.test 3600 AAAA ::1\n"
	"short.test 60 NS ns.short.test\n"
	"ns.short.test 60 A 127.53.1.3\n"
	"bare.test 60 NS ns.far.other\n"
	"poor.test 0 NS ns.poor.test\n"
	"ns.poor.test 0 A 127.53.1.1\n"
	"ns1.example.test 3600 DS x\n"
	"example.test 3600 DS x\n" };
static const struct fake_zone other_zone = { "other",
	"far.other 3600 NS ns.far.other\n"
	"ns.far.other 3600 A 127.53.1.2\n"
	"www.other 300 A 192.0.2.9\n" };
static const struct fake_zone far_zone = { "far.other",
	"far.other 3600 NS ns.far.other\n"
	"ns.far.other 600 A 127.53.1.2\n" };
static const struct fake_zone glueless_zone = { "glueless.test",
	"www.glueless.test 300 A 192.0.2.7\n" };
static const struct fake_zone six_zone = { "six.test",
	"www.six.test 300 A 192.0.2.6\n" };
static const struct fake_zone dual_zone = { "dual.test",
	"www.dual.test 0 A 192.0.2.40\n" };
static const struct fake_zone short_zone = { "short.test",
	"short.test 3600 NS ns.short.test\n"
	"ns.short.test 3600 A 127.53.1.3\n"
	"www.short.test 30 A 192.0.2.41\n" };
static const struct fake_zone bare_zone = { "bare.test",
	"bare.test 3600 NS ns.far.other\n"
	"www.bare.test 30 A 192.0.2.42\n" };
static const struct fake_zone poor_zone = { "poor.test",
	"www.poor.test 0 A 192.0.2.5\n" };
static const struct fake_zone example_zone = { "example.test",
	"example.test 3600 NS ns1.example.test\n"
	"ns1.example.test 3600 A 127.53.1.1\n"
	"www.example.test 300 A 192.0.2.1\n"
	"www.example.test 300 A 192.0.2.2\n"
	"b.a.example.test 300 A 192.0.2.3\n"
	"o.n.m.l.k.j.i.h.g.f.e.d.c.b.a.example.test 300 A 192.0.2.4\n"
	"alias.example.test 300 CNAME www.example.test\n"
	"out.example.test 200 CNAME www.other\n"
	"out2.example.test 200 CNAME out.example.test\n"
	"loop1.example.test 300 CNAME loop2.example.test\n"
	"loop2.example.test 300 CNAME loop1.example.test\n"
	"ring.example.test 300 CNAME ring.two.test\n"
	"gone.example.test 300 CNAME nothing.other\n"
	"old.example.test 300 DNAME other\n" };
static const struct fake_zone two_zone = { "two.test",
	"www.two.test 300 A 192.0.2.22\n"
	"w2.two.test 300 A 192.0.2.23\n"
	"w3.two.test 300 A 192.0.2.24\n"
	"ring.two.test 300 CNAME ring.example.test\n" };
/* clang-format on */

static const struct fake_server servers_fresh[N_SERVERS] = {
	[ROOT] = { .addr = "127.53.0.1", .zones = { &root_zone } },
	[TEST] = { .addr = "127.53.0.2", .zones = { &test_zone } },
	[OTHER] = { .addr = "127.53.0.3", .zones = { &other_zone } },
	[EXAMPLE] = { .addr = "127.53.1.1", .zones = { &example_zone, &poor_zone } },
	[TWO1] = { .addr = "127.53.1.2",
	           .zones = { &two_zone, &far_zone, &glueless_zone, &dual_zone, &bare_zone } },
	[TWO2] = { .addr = "127.53.1.3", .zones = { &two_zone, &short_zone } },
	[SIX] = { .addr = "::1", .zones = { &six_zone, &dual_zone } },
	[FORWARDER] = { .addr = "127.53.9.9", .habits = FAKE_RECURSES },
};

struct world w;
static const struct fake_server *fresh;

static void make_resolver(void)
{
	static struct name hint;
	static struct addr addr;
	static struct cut_plan_server server;
	must(name_from_text("a.root.test", 11, &hint) == 0);
	must(addr_from_text("127.53.0.1", 10, &addr) == 0);
	server = (struct cut_plan_server){ .name = hint.wire, .n_addrs = 1, .addrs = &addr };
	w.config.upstream_port = fake_net_port(w.net);
	w.config.n_hints = 1;
	w.config.hints = &server;
	assert_int_equal(resolver_new(&w.config, w.loop, w.cache, &w.resolver), 0);
}

int set_up(void **state)
{
	(void)state;
	return set_up_with(servers_fresh);
}

int set_up_with(const struct fake_server servers[N_SERVERS])
{
	fresh = servers;
	memset(&rules, 0, sizeof rules);
	fake_anchors = (struct fake_anchors){ .is_on = false };
	rules.generation = 1;
	w = (struct world){ .config = { .use_ipv4 = true,
		                        .use_ipv6 = true,
		                        .max_tasks = 128,
		                        .max_zone_tasks = 2000,
		                        .max_server_asks = 2000,
		                        .max_packets = 100,
		                        .max_depth = 4,
		                        .max_sub_questions = 16,
		                        .n_sockets = 4,
		                        .time_limit_ms = 2000,
		                        .udp_timeout_min_ms = 40,
		                        .udp_timeout_max_ms = 60,
		                        .qname_minimisation = true,
		                        .case_randomisation = true,
		                        .cookies = true } };
	memcpy(w.servers, fresh, sizeof w.servers);
	server_table_init();
	server_table_reset();
	failure_reset();
	assert_int_equal(loop_new(&w.loop), 0);
	assert_int_equal(cache_new(1 << 20, &w.cache), 0);
	assert_int_equal(fake_net_new(w.loop, w.servers, N_SERVERS, &w.net), 0);
	make_resolver();
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	resolver_free(w.resolver);
	fake_net_free(w.net);
	loop_free(w.loop);
	rcu_quiet();
	rcu_flush();
	cache_free(w.cache);
	return 0;
}

void remake(void)
{
	/* The old resolver's hook is still in the loop: that goes too. */
	resolver_free(w.resolver);
	fake_net_free(w.net);
	loop_free(w.loop);
	memcpy(w.servers, fresh, sizeof w.servers);
	assert_int_equal(loop_new(&w.loop), 0);
	assert_int_equal(fake_net_new(w.loop, w.servers, N_SERVERS, &w.net), 0);
	make_resolver();
}

/* ---- asking ---- */

static void note_answer(struct asker *a, const struct answer *answer)
{
	uint8_t buf[4096];
	uint8_t scratch[20000];
	uint16_t counts[2];
	char text[ADDR_TEXT_MAX];
	struct message m;
	struct rr rr;
	memset(buf, 0, DNS_HEADER_BYTES);
	buf[5] = 1;
	memcpy(buf + 12, a->name.wire, a->name.len);
	store16(buf + 12 + a->name.len, a->request.type);
	store16(buf + 14 + a->name.len, 1);
	size_t n = 16U + a->name.len;
	int k = answer_write(answer, loop_now_s(w.loop), 0, true, buf + n, sizeof buf - n, counts);
	assert_true(k >= 0);
	store16(buf + 6, counts[0]);
	store16(buf + 8, counts[1]);
	assert_int_equal(message_open(buf, n + (size_t)k, scratch, sizeof scratch, &m), 0);
	a->rcode = answer->rcode;
	a->n_cuts = answer->n_cuts;
	a->ttl_s = answer->item.ttl_s;
	a->security = answer->security;
	a->ede_code = answer->ede_code;
	snprintf(a->ede_text, sizeof a->ede_text, "%s", answer->ede_text);
	a->n_an = counts[0];
	a->n_ns = counts[1];
	while (message_next(&m, &rr) == 1) {
		if (rr.type != DNS_A || rr.section != SECTION_ANSWER)
			continue;
		struct addr addr = addr_from_bytes4(rr.rdata);
		addr_to_text(&addr, text);
		size_t used = strlen(a->addrs);
		snprintf(a->addrs + used, sizeof a->addrs - used, "%s%s", used > 0 ? " " : "",
		         text);
	}
}

static void done(struct resolve_request *request, const struct resolve_result *result)
{
	struct asker *a = CONTAINER_OF(request, struct asker, request);
	a->n_done++;
	a->status = result->status;
	a->n_packets = result->n_packets;
	if (result->cut != NULL)
		name_to_text(result->cut->zone, a->zone);
	if (result->status == RESOLVE_ANSWERED) {
		note_answer(a, result->answer);
	} else if (result->status == RESOLVE_BLOCKED) {
		a->trigger = result->verdict->trigger;
	} else {
		a->ede_code = result->ede_code;
		snprintf(a->ede_text, sizeof a->ede_text, "%s", result->ede_text);
	}
}

static void begin(struct asker *a, const char *name, uint16_t type, uint16_t group, bool is_allowed)
{
	loop_turn(w.loop, 0); /* what the time is */
	memset(a, 0, sizeof *a);
	assert_int_equal(name_from_text(name, strlen(name), &a->name), 0);
	name_hash_all(a->name.wire, &a->hashes);
	a->request = (struct resolve_request){ .name = a->name.wire,
		                               .hashes = &a->hashes,
		                               .type = type,
		                               .group = group == POLICY_NO_GROUP ? 0 : group + 1U,
		                               .is_allowed = is_allowed,
		                               .done = done };
	resolve_start(w.resolver, &a->request);
}

void asker_start(struct asker *a, uint16_t type, const struct addr *client)
{
	a->request = (struct resolve_request){ .name = a->name.wire,
		                               .hashes = &a->hashes,
		                               .type = type,
		                               .group = 0,
		                               .client = client,
		                               .done = done };
	resolve_start(w.resolver, &a->request);
}

void start(struct asker *a, const char *name, uint16_t type, uint16_t group)
{
	begin(a, name, type, group, false);
}

void start_allowed(struct asker *a, const char *name, uint16_t type, uint16_t group)
{
	begin(a, name, type, group, true);
}

void turn_until(const struct asker *a)
{
	for (int i = 0; i < 3000 && a->n_done == 0; i++)
		loop_turn(w.loop, 5);
	assert_int_equal(a->n_done, 1);
}

struct asker ask_as(const char *name, uint16_t type, uint16_t group)
{
	static struct asker a;
	start(&a, name, type, group);
	turn_until(&a);
	return a;
}

struct asker ask(const char *name, uint16_t type)
{
	return ask_as(name, type, POLICY_NO_GROUP);
}

void expect_addrs(const char *name, const char *addrs)
{
	struct asker a = ask(name, DNS_A);
	if (a.status != RESOLVE_ANSWERED)
		print_message("%s: %u %s\n", name, a.ede_code, a.ede_text);
	assert_int_equal(a.status, RESOLVE_ANSWERED);
	assert_string_equal(a.addrs, addrs);
}

struct asker expect_failure(const char *name, uint16_t code, const char *text)
{
	struct asker a = ask(name, DNS_A);
	assert_int_equal(a.status, RESOLVE_FAILED);
	if (a.ede_code != code || strstr(a.ede_text, text) == NULL)
		print_message("%s: %u %s\n", name, a.ede_code, a.ede_text);
	assert_int_equal(a.ede_code, code);
	assert_non_null(strstr(a.ede_text, text));
	return a;
}

unsigned asked(void)
{
	return fake_net_asked(w.net);
}

void turn_some(void)
{
	for (int i = 0; i < 10; i++)
		loop_turn(w.loop, 2);
}

int run_rows(const struct CMUnitTest *tests, size_t n)
{
	rcu_thread_start();
	int failed = _cmocka_run_group_tests("tests", tests, n, NULL, NULL);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
