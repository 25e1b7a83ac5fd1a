/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/proof.h"

#include <string.h>

#include "base/random.h"

enum {
	OPTION_COOKIE = 10,
	OPTION_HEAD_BYTES = 4,
	SERVER_HALF_MIN = 8,
	WAIVE_S = 60,
};

void proof_prepare(struct proof *p, const struct endpoint *e, const struct server *s,
                   uint32_t now_s, bool use_case, bool use_cookie)
{
	enum server_case is = server_case(s, now_s);
	p->case_bits = use_case && is != SERVER_CASE_LOST ? random_u64() : 0;
	p->keeps_case = is == SERVER_CASE_KEPT;
	p->speaks_edns = server_edns(s, now_s) == SERVER_EDNS_OK;
	p->has_cookie = p->sends_cookies = false;
	p->cookie_bytes = p->new_bytes = 0;
	p->seen_case = SERVER_CASE_UNKNOWN;
	if (!use_cookie)
		return;
	p->epoch = now_s / SERVER_COOKIE_EPOCH_S;
	uint64_t ours = server_client_cookie(e, p->epoch);
	memcpy(p->cookie, &ours, SERVER_COOKIE_CLIENT_BYTES);
	p->cookie_bytes =
		(uint8_t)(SERVER_COOKIE_CLIENT_BYTES +
	                  server_cookie(s, p->epoch, p->cookie + SERVER_COOKIE_CLIENT_BYTES));
	p->sends_cookies = server_sends_cookies(s, now_s);
}

static inline uint8_t mixed(uint8_t lower, uint64_t bits, size_t i)
{
	bool is_letter = (uint8_t)(lower - 'a') < 26; /* lengths of labels are below 64 */
	return is_letter && (bits >> (i & 63) & 1) != 0 ? lower ^ 0x20 : lower;
}

size_t proof_mark(const struct proof *p, uint8_t *message, size_t n, size_t name_bytes)
{
	uint8_t *name = message + DNS_HEADER_BYTES;
	for (size_t i = 0; p->case_bits != 0 && i < name_bytes; i++)
		name[i] = mixed(name[i], p->case_bits, i);
	if (p->cookie_bytes == 0)
		return n;
	store16(message + n - 2, (uint16_t)(OPTION_HEAD_BYTES + p->cookie_bytes));
	store16(message + n, OPTION_COOKIE);
	store16(message + n + 2, p->cookie_bytes);
	memcpy(message + n + OPTION_HEAD_BYTES, p->cookie, p->cookie_bytes);
	return n + OPTION_HEAD_BYTES + p->cookie_bytes;
}

/* Is the name as it was sent? UNKNOWN: nothing in it was upper case. */
static enum server_case see_case(const struct proof *p, const uint8_t *lower, const uint8_t *got)
{
	size_t n = name_len(lower);
	bool has_upper = false;
	for (size_t i = 0; i < n; i++) {
		uint8_t sent = mixed(lower[i], p->case_bits, i);
		if (sent != got[i])
			return SERVER_CASE_LOST;
		has_upper |= sent != lower[i];
	}
	return has_upper ? SERVER_CASE_KEPT : SERVER_CASE_UNKNOWN;
}

/* RFC 7873 5.3: a response with another client cookie, or a malformed one, is not ours. */
static bool take_cookie(struct proof *p, const uint8_t *data, size_t n)
{
	size_t theirs = n - SERVER_COOKIE_CLIENT_BYTES;
	if (n < SERVER_COOKIE_CLIENT_BYTES ||
	    memcmp(data, p->cookie, SERVER_COOKIE_CLIENT_BYTES) != 0 ||
	    (theirs != 0 && (theirs < SERVER_HALF_MIN || theirs > SERVER_COOKIE_MAX_BYTES)))
		return false;
	p->has_cookie = true;
	p->new_bytes = (uint8_t)theirs;
	memcpy(p->cookie + SERVER_COOKIE_CLIENT_BYTES, data + SERVER_COOKIE_CLIENT_BYTES, theirs);
	return true;
}

static enum proof_outcome check_cookie(struct proof *p, const struct message *m)
{
	struct opt opt;
	if (message_find_opt(m, &opt) == 0) {
		const uint8_t *data;
		size_t n = 0;
		if (opt_find(&opt, OPTION_COOKIE, &data, &n)) {
			if (!take_cookie(p, data, n))
				return PROOF_FORGED_COOKIE;
			unsigned rcode = (m->flags & 0xf) | (unsigned)opt.rcode_high << 4;
			return rcode == RCODE_BADCOOKIE ? PROOF_BAD_COOKIE : PROOF_GOOD;
		}
	}
	/* What is cut is asked for over TCP anyway. */
	bool is_cut = (m->flags & FLAG_TC) != 0;
	return p->sends_cookies && !is_cut ? PROOF_DOUBT_COOKIE : PROOF_GOOD;
}

enum proof_outcome proof_check(struct proof *p, const struct message *m, const uint8_t *name)
{
	if (m->question == NULL)
		return p->speaks_edns || p->sends_cookies || p->keeps_case ? PROOF_DOUBT_BARE
		                                                           : PROOF_GOOD;
	if (p->case_bits != 0)
		p->seen_case = see_case(p, name, m->question);
	if (p->seen_case == SERVER_CASE_LOST)
		return p->keeps_case ? PROOF_FORGED_CASE : PROOF_DOUBT_CASE;
	return p->cookie_bytes != 0 ? check_cookie(p, m) : PROOF_GOOD;
}

void proof_learn(const struct proof *p, struct server *s, bool over_tcp, uint32_t now_s)
{
	if (p->seen_case == SERVER_CASE_KEPT)
		server_note_case(s, SERVER_CASE_KEPT, now_s, SERVER_CASE_KEPT_S);
	else if (p->seen_case == SERVER_CASE_LOST && over_tcp)
		server_note_case(s, SERVER_CASE_LOST, now_s, SERVER_CASE_LOST_S);
	if (p->has_cookie)
		server_note_cookie(s, p->epoch, p->cookie + SERVER_COOKIE_CLIENT_BYTES,
		                   p->new_bytes, now_s);
	else if (p->sends_cookies && over_tcp && p->cookie_bytes != 0)
		server_forget_cookie(s);
}

void proof_waive(enum proof_outcome doubt, struct server *s, uint32_t now_s)
{
	/* One that was seen to keep case must lose it twice. */
	bool did_keep = server_case(s, now_s) == SERVER_CASE_KEPT;
	if (doubt == PROOF_DOUBT_CASE)
		server_note_case(s, did_keep ? SERVER_CASE_UNKNOWN : SERVER_CASE_LOST, now_s,
		                 WAIVE_S);
	else if (doubt == PROOF_DOUBT_COOKIE)
		server_forget_cookie(s);
}
