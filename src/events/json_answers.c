/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libknot/descriptor.h>
#include <libknot/rrset-dump.h>
#include <libknot/rrset.h>
#include <stdalign.h>

#include "dns/message.h"
#include "events/json.h"

enum {
	RDATA_MAX = RECORD_MESSAGE_MAX + 2 * NAME_MAX_BYTES
}; /* two names may be expanded */

struct answers {
	unsigned n_addrs;
	struct addr addrs[JSON_ANSWERS_MAX];
};

/* libknot writes all types as their standards say; it wants the data in its own wrapping. */
static int data_by_libknot(const struct rr *rr, char *ret_text, size_t room)
{
	alignas(knot_rdata_t) uint8_t wrapped[sizeof(knot_rdata_t) + RDATA_MAX + 1];
	uint8_t owner[] = { 0 };
	if (rr->rdata_len > RDATA_MAX)
		return -1;
	knot_rdata_init((knot_rdata_t *)wrapped, rr->rdata_len, rr->rdata);
	knot_rrset_t set;
	knot_rrset_init(&set, owner, rr->type, rr->class, rr->ttl_s);
	set.rrs.count = 1;
	set.rrs.size = (uint32_t)knot_rdata_size(rr->rdata_len);
	set.rrs.rdata = (knot_rdata_t *)wrapped;
	return knot_rrset_txt_dump_data(&set, 0, ret_text, room, &KNOT_DUMP_STYLE_DEFAULT);
}

/* The address in an A or AAAA record; a mapped one (::ffff:192.0.2.1) stays as it was sent. */
static bool read_addr(const struct rr *rr, struct addr *ret)
{
	if (rr->class != DNS_CLASS_IN)
		return false;
	if (rr->type == DNS_A && rr->rdata_len == 4) {
		*ret = addr_from_bytes4(rr->rdata);
		return true;
	}
	if (rr->type == DNS_AAAA && rr->rdata_len == 16) {
		*ret = addr_from_bytes16(rr->rdata);
		ret->is_v4 = false;
		return true;
	}
	return false;
}

static bool is_one_name(uint16_t type)
{
	return type == DNS_CNAME || type == DNS_DNAME || type == DNS_NS || type == DNS_PTR;
}

static char *put_data(struct answers *a, char *p, const struct rr *rr)
{
	char text[JSON_DATA_MAX];
	struct addr addr;
	if (read_addr(rr, &addr)) {
		a->addrs[a->n_addrs++] = addr;
		return json_text_addr(p, &addr);
	}
	if (is_one_name(rr->type) && name_check(rr->rdata, rr->rdata_len) == rr->rdata_len &&
	    rr->rdata_len > 0)
		return json_text_name(p, rr->rdata);
	int n = data_by_libknot(rr, text, sizeof text);
	if (n >= 0)
		return json_text_string(p, text, (size_t)n);
	/* RFC 3597 5: \# and the size; bytes that cannot be read are of no use in a summary. */
	p = JSON_LIT(p, "\\\\# ");
	return json_text_number(p, rr->rdata_len);
}

static char *put_answer(struct json_line *j, struct answers *a, char *p, const struct rr *rr)
{
	p = JSON_LIT(p, "{\"name\":\"");
	p = json_text_name(p, rr->owner);
	p = JSON_LIT(p, "\",\"type\":\"");
	p = json_line_type(j, p, rr->type);
	p = JSON_LIT(p, "\",\"ttl\":");
	p = json_text_number(p, rr->ttl_s);
	p = JSON_LIT(p, ",\"data\":\"");
	p = put_data(a, p, rr);
	return JSON_LIT(p, "\"}");
}

static char *put_resolved(const struct answers *a, char *p)
{
	p = JSON_LIT(p, ",\"resolved_ip\":[\"");
	for (unsigned i = 0; i < a->n_addrs; i++) {
		if (i > 0)
			p = JSON_LIT(p, "\",\"");
		p = json_text_addr(p, &a->addrs[i]);
	}
	return JSON_LIT(p, "\"]");
}

char *json_line_answers(struct json_line *j, char *p, const char *end, const uint8_t *msg, size_t n)
{
	struct answers a = { .n_addrs = 0 };
	struct message m;
	struct rr rr;
	unsigned n_answers = 0;
	if (message_open(msg, n, j->scratch, sizeof j->scratch, &m) != 0)
		return p;
	/* The message may have been cut: what lies whole before the cut is told. */
	while (n_answers < JSON_ANSWERS_MAX && end - p >= JSON_ANSWER_MAX &&
	       message_next(&m, &rr) == 1 && rr.section == SECTION_ANSWER) {
		if (n_answers++ == 0)
			p = JSON_LIT(p, ",\"answers\":[");
		else
			*p++ = ',';
		p = put_answer(j, &a, p, &rr);
	}
	if (n_answers > 0)
		*p++ = ']';
	return a.n_addrs > 0 ? put_resolved(&a, p) : p;
}
