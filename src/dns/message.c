/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/message.h"

#include <errno.h>
#include <libknot/descriptor.h>
#include <string.h>

enum {
	OPCODE_MASK = 0x7800,
	RR_FIXED_BYTES = 10, /* type, class, ttl, rdlength */
	EDNS_DO = 0x8000,
	OPTION_NSID = 3,
	OPTION_COOKIE = 10,
};

static inline uint8_t lower(uint8_t c)
{
	return (uint8_t)(c | ((uint8_t)(c - 'A') < 26 ? 0x20 : 0));
}

/* ---- questions ---- */

/* The question's name, lower case. Compression has nothing to point to here: FORMERR. */
static size_t read_question_name(const uint8_t *msg, size_t n, struct name *ret)
{
	size_t at = DNS_HEADER_BYTES;
	size_t out = 0;
	while (at < n && msg[at] <= 63) {
		size_t label = msg[at] + 1U;
		if (out + label > NAME_MAX_BYTES || at + label > n)
			return 0;
		for (size_t i = 0; i < label; i++)
			ret->wire[out + i] = lower(msg[at + i]);
		out += label;
		at += label;
		if (label == 1) {
			ret->len = (uint8_t)out;
			return at;
		}
	}
	return 0;
}

/* RFC 6891 6.1.2: a list of {code, length, data} that fills the record. A client's subnet (RFC
   7871) is passed over like any option that is not known: it is never sent on. */
static bool are_options_sound(const uint8_t *p, size_t n, struct question *q)
{
	size_t at = 0;
	while (at < n) {
		if (n - at < 4)
			return false;
		size_t len = load16(p + at + 2);
		if (n - at - 4 < len)
			return false;
		if (load16(p + at) == OPTION_NSID)
			q->has_nsid = true;
		at += 4 + len;
	}
	return true;
}

/* RFC 7873 5.2.2: a client cookie alone, or with a server cookie of 8 to 32; else FORMERR. */
static bool read_cookie(const uint8_t *options, size_t n, struct question *q)
{
	const struct opt opt = { .options = options, .option_bytes = (uint16_t)n };
	const uint8_t *data;
	size_t bytes;
	if (!opt_find(&opt, OPTION_COOKIE, &data, &bytes))
		return true;
	if (bytes != 8 && (bytes < 16 || bytes > sizeof q->cookie))
		return false;
	memcpy(q->cookie, data, bytes);
	q->cookie_bytes = (uint8_t)bytes;
	return true;
}

/* The additional section of a question: at most one OPT, anything else is read over. */
static int read_additional(const uint8_t *msg, size_t n, size_t at, unsigned count,
                           struct question *q)
{
	for (unsigned i = 0; i < count; i++) {
		bool at_root = at < n && msg[at] == 0;
		size_t name = at < n ? name_check(msg + at, n - at) : 0;
		if (name == 0 && at + 2 <= n && msg[at] >= 0xc0)
			name = 2; /* a lone pointer, as in a TSIG of some clients */
		if (name == 0 || n - at - name < RR_FIXED_BYTES)
			return RCODE_FORMERR;
		const uint8_t *rr = msg + at + name;
		size_t rdlen = load16(rr + 8);
		at += name + RR_FIXED_BYTES;
		if (n - at < rdlen)
			return RCODE_FORMERR;
		if (load16(rr) == DNS_OPT) {
			/* RFC 6891 6.1.1: more than one OPT: FORMERR; its name MUST be root. */
			if (q->has_edns || !at_root || !are_options_sound(msg + at, rdlen, q))
				return RCODE_FORMERR;
			q->has_edns = true;
			q->udp_size = load16(rr + 2) < 512 ? 512 : load16(rr + 2);
			q->edns_version = rr[5];
			q->is_do = (load16(rr + 6) & EDNS_DO) != 0;
			if (rdlen > 0 && !read_cookie(msg + at, rdlen, q))
				return RCODE_FORMERR;
		}
		at += rdlen;
	}
	return at == n ? 0 : RCODE_FORMERR;
}

/* Types and classes that are not questions to a resolver (RFC 8906 8.1.3, RFC 6895 3.1). */
static int judge_type(const struct question *q)
{
	switch (q->type) {
	case DNS_AXFR:
	case DNS_IXFR:
		return RCODE_REFUSED;
	case 0:
	case DNS_OPT:
	case DNS_TKEY:
	case DNS_TSIG:
		return RCODE_FORMERR;
	case DNS_ANY:
		break;
	default:
		if (q->type >= 128 && q->type <= 255)
			return RCODE_NOTIMP; /* meta types nobody defined, MAILA, MAILB */
	}
	return q->class == DNS_CLASS_IN ? 0 : RCODE_REFUSED;
}

int message_parse_question(const uint8_t *msg, size_t n, struct question *ret)
{
	struct question *q = ret;
	q->has_question = false;
	q->has_edns = false;
	q->is_do = q->has_nsid = false;
	q->cookie_bytes = 0;
	q->edns_version = 0;
	q->udp_size = 512;
	q->wire_bytes = 0;
	q->type = q->class = 0;
	q->name.len = 0;
	if (n < DNS_HEADER_BYTES)
		return -ENODATA;
	q->id = load16(msg);
	q->flags = load16(msg + 2);
	if ((q->flags & FLAG_QR) != 0)
		return -ENODATA; /* an answer to an answer would make a loop */
	if ((q->flags & OPCODE_MASK) != 0)
		return RCODE_NOTIMP;
	if (load16(msg + 4) != 1)
		return RCODE_FORMERR; /* RFC 9619: QDCOUNT is one */
	size_t at = read_question_name(msg, n, &q->name);
	if (at == 0 || n - at < 4)
		return RCODE_FORMERR;
	q->type = load16(msg + at);
	q->class = load16(msg + at + 2);
	at += 4;
	q->wire_bytes = (uint16_t)(at - DNS_HEADER_BYTES);
	q->has_question = true;
	if (q->type == DNS_IXFR || q->type == DNS_AXFR)
		return RCODE_REFUSED; /* before the sections: IXFR carries a SOA in authority */
	if (load16(msg + 6) != 0 || load16(msg + 8) != 0)
		return RCODE_FORMERR;
	int rcode = read_additional(msg, n, at, load16(msg + 10), q);
	if (rcode != 0)
		return rcode;
	if (q->edns_version > 0)
		return RCODE_BADVERS;
	return judge_type(q);
}

/* ---- names ---- */

static int read_name(const uint8_t *msg, size_t n, size_t at, uint8_t *ret, size_t *ret_len,
                     size_t *ret_next, bool to_lower)
{
	size_t out = 0;
	size_t next = 0; /* set at the first pointer */
	size_t floor_at =
		at; /* pointers must lead before this: so it ends (RFC 1035 4.1.4 "prior") */
	for (;;) {
		if (at >= n)
			return -EBADMSG;
		size_t c = msg[at];
		if (c >= 0xc0) {
			if (at + 2 > n)
				return -EBADMSG;
			size_t to = (size_t)load16(msg + at) & 0x3fff;
			if (next == 0)
				next = at + 2;
			if (to >= floor_at)
				return -EBADMSG;
			floor_at = at = to;
			continue;
		}
		if (c > 63 || at + c + 1 > n || out + c + 1 > NAME_MAX_BYTES)
			return -EBADMSG;
		if (to_lower) {
			for (size_t i = 0; i <= c; i++)
				ret[out + i] = lower(msg[at + i]);
		} else {
			memcpy(ret + out, msg + at, c + 1);
		}
		out += c + 1;
		at += c + 1;
		if (c == 0)
			break;
	}
	*ret_len = out;
	*ret_next = next != 0 ? next : at;
	return 0;
}

int name_from_message(const uint8_t *msg, size_t n, size_t at, uint8_t *ret, size_t *ret_len,
                      size_t *ret_next)
{
	uint8_t name[NAME_MAX_BYTES];
	size_t len;
	size_t next;
	int e = read_name(msg, n, at, name, &len, &next, true);
	if (e != 0)
		return e;
	memcpy(ret, name, len);
	*ret_len = len;
	*ret_next = next;
	return 0;
}

/* ---- walking records ---- */

int message_open(const uint8_t *bytes, size_t n, uint8_t *scratch, size_t scratch_bytes,
                 struct message *ret)
{
	if (n < DNS_HEADER_BYTES || n > DNS_MAX_MESSAGE)
		return -EBADMSG;
	struct message m = {
		.bytes = bytes,
		.n = n,
		.at = DNS_HEADER_BYTES,
		.id = load16(bytes),
		.flags = load16(bytes + 2),
		.left = { load16(bytes + 6), load16(bytes + 8), load16(bytes + 10) },
		.scratch = scratch,
		.scratch_left = scratch_bytes,
	};
	unsigned qd = load16(bytes + 4);
	if (qd > 1 || scratch_bytes < NAME_MAX_BYTES)
		return -EBADMSG;
	if (qd == 1) {
		size_t len = name_check(bytes + m.at, n - m.at);
		if (len == 0 || n - m.at - len < 4)
			return -EBADMSG;
		m.question = bytes + m.at;
		m.question_lower = scratch;
		name_copy_lower(scratch, m.question);
		m.scratch += len;
		m.scratch_left -= len;
		m.type = load16(bytes + m.at + len);
		m.class = load16(bytes + m.at + len + 2);
		m.at += len + 4;
	}
	*ret = m;
	return 0;
}

/* The owner; most often a pointer to the question, which is already laid down in lower case. */
static int read_owner(struct message *m, struct rr *rr)
{
	const uint8_t *p = m->bytes + m->at;
	if (m->question != NULL && m->n - m->at >= 2 && p[0] == 0xc0 && p[1] == DNS_HEADER_BYTES) {
		rr->owner = m->question_lower;
		m->at += 2;
		return 0;
	}
	if (m->scratch_left < NAME_MAX_BYTES)
		return -ENOBUFS;
	size_t len;
	int e = read_name(m->bytes, m->n, m->at, m->scratch, &len, &m->at, true);
	if (e != 0)
		return e;
	rr->owner = m->scratch;
	m->scratch += len;
	m->scratch_left -= len;
	return 0;
}

/*
 * Record data whose names may be compressed (RFC 3597 4: only the types of RFC 1035; libknot's
 * descriptors say which, and where the names are) is laid down whole in the scratch.
 */
static int expand_rdata(struct message *m, struct rr *rr, const int *blocks, size_t end)
{
	uint8_t *start = m->scratch;
	for (int i = 0; i < KNOT_MAX_RDATA_BLOCKS && blocks[i] != KNOT_RDATA_WF_END; i++) {
		size_t len;
		switch (blocks[i]) {
		case KNOT_RDATA_WF_COMPRESSIBLE_DNAME:
		case KNOT_RDATA_WF_DECOMPRESSIBLE_DNAME:
		case KNOT_RDATA_WF_FIXED_DNAME: {
			size_t next;
			if (m->scratch_left < NAME_MAX_BYTES)
				return -ENOBUFS;
			/* Nothing of the name but pointers' targets may lie outside this rdata. */
			if (read_name(m->bytes, end, m->at, m->scratch, &len, &next, false) != 0)
				return -EBADMSG;
			m->at = next;
			break;
		}
		case KNOT_RDATA_WF_NAPTR_HEADER: { /* order, preference, three strings */
			size_t at = m->at + 4;
			for (int k = 0; k < 3 && at < end; k++)
				at += m->bytes[at] + 1U;
			if (at > end)
				return -EBADMSG;
			len = at - m->at;
			if (m->scratch_left < len)
				return -ENOBUFS;
			memcpy(m->scratch, m->bytes + m->at, len);
			m->at = at;
			break;
		}
		default:
			len = blocks[i] == KNOT_RDATA_WF_REMAINDER ? end - m->at
			                                           : (size_t)blocks[i];
			if (end - m->at < len)
				return -EBADMSG;
			if (m->scratch_left < len)
				return -ENOBUFS;
			memcpy(m->scratch, m->bytes + m->at, len);
			m->at += len;
			break;
		}
		m->scratch += len;
		m->scratch_left -= len;
	}
	if (m->at != end)
		return -EBADMSG;
	rr->rdata = start;
	rr->rdata_len = (uint16_t)(m->scratch - start);
	return 0;
}

/* Fixed-size data that must have its size, whatever the message says. */
static bool is_size_wrong(uint16_t type, size_t rdlen)
{
	return (type == DNS_A && rdlen != 4) || (type == DNS_AAAA && rdlen != 16);
}

static bool has_names(const int *blocks)
{
	for (int i = 0; i < KNOT_MAX_RDATA_BLOCKS && blocks[i] != KNOT_RDATA_WF_END; i++) {
		if (blocks[i] == KNOT_RDATA_WF_COMPRESSIBLE_DNAME ||
		    blocks[i] == KNOT_RDATA_WF_DECOMPRESSIBLE_DNAME)
			return true;
		/* Never compressed by an honest server, but its form is to be checked. */
		if (blocks[i] == KNOT_RDATA_WF_FIXED_DNAME)
			return true;
	}
	return false;
}

static int read_rdata(struct message *m, struct rr *rr, size_t rdlen)
{
	size_t end = m->at + rdlen;
	if (rr->type == DNS_A || rr->type == DNS_AAAA || rr->type == DNS_OPT) {
		if (is_size_wrong(rr->type, rdlen))
			return -EBADMSG;
	} else if (rdlen > 0) {
		const knot_rdata_descriptor_t *d = knot_get_rdata_descriptor(rr->type);
		if (d->type_name == NULL) /* MD, MF, MB and others may be compressed too */
			d = knot_get_obsolete_rdata_descriptor(rr->type);
		if (has_names(d->block_types))
			return expand_rdata(m, rr, d->block_types, end);
	}
	rr->rdata = m->bytes + m->at;
	rr->rdata_len = (uint16_t)rdlen;
	m->at = end;
	return 0;
}

int message_next(struct message *m, struct rr *ret)
{
	struct rr rr = { .section = SECTION_ANSWER };
	while (rr.section <= SECTION_ADDITIONAL && m->left[rr.section] == 0)
		rr.section++;
	if (rr.section > SECTION_ADDITIONAL)
		return 0;
	if (m->at >= m->n)
		return -EBADMSG;
	int e = read_owner(m, &rr);
	if (e != 0)
		return e;
	if (m->n - m->at < RR_FIXED_BYTES)
		return -EBADMSG;
	const uint8_t *p = m->bytes + m->at;
	rr.type = load16(p);
	rr.class = load16(p + 2);
	rr.ttl_s = load32(p + 4);
	if (rr.ttl_s > 0x7fffffff && rr.type != DNS_OPT)
		rr.ttl_s = 0;
	size_t rdlen = load16(p + 8);
	m->at += RR_FIXED_BYTES;
	if (m->n - m->at < rdlen)
		return -EBADMSG;
	e = read_rdata(m, &rr, rdlen);
	if (e != 0)
		return e;
	m->left[rr.section]--;
	*ret = rr;
	return 1;
}

/* ---- the OPT record ---- */

/* Behind a name, whatever it leads to; 0: it is cut off. */
static size_t skip_name(const uint8_t *msg, size_t n, size_t at)
{
	while (at < n && msg[at] != 0 && msg[at] < 0xc0)
		at += msg[at] + 1U;
	size_t last = at < n && msg[at] >= 0xc0 ? 2 : 1;
	return at + last <= n ? at + last : 0;
}

int message_find_opt(const struct message *m, struct opt *ret)
{
	unsigned before = (unsigned)m->left[0] + m->left[1];
	unsigned count = before + m->left[2];
	size_t at = m->at;
	for (unsigned i = 0; i < count; i++) {
		size_t owner = at;
		at = skip_name(m->bytes, m->n, at);
		if (at == 0 || m->n - at < RR_FIXED_BYTES)
			return -EBADMSG;
		const uint8_t *p = m->bytes + at;
		size_t rdlen = load16(p + 8);
		at += RR_FIXED_BYTES;
		if (m->n - at < rdlen)
			return -EBADMSG;
		if (i >= before && load16(p) == DNS_OPT && m->bytes[owner] == 0) {
			*ret = (struct opt){ .options = m->bytes + at,
				             .option_bytes = (uint16_t)rdlen,
				             .rcode_high = p[4] };
			return 0;
		}
		at += rdlen;
	}
	return -ENOENT;
}

bool opt_find(const struct opt *o, uint16_t code, const uint8_t **ret_data, size_t *ret_n)
{
	const uint8_t *p = o->options;
	size_t left = o->option_bytes;
	while (left >= 4) {
		size_t len = load16(p + 2);
		if (left - 4 < len)
			return false;
		if (load16(p) == code) {
			*ret_data = p + 4;
			*ret_n = len;
			return true;
		}
		p += 4 + len;
		left -= 4 + len;
	}
	return false;
}
