/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signed_zone.h"

static struct validator *v;
static struct records r;
static struct zone_key parent, child;
static struct trust *trust;
static struct answer_rr ds[32];
static unsigned n_ds;
static uint32_t ttl_s;

static int begin(void **state)
{
	(void)state;
	if (validator_new(&v) != 0)
		return -1;
	zone_key_make(&parent, "example.", 13, 257, 0);
	zone_key_make(&child, "sub.example.", 13, 257, 0);
	const struct zone_key *keys[] = { &parent };
	trust = trust_of(v, keys, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	trust_free(trust);
	zone_key_done(&parent);
	zone_key_done(&child);
	validator_free(v);
	return 0;
}

static enum delegation read_it(const char *name, const struct trust *by)
{
	struct work work = work_new();
	struct name n = name_of(name);
	n_ds = 77;
	ttl_s = 77;
	return validate_delegation(v, n.wire, by, r.rrs, r.n, T_NOW, &work, &ttl_s, ds, &n_ds);
}

static void ds_records_are_checked(void **state)
{
	(void)state;
	for (int in_authority = 0; in_authority < 2; in_authority++) {
		records_reset(&r);
		r.in_authority = in_authority != 0;
		records_ds(&r, &child, 2, 600);
		records_ds(&r, &child, 4, 600);
		assert_int_equal(read_it("sub.example", trust), DELEGATION_UNKNOWN);
		records_sign(&r, 0, &parent, &as_usual);
		assert_int_equal(read_it("sub.example", trust), DELEGATION_SIGNED);
		assert_int_equal(n_ds, 2);
		assert_int_equal(ttl_s, 600);
		assert_ptr_equal(ds[1].rdata, r.rrs[1].rdata);
		/* Of another name; by another key; altered. */
		assert_int_equal(read_it("sib.example", trust), DELEGATION_UNKNOWN);
		((uint8_t *)r.rrs[0].rdata)[9] ^= 1;
		assert_int_equal(read_it("sub.example", trust), DELEGATION_UNKNOWN);
		assert_int_equal(ttl_s, 77);
		assert_int_equal(n_ds, 77);
	}
	records_reset(&r);
	records_ds(&r, &child, 2, 600);
	records_sign(&r, 0, &child, &as_usual);
	assert_int_equal(read_it("sub.example", trust), DELEGATION_UNKNOWN);
}

static void denials_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *why, *lines, *name;
		enum delegation expected;
	} rows[] = {
		{ "no DS", "sub.example. 60 NSEC t.example. NS\n", "sub.example",
		  DELEGATION_UNSIGNED },
		{ "no cut", "sub.example. 60 NSEC t.example. A\n", "sub.example", DELEGATION_NONE },
		{ "no name", "a.example. 60 NSEC t.example. A\n", "sub.example", DELEGATION_NONE },
		{ "the child's own", "sub.example. 60 NSEC t.example. NS SOA\n", "sub.example",
		  DELEGATION_UNKNOWN },
		{ "elsewhere", "t.example. 60 NSEC u.example. A\n", "sub.example",
		  DELEGATION_UNKNOWN },
		{ "the zone itself", "example. 60 NSEC u.example. NS SOA\n", "example",
		  DELEGATION_UNKNOWN },
		{ "another zone's name", "example. 60 NSEC u.example. NS SOA\n", "sub.other",
		  DELEGATION_UNKNOWN },
		{ "nothing", "", "sub.example", DELEGATION_UNKNOWN },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		records_reset(&r);
		r.in_authority = true;
		records_signed(&r, &parent, rows[i].lines);
		enum delegation d = read_it(rows[i].name, trust);
		if (d != rows[i].expected)
			fail_msg("%s: %d", rows[i].why, d);
		assert_int_equal(ttl_s, d == DELEGATION_UNKNOWN ? 77 : 60);
		if (r.n == 0)
			continue;
		((uint8_t *)r.rrs[1].rdata)[r.rrs[1].rdata_len - 9] ^= 1;
		assert_int_equal(read_it(rows[i].name, trust), DELEGATION_UNKNOWN);
	}
}

static void nsec3_denials_are_checked(void **state)
{
	(void)state;
	static const struct nsec3_how opt_out = { .zone = "example.", .flags = 1 };
	static const struct nsec3_how many = { .zone = "example.", .iterations = 51 };
	records_reset(&r);
	r.in_authority = true;
	records_nsec3(&r, &opt_out, "example", NSEC3_AT, "NS SOA");
	records_nsec3(&r, &opt_out, "sub.example", NSEC3_AROUND, "NS");
	assert_int_equal(read_it("sub.example", trust), DELEGATION_UNKNOWN);
	records_sign_from(&r, 0, &parent);
	assert_int_equal(read_it("sub.example", trust), DELEGATION_UNSIGNED);
	/* RFC 9276 3.2: they have to be signed before they make anything insecure. */
	records_reset(&r);
	r.in_authority = true;
	records_nsec3(&r, &many, "example", NSEC3_AT, "NS SOA");
	assert_int_equal(read_it("sub.example", trust), DELEGATION_UNKNOWN);
	records_sign_from(&r, 0, &parent);
	assert_int_equal(read_it("sub.example", trust), DELEGATION_UNSIGNED);
}

static void only_secure_parents_are_believed(void **state)
{
	(void)state;
	struct trust *insecure;
	struct name zone = name_of("example");
	assert_int_equal(trust_new(zone.wire, TRUST_INSECURE, 0, NULL, 1, 1, &insecure), 0);
	records_reset(&r);
	records_ds(&r, &child, 2, 600);
	records_sign(&r, 0, &parent, &as_usual);
	assert_int_equal(read_it("sub.example", insecure), DELEGATION_UNKNOWN);
	trust_free(insecure);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ds_records_are_checked),
		cmocka_unit_test(denials_are_checked),
		cmocka_unit_test(nsec3_denials_are_checked),
		cmocka_unit_test(only_secure_parents_are_believed),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
