/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "signed_zone.h"
#include "validate/signature.h"

static struct validator *v;
static struct records r;
static struct trusts trusts;
static struct work work;
/* example. and sub.example. and other. are secure, plain. is not, bad. is bogus. */
static struct zone_key example, sub, other;
static struct validate_result result;

static int begin(void **state)
{
	(void)state;
	if (validator_new(&v) != 0)
		return -1;
	zone_key_make(&example, "example.", 13, 257, 0);
	zone_key_make(&sub, "sub.example.", 15, 257, 0);
	zone_key_make(&other, "other.", 13, 257, 0);
	const struct zone_key *keys[] = { &example, &sub, &other };
	trusts_init(&trusts);
	for (unsigned i = 0; i < 3; i++)
		trusts_add(&trusts, trust_of(v, &keys[i], 1));
	trusts_add_state(&trusts, "plain", TRUST_INSECURE, 0);
	trusts_add_state(&trusts, "old", TRUST_INSECURE, EDE_UNSUPPORTED_ALGORITHM);
	trusts_add_state(&trusts, "unsigned.example", TRUST_INSECURE, 0);
	trusts_add_state(&trusts, "bad", TRUST_BOGUS, EDE_DNSKEY_MISSING);
	return 0;
}

static int end(void **state)
{
	(void)state;
	trusts_done(&trusts);
	zone_key_done(&example);
	zone_key_done(&sub);
	zone_key_done(&other);
	validator_free(v);
	return 0;
}

static void start(void)
{
	records_reset(&r);
	work = work_new();
}

struct asking {
	const char *name;
	uint16_t type;
	int kind;
	const char *target; /* NULL: the name */
	uint8_t rcode;
};

static enum validate_outcome check(const struct asking *a)
{
	struct name name = name_of(a->name);
	struct name target = name_of(a->target != NULL ? a->target : a->name);
	struct validate_response q = { .name = name.wire,
		                       .type = a->type,
		                       .rcode = a->rcode,
		                       .kind = a->kind,
		                       .target = target.wire,
		                       .rrs = r.rrs,
		                       .n_rrs = r.n,
		                       .wall_s = T_NOW };
	return validate_response(v, &q, &trusts.source, &work, &result);
}

static void expect_at(int line, const struct asking *a, enum security security, uint8_t ede_code)
{
	assert_int_equal(check(a), VALIDATE_DONE);
	if (result.security != security || result.ede_code != ede_code)
		fail_msg("line %d: security %d, EDE %u, %s", line, result.security, result.ede_code,
		         result.why != NULL ? result.why : "-");
	assert_int_equal(result.why != NULL, ede_code != 0);
	assert_int_equal(result.where.len > 0, ede_code != 0);
}
#define EXPECT(security, ede_code, ...) \
	expect_at(__LINE__, &(const struct asking){ __VA_ARGS__ }, security, ede_code)

static void in_authority(void)
{
	r.in_authority = true;
}

/* ---- answers ---- */

static void signed_answers_are_secure(void **state)
{
	(void)state;
	start();
	records_signed(&r, &example,
	               "www.example. 300 A 192.0.2.1\nwww.example. 300 A 192.0.2.2\n");
	EXPECT(SECURITY_SECURE, 0, "www.example", DNS_A);
	assert_int_equal(result.ttl_s, 300);
	assert_false(result.is_wildcard);
	/* One record more, or less, than was signed. */
	r.n--;
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "www.example", DNS_A);
	r.n++;
	struct answer_rr first = r.rrs[0];
	r.rrs[0] = r.rrs[1];
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "www.example", DNS_A);
	r.rrs[0] = first;
	records_text(&r, "www.example. 300 A 192.0.2.3\n");
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "www.example", DNS_A);
	r.n--;
	EXPECT(SECURITY_SECURE, 0, "www.example", DNS_A);
	/* Another RRset beside it that nobody signed. */
	records_text(&r, "ftp.example. 300 A 192.0.2.3\n");
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "www.example", DNS_A);
	/* An answer that is none. */
	start();
	records_signed(&r, &example, "ftp.example. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "www.example", DNS_A);
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "ftp.example", DNS_AAAA);
	start();
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "www.example", DNS_A);
}

static void zones_around_decide_of_what_is_unsigned(void **state)
{
	(void)state;
	start();
	records_text(&r, "www.example. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "www.example", DNS_A);
	assert_true(name_equal(result.where.wire, name_of("www.example").wire));
	start();
	records_text(&r, "www.plain. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_INSECURE, 0, "www.plain", DNS_A);
	assert_int_equal(result.ttl_s, UINT32_MAX);
	start();
	records_text(&r, "www.unsigned.example. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_INSECURE, 0, "www.unsigned.example", DNS_A);
	start();
	records_text(&r, "www.old. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_INSECURE, EDE_UNSUPPORTED_ALGORITHM, "www.old", DNS_A);
	start();
	records_text(&r, "www.bad. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_BOGUS, EDE_DNSKEY_MISSING, "www.bad", DNS_A);
	/* Signatures do not make an insecure zone bogus, whoever they say they are by. */
	start();
	records_signed(&r, &example, "www.unsigned.example. 300 A 192.0.2.1\n");
	((uint8_t *)r.rrs[0].rdata)[3] ^= 1;
	EXPECT(SECURITY_INSECURE, 0, "www.unsigned.example", DNS_A);
	start();
	records_signed(&r, &other, "www.plain. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_INSECURE, 0, "www.plain", DNS_A);
}

static void signers_are_the_zones(void **state)
{
	(void)state;
	/* Not from elsewhere, not from below. */
	start();
	records_signed(&r, &other, "www.example. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "www.example", DNS_A);
	start();
	records_signed(&r, &sub, "example. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "example", DNS_A);
	/* One such beside a good one does no harm. */
	start();
	records_signed(&r, &other, "www.example. 300 A 192.0.2.1\n");
	records_sign(&r, 0, &example, &as_usual);
	EXPECT(SECURITY_SECURE, 0, "www.example", DNS_A);
	/* DS is the parent's, never the child's own. */
	start();
	records_ds(&r, &sub, 2, 300);
	records_sign(&r, 0, &example, &as_usual);
	EXPECT(SECURITY_SECURE, 0, "sub.example", DNS_DS);
	start();
	records_ds(&r, &sub, 2, 300);
	records_sign(&r, 0, &sub, &as_usual);
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "sub.example", DNS_DS);
	/* A signature of a zone that is bogus. */
	start();
	records_signed(&r, &example, "www.bad. 300 A 192.0.2.1\n");
	const struct signing bad = { .labels = -1, .signer = "bad." };
	records_sign(&r, 0, &example, &bad);
	EXPECT(SECURITY_BOGUS, EDE_DNSKEY_MISSING, "www.bad", DNS_A);
}

static void what_is_not_known_is_waited_for(void **state)
{
	(void)state;
	start();
	records_text(&r, "www.unknown. 300 A 192.0.2.1\n");
	result.ttl_s = 4711;
	assert_int_equal(check(&(struct asking){ "www.unknown", DNS_A }), VALIDATE_WAIT);
	assert_int_equal(result.ttl_s, 4711);
	const struct signing by = { .labels = -1, .signer = "unknown." };
	records_sign(&r, 0, &example, &by);
	assert_int_equal(check(&(struct asking){ "www.unknown", DNS_A }), VALIDATE_WAIT);
	/* Many signers: few of them are asked about. */
	start();
	records_text(&r, "a.b.c.d.e.f.g.unknown. 300 A 192.0.2.1\n");
	trusts_add_state(&trusts, "a.b.c.d.e.f.g.unknown", TRUST_NO_CUT, 0);
	trusts_add_state(&trusts, "b.c.d.e.f.g.unknown", TRUST_NO_CUT, 0);
	const struct signing signers[] = {
		{ .labels = -1, .signer = "a.b.c.d.e.f.g.unknown." },
		{ .labels = -1, .signer = "b.c.d.e.f.g.unknown." },
		{ .labels = -1, .signer = "c.d.e.f.g.unknown." },
		{ .labels = -1, .signer = "d.e.f.g.unknown." },
	};
	for (size_t i = 0; i < ARRAY_LEN(signers); i++)
		records_sign(&r, 0, &example, &signers[i]);
	trusts.n_waits = 0;
	assert_int_equal(check(&(struct asking){ "a.b.c.d.e.f.g.unknown", DNS_A }), VALIDATE_WAIT);
	assert_int_equal(trusts.n_waits, 1); /* around, and no third zone */
	trust_free(trusts.of[--trusts.n]);
	trust_free(trusts.of[--trusts.n]);
}

static void ttls_are_lowered(void **state)
{
	(void)state;
	const struct signing how = { .labels = -1, .original_ttl_s = 60 };
	start();
	records_text(&r, "www.example. 300 A 192.0.2.1\nwww.example. 300 A 192.0.2.2\n");
	records_sign(&r, 0, &example, &how);
	EXPECT(SECURITY_SECURE, 0, "www.example", DNS_A);
	assert_int_equal(result.ttl_s, 60);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(r.rrs[i].ttl_s, 60);
}

static void any_means_everything(void **state)
{
	(void)state;
	start();
	records_signed(&r, &example,
	               "www.example. 300 A 192.0.2.1\nwww.example. 300 TXT \"x\"\n"
	               "www.example. 300 MX 10 mail.example.\n");
	EXPECT(SECURITY_SECURE, 0, "www.example", DNS_ANY);
	records_text(&r, "www.example. 300 AAAA 2001:db8::1\n");
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "www.example", DNS_ANY);
	/* RRSIGs of what is not here: nothing signs those. */
	start();
	records_signed(&r, &example, "www.example. 300 A 192.0.2.1\n");
	r.rrs[0] = r.rrs[1];
	r.n = 1;
	EXPECT(SECURITY_INSECURE, 0, "www.example", DNS_RRSIG);
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "ftp.example", DNS_RRSIG);
}

/* ---- aliases ---- */

static void every_alias_is_checked(void **state)
{
	(void)state;
	start();
	records_signed(&r, &example, "a.example. 300 CNAME b.other.\n");
	EXPECT(SECURITY_SECURE, 0, "a.example", DNS_A, VALIDATE_ALIAS, "b.other");
	records_signed(&r, &other, "b.other. 200 CNAME c.sub.example.\n");
	records_signed(&r, &sub, "c.sub.example. 100 A 192.0.2.1\n");
	EXPECT(SECURITY_SECURE, 0, "a.example", DNS_A, VALIDATE_ANSWER, "c.sub.example");
	assert_int_equal(result.ttl_s, 100);
	/* The chain has to lead there. */
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "a.example", DNS_A, VALIDATE_ALIAS, "d.other");
	/* Any of them that is bad. */
	((uint8_t *)r.rrs[2].rdata)[1] ^= 1;
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "a.example", DNS_A, VALIDATE_ANSWER, "c.sub.example");
	/* Into the insecure, and out of it. */
	start();
	records_signed(&r, &example, "a.example. 300 CNAME b.plain.\n");
	records_text(&r, "b.plain. 200 CNAME c.sub.example.\n");
	records_signed(&r, &sub, "c.sub.example. 100 A 192.0.2.1\n");
	EXPECT(SECURITY_INSECURE, 0, "a.example", DNS_A, VALIDATE_ANSWER, "c.sub.example");
	r.n--;
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "a.example", DNS_A, VALIDATE_ANSWER,
	       "c.sub.example");
	/* Asked for the alias itself. */
	start();
	records_signed(&r, &example, "a.example. 300 CNAME b.other.\n");
	EXPECT(SECURITY_SECURE, 0, "a.example", DNS_CNAME);
	/* Around in a circle. */
	start();
	records_signed(&r, &example,
	               "a.example. 300 CNAME b.example.\nb.example. 300 CNAME a.example.\n");
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "a.example", DNS_A, VALIDATE_ALIAS, "c.example");
}

static void dnames_make_cnames(void **state)
{
	(void)state;
	start();
	records_signed(&r, &example, "d.example. 60 DNAME e.other.\n");
	records_text(&r, "x.d.example. 300 CNAME x.e.other.\n");
	EXPECT(SECURITY_SECURE, 0, "x.d.example", DNS_A, VALIDATE_ALIAS, "x.e.other");
	assert_int_equal(r.rrs[2].ttl_s, 60); /* no longer than what it was made from */
	records_signed(&r, &other, "x.e.other. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_SECURE, 0, "x.d.example", DNS_A, VALIDATE_ANSWER, "x.e.other");
	/* Without the CNAME the DNAME is enough. */
	r.n = 2;
	EXPECT(SECURITY_SECURE, 0, "x.d.example", DNS_A, VALIDATE_ALIAS, "x.e.other");
	/* A CNAME that is not what the DNAME makes. */
	records_text(&r, "x.d.example. 300 CNAME y.e.other.\n");
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "x.d.example", DNS_A, VALIDATE_ALIAS, "y.e.other");
	/* A DNAME does not touch its own name, nor names beside it. */
	r.n = 2;
	records_text(&r, "d.example. 300 CNAME e.other.\n");
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "d.example", DNS_A, VALIDATE_ALIAS, "e.other");
	r.n = 2;
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "dd.example", DNS_A, VALIDATE_ALIAS, "e.other");
	/* A DNAME that nobody signed. */
	start();
	records_text(&r, "d.example. 60 DNAME e.other.\nx.d.example. 300 CNAME x.e.other.\n");
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "x.d.example", DNS_A, VALIDATE_ALIAS,
	       "x.e.other");
	/* Asked for by itself. */
	start();
	records_signed(&r, &example, "d.example. 60 DNAME e.other.\n");
	EXPECT(SECURITY_SECURE, 0, "d.example", DNS_DNAME);
}

/* ---- wildcards ---- */

static void wildcards_need_a_proof(void **state)
{
	(void)state;
	const struct signing star = { .labels = 1 };
	start();
	records_text(&r, "x.example. 300 A 192.0.2.1\n");
	records_sign(&r, 0, &example, &star);
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "x.example", DNS_A);
	in_authority();
	records_signed(&r, &example, "www.example. 300 NSEC example. A\n");
	EXPECT(SECURITY_SECURE, 0, "x.example", DNS_A);
	assert_true(result.is_wildcard);
	/* The proof has to be signed, by that zone. */
	unsigned n = r.n;
	r.n--;
	EXPECT(SECURITY_BOGUS, EDE_RRSIGS_MISSING, "x.example", DNS_A);
	r.n = n - 2;
	in_authority();
	records_signed(&r, &other, "a.other. 300 NSEC other. A\n");
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "x.example", DNS_A);
	/* It says that the name exists. */
	r.n = 2;
	records_signed(&r, &example, "x.example. 300 NSEC example. A\n");
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "x.example", DNS_A);
	/* NSEC3, and with opt-out. */
	for (uint8_t flags = 0; flags < 2; flags++) {
		const struct nsec3_how how = { .zone = "example.", .flags = flags };
		start();
		records_text(&r, "x.example. 300 A 192.0.2.1\n");
		records_sign(&r, 0, &example, &star);
		in_authority();
		records_nsec3(&r, &how, "x.example", NSEC3_AROUND, "A");
		records_sign_from(&r, 2, &example);
		EXPECT(flags == 0 ? SECURITY_SECURE : SECURITY_INSECURE, 0, "x.example", DNS_A);
		assert_true(result.is_wildcard);
	}
	/* An alias from a wildcard: the proof is due for the alias too. */
	start();
	records_text(&r, "x.example. 300 CNAME b.other.\n");
	records_sign(&r, 0, &example, &star);
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "x.example", DNS_A, VALIDATE_ALIAS, "b.other");
	in_authority();
	records_signed(&r, &example, "www.example. 300 NSEC example. A\n");
	EXPECT(SECURITY_SECURE, 0, "x.example", DNS_A, VALIDATE_ALIAS, "b.other");
	/* The star asked for by its own name is no wildcard. */
	start();
	records_signed(&r, &example, "*.example. 300 A 192.0.2.1\n");
	EXPECT(SECURITY_SECURE, 0, "*.example", DNS_A);
	assert_false(result.is_wildcard);
}

/* ---- denials ---- */

#define SOA "example. 300 SOA ns.example. host.example. 1 2 3 4 60\n"

static void denials_need_a_proof(void **state)
{
	(void)state;
	start();
	in_authority();
	records_signed(&r, &example, SOA);
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "x.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
	records_signed(&r, &example,
	               "www.example. 300 NSEC example. A\n"
	               "example. 300 NSEC www.example. NS SOA\n");
	EXPECT(SECURITY_SECURE, 0, "x.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
	assert_int_equal(result.rcode, RCODE_NXDOMAIN);
	assert_true(name_equal(result.zone.wire, name_of("example").wire));
	/* That no such name exists does not prove that it exists without the type. */
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "x.example", DNS_A, VALIDATE_DENIAL);
	/* It does: whatever the header says. */
	EXPECT(SECURITY_SECURE, 0, "www.example", DNS_MX, VALIDATE_DENIAL);
	EXPECT(SECURITY_SECURE, 0, "www.example", DNS_MX, VALIDATE_DENIAL, NULL, 3);
	assert_int_equal(result.rcode, RCODE_NOERROR);
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "www.example", DNS_A, VALIDATE_DENIAL);
	/* Another zone's proofs, and what is below. */
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "x.other", DNS_A, VALIDATE_DENIAL, NULL, 3);
	/* A record in the authority section that is wrong, needed or not. */
	((uint8_t *)r.rrs[0].rdata)[r.rrs[0].rdata_len - 1] ^= 1;
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "x.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
	((uint8_t *)r.rrs[0].rdata)[r.rrs[0].rdata_len - 1] ^= 1;
	/* The child's own word on its DS. */
	records_signed(&r, &sub, "sub.example. 300 NSEC a.sub.example. NS SOA\n");
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "sub.example", DNS_DS, VALIDATE_DENIAL);
	EXPECT(SECURITY_SECURE, 0, "sub.example", DNS_A, VALIDATE_DENIAL);
	/* NS beside it is not looked at. */
	records_text(&r, "example. 300 NS ns.example.\n");
	EXPECT(SECURITY_SECURE, 0, "x.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
}

static void denials_behind_aliases(void **state)
{
	(void)state;
	start();
	records_signed(&r, &other, "a.other. 300 CNAME x.example.\n");
	in_authority();
	records_signed(&r, &example,
	               SOA "www.example. 300 NSEC example. A\n"
	                   "example. 300 NSEC www.example. NS SOA\n");
	EXPECT(SECURITY_SECURE, 0, "a.other", DNS_A, VALIDATE_DENIAL, "x.example", 3);
	assert_true(name_equal(result.zone.wire, name_of("example").wire));
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "a.other", DNS_A, VALIDATE_DENIAL, "y.example", 3);
	/* A secure alias to what an insecure zone denies. */
	start();
	records_signed(&r, &other, "a.other. 300 CNAME x.plain.\n");
	in_authority();
	records_text(&r, "plain. 300 SOA ns.plain. host.plain. 1 2 3 4 60\n");
	EXPECT(SECURITY_INSECURE, 0, "a.other", DNS_A, VALIDATE_DENIAL, "x.plain", 3);
	assert_int_equal(result.zone.len, 0);
	/* An insecure alias does not make a forged denial good. */
	start();
	records_text(&r, "a.plain. 300 CNAME x.example.\n");
	in_authority();
	records_signed(&r, &example, SOA);
	EXPECT(SECURITY_BOGUS, EDE_NSEC_MISSING, "a.plain", DNS_A, VALIDATE_DENIAL, "x.example", 3);
}

static void denials_of_insecure_zones(void **state)
{
	(void)state;
	start();
	EXPECT(SECURITY_INSECURE, 0, "x.plain", DNS_A, VALIDATE_DENIAL, NULL, 3);
	EXPECT(SECURITY_BOGUS, EDE_DNSKEY_MISSING, "x.bad", DNS_A, VALIDATE_DENIAL, NULL, 3);
	EXPECT(SECURITY_INSECURE, EDE_UNSUPPORTED_ALGORITHM, "x.old", DNS_A, VALIDATE_DENIAL, NULL,
	       3);
	/* Below an insecure cut the parent's proofs say nothing, and need not. */
	in_authority();
	records_signed(&r, &example, "unsigned.example. 300 NSEC example. NS\n");
	EXPECT(SECURITY_INSECURE, 0, "x.unsigned.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
	EXPECT(SECURITY_SECURE, 0, "unsigned.example", DNS_DS, VALIDATE_DENIAL);
	EXPECT(SECURITY_INSECURE, 0, "unsigned.example", DNS_A, VALIDATE_DENIAL);
}

static void nsec3_denials(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		struct nsec3_how how;
		enum security security;
		uint8_t ede_code;
		bool is_opt_out;
	} rows[] = {
		{ "plain", { .zone = "example." }, SECURITY_SECURE, 0, false },
		{ "opt-out", { .zone = "example.", .flags = 1 }, SECURITY_INSECURE, 0, true },
		{ "iterations",
		  { .zone = "example.", .iterations = 51 },
		  SECURITY_INSECURE,
		  EDE_UNSUPPORTED_NSEC3,
		  false },
		{ "hash algorithm",
		  { .zone = "example.", .algorithm = 2 },
		  SECURITY_BOGUS,
		  EDE_NSEC_MISSING,
		  false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		start();
		in_authority();
		records_text(&r, SOA);
		records_nsec3(&r, &rows[i].how, "example", NSEC3_AT, "NS SOA");
		records_nsec3(&r, &rows[i].how, "x.example", NSEC3_AROUND, "A");
		records_nsec3(&r, &rows[i].how, "*.example", NSEC3_AROUND, "A");
		records_sign_from(&r, 0, &example);
		EXPECT(rows[i].security, rows[i].ede_code, "x.example", DNS_A, VALIDATE_DENIAL,
		       NULL, 3);
		assert_int_equal(result.is_opt_out, rows[i].is_opt_out);
	}
	/* Work that is used up is no proof, and no proof of the contrary. */
	static const struct nsec3_how heavy = { .zone = "example.", .iterations = 50 };
	start();
	in_authority();
	records_nsec3(&r, &heavy, "example", NSEC3_AT, "NS SOA");
	records_sign_from(&r, 0, &example);
	work.hashes_left = 2;
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "a.b.c.d.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
	assert_true(work.is_exhausted);
}

/* A denial record made from a wildcard says nothing of the name it was put at. */
static void expanded_denials_are_no_proof(void **state)
{
	(void)state;
	const struct signing star = { .labels = 1 };
	start();
	in_authority();
	records_text(&r, "v.example. 300 NSEC example. TXT\n");
	records_sign(&r, 0, &example, &star);
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "v.example", DNS_A, VALIDATE_DENIAL);
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "x.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
	/* Nor may one stand beside a good proof: it would be kept. */
	records_signed(&r, &example,
	               "www.example. 300 NSEC example. A\n"
	               "example. 300 NSEC v.example. NS SOA\n");
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "x.example", DNS_A, VALIDATE_DENIAL, NULL, 3);
}

static void work_is_bounded(void **state)
{
	(void)state;
	start();
	records_text(&r, "www.example. 300 A 192.0.2.1\n");
	for (unsigned i = 0; i < 2 * WORK_FAILURES; i++) {
		const struct signing broken = { .labels = -1,
			                        .is_broken = true,
			                        .original_ttl_s = 300 + i };
		records_sign(&r, 0, &example, &broken);
	}
	uint64_t verified = v->n_verified;
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "www.example", DNS_A);
	assert_true(work.is_exhausted);
	assert_int_equal(v->n_verified - verified, WORK_FAILURES);
	/* More RRsets than anybody needs. */
	start();
	for (unsigned i = 0; i < 300; i++) {
		char line[64];
		snprintf(line, sizeof line, "n%u.example. 300 A 192.0.2.1\n", i);
		records_text(&r, line);
	}
	EXPECT(SECURITY_BOGUS, EDE_BOGUS, "n1.example", DNS_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_answers_are_secure),
		cmocka_unit_test(zones_around_decide_of_what_is_unsigned),
		cmocka_unit_test(signers_are_the_zones),
		cmocka_unit_test(what_is_not_known_is_waited_for),
		cmocka_unit_test(ttls_are_lowered),
		cmocka_unit_test(any_means_everything),
		cmocka_unit_test(every_alias_is_checked),
		cmocka_unit_test(dnames_make_cnames),
		cmocka_unit_test(wildcards_need_a_proof),
		cmocka_unit_test(denials_need_a_proof),
		cmocka_unit_test(denials_behind_aliases),
		cmocka_unit_test(denials_of_insecure_zones),
		cmocka_unit_test(nsec3_denials),
		cmocka_unit_test(expanded_denials_are_no_proof),
		cmocka_unit_test(work_is_bounded),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
