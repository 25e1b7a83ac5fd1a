/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <libdnssec/key.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "validate/validate.h"

/* ---- reading ---- */

/* Of RFC 6605 6.1 (P-256), RFC 8080 6.1 (Ed25519); their DS records stand there too. */
#define P256_KEY                                                                             \
	"DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+" \
	"MAnLr+Wi9xMWyQLc8NAA=="
#define P256_DS "DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"
#define ED_KEY  "DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="

struct told {
	char text[2048];
	unsigned n;
};

static void tell(void *arg, unsigned line, const char *why)
{
	struct told *t = arg;
	size_t n = strlen(t->text);
	snprintf(t->text + n, sizeof t->text - n, "%u: %s\n", line, why);
	t->n++;
}

static int read_text(const char *text, struct told *told, struct answer_rr **ret, unsigned *ret_n)
{
	*told = (struct told){ 0 };
	*ret = NULL;
	*ret_n = 0;
	return anchors_read(text, strlen(text), tell, told, ret, ret_n);
}

struct row {
	const char *why;
	const char *text;
	int result;
	unsigned n, n_told;
	const char *says; /* a part of what is told */
};

/* clang-format off */
static const struct row rows[] = {
	{ "a DS record", "example.net. " P256_DS "\n", 0, 1, 0, "" },
	{ "no newline at the end", "example.net. " P256_KEY, 0, 1, 0, "" },
	{ "comments and lines in brackets",
	  "; head\n\nexample.net. 60 IN DS (55648 13 2 ; one\n b4c8c1fe2e7477127b27115656ad6256f42462\n"
	  " 5bf5c1e2770ce6d6e37df61d17 )\n", 0, 1, 0, "" },
	{ "several zones", "example.net. " P256_DS "\nexample.com. " ED_KEY "\n", 0, 2, 0, "" },
	{ "a bad line does not lose the rest",
	  "example.net. DS what\nexample.net. " P256_DS "\nexample.net. A 192.0.2.1\n"
	  "example.com. " ED_KEY "\n", 0, 2, 2, "3: a record that is neither DS nor DNSKEY" },
	{ "the line of a bad record", "\n\nexample.net. DS what\nexample.net. " P256_DS "\n", 0, 1, 1, "3: " },
	{ "twice the same", "example.net. " P256_DS "\nEXAMPLE.net. " P256_DS "\n", 0, 1, 1,
	  "2: the same record a second time" },
	{ "nothing", "", -ENOENT, 0, 0, "" },
	{ "only a comment", "; nothing\n", -ENOENT, 0, 0, "" },
	{ "nothing of use", "example.net. TXT \"x\"\n", -ENOENT, 0, 1, "neither" },
	{ "another class", "example.net. CH " P256_DS "\n", -ENOENT, 0, 1, "" },
	{ "SHA-1 digest", "example.net. DS 55648 13 1 b4c8c1fe2e7477127b27115656ad6256f4246200\n",
	  -ENOENT, 0, 1, "digest type" },
	{ "digest of the wrong length", "example.net. DS 55648 13 2 b4c8c1fe\n", -ENOENT, 0, 1, "length" },
	{ "unknown algorithm", "example.net. DS 55648 200 2 "
	  "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17\n", -ENOENT, 0, 1, "algorithm" },
	{ "RSASHA1", "example.net. DS 55648 5 2 "
	  "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17\n", 0, 1, 0, "" },
	{ "not a zone key", "example.net. DNSKEY 1 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n",
	  -ENOENT, 0, 1, "no zone key" },
	{ "revoked", "example.net. DNSKEY 385 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n",
	  -ENOENT, 0, 1, "revoked" },
	{ "protocol", "example.net. DNSKEY 257 2 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n",
	  -ENOENT, 0, 1, "protocol" },
	{ "a key of the wrong length", "example.net. DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RA==\n",
	  -ENOENT, 0, 1, "cannot be read" },
	{ "include", "$INCLUDE /etc/passwd\nexample.net. " P256_DS "\n", -ENOENT, 0, 1, "INCLUDE" },
};
/* clang-format on */

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct told told;
		struct answer_rr *rrs;
		unsigned n;
		int e = read_text(r->text, &told, &rrs, &n);
		if (e != r->result || n != r->n || told.n != r->n_told ||
		    strstr(told.text, r->says) == NULL)
			fail_msg("%s: %d, %u records, told %u:\n%s", r->why, e, n, told.n,
			         told.text);
		free(rrs);
	}
}

static void test_too_many_zones(void **state)
{
	(void)state;
	char *text;
	size_t n_text;
	FILE *f = open_memstream(&text, &n_text);
	for (unsigned i = 0; i < ANCHOR_ZONES_MAX + 3; i++)
		fprintf(f, "z%u.example. " P256_DS "\n", i);
	fclose(f);
	struct told told;
	struct answer_rr *rrs;
	unsigned n;
	assert_int_equal(read_text(text, &told, &rrs, &n), 0);
	assert_int_equal(n, ANCHOR_ZONES_MAX);
	assert_int_equal(told.n, 3);
	free(rrs);
	free(text);
}

/* ---- the root's anchors ---- */

/* IANA, root-anchors.xml. */
static const struct {
	uint16_t tag;
	const char *sha256;
} iana[] = {
	{ 20326, "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D" },
	{ 38696, "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16" },
};

static void test_built_in(void **state)
{
	(void)state;
	struct told told;
	struct answer_rr *rrs;
	unsigned n;
	assert_int_equal(read_text(anchors_built_in, &told, &rrs, &n), 0);
	assert_int_equal(n, ARRAY_LEN(iana));
	assert_int_equal(told.n, 0);
	for (unsigned i = 0; i < n; i++) {
		assert_true(name_is_root(rrs[i].owner));
		assert_int_equal(rrs[i].type, DNS_DNSKEY);
		assert_int_equal(anchors_tag(DNS_DNSKEY, rrs[i].rdata, rrs[i].rdata_len),
		                 iana[i].tag);
		dnssec_key_t *key;
		dnssec_binary_t data = { rrs[i].rdata_len, (uint8_t *)rrs[i].rdata }, ds = { 0 };
		assert_int_equal(dnssec_key_new(&key), 0);
		assert_int_equal(dnssec_key_set_rdata(key, &data), 0);
		assert_int_equal(dnssec_key_set_dname(key, rrs[i].owner), 0);
		assert_int_equal(dnssec_key_create_ds(key, DNSSEC_KEY_DIGEST_SHA256, &ds), 0);
		assert_int_equal(ds.size, 36);
		assert_int_equal(anchors_tag(DNS_DS, ds.data, ds.size), iana[i].tag);
		char hex[65];
		for (unsigned k = 0; k < 32; k++)
			snprintf(hex + 2 * (size_t)k, 3, "%02X", ds.data[4 + k]);
		assert_string_equal(hex, iana[i].sha256);
		dnssec_binary_free(&ds);
		dnssec_key_free(key);
	}
	free(rrs);
}

/* ---- the snapshot ---- */

static const uint8_t *wire(const char *text)
{
	static struct name names[16];
	static unsigned at;
	struct name *n = &names[at++ % ARRAY_LEN(names)];
	assert_int_equal(name_from_text(text, strlen(text), n), 0);
	return n->wire;
}

static struct anchors *make(const char *text, const struct anchors_negative *negatives, unsigned n)
{
	struct told told;
	struct answer_rr *rrs;
	unsigned n_rrs;
	struct anchors *a;
	assert_int_equal(read_text(text, &told, &rrs, &n_rrs), 0);
	assert_int_equal(anchors_new(rrs, n_rrs, negatives, n, &a), 0);
	free(rrs);
	return a;
}

static void check_closest(const struct anchors *a, const char *name, const char *zone)
{
	const uint8_t *z = anchors_closest(a, wire(name));
	if (zone == NULL)
		assert_null(z);
	else
		assert_true(z != NULL && name_equal(z, wire(zone)));
}

static void test_closest(void **state)
{
	(void)state;
	static const char text[] = "example.net. " P256_DS "\nsub.example.net. " ED_KEY
				   "\nexample.net. " P256_KEY "\n";
	struct anchors *a = make(text, NULL, 0);
	check_closest(a, "example.net", "example.net");
	check_closest(a, "www.example.net", "example.net");
	check_closest(a, "WWW.Sub.example.NET", "sub.example.net");
	check_closest(a, "subexample.net", NULL);
	check_closest(a, "net", NULL);
	check_closest(a, ".", NULL);
	const struct answer_rr *rrs;
	unsigned n;
	anchors_of(a, wire("example.net"), &rrs, &n);
	assert_int_equal(n, 2);
	for (unsigned i = 0; i < n; i++) {
		assert_true(name_equal(rrs[i].owner, wire("example.net")));
		assert_int_equal(anchors_tag(rrs[i].type, rrs[i].rdata, rrs[i].rdata_len), 55648);
	}
	anchors_of(a, wire("www.example.net"), &rrs, &n);
	assert_int_equal(n, 0);
	anchors_free(a);
	a = make(anchors_built_in, NULL, 0);
	check_closest(a, ".", ".");
	check_closest(a, "a.b.c", ".");
	anchors_free(a);
}

static void test_negative(void **state)
{
	(void)state;
	struct anchors_negative negatives[] = {
		{ wire("broken.example"), 0 },
		{ wire("short.example"), 1000 },
		{ wire("island.example"), 0 },
	};
	char text[4096];
	snprintf(text, sizeof text,
	         "%ssafe.island.example. " ED_KEY "\nisland.example. " ED_KEY "\n",
	         anchors_built_in);
	struct anchors *a = make(text, negatives, 3);
	assert_true(anchors_is_negative(a, wire("broken.example"), 5));
	assert_true(anchors_is_negative(a, wire("www.Broken.example"), 5));
	assert_false(anchors_is_negative(a, wire("example"), 5));
	assert_false(anchors_is_negative(a, wire("notbroken.example"), 5));
	assert_true(anchors_is_negative(a, wire("short.example"), 999));
	assert_false(anchors_is_negative(a, wire("short.example"), 1000));
	/* at the same name it wins over the anchor, below it an anchor wins over it */
	assert_true(anchors_is_negative(a, wire("island.example"), 5));
	assert_true(anchors_is_negative(a, wire("x.island.example"), 5));
	assert_false(anchors_is_negative(a, wire("safe.island.example"), 5));
	assert_false(anchors_is_negative(a, wire("x.safe.island.example"), 5));
	anchors_free(a);
}

static void test_limits(void **state)
{
	(void)state;
	static struct answer_rr rrs[ANCHOR_RRS_MAX + 1];
	static struct name names[ANCHOR_ZONES_MAX + 1];
	static const uint8_t data[36];
	static struct anchors_negative negatives[NEGATIVE_ANCHORS_MAX + 1];
	struct anchors *a = NULL;
	for (unsigned i = 0; i <= ANCHOR_ZONES_MAX; i++) {
		char text[16];
		snprintf(text, sizeof text, "z%u", i);
		assert_int_equal(name_from_text(text, strlen(text), &names[i]), 0);
	}
	for (unsigned i = 0; i <= ANCHOR_RRS_MAX; i++)
		rrs[i] = (struct answer_rr){ .owner = names[i % ANCHOR_ZONES_MAX].wire,
			                     .rdata = data,
			                     .type = DNS_DS,
			                     .rdata_len = sizeof data };
	for (unsigned i = 0; i <= NEGATIVE_ANCHORS_MAX; i++)
		negatives[i].name = names[0].wire;
	assert_int_equal(anchors_new(rrs, ANCHOR_RRS_MAX + 1, NULL, 0, &a), -E2BIG);
	assert_int_equal(anchors_new(rrs, 1, negatives, NEGATIVE_ANCHORS_MAX + 1, &a), -E2BIG);
	assert_int_equal(anchors_new(rrs, ANCHOR_RRS_MAX, negatives, NEGATIVE_ANCHORS_MAX, &a), 0);
	const struct answer_rr *found;
	unsigned n;
	anchors_of(a, names[3].wire, &found, &n);
	assert_int_equal(n, ANCHOR_RRS_MAX / ANCHOR_ZONES_MAX);
	anchors_free(a);
	a = NULL;
	rrs[0].owner = names[ANCHOR_ZONES_MAX].wire;
	assert_int_equal(anchors_new(rrs, ANCHOR_RRS_MAX, NULL, 0, &a), -E2BIG);
	assert_null(a);
	assert_int_equal(anchors_new(NULL, 0, NULL, 0, &a), 0);
	assert_null(anchors_closest(a, names[0].wire));
	anchors_free(a);
}

static void test_publish(void **state)
{
	(void)state;
	rcu_thread_start();
	assert_null(anchors_current());
	struct anchors *a = make(anchors_built_in, NULL, 0);
	anchors_publish(a);
	assert_ptr_equal(anchors_current(), a);
	anchors_publish(make("example.net. " P256_DS, NULL, 0));
	check_closest(anchors_current(), "org", NULL);
	anchors_publish(NULL);
	assert_null(anchors_current());
	rcu_drain();
	rcu_thread_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),     cmocka_unit_test(test_too_many_zones),
		cmocka_unit_test(test_built_in), cmocka_unit_test(test_closest),
		cmocka_unit_test(test_negative), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_publish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
