/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What came against what was expected. */
#include <string.h>

#include "base/clock.h"
#include "dns/text.h"
#include "net.h"
#include "play.h"

enum {
	RRS_MAX = 512,
	OPTION_EDE = 15,
	TYPE_SHOWN_BYTES = 24,
};

/* An answer, taken apart. */
struct seen {
	uint16_t flags;
	unsigned rcode;
	int ede;
	char ede_text[256];
	unsigned n;
	struct rr rrs[RRS_MAX];
	bool has_sigs;
	uint8_t scratch[4 * DNS_MAX_MESSAGE];
};

static void read_opt(struct seen *s, const struct rr *rr)
{
	s->rcode |= (rr->ttl_s >> 24) << 4;
	for (size_t at = 0; at + 4 <= rr->rdata_len;) {
		size_t len = load16(rr->rdata + at + 2);
		if (len > rr->rdata_len - at - 4)
			return;
		if (load16(rr->rdata + at) == OPTION_EDE && len >= 2 && s->ede < 0) {
			size_t n =
				len - 2 < sizeof s->ede_text - 1 ? len - 2 : sizeof s->ede_text - 1;
			s->ede = load16(rr->rdata + at + 4);
			memcpy(s->ede_text, rr->rdata + at + 6, n);
			s->ede_text[n] = 0;
		}
		at += 4 + len;
	}
}

static bool take_apart(const struct asking *a, struct seen *s)
{
	struct message m;
	struct rr rr;
	int more;
	*s = (struct seen){ .ede = -2 };
	if (message_open(a->bytes, a->n, s->scratch, sizeof s->scratch, &m) != 0)
		return false;
	s->flags = m.flags;
	s->rcode = m.flags & 0xf;
	while ((more = message_next(&m, &rr)) == 1) {
		if (rr.type == DNS_OPT)
			read_opt(s, &rr);
		s->has_sigs |= rr.type == DNS_RRSIG;
		if (s->n < RRS_MAX)
			s->rrs[s->n++] = rr;
	}
	return more == 0;
}

/* ---- sections ---- */

static bool is_shown(const struct script_ask *ask, uint16_t type)
{
	if (type == DNS_OPT || (type == DNS_RRSIG && ask->type != DNS_RRSIG))
		return false;
	if (type != DNS_NSEC && type != DNS_NSEC3)
		return true;
	for (const struct script_record *rr = ask->records; rr != NULL; rr = rr->next) {
		if (rr->type == type)
			return true;
	}
	return ask->type == type;
}

static bool is_same(const struct script_record *want, const struct rr *got)
{
	return want->section == got->section && want->type == got->type &&
	       name_equal(want->owner, got->owner) && want->rdata_len == got->rdata_len &&
	       memcmp(want->rdata, got->rdata, got->rdata_len) == 0 &&
	       (want->ttl_s == SCRIPT_ANY_TTL || want->ttl_s == got->ttl_s);
}

static bool is_as_wanted(const struct script_ask *ask, const struct seen *s)
{
	bool is_taken[RRS_MAX] = { false };
	for (const struct script_record *want = ask->records; want != NULL; want = want->next) {
		unsigned i = 0;
		while (i < s->n && (is_taken[i] || !is_same(want, &s->rrs[i])))
			i++;
		if (i == s->n)
			return false;
		is_taken[i] = true;
	}
	for (unsigned i = 0; i < s->n; i++) {
		if (!is_taken[i] && ask->has_section[s->rrs[i].section] &&
		    is_shown(ask, s->rrs[i].type))
			return false;
	}
	return true;
}

/* ---- telling ---- */

static void print_data(const struct rr *rr, FILE *out)
{
	char text[NAME_TEXT_MAX];
	struct addr a;
	if (rr->type == DNS_A || rr->type == DNS_AAAA) {
		a = rr->type == DNS_A ? addr_from_bytes4(rr->rdata) : addr_from_bytes16(rr->rdata);
		addr_to_text(&a, text);
		fprintf(out, "%s", text);
	} else if (rr->type == DNS_CNAME || rr->type == DNS_NS || rr->type == DNS_DNAME ||
	           rr->type == DNS_SOA) {
		name_to_text(rr->rdata, text);
		fprintf(out, "%s%s", text, rr->type == DNS_SOA ? " ..." : "");
	} else {
		fprintf(out, "\\# %u ", rr->rdata_len);
		for (unsigned i = 0; i < rr->rdata_len && i < TYPE_SHOWN_BYTES; i++)
			fprintf(out, "%02x", rr->rdata[i]);
	}
}

static void print_seen(const struct asking *a, const struct seen *s, FILE *out)
{
	static const char *const sections[] = { "answer", "authority", "additional" };
	char owner[NAME_TEXT_MAX], type[DNS_TYPE_TEXT_MAX];
	fprintf(out, "    came after %.3f s: %s%s%s%s%s",
	        (double)(a->answered_ns - a->started_ns) / (double)NS_PER_S,
	        dns_rcode_text(s->rcode), (s->flags & FLAG_AD) != 0 ? " ad" : "",
	        (s->flags & FLAG_AA) != 0 ? " aa" : "", (s->flags & FLAG_TC) != 0 ? " tc" : "",
	        s->has_sigs ? " sigs" : "");
	if (s->ede >= 0)
		fprintf(out, " ede %d \"%s\"", s->ede, s->ede_text);
	fprintf(out, "\n");
	for (unsigned i = 0; i < s->n; i++) {
		const struct rr *rr = &s->rrs[i];
		if (rr->type == DNS_OPT)
			continue;
		name_to_text(rr->owner, owner);
		fprintf(out, "      %s %s %u %s ", sections[rr->section], owner, rr->ttl_s,
		        dns_type_text(rr->type, type));
		print_data(rr, out);
		fprintf(out, "\n");
	}
}

/* ---- an answer ---- */

static bool is_tri(enum script_tri want, bool is)
{
	return want == TRI_ANY || (want == TRI_YES) == is;
}

/* What is wrong, or NULL. */
static const char *look(const struct asking *a, const struct seen *s)
{
	const struct script_ask *ask = &a->step->ask;
	uint64_t took_ns = a->answered_ns - a->started_ns;
	if (s->rcode != ask->rcode)
		return "another response code";
	if (!is_tri(ask->ad, (s->flags & FLAG_AD) != 0))
		return "AD";
	if (!is_tri(ask->aa, (s->flags & FLAG_AA) != 0))
		return "AA";
	if (!is_tri(ask->tc, (s->flags & FLAG_TC) != 0))
		return "TC";
	if (!is_tri(ask->sigs, s->has_sigs))
		return "signatures";
	if (ask->ede != -1 && ask->ede != s->ede)
		return "the extended error";
	if (ask->ede_text != NULL && strstr(s->ede_text, ask->ede_text) == NULL)
		return "the extended error's text";
	if (took_ns > ask->within_ns)
		return "too late";
	if (took_ns < ask->not_before_ns)
		return "too early";
	return is_as_wanted(ask, s) ? NULL : "the records";
}

bool judge_answer(const struct asking *a, const char *place, FILE *out)
{
	static struct seen s;
	const struct script_ask *ask = &a->step->ask;
	if (ask->gets_nothing && a->n == 0)
		return true;
	if (a->n == 0) {
		fprintf(out, "%s: an answer was expected, the question was dropped\n", place);
		return false;
	}
	if (!take_apart(a, &s)) {
		fprintf(out, "%s: the answer cannot be read\n", place);
		return false;
	}
	const char *what = ask->gets_nothing ? "an answer came" : look(a, &s);
	if (what == NULL)
		return true;
	fprintf(out, "%s: not as expected: %s\n", place, what);
	print_seen(a, &s, out);
	return false;
}

/* ---- packets ---- */

static bool is_counted(const struct script_expect *e, const struct net_packet *p)
{
	return (!e->has_addr || addr_equal(&e->addr, &p->to)) &&
	       (!e->has_name || name_equal(e->name.wire, p->name.wire)) &&
	       (e->type == 0 || e->type == p->type) && !(e->is_tcp && !p->is_tcp) &&
	       !(e->is_udp && p->is_tcp);
}

bool judge_packets(const struct script_expect *e, unsigned first, uint64_t since_ns,
                   const char *place, FILE *out)
{
	unsigned n = 0;
	bool is_in_time = true;
	for (unsigned i = first; i < net_n_packets(); i++) {
		const struct net_packet *p = net_packet(i);
		if (!is_counted(e, p))
			continue;
		if (n < e->n_times)
			is_in_time &= p->at_ns - since_ns == e->times_ns[n];
		n++;
	}
	if (n >= e->min && n <= e->max && is_in_time)
		return true;
	if (!is_in_time)
		fprintf(out, "%s: packets were sent at other times\n", place);
	else if (e->min == e->max)
		fprintf(out, "%s: %u packets were expected, %u were sent\n", place, e->min, n);
	else
		fprintf(out, "%s: %u to %u packets were expected, %u were sent\n", place, e->min,
		        e->max, n);
	return false;
}
