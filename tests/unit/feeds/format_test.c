/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "render.h"

struct row {
	const char *why;
	enum feeds_format format;
	const char *flags; /* e: subdomains false; l: the list only logs */
	const char *text;
	const char *expected;
};

#define D FEEDS_DOMAINS, ""
#define W FEEDS_WILDCARD, ""
#define H FEEDS_HOSTS, ""
#define A FEEDS_ADBLOCK, ""
#define P FEEDS_ADDRESSES, ""
#define Z FEEDS_RPZ, ""
#define R FEEDS_REGEX, ""
#define M FEEDS_DNSMASQ, ""
#define U FEEDS_UNBOUND, ""
#define B FEEDS_BIND, ""
#define C FEEDS_CSV, ""

static const struct row rows[] = {
	/* clang-format off */
	/* ---- domains ---- */
	{ "a name covers what is below it", D, "bad.example", "tree bad.example" },
	{ "subdomains: false", FEEDS_DOMAINS, "e", "bad.example", "exact bad.example" },
	{ "upper case, blanks, dot", D, " \tBAD.Example. ", "tree bad.example" },
	{ "a TLD", D, "zip", "tree zip" },
	{ "underscore", D, "_dmarc.a_b.example", "tree _dmarc.a_b.example" },
	{ "star: only below", D, "*.bad.example", "below bad.example" },
	{ "star stays below without subdomains", FEEDS_DOMAINS, "e", "*.bad.example", "below bad.example" },
	{ "leading dot", D, ".bad.example", "tree bad.example" },
	{ "comments", D, "# a\n; b\n! c\n\n", "" },
	{ "comment behind", D, "bad.example # since 2020", "tree bad.example" },
	{ "comment behind a tab", D, "bad.example\t#x", "tree bad.example" },
	{ "no blank before the mark", D, "bad.example#x", "skip BAD_CHARACTER 1" },
	{ "IPv4", D, "192.0.2.1", "skip ADDRESS 1" },
	{ "IPv6", D, "2001:db8::1", "skip ADDRESS 1" },
	{ "prefix", D, "192.0.2.0/24", "skip ADDRESS 1" },
	{ "old spellings of IPv4", D, "0x5bf076a8\n0056.0151.0121.0114\n12345", "skip ADDRESS 3" },
	{ "digits elsewhere are fine", D, "0.0.0.0.example\n1.2.3.4x\n0xg", "tree 0.0.0.0.example; tree 1.2.3.4x; tree 0xg" },
	{ "URL", D, "http://bad.example/x\nhttps://x y", "skip URL 2" },
	{ "path and port", D, "bad.example/x\nbad.example:80", "skip PATH 2" },
	{ "the root", D, ".\n*.\n*", "skip ROOT 1; skip STAR 2" },
	{ "stars elsewhere", D, "a.*.example\nAd*.example.\n*bad.example # x\n*.*.example\n*ads*.b*c",
		"/(^|\\.)a\\..*\\.example$/; /(^|\\.)Ad.*\\.example$/; /bad\\.example$/; /\\..*\\.example$/; /ads.*\\.b.*c$/" },
	{ "stars without subdomains", FEEDS_DOMAINS, "e", "ad*.example\n*bad.example", "/^ad.*\\.example$/; /bad\\.example$/" },
	{ "stars and too little else", D, "a*.b\n**\n*.c\n*a*", "below c; skip STAR 3" },
	{ "stars and what no name has", D, "ad*.ex/x\n*bad example\nb\xc3\xbc*cher.example", "skip STAR 2; skip WORDS 1" },
	{ "empty labels", D, "a..example\n..example\na.example..", "skip EMPTY_LABEL 3" },
	{ "hosts line", D, "0.0.0.0 bad.example", "skip WORDS 1" },
	{ "AdBlock line", D, "||bad.example^\n@@||a.example^", "skip LOOKS_ADBLOCK 2" },
	{ "HTML", D, "<html>\n<a href=x>", "skip BAD_CHARACTER 1; skip WORDS 1" },
	{ "IDN", D, "b\xc3\xbc" "cher.example", "tree xn--bcher-kva.example" },
	{ "IDN in capitals", D, "B\xc3\x9c" "CHER.example", "tree xn--bcher-kva.example" },
	{ "IDN with star", D, "*.b\xc3\xbc" "cher.example", "below xn--bcher-kva.example" },
	{ "emoji", D, "i\xe2\x9d\xa4.example", "tree xn--i-7iq.example" },
	{ "not UTF-8", D, "b\xfc" "cher.example", "skip IDN 1" },
	{ "IDN that is illegal", D, "-\xc3\xbc-.example", "skip IDN 1" },
	{ "ideographic full stop", D, "a\xe3\x80\x82" "example", "tree a.example" },
	{ "A-label as it is", D, "XN--BCHER-KVA.example", "tree xn--bcher-kva.example" },
	{ "escapes", D, "a\\.b.example\na\\032b.example", "tree a\\046b.example; tree a\\032b.example" },
	{ "bad escape", D, "a\\", "skip BAD_CHARACTER 1" },
	/* ---- wildcard ---- */
	{ "both mean the tree", W, "*.bad.example\nworse.example", "tree bad.example; tree worse.example" },
	{ "subdomains: false", FEEDS_WILDCARD, "e", "*.bad.example", "exact bad.example" },
	{ "stars elsewhere", W, "*.*.example\n*..example\na.*.b\n*", "skip STAR 4" },
	{ "comment", W, "# x\n*.a.example # y", "tree a.example" },
	/* ---- regular expressions ---- */
	{ "as in Pi-hole", R, "^ads?[0-9]*\\.\n(^|\\.)x\\.example$", "/^ads?[0-9]*\\./; /(^|\\.)x\\.example$/" },
	{ "comments and blanks", R, "# a\n\n  ^ads  ", "/^ads/" },
	{ "a number sign later is its own", R, "a#b", "/a#b/" },
	{ "types of questions", R, "^ads;querytype=A,AAAA\n^x;querytype=!TXT", "/^ads/ type 1 type 28; /^x/ !16" },
	{ "a type that is not known", R, "^ads;querytype=WHAT\n^x;querytype=", "skip DNSTYPE 2" },
	{ "what to answer", R, "^a;reply=nodata\n^b;reply=NXDOMAIN;querytype=A\n^c;reply=1.2.3.4", "/^a/ nodata; /^b/ nxdomain type 1; skip REWRITE 1" },
	{ "what does not match", R, "^a;invert", "skip MODIFIER 1" },
	{ "a semicolon that begins no option", R, "a;b", "/a;b/" },
	{ "not understood", R, "(?!a)b\n(a\n[\nb\xc3\xbc" "c", "skip REGEX 4" },
	{ "matches everything", R, "a*\n.*\nads|", "skip REGEX_ALL 3" },
	{ "too large", R, "(a{1,99}){1,99}", "skip REGEX_BUDGET 1" },
	{ "AdBlock: a dollar in an expression", A, "/ads$/\n/^ads$/$important", "/ads$/; /^ads$/!" },
	{ "AdBlock: modifiers of a pattern", A, "/ads/$dnsrewrite=REFUSED\n||ads*.x^$client=1\n||ads*.x^$denyallow=a.x", "/ads/ refused; skip CLIENT 1; skip DENYALLOW 1" },
	{ "AdBlock: a pattern switched off", A, "||ads*.x^\n||ads*.x^$badfilter", "skip BADFILTER 2" },
	{ "AdBlock: an expression that is not understood", A, "/(?=a)/", "skip REGEX 1" },
	{ "AdBlock: too little to go by", A, "||a*b.c^", "skip STAR 1" },
	{ "AdBlock: a part of a name is for pages", A, "-ads-", "skip PATTERN 1" },
	{ "AdBlock: a pattern that excepts", A, "@@||good*.example^", "/(^|\\.)good.*\\.example$/ allow" },
	/* ---- hosts ---- */
	{ "several names", H, "0.0.0.0 a.example b.example\tc.example", "exact a.example; exact b.example; exact c.example" },
	{ "sinks", H, "127.0.0.1 a.b\n::1 c.d\n:: e.f\n127.1.2.3 g.h\n0 i.j\n0:0:0:0:0:0:0:1 k.l",
		"exact a.b; exact c.d; exact e.f; exact g.h; exact i.j; exact k.l" },
	{ "comments", H, "# x\n0.0.0.0 a.example # why\n0.0.0.0 b.example#why", "exact a.example; exact b.example" },
	{ "local names", H, "127.0.0.1 localhost localhost.localdomain\n255.255.255.255 broadcasthost\n"
		"fe80::1%lo0 localhost\nff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0\n::1 IP6-LOOPBACK", "skip LOCAL_NAME 7" },
	{ "real addresses are local data", H, "192.0.2.1 a.example b.example", "skip NOT_SINK 1" },
	{ "bare name", H, "a.example\nlocalhost", "exact a.example; skip LOCAL_NAME 1" },
	{ "bare words", H, "a.example b.example", "skip WORDS 1" },
	{ "no name", H, "0.0.0.0\n127.0.0.1 # x", "skip NO_NAME 2" },
	{ "one bad name of two", H, "0.0.0.0 a..b ok.example 1.2.3.4", "exact ok.example; skip EMPTY_LABEL 1; skip ADDRESS 1" },
	{ "names that look like addresses", H, "beef.example\ndead:beef", "exact beef.example; skip PATH 1" },
	/* ---- addresses ---- */
	{ "addresses and prefixes", P, "192.0.2.1\n198.51.100.0/24\n2001:db8::1\n2001:db8::/32",
		"192.0.2.1/32; 198.51.100.0/24; 2001:db8::1/128; 2001:db8::/32" },
	{ "comments", P, "# a\n; b\n192.0.2.0/24 ; SBL1\n192.0.2.1 # x", "192.0.2.0/24; 192.0.2.1/32" },
	{ "host bits", P, "192.0.2.1/24", "skip HOST_BITS 1" },
	{ "range that is a prefix", P, "192.0.2.0-192.0.2.255", "192.0.2.0/24" },
	{ "range of several", P, "192.0.2.1 - 192.0.2.6", "192.0.2.1/32; 192.0.2.2/31; 192.0.2.4/31; 192.0.2.6/32" },
	{ "range of one", P, "192.0.2.7-192.0.2.7", "192.0.2.7/32" },
	{ "IPv6 range", P, "2001:db8::-2001:db8::3", "2001:db8::/126" },
	{ "range of too many", P, "10.0.0.1-10.255.255.254", "skip RANGE 1" },
	{ "range backwards or mixed", P, "192.0.2.9-192.0.2.1\n192.0.2.1-2001:db8::", "skip NOT_ADDRESS 2" },
	{ "range to the last address", P, "255.255.255.254-255.255.255.255", "255.255.255.254/31" },
	{ "everything", P, "0.0.0.0/0\n::/0\n0.0.0.0-255.255.255.255", "skip EVERYTHING 3" },
	{ "IPv6 range over the mapped addresses", P, "::fffe:ffff:ffff-::1:0:0:0", "skip RANGE 1" },
	{ "not addresses", P, "bad.example\n1.2.3\n1.2.3.4/33\n1.2.3.4:80\n01.2.3.4\n-", "skip NOT_ADDRESS 6" },
	/* ---- dnsmasq ---- */
	{ "the ways to block", M, "address=/a.b/\naddress=/b.c/0.0.0.0\naddress=/c.d/#\naddress=/d.e/::\nlocal=/e.f/\nserver=/f.g/\n# x\naddress=/g.h/127.0.0.1 # x",
		"tree a.b; tree b.c; tree c.d; tree d.e; tree e.f; tree f.g; tree g.h" },
	{ "several names", M, "address=/a.b/B.c/.c.d/*.d.e/0.0.0.0", "tree a.b; tree b.c; tree c.d; below d.e" },
	{ "exceptions", M, "server=/good.a.b/#\n", "tree good.a.b allow" },
	{ "a star in front", M, "address=/*ads.example/a.b/#\nserver=/*good.example/#\nlocal=/a*ds.example/",
		"/ads\\.example$/; tree a.b; /good\\.example$/ allow; skip STAR 1" },
	{ "exceptions of a list that logs", FEEDS_DNSMASQ, "l", "server=/good.a.b/#\n", "skip LOG_EXCEPTION 1" },
	{ "what blocks nothing", M, "address=/a.b/192.0.2.1\nserver=/a.b/192.0.2.1\nserver=192.0.2.1\ncache-size=1", "skip NOT_SINK 1; skip OPTION 2; skip FORWARDING 1" },
	{ "everything", M, "address=/#/0.0.0.0\nlocal=//\naddress=/*/", "skip ROOT 1; skip STAR 1; skip NO_NAME 1" },
	{ "malformed", M, "address=/a.b\nlocal=/\nbad.example\n<html>", "skip NOT_FORMAT 4" },
	{ "not names", M, "local=/1.2.3.4/\nlocal=/a..b/c.d/", "tree c.d; skip EMPTY_LABEL 1; skip ADDRESS 1" },
	/* ---- unbound ---- */
	{ "types", U, "server:\n# x\nlocal-zone: \"a.b\" always_nxdomain\n  local-zone: 'b.c' static\nlocal-zone: c.d redirect\nlocal-zone: \"d.e.\" always_null # x\n"
		"local-zone: \"e.f\" always_nodata\nlocal-zone: \"f.g\" refuse\nlocal-zone: \"g.h\" deny\nlocal-zone: \"h.i\" transparent\nlocal-zone: i.j inform",
		"tree a.b; tree b.c; tree c.d; tree d.e; tree e.f nodata; tree f.g refused; tree g.h drop; tree h.i allow; tree i.j log" },
	{ "other types and options", U, "local-zone: \"a.b\" nodefault\nlocal-zone: a.b foo\ninterface: 1.2.3.4\ninclude: x", "skip OPTION 4" },
	{ "local data", U, "local-data: \"a.b A 0.0.0.0\"\nlocal-data: 'a.c 60 IN AAAA ::'\nlocal-data: \"a.d A 192.0.2.1\"\nlocal-data: \"a.e TXT x\"\nlocal-data: x",
		"exact a.b; exact a.c; skip NOT_SINK 3" },
	{ "malformed", U, "local-zone: \"a.b\nlocal-zone: a.b\nlocal-zone: a.b static x\nlocal-data:\nbad.example\n<a b: c>", "skip NOT_FORMAT 6" },
	{ "not names", U, "local-zone: \"1.2.3.4\" static\nlocal-zone: \".\" static", "skip ROOT 1; skip ADDRESS 1" },
	/* ---- bind ---- */
	{ "zones", B, "# x\n// y\n/* z */\nzone \"A.b\" { type master; notify no; file \"null.zone.file\"; };\nzone \"b.c\" IN {type primary; file \"x\";};", "tree a.b; tree b.c" },
	{ "other zones", B, "zone \"a.b\" { type forward; };\nzone \"a.b\" {", "skip OPTION 2" },
	{ "malformed", B, "zone a.b { type master; };\nzone \"a.b\noptions {\n};", "skip NOT_FORMAT 4" },
	{ "not names", B, "zone \"1.2.3.4\" { type master; };", "skip ADDRESS 1" },
	/* ---- csv; values have rows in value_test.c, columns in csv_test.c ---- */
	{ "the first column", C, "# x\nbad.example,1\n\n\"worse.example\",\"a, b\"\n192.0.2.1,x", "tree bad.example; tree worse.example; answer 192.0.2.1/32" },
	{ "titles", C, "Domain Name,Date\nbad.example,1", "tree bad.example" },
	{ "quotes", C, "\"a.b\"\n\"a\"\"b\",x\n\"c.d", "tree a.b; skip BAD_CHARACTER 1; skip QUOTE 1" },
	{ "empty values", C, "a.b\n,x\n \n\"\",y", "tree a.b; skip NO_VALUE 2" },
	/* ---- rpz; what records mean has rows in rpz_rule_test.c ---- */
	{ "a zone as publishers write it", Z, "$TTL 30\n@ IN SOA rpz.example. hostmaster.rpz.example. 1647216695 86400 3600 600 30\n NS localhost.\n\n; x\n"
		"bad.example CNAME .\n*.bad.example CNAME .\n", "exact bad.example nxdomain; below bad.example nxdomain; skip RPZ_APEX 2" },
	{ "all triggers and actions", Z, "a.b CNAME rpz-passthru.\n24.0.2.0.192.rpz-ip CNAME rpz-drop.\n32.1.2.0.192.rpz-client-ip CNAME rpz-tcp-only.\n"
		"ns.x.rpz-nsdname CNAME *.\n48.zz.1.db8.2001.rpz-nsip CNAME .\nb.c CNAME *.garden.example.\nc.d CNAME garden.example.\n",
		"exact a.b allow; answer 192.0.2.0/24 drop; client 192.0.2.1/32 truncate; server exact ns.x nodata; server 2001:db8:1::/48 nxdomain; "
		"exact b.c redirect to *.garden.example; exact c.d redirect to garden.example" },
	{ "records of one owner are one rule", Z, "a.b 60 A 192.0.2.2\n\tA 192.0.2.1\n\t30 A 192.0.2.3\n TXT \"hi\"\nb.c A 192.0.2.1\n",
		"exact a.b records 1/30/4 1/30/4 1/30/4 16/300/3; exact b.c records 1/300/4" },
	{ "also when they are strewn", Z, "a.b A 192.0.2.2\nb.c CNAME .\na.b A 192.0.2.1\nc.d CNAME .\na.b TXT x",
		"exact b.c nxdomain; exact c.d nxdomain; exact a.b records 1/300/4 1/300/4 16/300/2" },
	{ "Z4 and Z5, strewn", Z, "a.b CNAME .\nb.c A 192.0.2.1\na.b CNAME .\nb.c CNAME .\na.b CNAME rpz-drop.\na.b A 192.0.2.1\nx.y CNAME .",
		"exact x.y nxdomain; exact a.b nxdomain; exact b.c records 1/300/4; skip RPZ_CONFLICT 3; skip DUPLICATE 1" },
	{ "Z4 and Z5, together", Z, "a.b CNAME .\na.b CNAME .\nA.B CNAME rpz-drop.\na.b A 192.0.2.1\n", "exact a.b nxdomain; skip RPZ_CONFLICT 2; skip DUPLICATE 1" },
	{ "Z3: outside; $ORIGIN", Z, "$ORIGIN rpz.example.\n@ SOA a. b. 1 2 3 4 5\nx CNAME .\ny.test. CNAME .\nz.rpz.example. CNAME .\n$ORIGIN sub.rpz.example.\nz CNAME .\n",
		"exact x nxdomain; exact z nxdomain; exact z.sub nxdomain; skip RPZ_APEX 1; skip RPZ_OUTSIDE 1" },
	{ "absolute names, apex from the SOA", Z, "rpz.example. 60 IN SOA a. b. 1 2 3 4 5\nx.rpz.example. 60 IN CNAME .\ny. CNAME .\n", "exact x nxdomain; skip RPZ_APEX 1; skip RPZ_OUTSIDE 1" },
	{ "Z2: types that mean nothing", Z, "a.b NS x.\na.b DNAME x.\na.b DS 1 8 2 aa\na.b A 192.0.2.1\n", "exact a.b records 1/300/4; skip RPZ_TYPE 3" },
	{ "Z7: what is not known", Z, "$ORIGIN t.\na.rpz-foo CNAME .\nb CNAME rpz-bar.\nc CNAME rpz-passthru.x.\nd CNAME rpz-passthru\n", "skip RPZ_TRIGGER 1; skip RPZ_TARGET 3" },
	{ "Z9, Z11", Z, "1.2.0.192.rpz-ip CNAME .\n8.2.0.0.10.rpz-client-ip CNAME .\nok CNAME .\n", "exact ok nxdomain; skip HOST_BITS 1; skip RPZ_ADDRESS 1" },
	{ "a bad line costs itself", Z, "a CNAME .\nb CNAME\nc A 1.2.3\nd.. CNAME .\n$FOO x\ne CNAME . x\nf CNAME .\n", "exact a nxdomain; exact f nxdomain; skip SYNTAX 5" },
	{ "$INCLUDE", Z, "$INCLUDE /etc/passwd\na CNAME .\n", "exact a nxdomain; skip INCLUDE 1" },
	{ "another class", Z, "a CH TXT x\nb CNAME .\n", "exact b nxdomain; skip SYNTAX 1" },
	{ "entries of several lines", Z, "@ SOA a. b. (\n 1 ; serial\n 2 3 4 5 )\na CNAME ( . ; x\n)\nb ( CNAME . )\n", "exact a nxdomain; exact b nxdomain; skip RPZ_APEX 1" },
	{ "parentheses in strings and comments", Z, "a TXT \"(\"\nb TXT \\(\nc CNAME . ; (\nd CNAME .\n", "exact a records 16/300/2; exact b records 16/300/2; exact c nxdomain; exact d nxdomain" },
	{ "a parenthesis that nothing closes", Z, "a A (\nb CNAME .\nc CNAME .\n", "exact b nxdomain; exact c nxdomain; skip UNCLOSED 1" },
	{ "two of them", Z, "a A (\nb CNAME .\nc A (\nd CNAME .\n", "exact b nxdomain; exact d nxdomain; skip UNCLOSED 2" },
	{ "an error between parentheses", Z, "a A ( x\n )\nb A ( 1.2 )\nc CNAME .\n", "exact c nxdomain; skip SYNTAX 2" },
	{ "one that closes nothing", Z, "a CNAME . )\nb CNAME .\n", "exact b nxdomain; skip SYNTAX 1" },
	{ "a blank line's owner", Z, "a CNAME .\n A 192.0.2.1\n", "exact a nxdomain; skip RPZ_CONFLICT 1" },
	{ "no owner yet", Z, " CNAME .\na CNAME .\n", "exact a nxdomain; skip SYNTAX 1" },
	{ "every name", Z, "* CNAME rpz-passthru.\n*.rpz-nsdname CNAME .\n", "below . allow; server below . nxdomain" },
	{ "NUL, garbage", Z, "<html>\n<p>x</p>\n", "skip SYNTAX 2" },
	/* ---- adblock ---- */
	{ "the usual rule", A, "[Adblock Plus]\n! x\n# y\n||ads.example^", "tree ads.example" },
	{ "forms of the tree", A, "||a.example^|\n||b.example|\n||c.example\n||zip^", "tree a.example; tree b.example; tree c.example; tree zip" },
	{ "forms of the exact name", A, "|a.example^\n|b.example|\nc.example", "exact a.example; exact b.example; exact c.example" },
	{ "only below", A, "||*.a.example^\n.b.example^\n*.c.example", "below a.example; below b.example; below c.example" },
	{ "no anchor in front", A, "a.example^\nb.example$important", "tree a.example; tree! b.example" },
	{ "no end behind", A, "|a.example\n||ads.", "/^a\\.example/; /(^|\\.)ads\\./" },
	{ "texts that are not names", A, "/banner/ad\n&ad=\nads\n-ads.example^\n_ads.example\nad?x\n||a.example^b\n*", "skip PATTERN 8" },
	{ "stars inside", A, "||ads*.example^\n||a.*^\n||*^", "/(^|\\.)ads.*\\.example$/; skip STAR 2" },
	{ "paths and ports", A, "||a.example/x\n||a.example:8080^\n||a.example/^$all", "skip PATH 3" },
	{ "URLs", A, "|https://a.example^\n://b.example^\nhttp://c.example", "skip URL 3" },
	{ "regular expressions", A, "/ads[0-9]+/\n/^x/$important\n@@/y/", "/ads[0-9]+/; /^x/!; /y/ allow" },
	{ "cosmetic", A, "##.ad\na.example##.ad\na.example#@#.ad\na.example#?#x\na.example#$#x\na.example$$script", "skip COSMETIC 6" },
	{ "banner of a comment", A, "## Title\n#### x ####\n#", "" },
	{ "addresses", A, "||192.0.2.1^\n||192.0.2.1$all\n||0x5bf076a8$all", "skip ADDRESS 3" },
	{ "hosts lines", A, "0.0.0.0 a.example b.example\n::1 localhost", "exact a.example; exact b.example; skip LOCAL_NAME 1" },
	{ "garbage", A, "<html>\n<p>x</p>\nhello world.example", "skip BAD_CHARACTER 3" },
	{ "exception", A, "@@||a.example^\n@@|b.example^\n@@||*.c.example^", "tree a.example allow; exact b.example allow; below c.example allow" },
	{ "exception without anchors", A, "@@a.example", "tree a.example allow" },
	{ "exception for pages only", A, "@@||a.example^$document\n||b.example^$document", "tree b.example; skip MODIFIER 1" },
	{ "$all", A, "||a.example$all\n||b.example^$all,important", "tree a.example; tree! b.example" },
	{ "$important", A, "||a.example^$important\n@@||b.example^$important", "tree! a.example; tree! b.example allow" },
	{ "modifiers of browsers", A, "||a.example^$third-party\n||a.example^$script,image\n||a.example^$domain=b.example\n||a.example^$~all", "skip MODIFIER 4" },
	{ "malformed modifiers", A, "||a.example^$\n||a.example^$important=1\n||a.example^$,", "skip MODIFIER 3" },
	{ "clients", A, "||a.example^$client=10.0.0.1\n||a.example^$ctag=x,important", "skip CLIENT 2" },
	{ "types", A, "||a.example^$dnstype=AAAA\n||b.example^$dnstype=~A|~AAAA\n|c.example^$dnstype=TXT|NULL|TYPE65399",
		"tree a.example type 28; tree b.example !1 !28; exact c.example type 16 type 10 type 65399" },
	{ "types and what to answer", A, "||a.example^$dnstype=A,dnsrewrite=192.0.2.1\n||b.example^$dnsrewrite=x.example,dnstype=~A\n||c.example^$dnstype=A,dnsrewrite=REFUSED",
		"tree a.example address 192.0.2.1 type 1; tree b.example redirect to x.example !1; tree c.example refused type 1" },
	{ "types and names that are let through", A, "||a.example^$dnstype=A,denyallow=x.a.example",
		"tree a.example type 1; tree x.a.example allow type 1" },
	{ "types of patterns", A, "/^ads/$dnstype=A\n||ads*.x^$dnstype=~A|~TXT\n@@/^x/$dnstype=MX",
		"/^ads/ type 1; /(^|\\.)ads.*\\.x$/ !1 !16; /^x/ allow type 15" },
	{ "types that are excepted for all", A, "||x.a.example^$dnstype=A\n@@||a.example^", "tree a.example allow; skip EXCEPTED 1" },
	{ "types that are not understood", A, "||a.example^$dnstype=\n||a.example^$dnstype=WHAT\n||a.example^$dnstype=A|~AAAA\n||a.example^$dnstype=A||AAAA\n"
		"||a.example^$dnstype=A|B|C\n||a.example^$dnstype=A,dnstype=AAAA\n||a.example^$dnstype=A|AAAA|MX|TXT|NS|SOA|PTR|SRV|NULL", "skip DNSTYPE 7" },
	{ "types of what a list takes back of itself", A, "@@||a.example^$dnstype=A\n||a.example^$important,dnstype=A\n||a.example^$foo,dnstype=A",
		"tree! a.example type 1; skip MODIFIER 1; skip EXCEPTED 1" },
	{ "an exception for a type", A, "||a.example^\n@@||a.example^$dnstype=AAAA",
		"tree a.example !28; tree a.example allow type 28" },
	{ "it holds at any depth below", A, "||x.a.example^\n||y.a.example^$dnstype=A\n||z.a.example^$dnstype=~A\n@@*.a.example^$dnstype=A|TXT\n||a.example^",
		"tree x.a.example !1 !16; tree z.a.example !1 !16; below a.example allow type 1 type 16; tree a.example; skip EXCEPTED 1" },
	{ "for all types but one, and hosts", A, "0.0.0.0 a.example\n@@||a.example^$dnstype=~A\n0.0.0.0 b.example",
		"exact a.example type 1; tree a.example allow !1; exact b.example" },
	{ "what is important for a type", A, "@@||x.a.example^\n||a.example^$important,dnstype=TXT",
		"tree x.a.example allow !16; tree! a.example type 16" },
	{ "two exceptions", A, "||a.example^\n@@||a.example^$dnstype=A\n@@||a.example^$dnstype=~A",
		"tree a.example allow type 1; tree a.example allow !1; skip EXCEPTED 1" },
	{ "an exception for a type, switched off", A, "||a.example^\n@@||a.example^$dnstype=A\n@@||a.example^$dnstype=A,badfilter",
		"tree a.example; skip BADFILTER 2" },
	{ "a rewrite that is taken back for a type", A, "||a.example^$dnsrewrite=192.0.2.1\n@@||a.example^$dnsrewrite,dnstype=AAAA",
		"tree a.example address 192.0.2.1 !28; skip EXCEPTED 1" },
	{ "more exceptions than a rule can leave out", A, "||a.example^\n@@||a.example^$dnstype=A|AAAA|MX|TXT|NS|SOA|PTR|SRV\n@@||a.example^$dnstype=NULL",
		"tree a.example allow type 1 type 28 type 15 type 16 type 2 type 6 type 12 type 33; tree a.example allow type 10; skip DNSTYPE 1" },
	{ "rewrites by code", A, "||a.example^$dnsrewrite=NXDOMAIN\n||b.example^$dnsrewrite=REFUSED\n||c.example^$dnsrewrite=NOERROR;;\n||d.example^$dnsrewrite=NXDOMAIN;;",
		"tree a.example nxdomain; tree b.example refused; tree c.example nodata; tree d.example nxdomain" },
	{ "rewrites to addresses", A, "||a.example^$dnsrewrite=192.0.2.1\n||b.example^$dnsrewrite=NOERROR;AAAA;2001:db8::1\n|c.example^$dnsrewrite=NOERROR;A;192.0.2.1,important",
		"tree a.example address 192.0.2.1; tree b.example address 2001:db8::1; exact! c.example address 192.0.2.1" },
	{ "rewrites to names", A, "||a.example^$dnsrewrite=Safe.example\n||b.example^$dnsrewrite=NOERROR;CNAME;c.example.",
		"tree a.example redirect to safe.example; tree b.example redirect to c.example" },
	{ "rewrites without a counterpart", A, "||a.example^$dnsrewrite\n||a.example^$dnsrewrite=SERVFAIL\n||a.example^$dnsrewrite=NOERROR;MX;10 x\n"
		"||a.example^$dnsrewrite=NOERROR;A;2001:db8::1\n||a.example^$dnsrewrite=NXDOMAIN;A;192.0.2.1\n||a.example^$dnsrewrite=nxdomain\n||a.example^$dnsrewrite=;;",
		"skip REWRITE 7" },
	{ "denyallow below the name", A, "||a.example^$denyallow=x.a.example|y.a.example", "tree a.example; tree x.a.example allow; tree y.a.example allow" },
	{ "denyallow elsewhere", A, "||a.example^$denyallow=b.example\n||a.example^$denyallow=a.example\n||a.example^$denyallow=x.a.example|\n||a.example^$denyallow=\n*$denyallow=com|net",
		"tree a.example; tree x.a.example allow; skip PATTERN 1; skip DENYALLOW 3" },
	/* ---- adblock: what a list takes back of itself ---- */
	{ "an exception holds at any depth", A, "||x.a.example^\n||a.example^\n||y.x.a.example^\n@@||a.example^", "tree a.example allow; skip EXCEPTED 3" },
	{ "and not above", A, "||example^\n@@||a.example^", "tree example; tree a.example allow" },
	{ "but important blocks stand", A, "||x.a.example^$important\n@@||a.example^", "tree! x.a.example; tree a.example allow" },
	{ "unless the exception is important too", A, "||x.a.example^$important\n@@||a.example^$important", "tree! a.example allow; skip EXCEPTED 1" },
	{ "an important block holds at any depth", A, "||a.example^$important\n@@||x.a.example^", "tree! a.example; skip EXCEPTED 1" },
	{ "an exact exception leaves the tree", A, "||a.example^\n|a.example^\n@@|a.example^", "tree a.example; exact a.example allow; skip EXCEPTED 1" },
	{ "an exception for below", A, "||a.example^\n||x.a.example^\n@@||*.a.example^", "tree a.example; below a.example allow; skip EXCEPTED 1" },
	{ "exceptions hold for hosts lines", A, "0.0.0.0 x.a.example\n@@||a.example^", "tree a.example allow; skip EXCEPTED 1" },
	{ "exceptions hold for rewrites", A, "||x.a.example^$dnsrewrite=192.0.2.1\n@@||a.example^", "tree a.example allow; skip EXCEPTED 1" },
	{ "taking back rewrites only", A, "||a.example^$dnsrewrite=192.0.2.1\n||a.example^\n@@||a.example^$dnsrewrite", "tree a.example; skip EXCEPTED 2" },
	{ "taking back one of several", A, "@@||a.example^$dnsrewrite=192.0.2.1", "skip REWRITE 1" },
	{ "badfilter", A, "||a.example^\n||a.example^$important\n||a.example^$badfilter", "tree! a.example; skip BADFILTER 2" },
	{ "badfilter with modifiers", A, "||a.example^\n||a.example^$important\n||a.example^$badfilter,important", "tree a.example; skip BADFILTER 2" },
	{ "badfilter of an exception", A, "||x.a.example^\n@@||a.example^\n@@||a.example^$badfilter", "tree x.a.example; skip BADFILTER 2" },
	{ "a list that only logs grants nothing", FEEDS_ADBLOCK, "l", "||a.example^\n||x.b.example^\n@@||b.example^\n||c.example^$denyallow=d.c.example",
		"tree a.example; tree c.example; skip LOG_EXCEPTION 1; skip EXCEPTED 1" },
	/* clang-format on */
};

static void lines_become_rules(void **state)
{
	(void)state;
	static struct render o;
	static struct feeds_report report;
	unsigned n_wrong = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		render_list(r->format, r->flags, r->text, strlen(r->text), &o, &report);
		if (strcmp(o.text, r->expected) == 0)
			continue;
		print_error("%s: %s\n  expected: %s\n  got:      %s\n",
		            feeds_format_name(r->format), r->why, r->expected, o.text);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
}

static void limits_of_names(void **state)
{
	(void)state;
	static struct render o;
	static struct feeds_report report;
	char text[300];
	memset(text, 'a', sizeof text);
	render_list(FEEDS_DOMAINS, "", text, 63, &o, &report);
	assert_int_equal(report.names, 1);
	render_list(FEEDS_DOMAINS, "", text, 64, &o, &report);
	assert_string_equal(o.text, "skip LABEL_LENGTH 1");
	for (size_t i = 1; i < sizeof text; i += 2)
		text[i] = '.';
	render_list(FEEDS_DOMAINS, "", text, 253, &o, &report); /* 127 labels: 255 bytes */
	assert_int_equal(report.names, 1);
	render_list(FEEDS_DOMAINS, "", text, 254, &o, &report); /* and the dot of the root */
	assert_int_equal(report.names, 1);
	render_list(FEEDS_DOMAINS, "", text, 255, &o, &report);
	assert_string_equal(o.text, "skip NAME_LENGTH 1");
	render_list(FEEDS_DOMAINS, "", "a\0b", 3, &o, &report);
	assert_string_equal(o.text, "skip NUL 1");
}

static void formats_and_matches(void **state)
{
	(void)state;
	enum feeds_format f;
	assert_int_equal(feeds_format_from_text("adblock", &f), 0);
	assert_int_equal(f, FEEDS_ADBLOCK);
	assert_string_equal(feeds_format_name(f), "adblock");
	assert_true(feeds_format_from_text("rpz2", &f) < 0);
	assert_true(feeds_format_suits(FEEDS_DOMAINS, POLICY_MATCH_NAME));
	assert_true(feeds_format_suits(FEEDS_DOMAINS, POLICY_MATCH_NAMESERVER));
	assert_false(feeds_format_suits(FEEDS_DOMAINS, POLICY_MATCH_ANSWER));
	assert_true(feeds_format_suits(FEEDS_ADDRESSES, POLICY_MATCH_ANSWER));
	assert_true(feeds_format_suits(FEEDS_ADDRESSES, POLICY_MATCH_NAMESERVER));
	assert_false(feeds_format_suits(FEEDS_ADDRESSES, POLICY_MATCH_NAME));
}

static void special_space_is_suspicious(void **state)
{
	(void)state;
	static struct render o;
	static struct feeds_report report;
	static const char special[] =
		"10.0.0.0/8\n127.0.0.1\n169.254.1.1\n172.16.0.1\n192.168.1.0/24\n"
		"100.64.0.1\n224.0.0.1\n::1\nfe80::1\nfd00::/8\nff02::1\n0.0.0.0";
	static const char others[] =
		"9.255.255.255\n172.32.0.1\n100.128.0.1\n2001:db8::1\n192.0.2.1";
	render_list(FEEDS_ADDRESSES, "", special, sizeof special - 1, &o, &report);
	assert_int_equal(report.prefixes, 12);
	assert_int_equal(report.suspicious, 12);
	render_list(FEEDS_ADDRESSES, "", others, sizeof others - 1, &o, &report);
	assert_int_equal(report.prefixes, 5);
	assert_int_equal(report.suspicious, 0);
}

int main(void)
{
	const struct siphash_key key = { 1, 2 };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_rules),
		cmocka_unit_test(limits_of_names),
		cmocka_unit_test(formats_and_matches),
		cmocka_unit_test(special_space_is_suspicious),
	};
	name_set_hash_key(&key);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
