/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones signed by another program (BIND's dnssec-signzone): zones/, all of tools.example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signed_zone.h"
#include "validate/denial.h"
#include "validate/signature.h"

enum {
	WALL_S = 1800000000
};

static const char *folder;
static struct validator *v;
static struct records zone, anchors, r;
static struct trusts trusts;

static int begin(void **state)
{
	(void)state;
	return validator_new(&v);
}

static int end(void **state)
{
	(void)state;
	trusts_done(&trusts);
	validator_free(v);
	return 0;
}

static void load(const char *name)
{
	static char text[65536];
	char path[512];
	snprintf(path, sizeof path, "%s/%s.zone", folder, name);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	assert_true(n > 0);
	text[n] = 0;
	records_reset(&zone);
	records_reset(&anchors);
	records_text(&zone, text);
	for (unsigned i = 0; i < zone.n; i++) {
		if (zone.rrs[i].type == DNS_DNSKEY && load16(zone.rrs[i].rdata) == 257)
			records_add(&anchors, zone.rrs[i].owner, DNS_DNSKEY, 0, zone.rrs[i].rdata,
			            zone.rrs[i].rdata_len);
	}
	struct work work = work_new();
	struct trust *t;
	struct name apex = name_of("tools.example");
	assert_int_equal(trust_from_keys(v, apex.wire, zone.rrs, zone.n, anchors.rrs, anchors.n,
	                                 WALL_S, 1000, &work, &t),
	                 0);
	if (t->state != TRUST_SECURE)
		fail_msg("%s: %s", name, t->why);
	trusts_done(&trusts);
	trusts_init(&trusts);
	trusts_add(&trusts, t);
	trusts_add_state(&trusts, "unsigned.tools.example", TRUST_INSECURE, 0);
}

static void every_rrset_is_good(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned n_at_least;
	} rows[] = {
		{ "nsec", 60 },        { "nsec3", 60 },    { "optout", 60 },   { "rsasha1", 7 },
		{ "nsec3rsasha1", 7 }, { "rsasha256", 7 }, { "rsasha512", 7 }, { "ed448", 7 },
	};
	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		unsigned n_good = 0;
		load(rows[k].name);
		assert_int_equal(rrsets_group(&v->sets, zone.rrs, zone.n), 0);
		for (unsigned i = 0; i < v->sets.n; i++) {
			const struct rrset *set = &v->sets.sets[i];
			struct work work = work_new();
			struct verified good;
			struct blame blame = { 0 };
			if (set->n_sigs == 0)
				continue;
			assert_true(set->n > 0);
			if (!rrset_verify(v, &v->sets, set, trusts.of[0], KEYS_ALL, WALL_S, &work,
			                  &good, &blame))
				fail_msg("%s: type %u: %s", rows[k].name, set->type, blame.why);
			n_good++;
		}
		if (n_good < rows[k].n_at_least)
			fail_msg("%s: only %u", rows[k].name, n_good);
	}
}

/* The NSEC and NSEC3 records of the zone that have to do with a name, as a server picks them. */
static bool is_about(const struct answer_rr *rr, const uint8_t *name)
{
	struct name apex = name_of("tools.example");
	struct work work = work_new();
	unsigned above = name_labels(name) - name_labels(apex.wire);
	for (unsigned skip = 0; skip <= above; skip++) {
		for (unsigned with_star = 0; with_star < 2; with_star++) {
			uint8_t at[NAME_MAX_BYTES + 2] = { 1, '*' };
			struct nsec3_parameters p;
			uint8_t hash[20];
			name_copy_lower(at + 2 * with_star, name_skip(name, skip));
			if (rr->type == DNS_NSEC &&
			    nsec_place(rr, apex.wire, at) != DENIAL_ELSEWHERE)
				return true;
			if (rr->type == DNS_NSEC3 && nsec3_read(rr, &p) == 0 &&
			    nsec3_hash(at, p.salt, p.salt_len, p.iterations, &work, hash) == 0 &&
			    nsec3_place(rr, hash) != DENIAL_ELSEWHERE)
				return true;
		}
	}
	return false;
}

static void add_with_signature(const struct answer_rr *rr)
{
	records_add(&r, rr->owner, rr->type, rr->ttl_s, rr->rdata, rr->rdata_len);
	for (unsigned i = 0; i < zone.n; i++) {
		const struct answer_rr *sig = &zone.rrs[i];
		if (sig->type == DNS_RRSIG && load16(sig->rdata) == rr->type &&
		    name_equal(sig->owner, rr->owner))
			records_add(&r, sig->owner, DNS_RRSIG, sig->ttl_s, sig->rdata,
			            sig->rdata_len);
	}
}

static struct validate_result deny(const char *text, uint16_t type, uint8_t rcode)
{
	struct name name = name_of(text);
	struct work work = work_new();
	struct validate_result result;
	records_reset(&r);
	r.in_authority = true;
	for (unsigned i = 0; i < zone.n; i++) {
		const struct answer_rr *rr = &zone.rrs[i];
		if (rr->type == DNS_SOA || is_about(rr, name.wire))
			add_with_signature(rr);
	}
	struct validate_response q = { .name = name.wire,
		                       .type = type,
		                       .rcode = rcode,
		                       .kind = VALIDATE_DENIAL,
		                       .target = name.wire,
		                       .rrs = r.rrs,
		                       .n_rrs = r.n,
		                       .wall_s = WALL_S };
	assert_int_equal(validate_response(v, &q, &trusts.source, &work, &result), VALIDATE_DONE);
	return result;
}

static void denials_are_proven(void **state)
{
	(void)state;
	enum {
		S = SECURITY_SECURE,
		I = SECURITY_INSECURE,
		B = SECURITY_BOGUS
	};
	static const struct {
		const char *name;
		uint16_t type;
		uint8_t rcode, security, with_opt_out;
	} rows[] = {
		{ "x.tools.example", DNS_A, RCODE_NXDOMAIN, S, I },
		{ "x.y.z.tools.example", DNS_A, RCODE_NXDOMAIN, S, I },
		{ "x.tools.example", DNS_A, RCODE_NOERROR, B, I },
		{ "ns.tools.example", DNS_MX, RCODE_NOERROR, S, S },
		{ "ns.tools.example", DNS_A, RCODE_NOERROR, B, B },
		{ "tools.example", DNS_TXT, RCODE_NOERROR, S, S },
		{ "ent.tools.example", DNS_A, RCODE_NOERROR, S, S },
		{ "b.ent.tools.example", DNS_A, RCODE_NOERROR, S, S },
		{ "c.ent.tools.example", DNS_A, RCODE_NXDOMAIN, S, I },
		{ "x.wild.tools.example", DNS_MX, RCODE_NOERROR, S, I },
		{ "x.wild.tools.example", DNS_A, RCODE_NOERROR, B, B },
		{ "signed.tools.example", DNS_DS, RCODE_NOERROR, B, B },
		{ "unsigned.tools.example", DNS_DS, RCODE_NOERROR, S, I },
		{ "alias.tools.example", DNS_A, RCODE_NOERROR, B, B },
		{ "x.dname.tools.example", DNS_A, RCODE_NXDOMAIN, B, B },
		{ "x.signed.tools.example", DNS_A, RCODE_NXDOMAIN, B, B },
		{ "x.unsigned.tools.example", DNS_A, RCODE_NXDOMAIN, I, I },
	};
	static const char *const names[] = { "nsec", "nsec3", "optout" };
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		load(names[k]);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct validate_result result =
				deny(rows[i].name, rows[i].type, rows[i].rcode);
			uint8_t expected = k == 2 ? rows[i].with_opt_out : rows[i].security;
			if (result.security != expected)
				fail_msg("%s: %s %u: %d, %s", names[k], rows[i].name, rows[i].type,
				         result.security, result.why != NULL ? result.why : "-");
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rrset_is_good),
		cmocka_unit_test(denials_are_proven),
	};
	if (argc != 2)
		return 2;
	folder = argv[1];
	return cmocka_run_group_tests(tests, begin, end);
}
