/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/receive.h"

#include <errno.h>

#include "transfer/serial.h"

enum {
	RCODE_MASK = 0x000f,
	OPCODE_MASK = 0x7800,
};

void receive_init(struct receive *r, const struct receive_plan *plan)
{
	*r = (struct receive){ .plan = plan, .why = "" };
}

static int bad(struct receive *r, int e, const char *why)
{
	r->why = why;
	return e;
}

static int tell(struct receive *r, enum receive_event event, const struct rr *rr)
{
	int e = r->plan->take(r->plan->arg, event, rr);
	return e != 0 ? bad(r, e, "the zone cannot be kept") : 0;
}

static bool is_own_soa(const struct receive *r, const struct rr *rr)
{
	return rr->type == DNS_SOA && rr->class == DNS_CLASS_IN &&
	       name_equal(rr->owner, r->plan->zone->wire);
}

/* The SOA that all begin with. */
static int take_first(struct receive *r, const struct rr *rr)
{
	const struct receive_plan *p = r->plan;
	if (!is_own_soa(r, rr))
		return bad(r, -EBADMSG, "the response does not begin with the zone's SOA record");
	if (record_soa_read(rr->rdata, rr->rdata_len, &r->soa) != 0)
		return bad(r, -EBADMSG, "the SOA record is damaged");
	if (p->has_serial && p->type != DNS_AXFR && r->soa.serial == p->serial)
		r->is_current = true;
	else if (p->has_serial && !serial_is_newer(r->soa.serial, p->serial) &&
	         r->soa.serial != p->serial)
		return bad(r, -ESTALE, "the primary's serial is older than ours (RFC 1982)");
	r->state = RECEIVE_AT_SECOND;
	if (p->type == DNS_SOA || r->is_current) {
		r->state = RECEIVE_AT_END;
		return 0;
	}
	return tell(r, RECEIVE_NEW_SOA, rr);
}

/* Of the second record it is seen whether this is a whole zone or a delta (RFC 1995 4). */
static int take_second(struct receive *r, const struct rr *rr, const struct record_soa *soa)
{
	if (r->plan->type == DNS_IXFR && soa != NULL && r->plan->has_serial &&
	    soa->serial == r->plan->serial) {
		r->is_delta = true;
		r->state = RECEIVE_IN_DELETED;
		r->at_serial = soa->serial;
		return tell(r, RECEIVE_DELTA, NULL);
	}
	if (soa != NULL && soa->serial != r->soa.serial)
		return bad(r, -ESTALE, "the delta is for another version than the one here");
	int e = tell(r, RECEIVE_FULL, NULL);
	if (e != 0)
		return e;
	r->state = RECEIVE_IN_ZONE;
	if (soa != NULL) {
		r->state = RECEIVE_AT_END; /* a zone with nothing in it */
		return 0;
	}
	return tell(r, RECEIVE_ADD, rr);
}

/* A SOA within the transfer. */
static int take_soa(struct receive *r, const struct record_soa *soa)
{
	if (r->state == RECEIVE_IN_DELETED) {
		if (!serial_is_newer(soa->serial, r->at_serial))
			return bad(r, -EBADMSG, "the serials of the delta do not go up");
		r->at_serial = soa->serial;
		r->state = RECEIVE_IN_ADDED;
		return 0;
	}
	if (r->state == RECEIVE_IN_ADDED) {
		if (soa->serial != r->at_serial)
			return bad(r, -EBADMSG, "the serials of the delta leave a gap");
		r->state = soa->serial == r->soa.serial ? RECEIVE_AT_END : RECEIVE_IN_DELETED;
		return 0;
	}
	if (soa->serial != r->soa.serial)
		return bad(r, -EBADMSG, "the zone changed while it was transferred");
	r->state = RECEIVE_AT_END;
	return 0;
}

static int take_record(struct receive *r, const struct rr *rr)
{
	struct record_soa soa;
	bool is_soa = is_own_soa(r, rr);
	if (r->state == RECEIVE_AT_START)
		return take_first(r, rr);
	if (r->state == RECEIVE_AT_END)
		return r->plan->type == DNS_SOA || r->is_current
		               ? 0
		               : bad(r, -EBADMSG, "there are records behind the last SOA");
	if (is_soa && record_soa_read(rr->rdata, rr->rdata_len, &soa) != 0)
		return bad(r, -EBADMSG, "a SOA record is damaged");
	if (++r->n_records > r->plan->max_records)
		return bad(r, -EFBIG, "the zone has too many records");
	if (!is_soa &&
	    (rr->class != DNS_CLASS_IN || !name_is_within(rr->owner, r->plan->zone->wire))) {
		r->n_foreign++;
		return 0;
	}
	if (r->state == RECEIVE_AT_SECOND)
		return take_second(r, rr, is_soa ? &soa : NULL);
	if (is_soa)
		return take_soa(r, &soa);
	return tell(r, r->state == RECEIVE_IN_DELETED ? RECEIVE_DELETE : RECEIVE_ADD, rr);
}

static int check_head(struct receive *r, const struct message *m)
{
	const struct receive_plan *p = r->plan;
	if ((m->flags & FLAG_QR) == 0 || (m->flags & OPCODE_MASK) != 0 || m->id != p->id)
		return bad(r, -EBADMSG, "the message is not a response to our query");
	r->rcode = m->flags & RCODE_MASK;
	if (r->rcode != 0)
		return bad(r, -EPROTONOSUPPORT, "the primary refuses");
	if ((m->flags & FLAG_TC) != 0)
		return bad(r, -EBADMSG, "the response is cut off (TC)");
	if (m->question != NULL && (m->type != p->type || m->class != DNS_CLASS_IN ||
	                            !name_equal(m->question_lower, p->zone->wire)))
		return bad(r, -EBADMSG, "the response is to another question");
	return 0;
}

int receive_message(struct receive *r, const uint8_t *msg, size_t n, uint8_t *scratch)
{
	struct message m;
	struct rr rr;
	r->n_messages++;
	r->n_bytes += n;
	if (r->n_bytes > r->plan->max_bytes)
		return bad(r, -EFBIG, "the zone is larger than max-zone-size");
	if (message_open(msg, n, scratch, RECEIVE_SCRATCH_BYTES, &m) != 0)
		return bad(r, -EBADMSG, "a message is damaged");
	int e = check_head(r, &m);
	if (e != 0)
		return e;
	if (m.left[SECTION_ANSWER] == 0 && ++r->n_empty > RECEIVE_EMPTY_MAX)
		return bad(r, -EBADMSG, "messages come that have no records");
	for (unsigned left = m.left[SECTION_ANSWER]; left > 0; left--) {
		/* What a record laid down is not needed for the next. */
		m.scratch = scratch + NAME_MAX_BYTES;
		m.scratch_left = RECEIVE_SCRATCH_BYTES - NAME_MAX_BYTES;
		if (message_next(&m, &rr) != 1)
			return bad(r, -EBADMSG, "a record is damaged");
		e = take_record(r, &rr);
		if (e != 0)
			return e;
	}
	return r->state == RECEIVE_AT_END ? 1 : 0;
}
