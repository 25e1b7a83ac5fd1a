/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a primary answers: messages with their lengths before them, as over TCP, behind one byte
 * that says what was asked. Whatever they hold, the receiver ends or asks for more, a record it
 * gives has a line, the line gives the same record, and no signature is found good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transfer/receive.h"
#include "transfer/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct record_text *text, *again;
static uint8_t scratch[RECEIVE_SCRATCH_BYTES];

static int take(void *arg, enum receive_event event, const struct rr *rr)
{
	const struct name *zone = arg;
	const char *line;
	size_t n;
	must((rr == NULL) == (event == RECEIVE_FULL || event == RECEIVE_DELTA));
	if (rr == NULL)
		return 0;
	must(name_is_within(rr->owner, zone->wire) && rr->class == DNS_CLASS_IN);
	if (record_to_line(text, rr, &line, &n) != 0)
		return 0;
	must(n > 0 && n < RECORD_LINE_MAX && strlen(line) == n && strchr(line, '\n') == NULL);
	struct rr back;
	const char *second;
	size_t n_second;
	if (record_from_line(again, line, n, &back) != 0)
		return 0; /* libknot writes some data that libzscanner does not take */
	must(name_equal(back.owner, rr->owner) && back.type == rr->type);
	must(back.ttl_s == rr->ttl_s);
	must(record_to_line(text, &back, &second, &n_second) == 0);
	return 0;
}

static void check_signed(const struct tsig_key *key, const uint8_t *msg, size_t n)
{
	uint8_t *copy = malloc(n);
	struct tsig_client c;
	struct tsig_server s = { 0 };
	const char *why = NULL;
	size_t left = n;
	must(copy != NULL);
	memcpy(copy, msg, n);
	tsig_client_init(&c, key);
	must(tsig_client_check(&c, copy, &left, &why) != 0);
	tsig_client_done(&c);
	memcpy(copy, msg, n);
	left = n;
	if (tsig_take(copy, &left, &s.query) == 0) {
		must(left <= n);
		tsig_server_check(&s, copy, left, key);
		must(!s.query.is_there || s.error != TSIG_OK);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint16_t types[] = { DNS_SOA, DNS_IXFR, DNS_AXFR, DNS_IXFR };
	static struct name zone;
	static struct tsig_key key;
	if (text == NULL) {
		must(record_text_new(&text) == 0 && record_text_new(&again) == 0);
		must(name_from_text("rpz", 3, &zone) == 0);
		must(tsig_key_init(&key, &zone, "hmac-sha256", "c2VjcmV0") == 0);
	}
	if (n < 1)
		return 0;
	struct receive_plan plan = {
		.zone = &zone,
		.type = types[data[0] & 3],
		.id = 77,
		.has_serial = (data[0] & 4) != 0,
		.serial = data[0] >> 4,
		.max_bytes = 1 << 20,
		.max_records = 1000,
		.take = take,
		.arg = &zone,
	};
	struct receive r;
	int e = 0;
	receive_init(&r, &plan);
	for (size_t at = 1; e == 0 && n - at >= 2;) {
		size_t bytes = load16(data + at);
		at += 2;
		if (bytes > n - at)
			bytes = n - at;
		if (bytes >= DNS_HEADER_BYTES)
			check_signed(&key, data + at, bytes);
		e = receive_message(&r, data + at, bytes, scratch);
		must(e <= 1 && (e >= 0 || r.why[0] != 0));
		at += bytes;
	}
	return 0;
}
