/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a MaxMind database. Properties: it is read in both passes with the same rules; each
 * is a masked prefix longer than 0; a file is no larger than what it makes: at most one rule a
 * node of the tree.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feeds/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct feeds_report report;
static uint64_t n_rules;

static int check_rule(void *arg, const struct feeds_rule *r)
{
	(void)arg;
	n_rules++;
	must(r->prefix != NULL && r->name == NULL && r->pattern == NULL);
	must(r->prefix->length > 0 && r->prefix->length <= (r->prefix->addr.is_v4 ? 32 : 128));
	struct addr masked = addr_masked(&r->prefix->addr, r->prefix->length);
	must(addr_equal(&masked, &r->prefix->addr));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const countries[] = { "RU", "KP" };
	static const char *const networks[] = { "AS64500" };
	static const struct feeds_options options = {
		.countries = countries, .n_countries = 2, .networks = networks, .n_networks = 1
	};
	uint64_t rules[2];
	for (unsigned pass = 0; pass < 2; pass++) {
		struct scan s = { .pass = pass == 0 ? SCAN_CHECK : SCAN_EMIT,
			          .format = FEEDS_MMDB,
			          .options = &options,
			          .rule = check_rule,
			          .report = &report };
		struct reader *r;
		const char *why;
		n_rules = 0;
		must(reader_open_bytes(data, n, 1 << 24, &r, &why) == 0);
		int e = scan_file(&s, r);
		must(e == 0 || n_rules == 0 || report.skipped > 0 || e == -EBADMSG);
		reader_close(r);
		rules[pass] = n_rules;
		must(n_rules == report.prefixes && report.names == 0);
		must(n_rules <= 2 * n);
	}
	must(rules[0] == rules[1]);
	return 0;
}
