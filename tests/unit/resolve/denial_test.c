/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/denial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	MAX_RRS = 32,
	BYTES = 8192,
	NOW_S = 1000,
};

/* Records being put together for denials_learn(). */
static struct {
	struct answer_rr rrs[MAX_RRS];
	unsigned n;
	uint8_t bytes[BYTES];
	size_t used;
} kit;
static struct denials *denials;
static struct response *response;

static const uint8_t *keep(const void *bytes, size_t n)
{
	assert_true(kit.used + n <= sizeof kit.bytes);
	uint8_t *p = memcpy(kit.bytes + kit.used, bytes, n);
	kit.used += n;
	return p;
}

static struct name name_of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static void add(const char *owner, uint16_t type, const uint8_t *rdata, size_t n, uint32_t ttl_s)
{
	struct name name = name_of(owner);
	assert_true(kit.n < MAX_RRS);
	kit.rrs[kit.n++] = (struct answer_rr){ .owner = keep(name.wire, name.len),
		                               .rdata = keep(rdata, n),
		                               .type = type,
		                               .rdata_len = (uint16_t)n,
		                               .ttl_s = ttl_s,
		                               .in_authority = true };
}

/* RFC 4034 3.1: the store looks at type covered, labels and signer only. */
static void sign(const char *owner, uint16_t covers, unsigned labels, const char *signer)
{
	uint8_t rdata[18 + NAME_MAX_BYTES + 4] = { 0 };
	struct name name = name_of(signer);
	store16(rdata, covers);
	rdata[2] = 13;
	rdata[3] = (uint8_t)labels;
	store32(rdata + 4, 3600);
	store32(rdata + 8, UINT32_MAX / 2);
	memcpy(rdata + 18, name.wire, name.len);
	add(owner, DNS_RRSIG, rdata, 18U + name.len + 4U, 3600);
}

/* One window of the bit map is enough for the types used here. */
static size_t write_types(uint8_t *p, const uint16_t *types)
{
	unsigned last = 0;
	memset(p, 0, 34);
	for (; *types != 0; types++) {
		assert_true(*types < 256);
		p[2 + *types / 8] |= (uint8_t)(0x80 >> *types % 8);
		last = *types / 8U > last ? *types / 8U : last;
	}
	p[1] = (uint8_t)(last + 1);
	return 2U + p[1];
}

#define TYPES(...) ((const uint16_t[]){ __VA_ARGS__, 0 })

static unsigned labels_of(const char *owner)
{
	struct name n = name_of(owner);
	return name_labels(n.wire) - (owner[0] == '*' ? 1 : 0);
}

static void add_nsec(const char *zone, const char *owner, const char *next, const uint16_t *types)
{
	uint8_t rdata[NAME_MAX_BYTES + 34];
	struct name name = name_of(next);
	memcpy(rdata, name.wire, name.len);
	size_t n = name.len + write_types(rdata + name.len, types);
	add(owner, DNS_NSEC, rdata, n, 300);
	sign(owner, DNS_NSEC, labels_of(owner), zone);
}

static void add_soa(const char *zone)
{
	uint8_t rdata[24] = { 0, 0 };
	store32(rdata + 18, 300);
	add(zone, DNS_SOA, rdata, 22, 300);
	sign(zone, DNS_SOA, labels_of(zone), zone);
}

static void learn(const char *zone)
{
	struct name z = name_of(zone);
	denials_learn(denials, z.wire, kit.rrs, kit.n, 300, NOW_S);
	kit.n = 0;
	kit.used = 0;
}

static bool ask_at(const char *above, const char *text, uint16_t type, uint32_t now_s)
{
	static struct name name;
	struct name_hashes hashes;
	struct name cut = name_of(above);
	name = name_of(text);
	name_hash_all(name.wire, &hashes);
	const struct denial_question q = { .name = name.wire,
		                           .hashes = &hashes,
		                           .type = type,
		                           .above = cut.wire,
		                           .now_s = now_s };
	return denials_answer(denials, &q, response);
}

static bool ask(const char *text, uint16_t type)
{
	return ask_at("example", text, type, NOW_S + 10);
}

static int setup(void **state)
{
	(void)state;
	const struct siphash_key key = { .k0 = 1, .k1 = 2 };
	name_set_hash_key(&key);
	response = malloc(sizeof *response);
	assert_non_null(response);
	assert_int_equal(denials_new(1000, &denials), 0);
	kit.n = 0;
	kit.used = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	denials_free(denials);
	free(response);
	return 0;
}

/* example: apex, a, d (a delegation), *.w, x.y.z (so y.z and z are empty non-terminals). */
static void learn_nsec_zone(void)
{
	add_soa("example");
	add_nsec("example", "example", "a.example", TYPES(DNS_NS, DNS_SOA, DNS_DNSKEY));
	add_nsec("example", "a.example", "d.example", TYPES(DNS_A));
	add_nsec("example", "d.example", "*.w.example", TYPES(DNS_NS));
	add_nsec("example", "*.w.example", "x.y.z.example", TYPES(DNS_TXT));
	add_nsec("example", "x.y.z.example", "example", TYPES(DNS_A, DNS_CNAME));
	learn("example");
}

static void test_nsec_nxdomain(void **state)
{
	(void)state;
	assert_false(ask("b.example", DNS_A));
	learn_nsec_zone();
	assert_true(ask("b.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NXDOMAIN);
	assert_int_equal(response->rcode, RCODE_NXDOMAIN);
	/* SOA, the record that covers it, the one that covers *.example; with signatures. */
	assert_int_equal(response->n_kept, 6);
	assert_int_equal(response->kept[0].type, DNS_SOA);
	assert_int_equal(response->ttl_s, 290);
	assert_int_equal(response->kept[0].ttl_s, 290);
	assert_true(response->kept[2].in_authority);
	/* Behind the last name of the zone, and before its first. */
	assert_true(ask("zz.example", DNS_A));
	assert_true(ask("deep.below.b.example", DNS_AAAA));
	assert_int_equal(response->kind, RESPONSE_NXDOMAIN);
}

static void test_nsec_nodata(void **state)
{
	(void)state;
	learn_nsec_zone();
	assert_false(ask("a.example", DNS_A));
	assert_true(ask("a.example", DNS_MX));
	assert_int_equal(response->kind, RESPONSE_NODATA);
	assert_int_equal(response->n_kept, 4);
	assert_false(ask("x.y.z.example", DNS_MX)); /* the alias leads on */
	assert_false(ask("a.example", DNS_ANY));
	assert_true(ask("y.z.example", DNS_A)); /* an empty non-terminal */
	assert_int_equal(response->kind, RESPONSE_NODATA);
	assert_true(ask("z.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NODATA);
}

static void test_delegation_is_the_childs(void **state)
{
	(void)state;
	learn_nsec_zone();
	assert_false(ask("d.example", DNS_A));
	assert_false(ask("host.d.example", DNS_A));
	assert_false(ask("host.d.example", DNS_DS));
	/* But whether it has a DS is the parent's to say. */
	assert_true(ask("d.example", DNS_DS));
	assert_int_equal(response->kind, RESPONSE_NODATA);
	/* The apex's record is the child's side of its own cut. */
	assert_false(ask("example", DNS_DS));
}

static void test_wildcard(void **state)
{
	(void)state;
	learn_nsec_zone();
	/* The wildcard has TXT: it answers. It has no A: that can be denied. */
	assert_false(ask("q.w.example", DNS_TXT));
	assert_true(ask("q.w.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NODATA);
	assert_true(ask("w.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NODATA);
}

static void test_what_is_not_kept(void **state)
{
	(void)state;
	/* Not signed, signed by another zone, made from a wildcard, of another zone. */
	add_soa("example");
	uint8_t next[] = "\1z\7example\0\0\1\x40";
	add("a.example", DNS_NSEC, next, sizeof next - 1, 300);
	add("b.example", DNS_NSEC, next, sizeof next - 1, 300);
	sign("b.example", DNS_NSEC, 2, "test");
	add("c.example", DNS_NSEC, next, sizeof next - 1, 300);
	sign("c.example", DNS_NSEC, 1, "example");
	add("d.test", DNS_NSEC, next, sizeof next - 1, 300);
	sign("d.test", DNS_NSEC, 2, "example");
	learn("example");
	assert_int_equal(denials_count(denials), 1);
	assert_false(ask("e.example", DNS_A));
}

static void test_time_and_place(void **state)
{
	(void)state;
	learn_nsec_zone();
	assert_true(ask_at("example", "b.example", DNS_A, NOW_S + 299));
	assert_int_equal(response->ttl_s, 1);
	assert_false(ask_at("example", "b.example", DNS_A, NOW_S + 300));
	learn_nsec_zone();
	/* Servers of a zone below are known: what stands above says nothing. */
	assert_false(ask_at("b.example", "x.b.example", DNS_A, NOW_S));
	assert_true(ask_at(".", "x.b.example", DNS_A, NOW_S));
	struct name zone = name_of("example");
	denials_flush(denials, zone.wire);
	assert_int_equal(denials_count(denials), 0);
	assert_false(ask("b.example", DNS_A));
}

/* ---- NSEC3 ---- */

static void base32hex(const uint8_t hash[20], char ret[33])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	for (unsigned i = 0; i < 32; i++) {
		unsigned bit = 5 * i;
		unsigned two =
			(unsigned)hash[bit / 8] << 8 | (bit / 8 < 19 ? hash[bit / 8 + 1] : 0);
		ret[i] = digits[two >> (11 - bit % 8) & 31];
	}
	ret[32] = 0;
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, 20);
}

struct nsec3_name {
	uint8_t hash[20];
	const uint16_t *types;
};

/* The chain over these names, with a salt of two bytes. */
static void learn_nsec3_zone(const char *const *names, const uint16_t *const *types, unsigned n,
                             unsigned iterations, unsigned flags)
{
	struct nsec3_name chain[8];
	const uint8_t salt[2] = { 0xab, 0xcd };
	add_soa("example");
	for (unsigned i = 0; i < n; i++) {
		struct work work = work_new();
		struct name name = name_of(names[i]);
		assert_int_equal(nsec3_hash(name.wire, salt, 2, iterations, &work, chain[i].hash),
		                 0);
		chain[i].types = types[i];
	}
	qsort(chain, n, sizeof chain[0], compare_hashes);
	for (unsigned i = 0; i < n; i++) {
		uint8_t rdata[64 + 34] = { 1, (uint8_t)flags, 0,    (uint8_t)iterations,
			                   2, 0xab,           0xcd, 20 };
		char label[33];
		char owner[64];
		memcpy(rdata + 8, chain[(i + 1) % n].hash, 20);
		base32hex(chain[i].hash, label);
		snprintf(owner, sizeof owner, "%s.example", label);
		add(owner, DNS_NSEC3, rdata, 28 + write_types(rdata + 28, chain[i].types), 300);
		sign(owner, DNS_NSEC3, 2, "example");
	}
	learn("example");
}

static void learn_usual_nsec3(unsigned iterations, unsigned flags)
{
	const char *const names[] = { "example", "a.example", "d.example", "w.example",
		                      "*.w.example" };
	const uint16_t *const types[] = { TYPES(DNS_NS, DNS_SOA, DNS_DNSKEY), TYPES(DNS_A),
		                          TYPES(DNS_NS), (const uint16_t[]){ 0 }, TYPES(DNS_TXT) };
	learn_nsec3_zone(names, types, 5, iterations, flags);
}

static void test_nsec3(void **state)
{
	(void)state;
	learn_usual_nsec3(5, 0);
	assert_true(ask("b.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NXDOMAIN);
	assert_true(ask("x.y.b.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NXDOMAIN);
	assert_false(ask("a.example", DNS_A));
	assert_true(ask("a.example", DNS_MX));
	assert_int_equal(response->kind, RESPONSE_NODATA);
	assert_true(ask("w.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NODATA);
	assert_false(ask("d.example", DNS_A));
	assert_false(ask("host.d.example", DNS_A));
	assert_true(ask("d.example", DNS_DS));
	assert_false(ask("q.w.example", DNS_TXT));
	assert_true(ask("q.w.example", DNS_A));
	assert_int_equal(response->kind, RESPONSE_NODATA);
}

static void test_nsec3_not_kept(void **state)
{
	(void)state;
	learn_usual_nsec3(5, 1); /* opt-out: what is covered may exist, unsigned */
	assert_int_equal(denials_count(denials), 1);
	assert_false(ask("b.example", DNS_A));
	learn_usual_nsec3(21, 0);
	assert_int_equal(denials_count(denials), 1);
}

static void test_new_salt_ends_the_old_chain(void **state)
{
	(void)state;
	learn_usual_nsec3(5, 0);
	assert_int_equal(denials_count(denials), 6);
	learn_usual_nsec3(0, 0);
	assert_int_equal(denials_count(denials), 6);
	assert_true(ask("b.example", DNS_A));
}

/* ---- bounds ---- */

static void test_memory_is_bounded(void **state)
{
	(void)state;
	char zone[32];
	char owner[64];
	char next[64];
	for (unsigned i = 0; i < 500; i++) {
		snprintf(zone, sizeof zone, "zone%03u.test", i);
		add_soa(zone);
		for (unsigned k = 0; k < 6; k++) {
			snprintf(owner, sizeof owner, "n%u.%s", k, zone);
			snprintf(next, sizeof next, "n%u.%s", k + 1, zone);
			add_nsec(zone, owner, next, TYPES(DNS_A));
		}
		learn(zone);
		assert_true(denials_count(denials) <= 1000);
	}
	assert_true(denials_count(denials) > 900);
	assert_true(ask_at(".", "n1.zone499.test", DNS_MX, NOW_S));
	assert_false(ask_at(".", "n1.zone000.test", DNS_MX, NOW_S));
}

static void test_one_zone_is_bounded(void **state)
{
	(void)state;
	denials_free(denials);
	assert_int_equal(denials_new(100000, &denials), 0);
	char owner[64];
	char next[64];
	for (unsigned i = 0; i < 6000; i++) {
		add_soa("example");
		snprintf(owner, sizeof owner, "n%05u.example", i);
		snprintf(next, sizeof next, "n%05u.example", i + 1);
		add_nsec("example", owner, next, TYPES(DNS_A));
		learn("example");
	}
	assert_int_equal(denials_count(denials), 4097);
	unsigned n = 0;
	for (unsigned i = 0; i < 6000; i++) {
		snprintf(owner, sizeof owner, "n%05u.example", i);
		n += ask(owner, DNS_MX) ? 1 : 0;
	}
	assert_int_equal(n, 4096); /* in order, whatever made room */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nsec_nxdomain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nsec_nodata, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delegation_is_the_childs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wildcard, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_time_and_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nsec3, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nsec3_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_new_salt_ends_the_old_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_zone_is_bounded, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
