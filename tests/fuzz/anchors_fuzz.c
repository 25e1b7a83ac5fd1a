/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as a file of trust anchors. What is accepted makes a snapshot, with every zone in it. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "validate/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void tell(void *arg, unsigned line, const char *why)
{
	must(why != NULL && why[0] != 0);
	(void)line;
	++*(unsigned *)arg;
}

static void check(const struct answer_rr *rrs, unsigned n)
{
	struct anchors *a = NULL;
	must(anchors_new(rrs, n, NULL, 0, &a) == 0);
	unsigned n_found = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct answer_rr *of;
		unsigned n_of;
		must(rrs[i].type == DNS_DS || rrs[i].type == DNS_DNSKEY);
		must(name_check(rrs[i].owner, name_len(rrs[i].owner)) != 0);
		must(anchors_tag(rrs[i].type, rrs[i].rdata, rrs[i].rdata_len) >= 0);
		must(name_equal(anchors_closest(a, rrs[i].owner), rrs[i].owner));
		must(!anchors_is_negative(a, rrs[i].owner, 0));
		anchors_of(a, rrs[i].owner, &of, &n_of);
		must(n_of >= 1 && n_of <= ANCHOR_ZONE_RRS_MAX);
		for (unsigned k = 0; k < n_of; k++)
			n_found += of[k].type == rrs[i].type &&
			           of[k].rdata_len == rrs[i].rdata_len &&
			           memcmp(of[k].rdata, rrs[i].rdata, of[k].rdata_len) == 0;
	}
	must(n_found == n); /* each is there, once */
	anchors_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct answer_rr *rrs = NULL;
	unsigned n_rrs = 0, n_told = 0;
	int e = anchors_read((const char *)data, n, tell, &n_told, &rrs, &n_rrs);
	must(e == 0 || e == -ENOENT);
	must((e == 0) == (n_rrs > 0) && n_rrs <= ANCHOR_RRS_MAX);
	if (e == 0)
		check(rrs, n_rrs);
	free(rrs);
	return 0;
}
