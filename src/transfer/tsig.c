/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/tsig.h"

#include <errno.h>
#include <libknot/errcode.h>
#include <libknot/rrtype/tsig.h>
#include <libknot/tsig-op.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RR_FIXED_BYTES = 10,
};

int tsig_key_init(struct tsig_key *k, const struct name *name, const char *algorithm,
                  const char *secret)
{
	char text[NAME_TEXT_MAX + 1];
	if (strcmp(algorithm, "hmac-sha1") != 0 && strcmp(algorithm, "hmac-sha256") != 0 &&
	    strcmp(algorithm, "hmac-sha512") != 0)
		return -EINVAL;
	size_t n = name_to_text(name->wire, text);
	snprintf(text + n, sizeof text - n, ".");
	*k = (struct tsig_key){ .name = *name };
	int e = knot_tsig_key_init(&k->knot, algorithm, text, secret);
	if (e == KNOT_EOK && (k->knot.secret.size == 0 || k->knot.secret.size > TSIG_SECRET_MAX)) {
		knot_tsig_key_deinit(&k->knot);
		e = KNOT_EINVAL;
	}
	return e == KNOT_EOK ? 0 : e == KNOT_ENOMEM ? -ENOMEM : -EINVAL;
}

void tsig_key_done(struct tsig_key *k)
{
	knot_tsig_key_deinit(&k->knot);
}

/* ---- the record ---- */

/* Behind the name at `at`; 0: damaged. What a pointer leads to does not matter here. */
static size_t skip_name(const uint8_t *msg, size_t n, size_t at)
{
	while (at < n && msg[at] > 0 && msg[at] < 0x40)
		at += msg[at] + 1U;
	if (at >= n)
		return 0;
	size_t end = msg[at] == 0 ? at + 1 : msg[at] >= 0xc0 ? at + 2 : 0;
	return end <= n ? end : 0;
}

static int copy_record(const uint8_t *msg, size_t n, size_t at, size_t rdata, struct tsig_record *r)
{
	size_t len, next;
	/* RFC 8945 4.2: class ANY, TTL 0, which the signature takes for granted. */
	if (load16(msg + rdata - 8) != DNS_CLASS_ANY || load32(msg + rdata - 6) != 0)
		return -EBADMSG;
	r->rdata_len = load16(msg + rdata - 2);
	if (r->rdata_len > sizeof r->rdata - 2)
		return -EBADMSG;
	if (name_from_message(msg, n, at, r->owner.wire, &len, &next) != 0)
		return -EBADMSG;
	r->owner.len = (uint8_t)len;
	knot_rdata_init((knot_rdata_t *)r->rdata, r->rdata_len, msg + rdata);
	r->is_there = true;
	r->at = at;
	return 0;
}

static knot_rrset_t as_rrset(struct tsig_record *r)
{
	knot_rrset_t set;
	knot_rrset_init(&set, r->owner.wire, DNS_TSIG, DNS_CLASS_ANY, 0);
	set.rrs.count = 1;
	set.rrs.size = (uint32_t)knot_rdata_size(r->rdata_len);
	set.rrs.rdata = (knot_rdata_t *)r->rdata;
	return set;
}

int tsig_take(uint8_t *msg, size_t *n, struct tsig_record *ret)
{
	size_t at = DNS_HEADER_BYTES, size = *n;
	ret->is_there = false;
	if (size < DNS_HEADER_BYTES)
		return -EBADMSG;
	for (unsigned i = load16(msg + 4); i > 0; i--) {
		at = skip_name(msg, size, at);
		if (at == 0 || size - at < 4)
			return -EBADMSG;
		at += 4;
	}
	unsigned n_additional = load16(msg + 10);
	unsigned left = load16(msg + 6) + load16(msg + 8) + n_additional;
	for (; left > 0; left--) {
		size_t start = at;
		at = skip_name(msg, size, at);
		if (at == 0 || size - at < RR_FIXED_BYTES)
			return -EBADMSG;
		uint16_t type = load16(msg + at);
		size_t rdata = at + RR_FIXED_BYTES;
		at = rdata + load16(msg + rdata - 2);
		if (at > size)
			return -EBADMSG;
		if (type != DNS_TSIG)
			continue;
		/* RFC 8945 5.1: the last record of the additional section, and one. */
		if (left != 1 || n_additional == 0 ||
		    copy_record(msg, size, start, rdata, ret) != 0)
			return -EBADMSG;
		knot_rrset_t set = as_rrset(ret);
		if (!knot_tsig_rdata_is_ok(&set))
			return -EBADMSG;
		store16(msg + 10, (uint16_t)(n_additional - 1));
		store16(msg, knot_tsig_rdata_orig_id(&set));
		*n = start;
	}
	return 0;
}

static void keep_digest(struct tsig_record *r, uint8_t *digest, size_t *n_digest)
{
	knot_rrset_t set = as_rrset(r);
	size_t n = knot_tsig_rdata_mac_length(&set);
	*n_digest = n <= TSIG_DIGEST_MAX ? n : 0;
	memcpy(digest, knot_tsig_rdata_mac(&set), *n_digest);
}

/* ---- asking ---- */

void tsig_client_init(struct tsig_client *c, const struct tsig_key *key)
{
	*c = (struct tsig_client){ .key = key };
}

void tsig_client_done(struct tsig_client *c)
{
	free(c->unchecked);
	c->unchecked = NULL;
}

int tsig_client_sign(struct tsig_client *c, uint8_t *msg, size_t *n, size_t room)
{
	if (c->key == NULL)
		return 0;
	c->n_digest = sizeof c->digest;
	c->signed_s = 0;
	c->n_unchecked = c->n_unsigned = 0;
	int e = knot_tsig_sign(msg, n, room, NULL, 0, c->digest, &c->n_digest, &c->key->knot, 0, 0);
	return e == KNOT_EOK ? 0 : e == KNOT_ENOMEM ? -ENOMEM : -ENOBUFS;
}

static int keep_unchecked(struct tsig_client *c, const uint8_t *msg, size_t n)
{
	if (c->n_unchecked + n > c->room) {
		size_t room = 2 * (c->n_unchecked + n);
		uint8_t *more = realloc(c->unchecked, room);
		if (more == NULL)
			return -ENOMEM;
		c->unchecked = more;
		c->room = room;
	}
	memcpy(c->unchecked + c->n_unchecked, msg, n);
	c->n_unchecked += n;
	return 0;
}

/* What a server that refuses our key says. */
static const char *refusal(uint16_t error)
{
	switch (error) {
	case TSIG_BADSIG:
		return "the server says that our signature is wrong (BADSIG): is the secret the same?";
	case TSIG_BADKEY:
		return "the server does not know our key, or not with this algorithm (BADKEY)";
	case TSIG_BADTIME:
		return "the server's clock and ours differ too much (BADTIME)";
	default:
		return "the server refuses our signature";
	}
}

static const char *fault(int knot_error)
{
	switch (knot_error) {
	case KNOT_TSIG_EBADSIG:
		return "the signature of the response is wrong";
	case KNOT_TSIG_EBADKEY:
		return "the response is signed with another key, or another algorithm";
	case KNOT_TSIG_EBADTIME:
		return "the response was signed at another time: do the clocks differ?";
	case KNOT_TSIG_EBADTRUNC:
		return "the signature of the response is cut short";
	default:
		return "the signature of the response cannot be checked";
	}
}

int tsig_client_check(struct tsig_client *c, uint8_t *msg, size_t *n, const char **ret_why)
{
	struct tsig_record r;
	int e = tsig_take(msg, n, &r);
	if (e != 0 || c->key == NULL)
		return e;
	if (!r.is_there) {
		*ret_why = c->signed_s == 0 ? "the response is not signed"
		                            : "too many messages without a signature";
		if (c->signed_s == 0 || ++c->n_unsigned > TSIG_UNSIGNED_MAX)
			return -EKEYREJECTED;
		return keep_unchecked(c, msg, *n);
	}
	knot_rrset_t set = as_rrset(&r);
	uint16_t error = knot_tsig_rdata_error(&set);
	if (error != 0) {
		*ret_why = refusal(error);
		return -EKEYREJECTED;
	}
	e = keep_unchecked(c, msg, *n);
	if (e != 0)
		return e;
	if (c->signed_s == 0)
		e = knot_tsig_client_check(&set, c->unchecked, c->n_unchecked, c->digest,
		                           c->n_digest, &c->key->knot, 0);
	else
		e = knot_tsig_client_check_next(&set, c->unchecked, c->n_unchecked, c->digest,
		                                c->n_digest, &c->key->knot, c->signed_s);
	if (e != KNOT_EOK) {
		*ret_why = fault(e);
		return -EKEYREJECTED;
	}
	keep_digest(&r, c->digest, &c->n_digest);
	c->signed_s = knot_tsig_rdata_time_signed(&set);
	c->n_unchecked = 0;
	c->n_unsigned = 0;
	return 0;
}

bool tsig_client_end(const struct tsig_client *c)
{
	return c->key == NULL || (c->signed_s != 0 && c->n_unsigned == 0);
}

/* ---- answering ---- */

void tsig_server_check(struct tsig_server *s, const uint8_t *msg, size_t n,
                       const struct tsig_key *key)
{
	s->key = NULL;
	s->error = TSIG_OK;
	s->is_next = false;
	if (!s->query.is_there)
		return;
	knot_rrset_t set = as_rrset(&s->query);
	if (key == NULL) {
		s->error = TSIG_BADKEY;
		return;
	}
	switch (knot_tsig_server_check(&set, msg, n, &key->knot)) {
	case KNOT_EOK:
		break;
	case KNOT_TSIG_EBADTIME:
		s->error = TSIG_BADTIME;
		break;
	case KNOT_TSIG_EBADKEY:
		s->error = TSIG_BADKEY;
		return;
	default:
		s->error = TSIG_BADSIG;
		return;
	}
	s->key = key;
	keep_digest(&s->query, s->digest, &s->n_digest);
}

int tsig_server_sign(struct tsig_server *s, uint8_t *msg, size_t *n, size_t room)
{
	int e = KNOT_EOK;
	uint8_t digest[TSIG_DIGEST_MAX];
	size_t n_digest = sizeof digest;
	if (!s->query.is_there)
		return 0;
	knot_rrset_t set = as_rrset(&s->query);
	if (s->key == NULL) {
		/* RFC 8945 5.3.2: nothing is signed with a key that is not known. */
		e = knot_tsig_add(msg, n, room, s->error, &set);
		return e == KNOT_EOK ? 0 : -ENOBUFS;
	}
	if (s->is_next)
		e = knot_tsig_sign_next(msg, n, room, s->digest, s->n_digest, digest, &n_digest,
		                        &s->key->knot, msg, *n);
	else
		e = knot_tsig_sign(msg, n, room, s->digest, s->n_digest, digest, &n_digest,
		                   &s->key->knot, s->error, knot_tsig_rdata_time_signed(&set));
	if (e != KNOT_EOK)
		return e == KNOT_ENOMEM ? -ENOMEM : -ENOBUFS;
	memcpy(s->digest, digest, n_digest);
	s->n_digest = n_digest;
	s->is_next = true;
	return 0;
}
