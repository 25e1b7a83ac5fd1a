/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between clients and their server: queries wait for their responses. */
#include <string.h>

#include "dns/leads.h"
#include "replay/source.h"

enum {
	EDE_OPTION = 15,
	EDE_BLOCKED = 15,
	EDE_PROHIBITED = 18
};

static bool take_hint(void *arg, const struct addr *a)
{
	item_add_addr(arg, a);
	return false;
}

static void take_record(const struct rr *rr, struct replay_item *ret)
{
	struct addr a;
	if (rr->class != DNS_CLASS_IN)
		return;
	const uint8_t *target = rr_alias(rr, ret->type);
	if (target != NULL) {
		item_add_alias(ret, target);
	} else if (rr->type == DNS_A && rr->rdata_len == 4) {
		a = addr_from_bytes4(rr->rdata);
		item_add_addr(ret, &a);
	} else if (rr->type == DNS_AAAA && rr->rdata_len == 16) {
		a = addr_from_bytes16(rr->rdata);
		item_add_addr(ret, &a);
	} else if (rr->type == DNS_SVCB || rr->type == DNS_HTTPS) {
		(void)svcb_hints(rr->rdata, rr->rdata_len, take_hint, ret);
	}
}

/* RFC 8914 4.16 to 4.19: a server that says why says that it was blocked. */
static bool tells_of_block(const struct message *m)
{
	struct opt o;
	const uint8_t *data;
	size_t n;
	if (message_find_opt(m, &o) != 0 || !opt_find(&o, EDE_OPTION, &data, &n) || n < 2)
		return false;
	unsigned code = load16(data);
	return code >= EDE_BLOCKED && code <= EDE_PROHIBITED;
}

static void take_answer(struct message *m, struct replay_item *ret)
{
	struct rr rr;
	ret->has_rcode = true;
	ret->rcode = m->flags & 15;
	ret->outcome = tells_of_block(m) ? REPLAY_BLOCKED : REPLAY_PASSED;
	if (ret->outcome == REPLAY_BLOCKED)
		return; /* what is in it is the block's, not the name's */
	while (m->left[SECTION_ANSWER] > 0 && message_next(m, &rr) == 1) {
		if (rr.section != SECTION_ANSWER)
			break;
		take_record(&rr, ret);
	}
}

bool source_take_message(struct replay_source *s, const struct endpoint *client, uint64_t wall_ns,
                         const uint8_t *bytes, size_t n, struct replay_item *ret)
{
	static const struct endpoint nobody = { .port = 0 };
	struct message m;
	if (message_open(bytes, n, s->scratch, SOURCE_SCRATCH_BYTES, &m) != 0) {
		source_skip(s, REPLAY_SKIP_DAMAGED);
		return false;
	}
	if ((m.flags >> 11 & 15) != 0 || m.question == NULL || m.class != DNS_CLASS_IN ||
	    (m.flags & FLAG_RD) == 0) { /* servers among themselves */
		source_skip(s, REPLAY_SKIP_OTHER);
		return false;
	}
	const struct pending_key key = { .client = client != NULL ? *client : nobody,
		                         .id = m.id,
		                         .type = m.type,
		                         .name = m.question_lower };
	if ((m.flags & FLAG_QR) == 0 && client != NULL)
		return pending_put(s->pending, &key, wall_ns, false, ret);
	item_clear(ret);
	ret->wall_ns = wall_ns;
	ret->type = m.type;
	name_set(&ret->name, m.question_lower);
	if (client != NULL) {
		ret->client = client->addr;
		ret->has_client = true;
		pending_remove(s->pending, &key);
	}
	if ((m.flags & FLAG_QR) != 0)
		take_answer(&m, ret);
	return true;
}

enum replay_got source_drain(struct replay_source *s, struct replay_item *ret)
{
	s->is_draining = true;
	return pending_take(s->pending, ret) ? REPLAY_ITEM : REPLAY_END;
}
