/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "base/siphash.h"
#include "cache.h"
#include "dns/registered.h"
#include "incidents/watch.h"
#include "packed.h"

enum {
	CUT_S = 86400,
	NEGATIVE_S = 300,
	FAILURE_S = 5,
	DENIED_S = 300,    /* what minimised questions get */
	MINIMISE_MAX = 10, /* as resolve/ */
	MINIMISE_ONE = 4,
	HELD_MAX = 65536,
	DEADLINE_S = 8, /* of a question, as resolve/ */
	CUTS_MAX = 64,
	WALL_S = 1763978400, /* where the engine's time begins */
};

/* One question on its way. */
struct run {
	struct engine_question q;
	struct truth truth;
	struct detect_findings findings;
	const uint8_t *name; /* of this hop: of q, or in truth */
	unsigned hop, known_labels, n_minimised;
	const uint8_t *charged_zone;
	unsigned charged_labels;
	uint64_t at_ns;
	bool was_held;
};

static struct engine {
	struct engine_plan plan;
	struct config *config;
	struct detect *detect;
	struct seen *seen;
	struct seen_changes *changes;
	struct table incidents;
	struct ttls *ttls;
	struct run *held[HELD_MAX];
	unsigned n_held;
	struct name cuts[CUTS_MAX];
	unsigned n_cuts;
	struct engine_counts counts;
	uint64_t seed, ticked_s;
} e;

static struct run now; /* what is not held */

/* ---- numbers that are the same each time ---- */

static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15ULL;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* The detectors' keys: the linker puts it in the place of random_bytes(). */
void __wrap_random_bytes(void *ret_bytes, size_t n);
void __wrap_random_bytes(void *ret_bytes, size_t n)
{
	uint8_t *to = ret_bytes;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)mix(e.seed++);
}

/* ---- starting ---- */

static void load_config(const struct engine_plan *plan)
{
	char text[8192];
	struct config_problems problems = { 0 };
	size_t n = (size_t)snprintf(text, sizeof text, "detect:\n  enable: %s\n",
	                            plan->is_all_off ? "false" : "true");
	if (plan->clients > 0)
		n += (size_t)snprintf(text + n, sizeof text - n, "  clients: %u\n", plan->clients);
	for (unsigned i = 0; i < N_DETECTORS; i++) {
		const char *name = config_detector((enum detector_id)i)->name;
		n += (size_t)snprintf(text + n, sizeof text - n, "  %s:\n    enable: %s\n", name,
		                      plan->without >> i & 1 ? "false" : "true");
		if (i == DETECTOR_dga)
			n += (size_t)snprintf(text + n, sizeof text - n, "    model: '%s'\n",
			                      ENGINE_MODEL);
	}
	if (config_load_text("engine.yaml", text, n, &e.config, &problems) != 0) {
		config_problems_print(&problems, stderr);
		die("the configuration is no good", "engine");
	}
	config_problems_done(&problems);
}

void engine_start(const struct engine_plan *plan)
{
	memset(&e, 0, sizeof e);
	e.plan = *plan;
	e.seed = mix(plan->seed + 1);
	rcu_thread_start();
	load_config(plan);
	struct table_settings settings = { .suspicious = e.config->incidents.suspicious,
		                           .infected = e.config->incidents.infected,
		                           .half_life_s = e.config->incidents.half_life_s,
		                           .quiet_s = e.config->incidents.quiet_s };
	struct seen_plan seen = { .size_bytes = 64 << 20,
		                  .learn_s = plan->learn_s,
		                  .now_s = WALL_S };
	char why[SEEN_WHY_MAX];
	if (detect_new(e.config, &e.detect) != 0 || table_init(&e.incidents, &settings) != 0 ||
	    seen_new(&seen, &e.seen, why) != 0 || seen_changes_new(&e.changes) != 0 ||
	    ttls_new(&e.ttls) != 0)
		die("no memory", "engine");
	seen_set_current(e.seen);
	/* All of the table of incidents is there from the start, so that no growth is taken for a detector's. */
	volatile char *at = (volatile char *)e.incidents.clients;
	for (size_t i = 0; i < INCIDENTS_CLIENTS_MAX * sizeof e.incidents.clients[0]; i += 4096)
		at[i] = 0;
}

void engine_stop(void)
{
	seen_set_current(NULL);
	for (unsigned i = 0; i < e.n_held; i++)
		free(e.held[i]);
	detect_free(e.detect);
	seen_changes_free(e.changes);
	seen_free(e.seen);
	table_done(&e.incidents);
	ttls_free(e.ttls);
	config_free(e.config);
	rcu_drain();
	rcu_thread_stop();
}

void engine_add_cut(const char *zone)
{
	if (e.n_cuts == CUTS_MAX || name_from_text(zone, strlen(zone), &e.cuts[e.n_cuts]) != 0)
		die("cannot be a zone", zone);
	e.n_cuts++;
}

/* ---- delegations ---- */

/* The registry's zone, the zone of the name, both in the name; how many labels each has. */
struct place {
	const uint8_t *registry, *zone;
	unsigned registry_labels, zone_labels;
	const uint8_t *registered; /* NULL: the name is a registry's itself */
};

static const uint8_t *registry_of(const uint8_t *name)
{
	while (!name_is_root(name) && !ttls_is_registry(name))
		name += *name + 1;
	return name;
}

/* Networks are delegated with 16 bits, IPv6 with 32. */
static unsigned below_registry(const uint8_t *registry)
{
	static const uint8_t four[] = "\7in-addr\4arpa", six[] = "\3ip6\4arpa";
	return name_equal(registry, four) ? 2 : name_equal(registry, six) ? 8 : 1;
}

static struct place place_of(const uint8_t *name)
{
	struct place p = { .registry = registry_of(name) };
	unsigned labels = name_labels(name);
	p.registry_labels = name_labels(p.registry);
	p.zone = p.registry;
	p.zone_labels = p.registry_labels;
	if (labels == p.registry_labels)
		return p;
	p.zone_labels = p.registry_labels + below_registry(p.registry);
	if (p.zone_labels > labels)
		p.zone_labels = labels;
	p.registered = p.zone = name_skip(name, labels - p.zone_labels);
	for (unsigned i = 0; i < e.n_cuts; i++) {
		unsigned n = name_labels(e.cuts[i].wire);
		if (n > p.zone_labels && name_is_within(name, e.cuts[i].wire)) {
			p.zone_labels = n;
			p.zone = name_skip(name, labels - n);
		}
	}
	return p;
}

/* Two name servers with an address each; a client's resolver has settled on one. */
static void fill_zone(const uint8_t *zone, const uint8_t *registered, struct addr *server,
                      struct detect_zone *ret)
{
	uint64_t h = name_hash(registered != NULL ? registered : zone);
	if (registered != NULL && e.plan.provider != NULL)
		h = e.plan.provider(e.plan.provider_arg, registered);
	*server = addr_v4((uint32_t)(0x40000000 | (mix(h) >> 34)));
	*ret = (struct detect_zone){ .name = zone,
		                     .servers_hash = mix(h ^ 1) | 1,
		                     .server = server };
}

/* ---- what is found ---- */

static void note(struct run *r, const struct detect_findings *f)
{
	const struct engine_watcher *w = e.plan.watcher;
	detect_findings_add(&r->findings, f);
	if (f->n > 0 && w != NULL && w->found != NULL)
		w->found(w->arg, &r->q, f, r->at_ns);
}

static void tell_incident(struct client *c, uint64_t now_ns)
{
	const struct engine_watcher *w = e.plan.watcher;
	if (c->pending == 0)
		return;
	if (w != NULL && w->alert != NULL && (c->pending & (PENDING_OPENED | PENDING_WORSE)) != 0)
		w->alert(w->arg, c, c->pending, now_ns);
	table_told(&e.incidents, c, c->pending, (uint32_t)(WALL_S + now_ns / NS_PER_S));
}

/* The event of a question: what the events' writer shows to incidents/. */
static void add_evidence(const struct run *r)
{
	static struct watch_room room;
	struct evidence found;
	struct event_seen seen = { .wall_ns = WALL_S * NS_PER_S + r->at_ns,
		                   .client = &r->q.client,
		                   .name = r->q.name.wire,
		                   .type = r->q.type,
		                   .findings = r->findings.at,
		                   .n_findings = r->findings.n };
	for (unsigned i = 0; i < r->findings.n; i++) {
		if (!watch_finding(&seen, i, &room, &found))
			continue;
		struct client *c = table_add(&e.incidents, &found);
		if (c != NULL)
			tell_incident(c, r->at_ns);
	}
}

static enum engine_end end(struct run *r, enum engine_end how)
{
	const struct engine_watcher *w = e.plan.watcher;
	if (r->findings.n > 0)
		add_evidence(r);
	if (w != NULL && w->ended != NULL)
		w->ended(w->arg, &r->q, how, r->at_ns);
	return how;
}

/* ---- packets ---- */

/* May the packet go? ENGINE_ANSWERED: it has. */
static enum engine_end send_packet(struct run *r, const struct place *p, const uint8_t *zone,
                                   const uint8_t *name, uint16_t type)
{
	const struct engine_watcher *w = e.plan.watcher;
	struct detect_result result = { .outcome = DETECT_PASS };
	struct addr server;
	struct detect_question q = {
		.client = &r->q.client,
		.question = r->name,
		.name = name,
		.type = r->q.type,
		.sent_type = type,
		.is_first = r->charged_zone == NULL,
		.now_ns = NS_PER_S + r->at_ns,
	};
	fill_zone(zone, zone == p->registry ? NULL : p->registered, &server, &q.zone);
	if (e.detect != NULL)
		detect_question(e.detect, &q, &result);
	note(r, &result.findings);
	if (result.outcome == DETECT_WAIT) {
		r->at_ns += result.wait_ms * NS_PER_MS;
		return r->at_ns < r->q.now_ns + DEADLINE_S * NS_PER_S ? ENGINE_HELD
		                                                      : ENGINE_REFUSED;
	}
	if (result.outcome == DETECT_REFUSED || result.outcome == DETECT_BLOCKED)
		return result.outcome == DETECT_REFUSED ? ENGINE_REFUSED : ENGINE_BLOCKED;
	e.counts.packets++;
	r->charged_zone = zone;
	if (w != NULL && w->packet != NULL)
		w->packet(w->arg, &r->q, zone, name, r->at_ns);
	return ENGINE_ANSWERED;
}

/* RFC 9156 2.3, as resolve/send.c has it. */
static unsigned minimised_labels(const struct run *r, unsigned labels)
{
	unsigned left = labels - r->known_labels;
	if (left <= 1 || r->n_minimised >= MINIMISE_MAX)
		return labels;
	unsigned step = 1;
	if (r->n_minimised >= MINIMISE_ONE) {
		unsigned packets = MINIMISE_MAX - r->n_minimised;
		step = (left + packets - 1) / packets;
	}
	return r->known_labels + step;
}

/* From the registry down to the whole name. */
static enum engine_end ask_zone(struct run *r, const struct place *p, const uint8_t *zone,
                                unsigned down_to)
{
	unsigned labels = name_labels(r->name);
	enum engine_end how = ENGINE_ANSWERED;
	while (how == ENGINE_ANSWERED) {
		unsigned n = minimised_labels(r, labels);
		if (n > down_to)
			n = down_to;
		const uint8_t *name = name_skip(r->name, labels - n);
		uint16_t type = n < labels ? DNS_A : r->q.type;
		bool is_known = n < labels && ttls_is_known(e.ttls, name, type, r->at_ns);
		if (!is_known)
			how = send_packet(r, p, zone, name, type);
		if (how != ENGINE_ANSWERED)
			return how;
		if (n < labels && !is_known)
			ttls_put(e.ttls, name, type, r->at_ns + DENIED_S * NS_PER_S);
		r->n_minimised += n < labels;
		r->known_labels = n;
		if (n >= down_to)
			break;
	}
	return how;
}

/* *ret_zone: whose servers have answered. */
static enum engine_end ask_hop(struct run *r, const struct place *p, const uint8_t **ret_zone)
{
	bool is_last = truth_alias(&r->truth, r->hop) == NULL;
	*ret_zone = p->registry;
	if (p->registered == NULL || (is_last && r->truth.is_domain_missing) ||
	    !ttls_is_known(e.ttls, p->zone, TTLS_CUT, r->at_ns)) {
		if (r->known_labels < p->registry_labels)
			r->known_labels = p->registry_labels;
		if (r->known_labels < p->zone_labels || p->registered == NULL) {
			enum engine_end how = ask_zone(r, p, p->registry,
			                               p->registered == NULL ? p->registry_labels
			                                                     : p->zone_labels);
			if (how != ENGINE_ANSWERED)
				return how;
		}
		if (p->registered == NULL || (is_last && r->truth.is_domain_missing))
			return ENGINE_ANSWERED;
		ttls_put(e.ttls, p->zone, TTLS_CUT, r->at_ns + CUT_S * NS_PER_S);
	}
	*ret_zone = p->zone;
	if (r->known_labels < p->zone_labels || name_labels(r->name) == p->zone_labels)
		r->known_labels = p->zone_labels;
	return ask_zone(r, p, p->zone, name_labels(r->name));
}

/* ---- answers ---- */

static enum engine_end take_answer(struct run *r, const uint8_t *zone, const struct place *p)
{
	struct detect_result result = { .outcome = DETECT_PASS };
	struct addr server;
	struct detect_answer a = { .client = &r->q.client,
		                   .question = r->q.name.wire,
		                   .type = r->q.type,
		                   .rcode = r->truth.is_lost ? RCODE_SERVFAIL : r->truth.rcode,
		                   .is_failure = r->truth.is_lost,
		                   .rrs = r->truth.rrs,
		                   .n_rrs = r->truth.is_lost ? 0 : r->truth.n,
		                   .now_ns = NS_PER_S + r->at_ns };
	fill_zone(zone, zone == p->registry ? NULL : p->registered, &server, &a.zone);
	const uint8_t *registered = name_registered(r->q.name.wire);
	a.age_s = registered != NULL ? seen_age_s(e.seen, registered, WALL_S + r->at_ns / NS_PER_S)
	                             : SEEN_NOT_NEW;
	a.has_age = a.age_s != SEEN_NOT_NEW;
	if (registered != NULL && !r->truth.is_lost && r->truth.rcode == RCODE_NOERROR)
		seen_confirm(e.seen, e.changes, registered);
	e.counts.answers++;
	if (e.detect != NULL)
		detect_answer(e.detect, &a, &result);
	note(r, &result.findings);
	if (result.outcome == DETECT_BLOCKED)
		return ENGINE_ANSWER_BLOCKED;
	return r->truth.is_lost ? ENGINE_LOST : ENGINE_ANSWERED;
}

static void remember(struct run *r)
{
	const struct truth *t = &r->truth;
	uint32_t otherwise = t->is_lost ? FAILURE_S : NEGATIVE_S;
	uint64_t ttl_ns = truth_ttl_s(t, r->name, r->q.type, otherwise) * NS_PER_S;
	uint64_t flight_ns = t->latency_ms * NS_PER_MS;
	ttls_put(e.ttls, r->name, r->q.type, r->at_ns + (ttl_ns > flight_ns ? ttl_ns : flight_ns));
}

static enum engine_end go_on(struct run *r)
{
	struct place p;
	const uint8_t *zone = NULL;
	for (;;) {
		bool is_known = ttls_is_known(e.ttls, r->name, r->q.type, r->at_ns);
		p = place_of(r->name);
		enum engine_end how = is_known ? ENGINE_ANSWERED : ask_hop(r, &p, &zone);
		if (how != ENGINE_ANSWERED)
			return how;
		if (!is_known)
			remember(r);
		const struct rr *alias = truth_alias(&r->truth, r->hop);
		if (alias == NULL || r->q.type == DNS_CNAME)
			break;
		r->hop++;
		r->name = alias->rdata;
		r->known_labels = r->n_minimised = 0;
	}
	return take_answer(r, zone != NULL ? zone : p.zone, &p);
}

/* A heap: the next one first. */
static void put_held(struct run *r)
{
	unsigned at = e.n_held++;
	for (; at > 0 && e.held[(at - 1) / 2]->at_ns > r->at_ns; at = (at - 1) / 2)
		e.held[at] = e.held[(at - 1) / 2];
	e.held[at] = r;
}

static struct run *take_held(void)
{
	struct run *first = e.held[0], *last = e.held[--e.n_held];
	unsigned at = 0;
	for (unsigned child = 1; child < e.n_held; child = 2 * at + 1) {
		if (child + 1 < e.n_held && e.held[child + 1]->at_ns < e.held[child]->at_ns)
			child++;
		if (last->at_ns <= e.held[child]->at_ns)
			break;
		e.held[at] = e.held[child];
		at = child;
	}
	e.held[at] = last;
	return first;
}

static void hold(struct run *r)
{
	const struct engine_watcher *w = e.plan.watcher;
	struct run *copy = malloc(sizeof *copy);
	if (copy == NULL || e.n_held == HELD_MAX)
		die("too many packets are held", "engine");
	*copy = *r;
	truth_copy(&copy->truth, &r->truth);
	if (r->name == r->q.name.wire)
		copy->name = copy->q.name.wire;
	else
		copy->name = copy->truth.bytes + (r->name - r->truth.bytes);
	if (!copy->was_held && w != NULL && w->held != NULL)
		w->held(w->arg, &r->q, r->at_ns);
	copy->was_held = true;
	put_held(copy);
}

static enum engine_end go(struct run *r)
{
	enum engine_end how = go_on(r);
	if (how == ENGINE_HELD) {
		hold(r);
		return how;
	}
	return end(r, how);
}

/* ---- from outside ---- */

enum engine_end engine_ask(const struct engine_question *q, const struct truth *t)
{
	e.counts.questions++;
	/* A hit, if the whole chain is there. */
	bool is_known = ttls_is_known(e.ttls, q->name.wire, q->type, q->now_ns);
	for (unsigned i = 0; is_known && truth_alias(t, i) != NULL; i++)
		is_known = ttls_is_known(e.ttls, truth_alias(t, i)->rdata, q->type, q->now_ns);
	now.q = *q;
	now.at_ns = q->now_ns;
	now.findings.n = 0;
	if (is_known) {
		e.counts.hits++;
		return end(&now, ENGINE_HIT);
	}
	const uint8_t *registered = name_registered(q->name.wire);
	if (registered != NULL)
		seen_note(e.seen, e.changes, registered, &q->client, WALL_S + q->now_ns / NS_PER_S);
	truth_copy(&now.truth, t);
	now.name = now.q.name.wire;
	now.hop = now.known_labels = now.n_minimised = 0;
	now.charged_zone = NULL;
	now.was_held = false;
	return go(&now);
}

static void tick(uint64_t now_s)
{
	struct seen_changes *const changes[] = { e.changes };
	if (now_s < e.ticked_s + 60)
		return;
	e.ticked_s = now_s;
	if (seen_tick(e.seen, changes, 1) != 0)
		die("cannot be kept", "what was seen");
	table_tick(&e.incidents, (uint32_t)(WALL_S + now_s));
	for (unsigned i = 0; i < e.incidents.n_clients && e.incidents.n_pending > 0; i++) {
		struct client *c = &e.incidents.clients[i];
		if (table_is_used(c) && c->pending != 0)
			tell_incident(c, now_s * NS_PER_S);
	}
}

void engine_wait(uint64_t until_ns)
{
	while (e.n_held > 0 && e.held[0]->at_ns <= until_ns) {
		struct run *r = take_held();
		go(r);
		free(r);
	}
	tick(until_ns / NS_PER_S);
}

struct engine_counts engine_counts(void)
{
	return e.counts;
}

uint64_t engine_found(enum detector_id d, enum detect_confidence c)
{
	struct detect_counts n;
	detect_count(e.detect, d, &n);
	return c == DETECT_LOW ? n.low : c == DETECT_MEDIUM ? n.medium : n.high;
}

size_t engine_bytes(void)
{
	return e.detect != NULL ? detect_bytes(e.detect) : 0;
}

struct detect *engine_detect(void)
{
	return e.detect;
}
