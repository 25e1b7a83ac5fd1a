/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "storm.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "benign.h"
#include "packed.h"

/* clang-format off */
const struct storm storms[] = {
	/* antivirus and web filters */
	{ "mcafee files", "%26b.avqs.mcafee.com", "A/3600/127.161.0.128", 100, DNS_A, "avqs.mcafee.com" },
	{ "mcafee sites", "0.11-a300%4h.b050c%2h.1518.19d4.%4h.210.0.%26b.avts.mcafee.com",
	  "A/3600/127.2.4.8", 100, DNS_A, "avts.mcafee.com" },
	{ "sophos files", "%8h.%32h.i.00.s.sophosxl.net", "TXT/3600/len=24", 100, DNS_TXT, NULL },
	{ "sophos sites", "w.%12a.%10a.p.01.s.sophosxl.net", "TXT/300/len=16", 100, DNS_TXT, NULL },
	{ "kaspersky", "%32h.ksn.kaspersky-labs.com", "A/600/127.0.0.1", 100, DNS_A, "ksn.kaspersky-labs.com" },
	{ "eset", "%26b.%26b.a.e.e5.sk", "TXT/600/len=40", 100, DNS_TXT, NULL },
	{ "trend micro", "%20a.%3d.icrc.trendmicro.com", "A/600/127.0.0.2", 60, DNS_A, "icrc.trendmicro.com" },
	{ "sonicwall", "%r.geoipd.global.sonicwall.com", "A/600/127.0.0.9", 100, DNS_A, NULL },
	/* mail servers */
	{ "zen", "%r.zen.spamhaus.org", "A/60/127.0.0.4", 10, DNS_A, "zen.spamhaus.org" },
	{ "zen, IPv6", "%n.zen.spamhaus.org", "A/60/127.0.0.4", 10, DNS_A, "zen.spamhaus.org" },
	{ "spamhaus, a key", "%r.%26b.zen.dq.spamhaus.net", "A/60/127.0.0.4", 10, DNS_A, "dq.spamhaus.net" },
	{ "spamcop", "%r.bl.spamcop.net", "A/300/127.0.0.2", 5, DNS_A, "bl.spamcop.net" },
	{ "surbl", "%9a.com.multi.surbl.org", "A/300/127.0.0.8", 5, DNS_A, "multi.surbl.org" },
	{ "origin of addresses", "%r.origin.asn.cymru.com", "TXT/14400/15169 8.8.8.0/24 US arin 1992-12-01", 95, DNS_TXT, "asn.cymru.com" },
	{ "reverse", "%r.in-addr.arpa", "PTR/3600/host.example.net", 70, DNS_PTR, NULL },
	{ "reverse, IPv6", "%n.ip6.arpa", "PTR/3600/host.example.net", 20, DNS_PTR, NULL },
	/* hosts of contents */
	{ "cloudfront", "d%13a.cloudfront.net", "A/60/13.32.99.17|A/60/13.32.99.44", 100, DNS_A, NULL },
	{ "googlevideo", "r%1d---sn-%8a.googlevideo.com", "A/1800/74.125.11.10", 100, DNS_A, NULL },
	{ "akamai", "a%4d.dsc%1a%1d.akamai.net", "A/20/23.45.99.17", 100, DNS_A, NULL },
	{ "akamai edge", "e%5d.%1a.akamaiedge.net", "A/20/23.45.99.18", 100, DNS_A, NULL },
	{ "load balancers", "%10a-%9d.us-east-1.elb.amazonaws.com", "A/60/52.1.99.7|A/60/54.2.98.6", 100, DNS_A, NULL },
	{ "traffic manager", "%14a.trafficmanager.net", "CNAME/60/web.azurewebsites.net|A/60/20.1.2.3", 100, DNS_A, NULL },
	{ "safeframe", "%32h.safeframe.googlesyndication.com", "A/300/142.250.1.132", 100, DNS_A, NULL },
	{ "measurements", "%32h.fp.measure.office.com", "A/60/13.107.6.9", 100, DNS_A, NULL },
	{ "footprint", "%32h.clo.footprintdns.com", "A/60/13.107.6.10", 100, DNS_A, NULL },
	{ "facebook", "scontent-%4a%1d-1.xx.fbcdn.net", "A/60/157.240.1.1", 100, DNS_A, NULL },
	{ "buckets", "%24a.s3.amazonaws.com", "A/5/52.216.1.1", 100, DNS_A, NULL },
};
/* clang-format on */
const unsigned n_storms = ARRAY_LEN(storms);

static size_t put_reversed(uint64_t *dice, bool is_six, char *ret, size_t room)
{
	size_t n = 0;
	unsigned parts = is_six ? 32 : 4;
	for (unsigned i = 0; i < parts && n < room; i++) {
		uint32_t x = dice_below(dice, is_six ? 16 : 255);
		if (is_six && i + 4 >= parts)
			x = (uint32_t) "\0\1\2\2"[parts - 1 - i]; /* what there is of IPv6 */
		n += (size_t)snprintf(ret + n, room - n, is_six ? "%s%x" : "%s%u", i > 0 ? "." : "",
		                      x);
	}
	return n;
}

static size_t put_digits(uint64_t *dice, char kind, unsigned n, char *ret)
{
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	for (unsigned i = 0; i < n; i++)
		ret[i] = kind == 'h'   ? "0123456789abcdef"[dice_below(dice, 16)]
		         : kind == 'b' ? base32[dice_below(dice, 32)]
		         : kind == 'd' ? (char)('0' + dice_below(dice, 10))
		                       : all[dice_below(dice, 36)];
	return n;
}

void storm_name(const struct storm *s, uint64_t *dice, struct name *ret, struct truth *ret_truth)
{
	char text[512];
	size_t n = 0;
	for (const char *at = s->shape; *at != 0 && n < 300; at++) {
		if (*at != '%') {
			text[n++] = *at;
			continue;
		}
		unsigned count = (unsigned)strtoul(at + 1, (char **)&at, 10);
		if (*at == 'r' || *at == 'n')
			n += put_reversed(dice, *at == 'n', text + n, sizeof text - n);
		else
			n += put_digits(dice, *at, count, text + n);
	}
	if (name_from_text(text, n, ret) != 0)
		die("makes no name", s->shape);
	bool is_listed = dice_below(dice, 100) < s->listed;
	truth_init(ret_truth, is_listed ? RCODE_NOERROR : RCODE_NXDOMAIN);
	if (is_listed)
		truth_add_text(ret_truth, ret->wire, s->answers);
}
