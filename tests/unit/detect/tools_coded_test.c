/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools_rows.h"

static void messages_are_read_to_the_last_bit(void **state)
{
	(void)state;
	static const struct tools_row rows[] = {
		/* dnscat2: captured */
		{ "0a6803580700000000b5d61cb537f5741b82bc3242ed7032ee2a567d839f."
		  "d523c401145b1a29dc8b43f8a031a38d4fedd2d0a88cbedc845fe3e51e39."
		  "a631ae8007b5a60add8b4821b2.hacker-dnscat.com",
		  DNS_MX, TOOL_SURE, TOOL_DNSCAT2 },
		{ "5d2301340f59af309420872c7ac913512997f5ed0fcea88b85809b88409a."
		  "204065e53a6e177f76cf58cf54f742b7f8e8f7e4650e0969434826a7fd77."
		  "d3da85a9db8ec5654eec23658e3af91afc821fd6c9d276e673e99bd97236."
		  "7561af8ac7a95d6f3b24154469d9c5515826.www.ggy666.tk",
		  DNS_CNAME, TOOL_SURE, TOOL_DNSCAT2 },
		{ "5d8b0165e61592b5e9957e0e1de2ba680f.www.ggy666.tk", DNS_CNAME, TOOL_LIKELY,
		  TOOL_DNSCAT2 },
		{ "5d8b0165e61592b5e9957e0e1de2ba680f.www.ggy666.tk", DNS_A, TOOL_PERHAPS,
		  TOOL_DNSCAT2 },
		/* ... by its protocol */
		{ "1a2b00c0de1f2e0021636f6d6d616e642028686f73742900.example.com", DNS_TXT,
		  TOOL_SURE, TOOL_DNSCAT2 },
		{ "1a2b00c0de1f2e0020.example.com", DNS_TXT, TOOL_LIKELY, TOOL_DNSCAT2 },
		{ "1a2b00c0de1f2e0021636f6d6d616e642028686f73742901.example.com", DNS_TXT,
		  TOOL_PERHAPS, TOOL_DNSCAT2 },
		{ "1a2bff6162636465666768696a6b6c6d6e6f7000.example.com", DNS_TXT, TOOL_SURE,
		  TOOL_DNSCAT2 },
		{ "1a2b03c0de00010000000102030405060708090a0b0c0d0e0f1011121314.15161718191a1b1c1d1e1f."
		  "abc.de",
		  DNS_TXT, TOOL_SURE, TOOL_DNSCAT2 },
		{ "dnscat.1a2b01c0de1f2e0020.example.com", DNS_TXT, TOOL_SURE, TOOL_DNSCAT2 },
		{ "dnscat.example.com", DNS_TXT, TOOL_NO, 0 },
		/* dnstt: the example in its source, a poll, and for another type it is none */
		{ "ingesrkokreujy6zumkse43vobsxey3bnruwm4tbm5uwy2ltoruwgzlyobuwc3d.jmrxwg2lpovzq."
		  "t.example.com",
		  DNS_TXT, TOOL_SURE, TOOL_DNSTT },
		{ "aerukz4jvpg672dbmjrwizlgm5ua.t.example.com", DNS_TXT, TOOL_SURE, TOOL_DNSTT },
		{ "aerukz4jvpg672dbmjrwizlgm5ua.t.example.com", DNS_A, TOOL_NO, 0 },
		/* one segment of KCP; two; a hash with a fitting length; another command; another length */
		{ "aerukz4jvpg67y3bmjrrr356vxpfeaeaabaoeaiaaeaaaaabaaaaaaaaaaaa.t.example.com",
		  DNS_TXT, TOOL_SURE, TOOL_DNSTT },
		{ "aerukz4jvpg67y3bmjrtb356vxpfeaeaabaoeaiaaeaaaaabaaaaaaaaaaao7pv."
		  "n3zjabaaaidracaabaaaaaaiaaaaaaaaaaa.t.example.com",
		  DNS_TXT, TOOL_SURE, TOOL_DNSTT },
		{ "aerukz4jvpg67y3bmjrqg6dzpi.t.example.com", DNS_TXT, TOOL_NO, 0 },
		{ "aerukz4jvpg67y3bmjrrr356vxpfkaeaabaoeaiaaeaaaaabaaaaaaaaaaaa.t.example.com",
		  DNS_TXT, TOOL_NO, 0 },
		{ "aerukz4jvpg67y3bmjrrr356vxpfeaeaabaoeaiaaeaaaaabaaaaaaiaaaaa.t.example.com",
		  DNS_TXT, TOOL_NO, 0 },
		{ "aerukz4jvpg672dbmjrwizlgm5.t.example.com", DNS_TXT, TOOL_NO, 0 },
		{ "or3wk3tupeqge6lumvzsa33gebqsa23f.example.com", DNS_TXT, TOOL_NO, 0 },
		/* Sliver: the first message of a session, tests of the resolver, data, requests for data */
		{ "baakbmp1y218.example.com", DNS_A, TOOL_SURE, TOOL_SLIVER },
		{ "baakbwjq2w.1.example.com", DNS_A, TOOL_SURE, TOOL_SLIVER },
		{ "1cbygb8d342b14km4k5p6xw4.example.com", DNS_A, TOOL_SURE, TOOL_SLIVER },
		{ "ba2bb8zd8rpkk9abd11a76kw6k9p6tv4hdn3pvchhtqqawg97hue5xmqjbwq0yv."
		  "wjnzeza2b85brfb638y24m10gk93rxcw893ffed2n9ugtk36um77fve0z.example.com",
		  DNS_A, TOOL_SURE, TOOL_SLIVER },
		{ "backb8zd8rpkkh8b2cpa2.example.com", DNS_TXT, TOOL_SURE, TOOL_SLIVER },
		{ "baakbmp1y21.example.com", DNS_A, TOOL_NO, 0 },
		{ "baakery.example.com", DNS_A, TOOL_NO, 0 },
		{ "backup2023.example.com", DNS_A, TOOL_NO, 0 },
		{ "bandwagner.example.com", DNS_A, TOOL_NO, 0 },
		/* TUNS: captured; and with another length or checksum */
		{ "dIUAAAPEB55AAAQAGUTEAUAAAAMFAAAAC37CAAFUWWXOOWAAAAAAKAAQUAANVGA."
		  "AAAICACAAEAIEAVWIJ3TLAAAAAAAAQGAYH.tunnel.tuns.org",
		  DNS_CNAME, TOOL_SURE, TOOL_TUNS },
		{ "dIUAAANEB6BAAAQAGUTHQUAAAAMFAAAAC37CAAFUWWXOOYHRPL3VYAEAAFCOUMA."
		  "AAAEAQQCWZBHO2JEGVVUXA0000.tunnel.tuns.org",
		  DNS_CNAME, TOOL_SURE, TOOL_TUNS },
		{ "dIUAAANEB6BAAAQAGUTHQUAAAAMFAAAAC37CAAFUWWXOOYHRPL3VYAEAAFCOUMA."
		  "AAAEAQQCWZBHO2JEGVVU0000.tunnel.tuns.org",
		  DNS_CNAME, TOOL_NO, 0 },
		{ "dIUAAANEB6BAAAQAGUTHQUAAAAMFAAAAC37CAAFUWWXOOYIRPL3VYAEAAFCOUMA."
		  "AAAEAQQCWZBHO2JEGVVUXA0000.tunnel.tuns.org",
		  DNS_CNAME, TOOL_SURE, TOOL_TUNS },
		{ "dIUAAANEB6BAAAQAGUTHQUAABAMFAAAAC37CAAFUWWXOOYHRPL3VYAEAAFCOUMA."
		  "AAAEAQQCWZBHO2JEGVVUXA0000.tunnel.tuns.org",
		  DNS_CNAME, TOOL_NO, 0 },
		/* digests in hexadecimal */
		{ "2fd401c67a2d28fced849ee1bb76e7391b93eb12.example.com", DNS_TXT, TOOL_PERHAPS,
		  TOOL_DNSCAT2 },
		{ "d41d8cd98f00b204e9800998ecf8427e.example.com", DNS_A, TOOL_NO, 0 },
		{ "b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.example.com",
		  DNS_A, TOOL_NO, 0 },
		{ "4996009daf4f9a5d4efbbc86bddeb610.safeframe.googlesyndication.com", DNS_A,
		  TOOL_PERHAPS, TOOL_DNSCAT2 },
	};
	tools_check(rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_read_to_the_last_bit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
