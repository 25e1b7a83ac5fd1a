/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/server.h"

#include <pthread.h>
#include <string.h>

#include "base/random.h"
#include "base/siphash.h"

enum {
	N_SERVERS = 8192,
	WAYS = 4,
	N_LAME = 4096,
	/* Questions that wait at the same time for one server count its silence once. */
	TIMEOUT_ONCE_MS = 200,
	UNKNOWN_SCORE_US = 30000,
};

struct lame {
	_Atomic uint64_t tag;
	_Atomic uint32_t until_s;
};

static struct server servers[N_SERVERS];
static struct lame lames[N_LAME];
static _Atomic uint32_t lame_last_s; /* no pair is lame any more after this */
static struct siphash_key key, cookie_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define GET(field)        atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static void make_key(void)
{
	random_bytes(&key, sizeof key);
	random_bytes(&cookie_key, sizeof cookie_key);
}

void server_table_init(void)
{
	pthread_once(&once, make_key);
}

void server_table_reset(void)
{
	for (unsigned i = 0; i < N_SERVERS; i++)
		SET(servers[i].tag, 0);
	for (unsigned i = 0; i < N_LAME; i++)
		SET(lames[i].tag, 0);
}

uint64_t server_tag(const struct endpoint *e)
{
	uint8_t bytes[18];
	memcpy(bytes, e->addr.bytes, 16);
	memcpy(bytes + 16, &e->port, 2);
	return siphash13(&key, bytes, sizeof bytes) | 1;
}

static struct server *bucket_of(uint64_t tag)
{
	return &servers[(tag >> 32) % (N_SERVERS / WAYS) * WAYS];
}

struct server *server_find_tag(uint64_t tag)
{
	struct server *b = bucket_of(tag);
	for (int i = 0; i < WAYS; i++) {
		if (GET(b[i].tag) == tag)
			return &b[i];
	}
	return NULL;
}

struct server *server_find(const struct endpoint *e)
{
	return server_find_tag(server_tag(e));
}

struct server *server_take(const struct endpoint *e, uint32_t now_s)
{
	return server_take_tag(server_tag(e), now_s);
}

struct server *server_take_tag(uint64_t tag, uint32_t now_s)
{
	struct server *b = bucket_of(tag);
	struct server *old = &b[0];
	for (int i = 0; i < WAYS; i++) {
		if (GET(b[i].tag) == tag)
			return &b[i];
		if (GET(b[i].tag) == 0 || now_s - GET(b[i].seen_s) > now_s - GET(old->seen_s))
			old = &b[i];
		if (GET(old->tag) == 0)
			break;
	}
	SET(old->tag, tag);
	SET(old->srtt_us, 0);
	SET(old->rttvar_us, 0);
	SET(old->seen_s, now_s);
	SET(old->failed_ns, 0);
	SET(old->due_ns, 0);
	SET(old->edns, SERVER_EDNS_UNKNOWN);
	SET(old->edns_until_s, 0);
	SET(old->tcp_until_s, 0);
	SET(old->timeouts, 0);
	SET(old->case_state, SERVER_CASE_UNKNOWN);
	SET(old->cookie_bytes, 0);
	SET(old->cookie_until_s, 0);
	return old;
}

void server_answered(struct server *s, uint64_t rtt_ns, uint32_t now_s)
{
	uint32_t rtt_us = rtt_ns / 1000 < 10000000 ? (uint32_t)(rtt_ns / 1000) : 10000000;
	uint32_t srtt_us = GET(s->srtt_us);
	if (rtt_us == 0)
		rtt_us = 1;
	if (srtt_us == 0) { /* RFC 6298 2.2 */
		SET(s->srtt_us, rtt_us);
		SET(s->rttvar_us, rtt_us / 2);
	} else { /* 2.3: alpha 1/8, beta 1/4 */
		uint32_t off_us = srtt_us > rtt_us ? srtt_us - rtt_us : rtt_us - srtt_us;
		uint32_t var_us = GET(s->rttvar_us);
		SET(s->rttvar_us, var_us - var_us / 4 + off_us / 4);
		SET(s->srtt_us, srtt_us - srtt_us / 8 + rtt_us / 8 + 1);
	}
	SET(s->seen_s, now_s);
	if (GET(s->timeouts) != 0)
		SET(s->timeouts, 0);
}

void server_edns_works(struct server *s)
{
	if (GET(s->edns) != SERVER_EDNS_OK)
		SET(s->edns, SERVER_EDNS_OK);
}

void server_edns_fails(struct server *s, uint32_t now_s, bool is_certain)
{
	uint8_t was = GET(s->edns);
	if (was == SERVER_EDNS_OK && !is_certain)
		return;
	/* One lost packet is no proof: DNSSEC hangs on EDNS. */
	bool is_none = is_certain || was >= SERVER_EDNS_SUSPECT;
	SET(s->edns, is_none ? SERVER_EDNS_NONE : SERVER_EDNS_SUSPECT);
	SET(s->edns_until_s, now_s + SERVER_EDNS_NONE_S);
}

void server_timed_out(struct server *s, uint64_t now_ns)
{
	if (now_ns - GET(s->failed_ns) < TIMEOUT_ONCE_MS * NS_PER_MS)
		return;
	uint8_t n = GET(s->timeouts);
	SET(s->failed_ns, now_ns);
	if (n < UINT8_MAX)
		SET(s->timeouts, (uint8_t)(n + 1));
	if (n + 1 >= SERVER_DEAD_TIMEOUTS)
		server_probe(s, now_ns);
}

void server_needs_tcp(struct server *s, uint32_t now_s)
{
	SET(s->tcp_until_s, now_s + SERVER_TCP_S);
}

void server_tcp_fails(struct server *s)
{
	SET(s->tcp_until_s, 0);
}

void server_unreachable(struct server *s, uint64_t now_ns)
{
	if (GET(s->timeouts) < SERVER_DEAD_TIMEOUTS)
		SET(s->timeouts, SERVER_DEAD_TIMEOUTS);
	SET(s->failed_ns, now_ns);
	server_probe(s, now_ns);
}

enum server_edns server_edns(const struct server *s, uint32_t now_s)
{
	if (s == NULL)
		return SERVER_EDNS_UNKNOWN;
	uint8_t edns = GET(s->edns);
	if (edns >= SERVER_EDNS_SUSPECT && now_s >= GET(s->edns_until_s))
		return SERVER_EDNS_UNKNOWN;
	return edns;
}

bool server_wants_tcp(const struct server *s, uint32_t now_s)
{
	return s != NULL && now_s < GET(s->tcp_until_s);
}

bool server_is_resting(const struct server *s, uint64_t now_ns)
{
	return s != NULL && GET(s->timeouts) >= SERVER_DEAD_TIMEOUTS && now_ns < GET(s->due_ns);
}

void server_probe(struct server *s, uint64_t now_ns)
{
	unsigned n = GET(s->timeouts);
	if (n < SERVER_DEAD_TIMEOUTS)
		return;
	unsigned over = n - SERVER_DEAD_TIMEOUTS;
	uint64_t backoff_s = over < 4 ? 1ULL << over : SERVER_BACKOFF_MAX_S;
	SET(s->due_ns, now_ns + backoff_s * NS_PER_S);
}

uint32_t server_score_us(const struct server *s, uint32_t now_s)
{
	uint32_t srtt_us = s != NULL ? GET(s->srtt_us) : 0;
	if (s != NULL && srtt_us != 0 && now_s - GET(s->seen_s) > SERVER_SEEN_MAX_S)
		srtt_us = 0;
	uint32_t score_us = srtt_us != 0 ? srtt_us : random_below(UNKNOWN_SCORE_US) + 1;
	unsigned timeouts = s != NULL ? GET(s->timeouts) : 0;
	/* Each timeout in a row counts like a slow answer: the others are asked first. */
	return score_us + (timeouts < 8 ? timeouts : 8) * (SERVER_UNKNOWN_MS * 1000);
}

uint32_t server_timeout_ms(const struct server *s, unsigned round, uint32_t min_ms, uint32_t max_ms)
{
	uint32_t srtt_us = s != NULL ? GET(s->srtt_us) : 0;
	unsigned timeouts = s != NULL ? GET(s->timeouts) : 0;
	uint64_t ms = SERVER_UNKNOWN_MS;
	if (srtt_us != 0)
		ms = (srtt_us + 4ULL * GET(s->rttvar_us)) / 1000 + 1;
	if (ms < min_ms)
		ms = min_ms;
	ms <<= (round > timeouts ? round : timeouts) & 7;
	return ms < max_ms ? (uint32_t)ms : max_ms;
}

/* ---- what shows that a response is its own ---- */

enum server_case server_case(const struct server *s, uint32_t now_s)
{
	if (s == NULL || now_s >= GET(s->case_until_s))
		return SERVER_CASE_UNKNOWN;
	return GET(s->case_state);
}

void server_note_case(struct server *s, enum server_case is, uint32_t now_s, uint32_t for_s)
{
	/* A line that all workers read is not written for every response. */
	if (GET(s->case_state) == is && GET(s->case_until_s) > now_s + for_s / 2)
		return;
	SET(s->case_state, (uint8_t)is);
	SET(s->case_until_s, now_s + for_s);
}

uint64_t server_client_cookie(const struct endpoint *e, uint32_t epoch)
{
	uint8_t bytes[22];
	memcpy(bytes, e->addr.bytes, 16);
	memcpy(bytes + 16, &e->port, 2);
	memcpy(bytes + 18, &epoch, 4);
	return siphash24(&cookie_key, bytes, sizeof bytes);
}

bool server_sends_cookies(const struct server *s, uint32_t now_s)
{
	return s != NULL && now_s < GET(s->cookie_until_s);
}

unsigned server_cookie(const struct server *s, uint32_t epoch, uint8_t ret[SERVER_COOKIE_MAX_BYTES])
{
	unsigned n = s != NULL && GET(s->cookie_epoch) == epoch ? GET(s->cookie_bytes) : 0;
	if (n == 0 || n > SERVER_COOKIE_MAX_BYTES)
		return 0;
	for (unsigned i = 0; i < ARRAY_LEN(s->cookie); i++) {
		uint64_t part = GET(s->cookie[i]);
		memcpy(ret + 8 * (size_t)i, &part, 8);
	}
	return n;
}

void server_note_cookie(struct server *s, uint32_t epoch, const uint8_t *cookie, unsigned n,
                        uint32_t now_s)
{
	uint64_t parts[ARRAY_LEN(s->cookie)] = { 0 };
	if (bug_if(n > SERVER_COOKIE_MAX_BYTES))
		return;
	memcpy(parts, cookie, n);
	/* Another worker may read half of it: that server then says BADCOOKIE. */
	for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
		if (GET(s->cookie[i]) != parts[i])
			SET(s->cookie[i], parts[i]);
	}
	if (GET(s->cookie_bytes) != n || GET(s->cookie_epoch) != epoch) {
		SET(s->cookie_bytes, (uint8_t)n);
		SET(s->cookie_epoch, epoch);
	}
	if (GET(s->cookie_until_s) < now_s + SERVER_COOKIE_S / 2)
		SET(s->cookie_until_s, now_s + SERVER_COOKIE_S);
}

void server_forget_cookie(struct server *s)
{
	SET(s->cookie_bytes, 0);
	SET(s->cookie_until_s, 0);
}

/* ---- lame pairs ---- */

static uint64_t lame_tag(uint64_t server, uint64_t zone_hash)
{
	uint64_t h = server ^ zone_hash * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

void server_mark_lame(uint64_t server, uint64_t zone_hash, uint32_t now_s, uint32_t for_s)
{
	uint64_t tag = lame_tag(server, zone_hash);
	struct lame *l = &lames[tag % N_LAME];
	SET(l->tag, tag);
	SET(l->until_s, now_s + for_s);
	if (GET(lame_last_s) < now_s + for_s)
		SET(lame_last_s, now_s + for_s);
}

bool server_is_lame(uint64_t server, uint64_t zone_hash, uint32_t now_s)
{
	if (now_s >= GET(lame_last_s))
		return false;
	uint64_t tag = lame_tag(server, zone_hash);
	const struct lame *l = &lames[tag % N_LAME];
	return GET(l->tag) == tag && now_s < GET(l->until_s);
}
