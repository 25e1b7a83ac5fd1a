/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The OPT record of a response: looked for before the records are read, it is the one that the
 * walker comes to. Its options are those that libknot finds.
 */
#include <errno.h>
#include <libknot/libknot.h>
#include <stdlib.h>
#include <string.h>

#include "dns/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint16_t codes[] = { 3, 5, 8, 10, 11, 12, 15 };

static void check_option(const struct opt *o, uint16_t code)
{
	const uint8_t *data = NULL;
	size_t len = 0;
	if (!opt_find(o, code, &data, &len)) {
		must(data == NULL && len == 0);
		return;
	}
	must(data >= o->options + 4 && data + len <= o->options + o->option_bytes);
	must(load16(data - 4) == code && load16(data - 2) == len);
}

/* The same options, in a record of libknot's making. */
static void compare(const struct opt *o)
{
	knot_rrset_t rr;
	bool is_whole = true;
	size_t at = 0;
	while (is_whole && at < o->option_bytes) {
		is_whole = o->option_bytes - at >= 4 &&
		           o->option_bytes - at - 4 >= load16(o->options + at + 2);
		at += is_whole ? 4U + load16(o->options + at + 2) : 0;
	}
	if (!is_whole)
		return;
	must(knot_edns_init(&rr, 1232, o->rcode_high, 0, NULL) == KNOT_EOK);
	knot_rdataset_clear(&rr.rrs, NULL);
	must(knot_rrset_add_rdata(&rr, o->options, o->option_bytes, NULL) == KNOT_EOK);
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		const uint8_t *ours;
		size_t len;
		uint8_t *theirs = knot_edns_get_option(&rr, codes[i], NULL);
		bool is_found = opt_find(o, codes[i], &ours, &len);
		must(is_found == (theirs != NULL));
		if (!is_found)
			continue;
		must(ours - 4 - o->options == theirs - rr.rrs.rdata->data);
		must(len == knot_edns_opt_get_length(theirs));
		must(memcmp(ours, knot_edns_opt_get_data(theirs), len) == 0);
	}
	knot_rrset_clear(&rr, NULL);
}

/* Walk over all records: 1 and the first OPT at the root, 0: there is none, or what stopped it. */
static int walk(struct message m, struct opt *ret)
{
	struct rr rr;
	int found = 0;
	int e;
	size_t at = m.at;
	while ((e = message_next(&m, &rr)) == 1) {
		bool is_opt =
			rr.section == SECTION_ADDITIONAL && rr.type == DNS_OPT && m.bytes[at] == 0;
		if (found == 0 && is_opt) {
			*ret = (struct opt){ .options = rr.rdata,
				             .option_bytes = rr.rdata_len,
				             .rcode_high = (uint8_t)(rr.ttl_s >> 24) };
			found = 1;
		}
		at = m.at;
	}
	return e == 0 ? found : e;
}

static void check_opt(const struct message *m, int e, const struct opt *o)
{
	struct opt seen = { .options = NULL };
	int w = walk(*m, &seen);
	must(e == 0 || e == -ENOENT || e == -EBADMSG);
	if (e == 0) {
		must(o->options >= m->bytes + m->at && o->options <= m->bytes + m->n);
		must(o->option_bytes <= (size_t)(m->bytes + m->n - o->options));
		for (size_t i = 0; i < ARRAY_LEN(codes); i++)
			check_option(o, codes[i]);
		compare(o);
	}
	if (w < 0)
		return;
	must(e == (w == 1 ? 0 : -ENOENT));
	if (w == 0)
		return;
	must(o->option_bytes == seen.option_bytes && o->rcode_high == seen.rcode_high);
	must(memcmp(o->options, seen.options, seen.option_bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct message m;
	struct opt o;
	if (n > 4096)
		return 0;
	size_t room = 4 * n + 1024;
	uint8_t *scratch = malloc(room);
	must(scratch != NULL);
	if (message_open(data, n, scratch, room, &m) == 0) {
		int e = message_find_opt(&m, &o);
		check_opt(&m, e, &o);
	}
	free(scratch);
	return 0;
}
