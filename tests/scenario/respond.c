/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "respond.h"

#include <string.h>

enum {
	SERVER_UDP_SIZE = 1232,
	REPLY_TTL_S = 300,
	SERVER_COOKIE_BYTES = 8,
};

struct script_server *respond_server(struct script *s, const struct addr *a)
{
	for (struct script_server *v = s->servers; v != NULL; v = v->next) {
		for (unsigned i = 0; i < v->n_addrs; i++) {
			if (addr_equal(&v->addrs[i], a))
				return v;
		}
	}
	return NULL;
}

const char *respond_what(enum script_action action)
{
	switch (action) {
	case ACTION_SERVE:
		return "serves";
	case ACTION_SILENT:
		return "is silent";
	case ACTION_REPLY:
		return "replies";
	case ACTION_REFUSE:
		return "refuses";
	case ACTION_UNREACHABLE:
		return "is unreachable";
	case ACTION_RESET:
		return "resets";
	case ACTION_GARBAGE:
		return "sends garbage";
	}
	return "?";
}

/* ---- rules ---- */

static bool is_about(const struct script_rule *rule, const struct wire_question *q)
{
	if (rule->type != 0 && rule->type != q->type)
		return false;
	if (rule->is_below)
		return name_is_within(q->name.wire, rule->name.wire) &&
		       !name_equal(q->name.wire, rule->name.wire);
	return rule->name.len == 0 || name_equal(q->name.wire, rule->name.wire);
}

static bool is_met(const struct script_rule *rule, const struct wire_question *q, bool is_tcp)
{
	return !(rule->needs_udp && is_tcp) && !(rule->needs_tcp && !is_tcp) &&
	       !(rule->needs_edns && !q->has_edns) && !(rule->needs_plain && q->has_edns) &&
	       !(rule->needs_do && !q->is_do) && !(rule->needs_rd && (q->flags & FLAG_RD) == 0);
}

struct script_rule *respond_find_rule(struct script_server *v, const struct wire_question *q,
                                      bool is_tcp, uint64_t now_ns)
{
	for (struct script_rule *rule = v->rules; rule != NULL; rule = rule->next) {
		if (now_ns < rule->from_ns || now_ns >= rule->until_ns || !is_about(rule, q) ||
		    !is_met(rule, q, is_tcp))
			continue;
		rule->n_hits++;
		if (rule->n_hits > rule->skip &&
		    (rule->first == 0 || rule->n_hits <= rule->skip + rule->first))
			return rule;
	}
	return NULL;
}

enum script_action respond_to_connect(const struct script_server *v, uint64_t now_ns)
{
	for (const struct script_rule *rule = v->rules; rule != NULL; rule = rule->next) {
		bool is_for_all = rule->name.len == 0 && rule->type == 0 && !rule->needs_udp &&
		                  !rule->needs_edns && !rule->needs_plain && !rule->needs_do &&
		                  !rule->needs_rd && rule->first == 0 && rule->skip == 0;
		if (!is_for_all || now_ns < rule->from_ns || now_ns >= rule->until_ns)
			continue;
		if (rule->action == ACTION_SILENT || rule->action == ACTION_REFUSE ||
		    rule->action == ACTION_UNREACHABLE)
			return rule->action;
		break;
	}
	return ACTION_SERVE;
}

/* ---- zones ---- */

/* The zone of that label that is in force, made when it is first needed. */
static const struct zone *zone_now(struct script *s, const char *label, uint64_t now_ns)
{
	struct script_zone *best = NULL;
	for (struct script_zone *z = s->zones; z != NULL; z = z->next) {
		if (strcmp(z->label, label) == 0 && z->from_ns <= now_ns &&
		    (best == NULL || z->from_ns >= best->from_ns))
			best = z;
	}
	if (best != NULL && best->made == NULL)
		best->made = zone_make(s, best);
	return best != NULL ? best->made : NULL;
}

/* The closest zone of the server's; for DS the parent's side, if it has that too. */
static const struct zone *find_zone(struct script *s, const struct script_server *v,
                                    const struct wire_question *q, uint64_t now_ns)
{
	const struct zone *best = NULL;
	for (const struct script_serves *e = v->serves; e != NULL; e = e->next) {
		const struct zone *z = zone_now(s, e->label, now_ns);
		if (z == NULL || !name_is_within(q->name.wire, z->name))
			continue;
		bool is_child = q->type == DNS_DS && name_equal(q->name.wire, z->name);
		if (best == NULL || (!is_child && name_labels(z->name) > name_labels(best->name)))
			best = z;
		else if (q->type == DNS_DS && name_equal(q->name.wire, best->name) && !is_child)
			best = z;
	}
	return best;
}

static void add_set(const struct zone_part *p, struct wire *w)
{
	for (unsigned i = 0; i < p->set->n; i++)
		wire_add(w, p->section, p->owner, p->set->type, p->set->ttl_s, p->set->rrs[i].bytes,
		         p->set->rrs[i].n);
	for (unsigned i = 0; i < p->set->n_sigs && p->with_sigs; i++)
		wire_add(w, p->section, p->owner, DNS_RRSIG, p->set->ttl_s, p->set->sigs[i].bytes,
		         p->set->sigs[i].n);
}

static const char *serve_zone(const struct zone *z, const struct script_rule *rule,
                              const struct wire_question *q, struct wire *w, uint16_t *flags,
                              unsigned *rcode)
{
	static struct zone_answer a;
	zone_answer(z, q->name.wire, q->type, q->is_do, &a);
	*rcode = a.rcode;
	*flags |= a.is_aa ? FLAG_AA : 0;
	for (int section = 0; section < 3; section++) {
		for (unsigned i = 0; i < a.n; i++) {
			struct zone_part p = a.parts[i];
			p.with_sigs &= rule == NULL || !rule->is_stripped;
			if (p.section == section)
				add_set(&p, w);
		}
	}
	if (rule != NULL && rule->is_stripped)
		return "serves without signatures";
	return a.rcode == RCODE_NXDOMAIN ? "NXDOMAIN"
	       : w->counts[1] > 0        ? "answers"
	       : a.is_aa                 ? "NODATA"
	                                 : "refers";
}

/* ---- the whole ---- */

static const uint8_t *question_of(const struct script_rule *rule, const struct wire_question *q,
                                  uint8_t buf[NAME_MAX_BYTES])
{
	if (rule == NULL)
		return q->as_sent;
	if (rule->without_question)
		return NULL;
	if ((rule->wrong & WRONG_QUESTION) != 0) {
		memcpy(buf, "\5wrong\7example", 15);
		return buf;
	}
	return rule->is_lower_case ? q->name.wire : q->as_sent;
}

static void finish(const struct script_server *v, const struct script_rule *rule,
                   const struct wire_question *q, uint16_t flags, unsigned rcode, struct wire *w)
{
	uint8_t cookie[COOKIE_MAX_BYTES];
	size_t n = 0;
	if (v != NULL && v->has_cookies && q->cookie_bytes >= COOKIE_CLIENT_BYTES) {
		memcpy(cookie, q->cookie, COOKIE_CLIENT_BYTES);
		for (int i = 0; i < SERVER_COOKIE_BYTES; i++)
			cookie[COOKIE_CLIENT_BYTES + i] = (uint8_t)(q->cookie[i] ^ 0xa5);
		n = COOKIE_CLIENT_BYTES + SERVER_COOKIE_BYTES;
		if (rule != NULL && (rule->wrong & WRONG_COOKIE) != 0)
			cookie[0] ^= 1;
	}
	if (q->has_edns && (rule == NULL || !rule->without_opt))
		wire_add_opt(w, SERVER_UDP_SIZE, rcode, q->is_do, cookie, n);
	wire_finish(w, flags, rcode);
}

static uint16_t id_of(const struct script_rule *rule, const struct wire_question *q)
{
	return rule != NULL && (rule->wrong & WRONG_ID) != 0 ? q->id ^ 0x5a5a : q->id;
}

static uint16_t flags_of(const struct script_rule *rule, const struct wire_question *q)
{
	uint16_t flags = q->flags & (FLAG_RD | FLAG_CD);
	if (rule != NULL)
		flags |= rule->flags | (rule->is_truncated ? FLAG_TC : 0);
	return flags;
}

static void add_records(const struct script_rule *rule, struct wire *w)
{
	for (int section = 0; section < 3; section++) {
		for (const struct script_record *rr = rule->records; rr != NULL; rr = rr->next) {
			uint32_t ttl_s = rr->ttl_s == SCRIPT_ANY_TTL ? REPLY_TTL_S : rr->ttl_s;
			if (rr->section == section)
				wire_add(w, section, rr->owner, rr->type, ttl_s, rr->rdata,
				         rr->rdata_len);
		}
	}
}

static void reply(const struct script_server *v, const struct script_rule *rule,
                  const struct wire_question *q, struct wire *w)
{
	uint8_t buf[NAME_MAX_BYTES];
	wire_start(w, id_of(rule, q), question_of(rule, q, buf), q->type);
	if (!rule->is_truncated)
		add_records(rule, w);
	finish(v, rule, q, flags_of(rule, q), rule->rcode, w);
}

void respond_rule(const struct script_rule *rule, const struct wire_question *q, struct wire *ret)
{
	reply(NULL, rule, q, ret);
}

static void garbage(const struct wire_question *q, struct wire *w)
{
	wire_start(w, q->id, NULL, 0);
	for (int i = 2; i < 60; i++)
		w->bytes[i] = (uint8_t)(i * 37);
	w->bytes[2] |= FLAG_QR >> 8;
	w->n = 60;
}

const char *respond(struct script *s, const struct script_server *v, const struct script_rule *rule,
                    const struct wire_question *q, bool is_tcp, uint64_t now_ns, struct wire *ret)
{
	uint8_t buf[NAME_MAX_BYTES];
	const char *what = "REFUSED: not its zone";
	enum script_action action = rule != NULL ? rule->action : ACTION_SERVE;
	if (action == ACTION_GARBAGE) {
		garbage(q, ret);
		return respond_what(action);
	}
	bool is_reply = action == ACTION_REPLY && rule->n_forged == 0;
	uint16_t flags = flags_of(rule, q);
	unsigned rcode = RCODE_REFUSED;
	if (is_reply) {
		reply(v, rule, q, ret);
		what = "replies by rule";
	} else {
		const struct zone *z = find_zone(s, v, q, now_ns);
		wire_start(ret, id_of(rule, q), question_of(rule, q, buf), q->type);
		if (z != NULL)
			what = serve_zone(z, rule, q, ret, &flags, &rcode);
		finish(v, rule, q, flags, rcode, ret);
	}
	size_t limit = q->udp_size < SERVER_UDP_SIZE ? q->udp_size : SERVER_UDP_SIZE;
	bool is_cut = rule != NULL && rule->is_truncated && !is_reply;
	if (is_cut || ret->is_over || (!is_tcp && ret->n > limit)) {
		wire_start(ret, id_of(rule, q), question_of(rule, q, buf), q->type);
		finish(v, rule, q, flags | FLAG_TC, rcode, ret);
		what = "truncates";
	}
	return what;
}
