/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transfer/receive.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "letters.h"
#include "transfer/serial.h"

/* Responses in letters (letters.h); '|' is the end of a message, '?' one without records. */
static struct letters m;
static uint8_t scratch[RECEIVE_SCRATCH_BYTES];
static struct name zone;
static char seen[200];

static int take(void *arg, enum receive_event event, const struct rr *rr)
{
	static const char signs[] = { [RECEIVE_FULL] = 'F',
		                      [RECEIVE_DELTA] = 'D',
		                      [RECEIVE_ADD] = '+',
		                      [RECEIVE_DELETE] = '-',
		                      [RECEIVE_NEW_SOA] = 'S' };
	(void)arg;
	size_t n = strlen(seen);
	assert_true((rr == NULL) == (event == RECEIVE_FULL || event == RECEIVE_DELTA));
	snprintf(seen + n, sizeof seen - n, "%c", signs[event]);
	if (event == RECEIVE_ADD || event == RECEIVE_DELETE)
		snprintf(seen + n + 1, sizeof seen - n - 1, "%c", rr->owner[1]);
	return rr != NULL && rr->owner[0] == 1 && rr->owner[1] == 'z' ? -ENOSPC : 0;
}

enum {
	FULL = DNS_AXFR,
	INCR = DNS_IXFR,
	ASK = DNS_SOA,
	CURRENT = 100, /* as a result: it is current */
};

static const struct {
	const char *why;
	uint16_t type;
	int serial; /* ours; -1: none */
	const char *in, *out;
	int result; /* 1: done */
} rows[] = {
	{ "whole zone", FULL, -1, "5ab5", "SF+a+b", 1 },
	{ "in messages", FULL, -1, "5a|b|c5", "SF+a+b+c", 1 },
	{ "one record a message", FULL, -1, "5|a|5", "SF+a", 1 },
	{ "empty zone", FULL, -1, "55", "SF", 1 },
	{ "more must come", FULL, -1, "5ab", "SF+a+b", 0 },
	{ "changed on the way", FULL, -1, "5ab6", "SF+a+b", -EBADMSG },
	{ "no SOA at the start", FULL, -1, "ab5", "", -EBADMSG },
	{ "something behind the end", FULL, -1, "5a5b", "SF+a", -EBADMSG },
	{ "the same serial again, asked for whole", FULL, 5, "5a5", "SF+a", 1 },
	{ "older, asked for whole", FULL, 6, "5a5", "", -ESTALE },
	{ "out of the zone", FULL, -1, "5!a!5", "SF+a", 1 },
	{ "the disk is full", FULL, -1, "5az5", "SF+a+z", -ENOSPC },
	{ "empty messages", FULL, -1, "5?a?5", "SF+a", 1 },
	{ "nothing but empty messages", FULL, -1, "5?????????????????????", "S", -EBADMSG },
	{ "current", INCR, 5, "5", "", CURRENT },
	{ "older", INCR, 6, "5", "", -ESTALE },
	{ "one step", INCR, 4, "54a5b5", "SD-a+b", 1 },
	{ "two steps", INCR, 3, "53a4b4bc5d5", "SD-a+b-b-c+d", 1 },
	{ "steps in messages", INCR, 3, "53|a4|b|4b5d|5", "SD-a+b-b+d", 1 },
	{ "whole zone for a delta", INCR, 3, "5ab5", "SF+a+b", 1 },
	{ "empty whole zone for a delta", INCR, 3, "55", "SF", 1 },
	{ "delta for another version", INCR, 2, "53a4b5", "S", -ESTALE },
	{ "serials go down", INCR, 3, "53a2b5", "SD-a", -EBADMSG },
	{ "a gap", INCR, 2, "52a3b4c5d5", "SD-a+b", -EBADMSG },
	{ "a delta when the whole was asked for", FULL, 4, "54a5b5", "S", -ESTALE },
	{ "a delta for who has nothing", INCR, -1, "54a5b5", "S", -ESTALE },
	{ "serial asked for", ASK, 3, "5", "", 1 },
	{ "serial asked for, current", ASK, 5, "5", "", CURRENT },
	{ "serial asked for, older", ASK, 6, "5", "", -ESTALE },
};

static int feed(const char *in, const struct receive_plan *plan, struct receive *r)
{
	int e = 0;
	receive_init(r, plan);
	letters_begin(&m, 77);
	for (const char *p = in; e == 0; p++) {
		if (*p == '|' || *p == 0 || *p == '?') {
			if (m.n_records > 0)
				e = receive_message(r, m.bytes, m.n, scratch);
			letters_begin(&m, 77);
			if (e == 0 && *p == '?')
				e = receive_message(r, m.bytes, m.n, scratch);
			if (*p == 0)
				return e;
		} else {
			letters_add(&m, *p);
		}
	}
	return e;
}

static struct receive_plan plan_of(uint16_t type, int serial)
{
	return (struct receive_plan){
		.zone = &zone,
		.type = type,
		.id = 77,
		.has_serial = serial >= 0,
		.serial = (uint32_t)serial,
		.max_bytes = 100000,
		.max_records = 20,
		.take = take,
	};
}

static void rows_are_received(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct receive_plan plan = plan_of(rows[i].type, rows[i].serial);
		struct receive r;
		seen[0] = 0;
		int e = feed(rows[i].in, &plan, &r);
		if (e == 1 && r.is_current)
			e = CURRENT;
		if (e != rows[i].result || strcmp(seen, rows[i].out) != 0)
			fail_msg("%s: %d, '%s' (%s)", rows[i].why, e, seen, r.why);
	}
}

static void limits_hold(void **state)
{
	(void)state;
	struct receive_plan plan = plan_of(FULL, -1);
	struct receive r;
	seen[0] = 0;
	assert_int_equal(feed("5aaaaaaaaaaaaaaaaaaaaaaaa5", &plan, &r), -EFBIG);
	plan.max_bytes = 100;
	seen[0] = 0;
	assert_int_equal(feed("5a|a|a|a|a5", &plan, &r), -EFBIG);
}

static void heads_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		size_t at;
		uint16_t value;
		int result;
	} heads[] = {
		{ "good", 2, FLAG_QR, 1 },
		{ "another id", 0, 78, -EBADMSG },
		{ "no response", 2, 0, -EBADMSG },
		{ "another opcode", 2, FLAG_QR | 0x2000, -EBADMSG },
		{ "cut off", 2, FLAG_QR | FLAG_TC, -EBADMSG },
		{ "refused", 2, FLAG_QR | RCODE_REFUSED, -EPROTONOSUPPORT },
		{ "more records than there are", 6, 9, -EBADMSG },
	};
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct receive_plan plan = plan_of(FULL, -1);
		struct receive r;
		receive_init(&r, &plan);
		letters_begin(&m, 77);
		letters_add(&m, '5');
		letters_add(&m, '5');
		store16(m.bytes + heads[i].at, heads[i].value);
		if (receive_message(&r, m.bytes, m.n, scratch) != heads[i].result)
			fail_msg("%s", heads[i].why);
	}
}

static void serials_go_round(void **state)
{
	(void)state;
	assert_true(serial_is_newer(1, 0));
	assert_false(serial_is_newer(0, 1));
	assert_false(serial_is_newer(7, 7));
	assert_true(serial_is_newer(0, 0xffffffff));
	assert_true(serial_is_newer(0x7fffffff, 0));
	assert_false(serial_is_newer(0x80000000, 0));
	assert_false(serial_is_newer(0, 0x80000000));
	assert_false(serial_is_newer(0x80000001, 0));
}

static int set_up(void **state)
{
	(void)state;
	return name_from_text("rpz", 3, &zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_received),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(heads_are_checked),
		cmocka_unit_test(serials_go_round),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
