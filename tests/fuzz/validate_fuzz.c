/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Responses of two signed zones, whose keys and signatures are made when the target starts, with
 * the records dropped, swapped, altered, moved, or taken from other responses. Whatever comes
 * out: what is SECURE is what the zones say, and the work stays within its bounds.
 *
 * Input: one byte (which response), one (which question, 0: the one it answers), then changes of
 * four bytes: what, which, where, how.
 */
#include <stdlib.h>
#include <string.h>

#include "signed_zone.h"
#include "validate/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* All that the zones hold; sub.example. is delegated without DS. */
static const char example_text[] = "example. 300 SOA ns.example. host.example. 1 2 3 4 60\n"
				   "a.example. 300 CNAME x.other.\n"
				   "d.example. 300 DNAME t.other.\n"
				   "ns.example. 300 A 192.0.2.1\n"
				   "*.w.example. 300 TXT \"wild\"\n"
				   "y.w.example. 300 A 192.0.2.6\n"
				   "www.example. 300 A 192.0.2.2\n"
				   "www.example. 300 A 192.0.2.3\n";
static const char example_nsec[] = "example. 60 NSEC a.example. NS SOA RRSIG NSEC DNSKEY\n"
				   "a.example. 60 NSEC d.example. CNAME RRSIG NSEC\n"
				   "d.example. 60 NSEC ns.example. DNAME RRSIG NSEC\n"
				   "ns.example. 60 NSEC sub.example. A RRSIG NSEC\n"
				   "sub.example. 60 NSEC *.w.example. NS RRSIG NSEC\n"
				   "*.w.example. 60 NSEC y.w.example. TXT RRSIG NSEC\n"
				   "y.w.example. 60 NSEC www.example. A RRSIG NSEC\n"
				   "www.example. 60 NSEC example. A RRSIG NSEC\n";
static const char other_text[] = "other. 300 SOA ns.other. host.other. 1 2 3 4 60\n"
				 "x.other. 300 A 192.0.2.4\n"
				 "x.t.other. 300 A 192.0.2.5\n";
static const struct {
	const char *name, *types;
	enum nsec3_span span;
} other_nsec3[] = {
	{ "other", "NS SOA RRSIG DNSKEY", NSEC3_AT },
	{ "x.other", "A RRSIG", NSEC3_AT },
	{ "t.other", "", NSEC3_AT },
	{ "x.t.other", "A RRSIG", NSEC3_AT },
	{ "nx.other", "A RRSIG", NSEC3_AROUND },
	{ "*.other", "A RRSIG", NSEC3_AROUND },
	{ "nx.t.other", "A RRSIG", NSEC3_AROUND },
	{ "*.t.other", "A RRSIG", NSEC3_AROUND },
};

/* What honest servers say: RRsets of `answer` and `authority`, by the number of the first. */
static const struct honest {
	const char *name;
	uint16_t type;
	int kind;
	const char *target;
	uint8_t rcode;
	const char *answer, *authority; /* owner/type, separated by blanks; = puts another owner */
} honest[] = {
	{ "www.example", DNS_A, VALIDATE_ANSWER, "www.example", 0, "www.example/1", "" },
	{ "a.example", DNS_A, VALIDATE_ANSWER, "x.other", 0, "a.example/5 x.other/1", "" },
	{ "a.example", DNS_A, VALIDATE_ALIAS, "x.other", 0, "a.example/5", "" },
	{ "x.d.example", DNS_A, VALIDATE_ANSWER, "x.t.other", 0, "d.example/39 x.t.other/1", "" },
	{ "q.w.example", DNS_TXT, VALIDATE_ANSWER, "q.w.example", 0, "*.w.example/16=q.w.example",
	  "*.w.example/47" },
	{ "no.example", DNS_A, VALIDATE_DENIAL, "no.example", 3, "",
	  "example/6 d.example/47 example/47" },
	{ "ns.example", DNS_TXT, VALIDATE_DENIAL, "ns.example", 0, "", "example/6 ns.example/47" },
	{ "w.example", DNS_A, VALIDATE_DENIAL, "w.example", 0, "", "example/6 sub.example/47" },
	{ "q.w.example", DNS_A, VALIDATE_DENIAL, "q.w.example", 0, "", "example/6 *.w.example/47" },
	{ "sub.example", DNS_DS, VALIDATE_DENIAL, "sub.example", 0, "",
	  "example/6 sub.example/47" },
	{ "nx.other", DNS_A, VALIDATE_DENIAL, "nx.other", 3, "", "other/6 other/50" },
	{ "x.other", DNS_TXT, VALIDATE_DENIAL, "x.other", 0, "", "other/6 other/50" },
	{ "nx.t.other", DNS_A, VALIDATE_DENIAL, "nx.t.other", 3, "", "other/6 other/50" },
	{ "a.example", DNS_TXT, VALIDATE_DENIAL, "x.other", 0, "a.example/5", "other/6 other/50" },
	{ "t.other", DNS_A, VALIDATE_DENIAL, "t.other", 0, "", "other/6 other/50" },
};

/* Other questions, for each type once as an answer and once as a denial. */
static const char *const asked[] = {
	"x.sub.example", "x.d.example",   "w.example",  "q.w.example", "no.example",
	"www.example",   "q.www.example", "d.example",  "example",     "sub.example",
	"a.example",     "x.a.example",   "nx.other",   "t.other",     "*.w.example",
	"zz.example",    "q.no.example",  "ns.example", "y.w.example", "q.y.w.example",
};
static const uint16_t asked_types[] = { DNS_A, DNS_TXT, DNS_DS, DNS_CNAME };

enum {
	HEAD_BYTES = 2,
	CHANGE_BYTES = 4,
	MAX_CHANGES = 24,
	MAX_RRS = 96,
};

static struct validator *v;
static struct trusts trusts;
static struct records all; /* the zones, with signatures */
static unsigned n_plain;   /* of them without those, at the front */

static void make_once(void)
{
	static struct zone_key example, other;
	static const struct nsec3_how how = { .zone = "other.", .iterations = 1, .salt = "ab" };
	if (v != NULL)
		return;
	must(validator_new(&v) == 0);
	zone_key_make(&example, "example.", 13, 257, 0);
	zone_key_make(&other, "other.", 15, 257, 0);
	const struct zone_key *keys[] = { &example, &other };
	trusts_init(&trusts);
	trusts_add(&trusts, trust_of(v, &keys[0], 1));
	trusts_add(&trusts, trust_of(v, &keys[1], 1));
	trusts_add_state(&trusts, "sub.example", TRUST_INSECURE, 0);
	/* Around everything else there is a secure root. */
	trusts_add_state(&trusts, ".", TRUST_SECURE, 0);
	records_text(&all, example_text);
	records_text(&all, example_nsec);
	unsigned end = all.n;
	records_text(&all, other_text);
	for (size_t i = 0; i < ARRAY_LEN(other_nsec3); i++)
		records_nsec3(&all, &how, other_nsec3[i].name, other_nsec3[i].span,
		              other_nsec3[i].types);
	n_plain = all.n;
	for (unsigned i = 0; i < n_plain; i++) {
		bool is_first = true;
		for (unsigned j = 0; j < i; j++)
			is_first = is_first && !(all.rrs[j].type == all.rrs[i].type &&
			                         name_equal(all.rrs[j].owner, all.rrs[i].owner));
		if (is_first)
			records_sign(&all, i, i < end ? &example : &other, &as_usual);
	}
}

/* ---- the response ---- */

static struct answer_rr rrs[MAX_RRS];
static unsigned n_rrs;

/* A copy in blocks of its own size, so that ASan sees what is read behind them. */
static void add(const struct answer_rr *rr, const uint8_t *owner, bool in_authority)
{
	size_t len = name_len(owner);
	if (n_rrs == MAX_RRS)
		return;
	uint8_t *name = malloc(len);
	uint8_t *rdata = malloc(rr->rdata_len > 0 ? rr->rdata_len : 1);
	must(name != NULL && rdata != NULL);
	name_copy_lower(name, owner);
	if (rr->rdata_len > 0)
		memcpy(rdata, rr->rdata, rr->rdata_len);
	rrs[n_rrs] = *rr;
	rrs[n_rrs].owner = name;
	rrs[n_rrs].rdata = rdata;
	rrs[n_rrs++].in_authority = in_authority;
}

static void drop(unsigned i)
{
	free((void *)rrs[i].owner);
	free((void *)rrs[i].rdata);
	memmove(&rrs[i], &rrs[i + 1], (--n_rrs - i) * sizeof rrs[0]);
}

static void add_sets(const char *list, bool in_authority)
{
	char text[256];
	size_t n = strlen(list);
	must(n < sizeof text);
	memcpy(text, list, n + 1);
	for (char *save, *p = strtok_r(text, " ", &save); p != NULL;
	     p = strtok_r(NULL, " ", &save)) {
		char *type = strchr(p, '/');
		char *as = strchr(p, '=');
		*type++ = 0;
		if (as != NULL)
			*as++ = 0;
		struct name owner = name_of(p);
		struct name put = name_of(as != NULL ? as : p);
		unsigned long want = strtoul(type, NULL, 10);
		for (unsigned i = 0; i < all.n; i++) {
			const struct answer_rr *rr = &all.rrs[i];
			unsigned of = rr->type == DNS_RRSIG ? load16(rr->rdata) : rr->type;
			bool is_hash = want == DNS_NSEC3 && of == want &&
			               name_is_within(rr->owner, owner.wire);
			if (is_hash)
				add(rr, rr->owner, in_authority);
			else if (of == want && name_equal(rr->owner, owner.wire))
				add(rr, put.wire, in_authority);
		}
	}
}

/* The CNAME that is made from a DNAME, in front of what comes behind it. */
static void add_synthesised(const struct honest *h)
{
	struct name name = name_of(h->name);
	struct name target = name_of(h->target);
	const struct answer_rr rr = {
		.type = DNS_CNAME, .rdata = target.wire, .rdata_len = target.len, .ttl_s = 300
	};
	if (strcmp(h->answer, "d.example/39 x.t.other/1") == 0)
		add(&rr, name.wire, false);
}

static void alter(const uint8_t change[CHANGE_BYTES], const uint8_t *question)
{
	uint8_t what = change[0] % 11;
	uint8_t which = change[1];
	uint8_t where = change[2];
	uint8_t how = change[3];
	static const uint16_t types[] = { DNS_A,     DNS_CNAME, DNS_DNAME, DNS_NSEC, DNS_NSEC3,
		                          DNS_RRSIG, DNS_SOA,   DNS_DS,    DNS_TXT };
	if (n_rrs == 0 && what != 8)
		return;
	struct answer_rr *rr = &rrs[n_rrs > 0 ? which % n_rrs : 0];
	uint8_t *owner = (uint8_t *)rr->owner;
	switch (what) {
	case 0:
		drop(which % n_rrs);
		break;
	case 1: { /* swap */
		struct answer_rr kept = *rr;
		*rr = rrs[where % n_rrs];
		rrs[where % n_rrs] = kept;
		break;
	}
	case 2:
		if (rr->rdata_len > 0)
			((uint8_t *)rr->rdata)[where % rr->rdata_len] ^= how;
		break;
	case 3: /* a letter of the owner's first label */
		if (owner[0] > 0)
			owner[1 + where % owner[0]] = (uint8_t)("abwx*-09"[how % 8]);
		break;
	case 4: /* cut off */
		rr->rdata_len = (uint16_t)(where < rr->rdata_len ? rr->rdata_len - where : 0);
		break;
	case 5:
		rr->type = types[where % ARRAY_LEN(types)];
		break;
	case 6:
		rr->in_authority = !rr->in_authority;
		break;
	case 7: /* a record's data under another's name */
		add(rr, rrs[where % n_rrs].owner, rr->in_authority);
		break;
	case 8: /* from elsewhere in the zones */
		add(&all.rrs[which % all.n], all.rrs[which % all.n].owner, (how & 1) != 0);
		break;
	case 9: /* as if made from a wildcard */
		add(rr, question, rr->in_authority);
		break;
	default:
		rr->ttl_s = (uint32_t)how << 24 | where;
		break;
	}
}

/* ---- what the zones say ---- */

static const struct answer_rr *find(const uint8_t *owner, uint16_t type)
{
	for (unsigned i = 0; i < n_plain; i++) {
		if (all.rrs[i].type == type && name_equal(all.rrs[i].owner, owner))
			return &all.rrs[i];
	}
	return NULL;
}

static bool is_proof_type(uint16_t type)
{
	return type == DNS_NSEC || type == DNS_NSEC3;
}

/* Does the name exist, if only because one below it does? */
static bool exists(const uint8_t *name)
{
	for (unsigned i = 0; i < n_plain; i++) {
		if (all.rrs[i].type != DNS_NSEC3 && name_is_within(all.rrs[i].owner, name))
			return true;
	}
	return false;
}

/* The owner of what stands at a name: itself, or the wildcard for it; NULL: nothing. */
static const uint8_t *source_of(const uint8_t *name)
{
	static uint8_t star[NAME_MAX_BYTES + 2];
	if (exists(name))
		return name;
	while (!exists(name))
		name = name_skip(name, 1);
	star[0] = 1;
	star[1] = '*';
	name_copy_lower(star + 2, name);
	return exists(star) ? star : NULL;
}

static bool is_genuine(const struct answer_rr *rr)
{
	const uint8_t *source = source_of(rr->owner);
	if (rr->type == DNS_NSEC3)
		source = rr->owner;
	for (unsigned i = 0; source != NULL && i < n_plain; i++) {
		const struct answer_rr *g = &all.rrs[i];
		if (g->type == rr->type && name_equal(g->owner, source) &&
		    g->rdata_len == rr->rdata_len &&
		    (memcmp(g->rdata, rr->rdata, g->rdata_len) == 0 ||
		     ((rr->type == DNS_CNAME || rr->type == DNS_DNAME) &&
		      name_check(rr->rdata, rr->rdata_len) == rr->rdata_len &&
		      name_equal(g->rdata, rr->rdata))))
			return true;
	}
	/* SOA: the names' case may differ. */
	const struct answer_rr *soa = rr->type == DNS_SOA ? find(rr->owner, DNS_SOA) : NULL;
	if (soa != NULL && soa->rdata_len == rr->rdata_len &&
	    memcmp(soa->rdata + soa->rdata_len - 20, rr->rdata + rr->rdata_len - 20, 20) == 0)
		return name_equal(soa->rdata, rr->rdata);
	/* A CNAME made from the DNAME. */
	struct name dname = name_of("d.example");
	struct name to = name_of("t.other");
	unsigned front = name_labels(rr->owner) - 2;
	return rr->type == DNS_CNAME && name_is_within(rr->owner, dname.wire) &&
	       !name_equal(rr->owner, dname.wire) &&
	       name_check(rr->rdata, rr->rdata_len) == rr->rdata_len &&
	       name_labels(rr->rdata) == front + 2 &&
	       name_equal(name_skip(rr->rdata, front), to.wire);
}

static void check_secure(const struct validate_response *q, const struct validate_result *result)
{
	unsigned n_www = 0;
	struct name www = name_of("www.example");
	for (unsigned i = 0; i < q->n_rrs; i++) {
		const struct answer_rr *rr = &q->rrs[i];
		bool counts = !rr->in_authority || is_proof_type(rr->type) || rr->type == DNS_SOA;
		if (rr->type == DNS_RRSIG || !counts)
			continue;
		must(is_genuine(rr));
		must(rr->ttl_s <= 300);
		must(result->ttl_s <= 300);
		n_www += !rr->in_authority && rr->type == DNS_A && name_equal(rr->owner, www.wire);
	}
	must(n_www == 0 || n_www >= 2); /* an RRset is whole */
	if (q->kind != VALIDATE_DENIAL)
		return;
	const uint8_t *source = source_of(q->target);
	must(source == NULL || (find(source, q->type) == NULL && find(source, DNS_CNAME) == NULL));
	must((source == NULL) == (result->rcode == RCODE_NXDOMAIN));
	/* Of what is below a DNAME or a cut, and of a cut but for DS, nothing is denied. */
	struct name dname = name_of("d.example");
	struct name cut = name_of("sub.example");
	bool is_at_cut = name_equal(q->target, cut.wire);
	must(!name_is_within(q->target, dname.wire) || name_equal(q->target, dname.wire));
	must(!name_is_within(q->target, cut.wire) || (is_at_cut && q->type == DNS_DS));
	must(name_is_within(q->target, result->zone.wire));
}

/* The question: the honest one, or any other. */
static void ask(const uint8_t *data, const struct honest *h, struct validate_response *ret)
{
	static struct name name, target;
	unsigned n = data[1];
	name = name_of(h->name);
	target = name_of(h->target);
	*ret = (struct validate_response){ .type = h->type, .kind = h->kind, .rcode = h->rcode };
	if (n > 0) {
		name = target = name_of(asked[n % ARRAY_LEN(asked)]);
		ret->type = asked_types[n / ARRAY_LEN(asked) % ARRAY_LEN(asked_types)];
		ret->kind = n < 128 ? VALIDATE_DENIAL : VALIDATE_ANSWER;
	}
	if ((data[0] & 0x80) != 0)
		ret->rcode ^= RCODE_NXDOMAIN;
	ret->name = name.wire;
	ret->target = target.wire;
	ret->wall_s = T_NOW;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct validate_response q;
	if (n < HEAD_BYTES)
		return 0;
	make_once();
	const struct honest *h = &honest[data[0] % 128 % ARRAY_LEN(honest)];
	bool is_honest = data[0] < 128 && data[1] == 0;
	ask(data, h, &q);
	n_rrs = 0;
	add_sets(h->answer, false);
	add_synthesised(h);
	add_sets(h->authority, true);
	for (size_t at = HEAD_BYTES; at + CHANGE_BYTES <= n; at += CHANGE_BYTES) {
		if (at >= HEAD_BYTES + CHANGE_BYTES * MAX_CHANGES)
			break;
		alter(data + at, q.name);
		is_honest = false;
	}
	q.rrs = rrs;
	q.n_rrs = n_rrs;
	struct work work = work_new();
	struct validate_result result;
	uint64_t verified = v->n_verified;
	enum validate_outcome outcome = validate_response(v, &q, &trusts.source, &work, &result);
	must(v->n_verified - verified <= WORK_SIGNATURES);
	must(v->n_verified - verified == (uint64_t)(WORK_SIGNATURES - work.signatures_left));
	must(work.failures_left <= WORK_FAILURES && work.hashes_left <= WORK_HASHES);
	if (is_honest)
		must(outcome == VALIDATE_DONE && result.security == SECURITY_SECURE);
	if (outcome == VALIDATE_DONE && result.security == SECURITY_SECURE)
		check_secure(&q, &result);
	if (outcome == VALIDATE_DONE && result.security == SECURITY_BOGUS)
		must(result.ede_code != 0 && result.why != NULL && result.where.len > 0);
	while (n_rrs > 0)
		drop(n_rrs - 1);
	return 0;
}
