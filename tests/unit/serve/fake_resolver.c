/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "dns/text.h"

bool bench_counts_allocations;
bool bench_uses_dns64, bench_checks_rebinding, bench_is_strict, bench_leaves_do_out;
struct policy_list_spec bench_zone = { .is_rpz = true };
unsigned bench_n_allocations;
static uint64_t clock_offset_ns;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
uint64_t __real_clock_mono_ns(void);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
uint64_t __wrap_clock_mono_ns(void);
void __wrap_events_put(struct event_ring *r, const struct event *e);

void *__wrap_malloc(size_t n)
{
	bench_n_allocations += bench_counts_allocations;
	return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	bench_n_allocations += bench_counts_allocations;
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	bench_n_allocations += bench_counts_allocations;
	return __real_realloc(p, n);
}

uint64_t __wrap_clock_mono_ns(void)
{
	return __real_clock_mono_ns() + clock_offset_ns;
}

enum security bench_security;

static char strict_list[POLICY_LIST_NAME_MAX + 1];

void __wrap_events_put(struct event_ring *r, const struct event *e)
{
	(void)r;
	snprintf(strict_list, sizeof strict_list, "%s",
	         e->has_strict && e->strict_list != NULL ? e->strict_list : "");
}

struct bench {
	struct loop *loop;
	struct cache *cache;
	struct resolver *resolver;
	struct serve serve;
	struct serve_options options;
	struct origin udp, tcp;
	char folder[64];
	bool default_deny;
	size_t n_out;
	uint8_t out[DNS_MAX_MESSAGE];
	char text[4096];
	bool is_finished;
};

/* ---- the resolver ---- */

struct resolver {
	struct loop *loop;
	struct cache *cache;
	const struct fact *facts;
	size_t n_facts;
	bool is_broken;
	unsigned n_asked;
	bool is_late_refresh; /* the last one */
	struct resolve_request *late;
};

static struct resolver fake;

int resolver_new(const struct resolve_config *config, struct loop *loop, struct cache *cache,
                 struct resolver **ret)
{
	(void)config;
	fake.loop = loop;
	fake.cache = cache;
	*ret = &fake;
	return 0;
}

void resolver_free(struct resolver *r)
{
	(void)r;
}

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static const struct fact *find_fact(const uint8_t *name, uint16_t type)
{
	for (size_t i = 0; i < fake.n_facts; i++) {
		struct name n = name_of(fake.facts[i].name);
		const char *a = fake.facts[i].answer;
		bool fits = strncmp(a, "A ", 2) == 0      ? type == DNS_A
		            : strncmp(a, "AAAA ", 5) == 0 ? type == DNS_AAAA
		            : strncmp(a, "HINT ", 5) == 0 ? type == DNS_HTTPS
		                                          : true;
		if (name_equal(n.wire, name) && fits)
			return &fake.facts[i];
	}
	return NULL;
}

static const struct cut *make_cut(const struct fact *f)
{
	struct name zone = name_of(f->zone != NULL ? f->zone : "example");
	const char *text = f->server_name != NULL ? f->server_name : "ns.example";
	struct name server = name_of(*text == '-' ? text + 1 : text);
	struct addr addr = addr_v4(0xcb007105); /* 203.0.113.5 */
	struct cut_plan_server s = { .name = server.wire,
		                     .n_addrs = *text == '-' ? 0 : 1,
		                     .addrs = &addr };
	struct cut_plan plan = { .zone = zone.wire,
		                 .hash = name_hash(zone.wire),
		                 .now_s = loop_now_s(fake.loop),
		                 .ttl_s = 300,
		                 .n_servers = 1,
		                 .servers = &s };
	struct cut *c;
	assert_int_equal(cut_new(&plan, &c), 0);
	return c;
}

/* An HTTPS record in service mode with one IPv4 hint. */
static size_t make_hint(const char *text, uint8_t *ret)
{
	struct addr a;
	static const uint8_t head[] = { 0, 1, 0, 0, 4, 0, 4 };
	assert_int_equal(addr_from_text(text, strlen(text), &a), 0);
	memcpy(ret, head, sizeof head);
	memcpy(ret + sizeof head, a.bytes + 12, 4);
	return sizeof head + 4;
}

struct chain {
	struct answer_rr rrs[ANSWER_MAX_HOPS + 1];
	struct name names[ANSWER_MAX_HOPS + 1];
	uint8_t datas[ANSWER_MAX_HOPS + 1][NAME_MAX_BYTES];
	const struct cut *cuts[ANSWER_MAX_CUTS];
	unsigned n_rrs, n_cuts;
	uint8_t rcode;
};

static void follow(struct chain *c, const uint8_t *name, uint16_t type)
{
	name_set(&c->names[0], name);
	for (unsigned hop = 0; hop < ANSWER_MAX_HOPS; hop++) {
		const struct fact *f = find_fact(c->names[hop].wire, type);
		struct answer_rr *rr = &c->rrs[c->n_rrs];
		struct addr a;
		if (f == NULL || strcmp(f->answer, "NXDOMAIN") == 0) {
			c->rcode = f == NULL ? RCODE_NOERROR : RCODE_NXDOMAIN;
			return;
		}
		const char *value = strchr(f->answer, ' ') + 1;
		c->cuts[c->n_cuts++] = make_cut(f);
		*rr = (struct answer_rr){ .owner = c->names[hop].wire,
			                  .rdata = c->datas[hop],
			                  .ttl_s = 300 };
		c->n_rrs++;
		if (strncmp(f->answer, "CNAME ", 6) == 0) {
			c->names[hop + 1] = name_of(value);
			rr->type = DNS_CNAME;
			rr->rdata_len = c->names[hop + 1].len;
			memcpy(c->datas[hop], c->names[hop + 1].wire, rr->rdata_len);
			continue;
		}
		rr->type = type;
		if (strncmp(f->answer, "HINT ", 5) == 0) {
			rr->rdata_len = (uint16_t)make_hint(value, c->datas[hop]);
			return;
		}
		assert_int_equal(addr_from_text(value, strlen(value), &a), 0);
		rr->rdata_len = a.is_v4 ? 4 : 16;
		memcpy(c->datas[hop], a.is_v4 ? a.bytes + 12 : a.bytes, rr->rdata_len);
		return;
	}
}

static void answer(struct resolver *r, struct resolve_request *request)
{
	static struct chain c;
	struct answer *a;
	memset(&c, 0, sizeof c);
	follow(&c, request->name, request->type);
	struct answer_plan plan = { .name = request->name,
		                    .hash = request->hashes->h[0],
		                    .type = request->type,
		                    .rcode = c.rcode,
		                    .now_s = loop_now_s(r->loop),
		                    .ttl_s = 300,
		                    .rrs = c.rrs,
		                    .n_rrs = c.n_rrs,
		                    .cuts = c.cuts,
		                    .n_cuts = c.n_cuts,
		                    .security = bench_security,
		                    .ede_code = bench_security == SECURITY_BOGUS ? 7 : 0,
		                    .ede_text = "signature expired" };
	assert_int_equal(answer_new(&plan, &a), 0);
	for (unsigned i = 0; i < c.n_cuts; i++)
		cut_put(c.cuts[i]);
	cache_put_answer(r->cache, a);
	struct resolve_result result = { .status = RESOLVE_ANSWERED, .answer = a, .n_packets = 1 };
	request->done(request, &result);
}

void resolve_start(struct resolver *r, struct resolve_request *request)
{
	const struct fact *f = find_fact(request->name, request->type);
	r->n_asked++;
	if (r->is_broken || (f != NULL && strcmp(f->answer, "SERVFAIL") == 0)) {
		struct resolve_result result = { .status = RESOLVE_FAILED,
			                         .ede_code = 22,
			                         .ede_text = "no server answers" };
		request->done(request, &result);
		return;
	}
	if (f != NULL && strcmp(f->answer, "LATE") == 0) {
		r->late = request;
		return;
	}
	answer(r, request);
}

void resolve_cancel(struct resolver *r, struct resolve_request *request)
{
	(void)r;
	(void)request;
}

void resolve_refresh(struct resolver *r, const struct resolve_request *what)
{
	r->n_asked++;
	r->is_late_refresh = what->is_late;
}

/* ---- the transport ---- */

static struct bench *current;

static uint8_t *buffer(struct query *q, size_t *ret_room)
{
	(void)q;
	*ret_room = q->origin->is_stream ? DNS_MAX_MESSAGE : QUERY_OUT_MIN;
	return current->out;
}

static void finish(struct query *q)
{
	current->is_finished = true;
	current->n_out = q->out_bytes;
	query_free(q);
}

/* ---- the policy ---- */

static void add_rule(struct policy_builder *builder, uint16_t list, const struct rule *r)
{
	struct policy_rule rule = { .scope = POLICY_SCOPE_TREE };
	if (strncmp(r->list, "zone", 4) == 0) {
		rule.action = r->action;
		rule.own_match = (uint8_t)(r->match + 1);
		rule.data = r->data;
	}
	struct addr_prefix prefix;
	const char *text = r->rule;
	if (addr_prefix_from_text(text, strlen(text), &prefix) == 0) {
		assert_int_equal(policy_builder_add_prefix(builder, list, &prefix, &rule), 0);
		return;
	}
	if (*text == '=') {
		rule.scope = POLICY_SCOPE_EXACT;
		text++;
	} else if (strncmp(text, "*.", 2) == 0) {
		rule.scope = POLICY_SCOPE_BELOW;
		text += 2;
	}
	struct name n = name_of(text);
	assert_int_equal(policy_builder_add_name(builder, list, n.wire, &rule), 0);
}

static void set_soa(struct policy_builder *builder, uint16_t list, const char *zone)
{
	static const uint8_t soa[22] = { 0, 0, 0, 0, 0, 7 };
	struct name n = name_of(zone);
	assert_int_equal(policy_builder_set_soa(builder, list, n.wire, 60, soa, sizeof soa), 0);
}

void bench_set_rules(struct bench *b, const struct rule *rules, size_t n_rules)
{
	static struct policy_list_spec specs[16];
	static struct addr sink[2];
	static struct name garden;
	struct policy_builder *builder;
	struct policy_image *image;
	struct policy *p;
	char path[128];
	uint8_t tag[32] = { 0 };
	unsigned n = 0;
	memset(specs, 0, sizeof specs);
	sink[0] = addr_v4(0xc6336407); /* 198.51.100.7 */
	sink[1] = sink[0];
	garden = name_of("garden.example");
	snprintf(path, sizeof path, "%s/image", b->folder);
	assert_int_equal(policy_builder_new(n_rules, &builder), 0);
	for (size_t i = 0; i < n_rules; i++) {
		unsigned k = 0;
		while (k < n && strcmp(specs[k].name, rules[i].list) != 0)
			k++;
		if (k == n) {
			struct policy_list_spec *s = &specs[n++];
			snprintf(s->name, sizeof s->name, "%s", rules[i].list);
			if (strncmp(s->name, "zone", 4) == 0)
				*s = bench_zone;
			snprintf(s->name, sizeof s->name, "%s", rules[i].list);
			if (!s->is_rpz)
				s->action = rules[i].action;
			s->match = rules[i].match;
			s->ede_code = 15;
			s->ttl_s = 30;
			if (s->is_rpz && bench_zone.ede_code != 0)
				s->ede_code = bench_zone.ede_code;
			s->data = (struct policy_data){ .addrs = sink,
				                        .n_addrs = 1,
				                        .target = garden.wire };
			uint16_t list;
			assert_int_equal(policy_builder_add_list(builder, s, &list), 0);
			assert_int_equal(list, k);
			if (s->is_rpz)
				set_soa(builder, list, s->name);
		}
		add_rule(builder, (uint16_t)k, &rules[i]);
	}
	for (uint16_t k = 0; k < n; k++)
		policy_builder_end_list(builder, k, 0, 0);
	assert_int_equal(policy_builder_write(builder, path, tag), 0);
	policy_builder_free(builder);
	assert_int_equal(policy_image_open(path, false, &image), 0);
	struct addr_prefix clients = { .addr = addr_v4(0x0a000000), .length = 8 };
	uint16_t lists[16];
	for (uint16_t k = 0; k < n; k++)
		lists[k] = k;
	struct policy_group_spec group = { .name = "default",
		                           .clients = &clients,
		                           .n_clients = 1,
		                           .lists = lists,
		                           .n_lists = n,
		                           .is_default_deny = b->default_deny,
		                           .deny_action = POLICY_NXDOMAIN,
		                           .is_strict = bench_is_strict,
		                           .use_dns64 = bench_uses_dns64,
		                           .is_rebinding_checked = bench_checks_rebinding };
	assert_int_equal(policy_new(image, specs, n, &group, 1, &p), 0);
	policy_image_put(image);
	policy_publish(p);
	rcu_quiet();
}

/* ---- the bench ---- */

struct bench *bench_new(const struct fact *facts, size_t n_facts, const struct rule *rules,
                        size_t n_rules, bool default_deny)
{
	static bool has_edits;
	struct bench *b = calloc(1, sizeof *b);
	assert_non_null(b);
	fake = (struct resolver){ .facts = facts, .n_facts = n_facts };
	b->default_deny = default_deny;
	snprintf(b->folder, sizeof b->folder, "/tmp/weir-serve-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	if (!has_edits)
		assert_int_equal(policy_edits_open(""), 0);
	has_edits = true;
	bench_set_rules(b, rules, n_rules);
	assert_int_equal(loop_new(&b->loop), 0);
	assert_int_equal(cache_new(1 << 20, &b->cache), 0);
	assert_int_equal(resolver_new(NULL, b->loop, b->cache, &b->resolver), 0);
	b->options = (struct serve_options){ .udp_size = 1232,
		                             .use_stale = true,
		                             .stale_max_s = 3600,
		                             .stale_wait_ms = 1800,
		                             .use_prefetch = true };
	serve_init(&b->serve, b->loop, b->cache, b->resolver, NULL, &b->options, 100);
	b->udp = (struct origin){ "udp", EVENT_UDP, false, buffer, finish };
	b->tcp = (struct origin){ "tcp", EVENT_TCP, true, buffer, finish };
	current = b;
	return b;
}

void bench_free(struct bench *b)
{
	char path[128];
	snprintf(path, sizeof path, "%s/image", b->folder);
	unlink(path);
	rmdir(b->folder);
	serve_done(&b->serve);
	rcu_drain();
	cache_free(b->cache);
	loop_free(b->loop);
	free(b);
	current = NULL;
}

static size_t describe_rr(const struct rr *rr, char *to, size_t room)
{
	char owner[NAME_TEXT_MAX];
	char value[NAME_TEXT_MAX] = "?";
	char type[DNS_TYPE_TEXT_MAX];
	name_to_text(rr->owner, owner);
	if (rr->type == DNS_A || rr->type == DNS_AAAA) {
		struct addr a = rr->type == DNS_A ? addr_from_bytes4(rr->rdata)
		                                  : addr_from_bytes16(rr->rdata);
		addr_to_text(&a, value);
	} else if (rr->type == DNS_CNAME) {
		name_to_text(rr->rdata, value);
	}
	return (size_t)snprintf(to, room, " %s %s %s", owner, dns_type_text(rr->type, type), value);
}

static const char *describe(struct bench *b)
{
	static uint8_t scratch[DNS_MAX_MESSAGE + 1024];
	struct message m;
	struct rr rr;
	size_t at;
	if (!b->is_finished)
		return "PARKED";
	if (b->n_out == 0)
		return "DROP";
	assert_int_equal(message_open(b->out, b->n_out, scratch, sizeof scratch, &m), 0);
	at = (size_t)snprintf(b->text, sizeof b->text, "%s%s", dns_rcode_text(m.flags & 0xf),
	                      (m.flags & FLAG_TC) != 0 ? " TC" : "");
	int e;
	while ((e = message_next(&m, &rr)) == 1) {
		if (rr.section == SECTION_ADDITIONAL && rr.type == DNS_SOA)
			at += (size_t)snprintf(b->text + at, sizeof b->text - at, " +SOA");
		if (rr.section == SECTION_ANSWER)
			at += describe_rr(&rr, b->text + at, sizeof b->text - at);
		for (size_t i = 0; rr.type == DNS_OPT && i + 6 <= rr.rdata_len;) {
			if (load16(rr.rdata + i) == 15)
				at += (size_t)snprintf(b->text + at, sizeof b->text - at, " EDE %u",
				                       load16(rr.rdata + i + 4));
			i += 4U + load16(rr.rdata + i + 2);
		}
	}
	assert_int_equal(e, 0);
	return b->text;
}

static void send_over(struct bench *b, const struct origin *origin, const uint8_t *bytes, size_t n)
{
	struct query *q = query_new(&b->serve);
	q->origin = origin;
	q->client.addr = addr_v4(0x0a000001);
	q->client.port = 4242;
	q->in_bytes = (uint16_t)(n < QUERY_IN_MAX ? n : QUERY_IN_MAX);
	q->is_cut = n > QUERY_IN_MAX;
	memcpy(q->in, bytes, q->in_bytes);
	b->is_finished = false;
	b->n_out = 0;
	serve_query(q);
}

static const char *ask_over(struct bench *b, const struct origin *origin, const char *name,
                            uint16_t type)
{
	uint8_t msg[512];
	struct name n = name_of(name);
	size_t bytes = reply_write_query(msg, 7, n.wire, type, true, false, true);
	if (bench_leaves_do_out)
		msg[bytes - 4] = 0;
	send_over(b, origin, msg, bytes);
	const char *text = describe(b);
	rcu_quiet();
	return text;
}

const char *bench_ask(struct bench *b, const char *name, uint16_t type)
{
	return ask_over(b, &b->udp, name, type);
}

const char *bench_told(struct bench *b)
{
	return describe(b);
}

const char *bench_ask_over_tcp(struct bench *b, const char *name, uint16_t type)
{
	return ask_over(b, &b->tcp, name, type);
}

const char *bench_send(struct bench *b, const uint8_t *bytes, size_t n)
{
	send_over(b, &b->udp, bytes, n);
	return describe(b);
}

const uint8_t *bench_message(const struct bench *b, size_t *ret_n)
{
	*ret_n = b->n_out;
	return b->out;
}

void bench_fail_late(struct bench *b)
{
	const struct resolve_result result = { .status = RESOLVE_FAILED, .ede_text = "" };
	struct resolve_request *late = b->resolver->late;
	b->resolver->late = NULL;
	late->done(late, &result);
}

const char *bench_text(struct bench *b)
{
	return describe(b);
}

const char *bench_strict_list(struct bench *b)
{
	b->serve.ring =
		(struct event_ring *)(void *)b; /* never looked into: events_put() is ours */
	return strict_list;
}

void bench_pass_time(struct bench *b, unsigned seconds)
{
	clock_offset_ns += seconds * NS_PER_S;
	loop_turn(b->loop, 0);
}

void bench_break_internet(struct bench *b, bool is_broken)
{
	b->resolver->is_broken = is_broken;
}

bool bench_is_late_refresh(const struct bench *b)
{
	return b->resolver->is_late_refresh;
}

unsigned bench_n_resolved(const struct bench *b)
{
	return b->resolver->n_asked;
}

struct serve_options *bench_options(struct bench *b)
{
	return &b->options;
}

struct serve *bench_serve(struct bench *b)
{
	return &b->serve;
}
