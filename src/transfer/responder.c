/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/responder.h"

#include <errno.h>
#include <string.h>

#include "dns/text.h"
#include "transfer/outgoing.h"
#include "transfer/publication.h"
#include "transfer/query.h"
#include "transfer/table.h"

/* Check the signature, if there is one. False: it is no good, and the answer says so. */
static bool check_signature(struct request *r, const struct table *t)
{
	const struct tsig_key *key = NULL;
	if (r->tsig.query.is_there)
		key = keyring_find(t->ring, &r->tsig.query.owner);
	tsig_server_check(&r->tsig, r->bytes, r->n, key);
	return r->tsig.error == TSIG_OK;
}

static size_t finish(struct request *r, uint8_t *out, size_t n, size_t room)
{
	return tsig_server_sign(&r->tsig, out, &n, room) == 0 ? n : 0;
}

/* ---- NOTIFY ---- */

/* Which of the primaries has this address; n_primaries: none. */
static unsigned find_primary(const struct table_followed *f, const struct addr *client)
{
	unsigned i = 0;
	while (i < f->n_primaries && !addr_equal(&f->primaries[i].addr, client))
		i++;
	return i;
}

/*
 * RFC 1996 3.10: "If a slave receives a NOTIFY request from a host that is not a known master for
 * the zone ... it should ignore the request"; a key that both know is as good as an address.
 */
static unsigned take_notify(const struct responder *home, const struct request *r,
                            const struct table *t, const struct addr *client)
{
	bool is_taken = false;
	for (unsigned i = 0; i < t->n_followed; i++) {
		struct table_followed *f = &t->followed[i];
		if (!name_equal(f->zone.wire, r->zone.wire))
			continue;
		unsigned primary = find_primary(f, client);
		bool has_key = f->key != NULL && r->tsig.key == f->key;
		if (primary == f->n_primaries && !has_key)
			continue;
		atomic_store_explicit(&f->notifier, primary, memory_order_relaxed);
		atomic_store_explicit(&f->is_notified, true, memory_order_release);
		is_taken = true;
	}
	if (!is_taken)
		return RCODE_REFUSED;
	loop_wake(home->loop);
	return RCODE_NOERROR;
}

/* ---- zones that are published ---- */

static bool is_one_of(const struct table_published *p, const struct responder_message *m)
{
	char text[NAME_TEXT_MAX];
	for (unsigned i = 0; i < p->n_names; i++) {
		name_to_text(p->names[i].wire, text);
		if (m->is_named(m->arg, text))
			return true;
	}
	return false;
}

/*
 * X10: with a key it must be signed so; with addresses it must come from one of them. X11: what is
 * for TLS goes over TLS only, but for the SOA record, which many ask for in clear text before (RFC
 * 9103 8: of those who may have the zone).
 */
static bool may_have(const struct table_published *p, const struct request *r,
                     const struct responder_message *m)
{
	bool is_tls = m->transfer != NULL;
	if (p->is_tls_only && !is_tls && r->type != DNS_SOA)
		return false;
	if (is_tls && p->n_names > 0 && !is_one_of(p, m))
		return false;
	if (p->key != NULL && r->tsig.key != p->key)
		return false;
	for (unsigned i = 0; i < p->n_allow; i++) {
		if (addr_prefix_covers(&p->allow[i], &m->client))
			return true;
	}
	return p->n_allow == 0 && (p->key != NULL || (is_tls && p->n_names > 0));
}

static size_t add_soa(const struct request *r, uint8_t *out, size_t n, uint32_t serial)
{
	static const uint8_t names[] = "\x09localhost\0\x0ahostmaster\x09localhost";
	const uint32_t numbers[5] = { serial, PUBLICATION_REFRESH_S, PUBLICATION_RETRY_S,
		                      PUBLICATION_EXPIRE_S, PUBLICATION_TTL_S };
	uint8_t *p = out + n;
	(void)r;
	store16(p, 0xc000 | DNS_HEADER_BYTES);
	store16(p + 2, DNS_SOA);
	store16(p + 4, DNS_CLASS_IN);
	store32(p + 6, PUBLICATION_TTL_S);
	store16(p + 10, sizeof names + 20);
	memcpy(p + 12, names, sizeof names);
	p += 12 + sizeof names;
	for (int i = 0; i < 5; i++, p += 4)
		store32(p, numbers[i]);
	store16(out + 6, 1);
	return (size_t)(p - out);
}

/* Give the connection to a thread; an rcode if that cannot be. */
static unsigned start_transfer(const struct responder *home, const struct responder_message *m,
                               const struct request *r, const struct table *t,
                               const struct table_published *p)
{
	if (m->transfer != NULL)
		return m->transfer(m->arg, r, p->folder, t->ring) == 0 ? RCODE_NOERROR
		                                                       : RCODE_SERVFAIL;
	if (m->detach == NULL || home->outgoing == NULL || !outgoing_has_room(home->outgoing))
		return RCODE_SERVFAIL;
	int fd = m->detach(m->arg);
	if (fd < 0)
		return RCODE_SERVFAIL;
	/* Without memory the connection is closed: the other side comes again. */
	(void)!outgoing_put(home->outgoing, fd, r, p->folder, &m->client, t->ring);
	return RCODE_NOERROR;
}

/* The answer; 0: the connection is another's now. */
static size_t answer_zone(const struct responder *home, const struct responder_message *m,
                          struct request *r, const struct table *t, uint8_t *out, size_t room)
{
	const struct table_published *p = table_find_published(t, &r->zone);
	uint64_t version = p != NULL ? atomic_load_explicit(&p->version, memory_order_acquire) : 0;
	unsigned rcode;
	if (!check_signature(r, t))
		rcode = RCODE_NOTAUTH;
	else if (p == NULL || !may_have(p, r, m))
		rcode = RCODE_REFUSED;
	else if (version == 0)
		rcode = RCODE_SERVFAIL;
	else if (r->type == DNS_AXFR && !m->is_stream)
		rcode = RCODE_FORMERR; /* RFC 5936 4.2: not over UDP */
	else
		rcode = RCODE_NOERROR;
	if (rcode == RCODE_NOERROR && r->type != DNS_SOA && m->is_stream) {
		rcode = start_transfer(home, m, r, t, p);
		if (rcode == RCODE_NOERROR)
			return 0;
	}
	size_t n = request_answer(r, out, rcode);
	/* RFC 1995 2: over UDP one SOA says that there is more, over TCP. */
	if (rcode == RCODE_NOERROR)
		n = add_soa(r, out, n, (uint32_t)version);
	return finish(r, out, n, room);
}

/* ---- all of them ---- */

size_t responder_answer(const struct responder *home, const struct responder_message *m,
                        uint8_t *out, size_t room)
{
	struct request r;
	const struct table *t = table_current();
	int e = t != NULL ? request_read(&r, m->bytes, m->n) : -ENOENT;
	if (e == -ENOENT || (e != 0 && r.n_question == 0))
		return 0;
	if (e != 0) {
		size_t n = request_answer(&r, out, RCODE_FORMERR);
		r.tsig.query.is_there = false; /* it may be what is damaged */
		return finish(&r, out, n, room);
	}
	if (!r.is_notify)
		return answer_zone(home, m, &r, t, out, room);
	unsigned rcode =
		check_signature(&r, t) ? take_notify(home, &r, t, &m->client) : RCODE_NOTAUTH;
	return finish(&r, out, request_answer(&r, out, rcode), room);
}

/* NOTIFY where zones are followed; SOA and transfers of what is published. */
bool responder_wants(void *arg, const struct query *q)
{
	const struct table *t = table_current();
	(void)arg;
	if (t == NULL)
		return false;
	if ((load16(q->in + 2) & QUERY_OPCODE_MASK) == QUERY_OPCODE_NOTIFY)
		return true;
	return t->n_published > 0 && q->question.has_question &&
	       (q->question.type == DNS_SOA || q->question.type == DNS_IXFR ||
	        q->question.type == DNS_AXFR) &&
	       table_find_published(t, &q->question.name) != NULL;
}

static int detach(void *arg)
{
	struct query *q = arg;
	return q->origin->detach(q);
}

void responder_write(void *arg, struct query *q)
{
	const struct responder_message m = {
		.bytes = q->in,
		.n = q->in_bytes,
		.client = q->client.addr,
		.is_stream = q->origin->is_stream,
		.detach = q->origin->detach != NULL ? detach : NULL,
		.arg = q,
	};
	size_t room;
	q->out = q->origin->buffer(q, &room);
	if (q->out != NULL)
		q->out_bytes = responder_answer(arg, &m, q->out, room);
}
