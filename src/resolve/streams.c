/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's connections: which one an ask goes to, and what becomes of those that break. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "base/siphash.h"
#include "resolve/stream.h"

enum {
	N_BUCKETS = 64,
	N_NOTES = 256,
	IN_BYTES = 65536 + 2,
	SERIAL_S = 600,     /* how long a server counts as taking one question a connection */
	HOLD_MAX_S = 8,     /* a TLS server that cannot be used is left alone: 1, 2, 4, 8 s */
	HOLD_CLEAR_S = 600, /* the same where clear text will do (RFC 7858 3.1) */
	LOG_AGAIN_S = 60,
	TICKET_MAX_S = 3600,
};

/* What is remembered of a server, as long as no other one takes the place. */
struct note {
	struct endpoint server;
	const struct tls_client *tls; /* NULL: of TCP */
	uint64_t serial_until_ns, held_until_ns, logged_ns, ticket_ns;
	struct tls_ticket *ticket;
	unsigned n_failures; /* of TLS, in a row */
	int error;           /* while held */
	const char *why;
	bool is_used;
};

struct streams {
	struct exchange *x;
	struct siphash_key key;
	uint32_t connect_ms;
	unsigned n;
	struct stream *buckets[N_BUCKETS];
	struct stream *dirty;
	struct note notes[N_NOTES];
	uint8_t in[IN_BYTES];
};

int streams_new(struct exchange *x, uint32_t connect_ms, struct streams **ret)
{
	struct streams *p = calloc(1, sizeof *p);
	if (p == NULL)
		return -ENOMEM;
	p->x = x;
	p->connect_ms = connect_ms > 0 ? connect_ms : STREAM_CONNECT_MS;
	random_bytes(&p->key, sizeof p->key);
	*ret = p;
	return 0;
}

struct exchange *streams_exchange(const struct streams *p)
{
	return p->x;
}

uint8_t *streams_in(const struct streams *p, size_t *ret_n)
{
	*ret_n = sizeof p->in;
	return ((struct streams *)p)->in;
}

uint32_t streams_connect_ms(const struct streams *p)
{
	return p->connect_ms;
}

/* ---- what is known of servers ---- */

static uint64_t hash_of(const struct streams *p, const struct endpoint *e)
{
	uint8_t bytes[18];
	memcpy(bytes, e->addr.bytes, 16);
	memcpy(bytes + 16, &e->port, 2);
	return siphash13(&p->key, bytes, sizeof bytes);
}

static bool is_same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

static struct note *note_place(struct streams *p, const struct endpoint *e,
                               const struct tls_client *tls)
{
	return &p->notes[(hash_of(p, e) + (tls != NULL ? 1 : 0)) % N_NOTES];
}

static struct note *note_find(struct streams *p, const struct endpoint *e,
                              const struct tls_client *tls)
{
	struct note *o = note_place(p, e, tls);
	return o->is_used && o->tls == tls && is_same(&o->server, e) ? o : NULL;
}

static struct note *note_take(struct streams *p, const struct endpoint *e,
                              const struct tls_client *tls)
{
	struct note *o = note_find(p, e, tls);
	if (o != NULL)
		return o;
	o = note_place(p, e, tls);
	tls_ticket_free(o->ticket);
	*o = (struct note){ .server = *e, .tls = tls, .is_used = true };
	return o;
}

/* The same trouble at the same server is told once a minute. */
static void tell(struct note *o, uint64_t now_ns)
{
	char server[ADDR_TEXT_MAX];
	if (o->logged_ns != 0 && now_ns - o->logged_ns < LOG_AGAIN_S * NS_PER_S)
		return;
	o->logged_ns = now_ns;
	endpoint_to_text(&o->server, server);
	log_warning("%s cannot be asked over TLS: %s: %s", server, o->why,
	            tls_client_is_strict(o->tls) ? "no question is sent to it"
	                                         : "it is asked in clear text");
}

/* No TLS with it: left alone for a while, so that not each question costs a handshake. */
static void note_failure(struct stream *s, int error, const char *why)
{
	uint64_t now_ns = loop_now_ns(exchange_loop(s->pool->x));
	struct note *o = note_take(s->pool, &s->server, s->tls_client);
	uint64_t hold_s = o->n_failures < 3 ? 1ULL << o->n_failures : HOLD_MAX_S;
	if (!tls_client_is_strict(s->tls_client))
		hold_s = HOLD_CLEAR_S;
	o->n_failures++;
	o->error = error;
	o->why = why != NULL               ? why
	         : error == -ECONNREFUSED  ? "connection refused"
	         : s->state != STREAM_OPEN ? "no connection"
	                                   : "connection broke";
	o->held_until_ns = now_ns + hold_s * NS_PER_S;
	tls_ticket_free(o->ticket);
	o->ticket = NULL;
	tell(o, now_ns);
}

void streams_opened(struct stream *s)
{
	struct note *o = note_find(s->pool, &s->server, s->tls_client);
	if (o != NULL)
		o->n_failures = 0;
	if (s->tls != NULL)
		exchange_count_tls(s->pool->x, tls_is_resumed(s->tls));
}

void streams_keep_ticket(struct stream *s)
{
	struct tls_ticket *k = s->tls != NULL ? tls_ticket_take(s->tls) : NULL;
	if (k == NULL)
		return;
	struct note *o = note_take(s->pool, &s->server, s->tls_client);
	tls_ticket_free(o->ticket);
	o->ticket = k;
	o->ticket_ns = loop_now_ns(exchange_loop(s->pool->x));
}

/* RFC 8446 C.4: used once, so that nobody on the way can tell that two sessions are of one. */
static struct tls_ticket *use_ticket(struct streams *p, const struct ask *a, uint64_t now_ns)
{
	struct note *o = a->tls != NULL ? note_find(p, &a->server, a->tls) : NULL;
	if (o == NULL || o->ticket == NULL)
		return NULL;
	struct tls_ticket *k = o->ticket;
	o->ticket = NULL;
	if (now_ns - o->ticket_ns <= TICKET_MAX_S * NS_PER_S)
		return k;
	tls_ticket_free(k);
	return NULL;
}

/* ---- connections ---- */

static struct stream **bucket_of(struct streams *p, const struct endpoint *e)
{
	return &p->buckets[hash_of(p, e) >> 32 & (N_BUCKETS - 1)];
}

void streams_set_dirty(struct stream *s)
{
	if (s->is_dirty)
		return;
	s->is_dirty = true;
	s->next_dirty = s->pool->dirty;
	s->pool->dirty = s;
}

void streams_flush(struct streams *p)
{
	while (p->dirty != NULL) {
		struct stream *s = p->dirty;
		p->dirty = s->next_dirty;
		s->is_dirty = false;
		if (s->error == 0)
			stream_write(s);
	}
}

static void unlink_stream(struct stream *s)
{
	struct streams *p = s->pool;
	struct stream **at = bucket_of(p, &s->server);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	p->n--;
	if (!s->is_dirty)
		return;
	at = &p->dirty;
	while (*at != s)
		at = &(*at)->next_dirty;
	*at = s->next_dirty;
}

void streams_close(struct stream *s)
{
	if (s->state == STREAM_OPEN)
		streams_keep_ticket(s);
	unlink_stream(s);
	stream_free(s);
}

/* Of the idle ones that which is so longest. */
static bool close_oldest_idle(struct streams *p)
{
	struct stream *oldest = NULL;
	for (unsigned i = 0; i < N_BUCKETS; i++) {
		for (struct stream *s = p->buckets[i]; s != NULL; s = s->next) {
			if (s->is_idle && !s->is_busy &&
			    (oldest == NULL || s->idle_ns < oldest->idle_ns))
				oldest = s;
		}
	}
	if (oldest != NULL)
		streams_close(oldest);
	return oldest != NULL;
}

/* An open connection with room, and how many there are; *ret_n counts the full ones too. */
static struct stream *find_stream(struct streams *p, const struct ask *a, unsigned *ret_n)
{
	struct stream *best = NULL;
	*ret_n = 0;
	for (struct stream *s = *bucket_of(p, &a->server); s != NULL; s = s->next) {
		if (s->tls_client != a->tls || !is_same(&s->server, &a->server))
			continue;
		++*ret_n;
		if (s->is_suspect || s->is_serial || s->n == STREAM_ASKS)
			continue;
		/* RFC 7766 6.2.2: as few as possible; the others go idle and close. */
		if (best == NULL || s->n > best->n)
			best = s;
	}
	return best;
}

static int open_stream(struct streams *p, struct ask *a, bool is_serial, struct stream **ret)
{
	uint64_t now_ns = loop_now_ns(exchange_loop(p->x));
	if (p->n == STREAMS_MAX && !close_oldest_idle(p))
		return -EAGAIN;
	struct tls_ticket *ticket = use_ticket(p, a, now_ns);
	struct stream *s;
	int e = stream_connect(p, a, ticket, &s);
	tls_ticket_free(ticket);
	if (e != 0)
		return e;
	s->is_serial = is_serial;
	struct stream **bucket = bucket_of(p, &a->server);
	s->next = *bucket;
	*bucket = s;
	p->n++;
	exchange_count_connection(p->x);
	*ret = s;
	return 0;
}

static int ask(struct streams *p, struct ask *a)
{
	uint64_t now_ns = loop_now_ns(exchange_loop(p->x));
	const struct note *o = note_find(p, &a->server, a->tls);
	bool is_serial = o != NULL && now_ns < o->serial_until_ns;
	unsigned n;
	if (o != NULL && now_ns < o->held_until_ns) {
		a->why = o->why;
		return o->error;
	}
	struct stream *s = find_stream(p, a, &n);
	if (s != NULL && !is_serial) {
		if (s->state == STREAM_OPEN)
			exchange_count_reused(p->x);
		stream_add(s, a);
		return 0;
	}
	if (n >= (is_serial ? STREAMS_PER_SERIAL_SERVER : STREAMS_PER_SERVER))
		return -EAGAIN;
	int e = open_stream(p, a, is_serial, &s);
	if (e == 0)
		stream_add(s, a);
	return e;
}

int streams_ask(struct streams *p, struct ask *a)
{
	a->stream_tries = 0;
	a->why = NULL;
	return ask(p, a);
}

/*
 * It closed after its first answer though another question was under way: servers older than
 * RFC 7766 do so with each connection.
 */
static void note_serial(const struct stream *s, int error)
{
	if (error != -ECONNRESET || s->n_heard != 1 || s->n_sent == 0 || s->is_serial)
		return;
	struct note *o = note_take(s->pool, &s->server, s->tls_client);
	o->serial_until_ns = loop_now_ns(exchange_loop(s->pool->x)) + SERIAL_S * NS_PER_S;
}

void streams_broke(struct stream *s, int error, const char *why)
{
	struct streams *p = s->pool;
	bool may_retry = s->n_heard > 0;
	bool is_tls_failure = s->tls != NULL && s->n_heard == 0;
	/* When nobody waits, a server that ends the connection has done nothing wrong. */
	if (is_tls_failure && (s->n > 0 || s->state != STREAM_OPEN)) {
		note_failure(s, error, why);
		why = note_find(p, &s->server, s->tls_client)->why;
	}
	note_serial(s, error);
	if (s->state == STREAM_OPEN && s->n_heard > 0)
		streams_keep_ticket(s);
	unlink_stream(s);
	/* From here on nobody finds it: those who are told may ask the same server anew. */
	s->is_busy = true;
	while (s->n > 0) {
		struct ask *a = stream_take_back(s);
		int e = error;
		if (may_retry && a->stream_tries < STREAM_RETRIES) {
			a->stream_tries++;
			e = ask(p, a);
		}
		if (e == 0)
			continue;
		if (a->why == NULL)
			a->why = why;
		exchange_fail(p->x, a, e);
	}
	stream_free(s);
}

void streams_free(struct streams *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < N_BUCKETS; i++) {
		while (p->buckets[i] != NULL)
			streams_close(p->buckets[i]);
	}
	for (unsigned i = 0; i < N_NOTES; i++)
		tls_ticket_free(p->notes[i].ticket);
	free(p);
}
