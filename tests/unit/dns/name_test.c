/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/name.h"

#include <errno.h>
#include <libknot/dname.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

#define W(literal) ((const uint8_t *)(literal))

static struct name of(const char *text)
{
	struct name n;
	assert_int_equal(name_from_text(text, strlen(text), &n), 0);
	return n;
}

static void test_from_text(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wire; /* NULL: -EINVAL */
		size_t len;
	} rows[] = {
		{ ".", "", 1 },
		{ "com", "\3com", 5 },
		{ "COM.", "\3com", 5 },
		{ "www.Example.com.", "\3www\7example\3com", 17 },
		{ "a\\.b.c", "\3a.b\1c", 7 },
		{ "\\065\\000\\255", "\3a\0\xff", 5 }, /* upper case by number too */
		{ "\\\\.\\\"", "\1\\\1\"", 5 },
		{ "*._tcp", "\1*\4_tcp", 8 },
		{ "\\.", "\1.", 3 },
		{ "", NULL, 0 },
		{ "..", NULL, 0 },
		{ ".com", NULL, 0 },
		{ "a..b", NULL, 0 },
		{ "a..", NULL, 0 },
		{ "a\\", NULL, 0 },
		{ "a\\25", NULL, 0 },
		{ "a\\256", NULL, 0 },
		{ "a\\2x5", NULL, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name n = { .len = 77 };
		int e = name_from_text(rows[i].text, strlen(rows[i].text), &n);
		print_message("'%s'\n", rows[i].text);
		assert_int_equal(e, rows[i].wire != NULL ? 0 : -EINVAL);
		assert_int_equal(n.len, rows[i].wire != NULL ? rows[i].len : 77);
		if (e == 0)
			assert_memory_equal(n.wire, rows[i].wire, rows[i].len);
	}
}

static void test_limits_of_text(void **state)
{
	(void)state;
	char text[300];
	struct name n;
	memset(text, 'a', sizeof text);
	assert_int_equal(name_from_text(text, 63, &n), 0);
	assert_int_equal(name_from_text(text, 64, &n), -EINVAL);
	for (size_t i = 63; i < sizeof text; i += 64)
		text[i] = '.';
	/* 63+1+63+1+63+1+61 letters and dots: with length bytes and the root 255 bytes */
	assert_int_equal(name_from_text(text, 253, &n), 0);
	assert_int_equal(n.len, 255);
	text[253] = '.';
	assert_int_equal(name_from_text(text, 254, &n), 0); /* a trailing dot is no byte more */
	text[253] = 'a';
	assert_int_equal(name_from_text(text, 254, &n), -EINVAL);
	assert_int_equal(name_from_text(text, 255, &n), -EINVAL);
	for (size_t i = 0; i < 254; i++)
		text[i] = i % 2 == 0 ? 'a' : '.';
	assert_int_equal(name_from_text(text, 253, &n), 0); /* 127 labels */
	assert_int_equal(name_labels(n.wire), 127);
	text[254] = 'a';
	assert_int_equal(name_from_text(text, 255, &n), -EINVAL);
}

static void test_to_text(void **state)
{
	(void)state;
	static const struct {
		const char *wire, *text;
	} rows[] = {
		{ "", "." },
		{ "\3www\7Example", "www.Example" },
		{ "\3a.b", "a\\046b" },
		{ "\1\\", "\\092" },
		{ "\4\n\"\x7f\xff", "\\010\\034\\127\\255" },
		{ "\3$()", "\\036\\040\\041" },
		{ "\4*-_/", "*-_/" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[NAME_TEXT_MAX];
		size_t n = name_to_text(W(rows[i].wire), text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(n, strlen(text));
	}
	uint8_t longest[255] = { 0 };
	char text[NAME_TEXT_MAX];
	for (unsigned i = 0; i < 254; i++)
		longest[i] = i % 64 == 0 ? (i < 192 ? 63 : 61) : 0xff;
	assert_int_equal(name_to_text(longest, text), 4 * 250 + 3);
}

/* A random valid name of at most 255 bytes, with bytes of all kinds. */
static size_t random_name(uint8_t *wire)
{
	size_t at = 0;
	unsigned labels = random_below(8);
	while (labels-- > 0) {
		size_t len = 1 + random_below(random_below(4) == 0 ? 63 : 6);
		if (at + 1 + len + 1 > NAME_MAX_BYTES)
			break;
		wire[at] = (uint8_t)len;
		random_bytes(wire + at + 1, len);
		for (size_t i = 1; i <= len && random_below(3) > 0; i++)
			wire[at + i] = "aAbBzZ09-."[random_below(10)];
		at += len + 1;
	}
	wire[at] = 0;
	return at + 1;
}

static void test_round_trip(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		uint8_t wire[NAME_MAX_BYTES];
		uint8_t lower[NAME_MAX_BYTES];
		char text[NAME_TEXT_MAX];
		struct name back;
		size_t n = random_name(wire);
		assert_int_equal(name_check(wire, n), n);
		assert_int_equal(name_len(wire), n);
		assert_int_equal(name_from_text(text, name_to_text(wire, text), &back), 0);
		assert_int_equal(name_copy_lower(lower, wire), n);
		assert_int_equal(back.len, n);
		assert_memory_equal(back.wire, lower, n);
		assert_true(name_equal(back.wire, wire));
		/* libknot reads our text as the same name */
		knot_dname_t *theirs = knot_dname_from_str_alloc(text);
		assert_non_null(theirs);
		assert_int_equal(knot_dname_size(theirs), n);
		assert_memory_equal(theirs, wire, n);
		free(theirs);
	}
}

static void test_check(void **state)
{
	(void)state;
	static const struct {
		const char *wire;
		size_t n, expected;
	} rows[] = {
		{ "", 1, 1 },          { "\1a\0xx", 5, 3 }, { "\1a", 2, 0 },
		{ "\5abc", 4, 0 },     { "", 0, 0 },        { "\xc0\x0c", 2, 0 },
		{ "\1a\xc0\0", 4, 0 }, { "\x40", 1, 0 },    { "\x80\0", 2, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t *exact = malloc(rows[i].n + 1);
		assert_non_null(exact);
		memcpy(exact, rows[i].wire, rows[i].n);
		assert_int_equal(name_check(exact, rows[i].n), rows[i].expected);
		free(exact);
	}
	uint8_t longest[300];
	for (unsigned i = 0; i < sizeof longest; i++)
		longest[i] = i % 2 == 0 ? 1 : 'a';
	longest[254] = 0;
	assert_int_equal(name_check(longest, sizeof longest), 255);
	longest[254] = 1;
	longest[256] = 0;
	assert_int_equal(name_check(longest, sizeof longest), 0);
}

static void test_case(void **state)
{
	(void)state;
	assert_true(name_equal(W("\3wWw\7eXample"), W("\3WwW\7ExamplE")));
	assert_false(name_equal(W("\3www"), W("\3ww1")));
	assert_false(name_equal(W("\1a\1b"), W("\3a\1b"))); /* length bytes are not letters */
	/* RFC 4343: only A-Z fold. '[' is 'Z' + 1, '@' is 'A' - 1, 0xC1 is 'A' with the top bit. */
	assert_false(name_equal(W("\1["), W("\1{")));
	assert_false(name_equal(W("\1@"), W("\1`")));
	assert_false(name_equal(W("\1\xc1"), W("\1\xe1")));
	for (unsigned c = 0; c < 256; c++) {
		uint8_t in[3] = { 1, (uint8_t)c, 0 };
		uint8_t out[NAME_MAX_BYTES];
		name_copy_lower(out, in);
		assert_int_equal(out[1], c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
}

static void test_family(void **state)
{
	(void)state;
	struct name www = of("www.example.com");
	struct name com = of("COM");
	struct name other = of("badexample.com");
	struct name example = of("example.com");
	struct name root = of(".");
	assert_true(name_is_within(www.wire, example.wire));
	assert_true(name_is_within(www.wire, www.wire));
	assert_true(name_is_within(www.wire, root.wire));
	assert_true(name_is_within(root.wire, root.wire));
	assert_false(name_is_within(example.wire, www.wire));
	assert_false(name_is_within(other.wire, example.wire));
	assert_false(name_is_within(root.wire, com.wire));
	assert_int_equal(name_labels(www.wire), 3);
	assert_int_equal(name_labels(root.wire), 0);
	assert_true(name_is_root(root.wire));
	assert_false(name_is_root(com.wire));
	assert_true(name_equal(name_skip(www.wire, 1), example.wire));
	assert_true(name_is_root(name_skip(www.wire, 3)));
	assert_int_equal(name_common_labels(www.wire, example.wire), 2);
	assert_int_equal(name_common_labels(other.wire, example.wire), 1);
	assert_int_equal(name_common_labels(www.wire, root.wire), 0);
	/* Equal labels above a different one do not count: a.x.b and a.y.b share b only. */
	assert_int_equal(name_common_labels(of("a.x.b").wire, of("a.y.b").wire), 1);
}

/* The order of RFC 4034 6.1, its example; and libknot's on random names. */
/* libknot compares names with zero octets between labels, and so errs where labels hold some. */
static bool has_zero_octet(const uint8_t *wire)
{
	for (; *wire != 0; wire += *wire + 1) {
		if (memchr(wire + 1, 0, *wire) != NULL)
			return true;
	}
	return false;
}

static void test_order(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"example",         "a.example",      "yljkjljk.a.example",
		"Z.a.example",     "zABC.a.EXAMPLE", "z.example",
		"\\001.z.example", "*.z.example",    "\\200.z.example",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
			struct name a = of(rows[i]);
			struct name b = of(rows[k]);
			int c = name_compare(a.wire, b.wire);
			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
		}
	}
	/* RFC 4034 6.1: the absence of an octet sorts before a zero octet. */
	struct name shorter = of("a\\136.b");
	struct name longer = of("b\\000");
	assert_true(name_compare(shorter.wire, longer.wire) < 0);
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t a[NAME_MAX_BYTES];
		uint8_t b[NAME_MAX_BYTES];
		uint8_t la[NAME_MAX_BYTES];
		uint8_t lb[NAME_MAX_BYTES];
		random_name(a);
		if (random_below(2) == 0)
			random_name(b);
		else /* a relative */
			name_copy_lower(b, name_skip(a, random_below(name_labels(a) + 1)));
		name_copy_lower(la, a);
		name_copy_lower(lb, b);
		int ours = name_compare(a, b);
		int theirs = knot_dname_cmp(la, lb); /* canonical, of lower-case names */
		if (!has_zero_octet(la) && !has_zero_octet(lb))
			assert_int_equal((ours > 0) - (ours < 0), (theirs > 0) - (theirs < 0));
		assert_int_equal(name_common_labels(a, b), knot_dname_matched_labels(la, lb));
		assert_int_equal(name_is_within(a, b), knot_dname_in_bailiwick(la, lb) >= 0);
	}
}

static void test_hashes(void **state)
{
	(void)state;
	struct siphash_key key = { 1, 2 };
	name_set_hash_key(&key);
	struct siphash_key got = name_hash_key();
	assert_true(got.k0 == 1 && got.k1 == 2);
	struct name_hashes h;
	struct name www = of("www.example.com");
	name_hash_all(www.wire, &h);
	assert_int_equal(h.n, 3);
	/* Each is the hash of the suffix by itself, and the chain step over the one before. */
	for (unsigned i = 0; i <= 3; i++)
		assert_true(h.h[i] == name_hash(name_skip(www.wire, i)));
	assert_true(h.h[3] == name_hash_root());
	assert_true(h.h[2] == name_hash_step(name_hash_root(), W("com"), 3));
	assert_true(h.h[1] == name_hash_step(h.h[2], W("example"), 7));
	/* Where labels end matters. */
	assert_true(name_hash(of("a.bc").wire) != name_hash(of("ab.c").wire));
	assert_true(name_hash(of("a.bc").wire) != name_hash(of("abc").wire));
	assert_true(name_hash(of("a\\.b").wire) != name_hash(of("a.b").wire));
	struct name longest =
		of("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	           "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	           "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	           "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a");
	name_hash_all(longest.wire, &h);
	assert_int_equal(h.n, NAME_MAX_LABELS);
	key.k0 = 3;
	uint64_t before = name_hash(www.wire);
	name_set_hash_key(&key);
	assert_true(name_hash(www.wire) != before);
}

/* The bytes that go into text as they are; all others as \\DDD. */
static void plain_bytes(void **state)
{
	(void)state;
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_*/+=:~!#%&,?[]^{|}@";
	for (unsigned c = 0; c < 256; c++) {
		uint8_t wire[] = { 1, (uint8_t)c, 0 };
		char text[NAME_TEXT_MAX];
		bool is_plain = c != 0 && strchr(plain, (int)c) != NULL;
		assert_int_equal(name_to_text(wire, text), is_plain ? 1 : 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_text), cmocka_unit_test(test_limits_of_text),
		cmocka_unit_test(test_to_text),   cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_check),     cmocka_unit_test(test_case),
		cmocka_unit_test(test_family),    cmocka_unit_test(test_order),
		cmocka_unit_test(plain_bytes),    cmocka_unit_test(test_hashes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
