/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/reply.h"

#include <string.h>

enum {
	OPT_BYTES = 11,
	OPTION_NSID = 3,
	OPTION_COOKIE = 10,
	OPTION_EDE = 15,
	OPCODE_MASK = 0x7800,
	POINTER_TO_QUESTION = 0xc000 | DNS_HEADER_BYTES,
};

void reply_start(struct reply *r, uint8_t *buf, size_t limit, const struct question *q,
                 const uint8_t *msg, size_t reserved)
{
	r->bytes = buf;
	r->limit = limit;
	r->reserved = reserved;
	r->is_full = r->is_aa = false;
	r->nsid = NULL;
	r->class = DNS_CLASS_IN;
	memset(r->counts, 0, sizeof r->counts);
	r->n = DNS_HEADER_BYTES;
	store16(buf, q->id);
	if (q->has_question) {
		memcpy(buf + DNS_HEADER_BYTES, msg + DNS_HEADER_BYTES, q->wire_bytes);
		r->n += q->wire_bytes;
		r->counts[0] = 1;
	}
}

/* Lay down an owner; what is a suffix of the question becomes a pointer into it. */
static size_t write_owner(uint8_t *p, const uint8_t *owner, const uint8_t *question)
{
	size_t out = 0;
	for (; *owner != 0; owner += *owner + 1) {
		const uint8_t *at = question;
		for (; *at != 0; at += *at + 1) {
			if (name_equal(owner, at)) {
				store16(p + out, (uint16_t)(POINTER_TO_QUESTION + (at - question)));
				return out + 2;
			}
		}
		memcpy(p + out, owner, *owner + 1U);
		out += *owner + 1U;
	}
	p[out] = 0;
	return out + 1;
}

void reply_add(struct reply *r, int section, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
               const uint8_t *rdata, size_t rdata_len)
{
	uint8_t head[NAME_MAX_BYTES + 10];
	size_t n = 2;
	if (r->is_full)
		return;
	/* Without a question there is nothing to point to, and no name in the buffer. */
	static const uint8_t no_name[] = { 0 };
	bool has_question = r->counts[0] > 0;
	if (bug_if(owner == NULL && !has_question))
		return;
	if (owner == NULL)
		store16(head, POINTER_TO_QUESTION);
	else
		n = write_owner(head, owner, has_question ? r->bytes + DNS_HEADER_BYTES : no_name);
	store16(head + n, type);
	store16(head + n + 2, r->class);
	store32(head + n + 4, ttl_s);
	store16(head + n + 8, (uint16_t)rdata_len);
	n += 10;
	if (r->n + n + rdata_len + r->reserved > r->limit) {
		r->is_full = true;
		return;
	}
	memcpy(r->bytes + r->n, head, n);
	memcpy(r->bytes + r->n + n, rdata, rdata_len);
	r->n += n + rdata_len;
	r->counts[1 + section]++;
}

static void write_opt(struct reply *r, const struct question *q, unsigned rcode,
                      const struct ede *edes, unsigned n_edes)
{
	uint8_t *p = r->bytes + r->n;
	size_t room = r->limit - r->n;
	if (room < OPT_BYTES)
		return;
	p[0] = 0;
	store16(p + 1, DNS_OPT);
	store16(p + 3, REPLY_UDP_SIZE);
	p[5] = (uint8_t)(rcode >> 4); /* RFC 6891 6.1.3: the upper eight bits */
	p[6] = 0;                     /* version 0, whatever was asked */
	store16(p + 7, q->is_do ? 0x8000 : 0);
	size_t n = OPT_BYTES;
	size_t nsid = q->has_nsid && r->nsid != NULL ? strlen(r->nsid) : 0;
	if (nsid > 0 && room - n >= 4 + nsid) {
		store16(p + n, OPTION_NSID);
		store16(p + n + 2, (uint16_t)nsid);
		memcpy(p + n + 4, r->nsid, nsid);
		n += 4 + nsid;
	}
	if (q->cookie_bytes > 0 && room - n >= 4U + q->cookie_bytes) {
		store16(p + n, OPTION_COOKIE);
		store16(p + n + 2, q->cookie_bytes);
		memcpy(p + n + 4, q->cookie, q->cookie_bytes);
		n += 4U + q->cookie_bytes;
	}
	for (unsigned i = 0; i < n_edes && i < EDE_MAX; i++) {
		size_t text = strnlen(edes[i].text, EDE_TEXT_MAX);
		if (room - n < 6)
			break;
		if (room - n < 6 + text)
			text = 0; /* the code alone is still worth its six bytes */
		store16(p + n, OPTION_EDE);
		store16(p + n + 2, (uint16_t)(2 + text));
		store16(p + n + 4, edes[i].code);
		memcpy(p + n + 6, edes[i].text, text);
		n += 6 + text;
	}
	store16(p + 9, (uint16_t)(n - OPT_BYTES));
	r->n += n;
	r->counts[3]++;
}

size_t reply_finish(struct reply *r, const struct question *q, unsigned rcode, bool is_ad,
                    const struct ede *edes, unsigned n_edes)
{
	uint16_t flags = FLAG_QR | FLAG_RA;
	flags |= q->flags & (OPCODE_MASK | FLAG_RD | FLAG_CD);
	if (is_ad)
		flags |= FLAG_AD;
	if (r->is_aa)
		flags |= FLAG_AA;
	if (r->is_full) {
		/* RFC 2181 9: a cut section is worth nothing to the client, so send none. */
		flags |= FLAG_TC;
		r->n = DNS_HEADER_BYTES + (q->has_question ? q->wire_bytes : 0U);
		r->counts[1] = r->counts[2] = r->counts[3] = 0;
	}
	if (q->has_edns)
		write_opt(r, q, rcode, edes, n_edes);
	store16(r->bytes + 2, (uint16_t)(flags | (rcode & 0xf)));
	for (int i = 0; i < 4; i++)
		store16(r->bytes + 4 + 2 * i, r->counts[i]);
	return r->n;
}

size_t reply_write_query(uint8_t *buf, uint16_t id, const uint8_t *name, uint16_t type, bool rd,
                         bool cd, bool with_edns)
{
	size_t n = DNS_HEADER_BYTES;
	memset(buf, 0, DNS_HEADER_BYTES);
	store16(buf, id);
	store16(buf + 2, (uint16_t)((rd ? FLAG_RD : 0) | (cd ? FLAG_CD : 0)));
	buf[5] = 1;
	size_t len = name_len(name);
	memcpy(buf + n, name, len);
	n += len;
	store16(buf + n, type);
	store16(buf + n + 2, DNS_CLASS_IN);
	n += 4;
	if (with_edns) {
		static const uint8_t opt[OPT_BYTES] = {
			0, 0, DNS_OPT, REPLY_UDP_SIZE >> 8, REPLY_UDP_SIZE & 0xff, 0, 0, 0x80
		};
		memcpy(buf + n, opt, OPT_BYTES);
		n += OPT_BYTES;
		buf[11] = 1;
	}
	return n;
}
