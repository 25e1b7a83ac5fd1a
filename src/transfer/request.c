/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/request.h"

#include <errno.h>
#include <string.h>

#include "transfer/query.h"
#include "transfer/record.h"

enum {
	SCRATCH_BYTES = 4 * REQUEST_MAX + 1024,
};

/* The serial of the SOA record that IXFR has in its authority section and NOTIFY in its answer. */
static int read_serial(struct request *r, struct message *m)
{
	struct record_soa soa;
	struct rr rr;
	int e;
	while ((e = message_next(m, &rr)) == 1) {
		if (rr.type != DNS_SOA || rr.section == SECTION_ADDITIONAL)
			continue;
		if (!name_equal(rr.owner, r->zone.wire) ||
		    record_soa_read(rr.rdata, rr.rdata_len, &soa) != 0)
			return -EBADMSG;
		r->has_serial = true;
		r->serial = soa.serial;
	}
	return e == 0 ? 0 : -EBADMSG;
}

int request_read(struct request *r, const uint8_t *msg, size_t n)
{
	uint8_t scratch[SCRATCH_BYTES];
	struct message m;
	r->n_question = 0;
	r->has_serial = false;
	r->tsig.query.is_there = false;
	r->tsig.key = NULL;
	if (n < DNS_HEADER_BYTES || n > REQUEST_MAX)
		return -ENOENT;
	uint16_t flags = load16(msg + 2);
	r->is_notify = (flags & QUERY_OPCODE_MASK) == QUERY_OPCODE_NOTIFY;
	if ((flags & FLAG_QR) != 0 || (!r->is_notify && (flags & QUERY_OPCODE_MASK) != 0))
		return -ENOENT;
	memcpy(r->bytes, msg, n);
	r->n = n;
	if (load16(msg + 4) != 1 || message_open(msg, n, scratch, sizeof scratch, &m) != 0)
		return r->is_notify ? -EBADMSG : -ENOENT;
	r->n_question = m.at;
	r->type = m.type;
	name_set(&r->zone, m.question_lower);
	if (m.class != DNS_CLASS_IN ||
	    (m.type != DNS_SOA && (r->is_notify || (m.type != DNS_IXFR && m.type != DNS_AXFR))))
		return r->is_notify ? -EBADMSG : -ENOENT;
	if (read_serial(r, &m) != 0 || tsig_take(r->bytes, &r->n, &r->tsig.query) != 0)
		return -EBADMSG;
	return r->type == DNS_IXFR && !r->has_serial ? -EBADMSG : 0;
}

size_t request_answer(const struct request *r, uint8_t *out, unsigned rcode)
{
	uint16_t flags = load16(r->bytes + 2) & (QUERY_OPCODE_MASK | FLAG_RD);
	memcpy(out, r->bytes, r->n_question);
	store16(out + 2, (uint16_t)(flags | FLAG_QR | rcode | (rcode == 0 ? FLAG_AA : 0)));
	memset(out + 6, 0, 6);
	return r->n_question;
}
