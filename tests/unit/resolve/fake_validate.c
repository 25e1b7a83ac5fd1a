/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_validate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	RRSIG_SIGNER_AT = 18,
	KEY_UNKNOWN = 0xee
};

struct fake_anchors fake_anchors;
unsigned fake_n_validated;

/* ---- what the rest needs to be there ---- */

struct work work_new(void)
{
	return (struct work){ .signatures_left = WORK_SIGNATURES,
		              .failures_left = WORK_FAILURES,
		              .hashes_left = WORK_HASHES };
}

int validator_new(struct validator **ret)
{
	*ret = malloc(1);
	return *ret != NULL ? 0 : -ENOMEM;
}

void validator_free(struct validator *v)
{
	free(v);
}

static void name_of(const char *text, struct name *ret)
{
	must(name_from_text(text, strlen(text), ret) == 0);
}

const struct anchors *anchors_current(void)
{
	return fake_anchors.is_on ? (const struct anchors *)&fake_anchors : NULL;
}

const uint8_t *anchors_closest(const struct anchors *a, const uint8_t *name)
{
	(void)a;
	static struct name zone;
	name_of(fake_anchors.zone, &zone);
	return name_is_within(name, zone.wire) ? zone.wire : NULL;
}

void anchors_of(const struct anchors *a, const uint8_t *zone, const struct answer_rr **ret_rrs,
                unsigned *ret_n)
{
	(void)a;
	static const uint8_t rdata[4] = { 1, 0, 0, 0 };
	static struct answer_rr rr;
	static struct name owner;
	name_set(&owner, zone);
	rr = (struct answer_rr){ .owner = owner.wire,
		                 .rdata = rdata,
		                 .type = DNS_DS,
		                 .rdata_len = sizeof rdata,
		                 .ttl_s = 3600 };
	*ret_rrs = &rr;
	*ret_n = 1;
}

bool anchors_is_negative(const struct anchors *a, const uint8_t *name, uint64_t wall_s)
{
	(void)a;
	(void)wall_s;
	struct name n;
	if (fake_anchors.negative == NULL)
		return false;
	name_of(fake_anchors.negative, &n);
	return name_is_within(name, n.wire);
}

/* ---- zones ---- */

static void release(void *object)
{
	free(object);
}

void trust_free(struct trust *t)
{
	free(t);
}

int trust_new(const uint8_t *zone, enum trust_state state, uint8_t ede_code, const char *why,
              uint32_t now_s, uint32_t ttl_s, struct trust **ret)
{
	struct trust *t = calloc(1, sizeof *t);
	must(t != NULL);
	t->state = state;
	t->ede_code = ede_code;
	t->why = why;
	name_copy_lower(t->name, zone);
	t->head.zone = t->name;
	t->head.item.bytes = sizeof *t;
	t->head.item.stored_s = now_s;
	t->head.item.ttl_s = ttl_s;
	t->head.item.release = release;
	*ret = t;
	return 0;
}

/* A good RRSIG over (owner, type): its signer; NULL: none. *ret_is_good: false for a bad one. */
static const uint8_t *find_signer(const struct answer_rr *rrs, unsigned n, const uint8_t *owner,
                                  uint16_t type, bool *ret_is_good)
{
	for (unsigned i = 0; i < n; i++) {
		const struct answer_rr *rr = &rrs[i];
		if (rr->type != DNS_RRSIG || load16(rr->rdata) != type ||
		    !name_equal(rr->owner, owner))
			continue;
		*ret_is_good = rr->rdata[2] != 0;
		return rr->rdata + RRSIG_SIGNER_AT;
	}
	return NULL;
}

int trust_from_keys(struct validator *v, const uint8_t *zone, const struct answer_rr *rrs,
                    unsigned n_rrs, const struct answer_rr *anchors, unsigned n_anchors,
                    uint32_t wall_s, uint32_t now_s, struct work *work, struct trust **ret)
{
	(void)v;
	(void)wall_s;
	enum trust_state state = TRUST_BOGUS;
	uint32_t ttl_s = 0;
	bool is_good;
	bool is_bare = find_signer(rrs, n_rrs, zone, DNS_DNSKEY, &is_good) == NULL;
	work->signatures_left--;
	if (anchors[0].rdata[0] == KEY_UNKNOWN)
		state = TRUST_INSECURE;
	for (unsigned i = 0; i < n_rrs; i++) {
		if (rrs[i].type != DNS_DNSKEY || !name_equal(rrs[i].owner, zone) ||
		    find_signer(rrs, n_rrs, zone, DNS_DNSKEY, &is_good) == NULL || !is_good)
			continue;
		for (unsigned k = 0; k < n_anchors; k++) {
			if (anchors[k].rdata[0] != rrs[i].rdata[0])
				continue;
			state = TRUST_SECURE;
			ttl_s = rrs[i].ttl_s;
		}
	}
	bool is_bogus = state == TRUST_BOGUS;
	uint8_t code = n_rrs > 0 && is_bare ? EDE_RRSIGS_MISSING : EDE_DNSKEY_MISSING;
	return trust_new(zone, state, is_bogus ? code : 0, is_bogus ? "no key fits" : NULL, now_s,
	                 ttl_s, ret);
}

enum delegation validate_delegation(struct validator *v, const uint8_t *child,
                                    const struct trust *parent, const struct answer_rr *rrs,
                                    unsigned n_rrs, uint32_t wall_s, struct work *work,
                                    uint32_t *ret_ttl_s, struct answer_rr ret_ds[32],
                                    unsigned *ret_n_ds)
{
	(void)v;
	(void)wall_s;
	(void)work;
	must(parent->state == TRUST_SECURE);
	for (unsigned i = 0; i < n_rrs; i++) {
		const struct answer_rr *rr = &rrs[i];
		bool is_good = false;
		if ((rr->type != DNS_DS && rr->type != DNS_NSEC) || !name_equal(rr->owner, child))
			continue;
		const uint8_t *signer = find_signer(rrs, n_rrs, child, rr->type, &is_good);
		if (signer == NULL || !name_equal(signer, parent->name) || !is_good)
			continue;
		*ret_ttl_s = rr->ttl_s;
		if (rr->type == DNS_NSEC)
			return rr->rdata[1] == 'i' ? DELEGATION_UNSIGNED : DELEGATION_NONE;
		ret_ds[0] = *rr;
		*ret_n_ds = 1;
		return DELEGATION_SIGNED;
	}
	return DELEGATION_UNKNOWN;
}

/* ---- responses ---- */

static void worse(struct validate_result *r, enum security s, uint8_t code, const char *why,
                  const uint8_t *where)
{
	if (s >= r->security)
		return;
	r->security = s;
	r->ede_code = code;
	r->why = why;
	name_set(&r->where, where);
}

/* One RRset, or the denial of it. False: somebody's trust is not known. */
static bool judge(const struct validate_response *q, struct trust_source *source,
                  const uint8_t *owner, uint16_t type, uint16_t signed_type,
                  struct validate_result *ret)
{
	bool is_good = false;
	const uint8_t *signer = find_signer(q->rrs, q->n_rrs, owner, signed_type, &is_good);
	const struct trust *t = signer != NULL ? source->of_zone(source, signer)
	                                       : source->around(source, owner, type);
	if (t == NULL)
		return false;
	if (t->state == TRUST_BOGUS)
		worse(ret, SECURITY_BOGUS, t->ede_code, t->why, owner);
	else if (t->state == TRUST_INSECURE)
		worse(ret, SECURITY_INSECURE, 0, NULL, owner);
	else if (signer == NULL)
		worse(ret, SECURITY_BOGUS,
		      signed_type == DNS_NSEC ? EDE_NSEC_MISSING : EDE_RRSIGS_MISSING,
		      "no signatures", owner);
	else if (!is_good)
		worse(ret, SECURITY_BOGUS, EDE_EXPIRED, "signature expired", owner);
	return true;
}

enum validate_outcome validate_response(struct validator *v, const struct validate_response *q,
                                        struct trust_source *source, struct work *work,
                                        struct validate_result *ret)
{
	(void)v;
	(void)work;
	fake_n_validated++;
	*ret = (struct validate_result){ .security = SECURITY_SECURE, .ttl_s = UINT32_MAX };
	for (unsigned i = 0; i < q->n_rrs; i++) {
		const struct answer_rr *rr = &q->rrs[i];
		if (rr->type == DNS_RRSIG || rr->in_authority)
			continue;
		if (!judge(q, source, rr->owner, rr->type, rr->type, ret))
			return VALIDATE_WAIT;
	}
	if (q->kind == VALIDATE_DENIAL && !judge(q, source, q->target, q->type, DNS_NSEC, ret))
		return VALIDATE_WAIT;
	return VALIDATE_DONE;
}
