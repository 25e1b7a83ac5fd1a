/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "validate/denial.h"
#include "validate/signature.h"

enum {
	SIGNERS_MAX = 2, /* zones that are asked for because a signature of one RRset names them */
};

/* One response under way. Functions that return bool: false means wait, and unwind. */
struct check {
	struct validator *v;
	const struct validate_response *q;
	struct trust_source *source;
	struct work *work;
	struct validate_result result;
};

static struct rrsets *sets_of(const struct check *c)
{
	return &c->v->sets;
}

/* ---- the result ---- */

static void set_where(struct check *c, const uint8_t *where)
{
	name_set(&c->result.where, where);
}

/* The first thing that is bogus stays the reason; nothing raises what was lowered. */
static void lower(struct check *c, enum security security, uint8_t ede_code, const char *why,
                  const uint8_t *where)
{
	if (security >= c->result.security)
		return;
	c->result.security = security;
	c->result.ede_code = ede_code;
	c->result.why = ede_code != 0 ? why : NULL;
	if (ede_code != 0)
		set_where(c, where);
}

static void lower_bogus(struct check *c, uint8_t ede_code, const char *why, const uint8_t *where)
{
	lower(c, SECURITY_BOGUS, ede_code, why, where);
}

static void lower_exhausted(struct check *c, const uint8_t *where)
{
	lower_bogus(c, EDE_BOGUS, "checking it took too much work", where);
}

static const char *why_insecure(uint8_t ede_code)
{
	switch (ede_code) {
	case EDE_UNSUPPORTED_ALGORITHM:
		return "the zone has keys of unsupported algorithms only";
	case EDE_UNSUPPORTED_DIGEST:
		return "the zone has DS records of unsupported digests only";
	case EDE_UNSUPPORTED_NSEC3:
		return "too many NSEC3 iterations";
	default:
		return "no chain of trust leads there";
	}
}

/*
 * It could not be shown to be good: what the zone around it is decides. Data of an insecure
 * zone is insecure, whatever signatures came with it.
 */
static bool decide_by_zone(struct check *c, const uint8_t *name, uint16_t type,
                           const struct blame *blame, const uint8_t *where,
                           enum security *ret_security)
{
	const struct trust *t = c->source->around(c->source, name, type);
	if (t == NULL)
		return false;
	if (t->state == TRUST_INSECURE) {
		*ret_security = SECURITY_INSECURE;
		lower(c, SECURITY_INSECURE, t->ede_code, why_insecure(t->ede_code), where);
	} else {
		bool is_broken = t->state == TRUST_BOGUS;
		*ret_security = SECURITY_BOGUS;
		lower_bogus(c, is_broken ? t->ede_code : blame->ede_code,
		            is_broken ? t->why : blame->why, where);
	}
	return true;
}

/* ---- one RRset ---- */

static void lower_ttls(struct check *c, const struct rrset *set, uint32_t ttl_s)
{
	struct rrsets *s = sets_of(c);
	const uint16_t lists[] = { set->first, set->first_sig };
	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		for (uint16_t i = lists[l]; i != RRSET_NONE; i = s->next[i]) {
			if (c->q->rrs[i].ttl_s > ttl_s)
				c->q->rrs[i].ttl_s = ttl_s;
		}
	}
	if (ttl_s < c->result.ttl_s)
		c->result.ttl_s = ttl_s;
}

/* Can records of this name and type be this zone's? (RFC 4035 5.3.1; DS is the parent's.) */
static bool may_sign(const struct rrset *set, const uint8_t *signer)
{
	return name_is_within(set->owner, signer) &&
	       (set->type != DNS_DS || !name_equal(set->owner, signer));
}

static void accept_set(struct check *c, struct rrset *set, const struct trust *zone,
                       const struct verified *good)
{
	set->security = SECURITY_SECURE;
	set->zone = zone;
	set->labels = good->labels;
	set->is_wildcard = good->labels < rrset_owner_labels(set->owner);
	lower_ttls(c, set, good->ttl_s);
}

/* One more zone that a signature names. *ret_is_done: nothing more to try. */
static bool try_signer(struct check *c, struct rrset *set, const uint8_t *signer,
                       struct blame *blame, bool *ret_is_done)
{
	struct verified good;
	const struct trust *zone = c->source->of_zone(c->source, signer);
	if (zone == NULL)
		return false;
	if (zone->state == TRUST_BOGUS) {
		blame_note(blame, zone->ede_code, zone->why);
	} else if (zone->state != TRUST_SECURE) {
		blame_note(blame, EDE_BOGUS, "signed by what is no secure zone");
	} else if (rrset_verify(c->v, sets_of(c), set, zone, KEYS_ALL, c->q->wall_s, c->work, &good,
	                        blame)) {
		accept_set(c, set, zone, &good);
		*ret_is_done = true;
	} else if (c->work->is_exhausted) {
		set->security = SECURITY_BOGUS;
		lower_exhausted(c, set->owner);
		*ret_is_done = true;
	}
	return true;
}

static bool try_signers(struct check *c, struct rrset *set, struct blame *blame)
{
	const struct rrsets *s = sets_of(c);
	struct name signers[SIGNERS_MAX];
	unsigned n = 0;
	bool is_done = false;
	for (uint16_t i = set->first_sig; i != RRSET_NONE && !is_done; i = s->next[i]) {
		struct rrsig_fields f;
		if (rrsig_read(&s->rrs[i], &f) != 0) {
			blame_note(blame, EDE_BOGUS, "a signature is malformed");
			continue;
		}
		if (!may_sign(set, f.signer)) {
			blame_note(blame, EDE_BOGUS, "signed by another zone");
			continue;
		}
		bool is_new = n < SIGNERS_MAX;
		for (unsigned k = 0; k < n; k++)
			is_new = is_new && !name_equal(signers[k].wire, f.signer);
		if (!is_new)
			continue;
		name_set(&signers[n], f.signer);
		if (!try_signer(c, set, signers[n++].wire, blame, &is_done))
			return false;
	}
	return true;
}

/* The name to ask about: an NSEC3 record's own is no name of the zone. */
static const uint8_t *name_for_zone(const struct rrset *set)
{
	bool is_hash = set->type == DNS_NSEC3 && !name_is_root(set->owner);
	return is_hash ? name_skip(set->owner, 1) : set->owner;
}

/* Find out set->security, and lower the result to it. */
static bool check_set(struct check *c, struct rrset *set)
{
	struct blame blame = { 0 };
	enum security security;
	if (set->security != SECURITY_UNCHECKED || c->result.security == SECURITY_BOGUS)
		return true;
	if (set->n_sigs == 0)
		blame_note(&blame, EDE_RRSIGS_MISSING, "there is no signature");
	else if (!try_signers(c, set, &blame))
		return false;
	if (set->security != SECURITY_UNCHECKED)
		return true;
	if (!decide_by_zone(c, name_for_zone(set), set->type, &blame, set->owner, &security))
		return false;
	set->security = (uint8_t)security;
	return true;
}

/* ---- the answer section ---- */

static struct rrset *find_dname(const struct check *c, const uint8_t *at)
{
	struct rrsets *s = sets_of(c);
	for (unsigned i = 0; i < s->n; i++) {
		struct rrset *set = &s->sets[i];
		if (set->type == DNS_DNAME && set->n == 1 && !set->in_authority &&
		    name_is_within(at, set->owner) && !name_equal(at, set->owner))
			return set;
	}
	return NULL;
}

/* RFC 6672 5.3.1: the CNAME has no signature of its own; it has to be what the DNAME makes. */
static bool follow_dname(struct check *c, const struct rrset *dname, struct rrset *cname,
                         struct name *at)
{
	const struct answer_rr *rr = &sets_of(c)->rrs[dname->first];
	struct name target;
	if (name_check(rr->rdata, rr->rdata_len) == 0 ||
	    !name_substitute(at->wire, rr->owner, rr->rdata, &target)) {
		lower_bogus(c, EDE_BOGUS, "a DNAME makes a name that is too long", at->wire);
		return true;
	}
	if (cname != NULL) {
		const struct answer_rr *made = &sets_of(c)->rrs[cname->first];
		if (cname->n != 1 || name_check(made->rdata, made->rdata_len) == 0 ||
		    !name_equal(made->rdata, target.wire)) {
			lower_bogus(c, EDE_BOGUS, "a CNAME is not what the DNAME makes", at->wire);
			return true;
		}
		cname->security = dname->security;
		lower_ttls(c, cname, rr->ttl_s);
	}
	*at = target;
	return true;
}

static bool follow_cname(struct check *c, struct rrset *cname, struct name *at)
{
	const struct answer_rr *rr = &sets_of(c)->rrs[cname->first];
	if (!check_set(c, cname))
		return false;
	if (cname->n != 1 || name_check(rr->rdata, rr->rdata_len) == 0) {
		lower_bogus(c, EDE_BOGUS, "not one CNAME but several", at->wire);
		return true;
	}
	name_set(at, rr->rdata);
	return true;
}

/* From `at` one alias on. */
static bool follow(struct check *c, struct name *at)
{
	struct rrset *cname = rrsets_find(sets_of(c), at->wire, DNS_CNAME, false);
	if (cname != NULL && cname->n_sigs > 0)
		return follow_cname(c, cname, at);
	struct rrset *dname = find_dname(c, at->wire);
	if (dname != NULL) {
		if (!check_set(c, dname))
			return false;
		return c->result.security == SECURITY_BOGUS || follow_dname(c, dname, cname, at);
	}
	if (cname != NULL)
		return follow_cname(c, cname, at);
	lower_bogus(c, EDE_BOGUS, "the chain of aliases is broken", at->wire);
	return true;
}

static bool check_aliases(struct check *c)
{
	struct name at;
	name_set(&at, c->q->name);
	for (unsigned hops = 0; !name_equal(at.wire, c->q->target); hops++) {
		if (hops == ANSWER_MAX_HOPS)
			lower_bogus(c, EDE_BOGUS, "too many aliases", at.wire);
		if (c->result.security == SECURITY_BOGUS)
			return true;
		if (!follow(c, &at))
			return false;
	}
	return true;
}

/* What was asked for has to be there; and everything that is there has to be good. */
static bool check_answer(struct check *c)
{
	struct rrsets *s = sets_of(c);
	bool has_answer = c->q->kind != VALIDATE_ANSWER;
	for (unsigned i = 0; i < s->n; i++) {
		struct rrset *set = &s->sets[i];
		if (set->in_authority)
			continue;
		bool is_at_target = name_equal(set->owner, c->q->target);
		bool is_bare = set->n == 0; /* RRSIGs without what they cover */
		if (is_at_target && (c->q->type == DNS_ANY || c->q->type == set->type ||
		                     (is_bare && c->q->type == DNS_RRSIG)))
			has_answer = true;
		if (is_bare)
			lower(c, SECURITY_INSECURE, 0, NULL, set->owner);
		else if (!check_set(c, set))
			return false;
	}
	if (!has_answer)
		lower_bogus(c, EDE_BOGUS, "the answer is not there", c->q->target);
	return true;
}

/* ---- the authority section ---- */

static bool check_authority(struct check *c)
{
	struct rrsets *s = sets_of(c);
	for (unsigned i = 0; i < s->n; i++) {
		struct rrset *set = &s->sets[i];
		bool counts =
			set->type == DNS_SOA || set->type == DNS_NSEC || set->type == DNS_NSEC3;
		if (!set->in_authority || set->n == 0 || !counts)
			continue;
		if (!check_set(c, set))
			return false;
		/* It would say of one name what is said of another, to whoever reuses it. */
		if (set->is_wildcard)
			lower_bogus(c, EDE_BOGUS, "a denial is made from a wildcard", set->owner);
	}
	return true;
}

static bool is_proof(const struct rrset *set)
{
	return set->in_authority && (set->type == DNS_NSEC || set->type == DNS_NSEC3) &&
	       set->n == 1 && set->security == SECURITY_SECURE && !set->is_wildcard;
}

static void collect(const struct check *c, const uint8_t *zone, struct proofs *ret)
{
	const struct rrsets *s = sets_of(c);
	*ret = (struct proofs){ .zone = zone, .work = c->work };
	for (unsigned i = 0; i < s->n && ret->n < PROOFS_MAX; i++) {
		if (is_proof(&s->sets[i]) && name_equal(s->sets[i].zone->name, zone))
			ret->rrs[ret->n++] = &s->rrs[s->sets[i].first];
	}
}

/* ---- wildcards ---- */

static enum proof prove_wildcard(const struct check *c, const struct rrset *set)
{
	struct proofs p;
	collect(c, set->zone->name, &p);
	enum proof proof = nsec_allows_wildcard(&p, set->owner, set->labels);
	return proof != PROOF_NONE ? proof : nsec3_allows_wildcard(&p, set->owner, set->labels);
}

/* RFC 4035 5.3.4: for what was made from a wildcard, that nothing closer exists. */
static void check_wildcards(struct check *c)
{
	struct rrsets *s = sets_of(c);
	for (unsigned i = 0; i < s->n; i++) {
		const struct rrset *set = &s->sets[i];
		if (set->in_authority || set->security != SECURITY_SECURE || !set->is_wildcard)
			continue;
		c->result.is_wildcard = true;
		switch (prove_wildcard(c, set)) {
		case PROOF_WILDCARD:
			break;
		case PROOF_OPT_OUT:
			lower(c, SECURITY_INSECURE, 0, NULL, set->owner);
			break;
		case PROOF_ITERATIONS:
			lower(c, SECURITY_INSECURE, EDE_UNSUPPORTED_NSEC3,
			      why_insecure(EDE_UNSUPPORTED_NSEC3), set->owner);
			break;
		case PROOF_EXHAUSTED:
			lower_exhausted(c, set->owner);
			break;
		default:
			lower_bogus(c, EDE_NSEC_MISSING, "no proof that the wildcard applies",
			            set->owner);
			break;
		}
	}
}

/* ---- denials ---- */

/* The zone that denies: of those whose proofs are here, the closest to the name. */
static const uint8_t *denying_zone(const struct check *c)
{
	const struct rrsets *s = sets_of(c);
	const uint8_t *target = c->q->target;
	const uint8_t *best = NULL;
	for (unsigned i = 0; i < s->n; i++) {
		if (!is_proof(&s->sets[i]))
			continue;
		const uint8_t *zone = s->sets[i].zone->name;
		bool is_own = name_equal(zone, target) && !name_is_root(zone);
		if (!name_is_within(target, zone) || (c->q->type == DNS_DS && is_own))
			continue;
		if (best == NULL || name_len(zone) > name_len(best))
			best = zone;
	}
	return best;
}

static enum proof prove_denial(const struct check *c, const uint8_t *zone)
{
	struct proofs p;
	collect(c, zone, &p);
	enum proof proof = nsec_denies(&p, c->q->target, c->q->type);
	if (proof == PROOF_NONE)
		proof = nsec3_denies(&p, c->q->target, c->q->type);
	/* That nothing is there does not prove that something is, without the type. */
	return proof == PROOF_NXDOMAIN && c->q->rcode != RCODE_NXDOMAIN ? PROOF_NONE : proof;
}

static bool check_denial(struct check *c)
{
	static const struct blame missing = { EDE_NSEC_MISSING,
		                              "no proof that the name or type does not exist" };
	enum security security;
	const uint8_t *zone = denying_zone(c);
	switch (zone != NULL ? prove_denial(c, zone) : PROOF_NONE) {
	case PROOF_NODATA:
		c->result.rcode = RCODE_NOERROR;
		break;
	case PROOF_NXDOMAIN:
		break;
	case PROOF_OPT_OUT:
		c->result.is_opt_out = true;
		lower(c, SECURITY_INSECURE, 0, NULL, c->q->target);
		break;
	case PROOF_ITERATIONS:
		lower(c, SECURITY_INSECURE, EDE_UNSUPPORTED_NSEC3,
		      why_insecure(EDE_UNSUPPORTED_NSEC3), c->q->target);
		break;
	case PROOF_EXHAUSTED:
		lower_exhausted(c, c->q->target);
		break;
	default:
		return decide_by_zone(c, c->q->target, c->q->type, &missing, c->q->target,
		                      &security);
	}
	if (c->result.security == SECURITY_SECURE)
		name_set(&c->result.zone, zone);
	return true;
}

static bool check_all(struct check *c)
{
	if (!check_aliases(c))
		return false;
	if (c->result.security != SECURITY_BOGUS && !check_answer(c))
		return false;
	if (c->result.security != SECURITY_BOGUS && !check_authority(c))
		return false;
	if (c->result.security != SECURITY_BOGUS)
		check_wildcards(c);
	if (c->result.security == SECURITY_BOGUS || c->q->kind != VALIDATE_DENIAL)
		return true;
	return check_denial(c);
}

enum validate_outcome validate_response(struct validator *v, const struct validate_response *q,
                                        struct trust_source *source, struct work *work,
                                        struct validate_result *ret)
{
	struct check c = { .v = v, .q = q, .source = source, .work = work };
	c.result.security = SECURITY_SECURE;
	c.result.ttl_s = UINT32_MAX;
	c.result.rcode = q->rcode;
	if (rrsets_group(&v->sets, q->rrs, q->n_rrs) != 0)
		lower_bogus(&c, EDE_BOGUS, "too many records to check", q->name);
	else if (!check_all(&c))
		return VALIDATE_WAIT;
	*ret = c.result;
	return VALIDATE_DONE;
}
