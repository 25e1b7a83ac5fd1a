/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools_rows.h"

/* As they were captured. */
static void tools_are_known_by_their_names(void **state)
{
	(void)state;
	static const struct tools_row rows[] = {
		{ "vaaaakaskoq.www.ggy666.tk", DNS_CNAME, TOOL_SURE, TOOL_IODINE },
		{ "vaaaakarcha.hacker-iodine.com", DNS_NULL, TOOL_SURE, TOOL_IODINE },
		{ "VAAAAKARCHA.hacker-iodine.com", DNS_A, TOOL_SURE, TOOL_IODINE },
		{ "zstxaA-Aaahhh-Drink-mal-ein-J\\228germeister-.www.ggy666.tk", DNS_CNAME,
		  TOOL_SURE, TOOL_IODINE },
		{ "zir5aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ+0129-.hacker-iodine.com",
		  DNS_TXT, TOOL_SURE, TOOL_IODINE },
		{ "rcyadqIjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcq."
		  "KjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqKjcqK.a.hacker-iodine.com",
		  DNS_NULL, TOOL_SURE, TOOL_IODINE },
		{ "lagr1t2ay1pm0iqb5eqidmyr35etseoi.hacker-iodine.com", DNS_NULL, TOOL_PERHAPS,
		  TOOL_IODINE },
		{ "ytbowq.hacker-iodine.com", DNS_TXT, TOOL_PERHAPS, TOOL_IODINE },
		{ "paeqcfyy.hacker-iodine.com", DNS_NULL, TOOL_PERHAPS, TOOL_IODINE },
		{ "AAAAALWJAA.=auth.d.test", DNS_TXT, TOOL_SURE, TOOL_DNS2TCP },
		{ "oV6FgAABAEZDRjlCRTBBMzc0RDM0RUMxMjY4RjBFOTYzQ0I0NkVCOUJFQ0EyRDU.=auth.d.test",
		  DNS_KEY, TOOL_SURE, TOOL_DNS2TCP },
		{ "gj6MWaeSAA.=resource.d.test", DNS_TXT, TOOL_SURE, TOOL_DNS2TCP },
		{ "oV5I9I6CAHNzaA.=connect.d.test", DNS_KEY, TOOL_SURE, TOOL_DNS2TCP },
		{ "init.MRTDCLJRPQZA.base64.CapTechUtest.org", DNS_TXT, TOOL_SURE,
		  TOOL_EXFILTRATOR },
		{ "init.MRTDCMBZGQ3C2ML4GE2DS.base64.CapTechUtest.org", DNS_TXT, TOOL_SURE,
		  TOOL_EXFILTRATOR },
		{ "post.140.0346c53ab.456c54f2.blue.letsgohunt.online", DNS_A, TOOL_SURE,
		  TOOL_COBALT },
		{ "www.1204192da26d109d4.1c9a5671.456c54f2.blue.letsgohunt.online", DNS_A,
		  TOOL_SURE, TOOL_COBALT },
		{ "post.2942880f933a45cf2d048b0c14917493df0cd10a0de26ea103d0eb1b3."
		  "4adf28c63a97deb5cbe4e20b26902d1ef427957323967835f7d18a42.109842910.19997cf2."
		  "wallet.thedarkestside.org",
		  DNS_A, TOOL_SURE, TOOL_COBALT },
		{ "cdn.5600553f0.456c54f2.blue.letsgohunt.online", DNS_A, TOOL_LIKELY,
		  TOOL_COBALT },
		{ "456c54f2.blue.letsgohunt.online", DNS_A, TOOL_PERHAPS, TOOL_COBALT },
		{ "aaa.stage.123456.example.com", DNS_TXT, TOOL_SURE, TOOL_COBALT },
		{ "aaa.stage.19997cf2.example.com", DNS_TXT, TOOL_SURE, TOOL_COBALT },
		{ "1f2e.be.0.00.1.0.0.0.0.example.com", DNS_A, TOOL_SURE, TOOL_GODOH },
		{ "1f2e.ef.1.8a9136aa.1.1.4142.0.0.example.com", DNS_A, TOOL_SURE, TOOL_GODOH },
		{ "U1NILTIuMC1PcGVuU1NIXzYuN3AxIERlYmlhbi01K2RlYjh1NA0KAAAHrAgU57r."
		  "wJiv117KCDnp3Ne1V0AAAANRjdXJ2ZTI1NTE5LXNoYTI1NkBsaWJzc2gub3JnLG."
		  "W5pc3RwNTIxLGRpZmZpZ.0.f.1.35049.tunnel.example.org",
		  DNS_TXT, TOOL_SURE, TOOL_DNSCAPY },
		{ "d.e.1.4168.tunnel.example.org", DNS_TXT, TOOL_PERHAPS, TOOL_DNSCAPY },
	};
	tools_check(rows, ARRAY_LEN(rows));
}

/* Names that somebody could take for them. */
static void ordinary_names_are_none(void **state)
{
	(void)state;
	static const struct tools_row rows[] = {
		{ ".", DNS_NULL, TOOL_NO, 0 },
		{ "com", DNS_TXT, TOOL_NO, 0 },
		{ "www.example.com", DNS_A, TOOL_NO, 0 },
		{ "vaaaaka.example.com", DNS_A, TOOL_NO, 0 },
		{ "vacationspot.example.com", DNS_A, TOOL_NO, 0 },
		{ "videostream.example.com", DNS_A, TOOL_NO, 0 },
		{ "zaa.example.com", DNS_A, TOOL_NO, 0 },
		{ "auth.example.com", DNS_A, TOOL_NO, 0 },
		{ "abcdefghij.auth.example.com", DNS_A, TOOL_NO, 0 },
		{ "init.itunes.apple.com", DNS_A, TOOL_NO, 0 },
		{ "init.mrtdclj.base64.example.com", DNS_A, TOOL_NO, 0 },
		{ "init.abcdefgh.base64.example.com", DNS_TXT, TOOL_NO, 0 },
		{ "api.stage.facade.example.com", DNS_A, TOOL_NO, 0 },
		{ "www.stage.12345.example.com", DNS_A, TOOL_NO, 0 },
		{ "post.2019.archive.example.com", DNS_A, TOOL_NO, 0 },
		{ "api.20190101.12345678.example.com", DNS_A, TOOL_NO, 0 },
		{ "be.ef.ca.example.com", DNS_A, TOOL_NO, 0 },
		/* mail: DKIM, DMARC, SPF, DNSBL */
		{ "or3wk3tupeqge6lumvzsa33gebqsa23f._domainkey.example.com", DNS_TXT, TOOL_NO, 0 },
		{ "vaaaakaskoq._domainkey.example.com", DNS_TXT, TOOL_NO, 0 },
		{ "_dmarc.example.com", DNS_TXT, TOOL_NO, 0 },
		{ "6.162.223.91.zen.spamhaus.org", DNS_A, TOOL_NO, 0 },
		{ "1.b.2.5.c.6.e.f.f.f.7.e.3.7.2.e.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.origin6.asn.cymru.com",
		  DNS_TXT, TOOL_NO, 0 },
		/* certificates, directories */
		{ "_acme-challenge.example.com", DNS_TXT, TOOL_NO, 0 },
		{ "_ldap._tcp.dc._msdcs.corp.example.com", DNS_SRV, TOOL_NO, 0 },
		{ "_ldap._tcp.3f2504e0-4f89-11d3-9a0c-0305e82c3301.domains._msdcs.corp.example.com",
		  DNS_SRV, TOOL_NO, 0 },
		/* hosts of contents, measurement, antivirus */
		{ "d3f7abcd1234.cloudfront.net", DNS_A, TOOL_NO, 0 },
		{ "ec2-3-120-1-2.eu-central-1.compute.amazonaws.com", DNS_A, TOOL_NO, 0 },
		{ "r3---sn-4g5e6nz7.googlevideo.com", DNS_A, TOOL_NO, 0 },
		{ "4z9p5tjmcbnblehp4557z1d136.avqs.mcafee.com", DNS_A, TOOL_NO, 0 },
		{ "2600a21f4b8f3a7a5d3b1f6d2b8a7c11.safeframe.googlesyndication.com", DNS_A,
		  TOOL_NO, 0 },
		{ "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0.cdn.example.net", DNS_A, TOOL_NO, 0 },
	};
	tools_check(rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tools_are_known_by_their_names),
		cmocka_unit_test(ordinary_names_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
