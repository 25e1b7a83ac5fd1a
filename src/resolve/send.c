/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking: which question goes to which server and how, and what is learned of servers by what
 * comes back, or does not.
 */
#include <errno.h>

#include "resolve/ring.h"
#include "resolve/root_copy.h"
#include "resolve/task.h"

enum {
	FAMILY_DOWN_S = 60,
	TCP_TIMEOUT_FACTOR = 2, /* of udp_timeout_max_ms: a connection is three packets */
	TLS_TIMEOUT_FACTOR = 3, /* and a handshake two or four more */
	TLS_PORT = 853,
	CLEAR_PORT = 53,
};

/* How many labels of the name go into the packet (RFC 9156 2.3). */
static unsigned minimised_labels(const struct task *t)
{
	unsigned left = (unsigned)(t->n_labels - t->known_labels);
	if (t->is_plain || left <= 1 || t->n_minimised >= MAX_MINIMISE_COUNT)
		return t->n_labels;
	unsigned step = 1;
	if (t->n_minimised >= MINIMISE_ONE_LAB) {
		unsigned packets = (unsigned)(MAX_MINIMISE_COUNT - t->n_minimised);
		step = (left + packets - 1) / packets;
	}
	return t->known_labels + step;
}

static void choose_question(struct task *t)
{
	t->asked_labels = (uint8_t)minimised_labels(t);
	t->ask.name = name_skip(t->hop.wire, (unsigned)(t->n_labels - t->asked_labels));
	/* RFC 9156 2.1: A hides the type too, and is what servers answer best. */
	t->ask.type = task_is_minimised(t) ? DNS_A : t->type;
	t->ask.rd = t->forward != NULL || t->takes_recursive;
	/* RFC 6840 5.9: who validates himself wants the data, whatever the other thinks of it. */
	t->ask.cd = t->ask.rd && anchors_current() != NULL &&
	            (t->forward == NULL || !t->forward->is_unvalidated);
}

static void choose_edns(struct task *t, const struct server *s, enum ask_how how, bool is_tcp)
{
	enum server_edns edns = server_edns(s, loop_now_s(t->r->loop));
	t->edns_refused = (how & ASK_PLAIN) != 0;
	t->edns_timed_out = false;
	/* Without EDNS there are no signatures: then a lost packet is the better guess. */
	bool is_signed = (edns == SERVER_EDNS_NONE || t->round == 1) && zone_trust_is_signed(t);
	t->ask.with_edns = (edns != SERVER_EDNS_NONE || is_signed) && !t->edns_refused;
	/* The second try at a silent server goes without: some drop what they do not know. */
	if (t->ask.with_edns && t->round == 1 && !is_tcp && edns != SERVER_EDNS_OK && !is_signed) {
		t->ask.with_edns = false;
		t->edns_timed_out = true;
	}
}

static const uint8_t *server_name_of(const struct task *t, unsigned at)
{
	for (unsigned i = 0; t->forward == NULL && i < t->cut->n_servers; i++) {
		const struct cut_server *s = &t->cut->servers[i];
		if (at >= s->first_addr && at < (unsigned)s->first_addr + s->n_addrs)
			return s->name;
	}
	return NULL;
}

/* No packet leaves but through here. False: refused, the task is gone. */
static bool pass_guard(struct task *t)
{
	struct verdict verdict;
	const struct guard_packet g = { .name = t->ask.name,
		                        .type = t->ask.type,
		                        .group = t->group,
		                        .is_allowed = t->is_allowed,
		                        .is_late = t->is_late,
		                        .is_behind_alias = t->n_hops > 0,
		                        .is_lookup = t->is_lookup || t->is_keys,
		                        .cut = t->cut,
		                        .server_name = server_name_of(t, t->at_addr),
		                        .server = &t->ask.server };
	if (LIKELY(guard_packet(&g, &verdict)))
		return true;
	count_up(&t->r->counts.guard_refused);
	task_block(t, &verdict, t->hop.wire);
	return false;
}

static void set_timer(struct task *t, const struct server *s, bool is_tcp)
{
	const struct resolve_config *config = &t->r->config;
	uint32_t factor = t->ask.tls != NULL ? TLS_TIMEOUT_FACTOR : TCP_TIMEOUT_FACTOR;
	uint32_t wait_ms = is_tcp ? factor * config->udp_timeout_max_ms
	                          : server_timeout_ms(s, t->round, config->udp_timeout_min_ms,
	                                              config->udp_timeout_max_ms);
	uint64_t at_ns = loop_now_ns(t->r->loop) + wait_ms * NS_PER_MS;
	if (at_ns > t->budget->deadline_ns)
		at_ns = t->budget->deadline_ns;
	timer_set(t->r->loop, &t->timer, at_ns);
}

static void note_error(struct task *t, int error)
{
	const char *what =
		t->ask.why != NULL                                  ? t->ask.why
		: error == -ECONNREFUSED                            ? "connection refused"
		: error == -ENETUNREACH || error == -EHOSTUNREACH   ? "no route"
		: error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL ? "no such address family here"
		: error == -EPERM || error == -EACCES               ? "forbidden by this machine"
		: error == -EBADMSG || error == -EPROTO             ? "malformed response over TCP"
		: error == -EAGAIN || error == -EMFILE || error == -ENFILE ? "out of sockets"
									   : "connection broke";
	iterate_note(t, EDE_NETWORK_ERROR, what, true);
	atomic_store_explicit(&t->r->n_unanswered, t->r->n_unanswered + 1, memory_order_relaxed);
}

enum sent {
	SENT,
	NOT_SENT,
	REFUSED,
	HELD /* by a detector, for a while */
};

void task_leave_server(struct task *t)
{
	if (t->at_server != 0)
		load_leave(t->r->servers, t->at_server);
	t->at_server = 0;
	if (t->ring_hash != 0)
		ring_leave(t->ask.server_tag, t->ring_hash, t->ask.type);
	t->ring_hash = 0;
}

void task_leave_zone(struct task *t)
{
	if (t->at_zone != 0)
		load_leave(t->r->zones, t->at_zone);
	t->at_zone = 0;
}

/* Whatever it was that came, the family works. */
static void note_family(struct task *t, bool is_answered)
{
	unsigned *n = &t->r->n_silent[t->ask.server.addr.is_v4 ? 0 : 1];
	*n = is_answered ? 0 : *n + 1;
}

/* Did something come of the packet? */
static void note_load(struct task *t, bool is_good)
{
	if (t->at_zone != 0)
		load_note(t->r->zones, t->at_zone, is_good);
	if (t->at_server != 0)
		load_note(t->r->servers, t->at_server, is_good);
	task_leave_server(t);
}

static bool may_be_clear(const struct task *t)
{
	return t->ask.tls != NULL && !tls_client_is_strict(t->ask.tls);
}

static void go_clear(struct task *t)
{
	t->ask.tls = NULL;
	t->ask.why = NULL;
	if (t->ask.server.port == TLS_PORT)
		t->ask.server.port = CLEAR_PORT;
	t->ask.server_tag = server_tag(&t->ask.server);
}

/* Is it to go over TCP? And what is known of the server. */
static bool choose_transport(struct task *t, enum ask_how how, struct server **ret_server)
{
	t->ask.why = NULL;
	t->ask.tls = t->forward != NULL ? t->forward->tls : NULL;
	if (t->ask.tls != NULL) {
		/* What was asked before may have been in clear text. */
		t->ask.server_tag = server_tag(&t->ask.server);
		if ((how & ASK_CLEAR) != 0)
			go_clear(t);
	}
	struct server *s = server_find_tag(t->ask.server_tag);
	*ret_server = s;
	return t->ask.tls != NULL || (how & ASK_TCP) != 0 || t->round == TASK_ROUNDS - 1 ||
	       t->r->config.tcp_upstream || server_wants_tcp(s, loop_now_s(t->r->loop));
}

static int send_ask(struct task *t, bool is_tcp)
{
	struct exchange *x = t->r->exchange;
	int e = is_tcp ? exchange_send_stream(x, &t->ask) : exchange_send(x, &t->ask);
	/* RFC 8310 5: who does without authentication does without TLS too, if need be. */
	if (e == 0 || !may_be_clear(t))
		return e;
	go_clear(t);
	return exchange_send(x, &t->ask);
}

/* Send to one address. NOT_SENT: that address is out; REFUSED: the task is gone; HELD: it goes later. */
static enum sent send_to(struct task *t, unsigned at, enum ask_how how)
{
	struct resolver *r = t->r;
	uint64_t now_ns = loop_now_ns(r->loop);
	t->at_addr = (uint8_t)at;
	t->is_of_copy = false;
	t->tried |= 1ULL << at;
	t->ask.server = task_endpoint(t, at);
	t->ask.has_wrong_case = false;
	choose_question(t);
	if (!pass_guard(t))
		return REFUSED;
	if (t->is_watched) {
		enum watched w = watch_packet(t, how);
		if (UNLIKELY(w != WATCHED_PASS))
			return w == WATCHED_HELD ? HELD : REFUSED;
	}
	struct server *s;
	bool is_tcp = choose_transport(t, how, &s);
	choose_edns(t, s, how, is_tcp);
	proof_prepare(&t->ask.proof, &t->ask.server, s, (uint32_t)(now_ns / NS_PER_S),
	              r->config.case_randomisation && t->ask.tls == NULL,
	              r->config.cookies && t->ask.with_edns && t->ask.tls == NULL);
	if (s != NULL)
		server_probe(s, now_ns);
	t->budget->n_packets++;
	int e = send_ask(t, is_tcp);
	if (UNLIKELY(e != 0)) {
		if (e == -EAFNOSUPPORT || e == -EADDRNOTAVAIL)
			r->family_down_ns[t->ask.server.addr.is_v4 ? 0 : 1] =
				now_ns + FAMILY_DOWN_S * NS_PER_S;
		note_error(t, e);
		t->excluded |= 1ULL << at;
		return NOT_SENT;
	}
	if (task_is_limited(t) && load_enter(r->servers, t->ask.server_tag))
		t->at_server = t->ask.server_tag;
	if (t->forward != NULL) {
		t->ring_hash = name_hash(t->ask.name);
		ring_enter(t->ask.server_tag, t->ring_hash, t->ask.type);
	}
	resolver_kick(r);
	set_timer(t, s, is_tcp);
	return SENT;
}

void iterate_give_up(struct task *t)
{
	struct verdict verdict;
	struct cut_judging without_zones = { .no_zones = true };
	if (secure_settle(t))
		return;
	if (t->trouble.what == NULL)
		iterate_note(t, EDE_NO_REACHABLE_AUTHORITY, "no address of its name servers",
		             false);
	/* A look-up was refused: judged afresh, because verdicts live for a turn only. */
	const struct policy *p = policy_current();
	if (t->blocked_cut != NULL && p != NULL &&
	    !resolve_judge_servers(p, policy_group_of_id(p, t->group), t->blocked_cut,
	                           &without_zones, &verdict)) {
		verdict.policy = p;
		task_block(t, &verdict, t->hop.wire);
		return;
	}
	task_fail(t);
}

/* No server of the zone is left. True: resolvers that stand in for them will do. */
static bool take_recursive(struct task *t)
{
	if (!t->has_recursive || t->takes_recursive)
		return false;
	t->takes_recursive = true;
	t->tried = t->excluded = 0;
	t->round = 0;
	return true;
}

/* Each task counts with the zone it is at. False: that has too many; the task is gone. */
static bool enter_zone(struct task *t)
{
	if (t->at_zone != 0 || !task_is_limited(t))
		return true;
	uint64_t hash = t->cut->item.hash | 1;
	if (load_enter(t->r->zones, hash)) {
		t->at_zone = hash;
		return true;
	}
	count_up(&t->r->counts.zone_limited);
	iterate_note(t, EDE_NO_REACHABLE_AUTHORITY,
	             "over the limit of questions for one zone (resolver: zone-questions)", false);
	t->was_held_back = true; /* the name itself has not failed */
	task_fail(t);
	return false;
}

/* RFC 8806: nothing leaves for what the copy of the root zone knows. It is read when the task's turn
   comes. */
static bool ask_copy(struct task *t)
{
	if (t->skips_copy || t->is_priming || t->forward != NULL || !name_is_root(t->cut->zone))
		return false;
	const struct root_copy *c = root_copy_current();
	if (LIKELY(c == NULL) || root_copy_is_expired(c, clock_wall_ns() / NS_PER_S))
		return false;
	choose_question(t);
	t->asks_copy = true;
	task_set_ready(t);
	return true;
}

void iterate_ask(struct task *t)
{
	const struct resolve_config *config = &t->r->config;
	enum sent sent = NOT_SENT;
	if (ask_copy(t))
		return;
	if (!enter_zone(t))
		return;
	while (sent == NOT_SENT) {
		if (t->budget->n_packets >= config->max_packets) {
			t->is_limited = true;
			iterate_note(t, EDE_NO_REACHABLE_AUTHORITY,
			             "the question took too many packets", false);
			iterate_give_up(t);
			return;
		}
		int at = choose_server(t);
		if (at < 0 && cut_fall_back(t)) {
			if (!enter_zone(t))
				return;
			continue;
		}
		if (at >= 0) {
			t->is_recooked = t->is_doubted = false;
			sent = send_to(t, (unsigned)at, ASK_USUAL);
			continue;
		}
		/* Somebody answered, though badly: that others have no address does not matter. */
		if (secure_settle(t))
			return;
		if (!lookup_start(t)) {
			if (take_recursive(t))
				continue;
			iterate_give_up(t);
			return;
		}
		t->is_waiting = true;
		timer_set(t->r->loop, &t->timer, t->budget->deadline_ns);
		return;
	}
}

/* The same server again, in another way. */
void iterate_ask_again(struct task *t, enum ask_how how)
{
	if (t->budget->n_packets < t->r->config.max_packets &&
	    send_to(t, t->at_addr, how) != NOT_SENT)
		return;
	iterate_ask(t);
}

/* ---- what is learned ---- */

/* What the response tells of its server, beside what it says. */
void iterate_learn(struct task *t, const struct response *w, bool over_tcp)
{
	uint32_t now_s = loop_now_s(t->r->loop);
	struct server *s = server_take_tag(t->ask.server_tag, now_s);
	note_family(t, true);
	note_load(t, w->kind != RESPONSE_SERVFAIL && w->kind != RESPONSE_REFUSED &&
	                     w->kind != RESPONSE_BAD);
	server_answered(s, loop_now_ns(t->r->loop) - t->ask.sent_ns, now_s);
	proof_learn(&t->ask.proof, s, over_tcp, now_s);
	t->is_doubted = false;
	if (t->ask.with_edns && w->has_opt)
		server_edns_works(s);
	bool is_error = w->kind == RESPONSE_NO_EDNS || w->kind == RESPONSE_BAD;
	if (!t->ask.with_edns && !is_error && (t->edns_refused || t->edns_timed_out))
		server_edns_fails(s, now_s, t->edns_refused);
	if (over_tcp && t->round == TASK_ROUNDS - 1)
		server_needs_tcp(s, now_s);
	atomic_store_explicit(&t->r->n_answered, 1, memory_order_relaxed);
}

/* ---- what did not come ---- */

/* Over TCP, because UDP was not believed, it does not work either: UDP as it is, for a while. */
static bool waive_proof(struct task *t, struct server *s)
{
	static const enum proof_outcome missed[EXCHANGE_N_DOUBTS] = {
		[EXCHANGE_DOUBT_CASE] = PROOF_DOUBT_CASE,
		[EXCHANGE_DOUBT_COOKIE] = PROOF_DOUBT_COOKIE,
	};
	if (!t->is_doubted)
		return false;
	t->is_doubted = false;
	proof_waive(missed[t->doubt], s, loop_now_s(t->r->loop));
	iterate_ask_again(t, t->ask.with_edns ? ASK_USUAL : ASK_PLAIN);
	return true;
}

void iterate_doubted(struct ask *a, enum exchange_doubt why)
{
	struct task *t = CONTAINER_OF(a, struct task, ask);
	uint32_t now_s = loop_now_s(t->r->loop);
	task_leave_server(t);
	if (why == EXCHANGE_BAD_COOKIE) {
		/* RFC 7873 5.3: retry with the new one; then TCP, where cookies are not needed. */
		proof_learn(&a->proof, server_take_tag(a->server_tag, now_s), false, now_s);
		bool is_first = !t->is_recooked;
		t->is_recooked = true;
		iterate_ask_again(t, is_first ? ASK_USUAL : ASK_TCP);
		return;
	}
	t->is_doubted = true;
	t->doubt = why;
	iterate_ask_again(t, a->with_edns ? ASK_TCP : ASK_TCP | ASK_PLAIN);
}

/* An address has not answered in time. */
static void note_silence(struct task *t, struct server *s, bool was_tcp)
{
	struct resolver *r = t->r;
	server_timed_out(s, loop_now_ns(r->loop));
	note_family(t, false);
	/* One lost packet is no sign of a flood: when it is lost again it counts. */
	if (t->round > 0)
		note_load(t, false);
	else
		task_leave_server(t);
	if (was_tcp) {
		server_tcp_fails(s);
		t->excluded |= t->round > 0 ? 1ULL << t->at_addr : 0;
	}
	count_up(&r->counts.timeouts);
	atomic_store_explicit(&r->n_unanswered, r->n_unanswered + 1, memory_order_relaxed);
	const char *what = was_tcp ? "timeout over TCP" : "timeout";
	if (t->ask.tls != NULL && t->ask.why != NULL)
		what = t->ask.why;
	iterate_note(t, EDE_NO_REACHABLE_AUTHORITY, what, true);
	if (t->round > 0)
		t->is_plain = true;
}

/* True: the same server is asked in another way. */
static bool take_silence(struct task *t)
{
	struct resolver *r = t->r;
	const struct ask *a = &t->ask;
	bool was_tcp = a->stream != NULL;
	bool was_wrong = a->has_wrong_case || (a->leader != NULL && a->leader->has_wrong_case);
	bool is_late = loop_now_ns(r->loop) >= t->budget->deadline_ns;
	exchange_timed_out(r->exchange, &t->ask);
	struct server *s = server_take_tag(a->server_tag, loop_now_s(r->loop));
	note_silence(t, s, was_tcp);
	if (is_late)
		return false;
	if (was_tcp && waive_proof(t, s))
		return true;
	if (!was_tcp && was_wrong) {
		/* Forged, or it has lost the habit of keeping case: TCP tells. */
		iterate_doubted(&t->ask, EXCHANGE_DOUBT_CASE);
		return true;
	}
	return false;
}

void iterate_timed_out(struct timer *timer)
{
	struct task *t = CONTAINER_OF(timer, struct task, timer);
	bool is_late = loop_now_ns(t->r->loop) >= t->budget->deadline_ns;
	if (t->is_held) {
		t->is_held = false;
		iterate_ask_again(t, t->held_how);
		return;
	}
	if (t->is_securing) {
		t->is_limited = true;
		iterate_note(t, EDE_NO_REACHABLE_AUTHORITY, "no keys of its zones in time", false);
	} else if (!t->is_waiting) {
		if (take_silence(t))
			return;
	} else if (is_late && t->trouble.what == NULL) {
		iterate_note(t, EDE_NO_REACHABLE_AUTHORITY,
		             "no address of its name servers in time", false);
	}
	if (is_late)
		iterate_give_up(t);
	else if (!t->is_waiting && !t->is_securing)
		iterate_ask(t);
}

void iterate_failed(struct ask *a, int error)
{
	struct task *t = CONTAINER_OF(a, struct task, ask);
	uint64_t now_ns = loop_now_ns(t->r->loop);
	struct server *s = server_take_tag(a->server_tag, (uint32_t)(now_ns / NS_PER_S));
	if (error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EPERM)
		server_unreachable(s, now_ns);
	/* Most often there is no route to anywhere of its family. */
	if (error == -ENETUNREACH || error == -EHOSTUNREACH)
		note_family(t, false);
	else if (error != -EPERM && error != -ETIMEDOUT)
		server_tcp_fails(s);
	/* No connection in time is silence like any other. */
	if (error == -ETIMEDOUT) {
		note_silence(t, s, true);
	} else {
		note_load(t, false);
		note_error(t, error);
	}
	if (waive_proof(t, s))
		return;
	if (may_be_clear(t)) {
		iterate_ask_again(t, ASK_CLEAR);
		return;
	}
	t->excluded |= 1ULL << t->at_addr;
	iterate_ask(t);
}
