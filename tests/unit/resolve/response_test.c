/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a response is taken for, row by row, and which of its records are kept. */
#include "resolve/response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "dns/text.h"

struct row {
	const char *why;
	const char *name;
	uint16_t type;
	const char *zone;
	uint16_t flags; /* beside QR */
	/* "AN|NS|AR owner ttl TYPE data" lines; SOA's data is its minimum, RRSIG's the type */
	const char *records;
	enum response_kind kind;
	unsigned n_kept;
	uint32_t ttl_s;
	const char *target;   /* ALIAS */
	const char *cut_zone; /* REFERRAL */
	unsigned n_servers, n_addrs;
};

/* clang-format off */
static const struct row rows[] = {
	{ "plain answer", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN www.a.test 300 A 192.0.2.1\nAN www.a.test 200 A 192.0.2.2\n",
	  RESPONSE_ANSWER, 2, 200, NULL, NULL, 0, 0 },
	{ "signatures go along; those of others do not", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN www.a.test 300 A 192.0.2.1\nAN www.a.test 300 RRSIG A\nAN www.a.test 300 RRSIG TXT\n"
	  "AN b.a.test 300 RRSIG A\n",
	  RESPONSE_ANSWER, 2, 300, NULL, NULL, 0, 0 },
	{ "other names and types stay out", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN www.a.test 300 A 192.0.2.1\nAN x.a.test 300 A 192.0.2.2\nAN www.a.test 300 TXT x\n",
	  RESPONSE_ANSWER, 1, 300, NULL, NULL, 0, 0 },
	{ "authority and additional stay out", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN www.a.test 300 A 192.0.2.1\nNS a.test 300 NS ns.a.test\nAR ns.a.test 300 A 192.0.2.9\n",
	  RESPONSE_ANSWER, 1, 300, NULL, NULL, 0, 0 },
	{ "the proof of a wildcard goes along", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN www.a.test 300 A 192.0.2.1\nNS x.a.test 300 NSEC z.a.test\nNS x.a.test 300 RRSIG NSEC\n",
	  RESPONSE_ANSWER, 3, 300, NULL, NULL, 0, 0 },
	{ "ANY takes all of the name", "www.a.test", DNS_ANY, "a.test", FLAG_AA,
	  "AN www.a.test 300 A 192.0.2.1\nAN www.a.test 300 TXT x\nAN www.a.test 300 RRSIG A\n",
	  RESPONSE_ANSWER, 3, 300, NULL, NULL, 0, 0 },
	{ "alias within the response", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN www.a.test 300 CNAME x.a.test\nAN x.a.test 100 A 192.0.2.1\n",
	  RESPONSE_ANSWER, 2, 100, NULL, NULL, 0, 0 },
	{ "alias, records in any order", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN x.a.test 100 A 192.0.2.1\nAN www.a.test 300 CNAME x.a.test\n",
	  RESPONSE_ANSWER, 2, 100, NULL, NULL, 0, 0 },
	{ "alias out of the zone: what is said of it there is not believed", "www.a.test", DNS_A,
	  "a.test", FLAG_AA,
	  "AN www.a.test 300 CNAME bank.test\nAN bank.test 300 A 6.6.6.6\n",
	  RESPONSE_ALIAS, 1, 300, "bank.test", NULL, 0, 0 },
	{ "NXDOMAIN of the end of an alias elsewhere is not believed", "www.a.test", DNS_A, "a.test",
	  FLAG_AA | RCODE_NXDOMAIN,
	  "AN www.a.test 300 CNAME bank.test\nNS test 300 SOA 60\n",
	  RESPONSE_ALIAS, 1, 300, "bank.test", NULL, 0, 0 },
	{ "NXDOMAIN of the end of an alias within", "www.a.test", DNS_A, "a.test",
	  FLAG_AA | RCODE_NXDOMAIN,
	  "AN www.a.test 300 CNAME no.a.test\nNS a.test 300 SOA 60\n",
	  RESPONSE_NXDOMAIN, 2, 60, NULL, NULL, 0, 0 },
	{ "the type CNAME itself", "www.a.test", DNS_CNAME, "a.test", FLAG_AA,
	  "AN www.a.test 300 CNAME bank.test\n",
	  RESPONSE_ANSWER, 1, 300, NULL, NULL, 0, 0 },
	{ "DNAME; the CNAME is made here", "x.b.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN b.a.test 300 DNAME c.a.test\nAN x.b.a.test 0 CNAME evil.test\nAN x.c.a.test 300 A 192.0.2.1\n",
	  RESPONSE_ANSWER, 3, 300, NULL, NULL, 0, 0 },
	{ "DNAME of a zone above is not theirs", "x.b.a.test", DNS_A, "b.a.test", FLAG_AA,
	  "AN a.test 300 DNAME evil.test\n",
	  RESPONSE_BAD, 0, 0, NULL, NULL, 0, 0 },
	{ "aliases in a circle", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN www.a.test 300 CNAME x.a.test\nAN x.a.test 300 CNAME www.a.test\n",
	  RESPONSE_BAD, 0, 0, NULL, NULL, 0, 0 },
	{ "NXDOMAIN; the TTL is the lesser of the SOA's (RFC 2308 5)", "no.a.test", DNS_A, "a.test",
	  FLAG_AA | RCODE_NXDOMAIN, "NS a.test 30 SOA 60\n",
	  RESPONSE_NXDOMAIN, 1, 30, NULL, NULL, 0, 0 },
	{ "NODATA, capped", "www.a.test", DNS_A, "a.test", FLAG_AA, "NS a.test 90000 SOA 90000\n",
	  RESPONSE_NODATA, 1, CACHE_TTL_NEGATIVE_MAX_S, NULL, NULL, 0, 0 },
	{ "NODATA with proofs", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "NS a.test 300 SOA 60\nNS a.test 300 RRSIG SOA\nNS www.a.test 60 NSEC z.a.test\n"
	  "NS www.a.test 60 RRSIG NSEC\nNS a.test 300 NS ns.a.test\n",
	  RESPONSE_NODATA, 4, 60, NULL, NULL, 0, 0 },
	{ "NXDOMAIN without SOA is not kept", "no.a.test", DNS_A, "a.test", FLAG_AA | RCODE_NXDOMAIN,
	  "", RESPONSE_NXDOMAIN, 0, 0, NULL, NULL, 0, 0 },
	{ "NODATA without SOA, authoritative", "no.a.test", DNS_A, "a.test", FLAG_AA, "",
	  RESPONSE_NODATA, 0, 0, NULL, NULL, 0, 0 },
	{ "the SOA of the zone above: does not serve this one", "www.a.test", DNS_A, "a.test",
	  FLAG_AA | RCODE_NXDOMAIN, "NS test 300 SOA 60\n",
	  RESPONSE_LAME, 0, 0, NULL, NULL, 0, 0 },
	{ "nothing at all, not authoritative", "www.a.test", DNS_A, "a.test", 0, "",
	  RESPONSE_LAME, 0, 0, NULL, NULL, 0, 0 },
	{ "a resolver's answer", "www.a.test", DNS_A, "a.test", FLAG_RA,
	  "AN www.a.test 300 A 192.0.2.1\n",
	  RESPONSE_LAME, 1, 0, NULL, NULL, 0, 0 },
	{ "AA forgotten, but no resolver either", "www.a.test", DNS_A, "a.test", 0,
	  "AN www.a.test 300 A 192.0.2.1\n",
	  RESPONSE_ANSWER, 1, 300, NULL, NULL, 0, 0 },
	{ "referral with glue", "www.a.test", DNS_A, "test", 0,
	  "NS a.test 3600 NS ns1.a.test\nNS a.test 1800 NS ns2.a.test\nAR ns1.a.test 60 A 192.0.2.1\n"
	  "AR ns1.a.test 60 AAAA 2001:db8::1\nAR ns2.a.test 60 A 192.0.2.2\n",
	  RESPONSE_REFERRAL, 0, 1800, NULL, "a.test", 2, 3 },
	{ "glue of another zone is not believed", "www.a.test", DNS_A, "test", 0,
	  "NS a.test 3600 NS ns.bank.org\nAR ns.bank.org 60 A 6.6.6.6\n",
	  RESPONSE_REFERRAL, 0, 3600, NULL, "a.test", 1, 0 },
	{ "glue that is no host's address", "www.a.test", DNS_A, "test", 0,
	  "NS a.test 3600 NS ns.a.test\nAR ns.a.test 60 A 0.0.0.0\nAR ns.a.test 60 A 224.0.0.1\n"
	  "AR ns.a.test 60 AAAA ff02::1\nAR ns.a.test 60 AAAA ::\nAR x.a.test 60 A 192.0.2.1\n",
	  RESPONSE_REFERRAL, 0, 3600, NULL, "a.test", 1, 0 },
	{ "equal servers count once", "www.a.test", DNS_A, "test", 0,
	  "NS a.test 3600 NS ns.a.test\nNS a.test 3600 NS ns.a.test\n",
	  RESPONSE_REFERRAL, 0, 3600, NULL, "a.test", 1, 0 },
	{ "referral upwards", "www.a.test", DNS_A, "a.test", 0, "NS test 3600 NS ns.test\n",
	  RESPONSE_LAME, 0, 0, NULL, NULL, 0, 0 },
	{ "referral to itself", "www.a.test", DNS_A, "a.test", 0, "NS a.test 3600 NS ns.a.test\n",
	  RESPONSE_LAME, 0, 0, NULL, NULL, 0, 0 },
	{ "referral sideways", "www.a.test", DNS_A, "test", 0, "NS b.test 3600 NS ns.b.test\n",
	  RESPONSE_LAME, 0, 0, NULL, NULL, 0, 0 },
	{ "DS is the parent's: a referral to the child is none", "a.test", DNS_DS, "test", 0,
	  "NS a.test 3600 NS ns.a.test\n",
	  RESPONSE_LAME, 0, 0, NULL, NULL, 0, 0 },
	{ "an answer to another question", "www.a.test", DNS_A, "a.test", FLAG_AA,
	  "AN x.a.test 300 A 192.0.2.1\n",
	  RESPONSE_BAD, 0, 0, NULL, NULL, 0, 0 },
	{ "cut off", "www.a.test", DNS_A, "a.test", FLAG_AA | FLAG_TC,
	  "AN www.a.test 300 A 192.0.2.1\n", RESPONSE_TRUNCATED, 0, 0, NULL, NULL, 0, 0 },
	{ "FORMERR", "www.a.test", DNS_A, "a.test", RCODE_FORMERR, "",
	  RESPONSE_NO_EDNS, 0, 0, NULL, NULL, 0, 0 },
	{ "NOTIMP", "www.a.test", DNS_A, "a.test", RCODE_NOTIMP, "",
	  RESPONSE_NO_EDNS, 0, 0, NULL, NULL, 0, 0 },
	{ "SERVFAIL", "www.a.test", DNS_A, "a.test", RCODE_SERVFAIL, "",
	  RESPONSE_SERVFAIL, 0, 0, NULL, NULL, 0, 0 },
	{ "REFUSED", "www.a.test", DNS_A, "a.test", RCODE_REFUSED, "",
	  RESPONSE_REFUSED, 0, 0, NULL, NULL, 0, 0 },
	{ "NOTAUTH", "www.a.test", DNS_A, "a.test", 9, "",
	  RESPONSE_REFUSED, 0, 0, NULL, NULL, 0, 0 },
};
/* clang-format on */

struct writer {
	uint8_t bytes[4096];
	size_t n;
	unsigned counts[3];
};

static void to_wire(const char *text, struct name *ret)
{
	assert_int_equal(name_from_text(text, strlen(text), ret), 0);
}

static size_t make_rdata(uint16_t type, const char *data, uint8_t *ret)
{
	struct name n;
	struct addr a;
	uint16_t covered;
	switch (type) {
	case DNS_A:
	case DNS_AAAA: {
		size_t len = type == DNS_A ? 4 : 16;
		assert_int_equal(addr_from_text(data, strlen(data), &a), 0);
		memcpy(ret, a.bytes + 16 - len, len);
		return len;
	}
	case DNS_SOA:
		memset(ret, 0, 22);
		store32(ret + 18, (uint32_t)strtoul(data, NULL, 10));
		return 22;
	case DNS_RRSIG:
		memset(ret, 0, 24);
		assert_int_equal(dns_type_from_text(data, &covered), 0);
		store16(ret, covered);
		return 24;
	case DNS_TXT:
		ret[0] = 1;
		ret[1] = 'x';
		return 2;
	default:
		to_wire(data, &n);
		memcpy(ret, n.wire, n.len);
		return n.len;
	}
}

static void write_records(struct writer *w, const char *records)
{
	char section[8];
	char owner[128];
	char type_text[16];
	char data[128];
	unsigned ttl_s;
	int used;
	for (; *records != 0; records += used + 1) {
		assert_int_equal(sscanf(records, "%7s %127s %u %15s %127[^\n]%n", section, owner,
		                        &ttl_s, type_text, data, &used),
		                 5);
		struct name n;
		uint16_t type;
		to_wire(owner, &n);
		assert_int_equal(dns_type_from_text(type_text, &type), 0);
		memcpy(w->bytes + w->n, n.wire, n.len);
		w->n += n.len;
		store16(w->bytes + w->n, type);
		store16(w->bytes + w->n + 2, DNS_CLASS_IN);
		store32(w->bytes + w->n + 4, ttl_s);
		size_t len = make_rdata(type, data, w->bytes + w->n + 10);
		store16(w->bytes + w->n + 8, (uint16_t)len);
		w->n += 10 + len;
		w->counts[section[0] == 'N' ? 1 : section[1] == 'R' ? 2 : 0]++;
	}
}

static void write_message(struct writer *w, const struct name *name, uint16_t type, uint16_t flags,
                          const char *records)
{
	memset(w, 0, sizeof *w);
	w->n = DNS_HEADER_BYTES;
	memcpy(w->bytes + w->n, name->wire, name->len);
	store16(w->bytes + w->n + name->len, type);
	store16(w->bytes + w->n + name->len + 2, DNS_CLASS_IN);
	w->n += name->len + 4U;
	write_records(w, records);
	store16(w->bytes + 2, FLAG_QR | flags);
	store16(w->bytes + 4, 1);
	for (int i = 0; i < 3; i++)
		store16(w->bytes + 6 + 2 * i, (uint16_t)w->counts[i]);
}

static struct response *response;

static void read_row(const struct row *row, const struct forwards *forwards)
{
	static struct writer writer;
	static struct name name;
	static struct name zone;
	struct message m;
	to_wire(row->name, &name);
	to_wire(row->zone, &zone);
	write_message(&writer, &name, row->type, row->flags, row->records);
	assert_int_equal(
		message_open(writer.bytes, writer.n, response->scratch, RESPONSE_SCRATCH_BYTES, &m),
		0);
	const struct response_question q = { .name = name.wire,
		                             .type = row->type,
		                             .zone = zone.wire,
		                             .forwards = forwards,
		                             .forward = forward_find(forwards, zone.wire) };
	response_read(response, &m, &q);
}

static bool is_positive(enum response_kind kind)
{
	return kind <= RESPONSE_NODATA;
}

static void expect_row(const struct row *row)
{
	char text[NAME_TEXT_MAX];
	unsigned n_addrs = 0;
	for (unsigned i = 0; i < response->n_servers; i++)
		n_addrs += response->servers[i].n_addrs;
	if (response->kind != row->kind)
		fail_msg("%s: kind %d instead of %d (%s)", row->why, response->kind, row->kind,
		         response->why != NULL ? response->why : "");
	if (is_positive(row->kind)) {
		if (response->n_kept != row->n_kept || response->ttl_s != row->ttl_s)
			fail_msg("%s: %u records, ttl %u", row->why, response->n_kept,
			         response->ttl_s);
	}
	if (row->target != NULL) {
		name_to_text(response->target, text);
		assert_string_equal(text, row->target);
	}
	if (row->kind == RESPONSE_REFERRAL) {
		name_to_text(response->cut_zone, text);
		assert_string_equal(text, row->cut_zone);
		assert_int_equal(response->cut_ttl_s, row->ttl_s);
		if (response->n_servers != row->n_servers || n_addrs != row->n_addrs)
			fail_msg("%s: %u servers, %u addresses", row->why, response->n_servers,
			         n_addrs);
	}
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		read_row(&rows[i], NULL);
		expect_row(&rows[i]);
	}
}

/* clang-format off */
static const struct row forward_rows[] = {
	{ "a forwarder's answer", "www.a.test", DNS_A, "a.test", FLAG_RA,
	  "AN www.a.test 300 A 192.0.2.1\n", RESPONSE_ANSWER, 1, 300, NULL, NULL, 0, 0 },
	{ "an alias within is taken whole", "www.a.test", DNS_A, "a.test", FLAG_RA,
	  "AN www.a.test 300 CNAME x.a.test\nAN x.a.test 300 A 192.0.2.1\n",
	  RESPONSE_ANSWER, 2, 300, NULL, NULL, 0, 0 },
	{ "an alias into another forwarding zone is asked there", "www.a.test", DNS_A, "a.test",
	  FLAG_RA, "AN www.a.test 300 CNAME x.deep.a.test\nAN x.deep.a.test 300 A 6.6.6.6\n",
	  RESPONSE_ALIAS, 1, 300, "x.deep.a.test", NULL, 0, 0 },
	{ "an alias into what is iterated", "www.a.test", DNS_A, "a.test", FLAG_RA,
	  "AN www.a.test 300 CNAME x.other\nAN x.other 300 A 6.6.6.6\n",
	  RESPONSE_ALIAS, 1, 300, "x.other", NULL, 0, 0 },
	{ "iterating: what is forwarded is not the zone's to say", "www.test", DNS_A, "test", FLAG_AA,
	  "AN www.test 300 CNAME x.a.test\nAN x.a.test 300 A 6.6.6.6\n",
	  RESPONSE_ALIAS, 1, 300, "x.a.test", NULL, 0, 0 },
	{ "a denial by a zone above the one forwarded", "no.a.test", DNS_A, "a.test",
	  FLAG_RA | RCODE_NXDOMAIN, "NS test 300 SOA 60\n",
	  RESPONSE_NXDOMAIN, 1, 60, NULL, NULL, 0, 0 },
	{ "an empty answer is no data", "www.a.test", DNS_A, "a.test", FLAG_RA, "",
	  RESPONSE_NODATA, 0, 0, NULL, NULL, 0, 0 },
	{ "a referral is none", "www.x.a.test", DNS_A, "a.test", 0,
	  "NS x.a.test 3600 NS ns.x.a.test\nAR ns.x.a.test 60 A 6.6.6.6\n",
	  RESPONSE_LAME, 0, 0, NULL, NULL, 0, 0 },
};
/* clang-format on */

static void test_forwarding_rows(void **state)
{
	(void)state;
	struct endpoint to = { .port = 53 };
	struct resolve_forward from[2] = { { .to = &to, .n_to = 1 }, { .to = &to, .n_to = 1 } };
	struct forwards *forwards;
	to_wire("a.test", &from[0].zone);
	to_wire("deep.a.test", &from[1].zone);
	assert_int_equal(forwards_new(from, 2, &forwards), 0);
	for (size_t i = 0; i < ARRAY_LEN(forward_rows); i++) {
		read_row(&forward_rows[i], forwards);
		expect_row(&forward_rows[i]);
	}
	forwards_free(forwards);
}

static void test_made_cname(void **state)
{
	(void)state;
	static const struct row row = { "DNAME",       "x.b.a.test",
		                        DNS_A,         "a.test",
		                        FLAG_AA,       "AN b.a.test 300 DNAME c.other\n",
		                        RESPONSE_ALIAS };
	char text[NAME_TEXT_MAX];
	read_row(&row, NULL);
	assert_int_equal(response->kind, RESPONSE_ALIAS);
	assert_int_equal(response->n_kept, 2);
	assert_int_equal(response->kept[1].type, DNS_CNAME);
	name_to_text(response->kept[1].owner, text);
	assert_string_equal(text, "x.b.a.test");
	name_to_text(response->kept[1].rdata, text);
	assert_string_equal(text, "x.c.other");
	assert_false(response->aliases[0].is_cname);
}

static void test_too_long_by_dname(void **state)
{
	(void)state;
	char label[64];
	char name[400];
	char records[512];
	memset(label, 'a', 63);
	label[63] = 0;
	snprintf(name, sizeof name, "%s.%s.%s.b.test", label, label, label);
	snprintf(records, sizeof records, "AN b.test 300 DNAME %s.test\n", label);
	const struct row row = { "DNAME", name, DNS_A, "test", FLAG_AA, records, RESPONSE_BAD };
	read_row(&row, NULL);
	assert_int_equal(response->kind, RESPONSE_BAD);
}

static void test_too_many_aliases(void **state)
{
	(void)state;
	char records[2048] = "";
	size_t n = 0;
	for (int i = 0; i < ANSWER_MAX_HOPS + 1; i++)
		n += (size_t)snprintf(records + n, sizeof records - n,
		                      "AN c%d.test 300 CNAME c%d.test\n", i, i + 1);
	const struct row row = {
		"chain", "c0.test", DNS_A, "test", FLAG_AA, records, RESPONSE_BAD
	};
	read_row(&row, NULL);
	assert_int_equal(response->kind, RESPONSE_BAD);
	assert_string_equal(response->why, "too many aliases");
}

static void test_no_names_in_data(void **state)
{
	(void)state;
	/* A CNAME whose data is empty: rdlength 0 at the end of the message. */
	static struct writer writer;
	struct name name;
	struct message m;
	to_wire("www.a.test", &name);
	write_message(&writer, &name, DNS_A, FLAG_AA, "AN www.a.test 300 CNAME .\n");
	writer.n -= 1;
	store16(writer.bytes + writer.n - 2, 0);
	assert_int_equal(
		message_open(writer.bytes, writer.n, response->scratch, RESPONSE_SCRATCH_BYTES, &m),
		0);
	const struct response_question q = { .name = name.wire,
		                             .type = DNS_A,
		                             .zone = name_skip(name.wire, 1) };
	response_read(response, &m, &q);
	assert_int_equal(response->kind, RESPONSE_BAD);
}

/* What goes into the cache comes out of it as the same records. */
static void test_from_answer(void **state)
{
	(void)state;
	static const struct row row = {
		"chain",
		"www.a.test",
		DNS_A,
		"a.test",
		FLAG_AA,
		"AN www.a.test 300 CNAME x.a.test\nAN x.a.test 100 A 192.0.2.1\nAN x.a.test 100 RRSIG A\n",
		RESPONSE_ANSWER
	};
	static uint8_t buf[DNS_MAX_MESSAGE];
	struct name name;
	struct answer *a;
	read_row(&row, NULL);
	to_wire(row.name, &name);
	struct answer_plan plan = { .name = name.wire,
		                    .hash = name_hash(name.wire),
		                    .type = DNS_A,
		                    .now_s = 1000,
		                    .ttl_s = response->ttl_s,
		                    .rrs = response->kept,
		                    .n_rrs = response->n_kept };
	assert_int_equal(answer_new(&plan, &a), 0);
	assert_int_equal(response_from_answer(response, a, 1030, buf), 0);
	assert_int_equal(response->kind, RESPONSE_ANSWER);
	assert_int_equal(response->n_kept, 3);
	assert_int_equal(response->n_aliases, 1);
	assert_int_equal(response->ttl_s, 70);
	char text[NAME_TEXT_MAX];
	name_to_text(response->target, text);
	assert_string_equal(text, "x.a.test");
	a->item.release(a);
}

static int make_response(void **state)
{
	(void)state;
	response = calloc(1, sizeof *response);
	return response == NULL ? -1 : 0;
}

static int free_response(void **state)
{
	(void)state;
	free(response);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_forwarding_rows),
		cmocka_unit_test(test_made_cname),
		cmocka_unit_test(test_too_long_by_dname),
		cmocka_unit_test(test_too_many_aliases),
		cmocka_unit_test(test_no_names_in_data),
		cmocka_unit_test(test_from_answer),
	};
	rcu_thread_start();
	int failed = cmocka_run_group_tests(tests, make_response, free_response);
	rcu_drain();
	rcu_thread_stop();
	return failed;
}
