/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What servers send: the walker stays within its bounds and ends; and where libknot takes the
 * message too, both see the same records.
 */
#include "dns/message.h"

#include <errno.h>
#include <libknot/libknot.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	RECORDS_MAX = 512
};

static struct rr records[RECORDS_MAX];

/* Walk to the end. Returns the count of records, or what stopped it. */
static int walk(const uint8_t *data, size_t n, uint8_t *scratch, size_t room)
{
	struct message m;
	int count = 0;
	int e = message_open(data, n, scratch, room, &m);
	if (e != 0)
		return e;
	struct rr rr;
	while ((e = message_next(&m, &rr)) == 1) {
		must(name_check(rr.owner, NAME_MAX_BYTES) > 0);
		must(rr.section >= SECTION_ANSWER && rr.section <= SECTION_ADDITIONAL);
		must(m.at <= n && m.scratch + m.scratch_left == scratch + room);
		must(rr.type == DNS_OPT || rr.ttl_s <= 0x7fffffff);
		volatile uint8_t last = 0;
		for (size_t i = 0; i < rr.rdata_len; i++) /* all of it can be read */
			last ^= rr.rdata[i];
		(void)last;
		if (count < RECORDS_MAX)
			records[count] = rr;
		count++;
	}
	must(e == 0 || e == -EBADMSG || e == -ENOBUFS);
	return e == 0 ? count : e;
}

static void compare(knot_pkt_t *p, int count)
{
	int i = 0;
	for (knot_section_t s = KNOT_ANSWER; s <= KNOT_ADDITIONAL; s++) {
		const knot_pktsection_t *section = knot_pkt_section(p, s);
		for (uint16_t k = 0; k < section->count; k++, i++) {
			const knot_rrset_t *theirs = knot_pkt_rr(section, k);
			must(i < count);
			if (i >= RECORDS_MAX)
				continue;
			const struct rr *ours = &records[i];
			must((int)ours->section == (int)s - (int)KNOT_ANSWER);
			must(name_equal(ours->owner, theirs->owner));
			must(ours->type == theirs->type && ours->class == theirs->rclass);
			if (theirs->ttl <= 0x7fffffff || ours->type == DNS_OPT)
				must(ours->ttl_s == theirs->ttl);
			else
				must(ours->ttl_s == 0); /* RFC 2181 8 */
			must(ours->rdata_len == theirs->rrs.rdata->len);
			must(memcmp(ours->rdata, theirs->rrs.rdata->data, ours->rdata_len) == 0);
		}
	}
	must(i == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > 4096)
		return 0;
	size_t room = 4 * n + 1024;
	uint8_t *scratch = malloc(room);
	uint8_t *copy = malloc(n > 0 ? n : 1);
	must(scratch != NULL && copy != NULL);
	(void)walk(data, n, scratch, n > 0 ? data[0] * 8U : 0); /* a scratch that is too small */
	int count = walk(data, n, scratch, room);
	memcpy(copy, data, n);
	knot_pkt_t *p = knot_pkt_new(copy, (uint16_t)n, NULL);
	must(p != NULL);
	if (count >= 0 && knot_pkt_parse(p, KNOT_PF_NOCANON | KNOT_PF_KEEPWIRE) == KNOT_EOK)
		compare(p, count);
	knot_pkt_free(p);
	free(copy);
	free(scratch);
	return 0;
}
