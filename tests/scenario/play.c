/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "play.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/rcu.h"
#include "follow.h"
#include "kernel.h"
#include "local/local.h"
#include "net.h"
#include "weir/parts.h"
#include "weir/specs.h"
#include "weir/trust.h"
#include "zone.h"

enum {
	CACHE_BYTES = 2 << 20,
	MAX_PARKED = 20000,
	TURNS_MAX = 3000000,
	STUCK_TURNS = 20000, /* so many without time passing */
};

static struct {
	struct script *script;
	const char *path;
	FILE *out;
	struct config *config;
	struct resolve_parts parts;
	struct loop *loop;
	struct cache *cache;
	struct resolver *resolver;
	struct serve serve;
	struct asking *askings, **askings_end;
	unsigned n_asked_open; /* not answered yet */
	unsigned first_packet; /* since the last question */
	uint64_t since_ns;
	unsigned n_failed;
	char folder[64]; /* for what is configured by files */
	char anchors_path[96];
} p;

static void fail(unsigned line, const char *text)
{
	fprintf(p.out, "%s:%u: %s\n", p.path, line, text);
	p.n_failed++;
}

/* ---- putting it together ---- */

static bool load_config(void)
{
	struct config_problems problems = { 0 };
	const char *text = p.script->config != NULL ? p.script->config : "{}";
	int e = config_load_text(p.path, text, strlen(text), &p.config, &problems);
	for (unsigned i = 0; i < problems.n; i++)
		fail(p.script->config_line + problems.at[i].place.line, problems.at[i].text);
	config_problems_done(&problems);
	return e == 0 && p.n_failed == 0;
}

static void set_hints(void)
{
	struct config_hint *hints = script_alloc(p.script, CONFIG_MAX_HINTS * sizeof *hints);
	unsigned n = 0;
	for (const struct script_hint *h = p.script->hints; h != NULL; h = h->next) {
		must(n < CONFIG_MAX_HINTS);
		hints[n].name = h->name;
		hints[n].n_addrs = h->n_addrs;
		memcpy(hints[n].addrs, h->addrs, sizeof h->addrs);
		n++;
	}
	p.config->hints = hints;
	p.config->n_hints = n;
}

static bool publish_policy(void)
{
	struct specs *specs;
	struct feeds_result result;
	struct policy *policy;
	if (specs_new(p.config, &specs) != 0)
		return false;
	const struct feeds_plan plan = { .lists = specs->feeds,
		                         .n_lists = specs->n_lists,
		                         .is_read_only = true };
	int e = feeds_compile(&plan, NULL, &result);
	if (e == 0)
		e = policy_new(result.image, specs->lists, specs->n_lists, specs->groups,
		               specs->n_groups, &policy);
	if (e == 0)
		policy_publish(policy);
	feeds_result_done(&result);
	specs_free(specs);
	return e == 0 && policy_edits_open("") == 0;
}

/* As an operator would write them. */
static bool write_anchors(void)
{
	uint8_t ds[64];
	char zone[NAME_TEXT_MAX];
	size_t n;
	p.config->resolver.trust_anchors = "none";
	if (p.script->anchors == NULL)
		return true;
	snprintf(p.folder, sizeof p.folder, "/tmp/weir-scenario-XXXXXX");
	must(mkdtemp(p.folder) != NULL);
	snprintf(p.anchors_path, sizeof p.anchors_path, "%s/anchors", p.folder);
	FILE *f = fopen(p.anchors_path, "w");
	must(f != NULL);
	for (const struct script_anchor *a = p.script->anchors; a != NULL; a = a->next) {
		if (!zone_write_ds(p.script, a->key, a->zone.wire, 2, ds, &n)) {
			fail(a->line, "this key cannot be made");
			continue;
		}
		name_to_text(a->zone.wire, zone);
		fprintf(f, "%s%s 3600 IN DS %u %u %u ", zone, name_is_root(a->zone.wire) ? "" : ".",
		        load16(ds), ds[2], ds[3]);
		for (size_t i = 4; i < n; i++)
			fprintf(f, "%02X", ds[i]);
		fprintf(f, "\n");
	}
	p.config->resolver.trust_anchors = p.anchors_path;
	return fclose(f) == 0 && p.n_failed == 0;
}

static void say(void *arg, const char *line)
{
	(void)arg;
	fail(p.script->config_line, line);
}

static bool publish_local(void)
{
	const struct local_listener listener = { .say = say };
	struct local *local;
	if (local_new(p.config, &listener, &local) != 0)
		return false;
	local_publish(local);
	return p.n_failed == 0;
}

/* The table of domains, in memory. */
static bool start_seen(void)
{
	char why[SEEN_WHY_MAX];
	struct seen *s;
	const struct seen_plan plan = { .size_bytes = p.config->seen.size_bytes,
		                        .learn_s = p.config->seen.learn_s,
		                        .now_s = clock_wall_ns() / NS_PER_S };
	if (plan.size_bytes == 0)
		return true;
	if (seen_new(&plan, &s, why) != 0)
		return false;
	seen_set_current(s);
	return true;
}

static void remove_files(void)
{
	if (p.anchors_path[0] != 0)
		unlink(p.anchors_path);
	if (p.folder[0] != 0)
		rmdir(p.folder);
}

static bool set_up(void)
{
	const struct siphash_key key = { .k0 = random_u64(), .k1 = random_u64() };
	name_set_hash_key(&key);
	log_set_level(LOG_LEVEL_WARNING);
	if (!load_config())
		return false;
	set_hints();
	if (!write_anchors() || trust_publish(p.config) != 0 || !publish_policy() ||
	    !publish_local() || !start_seen() || parts_resolve(p.config, &p.parts) != 0 ||
	    loop_new(&p.loop) != 0 || cache_new(CACHE_BYTES, &p.cache) != 0 ||
	    resolver_new(&p.parts.config, p.loop, p.cache, &p.resolver) != 0) {
		fail(1, "it cannot be put together");
		return false;
	}
	serve_init(&p.serve, p.loop, p.cache, p.resolver, NULL, parts_serve(p.config), MAX_PARKED);
	if (p.script->follows_anchors && follow_start(p.config, &p.serve) != 0) {
		fail(1, "the trust anchors cannot be followed");
		return false;
	}
	return true;
}

/* ---- a client ---- */

static uint8_t *client_buffer(struct query *q, size_t *ret_room)
{
	struct asking *a = q->transport;
	*ret_room = sizeof a->bytes;
	return a->bytes;
}

static void client_finish(struct query *q)
{
	struct asking *a = q->transport;
	a->n = q->out_bytes;
	a->is_done = true;
	a->answered_ns = kernel_now_ns();
	p.n_asked_open--;
	query_free(q);
}

static const struct origin client_udp = { .name = "udp",
	                                  .protocol = EVENT_UDP,
	                                  .buffer = client_buffer,
	                                  .finish = client_finish };
static const struct origin client_tcp = { .name = "tcp",
	                                  .protocol = EVENT_TCP,
	                                  .is_stream = true,
	                                  .buffer = client_buffer,
	                                  .finish = client_finish };

static size_t write_question(const struct script_ask *ask, uint8_t *to)
{
	memset(to, 0, DNS_HEADER_BYTES);
	store16(to, random_u16());
	store16(to + 2, (uint16_t)((ask->without_rd ? 0 : FLAG_RD) | (ask->is_cd ? FLAG_CD : 0) |
	                           (ask->is_ad ? FLAG_AD : 0)));
	to[5] = 1;
	size_t n = DNS_HEADER_BYTES;
	memcpy(to + n, ask->name.wire, ask->name.len);
	n += ask->name.len;
	store16(to + n, ask->type);
	store16(to + n + 2, DNS_CLASS_IN);
	n += 4;
	if (ask->without_edns)
		return n;
	to[11] = 1;
	memset(to + n, 0, 11);
	store16(to + n + 1, DNS_OPT);
	store16(to + n + 3, ask->udp_size);
	store16(to + n + 7, ask->is_do ? 0x8000 : 0);
	return n + 11;
}

static void ask(const struct script_step *step)
{
	struct asking *a = script_alloc(p.script, sizeof *a);
	struct query *q = query_new(&p.serve);
	must(q != NULL);
	loop_turn(p.loop, 0); /* what the time is */
	a->step = step;
	a->started_ns = kernel_now_ns();
	a->first_packet = net_n_packets();
	*p.askings_end = a;
	p.askings_end = &a->next;
	if (p.n_asked_open++ == 0) {
		p.first_packet = a->first_packet;
		p.since_ns = a->started_ns;
	}
	q->origin = step->ask.is_tcp ? &client_tcp : &client_udp;
	q->transport = a;
	q->peer_bytes = 0;
	q->client = (struct endpoint){ .addr = step->ask.client, .port = 40000 };
	q->local = (struct endpoint){ .addr = addr_v4(0x7f000001), .port = 53 };
	q->local_interface = 0;
	q->is_cut = false;
	q->in_bytes = (uint16_t)write_question(&step->ask, q->in);
	serve_query(q);
}

/* ---- time passes ---- */

static bool is_settled(void)
{
	struct resolve_counts counts = { 0 };
	resolver_count(p.resolver, &counts);
	return p.n_asked_open == 0 && counts.tasks_now == 0;
}

/* Until the time, or (settle) until nothing is under way any more. */
static bool run_until(uint64_t at_ns, bool settle)
{
	unsigned n_stuck = 0;
	uint64_t last_ns = kernel_now_ns();
	kernel_set_limit(at_ns);
	for (unsigned i = 0; i < TURNS_MAX && n_stuck < STUCK_TURNS; i++) {
		if (settle && is_settled())
			return true;
		loop_turn(p.loop, -1);
		if (kernel_is_idle() || (!settle && kernel_now_ns() >= at_ns))
			return true;
		n_stuck = kernel_now_ns() == last_ns ? n_stuck + 1 : 0;
		last_ns = kernel_now_ns();
	}
	return false;
}

/* What is due at this very moment happens before the step. */
static void run_turns(void)
{
	for (int i = 0; i < 4; i++)
		loop_turn(p.loop, 0);
}

/* ---- steps ---- */

static void look_at_answers(void)
{
	char place[4400];
	for (struct asking *a = p.askings; a != NULL; a = a->next) {
		if (!a->is_done || a->step == NULL || a->step->ask.gets_line == 0)
			continue;
		snprintf(place, sizeof place, "%s:%u", p.path, a->step->ask.gets_line);
		if (!judge_answer(a, place, p.out)) {
			p.n_failed++;
			fprintf(p.out, "    packets since it was asked:\n");
			net_print(p.out, a->first_packet);
		}
		a->step = NULL;
	}
}

static void expect(const struct script_step *step)
{
	char place[4400];
	const struct script_expect *e = &step->expect;
	unsigned first = e->in_all ? 0 : p.first_packet;
	snprintf(place, sizeof place, "%s:%u", p.path, step->line);
	if (judge_packets(e, first, e->in_all ? 0 : p.since_ns, place, p.out))
		return;
	p.n_failed++;
	fprintf(p.out, "    packets since %s:\n", e->in_all ? "the start" : "the last question");
	net_print(p.out, first);
}

static void take_step(const struct script_step *step)
{
	uint8_t lower[NAME_MAX_BYTES];
	switch (step->kind) {
	case STEP_ASK:
		ask(step);
		break;
	case STEP_EXPECT:
		expect(step);
		break;
	case STEP_FLUSH:
		name_copy_lower(lower, step->flush.wire);
		cache_flush(p.cache, lower, step->flush_below);
		break;
	case STEP_CLOCK:
		kernel_shift_wall(step->shift_s);
		break;
	case STEP_DISTRUST:
		if (follow_distrust(&step->distrust, step->distrust_ns / NS_PER_S) != 0)
			fail(step->line, "it cannot be distrusted");
		break;
	case STEP_WAIT:
		break;
	}
}

static bool reach(const struct script_step *step, uint64_t before_ns)
{
	char text[200];
	if (step->when == WHEN_THEN) {
		if (run_until(SCRIPT_FOREVER, true))
			return true;
		fail(step->line, "what was asked before never ends");
		return false;
	}
	uint64_t at_ns = step->time_ns + (step->when == WHEN_AFTER ? before_ns : 0);
	if (at_ns < kernel_now_ns()) {
		snprintf(text, sizeof text, "it is %.3f s already when this step comes",
		         (double)kernel_now_ns() / (double)NS_PER_S);
		fail(step->line, text);
		return false;
	}
	if (!run_until(at_ns, false)) {
		fail(step->line, "time does not pass: the resolver goes in circles");
		return false;
	}
	/* Nothing may be to come, and the clock stands still then. */
	kernel_pass_to(at_ns);
	run_turns();
	return true;
}

static void take_steps(void)
{
	uint64_t before_ns = 0;
	const struct script_step *step = p.script->steps;
	for (; step != NULL && reach(step, before_ns); step = step->next) {
		look_at_answers();
		before_ns = kernel_now_ns();
		take_step(step);
		if (net_trouble() != NULL) {
			fail(step->line, net_trouble());
			return;
		}
	}
	if (step == NULL && !run_until(SCRIPT_FOREVER, true))
		fail(p.script->n_lines, "what was asked never ends");
	look_at_answers();
	for (struct asking *a = p.askings; a != NULL; a = a->next) {
		if (!a->is_done)
			fail(a->step->line, "this question was never answered");
	}
}

/* Really, so that the leak checker sees what is not. */
static void tear_down(void)
{
	const struct serve_options *options = atomic_load(&p.serve.options);
	follow_stop();
	resolver_free(p.resolver);
	serve_done(&p.serve);
	free((void *)options);
	loop_free(p.loop);
	anchors_publish(NULL);
	local_publish(NULL);
	policy_edits_close();
	rcu_drain();
	seen_free(seen_current());
	seen_set_current(NULL);
	if (p.cache != NULL)
		cache_free(p.cache);
	parts_resolve_done(&p.parts);
	config_free(p.config);
	zone_free_keys(p.script);
	remove_files();
}

unsigned play(struct script *s, const char *path, FILE *out)
{
	p.script = s;
	p.path = path;
	p.out = out;
	p.askings_end = &p.askings;
	kernel_start(net_calls(), s->seed);
	net_start(s);
	rcu_thread_start();
	if (set_up())
		take_steps();
	/* Found while zones were made. */
	for (unsigned i = 0; i < s->n_problems && i < SCRIPT_MAX_PROBLEMS; i++)
		fail(s->problems[i].line, s->problems[i].text);
	tear_down();
	rcu_thread_stop();
	return p.n_failed;
}
