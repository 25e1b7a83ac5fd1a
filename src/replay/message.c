/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between clients and their server: queries wait for their responses. */
#include <string.h>

#include "replay/source.h"

enum {
	EDE_OPTION = 15,
	EDE_BLOCKED = 15,
	EDE_PROHIBITED = 18
};

/* RFC 9460 2.4.2, 7.3: the alias, or the addresses, that a SVCB or HTTPS record gives. */
static void take_svcb(const struct rr *rr, struct replay_item *ret)
{
	if (rr->rdata_len < 3)
		return;
	size_t name = name_check(rr->rdata + 2, rr->rdata_len - 2U);
	size_t at = 2 + name;
	if (name == 0)
		return;
	if (load16(rr->rdata) == 0) {
		item_add_alias(ret, rr->rdata + 2);
		return;
	}
	while (at + 4 <= rr->rdata_len) {
		unsigned key = load16(rr->rdata + at);
		size_t len = load16(rr->rdata + at + 2);
		at += 4;
		if (rr->rdata_len - at < len)
			return;
		size_t step = key == 4 ? 4 : key == 6 ? 16 : 0;
		for (size_t i = 0; step != 0 && i + step <= len; i += step) {
			const uint8_t *p = rr->rdata + at + i;
			struct addr a = step == 4 ? addr_from_bytes4(p) : addr_from_bytes16(p);
			item_add_addr(ret, &a);
		}
		at += len;
	}
}

static void take_record(const struct rr *rr, struct replay_item *ret)
{
	struct addr a;
	if (rr->class != DNS_CLASS_IN)
		return;
	if (rr->type == DNS_A && rr->rdata_len == 4) {
		a = addr_from_bytes4(rr->rdata);
		item_add_addr(ret, &a);
	} else if (rr->type == DNS_AAAA && rr->rdata_len == 16) {
		a = addr_from_bytes16(rr->rdata);
		item_add_addr(ret, &a);
	} else if (rr->type == DNS_CNAME && ret->type != DNS_CNAME && ret->type != DNS_ANY &&
	           name_check(rr->rdata, rr->rdata_len) != 0) {
		item_add_alias(ret, rr->rdata);
	} else if (rr->type == DNS_SVCB || rr->type == DNS_HTTPS) {
		take_svcb(rr, ret);
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
