/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weir/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* The configuration may go before the workers have seen the options that replace these. */
static void copy_text(char to[SERVE_TEXT_MAX + 1], const char *from)
{
	size_t n = from != NULL ? strlen(from) : 0;
	must(n <= SERVE_TEXT_MAX); /* src/config/value.c */
	if (n > 0)
		memcpy(to, from, n);
}

#include "base/random.h"

/* One for the life of the process: a reload must not make clients' cookies worthless. */
static struct siphash_key cookie_secret(void)
{
	static struct siphash_key key;
	static bool is_made;
	if (!is_made)
		random_bytes(&key, sizeof key);
	is_made = true;
	return key;
}

struct serve_options *parts_serve(const struct config *c)
{
	struct serve_options *o = calloc(1, sizeof *o);
	if (o == NULL)
		return NULL;
	*o = (struct serve_options){
		.udp_size = (uint16_t)c->server.udp_size,
		.use_stale = c->resolver.serve_stale,
		.stale_max_s = c->resolver.stale_max_s,
		.stale_wait_ms = 1800, /* RFC 8767 5 */
		.use_prefetch = c->resolver.prefetch,
		.log_all = c->events.all,
		.is_minimal_any = c->server.minimal_any,
		.use_cookies = c->server.server_cookies,
		.cookie_key = cookie_secret(),
		.use_sentinel = c->resolver.root_key_sentinel,
	};
	copy_text(o->identity, c->server.identity);
	copy_text(o->version, c->server.version);
	copy_text(o->nsid, c->server.nsid);
	return o;
}

/* Whom a forward zone's TLS sessions believe. *ret stays NULL without TLS. */
static int make_tls(const struct config_forward *f, struct tls_client **ret)
{
	char name[NAME_TEXT_MAX];
	struct tls_pin pins[TLS_MAX_PINS];
	struct tls_client_plan plan = { .alpn = "dot", .pins = pins };
	const char *why = "out of memory";
	if (strcmp(f->tls, "false") == 0)
		return 0;
	if (f->tls_name.len > 0) {
		name_to_text(f->tls_name.wire, name);
		plan.name = name;
		plan.ca_file = f->tls_ca;
	}
	for (unsigned i = 0; i < f->tls_pins.n && i < TLS_MAX_PINS; i++) {
		const char *text = f->tls_pins.at[i];
		must(tls_pin_from_text(text, strlen(text), &pins[i]) == 0); /* checked when read */
		plan.n_pins++;
	}
	int e = tls_client_new(&plan, ret, &why);
	if (e != 0) {
		name_to_text(f->zone.wire, name);
		log_error("forward zone %s: no TLS: %s", name, why);
	}
	return e;
}

static int make_all_tls(const struct config_forwards *f, struct resolve_parts *ret)
{
	int e = 0;
	for (; ret->n_tls < f->n && e == 0; ret->n_tls++)
		e = make_tls(&f->at[ret->n_tls], &ret->tls[ret->n_tls]);
	return e;
}

int parts_resolve(const struct config *c, struct resolve_parts *ret)
{
	struct resolve_parts made = { 0 };
	struct cut_plan_server *hints = calloc(c->n_hints + 1, sizeof *hints);
	struct resolve_forward *forwards = calloc(c->resolver.forwards.n + 1, sizeof *forwards);
	made.hints = hints;
	made.forwards = forwards;
	made.tls = calloc(c->resolver.forwards.n + 1, sizeof *made.tls);
	int e = hints == NULL || forwards == NULL || made.tls == NULL ? -ENOMEM : 0;
	if (e == 0)
		e = make_all_tls(&c->resolver.forwards, &made);
	if (e != 0) {
		parts_resolve_done(&made);
		return e;
	}
	for (unsigned i = 0; i < c->n_hints; i++)
		hints[i] = (struct cut_plan_server){ .name = c->hints[i].name.wire,
			                             .n_addrs = c->hints[i].n_addrs,
			                             .addrs = c->hints[i].addrs };
	for (unsigned i = 0; i < c->resolver.forwards.n; i++) {
		struct config_forward *from = &c->resolver.forwards.at[i];
		forwards[i] = (struct resolve_forward){ .zone = from->zone,
			                                .to = from->to.at,
			                                .n_to = from->to.n,
			                                .is_first = from->first,
			                                .tls = made.tls[i],
			                                .is_unvalidated = !from->validate };
	}
	*ret = (struct resolve_parts){
		.hints = hints,
		.forwards = forwards,
		.tls = made.tls,
		.n_tls = made.n_tls,
		.config = {
			.upstream_port = (uint16_t)c->resolver.upstream_port,
			.use_ipv4 = c->resolver.ipv4,
			.use_ipv6 = c->resolver.ipv6,
			.n_hints = c->n_hints,
			.hints = hints,
			.n_forwards = c->resolver.forwards.n,
			.forwards = forwards,
			.max_tasks = 10000,
			.max_zone_tasks = c->resolver.zone_questions,
			.max_server_asks = c->resolver.server_questions,
			.max_packets = c->resolver.max_packets,
			.max_depth = 4,
			.max_sub_questions = 16,
			.n_sockets = 64,
			.time_limit_ms = c->resolver.time_limit_ms,
			.udp_timeout_min_ms = 50,
			.udp_timeout_max_ms = 1500,
			.qname_minimisation = c->resolver.qname_minimisation,
			.aggressive_nsec = c->resolver.aggressive_nsec,
			.tcp_upstream = c->resolver.tcp_upstream,
			.case_randomisation = c->resolver.case_randomisation,
			.cookies = c->resolver.cookies,
		},
	};
	struct resolve_config *r = &ret->config;
	for (unsigned i = 0; i < c->resolver.source_addresses.n; i++) {
		const struct addr *a = &c->resolver.source_addresses.at[i];
		if (a->is_v4 && r->n_sources_v4 < RESOLVE_MAX_SOURCES)
			r->sources_v4[r->n_sources_v4++] = *a;
		else if (!a->is_v4 && r->n_sources_v6 < RESOLVE_MAX_SOURCES)
			r->sources_v6[r->n_sources_v6++] = *a;
	}
	return 0;
}

void parts_resolve_done(struct resolve_parts *p)
{
	for (unsigned i = 0; i < p->n_tls; i++)
		tls_client_free(p->tls[i]);
	free(p->tls);
	free(p->hints);
	free(p->forwards);
	p->tls = NULL;
	p->n_tls = 0;
	p->hints = NULL;
	p->forwards = NULL;
}
