/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

/* A folder with the files that rows name: good.txt, hints, folder/, secret (unreadable). */
static char folder[] = "/tmp/weir-config-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	char path[256];
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	write_file("good.txt", "example.com\n");
	write_file("hints", ". NS a.test.\na.test. A 127.0.0.1\n");
	write_file("badhints", ". NS a.test.\nhuh\n");
	snprintf(path, sizeof path, "%s/folder", folder);
	return mkdir(path, 0700);
}

static int tear_down(void **state)
{
	static const char *const names[] = { "good.txt",  "hints",  "badhints",
		                             "weir.yaml", "secret", "fifo" };
	char path[256];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/folder", folder);
	rmdir(path);
	return rmdir(folder);
}

static int load(const char *text, size_t n, struct config **ret, struct config_problems *problems)
{
	char path[256];
	snprintf(path, sizeof path, "%s/weir.yaml", folder);
	return config_load_text(path, text, n, ret, problems);
}

/* ---- what is wrong, and where ---- */

struct row {
	const char *text;
	/* "LINE:COLUMN: a part of the text", each problem one line; "" for none. */
	const char *problems;
};

#define LIST  "lists: [{name: a, file: good.txt"
#define GROUP "groups: [{name: g, clients: [127.0.0.1]"

/* clang-format off */
static const struct row rows[] = {
	/* good ones */
	{ "{}", "" },
	{ "server:\nresolver:\ncache:\nlists:\ngroups:\nevents:\n", "" },
	{ "\xef\xbb\xbf" "cache: {size: 1MiB}\r\n", "" },
	{ "---\ncache: {size: 64MiB}\n...\n", "" },
	{ "server:\n  listen:\n    - ::1@53\n    - \"[::1]:54\"\n    - 127.0.0.1\n", "" },
	{ "server: {workers: \"4\"}", "" },
	{ "resolver: {ipv4: yes, ipv6: off, root-hints: hints, trust-anchors: none}", "" },
	{ LIST ", match: nameserver, format: hosts}]", "" },
	{ LIST ", action: redirect, target: x.example}]\n" GROUP ", lists: [a]}]", "" },

	/* the file as a whole */
	{ "", "1:1: the file is empty" },
	{ "# nothing\n", "1:1: the file is empty" },
	{ "~", "1:1: the file is empty" },
	{ "hello", "1:1: a text stands where keys" },
	{ "\n- a\n", "2:1: a list stands where keys" },
	{ "{}\n---\n{}\n", "3:1: a second document" },

	/* syntax */
	{ "server:\n\tworkers: 1\n", "2:1: YAML: a tab" },
	{ "server:\n  workers: 1\n  \tlisten: []\n", "3:3: YAML: a tab" },
	{ "server: {workers: 1\n", "2:1: YAML: did not find expected ',' or '}'" },
	{ "server:\n  workers: 1\n listen: []\n", "3:2: YAML: did not find expected key" },
	{ "cache: size: 1MiB\n", "1:12: YAML: mapping values are not allowed" },
	{ "control: \"abc\n", "2:1: YAML: found unexpected end of stream" },
	{ "control: @x\n", "1:10: YAML: found character that cannot start any token" },
	{ "a: \x01\n", "1:4: YAML: control characters are not allowed; the file must be UTF-8" },
	{ "a: 1\nb: \xff\n", "2:4: YAML: invalid leading UTF-8 octet" },
	{ GROUP "}, {clients: [::1]}]",
	  "1:54: YAML: a text cannot begin with ':' here; put it in quotes" },

	/* what of YAML is refused */
	{ "server: &a\n  workers: 1\nresolver: *a\n",
	  "1:9: the anchor 'a' is not supported\n3:11: the alias 'a' is not supported" },
	{ "server:\n  <<: {workers: 1}\n", "2:3: merge keys ('<<') are not supported" },
	{ "control: !!str x\n", "1:10: the tag 'tag:yaml.org,2002:str' is not supported" },
	{ "control: \"a\\0b\"\n", "1:10: a NUL byte" },
	{ "[a]: 1\n", "1:1: a list or map stands where a key should be" },
	{ "a: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]", "1:1: unknown key 'a'\n1:11: nested more than 8 deep" },

	/* alerts */
	{ "alerts: [{name: a, to: \"https://h.example/x\"}, {name: b, to: \"tls://h:1\"}]", "" },
	{ "alerts: [{name: a, to: ftp://x}]", "1:24: alerts[].to: 'ftp://x': begin with https://" },
	{ "alerts: [{name: a, to: tcp://x}, {name: a, to: tcp://y}]",
	  "1:41: alerts[].name: 'a' is the name of the destination in line 1 already" },
	{ "alerts: [{name: a, to: tcp://x, secret: y, format: slack}]",
	  "1:41: alerts[].secret is of webhooks\n1:52: alerts[].format is of webhooks" },
	{ "alerts: [{name: a, to: udp://x, ca: good.txt, tls-name: x}]",
	  "1:37: alerts[].ca is of https:// and tls://\n1:57: alerts[].tls-name is of syslog over TLS" },
	{ "alerts: [{name: a, to: \"udp://x\", tls-certificate: good.txt, tls-key: good.txt}]",
	  "1:52: alerts[].tls-certificate is of https:// and tls://" },
	{ "alerts: [{name: a, to: \"tls://x\", tls-key: good.txt}]",
	  "1:44: alerts[]: a certificate is of use with its key only" },
	{ "alerts: [{name: a, to: http://x, headers: [b]}]",
	  "1:24: alerts[].to: whoever is on the way to x\n1:44: alerts[].headers: write" },
	{ "alerts: [{name: a, to: https://x, secret: y, secret-file: good.txt}]",
	  "1:43: alerts[]: write one of 'secret' and 'secret-file'" },

	/* keys */
	{ "server:\n  wrokers: 1\n", "2:3: unknown key 'wrokers' in server; did you mean 'workers'?" },
	{ "sever: {}\n", "1:1: unknown key 'sever' at the top; did you mean 'server'?" },
	{ "listen: []\n", "1:1: unknown key 'listen' at the top; did you mean 'lists'?" },
	{ "upstream-port: 53\n", "1:1: unknown key 'upstream-port' at the top; it belongs in resolver" },
	{ "cache: {state: x}\n", "1:9: unknown key 'state' in cache; it belongs at the top" },
	{ "cache: {control: x}\n", "1:9: unknown key 'control' in cache; it belongs at the top" },
	{ "cache: {colour: red}\n", "1:9: unknown key 'colour' in cache; known are size" },
	{ "cache: {\"\\e[31m\": red}\n", "1:9: unknown key '\\x1b[31m' in cache" },
	{ "cache:\n  size: 1MiB\n  size: 2MiB\n",
	  "3:3: the key 'size' stands here a second time, the first is in line 2" },
	{ "cache: {}\ncache: {}\n", "2:1: the key 'cache' stands here a second time" },
	{ "lists: []\nlists: []\n", "2:1: the key 'lists' stands here a second time" },

	/* types and ranges */
	{ "server: 5\n", "1:9: server: a text stands where keys should be" },
	{ "server: [a]\n", "1:9: server: a list stands where keys should be" },
	{ "server: {workers: many}\n",
	  "1:19: server.workers: 'many' is not a whole number; write a whole number from 0 to 256" },
	{ "server: {workers: 257}\n",
	  "1:19: server.workers: '257' is out of range; write a whole number from 0 to 256" },
	{ "server: {workers: -1}\n", "1:19: server.workers: '-1' is not a whole number" },
	{ "server: {workers: 99999999999999999999}\n", "1:19: server.workers: '99999999999999999999' is out" },
	{ "server: {workers: [1]}\n", "1:19: server.workers: a list stands where one value should be" },
	{ "server: {workers: {a: 1}}\n", "1:19: server.workers: a map stands where one value should be" },
	{ "server:\n  workers:\n", "2:11: server.workers: no value; write a whole number" },
	{ "cache: {size: big}\n", "1:15: cache.size: 'big' is not a size; write a size from 1MiB to 1TiB" },
	{ "cache: {size: 1KiB}\n", "1:15: cache.size: '1KiB' is out of range; write a size from 1MiB" },
	{ "server: {tcp-idle-timeout: 10}\n",
	  "1:28: server.tcp-idle-timeout: '10' is not a time; write a time from 100ms to 1h" },
	{ "resolver: {stale-max: 1500ms}\n",
	  "1:23: resolver.stale-max: '1500ms' is not a number of whole seconds" },
	{ "resolver: {stale-max: 2w}\n", "1:23: resolver.stale-max: '2w' is out of range" },
	{ "resolver: {ipv6: maybe}\n",
	  "1:18: resolver.ipv6: 'maybe' is neither true nor false; write true or false" },
	{ "server: {log-level: warnings}\n",
	  "1:21: server.log-level: 'warnings' is not known, did you mean 'warning'?; write error, warning, info or debug" },
	{ "server: {log-level: loud}\n", "1:21: server.log-level: 'loud' is not known; write error" },
	{ "server: {listen: \"127.0.0.1@53\"}\n",
	  "1:18: server.listen: a text stands where a list should be; write a list of addresses" },

	/* addresses */
	{ "server: {listen: []}", "1:18: server.listen: no address to answer on" },
	{ "server: {listen: [127.0.0.300@53]}",
	  "1:19: server.listen: '127.0.0.300@53' is not an address with a port; write a list" },
	{ "server: {listen: [localhost]}", "1:19: server.listen: 'localhost' is not an address" },
	{ "server: {listen: [127.0.0.1@0]}", "1:19: server.listen: '127.0.0.1@0' is not an address with a port" },
	{ "server: {listen: [127.0.0.1@65536]}", "1:19: server.listen: '127.0.0.1@65536' is not" },
	{ "server: {listen: [[127.0.0.1]]}", "1:19: server.listen: a list stands where a text should be" },
	{ "server: {listen: [127.0.0.1, ~]}", "1:30: server.listen: nothing stands where a text should be" },
	{ "server: {listen: [127.0.0.1, 127.0.0.1@53]}",
	  "1:30: server.listen: 127.0.0.1@53 stands here a second time" },
	{ "server: {listen: [224.0.0.1]}", "1:19: server.listen: 224.0.0.1@53 is a multicast address" },
	{ "server: {listen: [\"fe80::1\"]}", "1:19: server.listen: fe80::1@53 is link-local" },
	{ "server: {listen: [0.0.0.0, \"::\"]}", "" },
	{ "resolver: {source-addresses: [192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 192.0.2.5, "
	  "192.0.2.6, 192.0.2.7, 192.0.2.8, 192.0.2.9, 192.0.2.10, 192.0.2.11, 192.0.2.12, "
	  "192.0.2.13, 192.0.2.14, 192.0.2.15, 192.0.2.16, 192.0.2.17]}",
	  "1:214: resolver.source-addresses: 192.0.2.17 is the 17th of its family" },
	{ "resolver: {source-addresses: [0.0.0.0]}", "1:31: resolver.source-addresses: 0.0.0.0 stands for" },
	{ "resolver: {ipv4: false, ipv6: false}", "1:31: resolver: ipv4 and ipv6 are both off" },

	/* forward zones */
	{ "resolver: {forward: {zone: .}}", "1:21: resolver.forward: a map stands where a list should be" },
	{ "resolver: {forward: [{}]}",
	  "1:22: a forward zone without 'to'\n1:22: a forward zone without 'zone'" },
	{ "resolver: {forward: [{zone: ., to: []}]}", "1:36: resolver.forward[].to: the list is empty" },
	{ "resolver: {forward: [{zone: a..b, to: [192.0.2.1]}]}",
	  "1:29: resolver.forward[].zone: 'a..b' is not a domain name" },
	{ "resolver: {forward: [{zone: ., to: [0.0.0.0]}]}",
	  "1:37: resolver.forward[].to: 0.0.0.0@53 stands for all addresses" },
	{ "resolver: {forward: [{zone: ., to: [192.0.2.1@853], tls: true}]}",
	  "1:58: resolver.forward[].tls: true needs something that the resolver can be known by; add tls-name or tls-pins" },
	{ "resolver: {forward: [{zone: ., to: [192.0.2.1@853], tls: opportunistic, tls-name: a.b}]}",
	  "1:58: resolver.forward[].tls: opportunistic looks at no certificate" },
	{ "resolver: {forward: [{zone: ., to: [192.0.2.1], tls-name: a.b}]}",
	  "1:22: resolver.forward[].tls: false looks at no certificate" },
	{ "resolver: {forward: [{zone: ., to: [192.0.2.1@853], tls: yes}]}",
	  "1:58: resolver.forward[].tls: 'yes' is not known" },
	{ "resolver: {forward: [{zone: ., to: [192.0.2.1@853], tls: true, tls-pins: [abc]}]}",
	  "1:75: resolver.forward[].tls-pins: 'abc' is not a SHA-256 hash in base64, which has 44 characters" },
	{ "resolver: {forward: [{zone: ., to: [192.0.2.1@853], tls: true, tls-ca: /etc/passwd, tls-pins: [\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"]}]}",
	  "1:72: resolver.forward[].tls-ca is of use with tls-name only; add it" },
	{ "server: {listen: [0.0.0.0]}\nresolver: {forward: [{zone: ., to: [127.0.0.5]}]}",
	  "2:37: resolver.forward[].to: 127.0.0.5@53 is this server's own listen address" },
	{ "resolver: {forward: [{zone: ., to: [127.0.0.1]}]}",
	  "1:37: resolver.forward[].to: 127.0.0.1@53 is this server's own listen address" },
	{ "resolver:\n  forward:\n  - {zone: A.b, to: [192.0.2.1]}\n  - {zone: a.B., to: [192.0.2.2]}\n",
	  "4:12: resolver.forward[].zone: a.b stands here a second time, the first is in line 3" },

	/* files */
	{ "resolver: {root-hints: gone}",
	  "1:24: resolver.root-hints: cannot read '/tmp/weir-config-" },
	{ "resolver: {root-hints: badhints}", "1:24: resolver.root-hints: line 2: " },
	{ "resolver: {trust-anchors: folder}", "1:27: resolver.trust-anchors: cannot read" },
	{ "lists: [{name: a, file: gone}]", "1:25: lists[].file: cannot read" },
	{ "lists: [{name: a, file: folder}]", "1:25: lists[].file: cannot read" },
	{ "lists: [{name: a, file: fifo}]", "1:25: lists[].file: cannot read" },
	{ "lists: [{name: a, file: \"\"}]", "1:9: a list without 'file', 'url' or 'primaries'" },
	{ "state: good.txt", "1:8: state: this is not a folder" },
	{ "control: 0123456789012345678901234567890123456789012345678901234567890123456789"
	  "0123456789012345678901234567890123456789", "1:10: control: the path of a socket has at most 107" },

	/* lists */
	{ "lists: [{file: good.txt}]", "1:9: a list without 'name'; add 'name:' with a name of at most" },
	{ "lists: [{name: a}]", "1:9: a list without 'file', 'url' or 'primaries'" },
	{ "state: /s\nlists: [{name: a, file: good.txt, url: \"https://a.example/x\"}]",
	  "2:40: lists[].url: the list has a file already" },
	{ "lists: [{name: a, url: \"https://a.example/x\"}]", "1:24: lists[].url: downloads need a folder" },
	{ "state: /s\nlists: [{name: a, url: \"http://a.example/x\"}]", "2:24: lists[].url: this is not protected" },
	{ "state: /s\nlists: [{name: a, url: \"file:///etc/passwd\"}]", "2:24: lists[].url: this is not a URL to download" },
	{ "state: /s\nlists: [{name: a, url: \"https:///x\"}]", "2:24: lists[].url: this names no host" },
	{ "state: /s\nlists: [{name: a, url: \"https://x/taxii/\", collection: c, format: csv}]",
	  "2:67: lists[].format: what a TAXII server has is of format stix" },
	{ "state: /s\nlists: [{name: a, url: \"https://x/f/manifest.json?x\", format: stix}]",
	  "2:63: lists[].format: what a MISP feed or server has is of format misp" },
	{ "state: /s\nlists: [{name: a, url: \"https://u:p@a.example/x\"}]", "2:24: lists[].url: this holds a password" },
	{ "state: /s\nlists: [{name: a, url: \"https://a.example/x y\"}]", "2:24: lists[].url: this has a character" },
	{ "state: /s\nlists: [{name: a, url: \"https://a.example/\", mirrors: [\"ftp://b.example\"]}]",
	  "2:56: lists[].mirrors: this is not a URL" },
	{ "state: /s\nlists: [{name: a, url: \"https://a.example/\", headers: [\"nonsense\"]}]",
	  "2:56: lists[].headers: write" },
	{ "state: /s\nlists: [{name: a, url: \"https://a.example/\", proxy: \"ftp://b\"}]", "2:53: lists[].proxy: write" },
	{ "state: /s\nlists: [{name: a, url: \"https://a.example/\", header-file: gone}]",
	  "2:59: lists[].header-file: cannot read" },
	{ "lists: [a]", "1:9: a text stands where the keys of a list should be" },
	{ "lists:\n  -\n", "2:4: nothing stands where the keys of a list should be" },
	{ "lists: {a: 1}", "1:8: lists: a map stands where a list should be" },
	{ "lists: [{name: a b, file: good.txt}]", "1:16: lists[].name: 'a b' cannot be a name" },
	{ "lists: [{name: .., file: good.txt}]", "1:16: lists[].name: '..' cannot be a name" },
	{ "lists:\n- {name: a, file: good.txt}\n- {name: a, file: good.txt}\n",
	  "3:10: lists[].name: 'a' is the name of the list in line 2 already" },
	{ LIST ", format: zonefile}]", "1:43: lists[].format: 'zonefile' is not known; write domains, wildcard" },
	{ LIST ", action: address}]", "1:43: lists[].action: address needs addresses" },
	{ LIST ", addresses: [192.0.2.1]}]", "1:46: lists[].addresses are of use with 'action: address' only" },
	{ LIST ", action: address, addresses: [x]}]",
	  "1:43: lists[].action: address needs\n1:64: lists[].addresses: 'x' is not an address" },
	{ LIST ", action: redirect}]", "1:43: lists[].action: redirect needs a name" },
	{ LIST ", target: x.example}]", "1:43: lists[].target is of use with 'action: redirect' only" },
	{ LIST ", match: answer}]", "1:42: lists[].match: answer compares addresses" },
	{ LIST ", format: addresses}]", "1:43: lists[].format: addresses cannot be compared with names" },
	{ LIST ", format: addresses, match: nameserver}]", "" },
	{ LIST ", format: hosts, subdomains: false}]",
	  "1:62: warning: lists[].subdomains has no effect with 'format: hosts'" },
	{ LIST ", ede: 19}]", "1:40: lists[].ede: '19' is out of range; write a whole number from 0 to 18" },
	{ LIST ", ede: 5}]", "1:40: lists[].ede: 5 does not stand for a policy; write 0, 4, or 15 to 18" },
	{ LIST ", max-ttl: 1m}]", "1:44: lists[].max-ttl has no effect with 'format: domains'" },

	/* groups */
	{ "groups: [{clients: [127.0.0.1]}]", "1:10: a group without 'name'" },
	{ "groups: [{name: g}]", "1:10: a group without 'clients'" },
	{ "groups: [{name: g, clients: []}]", "1:29: groups[].clients: the list is empty" },
	{ "groups: [{name: g, clients: [10.0.0.1/8]}]",
	  "1:30: groups[].clients: '10.0.0.1/8' has bits set behind the prefix; write 10.0.0.0/8" },
	{ "groups: [{name: g, clients: [10.0.0.0/33]}]",
	  "1:30: groups[].clients: '10.0.0.0/33' is not an address or prefix" },
	{ LIST "}]\n" GROUP ", lists: [b]}]",
	  "1:9: warning: the list 'a' is in no group's 'lists'\n2:50: groups[].lists: there is no list 'b'; did you mean 'a'?" },
	{ GROUP ", lists: [malware]}]", "1:50: groups[].lists: there is no list 'malware'; add it" },
	{ LIST "}]\n" GROUP ", lists: [a, a]}]", "2:53: groups[].lists: 'a' stands here a second time" },
	{ "groups:\n- {name: g, clients: [10.0.0.0/8]}\n- {name: g, clients: [10.0.0.0/9]}\n",
	  "3:10: groups[].name: 'g' is the name of the group in line 2 already" },
	{ "groups:\n- {name: g, clients: [10.0.0.0/8]}\n- {name: h, clients: [10.0.0.0/8]}\n",
	  "3:23: groups[].clients: 10.0.0.0/8 is in group 'g' already (line 2)" },
	{ "groups:\n- {name: g, clients: [\"::ffff:10.0.0.1\"]}\n- {name: h, clients: [10.0.0.1/32]}\n",
	  "3:23: groups[].clients: 10.0.0.1/32 is in group 'g' already (line 2)" },
	{ "groups: [{name: g, clients: [10.0.0.1, 10.0.0.1/32]}]",
	  "1:40: groups[].clients: 10.0.0.1/32 stands here a second time" },
	{ "groups: [{name: g, clients: [\"::/0\"]}]", "1:30: warning: groups[].clients: this is everybody" },
	{ GROUP ", default: deny}]", "1:51: warning: groups[].default: deny without a list of action allow" },
	{ LIST ", action: allow}]\n" GROUP ", default: deny, lists: [a]}]", "" },
	{ GROUP ", default: block}]", "1:51: groups[].default: 'block' is not known; write allow or deny" },

	/* events */
	{ "events: {all: true}", "1:15: warning: events.all has no effect" },

	/* everything at once, in the order of the file, and after a syntax error what came before it */
	{ "cache: {size: x}\nserver:\n  workers: y\nbla: 1\n",
	  "1:15: cache.size\n3:12: server.workers\n4:1: unknown key 'bla'" },
	{ "cache: {size: x}\nlists: [{name: a}]\n\tx", "1:15: cache.size\n3:1: YAML: a tab" },
};
/* clang-format on */

/* Does problem i begin with the place and hold the part that the line of `expected` says? */
static bool is_as_expected(const struct config_problems *p, unsigned i, const char *expected,
                           size_t n_expected)
{
	char text[1024], place[32];
	unsigned line = 0, column = 0;
	int n = 0;
	char copy[512];
	snprintf(copy, sizeof copy, "%.*s", (int)n_expected, expected);
	if (i >= p->n || sscanf(copy, "%u:%u: %n", &line, &column, &n) != 2)
		return false;
	config_problem_text(p, i, text, sizeof text);
	snprintf(place, sizeof place, ":%u:%u: ", line, column);
	return p->at[i].place.line == line && p->at[i].place.column == column &&
	       strstr(text, place) != NULL && strstr(text, copy + n) != NULL;
}

static bool check_row(const struct row *row)
{
	struct config *c = NULL;
	struct config_problems p = { 0 };
	unsigned i = 0;
	bool is_good = true;
	int e = load(row->text, strlen(row->text), &c, &p);
	for (const char *at = row->problems; *at != 0; i++) {
		size_t n = strcspn(at, "\n");
		is_good &= is_as_expected(&p, i, at, n);
		at += n + (at[n] == '\n');
	}
	is_good &= i == p.n && (e == 0) == (p.n_errors == 0) && (e == 0) == (c != NULL);
	if (!is_good) {
		config_problems_print(&p, stderr);
		fprintf(stderr, "--- expected these %u for:\n%s\n---\n%s\n\n", i, row->text,
		        row->problems);
	}
	config_problems_done(&p);
	config_free(c);
	return is_good;
}

static void test_problems(void **state)
{
	char path[256];
	(void)state;
	snprintf(path, sizeof path, "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	unsigned n_bad = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		n_bad += !check_row(&rows[i]);
	assert_int_equal(n_bad, 0);
}

/* ---- what comes out ---- */

static struct config *load_good(const char *text)
{
	struct config *c = NULL;
	struct config_problems p = { 0 };
	int e = load(text, strlen(text), &c, &p);
	config_problems_print(&p, stderr);
	assert_int_equal(e, 0);
	config_problems_done(&p);
	return c;
}

static void test_defaults(void **state)
{
	struct config *c = load_good("{}");
	(void)state;
	assert_int_equal(c->server.listen.n, 2);
	assert_int_equal(c->server.listen.at[0].port, 53);
	assert_true(addr_is_loopback(&c->server.listen.at[1].addr));
	assert_int_equal(c->server.workers, 0);
	assert_string_equal(c->server.log_level, "info");
	assert_null(c->server.user);
	assert_null(c->resolver.root_hints);
	assert_int_equal(c->resolver.upstream_port, 53);
	assert_int_equal(c->resolver.time_limit_ms, 10000);
	assert_int_equal(c->resolver.stale_max_s, 86400);
	assert_true(c->resolver.ipv6);
	assert_int_equal(c->cache.size_bytes, 256 << 20);
	assert_int_equal(c->n_hints, 13);
	assert_null(c->control);
	assert_null(c->events.file);
	/* The machine itself is served, and nobody else. */
	assert_int_equal(c->groups.n, 1);
	assert_string_equal(c->groups.at[0].name, "default");
	assert_int_equal(c->groups.at[0].clients.n, 2);
	assert_string_equal(c->groups.at[0].default_action, "allow");
	config_free(c);
}

static const char whole[] = "server:\n"
			    "  listen: [\"127.0.0.1@5353\", \"::1@5354\"]\n"
			    "  workers: 1\n"
			    "resolver:\n"
			    "  root-hints: hints\n"
			    "  trust-anchors: none\n"
			    "  upstream-port: 5300\n"
			    "  forward:\n"
			    "    - zone: \".\"\n"
			    "      to: [\"192.0.2.1@53\"]\n"
			    "    - zone: Corp.Example.\n"
			    "      to: [\"192.0.2.2\", \"2001:db8::1@5353\"]\n"
			    "cache:\n"
			    "  size: 64MiB\n"
			    "lists:\n"
			    "  - name: malware\n"
			    "    file: good.txt\n"
			    "    ttl: 5m\n"
			    "    subdomains: false\n"
			    "  - name: sink\n"
			    "    file: ./folder/../good.txt\n"
			    "    format: hosts\n"
			    "    action: address\n"
			    "    addresses: [192.0.2.9, \"2001:db8::9\"]\n"
			    "groups:\n"
			    "  - name: default\n"
			    "    clients: [\"127.0.0.0/8\", \"::1\", \"10.0.0.0/8\"]\n"
			    "    lists: [malware, sink]\n"
			    "    default: deny\n"
			    "    deny-action: refused\n"
			    "    log: all\n"
			    "events:\n"
			    "  file: \"-\"\n"
			    "control: run/control \"sock\"\\x\n"
			    "state: /var/lib/weir\n";

static void test_formats_that_follow(void **state)
{
	static const char *const formats[] = { "stix", "misp", "misp", "domains" };
	(void)state;
	struct config *c = load_good("state: /s\nlists:\n"
	                             "  - {name: a, url: \"https://x/taxii2/\", collection: c}\n"
	                             "  - {name: b, url: \"https://x/f/manifest.json\"}\n"
	                             "  - {name: c, url: \"https://x/attributes/restSearch\"}\n"
	                             "  - {name: d, url: \"https://x/manifest.json.txt\"}\n");
	for (unsigned i = 0; i < ARRAY_LEN(formats); i++)
		assert_string_equal(c->lists.at[i].format, formats[i]);
	config_free(c);
}

static void test_whole(void **state)
{
	struct config *c = load_good(whole);
	char path[300];
	struct name corp;
	(void)state;
	assert_int_equal(c->server.listen.at[1].port, 5354);
	assert_int_equal(c->server.workers, 1);
	assert_int_equal(c->n_hints, 1);
	assert_string_equal(c->resolver.trust_anchors, "none");
	assert_int_equal(c->resolver.upstream_port, 5300);
	assert_int_equal(c->resolver.forwards.n, 2);
	assert_int_equal(name_from_text("corp.example", 12, &corp), 0);
	assert_true(name_equal(c->resolver.forwards.at[1].zone.wire, corp.wire));
	assert_int_equal(c->resolver.forwards.at[1].to.at[0].port, 53);
	assert_int_equal(c->resolver.forwards.at[1].to.at[1].port, 5353);
	assert_int_equal(c->resolver.forwards.at[1].place.line, 11);
	assert_int_equal(c->lists.n, 2);
	assert_string_equal(c->lists.at[0].name, "malware");
	snprintf(path, sizeof path, "%s/good.txt", folder);
	assert_string_equal(c->lists.at[0].file, path);
	assert_string_equal(c->lists.at[0].format, "domains");
	assert_string_equal(c->lists.at[0].action, "given");
	assert_int_equal(c->lists.at[0].ttl_s, 300);
	assert_false(c->lists.at[0].subdomains);
	assert_true(c->lists.at[1].subdomains);
	assert_int_equal(c->lists.at[1].addresses.n, 2);
	assert_int_equal(c->lists.at[1].place.line, 20);
	assert_int_equal(c->lists.at[1].place.column, 5);
	assert_int_equal(c->groups.at[0].clients.n, 3);
	assert_int_equal(c->groups.at[0].clients.at[2].length, 8);
	assert_string_equal(c->groups.at[0].lists.at[1], "sink");
	assert_string_equal(c->groups.at[0].default_action, "deny");
	assert_string_equal(c->groups.at[0].deny_action, "refused");
	assert_string_equal(c->events.file, "-");
	snprintf(path, sizeof path, "%s/run/control \"sock\"\\x", folder);
	assert_string_equal(c->control, path);
	assert_string_equal(c->state, "/var/lib/weir");
	config_free(c);
}

static char *print(const struct config *c)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	config_print(c, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void check_round_trip(const char *text)
{
	struct config *first = load_good(text);
	char *printed = print(first);
	struct config *second = load_good(printed);
	char *again = print(second);
	assert_string_equal(printed, again);
	free(printed);
	free(again);
	config_free(first);
	config_free(second);
}

static void test_print(void **state)
{
	(void)state;
	check_round_trip("{}");
	check_round_trip(whole);
	check_round_trip("control: \"a\\u00e4\\U0001F600\\n\\x7f\\\"'\"\n");
	char *defaults = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&defaults, &n);
	config_print_defaults(f);
	assert_int_equal(fclose(f), 0);
	struct config *a = load_good(defaults), *b = load_good("{}");
	char *text_a = print(a), *text_b = print(b);
	assert_string_equal(text_a, text_b); /* the defaults shown are the defaults in force */
	free(text_a);
	free(text_b);
	free(defaults);
	config_free(a);
	config_free(b);
}

static void test_needs_restart(void **state)
{
	struct config *a = load_good("{}");
	struct config *b = load_good("server: {workers: 3, log-level: debug, listen: [127.0.0.1]}\n"
	                             "lists: [{name: a, file: good.txt}]\n"
	                             "resolver: {forward: [{zone: ., to: [192.0.2.1]}]}\n");
	char text[256], cut[10];
	(void)state;
	assert_int_equal(config_needs_restart(a, a, text, sizeof text), 0);
	assert_string_equal(text, "");
	assert_int_equal(config_needs_restart(a, b, text, sizeof text), 3);
	assert_string_equal(text, "server.listen, server.workers, resolver.forward");
	assert_int_equal(config_needs_restart(a, b, cut, sizeof cut), 3);
	assert_string_equal(cut, "server.li");
	config_free(a);
	config_free(b);
}

/* ---- files and limits ---- */

static void test_files(void **state)
{
	struct config *c = NULL;
	struct config_problems p = { 0 };
	char path[256];
	(void)state;
	snprintf(path, sizeof path, "%s/weir.yaml", folder);
	assert_int_equal(config_load(path, &c, &p), -ENOENT);
	assert_int_equal(p.n_errors, 1);
	assert_non_null(strstr(p.at[0].text, "No such file"));
	config_problems_done(&p);
	assert_int_equal(config_load(folder, &c, &p), -EISDIR);
	config_problems_done(&p);
	assert_int_equal(config_load("/dev/zero", &c, &p), -EINVAL);
	config_problems_done(&p);
	write_file("weir.yaml", whole);
	assert_int_equal(config_load(path, &c, &p), 0);
	assert_int_equal(c->lists.n, 2);
	assert_string_equal(c->path, path);
	config_problems_done(&p);
	config_free(c);
}

/* A list whose file is gone is no reason not to start: there may be a last good copy. */
static void test_missing_list(void **state)
{
	static const char text[] = "lists: [{name: a, file: gone}]";
	struct config *c = NULL;
	struct config_problems p = { 0 };
	(void)state;
	assert_int_equal(load(text, strlen(text), &c, &p), 0);
	assert_int_equal(p.n_missing, 1);
	assert_int_equal(p.at[0].severity, CONFIG_MISSING);
	assert_int_equal(c->lists.n, 1);
	config_problems_done(&p);
	config_free(c);
}

static void check_limit(const char *head, const char *repeated, unsigned times, const char *says)
{
	size_t n = strlen(head), n_each = strlen(repeated);
	char *text = malloc(n + n_each * times + 1);
	struct config *c = NULL;
	struct config_problems p = { 0 };
	assert_non_null(text);
	memcpy(text, head, n);
	for (unsigned i = 0; i < times; i++, n += n_each)
		memcpy(text + n, repeated, n_each);
	text[n] = 0;
	assert_int_equal(load(text, n, &c, &p), -EINVAL);
	bool is_said = false;
	for (unsigned i = 0; i < p.n; i++)
		is_said |= strstr(p.at[i].text, says) != NULL;
	if (!is_said)
		fail_msg("not '%s' but: %s", says, p.at[0].text);
	config_problems_done(&p);
	free(text);
}

static void test_limits(void **state)
{
	(void)state;
	check_limit("#", " ", CONFIG_MAX_BYTES, "longer than 4 MiB");
	check_limit("lists:\n", "- \n", 100001, "more than 100000 values");
	check_limit("lists:\n", "- {}\n", CONFIG_MAX_LISTS + 1, "4097 entries; 4096 is the limit");
	check_limit("server: {listen: [", "127.0.0.1,", 0, "did not find expected");
	check_limit("server:\n  listen:\n", "  - 127.0.0.1\n", 65, "more than 64 entries");
	check_limit("", "[", 2000000, "nested more than 8 deep");
	check_limit("", "- ", 1000000, "nested more than 8 deep");
	check_limit("", "{a: ", 500000, "unknown key");
	check_limit("", "? ", 500000, "a key");
	check_limit("server:\n", "  x: 1\n", 5000, "unknown key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_problems),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_formats_that_follow),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_needs_restart),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_missing_list),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
