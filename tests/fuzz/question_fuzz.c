/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What clients send: whatever the bytes, the parser says one of its words, and the answer made
 * from what it found is one that libknot reads, with the question as it was asked.
 */
#include <errno.h>
#include <libknot/libknot.h>
#include <stdlib.h>
#include <string.h>

#include "dns/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_question(const struct question *q, const uint8_t *msg, size_t n)
{
	uint8_t name[NAME_MAX_BYTES];
	size_t len;
	size_t next;
	must(q->wire_bytes >= 5 && q->wire_bytes <= n - DNS_HEADER_BYTES);
	must(name_check(q->name.wire, q->name.len) == q->name.len);
	must(q->wire_bytes == q->name.len + 4);
	must(name_from_message(msg, n, DNS_HEADER_BYTES, name, &len, &next) == 0);
	must(len == q->name.len && memcmp(name, q->name.wire, len) == 0);
	must(load16(msg + next) == q->type && load16(msg + next + 2) == q->class);
}

/* RFC 7873 4: 8 bytes, or 16 to 40; what is in the question stands in the answer. */
static void check_cookie(const struct question *q, const knot_pkt_t *p)
{
	uint8_t *option = knot_pkt_edns_option(p, KNOT_EDNS_OPTION_COOKIE);
	must(q->cookie_bytes == 0 || q->cookie_bytes == 8 ||
	     (q->cookie_bytes >= 16 && q->cookie_bytes <= 40));
	must((option != NULL) == (q->has_edns && q->cookie_bytes > 0));
	if (option == NULL)
		return;
	must(knot_edns_opt_get_length(option) == q->cookie_bytes);
	must(memcmp(knot_edns_opt_get_data(option), q->cookie, q->cookie_bytes) == 0);
}

static void check_answer(const struct question *q, const uint8_t *msg, int rcode)
{
	uint8_t buf[DNS_HEADER_BYTES + NAME_MAX_BYTES + 4 + 300];
	struct ede ede = { 15, "list: rule" };
	struct reply r;
	reply_start(&r, buf, sizeof buf, q, msg, q->has_edns ? 11 : 0);
	if (q->has_question) {
		reply_add(&r, SECTION_ANSWER, NULL, DNS_A, 5, (const uint8_t *)"\x7f\0\0\1", 4);
		reply_add(&r, SECTION_ANSWER, q->name.wire, DNS_A, 5, (const uint8_t *)"\x7f\0\0\2",
		          4);
	}
	size_t n = reply_finish(&r, q, (unsigned)rcode, false, &ede, 1);
	must(n <= sizeof buf);
	knot_pkt_t *p = knot_pkt_new(buf, (uint16_t)n, NULL);
	must(p != NULL && knot_pkt_parse(p, 0) == KNOT_EOK);
	must((p->opt_rr != NULL) == q->has_edns);
	must(knot_wire_get_id(p->wire) == q->id && knot_wire_get_qr(p->wire));
	must(knot_pkt_section(p, KNOT_ANSWER)->count == (q->has_question ? 2 : 0));
	if (q->has_question) {
		must(memcmp(buf + DNS_HEADER_BYTES, msg + DNS_HEADER_BYTES, q->wire_bytes) == 0);
		must(knot_pkt_qtype(p) == q->type);
	}
	if (q->has_edns)
		must(knot_pkt_ext_rcode(p) == rcode);
	check_cookie(q, p);
	knot_pkt_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct question q;
	memset(&q, 0xaa, sizeof q); /* what was left from the question before */
	if (n > DNS_MAX_MESSAGE)
		return 0;
	int e = message_parse_question(data, n, &q);
	must(e == 0 || e == -ENODATA || e == RCODE_FORMERR || e == RCODE_NOTIMP ||
	     e == RCODE_REFUSED || e == RCODE_BADVERS);
	must(e != 0 || q.has_question);
	if (q.has_question)
		check_question(&q, data, n);
	must(q.udp_size >= 512);
	if (e == -ENODATA) {
		must(n < DNS_HEADER_BYTES || (data[2] & 0x80) != 0);
		return 0;
	}
	check_answer(&q, data, e);
	/*
	 * libknot refuses nothing that we take. But it looks into TSIG and SIG(0), which we pass
	 * over; and an OPT that announces a size of 1 it takes for class IN without data.
	 */
	bool is_opt_alone = load16(data + 10) == (q.has_edns ? 1 : 0);
	if (e == 0 && is_opt_alone && (!q.has_edns || q.udp_size > 512)) {
		uint8_t *copy = malloc(n);
		must(copy != NULL);
		memcpy(copy, data, n);
		knot_pkt_t *p = knot_pkt_new(copy, (uint16_t)n, NULL);
		must(p != NULL && knot_pkt_parse(p, 0) == KNOT_EOK);
		knot_pkt_free(p);
		free(copy);
	}
	return 0;
}
