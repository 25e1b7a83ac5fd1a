/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leak budget. What a packet tells the servers of a zone is counted in bits, as the length of a
 * prefix code for (which name, which type); each bit is owed by several buckets, which are paid off
 * at fixed rates; a packet that one of them cannot bear waits. docs/detection.md has the proof of
 * what that bounds.
 */
#include "detect/leak.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "detect/bits.h"
#include "detect/ceilings.h"
#include "detect/debts.h"
#include "detect/detector.h"
#include "detect/learned.h"
#include "detect/names.h"

enum {
	PAIRS_PER_CLIENT =
		16, /* (client, servers) that owe something at the same time, on average */
	DOMAINS_PER_CLIENT = 4,
	NETWORK_FACTOR = 10, /* an IPv6 network of 64 bits, to one of its addresses */
	SURE_TIMES = 3,      /* so many budgets were asked for: a tunnel */
	ASKED_TIMES = 16,    /* more is not remembered */
};

#define US_PER_H UINT64_C(3600000000)

struct leak {
	struct debts *clients, *pairs, *domains;
	struct names *names; /* one a place of clients */
	struct learned *learned;
};

struct leak_options {
	uint64_t rate_bits; /* an hour */
	uint64_t learn_s;   /* 0: nothing is learned, nor was */
	uint64_t burst_us;  /* of a client: so long it takes to pay off its whole budget */
};

/* ---- state ---- */

static void leak_stop(void *state)
{
	struct leak *l = state;
	debts_free(l->clients);
	debts_free(l->pairs);
	debts_free(l->domains);
	learned_free(l->learned);
	pages_release(l->names);
	free(l);
}

static int leak_start(const struct config *c, void **ret_state)
{
	struct leak *l = calloc(1, sizeof *l);
	size_t n = c->detect.clients;
	if (l == NULL)
		return -ENOMEM;
	int e = debts_new(n, &l->clients);
	if (e == 0)
		e = debts_new(n * PAIRS_PER_CLIENT, &l->pairs);
	if (e == 0)
		e = debts_new(n * DOMAINS_PER_CLIENT, &l->domains);
	if (e == 0)
		e = learned_new(&l->learned);
	if (e == 0) {
		l->names = pages_zeroed(debts_places(l->clients) * sizeof *l->names);
		e = l->names != NULL ? 0 : -ENOMEM;
	}
	if (e != 0) {
		leak_stop(l);
		return e;
	}
	*ret_state = l;
	return 0;
}

static size_t leak_bytes(const void *state)
{
	const struct leak *l = state;
	return sizeof *l + debts_bytes(l->clients) + debts_bytes(l->pairs) +
	       debts_bytes(l->domains) + sizeof *l->learned +
	       debts_places(l->clients) * sizeof *l->names;
}

static int leak_prepare(const struct config *c, void **ret_prepared)
{
	struct leak_options *o = malloc(sizeof *o);
	if (o == NULL)
		return -ENOMEM;
	o->rate_bits = c->detect.leak_rate * 8ULL;
	o->learn_s = c->detect.leak_learn_s;
	o->burst_us = c->detect.leak_burst * 8ULL * US_PER_H / o->rate_bits;
	*ret_prepared = o;
	return 0;
}

/* ---- where it goes ---- */

struct target {
	const uint8_t *zone;       /* what is below it is told to its servers */
	const uint8_t *registered; /* a pointer into it */
	enum zone_kind kind;
	uint64_t servers_key; /* of the zone's servers, whatever they are */
};

/* A forwarder shows nothing of delegations: the registered domain stands for one, or the network. */
static const uint8_t *find_owned(const struct detect_call *call, const uint8_t *name)
{
	struct zone_facts f = detector_zone(call, name);
	unsigned labels = name_labels(name), n = f.registered_labels;
	if (f.kind == ZONE_REVERSE)
		return zones_reverse_owner(name);
	return n > 0 && n < labels ? name_skip(name, labels - n) : name;
}

/* False: nothing is told to anybody who could be meant. */
static bool find_target(const struct detect_call *call, struct target *ret)
{
	const struct detect_question *q = call->q;
	const uint8_t *zone = q->zone.name;
	if (zone == NULL || (q->zone.is_forward && !name_is_root(zone)))
		return false; /* the operator's own servers */
	if (q->zone.is_forward)
		zone = find_owned(call, q->name);
	struct zone_facts f = detector_zone(call, zone);
	if (f.kind == ZONE_REGISTRY)
		return false;
	/* What answers for names of a vendor's zone, is it above it or below, is the vendor's own. */
	if (f.kind != ZONE_VENDOR && detector_is_vendors(call, zone, q->name))
		f.kind = ZONE_VENDOR;
	unsigned labels = name_labels(zone);
	bool is_whole = f.registered_labels == 0 || f.registered_labels > labels;
	unsigned n = is_whole ? labels : f.registered_labels;
	*ret = (struct target){ .zone = zone,
		                .registered = name_skip(zone, labels - n),
		                .kind = f.kind,
		                .servers_key = q->zone.servers_hash };
	/* What the suffixes say of reverse names is the whole world's; and there the network is bought, not servers. */
	if (f.kind == ZONE_REVERSE) {
		ret->registered = zones_reverse_owner(zone);
		ret->servers_key = detector_hash_name(call, ret->registered);
	}
	if (ret->servers_key == 0)
		ret->servers_key = detector_hash_name(call, zone);
	return true;
}

/* The keys of those who will owe it. */
struct keys {
	uint64_t client, network, domain;
	uint64_t servers; /* of the client and the servers, by their names */
	uint64_t address; /* of the client and the server's network; 0: it is not known */
};

static uint64_t key_of_client(const struct detect_call *call)
{
	const struct addr *client = call->q->client;
	uint64_t key =
		1 ^ (client->is_v4 ? detector_hash_network(call, client)
	                           : detector_hash(call, client->bytes, sizeof client->bytes));
	return key != 0 ? key : 1;
}

static uint64_t key_of_pair(const struct detect_call *call, uint64_t client, uint64_t servers)
{
	return detector_hash_pair(call, client, servers);
}

/* The place of the domain comes from memory while the name is being read; of the others see leak_foresee(). */
static void find_keys(const struct detect_call *call, const struct target *t, struct keys *ret)
{
	const struct leak *l = call->state;
	const struct detect_zone *z = &call->q->zone;
	ret->domain = detector_hash_name(call, t->registered);
	debts_prefetch(l->domains, ret->domain);
	ret->client = key_of_client(call);
	ret->servers = key_of_pair(call, ret->client, t->servers_key);
	bool has_server = !z->is_forward && z->server != NULL;
	ret->address =
		has_server ? key_of_pair(call, ret->client, detector_hash_network(call, z->server))
			   : 0;
	ret->network = detector_hash_network(call, call->q->client);
	if (!call->q->client->is_v4)
		debts_prefetch(l->clients, ret->network);
}

/* ---- what it tells ---- */

/* A name below the zone, label by label from there. */
struct path {
	const uint8_t *labels[NAME_MAX_LABELS];
	uint32_t tags[NAME_MAX_LABELS + 1]; /* tags[i]: of the name with i labels below the zone */
	unsigned n;
};

static uint32_t tag_of(uint64_t hash)
{
	uint32_t tag = (uint32_t)(hash >> 32);
	return tag != 0 ? tag : 1;
}

static void walk_path(const struct detect_call *call, const struct target *t, uint64_t client_key,
                      const uint8_t *name, struct path *ret)
{
	unsigned all = name_labels(name), above = name_labels(t->zone);
	uint64_t h = detector_hash_pair(call, client_key, detector_hash_name(call, t->zone));
	ret->n = all > above ? all - above : 0;
	ret->tags[0] = tag_of(h);
	for (unsigned i = 0; i < ret->n; i++) {
		const uint8_t *label = name_skip(name, ret->n - 1 - i);
		ret->labels[i] = label;
		h = detector_hash_pair(call, h, detector_hash(call, label, label[0] + 1U));
		ret->tags[i + 1] = tag_of(h);
	}
}

/* Sixteenths of a bit to choose this name after what the client has sent before. */
static uint32_t bits_of_path(const struct path *p, const struct names *names, uint32_t last)
{
	enum names_where where = names_find(names, last, p->tags[p->n]);
	if (where != NAMES_NEW)
		return names_bits_again(where);
	unsigned known = p->n;
	while (known > 0 && where == NAMES_NEW)
		where = names_find(names, last, p->tags[--known]);
	uint32_t bits = names_bits_below(where);
	for (unsigned i = known; i < p->n; i++)
		bits += bits_of_label(p->labels[i]) + BITS_UNIT; /* and whether more follow */
	return bits;
}

/* The last packets: the name's tag in the low half, and that of name and type, to whom it counts, above. */
static uint32_t last_of(uint64_t extra)
{
	return (uint32_t)extra;
}

static uint32_t before_of(uint64_t extra)
{
	return (uint32_t)(extra >> 32);
}

static uint32_t packet_tag(const struct path *p, uint16_t type)
{
	uint32_t tag = (p->tags[p->n] ^ type) * 2654435761U;
	return tag ^ tag >> 15;
}

/* Of all that is not counted in full no guess is made: it comes between, and hardly matters. */
static bool is_guessed(const struct target *t)
{
	return t->kind == ZONE_ANYBODY;
}

static uint32_t bits_of_packet(const struct target *t, const struct path *p,
                               const struct names *names, uint64_t extra, uint16_t type)
{
	uint32_t bits = bits_of_path(p, names, last_of(extra)) + bits_of_type(type), guess;
	if (!is_guessed(t) || !names_guess(names, before_of(extra), &guess))
		return bits;
	return guess == packet_tag(p, type) ? names_bits_right() : bits + names_bits_wrong();
}

static void remember(const struct target *t, const struct path *p, struct names *names,
                     struct debt *client, uint16_t type, uint64_t now_us)
{
	uint32_t dice = (uint32_t)(now_us * 2654435761U >> 7);
	uint64_t extra = atomic_load_explicit(&client->extra, memory_order_relaxed);
	uint32_t before = before_of(extra);
	if (is_guessed(t)) {
		uint32_t tag = packet_tag(p, type);
		names_learn(names, before, tag, dice);
		before = tag;
	}
	for (unsigned i = 0; i <= p->n; i++)
		names_put(names, p->tags[i], dice++);
	atomic_store_explicit(&client->extra, (uint64_t)before << 32 | p->tags[p->n],
	                      memory_order_relaxed);
}

/* ---- who owes it ---- */

enum scope_of {
	OF_SERVERS, /* one client, to these servers by their names */
	OF_ADDRESS, /* by the network of the one asked */
	OF_CLIENT,  /* to all servers */
	OF_NETWORK, /* all clients of an IPv6 network, to all servers */
	OF_DOMAIN,  /* all clients, to the registered domain */
	SCOPES
};

struct scope {
	struct debt *debt; /* NULL: does not count */
	uint64_t cost_us, budget_us;
};

struct charge {
	const struct leak_options *o;
	struct scope scopes[SCOPES];
	struct learned_domain *learned; /* NULL: nothing is known of it */
	uint64_t now_us;
	uint32_t bits; /* sixteenths */
};

static uint64_t cost_us(const struct charge *c, uint64_t factor)
{
	return c->bits * (US_PER_H / BITS_UNIT) / (c->o->rate_bits * factor) + 1;
}

/* All of them before one is looked at: each has to come from memory. */
static void take_debts(const struct detect_call *call, const struct keys *k, struct debt *client,
                       struct charge *ret)
{
	const struct leak *l = call->state;
	uint64_t now_us = ret->now_us;
	struct scope *s = ret->scopes;
	s[OF_DOMAIN].debt = debts_take(l->domains, k->domain, now_us);
	s[OF_SERVERS].debt = debts_take(l->pairs, k->servers, now_us);
	if (k->address != 0)
		s[OF_ADDRESS].debt = debts_take(l->pairs, k->address, now_us);
	s[OF_CLIENT].debt = client;
	if (!call->q->client->is_v4)
		s[OF_NETWORK].debt = debts_take(l->clients, k->network, now_us);
}

static void fill_scopes(struct detect_call *call, const struct target *t, const struct keys *k,
                        struct charge *ret)
{
	const struct leak *l = call->state;
	struct ceiling f = ceiling_of_kind(t->kind);
	uint64_t budget_us = ret->o->burst_us, now_us = ret->now_us;
	struct scope *s = ret->scopes;
	if (ceiling_note_client(&s[OF_DOMAIN].debt->extra, k->network, now_us) &&
	    t->kind == ZONE_ANYBODY)
		ceiling_raise(&f, CEILING_PREVALENT_FACTOR,
		              ceiling_is_crowd(&s[OF_DOMAIN].debt->extra) ? CEILING_CROWD_ALL
		                                                          : CEILING_PREVALENT_ALL);
	if (ret->o->learn_s > 0 && t->kind == ZONE_ANYBODY)
		ret->learned = learned_find(l->learned, t->registered);
	if (ret->learned != NULL)
		learned_raise(ret->learned, &f);
	s[OF_SERVERS] =
		(struct scope){ s[OF_SERVERS].debt, cost_us(ret, f.servers), budget_us / 2 };
	s[OF_ADDRESS] =
		(struct scope){ s[OF_ADDRESS].debt, cost_us(ret, f.address), budget_us / 2 };
	s[OF_CLIENT] = (struct scope){ s[OF_CLIENT].debt, cost_us(ret, f.client), budget_us };
	s[OF_NETWORK] =
		(struct scope){ s[OF_NETWORK].debt,
		                cost_us(ret, (uint64_t)f.client * NETWORK_FACTOR), budget_us };
	s[OF_DOMAIN] = (struct scope){ s[OF_DOMAIN].debt, cost_us(ret, f.domain), budget_us };
}

/* How long until all of them can bear it; *ret_worst: the last one. 0: now. */
static uint64_t find_wait_us(const struct charge *c, enum scope_of *ret_worst)
{
	uint64_t wait_us = 0;
	for (unsigned i = 0; i < SCOPES; i++) {
		const struct scope *s = &c->scopes[i];
		if (s->debt == NULL)
			continue;
		uint64_t then_us = debt_owed_us(&s->debt->paid_us, c->now_us) + s->cost_us;
		if (then_us > s->budget_us && then_us - s->budget_us > wait_us) {
			wait_us = then_us - s->budget_us;
			*ret_worst = (enum scope_of)i;
		}
	}
	return wait_us;
}

static void owe(const struct charge *c)
{
	for (unsigned i = 0; i < SCOPES; i++) {
		const struct scope *s = &c->scopes[i];
		if (s->debt != NULL)
			debt_add_most_us(&s->debt->paid_us, c->now_us, s->cost_us,
			                 s->budget_us * 2 + s->cost_us);
	}
}

/* What was asked for, whatever came of it. True: so much that nothing but a tunnel does it. */
static bool note_asked(const struct charge *c, bool is_retry)
{
	static const enum scope_of asked[] = { OF_SERVERS, OF_ADDRESS, OF_DOMAIN };
	bool is_sure = false;
	for (unsigned i = 0; i < ARRAY_LEN(asked); i++) {
		const struct scope *s = &c->scopes[asked[i]];
		if (s->debt == NULL)
			continue;
		/* What was asked for before its ceiling was raised is not held against it. */
		if (c->learned != NULL &&
		    atomic_load_explicit(&c->learned->factor, memory_order_relaxed) > 1)
			debt_forgive_us(&s->debt->asked_us, c->now_us, s->budget_us * SURE_TIMES);
		uint64_t more_us = is_retry ? s->cost_us / (c->bits / BITS_UNIT + 1) : s->cost_us;
		debt_note_most_us(&s->debt->asked_us, c->now_us, more_us,
		                  s->budget_us * ASKED_TIMES);
		is_sure |= debt_owed_us(&s->debt->asked_us, c->now_us) > s->budget_us * SURE_TIMES;
	}
	return is_sure;
}

/* Did this packet take one of the client's own budgets over three quarters? */
static bool is_near(const struct charge *c)
{
	for (unsigned i = 0; i <= OF_CLIENT; i++) {
		const struct scope *s = &c->scopes[i];
		uint64_t limit_us = s->budget_us / 4 * 3;
		if (s->debt == NULL)
			continue;
		uint64_t owed_us = debt_owed_us(&s->debt->paid_us, c->now_us);
		if (owed_us <= limit_us && owed_us + s->cost_us > limit_us)
			return true;
	}
	return false;
}

/* Is one of the domain's budgets half used up, or half of it asked for? */
static bool is_half(const struct charge *c)
{
	static const enum scope_of of_domain[] = { OF_SERVERS, OF_ADDRESS, OF_DOMAIN };
	for (unsigned i = 0; i < ARRAY_LEN(of_domain); i++) {
		const struct scope *s = &c->scopes[of_domain[i]];
		if (s->debt != NULL &&
		    (debt_owed_us(&s->debt->paid_us, c->now_us) > s->budget_us / 2 ||
		     debt_owed_us(&s->debt->asked_us, c->now_us) > s->budget_us / 2))
			return true;
	}
	return false;
}

/* What a client wants to tell a domain, granted or not, is what it may turn out to need. */
static void note_need(struct detect_call *call, const struct charge *c, const struct target *t)
{
	const struct leak *l = call->state;
	struct learned_domain *d = c->learned;
	if (c->o->learn_s == 0 || t->kind != ZONE_ANYBODY || call->factor != 1)
		return; /* what others have something against is not to be learned */
	if (d == NULL && is_half(c))
		d = learned_add(l->learned, t->registered);
	if (d != NULL)
		learned_note(l->learned, d, call->q->client, c->bits / BITS_UNIT + 1);
}

/* ---- what is said ---- */

static const char *const scope_texts[SCOPES] = {
	[OF_SERVERS] = "from this client to this domain's servers",
	[OF_ADDRESS] = "from this client to this server",
	[OF_CLIENT] = "from this client to unpopular domains",
	[OF_NETWORK] = "from this client's network",
	[OF_DOMAIN] = "from all clients to this domain",
};

/* An amount of a scope's time as bits: what that much costs. */
static int64_t bits_of_us(const struct charge *c, const struct scope *s, uint64_t us)
{
	return (int64_t)((double)us / (double)s->cost_us * c->bits / BITS_UNIT);
}

static void add_evidence(const struct charge *c, enum scope_of worst, uint64_t wait_us,
                         struct detect_finding *f)
{
	const struct scope *s = &c->scopes[worst];
	detector_evidence(f, "bits", c->bits / BITS_UNIT);
	detector_evidence(f, "owed_bits",
	                  bits_of_us(c, s, debt_owed_us(&s->debt->paid_us, c->now_us)));
	detector_evidence(f, "budget_bits", bits_of_us(c, s, s->budget_us));
	detector_evidence(
		f, "asked_bits",
		bits_of_us(c, &c->scopes[OF_SERVERS],
	                   debt_owed_us(&c->scopes[OF_SERVERS].debt->asked_us, c->now_us)));
	detector_evidence(f, "wait_s", (int64_t)(wait_us / 1000000));
}

/* ---- the detector ---- */

/* The packet goes, or not yet, or not at all: true if it is to be charged. */
static bool judge(struct detect_call *call, const struct charge *c, bool is_retry)
{
	struct detect_finding *f;
	enum scope_of worst = OF_SERVERS;
	uint64_t wait_us = find_wait_us(c, &worst);
	bool is_sure = note_asked(c, is_retry);
	if (is_sure) {
		enum detect_action a = detector_found(
			call, DETECT_HIGH, &f,
			"information %s: many times the budget was asked for", scope_texts[worst]);
		add_evidence(c, worst, wait_us, f);
		if (a == DETECT_BLOCK)
			return false;
		if (a == DETECT_THROTTLE && wait_us > 0) {
			detector_defer(call, wait_us / 1000 + 1);
			return false;
		}
		return true;
	}
	if (wait_us > 0) {
		enum detect_action a =
			detector_found(call, DETECT_MEDIUM, &f, "information %s: over the budget",
		                       scope_texts[worst]);
		add_evidence(c, worst, wait_us, f);
		if (a == DETECT_THROTTLE)
			detector_defer(call, wait_us / 1000 + 1);
		return a != DETECT_THROTTLE && a != DETECT_BLOCK;
	}
	if (is_near(c)) {
		enum detect_action a =
			detector_found(call, DETECT_LOW, &f,
		                       "information: three quarters of a budget are used up");
		add_evidence(c, worst, 0, f);
		return a != DETECT_BLOCK;
	}
	return true;
}

static void leak_question(struct detect_call *call)
{
	struct leak *l = call->state;
	const struct detect_question *q = call->q;
	struct target t;
	struct keys k;
	struct path path;
	if (q->is_again || !find_target(call, &t))
		return;
	struct charge c = { .o = call->prepared, .now_us = q->now_ns / 1000 + 1 };
	find_keys(call, &t, &k);
	struct debt *client = debts_take(l->clients, k.client, c.now_us);
	struct names *names = &l->names[debts_place_of(l->clients, client)];
	__builtin_prefetch(names, 1);
	debts_prefetch_place(l->pairs, k.servers);
	if (k.address != 0)
		debts_prefetch_place(l->pairs, k.address);
	walk_path(call, &t, k.client, q->name, &path);
	for (unsigned i = 0; i <= path.n; i++)
		names_prefetch(names, path.tags[i]);
	uint64_t extra = atomic_load_explicit(&client->extra, memory_order_relaxed);
	names_prefetch_guess(names, before_of(extra));
	take_debts(call, &k, client, &c);
	c.bits = bits_of_packet(&t, &path, names, extra, q->sent_type);
	c.bits *= call->factor;
	fill_scopes(call, &t, &k, &c);
	/* One that was refused a moment ago is known by its other tag; sent, it costs what it costs. */
	uint32_t refused = ~path.tags[path.n] | 1;
	bool is_retry = names_find(names, 0, refused) != NAMES_NEW;
	bool may_go = judge(call, &c, is_retry);
	if (!is_retry)
		note_need(call, &c, &t);
	if (may_go) {
		owe(&c);
		remember(&t, &path, names, client, q->sent_type, c.now_us);
	} else if (!is_retry) {
		names_put(names, refused, (uint32_t)c.now_us);
	}
}

/* All but the domain's: what that is is to be found out yet. */
static void leak_foresee(struct detect_call *call)
{
	const struct leak *l = call->state;
	const struct detect_zone *z = &call->q->zone;
	if (call->q->is_again || z->name == NULL || z->is_forward || z->servers_hash == 0)
		return;
	uint64_t client = key_of_client(call);
	debts_prefetch(l->clients, client);
	debts_prefetch(l->pairs, key_of_pair(call, client, z->servers_hash));
	if (z->server != NULL)
		debts_prefetch(l->pairs,
		               key_of_pair(call, client, detector_hash_network(call, z->server)));
}

static void tell_debt(struct detect_call *call, const char *what, const struct debt *d,
                      const struct leak_options *o, uint64_t budget_us, uint64_t now_us)
{
	uint64_t owed_us = d != NULL ? debt_owed_us(&d->paid_us, now_us) : 0;
	detector_tell(
		call, "%s: %u%% of the budget is used up, %llu of %llu bytes", what,
		(unsigned)(owed_us * 100 / budget_us),
		(unsigned long long)(owed_us / 1000 * o->rate_bits / (US_PER_H / 1000) / 8),
		(unsigned long long)(budget_us / 1000 * o->rate_bits / (US_PER_H / 1000) / 8));
}

static void tell_learned(struct detect_call *call, const struct learned_domain *d)
{
	uint32_t need;
	if (d == NULL)
		return;
	unsigned n = learned_clients(d, LEARNED_CLIENTS_MIN - 1, &need);
	if (d->factor > 1)
		detector_tell(call, "it was learned that it needs more: %u times the budget%s",
		              d->factor, d->is_confirmed ? " (confirmed)" : "");
	else
		detector_tell(
			call,
			"%u of its clients have needed more than the budget in two hours; with "
			"%u its ceiling is raised",
			n, LEARNED_CLIENTS_MIN);
}

static void leak_explain(struct detect_call *call)
{
	static const char *const kinds[ZONE_KINDS] = {
		[ZONE_REGISTRY] = "a registry's zone: what it is asked is not counted",
		[ZONE_ANYBODY] = "an unpopular domain: the whole of what it is told counts",
		[ZONE_POPULAR] = "a popular domain: a sixteenth counts, of the client a hundredth",
		[ZONE_REVERSE] =
			"a reverse zone: a quarter counts, for each network of 16 bits (IPv6: 32)",
		[ZONE_VENDOR] = "a zone of a known vendor or list: a 40000th counts",
	};
	const struct leak *l = call->state;
	const struct leak_options *o = call->prepared;
	const struct detect_question *q = call->q;
	uint64_t now_us = q->now_ns / 1000 + 1;
	struct target t;
	if (q->zone.name == NULL)
		return;
	if (!find_target(call, &t)) {
		detector_tell(call, "%s",
		              q->zone.is_forward ? "the operator's own servers: not counted"
		                                 : kinds[ZONE_REGISTRY]);
		return;
	}
	uint64_t client_key = key_of_client(call);
	detector_tell(call, "%s", kinds[t.kind]);
	if (o->learn_s > 0 && t.kind == ZONE_ANYBODY)
		tell_learned(call, learned_find(l->learned, t.registered));
	tell_debt(call, "this client, unpopular domains",
	          debts_find(l->clients, client_key, now_us), o, o->burst_us, now_us);
	tell_debt(call, "this client, these servers",
	          debts_find(l->pairs, key_of_pair(call, client_key, t.servers_key), now_us), o,
	          o->burst_us / 2, now_us);
}

static void leak_tick(void *state, const void *prepared, uint64_t now_s)
{
	struct leak *l = state;
	const struct leak_options *o = prepared;
	learned_tick(l->learned, o->rate_bits, o->learn_s, now_s);
}

struct learned *leak_learned(const void *state)
{
	return ((const struct leak *)state)->learned;
}

const struct detector detector_leak = {
	.start = leak_start,
	.stop = leak_stop,
	.bytes = leak_bytes,
	.prepare = leak_prepare,
	.release = free,
	.question = leak_question,
	.foresee_question = leak_foresee,
	.explain = leak_explain,
	.tick = leak_tick,
};
