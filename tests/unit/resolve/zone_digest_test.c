/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve/zone_digest.h"

#include <libzscanner/scanner.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 8976 appendix A.1. */
static const char simple[] =
	"example. 86400 IN SOA ns1 admin 2018031900 1800 900 604800 86400\n"
	"example. 86400 IN NS ns1\n"
	"example. 86400 IN NS ns2\n"
	"example. 86400 IN ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3"
	"a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c\n"
	"ns1 3600 IN A 203.0.113.63\n"
	"ns2 3600 IN AAAA 2001:db8::63\n";

struct zone {
	struct zone_record records[64];
	unsigned n;
	uint8_t bytes[8192];
	size_t used;
};

static const uint8_t *keep(struct zone *z, const uint8_t *bytes, size_t n)
{
	uint8_t *to = z->bytes + z->used;
	assert_true(z->used + n <= sizeof z->bytes);
	memcpy(to, bytes, n);
	z->used += n;
	return to;
}

static int compare(const void *a, const void *b)
{
	return zone_record_compare(a, b);
}

static void read_zone(struct zone *z, const char *text)
{
	zs_scanner_t *s = calloc(1, sizeof *s);
	memset(z, 0, sizeof *z);
	assert_int_equal(zs_init(s, "example.", 1, 3600), 0);
	assert_int_equal(zs_set_input_string(s, text, strlen(text)), 0);
	while (zs_parse_record(s) == 0 && s->state == ZS_STATE_DATA) {
		z->records[z->n++] = (struct zone_record){
			.owner = keep(z, s->r_owner, name_len(s->r_owner)),
			.rdata = keep(z, s->r_data, s->r_data_length),
			.ttl_s = s->r_ttl,
			.type = s->r_type,
			.rdata_len = (uint16_t)s->r_data_length,
		};
	}
	zs_deinit(s);
	free(s);
	qsort(z->records, z->n, sizeof z->records[0], compare);
}

static void the_example_of_the_standard(void **state)
{
	(void)state;
	static const uint8_t apex[] = "\7example";
	struct zone z;
	read_zone(&z, simple);
	assert_int_equal(z.n, 6);
	assert_int_equal(zone_digest_check(apex, z.records, z.n, 2018031900), ZONE_DIGEST_RIGHT);
	assert_int_equal(zone_digest_check(apex, z.records, z.n, 2018031901), ZONE_DIGEST_WRONG);
	assert_int_equal(zone_digest_check(apex, z.records, z.n - 1, 2018031900),
	                 ZONE_DIGEST_WRONG);
	z.records[0].ttl_s++;
	assert_int_equal(zone_digest_check(apex, z.records, z.n, 2018031900), ZONE_DIGEST_WRONG);
}

static void none_and_unknown_ones(void **state)
{
	(void)state;
	static const uint8_t apex[] = "\7example";
	struct zone z;
	read_zone(&z, "example. 1 IN NS ns1\n");
	assert_int_equal(zone_digest_check(apex, z.records, z.n, 1), ZONE_DIGEST_NONE);
	/* Another scheme, another hash: nothing can be said. */
	read_zone(&z, "example. 1 IN ZONEMD 1 2 1 0102030405060708090a0b0c\n"
	              "example. 1 IN ZONEMD 1 1 9 0102030405060708090a0b0c\n");
	assert_int_equal(z.n, 2);
	assert_int_equal(zone_digest_check(apex, z.records, z.n, 1), ZONE_DIGEST_NONE);
	/* Too short for its hash. */
	read_zone(&z, "example. 1 IN ZONEMD 1 1 1 0102030405060708090a0b0c\n");
	assert_int_equal(zone_digest_check(apex, z.records, z.n, 1), ZONE_DIGEST_WRONG);
}

static void order(void **state)
{
	(void)state;
	static const uint8_t a[] = "\1a", ba[] = "\1b\1a", b[] = "\1b";
	static const struct zone_record sorted[] = {
		{ a, (const uint8_t *)"", 1, 1, 0 },     { a, (const uint8_t *)"\1", 1, 1, 1 },
		{ a, (const uint8_t *)"\1\0", 1, 1, 2 }, { a, (const uint8_t *)"\2", 1, 1, 1 },
		{ a, (const uint8_t *)"\1", 1, 2, 1 },   { ba, (const uint8_t *)"\1", 1, 1, 1 },
		{ b, (const uint8_t *)"\1", 1, 1, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t k = 0; k < ARRAY_LEN(sorted); k++) {
			int o = zone_record_compare(&sorted[i], &sorted[k]);
			assert_int_equal(o < 0, i < k);
			assert_int_equal(o == 0, i == k);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_standard),
		cmocka_unit_test(none_and_unknown_ones),
		cmocka_unit_test(order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
