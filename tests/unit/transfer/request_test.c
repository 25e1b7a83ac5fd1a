/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "transfer/query.h"

static struct name zone;

static void queries_are_read(void **state)
{
	(void)state;
	static const struct {
		uint16_t flags, type;
		bool is_notify, has_serial;
	} rows[] = {
		{ 0, DNS_SOA, false, false },
		{ 0, DNS_AXFR, false, false },
		{ 0, DNS_IXFR, false, true },
		{ QUERY_OPCODE_NOTIFY | FLAG_AA, DNS_SOA, true, true },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t msg[QUERY_MAX], out[QUERY_MAX];
		struct request r;
		size_t n = query_write(msg, 9, rows[i].flags, &zone, rows[i].type, 70000);
		assert_int_equal(request_read(&r, msg, n), 0);
		assert_int_equal(r.type, rows[i].type);
		assert_int_equal(r.is_notify, rows[i].is_notify);
		assert_int_equal(r.has_serial, rows[i].has_serial);
		assert_true(!r.has_serial || r.serial == 70000);
		assert_true(name_equal(r.zone.wire, zone.wire));
		assert_false(r.tsig.query.is_there);
		assert_int_equal(request_answer(&r, out, RCODE_REFUSED),
		                 DNS_HEADER_BYTES + zone.len + 4);
		assert_int_equal(load16(out), 9);
		assert_int_equal(load16(out + 2),
		                 (rows[i].flags & QUERY_OPCODE_MASK) | FLAG_QR | RCODE_REFUSED);
		/* Cut off anywhere it is damaged, or no such message. */
		for (size_t cut = 0; cut < n; cut++)
			assert_int_not_equal(request_read(&r, msg, cut), 0);
	}
}

static void others_are_not_for_us(void **state)
{
	(void)state;
	uint8_t msg[QUERY_MAX];
	struct request r;
	size_t n = query_write(msg, 9, 0, &zone, DNS_A, 0);
	assert_int_equal(request_read(&r, msg, n), -ENOENT);
	n = query_write(msg, 9, FLAG_QR, &zone, DNS_SOA, 0);
	assert_int_equal(request_read(&r, msg, n), -ENOENT);
	n = query_write(msg, 9, 5 << 11, &zone, DNS_SOA, 0);
	assert_int_equal(request_read(&r, msg, n), -ENOENT);
	n = query_write(msg, 9, QUERY_OPCODE_NOTIFY, &zone, DNS_A, 0);
	assert_int_equal(request_read(&r, msg, n), -EBADMSG);
	assert_true(r.n_question > 0);
	/* IXFR without the version that is there. */
	n = query_write(msg, 9, 0, &zone, DNS_AXFR, 0);
	store16(msg + DNS_HEADER_BYTES + zone.len, DNS_IXFR);
	assert_int_equal(request_read(&r, msg, n), -EBADMSG);
}

static void signatures_are_taken_off(void **state)
{
	(void)state;
	uint8_t msg[QUERY_MAX];
	struct tsig_key key;
	struct tsig_client c;
	struct request r;
	assert_int_equal(tsig_key_init(&key, &zone, "hmac-sha1", "c2VjcmV0"), 0);
	size_t n = query_write(msg, 9, 0, &zone, DNS_IXFR, 3), plain = n;
	tsig_client_init(&c, &key);
	assert_int_equal(tsig_client_sign(&c, msg, &n, sizeof msg), 0);
	assert_int_equal(request_read(&r, msg, n), 0);
	assert_true(r.tsig.query.is_there);
	assert_int_equal(r.n, plain);
	tsig_server_check(&r.tsig, r.bytes, r.n, &key);
	assert_int_equal(r.tsig.error, TSIG_OK);
	tsig_client_done(&c);
	tsig_key_done(&key);
}

static int set_up(void **state)
{
	(void)state;
	return name_from_text("rpz.example", 11, &zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_are_read),
		cmocka_unit_test(others_are_not_for_us),
		cmocka_unit_test(signatures_are_taken_off),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
